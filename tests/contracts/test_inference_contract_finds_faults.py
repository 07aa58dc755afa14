"""The contract suite must be able to fail: backends that break one duty each, and the test that notices."""

import asyncio
from pathlib import Path

import attrs
import pytest

from qwen_dataset.adapters.inference.concurrent import ConcurrentBackend
from qwen_dataset.domain.inference import Completion, Outcome, Request
from qwen_dataset.errors import BackendUnavailable
from qwen_dataset.ports.inference import InferenceBackend, Progress
from qwen_dataset.testing.inference_contract import Asked, InferenceBackendContract


async def _echo(request: Request) -> Outcome:
    await asyncio.sleep(0)
    return Completion(request_id=request.id, text=request.messages[0].content)


class _Sound(ConcurrentBackend):
    def __init__(self):
        super().__init__(_echo, realm="test")


class _Twice(_Sound):
    async def results(self, handle, requests):
        async for outcome in super().results(handle, requests):
            yield outcome
            yield outcome


class _LosesOne(_Sound):
    async def results(self, handle, requests):
        first = True
        async for outcome in super().results(handle, requests):
            if not first:
                yield outcome
            first = False


class _NewJobEachTime(_Sound):
    made = 0

    async def submit(self, key, requests):
        type(self).made += 1
        return attrs.evolve(await super().submit(key, requests), token=f"job {self.made}")


class _ClosedForGood(_Sound):
    closed = False

    async def poll(self, handle):
        if self.closed:
            raise BackendUnavailable("closed")
        return await super().poll(handle)

    async def __aexit__(self, *_):
        self.closed = True


class _LosesItsConnection(ConcurrentBackend):
    """What a factory gets that opens its client once: after the end every call fails."""

    def __init__(self):
        super().__init__(self._ask, realm="test")
        self.client = _echo

    async def _ask(self, request):
        return await self.client(request)

    async def __aexit__(self, *_):
        self.client = None


class _ForgetsTheKey(_Sound):
    async def submit(self, key, requests):
        return await super().submit("always the same", requests)


class _LeavesATask(_Sound):
    async def results(self, handle, requests):
        self.task = asyncio.create_task(asyncio.sleep(3600))
        async for outcome in super().results(handle, requests):
            yield outcome


class _NeverReady(_Sound):
    async def poll(self, handle):
        return Progress(ready=False)


class _NeverThere(_Sound):
    async def submit(self, key, requests):
        raise BackendUnavailable("down")


class _CancelsNothing(_Sound):
    async def cancel(self, handle):
        return handle


class _ReadsOn(_Sound):
    async def results(self, handle, requests):
        async for request in requests:
            yield await _echo(request)
        async for _ in requests:
            pass


class _WrongText(_Sound):
    async def results(self, handle, requests):
        async for outcome in super().results(handle, requests):
            yield attrs.evolve(outcome, text="something")


class _OtherRealm(_Sound):
    made = 0

    def __init__(self):
        super().__init__()
        type(self).made += 1
        self._realm = f"realm {self.made}"


def _suite(backend: type[InferenceBackend]) -> InferenceBackendContract:
    class Suite(InferenceBackendContract):
        realtime = True
        patience = 5

        def make(self, tmp_path: Path) -> InferenceBackend:
            return backend()

        def belongs(self, request: Request, outcome: Outcome) -> bool:
            return not isinstance(outcome, Completion) or outcome.text == request.messages[0].content

    return Suite()


FINDS = [
    (_Twice, "test_each_request_gets_exactly_one_outcome"),
    (_Twice, "test_equal_prompts_with_another_index_are_two_requests"),
    (_LosesOne, "test_each_request_gets_exactly_one_outcome"),
    (_LosesOne, "test_any_subset_can_be_asked_for_as_often_as_wanted"),
    (_LosesOne, "test_prompts_in_any_script_are_answered"),
    (_NewJobEachTime, "test_the_same_key_is_the_same_submission_also_after_a_restart"),
    (_ClosedForGood, "test_after_it_was_left_it_can_be_entered_again_and_works_as_before"),
    (_LosesItsConnection, "test_after_it_was_left_it_can_be_entered_again_and_works_as_before"),
    (_ForgetsTheKey, "test_another_key_is_another_submission"),
    (_LeavesATask, "test_closing_the_generator_midway_leaves_no_task"),
    (_LeavesATask, "test_an_exception_in_the_consumer_leaves_no_task"),
    (_LeavesATask, "test_cancelling_the_consumer_leaves_no_task"),
    (_NeverReady, "test_poll_says_ready_in_the_end_and_stays_so"),
    (_NeverThere, "test_no_requests_give_no_outcomes"),
    (_CancelsNothing, "test_a_cancelled_submission_answers_all_and_spends_nothing_more"),
    (_ReadsOn, "test_requests_that_end_early_are_answered_as_far_as_they_went"),
    (_WrongText, "test_each_request_gets_exactly_one_outcome"),
    (_OtherRealm, "test_limits_and_realm_are_usable_and_the_same_after_a_restart"),
]


@pytest.mark.parametrize(("backend", "test"), FINDS)
def test_a_broken_duty_is_noticed(tmp_path, backend, test):
    getattr(_suite(_Sound), test)(tmp_path)
    with pytest.raises(AssertionError):
        getattr(_suite(backend), test)(tmp_path)


def test_the_suite_has_to_be_given_a_backend(tmp_path):
    with pytest.raises(NotImplementedError):
        InferenceBackendContract().test_no_requests_give_no_outcomes(tmp_path)


def test_asked_counts_what_is_taken():
    async def scenario():
        asked = Asked([Request(messages=(), model="m", index=index) for index in range(3)])
        assert len([each async for each in asked]) == 3
        assert asked.taken == 3

    asyncio.run(scenario())
