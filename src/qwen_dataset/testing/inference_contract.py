"""The duties of ``InferenceBackend`` as tests. Subclass, implement ``make``, and pytest runs them on your adapter.

class TestMyBackend(InferenceBackendContract):
    def make(self, tmp_path):
        return MyBackend(server=local_server(tmp_path))
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from pathlib import Path

import attrs

from ..domain.inference import Completion, Failure, FailureKind, Message, Outcome, Request
from ..ports.inference import JobHandle
from ._inference_driver import Asked, InferenceDriver, requests_of


class InferenceBackendContract(InferenceDriver):
    """Every duty that the port's docstrings name. No test waits: time passes in ``sleep`` only.

    Implement ``make``; see ``InferenceDriver`` for what else may be said of a backend.
    """

    def test_limits_and_realm_are_usable_and_the_same_after_a_restart(self, tmp_path: Path) -> None:
        first, second = self.make(tmp_path), self.make(tmp_path)
        assert first.realm
        assert first.realm == second.realm
        assert first.limits == second.limits
        # What may be 0 is looked at apart.
        assert min(attrs.astuple(attrs.evolve(first.limits, settle_seconds=1.0, findable_seconds=1.0))) > 0
        assert min(first.limits.settle_seconds, first.limits.findable_seconds) >= 0

    def test_the_same_key_is_the_same_submission_also_after_a_restart(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            requests = requests_of(5)
            async with self.make(tmp_path) as backend:
                first = await self._submit(backend, "job/1/a", requests)
                await self.sleep(backend, backend.limits.settle_seconds)
                assert await self._submit(backend, "job/1/a", requests) == first
            async with self.make(tmp_path) as backend:
                again = await self._submit(backend, "job/1/a", requests)
                assert again == first
                await self._check_all(backend, again, requests)
            paid = self.paid(tmp_path)
            assert paid is None or max(paid.values(), default=0) <= 1

        asyncio.run(scenario())

    def test_after_it_was_left_it_can_be_entered_again_and_works_as_before(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            requests, others = requests_of(40), requests_of(40, start=100)
            backend = self.make(tmp_path)
            async with backend:
                first = await self._submit(backend, "job/1/a", requests)
                before = await self._check_all(backend, first, requests)
            async with backend:
                again = await self._check_all(backend, first, requests)
                assert self.realtime or again == before
                second = await self._submit(backend, "job/1/b", others)
                after = await self._check_all(backend, second, others)
                # What was closed for good may still give an outcome for each request: failures only.
                assert _any_answer(after) or not _any_answer(before)

        asyncio.run(scenario())

    def test_another_key_is_another_submission(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            async with self.make(tmp_path) as backend:
                first = await self._submit(backend, "job/1/a", requests_of(3))
                second = await self._submit(backend, "job/1/b", requests_of(3, start=100))
                assert first != second
                assert (first.key, second.key) == ("job/1/a", "job/1/b")
                await self._check_all(backend, first, requests_of(3))
                await self._check_all(backend, second, requests_of(3, start=100))

        asyncio.run(scenario())

    def test_submitting_alone_answers_nothing_in_realtime(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            async with self.make(tmp_path) as backend:
                await self._submit(backend, "job/1/a", requests_of(3))
            paid = self.paid(tmp_path)
            assert not self.realtime or not paid

        asyncio.run(scenario())

    def test_poll_says_ready_in_the_end_and_stays_so(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            async with self.make(tmp_path) as backend:
                handle = await self._submit(backend, "job/1/a", requests_of(4))
                progress = await self._until_ready(backend, handle)
                assert progress.completed + progress.failed <= max(progress.total, 4)
                assert (await self._ask(backend, lambda: backend.poll(handle))).ready

        asyncio.run(scenario())

    def test_each_request_gets_exactly_one_outcome(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            requests = requests_of(500)
            async with self.make(tmp_path) as backend:
                handle = await self._submit(backend, "job/1/a", requests)
                await self._check_all(backend, handle, requests)

        asyncio.run(scenario())

    def test_any_subset_can_be_asked_for_as_often_as_wanted(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            requests = requests_of(40)
            async with self.make(tmp_path) as backend:
                handle = await self._submit(backend, "job/1/a", requests)
                everything = await self._check_all(backend, handle, requests)
                for subset in (requests[::3], requests[5:6], requests[::-1], requests):
                    part = await self._check_all(backend, handle, subset)
                    assert self.realtime or all(part[each.id] == everything[each.id] for each in subset)
            async with self.make(tmp_path) as backend:
                after = await self._check_all(backend, handle, requests[10:20])
                assert self.realtime or all(after[each.id] == everything[each.id] for each in requests[10:20])

        asyncio.run(scenario())

    def test_a_handle_is_plain_data_that_works_in_another_process(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            requests = requests_of(3)
            async with self.make(tmp_path) as backend:
                stored = attrs.asdict(await self._submit(backend, "job/1/a", requests))
            assert all(isinstance(value, str) for value in stored.values())
            async with self.make(tmp_path) as backend:
                await self._check_all(backend, JobHandle(**stored), requests)

        asyncio.run(scenario())

    def test_requests_that_end_early_are_answered_as_far_as_they_went(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            requests = requests_of(10)
            async with self.make(tmp_path) as backend:
                handle = await self._submit(backend, "job/1/a", requests)
                asked = Asked(requests[:3])
                await self._until_ready(backend, handle)
                outcomes = [outcome async for outcome in backend.results(handle, asked)]
                assert sorted(outcome.request_id for outcome in outcomes) == sorted(each.id for each in requests[:3])
                assert asked.taken == 3

        asyncio.run(scenario())

    def test_no_requests_give_no_outcomes(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            async with self.make(tmp_path) as backend:
                handle = await self._submit(backend, "job/1/a", requests_of(2))
                assert await self._check_all(backend, handle, []) == {}

        asyncio.run(scenario())

    def test_equal_prompts_with_another_index_are_two_requests(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            twin = requests_of(1)[0]
            twins = [twin, attrs.evolve(twin, index=1)]
            async with self.make(tmp_path) as backend:
                handle = await self._submit(backend, "job/1/a", twins)
                assert len(await self._check_all(backend, handle, twins)) == 2

        asyncio.run(scenario())

    def test_prompts_in_any_script_are_answered(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            prompts = (
                "请解释什么是量子纠缠。",
                'Ünïcödé \U0001f40d — “quotes” \\ " \n\t end',
                "\u2028 عربى \u0000",
                "0",
            )
            requests = [Request(messages=(Message("user", prompt),), model="m") for prompt in prompts]
            async with self.make(tmp_path) as backend:
                handle = await self._submit(backend, "job/1/a", requests)
                await self._check_all(backend, handle, requests)

        asyncio.run(scenario())

    def test_a_cancelled_submission_answers_all_and_spends_nothing_more(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            requests = requests_of(30)
            async with self.make(tmp_path) as backend:
                handle = await self._submit(backend, "job/1/a", requests)
                before = self.paid(tmp_path) or Counter()
                cancelled = await self._ask(backend, lambda: backend.cancel(handle))
                assert await self._ask(backend, lambda: backend.cancel(cancelled)) == cancelled
                outcomes = await self._check_all(backend, cancelled, requests)
                assert not self.realtime or all(_is_cancelled(outcome) for outcome in outcomes.values())
            async with self.make(tmp_path) as backend:
                await self._check_all(backend, cancelled, requests[::2])
            assert (self.paid(tmp_path) or Counter()) <= before

        asyncio.run(scenario())

    def test_a_submission_may_be_cancelled_after_its_end(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            requests = requests_of(5)
            async with self.make(tmp_path) as backend:
                handle = await self._submit(backend, "job/1/a", requests)
                done = await self._check_all(backend, handle, requests)
                cancelled = await self._ask(backend, lambda: backend.cancel(handle))
                after = await self._check_all(backend, cancelled, requests)
                assert self.realtime or after == done

        asyncio.run(scenario())

    def test_closing_the_generator_midway_leaves_no_task(self, tmp_path: Path) -> None:
        async def close_it(results: AsyncGenerator[Outcome, None]) -> None:
            await anext(results)
            await results.aclose()

        asyncio.run(self._leaves_no_task(tmp_path, close_it))

    def test_an_exception_in_the_consumer_leaves_no_task(self, tmp_path: Path) -> None:
        async def fail(results: AsyncGenerator[Outcome, None]) -> None:
            try:
                async for _ in results:
                    raise KeyError
            except KeyError:
                await results.aclose()

        asyncio.run(self._leaves_no_task(tmp_path, fail))

    def test_cancelling_the_consumer_leaves_no_task(self, tmp_path: Path) -> None:
        async def consume(results: AsyncGenerator[Outcome, None]) -> None:
            async for _ in results:
                await asyncio.Event().wait()

        async def cancel_it(results: AsyncGenerator[Outcome, None]) -> None:
            consumer = asyncio.ensure_future(consume(results))
            for _ in range(20):
                await asyncio.sleep(0)
            consumer.cancel()
            await asyncio.gather(consumer, return_exceptions=True)
            await results.aclose()

        asyncio.run(self._leaves_no_task(tmp_path, cancel_it))

    async def _leaves_no_task(
        self, tmp_path: Path, disturb: Callable[[AsyncGenerator[Outcome, None]], Awaitable[None]]
    ) -> None:
        requests = requests_of(50)
        async with self.make(tmp_path) as backend:
            handle = await self._submit(backend, "job/1/a", requests)
            await self._until_ready(backend, handle)
            before = asyncio.all_tasks()
            await disturb(backend.results(handle, Asked(requests)))
            assert asyncio.all_tasks() == before
            await self._check_all(backend, handle, requests)  # nothing is broken by it


def _any_answer(outcomes: Mapping[str, Outcome]) -> bool:
    return any(isinstance(outcome, Completion) for outcome in outcomes.values())


def _is_cancelled(outcome: Outcome) -> bool:
    return isinstance(outcome, Failure) and outcome.kind is FailureKind.CANCELLED


__all__ = ["Asked", "InferenceBackendContract", "requests_of"]
