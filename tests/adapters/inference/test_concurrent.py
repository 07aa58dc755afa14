import asyncio
import textwrap
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from qwen_dataset.adapters.inference import concurrent
from qwen_dataset.adapters.inference.concurrent import REALTIME_LIMITS, ConcurrentBackend
from qwen_dataset.domain.inference import Completion, Failure, FailureKind, Message, Outcome, Request
from qwen_dataset.errors import BackendRejected, BackendUnavailable
from qwen_dataset.ports.inference import BackendSettings, JobHandle, Limits
from qwen_dataset.testing.inference_contract import Asked, requests_of


def _answer(request: Request) -> Completion:
    return Completion(request_id=request.id, text=request.messages[0].content)


def _backend(complete: Callable[[Request], Awaitable[Outcome]], concurrency: int = 4) -> ConcurrentBackend:
    return ConcurrentBackend(complete, realm="test", limits=Limits(concurrency=concurrency))


async def _collect(backend: ConcurrentBackend, requests: object) -> tuple[list[Outcome], Exception | None]:
    handle = await backend.submit("k", Asked([]))
    outcomes: list[Outcome] = []
    try:
        async for outcome in backend.results(handle, requests):
            outcomes.append(outcome)  # noqa: PERF401  # what came before an error is what is looked at
    except (BackendUnavailable, BackendRejected, OSError) as error:
        return outcomes, error
    return outcomes, None


def test_defaults_are_those_of_a_realtime_service():
    backend = ConcurrentBackend(_never, realm="r")
    assert backend.limits == REALTIME_LIMITS
    assert (backend.limits.concurrency, backend.limits.segment_outcomes) == (16, 100)
    assert (backend.limits.segment_seconds, backend.limits.settle_seconds) == (2.0, 0.0)
    assert backend.realm == "r"


def test_concurrency_replaces_that_of_the_limits_where_it_is_given():
    limits = Limits(concurrency=5, requests=7)
    given = ConcurrentBackend(_never, realm="r", limits=limits, concurrency=2).limits
    assert (given.concurrency, given.requests) == (2, 7)
    assert ConcurrentBackend(_never, realm="r", limits=limits, concurrency=None).limits == limits


def test_a_function_and_a_realm_are_enough():
    async def complete(request):
        return _answer(request)

    async def scenario():
        async with ConcurrentBackend(complete, realm="echo") as backend:
            handle = await backend.submit("k", Asked(requests_of(50)))
            assert handle.backend == "echo"
            assert (await backend.poll(handle)).ready
            outcomes = [outcome async for outcome in backend.results(handle, Asked(requests_of(50)))]
        assert {outcome.request_id: outcome for outcome in outcomes} == {
            request.id: _answer(request) for request in requests_of(50)
        }

    asyncio.run(scenario())


def test_the_plugin_in_the_docstring_works():
    example = concurrent.__doc__.partition("::\n\n")[2]
    names = {}
    exec(textwrap.dedent(example), names)

    async def scenario(offer):
        async with offer.backend as backend:
            handle = await backend.submit("k", Asked([]))
            assert handle.backend == offer.name == "echo"
            return [outcome.text async for outcome in backend.results(handle, Asked(requests_of(1)))]

    offer = names["open_echo"](BackendSettings(concurrency=3))
    assert asyncio.run(scenario(offer)) == [requests_of(1)[0].messages[0].content]
    assert offer.realtime
    assert not offer.either
    assert offer.backend.limits.concurrency == 3
    assert names["open_echo"](BackendSettings()).backend.limits == REALTIME_LIMITS


async def _never(request: Request) -> Outcome:
    raise AssertionError("must not be called")


def test_submit_looks_at_no_request_and_poll_is_ready_at_once():
    async def scenario():
        backend = ConcurrentBackend(_never, realm="r", name="mine")
        asked = Asked(requests_of(3))
        handle = await backend.submit("k", asked)
        assert handle.backend == "mine"
        assert handle.key == "k"
        assert asked.taken == 0
        assert (await backend.poll(handle)).ready
        async with backend as entered:
            assert entered is backend

    asyncio.run(scenario())


def test_a_cancelled_handle_calls_nothing_and_answers_everything():
    async def scenario():
        backend = ConcurrentBackend(_never, realm="r")
        handle = await backend.cancel(await backend.submit("k", Asked([])))
        outcomes = [outcome async for outcome in backend.results(handle, Asked(requests_of(3)))]
        assert [outcome.kind for outcome in outcomes] == [FailureKind.CANCELLED] * 3
        assert all(outcome.retryable for outcome in outcomes)
        assert await backend.cancel(handle) == handle

    asyncio.run(scenario())


@pytest.mark.parametrize("concurrency", [1, 3, 16])
def test_never_more_than_concurrency_in_flight_and_no_reading_ahead(concurrency):
    async def scenario():
        asked = Asked(requests_of(40))
        running = peak = done = 0

        async def complete(request):
            nonlocal running, peak, done
            running += 1
            peak = max(peak, running)
            assert asked.taken <= done + concurrency
            for _ in range(100):
                await asyncio.sleep(0)
            running -= 1
            done += 1
            return _answer(request)

        backend = _backend(complete, concurrency)
        handle = await backend.submit("k", asked)
        got = 0
        async for _ in backend.results(handle, asked):
            got += 1
            # What is taken was answered, is in flight, or waits in the one free place.
            assert asked.taken <= got + concurrency
        assert got == 40
        assert peak == concurrency

    asyncio.run(scenario())


def test_outcomes_come_as_they_finish_while_the_source_is_slow():
    async def scenario():
        gate = asyncio.Event()
        first, second = requests_of(2)

        async def source() -> AsyncIterator[Request]:
            yield first
            await gate.wait()
            yield second

        async def complete(request):
            return _answer(request)

        backend = _backend(complete)
        results = backend.results(await backend.submit("k", Asked([])), source())
        assert (await anext(results)).request_id == first.id
        gate.set()
        assert (await anext(results)).request_id == second.id
        with pytest.raises(StopAsyncIteration):
            await anext(results)

    asyncio.run(scenario())


def test_a_slow_call_holds_back_no_other():
    async def scenario():
        gate = asyncio.Event()
        requests = requests_of(5)

        async def complete(request):
            if request.id == requests[0].id:
                await gate.wait()
            return _answer(request)

        backend = _backend(complete, 2)
        order = []
        async for outcome in backend.results(await backend.submit("k", Asked([])), Asked(requests)):
            order.append(outcome.request_id)
            if len(order) == 4:
                gate.set()
        assert order == [each.id for each in (*requests[1:], requests[0])]

    asyncio.run(scenario())


@pytest.mark.parametrize("error", [BackendUnavailable("down"), BackendRejected("no such key")])
def test_a_backend_error_ends_results_after_all_that_was_started(error):
    async def scenario():
        requests = requests_of(30)
        started = set()

        async def complete(request):
            started.add(request.id)
            await asyncio.sleep(0)
            if request.id == requests[10].id:
                raise error
            for _ in range(requests.index(request) % 7):
                await asyncio.sleep(0)
            return _answer(request)

        outcomes, raised = await _collect(_backend(complete), Asked(requests))
        assert raised is error
        assert {outcome.request_id for outcome in outcomes} == started - {requests[10].id}
        assert len(outcomes) == len(started) - 1 < 20

    asyncio.run(scenario())


def test_the_first_of_two_backend_errors_is_raised():
    async def scenario():
        requests = requests_of(2)

        async def complete(request):
            for _ in range(5 * requests.index(request)):
                await asyncio.sleep(0)
            await asyncio.sleep(0)
            raise BackendUnavailable(str(requests.index(request)))

        outcomes, raised = await _collect(_backend(complete), Asked(requests))
        assert (outcomes, str(raised)) == ([], "0")

    asyncio.run(scenario())


def test_a_backend_error_stops_waiting_for_a_slow_source():
    async def scenario():
        closed = asyncio.Event()

        async def source() -> AsyncIterator[Request]:
            try:
                yield requests_of(1)[0]
                await asyncio.Event().wait()
            finally:
                closed.set()

        async def complete(request):
            await asyncio.sleep(0)
            raise BackendUnavailable("down")

        _, raised = await asyncio.wait_for(_collect(_backend(complete), source()), 5)
        assert isinstance(raised, BackendUnavailable)
        assert closed.is_set()

    asyncio.run(scenario())


def test_a_broken_source_is_raised_after_all_that_was_started():
    async def scenario():
        requests = requests_of(3)

        async def source() -> AsyncIterator[Request]:
            for request in requests:
                yield request
            raise OSError("disk")

        async def complete(request):
            for _ in range(10):
                await asyncio.sleep(0)
            return _answer(request)

        outcomes, raised = await _collect(_backend(complete), source())
        assert len(outcomes) == 3
        assert isinstance(raised, OSError)

    asyncio.run(scenario())


def test_a_source_that_is_cancelled_from_inside_does_not_look_like_one_that_ended():
    async def scenario():
        async def source() -> AsyncIterator[Request]:
            yield requests_of(1)[0]
            raise asyncio.CancelledError

        async def complete(request):
            return _answer(request)

        with pytest.raises(asyncio.CancelledError):
            await _collect(_backend(complete), source())

    asyncio.run(scenario())


def test_a_stop_while_the_source_has_one_more_request_calls_it_no_more():
    async def scenario():
        gate, calls = asyncio.Event(), []
        first, second = requests_of(2)

        async def source() -> AsyncIterator[Request]:
            yield first
            try:
                await gate.wait()
            except asyncio.CancelledError:
                yield second

        async def complete(request):
            calls.append(request.id)
            raise BackendUnavailable("down")

        outcomes, raised = await _collect(_backend(complete), source())
        assert (outcomes, str(raised), calls) == ([], "down", [first.id])

    asyncio.run(scenario())


async def _raises(request: Request) -> Outcome:
    raise ZeroDivisionError("by nought")


async def _stranger(request: Request) -> Outcome:
    return Completion(request_id="somebody else", text="")


async def _nothing(request: Request) -> Outcome:
    return None  # type: ignore[return-value]


async def _cancels_itself(request: Request) -> Outcome:
    raise asyncio.CancelledError


@pytest.mark.parametrize(
    ("complete", "words"),
    [
        (_raises, "ZeroDivisionError: by nought"),
        (_stranger, "'somebody else'"),
        (_nothing, "NoneType"),
        (_cancels_itself, "cancelled from inside"),
    ],
)
def test_what_may_have_been_paid_is_an_unknown_failure(complete, words):
    async def scenario():
        requests = requests_of(5)
        outcomes, raised = await _collect(_backend(complete), Asked(requests))
        assert raised is None
        assert {outcome.request_id for outcome in outcomes} == {request.id for request in requests}
        for outcome in outcomes:
            assert isinstance(outcome, Failure)
            assert outcome.kind is FailureKind.UNKNOWN
            assert outcome.retryable
            assert words in outcome.message

    asyncio.run(scenario())


def test_closing_cancels_the_calls_and_the_pull_and_closes_the_source():
    async def scenario():
        cancelled = []
        closed = asyncio.Event()
        requests = requests_of(6)

        async def source() -> AsyncIterator[Request]:
            try:
                for request in requests[:3]:
                    yield request
                await asyncio.Event().wait()
            finally:
                closed.set()

        async def complete(request):
            if request.id == requests[0].id:
                return _answer(request)
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancelled.append(request.id)
                raise
            return _answer(request)

        before = asyncio.all_tasks()
        backend = _backend(complete)
        results = backend.results(await backend.submit("k", Asked([])), source())
        await anext(results)
        for _ in range(10):
            await asyncio.sleep(0)
        pending = asyncio.ensure_future(anext(results))
        for _ in range(10):
            await asyncio.sleep(0)
        pending.cancel()
        await asyncio.gather(pending, return_exceptions=True)
        await results.aclose()
        assert sorted(cancelled) == sorted(each.id for each in requests[1:3])
        assert closed.is_set()
        assert asyncio.all_tasks() == before

    asyncio.run(scenario())


def test_closing_retrieves_the_exceptions_of_calls_that_failed(caplog):
    async def scenario():
        requests = requests_of(8)

        async def complete(request):
            if request.id == requests[0].id:
                return _answer(request)
            await asyncio.sleep(0)
            raise BackendUnavailable("down")

        backend = _backend(complete, 8)
        results = backend.results(await backend.submit("k", Asked([])), Asked(requests))
        await anext(results)
        for _ in range(10):
            await asyncio.sleep(0)
        await results.aclose()

    asyncio.run(scenario())
    assert not caplog.records  # asyncio logs "Task exception was never retrieved"


def test_a_source_without_aclose_is_left_alone():
    class Source:
        def __init__(self):
            self.left = requests_of(3)

        def __aiter__(self):
            return self

        async def __anext__(self):
            if not self.left:
                raise StopAsyncIteration
            return self.left.pop()

    async def complete(request):
        return _answer(request)

    async def scenario():
        outcomes, raised = await _collect(_backend(complete), Source())
        assert (len(outcomes), raised) == (3, None)
        backend = _backend(complete)
        handle = await backend.cancel(JobHandle(backend="concurrent", key="k", token="open"))
        assert len([outcome async for outcome in backend.results(handle, Source())]) == 3

    asyncio.run(scenario())


def test_the_order_is_the_same_in_every_run():
    async def complete(request):
        for _ in range(len(request.messages[0].content) % 5 + int(request.id[:2], 16) % 3):
            await asyncio.sleep(0)
        return _answer(request)

    async def scenario():
        outcomes, _ = await _collect(_backend(complete, 8), Asked(requests_of(50)))
        return [outcome.request_id for outcome in outcomes]

    assert asyncio.run(scenario()) == asyncio.run(scenario())


def test_a_request_with_the_same_prompt_twice_is_called_twice():
    async def scenario():
        calls = []

        async def complete(request):
            calls.append(request.index)
            return _answer(request)

        twins = [Request(messages=(Message("user", "x"),), model="m", index=index) for index in (0, 1)]
        await _collect(_backend(complete), Asked(twins))
        assert calls == [0, 1]

    asyncio.run(scenario())


def test_many_calls_that_start_and_end_together_leave_the_loop_to_others():
    async def scenario():
        turns = 0
        started: Counter[int] = Counter()
        yielded: Counter[int] = Counter()
        together = asyncio.Event()

        async def count():
            nonlocal turns
            while True:
                await asyncio.sleep(0)
                turns += 1

        async def complete(request):
            started[turns] += 1
            if started.total() == 200:
                together.set()
            await together.wait()
            return _answer(request)

        counting = asyncio.create_task(count())
        requests = requests_of(200)
        backend = _backend(complete, concurrency=200)
        async for _ in backend.results(await backend.submit("k", Asked([])), Asked(requests)):
            yielded[turns] += 1
        counting.cancel()
        assert yielded.total() == 200
        # As few as that, or a group of beginnings is as many objects as begin a search for cycles.
        assert max(started.values()) <= 4
        assert max(yielded.values()) <= 4

    asyncio.run(scenario())
