from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import attrs
import pytest

from qwen_dataset.adapters.storage.memory import MemoryStorage
from qwen_dataset.app.dataset.join import join
from qwen_dataset.app.engine.fates import Fate
from qwen_dataset.app.engine.job import request_cancel
from qwen_dataset.app.engine.pace import Pace, Until
from qwen_dataset.app.engine.runner import RunProgress
from qwen_dataset.domain.choices import RetryUnknown
from qwen_dataset.domain.inference import Completion, Failure, FailureKind, Outcome, Request, Usage
from qwen_dataset.domain.jobs import JobState, Phase
from qwen_dataset.errors import BackendRejected, BackendUnavailable, JobUnfinished, LeaseLost
from qwen_dataset.ports.inference import Progress
from tests.app.engine.bench import LIMITS, HandClock, Scripted, a_job, done, failing, process, runner


@attrs.define
class Ran:
    state: JobState
    fates: dict[Fate, int]
    backend: Scripted
    hands: HandClock
    error: BaseException | None = None
    progress: list[RunProgress] = attrs.field(factory=list)


def run(texts: list[str], backend: Scripted, **options: Any) -> Ran:
    return asyncio.run(_run(texts, backend, **options))


async def _run(
    texts: list[str],
    backend: Scripted,
    *,
    storage: MemoryStorage | None = None,
    pace: Pace | None = None,
    reopen: bool = False,
    until: Until = Until.FINISHED,
    stop: asyncio.Event | None = None,
    before: Callable[[Any], Any] | None = None,
) -> Ran:
    hands = HandClock()
    progress: list[RunProgress] = []
    error: BaseException | None = None
    async with a_job(texts, storage=storage, clock=hands) as job:
        if before is not None:
            await before(job)
        try:
            await runner(job, backend, hands, pace=pace, stop=stop, on_progress=progress.append).run(
                reopen=reopen, until=until
            )
        except Exception as caught:  # noqa: BLE001 - handed to the test
            error = caught
        return Ran(job.state, job.index.counts(), backend, hands, error, progress)


def test_all_requests_are_asked_once_in_shards_within_the_limit() -> None:
    ran = run(["a", "b", "c", "d", "e"], Scripted())
    assert ran.backend.submitted() == [["a", "b", "c"], ["d", "e"]]
    assert ran.backend.asked() == ["a", "b", "c", "d", "e"]
    assert ran.state.phase is Phase.FINISHED
    assert (ran.state.completed, ran.state.failed, ran.state.unanswered) == (5, 0, 0)
    assert ran.fates == {Fate.COMPLETED: 5}


def test_shards_respect_bytes_and_a_request_over_the_line_limit_is_not_sent() -> None:
    limits = attrs.evolve(LIMITS, requests=100, submission_bytes=400, line_bytes=300)
    ran = run(["a", "b" * 400, "c", "d", "e", "f"], Scripted(limits=limits))
    assert [text for shard in ran.backend.submitted() for text in shard] == ["a", "c", "d", "e", "f"]
    assert len(ran.backend.submitted()) > 1
    assert ran.fates == {Fate.COMPLETED: 5, Fate.FAILED: 1}
    assert ran.state.phase is Phase.FINISHED


def test_keys_name_job_round_and_content() -> None:
    backend = Scripted(answer=failing(FailureKind.SERVER_ERROR, retryable=True))
    run(["a", "b", "c", "d"], backend, pace=Pace(rounds=2))
    keys = [call[1] for call in backend.calls if call[0] == "submit"]
    assert len(set(keys)) == 4
    job, first, content = keys[0].split("/")
    assert first == "r1"
    assert keys[2].split("/") == [job, "r2", content]


def test_the_intent_is_stored_before_the_submit() -> None:
    storage = MemoryStorage()

    def look(key: str) -> None:
        stored = b"".join(storage._objects[k] for k in storage._objects if "/events/" in k)
        assert key.encode() in stored, "planned before submitted"

    ran = run(["a"], Scripted(before_submit=look), storage=storage)
    assert ran.error is None


def test_retryable_failures_are_asked_again_in_at_most_three_rounds() -> None:
    ran = run(["a", "b"], Scripted(answer=failing(FailureKind.RATE_LIMITED, retryable=True)))
    assert ran.backend.asked() == ["a", "b"] * 3
    assert (ran.state.round, ran.state.phase) == (3, Phase.FINISHED)
    assert (ran.state.completed, ran.state.failed) == (0, 2)


def test_an_answer_or_failure_that_utf8_cannot_say_is_stored_all_the_same() -> None:
    async def go() -> None:
        def half(request: Request) -> Outcome:
            if request.messages[0].content == "p1":
                return Failure(
                    request_id=request.id, kind=FailureKind.CONTENT_FILTER, message="no: \udcff", retryable=False
                )
            usage = Usage(prompt_tokens=10**30, completion_tokens=3)
            return Completion(request_id=request.id, text="so far \ud83d\ude00 \ud83d", model="\udcff", usage=usage)

        backend, hands = Scripted(answer=half), HandClock()
        async with a_job(["p0", "p1", "p2"], clock=hands) as job:
            await runner(job, backend, hands).run()
            assert job.index.counts() == {Fate.COMPLETED: 2, Fate.FAILED: 1}
            found = [each.stored async for each in join(job.storage, job.layout, job.index, job.state)]
        assert [each.outcome.text for each in found if isinstance(each.outcome, Completion)] == [
            "so far \U0001f600 \ufffd"
        ] * 2
        assert sorted(backend.asked()) == ["p0", "p1", "p2"]

    asyncio.run(go())


def test_only_what_failed_is_asked_again() -> None:
    tries: dict[str, int] = {}

    def answer(request: Request) -> Outcome:
        text = request.messages[0].content
        tries[text] = tries.get(text, 0) + 1
        if text == "b" and tries[text] < 3:
            return failing(FailureKind.SERVER_ERROR, retryable=True)(request)
        return done(request)

    ran = run(["a", "b", "c"], Scripted(answer=answer))
    assert ran.backend.asked() == ["a", "b", "c", "b", "b"]
    assert (ran.state.completed, ran.state.failed, ran.state.round) == (3, 0, 3)


def test_final_failures_are_not_asked_again_not_even_by_resume() -> None:
    storage = MemoryStorage()
    backend = Scripted(answer=failing(FailureKind.CONTENT_FILTER, retryable=False))
    first = run(["a"], backend, storage=storage)
    again = run(["a"], backend, storage=storage, reopen=True)
    assert backend.asked() == ["a"]
    assert first.state.phase is again.state.phase is Phase.FINISHED


def test_resume_after_the_last_round_opens_one_more_and_rerun_opens_none() -> None:
    storage = MemoryStorage()
    backend = Scripted(answer=failing(FailureKind.SERVER_ERROR, retryable=True))
    run(["a"], backend, storage=storage)
    assert len(backend.asked()) == 3
    run(["a"], backend, storage=storage)
    assert len(backend.asked()) == 3
    ran = run(["a"], backend, storage=storage, reopen=True)
    assert len(backend.asked()) == 4
    assert ran.state.round == 4


@pytest.mark.parametrize(
    ("policy", "retryable", "asked"),
    [
        (RetryUnknown.AUTO, True, 2),  # realtime: once more
        (RetryUnknown.AUTO, False, 1),  # batch: never
        (RetryUnknown.ALWAYS, True, 3),
        (RetryUnknown.ALWAYS, False, 3),
        (RetryUnknown.NEVER, True, 1),
        (RetryUnknown.NEVER, False, 1),
    ],
)
def test_what_got_no_reply_is_sent_again_only_as_the_policy_says(
    policy: RetryUnknown, retryable: bool, asked: int
) -> None:
    backend = Scripted(answer=failing(FailureKind.UNKNOWN, retryable=retryable))
    ran = run(["a"], backend, pace=Pace(retry_unknown=policy))
    assert len(backend.asked()) == asked
    assert ran.state.possibly_paid == asked
    assert ran.state.failed == 1


def test_a_lost_submit_reply_is_looked_for_after_the_settle_time() -> None:
    ran = run(["a"], Scripted(submits=[BackendUnavailable("lost"), None]))
    keys = [call[1] for call in ran.backend.calls if call[0] == "submit"]
    assert len(keys) == 2
    assert keys[0] == keys[1]
    assert ran.hands.slept[0] == LIMITS.settle_seconds
    assert ran.state.completed == 1


def test_a_shard_planned_by_a_dead_run_is_looked_for_after_the_settle_time() -> None:
    storage = MemoryStorage()

    class Died(BaseException):
        pass

    async def die() -> None:
        hands = HandClock()
        async with a_job(["a"], storage=storage, clock=hands) as job:
            await runner(job, Scripted(submits=[Died()]), hands).run()

    with pytest.raises(Died):
        asyncio.run(die())
    ran = run(["a"], Scripted(), storage=storage)
    assert ran.hands.slept[0] == LIMITS.settle_seconds
    assert ran.backend.submitted() == [["a"]]
    assert ran.state.shards_planned == 1


def test_a_fresh_shard_is_submitted_without_waiting() -> None:
    ran = run(["a"], Scripted())
    assert ran.hands.slept == []


def test_a_refused_shard_fails_with_the_reason_and_the_others_go_on() -> None:
    ran = run(["a", "b", "c", "d"], Scripted(submits=[BackendRejected("bad model")]), pace=Pace(rounds=1))
    assert ran.backend.asked() == ["d"]
    assert ran.fates == {Fate.RETRYABLE: 3, Fate.COMPLETED: 1}
    assert ran.state.phase is Phase.FINISHED


def test_a_refused_shard_is_not_submitted_after_a_crash() -> None:
    storage = MemoryStorage()

    class Died(BaseException):
        pass

    async def die() -> None:
        hands = HandClock()
        async with a_job(["a", "b", "c"], storage=storage, clock=hands) as job:
            append = job.ledger.append

            async def dying(event: Any) -> None:
                if type(event).__name__ == "ShardFinished":
                    raise Died
                await append(event)

            job.ledger.append = dying  # type: ignore[method-assign]
            await runner(job, Scripted(submits=[BackendRejected("no")]), hands).run()

    with pytest.raises(Died):
        asyncio.run(die())
    ran = run(["a", "b", "c"], Scripted(), storage=storage, pace=Pace(rounds=1))
    assert ran.backend.submitted() == []
    assert ran.fates == {Fate.RETRYABLE: 3}


def test_patience_ends_with_everything_kept() -> None:
    ran = run(["a"], Scripted(submits=[BackendUnavailable("down")] * 9), pace=Pace(patience=3))
    assert isinstance(ran.error, JobUnfinished)
    assert "4 times in a row" in str(ran.error)
    assert "down" in str(ran.error)
    assert len(ran.backend.submitted()) == 4
    assert ran.state.phase is Phase.RUNNING
    # at least the settle time, growing beyond it
    assert ran.hands.slept == [7.0, 7.0, 8.0]


def test_success_renews_patience() -> None:
    down, busy = BackendUnavailable("down"), Progress(ready=False, retry_after=1.0)
    polls = [down, down, busy, down, down, Progress(ready=True)]
    ran = run(["a"], Scripted(polls=list(polls)), pace=Pace(patience=2))
    assert ran.error is None
    assert ran.hands.slept == [2.0, 4.0, 1.0, 2.0, 4.0]


def test_polls_follow_the_backends_wish_or_grow() -> None:
    wait = Progress(ready=False)
    polls = [wait, wait, Progress(ready=False, retry_after=2.5), wait, Progress(ready=True)]
    ran = run(["a"], Scripted(polls=list(polls)), pace=Pace(poll_seconds=10.0))
    assert ran.hands.slept == [10.0, 15.0, 2.5, 33.75]


def test_polls_never_wait_longer_than_five_minutes() -> None:
    ran = run(["a"], Scripted(polls=[Progress(ready=False)] * 3), pace=Pace(poll_seconds=290.0))
    assert ran.hands.slept == [290.0, 300.0, 300.0]


def test_a_ready_shard_is_harvested_while_another_is_not() -> None:
    polls = [Progress(ready=False, retry_after=5.0), Progress(ready=True), Progress(ready=True)]
    ran = run(["a", "b", "c", "d"], Scripted(polls=list(polls)))
    assert ran.backend.asked() == ["d", "a", "b", "c"]
    assert ran.hands.slept == [5.0]


def test_an_outage_in_the_middle_of_results_asks_only_for_the_rest() -> None:
    broken = [BackendUnavailable("cut")]

    def answer(request: Request) -> Outcome | BaseException:
        if request.messages[0].content == "c" and broken:
            return broken.pop()
        return done(request)

    ran = run(["a", "b", "c"], Scripted(answer=answer))
    assert ran.backend.asked() == ["a", "b", "c", "c"]
    assert ran.state.completed == 3


def test_answers_before_an_outage_are_durable_before_it_is_told() -> None:
    storage = MemoryStorage()

    def answer(request: Request) -> Outcome | BaseException:
        return BackendRejected("wrong key") if request.messages[0].content == "b" else done(request)

    first = run(["a", "b", "c"], Scripted(answer=answer), storage=storage)
    assert isinstance(first.error, BackendRejected)
    assert first.state.completed == 1
    second = run(["a", "b", "c"], Scripted(), storage=storage)
    assert second.backend.asked() == ["b", "c"]
    assert second.state.completed == 3


def test_a_forgotten_request_becomes_unknown_and_is_not_asked_again() -> None:
    ran = run(["a", "b"], Scripted(answer=lambda r: None if r.messages[0].content == "a" else done(r)))
    assert ran.fates == {Fate.UNKNOWN: 1, Fate.COMPLETED: 1}
    assert ran.state.possibly_paid == 1


def test_an_outcome_nobody_asked_for_is_dropped() -> None:
    stranger = Request(messages=(), model="other")
    ran = run(["a"], Scripted(answer=lambda _: done_for(stranger)))
    assert ran.fates == {Fate.UNKNOWN: 1}


def done_for(request: Request) -> Outcome:
    return attrs.evolve(failing(FailureKind.SERVER_ERROR, retryable=True)(request))


def test_no_wait_submits_and_a_later_run_collects() -> None:
    storage = MemoryStorage()
    first = run(["a", "b", "c", "d"], Scripted(), storage=storage, until=Until.SUBMITTED)
    assert first.backend.asked() == []
    assert first.state.phase is Phase.RUNNING
    second = run(["a", "b", "c", "d"], Scripted(), storage=storage)
    assert second.backend.submitted() == []
    assert second.state.phase is Phase.FINISHED
    assert second.state.completed == 4


def test_no_wait_goes_on_when_nothing_is_in_flight() -> None:
    ran = run(["a"], Scripted(submits=[BackendRejected("no")] * 3), until=Until.SUBMITTED)
    assert ran.state.phase is Phase.FINISHED
    assert ran.state.round == 3


def test_stop_ends_the_stream_keeps_what_came_and_a_rerun_asks_the_rest() -> None:
    storage = MemoryStorage()
    stop = asyncio.Event()

    def answer(request: Request) -> Outcome:
        if request.messages[0].content == "a":
            stop.set()
        return done(request)

    first = run(["a", "b", "c"], Scripted(answer=answer), storage=storage, stop=stop)
    assert isinstance(first.error, JobUnfinished)
    assert "interrupted" in str(first.error)
    assert first.backend.asked() == ["a"]
    assert first.state.completed == 1
    second = run(["a", "b", "c"], Scripted(), storage=storage)
    assert second.backend.asked() == ["b", "c"]
    assert second.state.phase is Phase.FINISHED


def test_stop_before_anything_submits_nothing() -> None:
    stop = asyncio.Event()
    stop.set()
    ran = run(["a"], Scripted(), stop=stop)
    assert isinstance(ran.error, JobUnfinished)
    assert ran.backend.calls == []


def test_stop_ends_a_wait_between_polls() -> None:
    stop = asyncio.Event()

    def seen(_: RunProgress) -> None:
        stop.set()

    async def go() -> JobState:
        hands = HandClock()
        async with a_job(["a"], clock=hands) as job:
            backend = Scripted(polls=[Progress(ready=False, retry_after=1e9)] * 5)
            with pytest.raises(JobUnfinished):
                await runner(job, backend, hands, stop=stop, on_progress=seen).run()
            return job.state

    assert asyncio.run(go()).phase is Phase.RUNNING


async def _cancel(job: Any) -> None:
    await request_cancel(job.storage, job.id, process=process())


def test_a_cancel_before_the_first_round_stops_the_job_and_buys_nothing() -> None:
    storage = MemoryStorage()
    ran = run(["a"], Scripted(), storage=storage, before=_cancel)
    assert isinstance(ran.error, JobUnfinished)
    assert "cancelled" in str(ran.error)
    assert ran.backend.submitted() == []
    assert ran.state.phase is Phase.STOPPED
    again = run(["a"], Scripted(), storage=storage)
    assert isinstance(again.error, JobUnfinished)
    assert "resume" in str(again.error)
    assert again.backend.calls == []
    resumed = run(["a"], Scripted(), storage=storage, reopen=True)
    assert resumed.error is None
    assert resumed.state.phase is Phase.FINISHED
    assert resumed.state.completed == 1


def test_a_cancel_while_in_flight_cancels_harvests_and_stops() -> None:
    async def go() -> tuple[JobState, Scripted, dict[Fate, int]]:
        hands = HandClock()
        async with a_job(["a", "b", "c", "d"], clock=hands) as job:
            polls = [Progress(ready=False, retry_after=1.0)]

            async def cancel_meanwhile(seconds: float) -> None:
                await _cancel(job)
                await HandClock.sleep(hands, seconds)

            backend = Scripted(polls=list(polls))
            made = runner(job, backend, hands)
            made._own.guard._sleep = cancel_meanwhile
            backend.polls.append(Progress(ready=False, retry_after=1.0))
            with pytest.raises(JobUnfinished):
                await made.run()
            return job.state, backend, job.index.counts()

    state, backend, fates = asyncio.run(go())
    assert [call for call in backend.calls if call[0] == "cancel"] == [("cancel", "t")] * 2
    assert {call[1] for call in backend.calls if call[0] == "ask"} == {"cancelled"}
    assert state.phase is Phase.STOPPED
    assert fates == {Fate.RETRYABLE: 4}


def test_a_cancel_in_the_middle_of_realtime_starts_nothing_new_and_keeps_what_came() -> None:
    async def go() -> tuple[JobState, Scripted, dict[Fate, int]]:
        hands = HandClock()
        async with a_job(["a", "b", "c"], clock=hands) as job:

            def answer(request: Request) -> Outcome:
                if request.messages[0].content == "a":
                    # Memory storage never waits, so the whole coroutine runs in one step.
                    with pytest.raises(StopIteration):
                        _cancel(job).send(None)
                return done(request)

            backend = Scripted(answer=answer, limits=attrs.evolve(LIMITS, segment_outcomes=1))
            with pytest.raises(JobUnfinished):
                await runner(job, backend, hands).run()
            return job.state, backend, job.index.counts()

    state, backend, fates = asyncio.run(go())
    paid = [call[2] for call in backend.calls if call[0] == "ask" and call[1] == "t"]
    assert paid == ["a"]
    assert fates == {Fate.COMPLETED: 1, Fate.RETRYABLE: 2}
    assert state.phase is Phase.STOPPED


def test_an_unreachable_backend_is_asked_to_cancel_again() -> None:
    storage = MemoryStorage()
    run(["a"], Scripted(), storage=storage, until=Until.SUBMITTED)
    backend = Scripted(cancel_errors=[BackendUnavailable("down")], polls=[Progress(ready=False, retry_after=1.0)])
    ran = run(["a"], backend, storage=storage, before=_cancel)
    assert [call[0] for call in backend.calls].count("cancel") == 2
    assert ran.state.phase is Phase.STOPPED


def test_a_cancel_that_cannot_be_delivered_is_borne_with_growing_waits_and_then_given_up() -> None:
    storage = MemoryStorage()
    run(["a"], Scripted(), storage=storage, until=Until.SUBMITTED)
    backend = Scripted(cancel_errors=[BackendUnavailable("down")] * 50)
    ran = run(["a"], backend, storage=storage, before=_cancel, pace=Pace(patience=3))
    assert isinstance(ran.error, JobUnfinished)
    assert ran.hands.slept == [2.0, 4.0, 8.0]
    assert backend.asked() == []


def test_answers_in_between_renew_patience() -> None:
    asked: list[str] = []

    def answer(request: Request) -> Outcome | BaseException:
        asked.append(request.messages[0].content)
        return BackendUnavailable("blip") if len(asked) % 3 == 0 else done(request)

    texts = [str(n) for n in range(12)]
    limits = attrs.evolve(LIMITS, requests=100, segment_outcomes=1)
    ran = run(texts, Scripted(answer=answer, limits=limits), pace=Pace(patience=1))
    assert ran.error is None
    assert ran.state.completed == 12


def test_a_batch_cancelled_at_the_service_is_not_bought_again_without_a_person() -> None:
    storage = MemoryStorage()
    backend = Scripted(answer=failing(FailureKind.CANCELLED, retryable=True))
    ran = run(["a"], backend, storage=storage)
    assert isinstance(ran.error, JobUnfinished)
    assert (ran.state.phase, ran.state.round) == (Phase.STOPPED, 1)
    resumed = run(["a"], Scripted(), storage=storage, reopen=True)
    assert resumed.state.completed == 1


def test_a_crash_between_the_end_of_a_cancelled_round_and_its_stop_still_stops() -> None:
    storage = MemoryStorage()

    class Died(BaseException):
        pass

    async def die() -> None:
        hands = HandClock()
        async with a_job(["a"], storage=storage, clock=hands) as job:
            append = job.ledger.append

            async def dying(event: Any) -> None:
                if type(event).__name__ == "Stopped":
                    raise Died
                await append(event)

            job.ledger.append = dying  # type: ignore[method-assign]
            await runner(job, Scripted(answer=failing(FailureKind.CANCELLED, retryable=True)), hands).run()

    with pytest.raises(Died):
        asyncio.run(die())
    ran = run(["a"], Scripted(), storage=storage)
    assert ran.backend.asked() == []
    assert ran.state.phase is Phase.STOPPED


def test_a_lost_lease_stops_before_the_next_submit() -> None:
    storage = MemoryStorage()

    async def steal(job: Any) -> None:
        await storage.put(job.layout.lease(99), await storage.get(job.layout.lease(job.lease._number)))

    ran = run(["a"], Scripted(), storage=storage, before=steal)
    assert isinstance(ran.error, LeaseLost)
    assert ran.backend.submitted() == []


def test_progress_counts_what_the_backend_has_done_and_what_is_stored() -> None:
    polls = [Progress(ready=False, completed=1, failed=1, total=3, retry_after=1.0)]
    ran = run(["a", "b", "c"], Scripted(polls=list(polls)))
    assert (1, 1) in [(p.completed, p.failed) for p in ran.progress]
    last = ran.progress[-1]
    assert (last.completed, last.failed, last.total, last.round) == (3, 0, 3, 1)


def test_progress_never_counts_more_than_there_is() -> None:
    tries: list[str] = []

    def answer(request: Request) -> Outcome:
        tries.append(request.messages[0].content)
        return done(request) if tries.count(tries[-1]) == 2 else failing(FailureKind.TIMEOUT, retryable=True)(request)

    polls = [
        Progress(ready=False, completed=0, failed=2, total=2, retry_after=1.0),
        Progress(ready=True, completed=0, failed=2, total=2),
        Progress(ready=False, completed=2, failed=0, total=2, retry_after=1.0),
        Progress(ready=True, completed=2, failed=0, total=2),
    ]
    ran = run(["a", "b"], Scripted(answer=answer, polls=list(polls)))
    seen = [(p.round, p.completed, p.failed) for p in ran.progress]
    assert (1, 0, 2) in seen
    assert (2, 2, 0) in seen
    assert all(completed + failed <= 2 for _, completed, failed in seen)
    assert [completed for _, completed, _ in seen] == sorted(completed for _, completed, _ in seen)


def test_progress_is_told_while_results_come_and_counts_nothing_twice() -> None:
    polls = [Progress(ready=True, completed=4, total=4)]
    limits = attrs.evolve(LIMITS, requests=4, segment_outcomes=1)
    ran = run(["a", "b", "c", "d"], Scripted(polls=list(polls), limits=limits))
    assert {p.completed for p in ran.progress[1:]} == {4}
    ran = run(["a", "b", "c", "d"], Scripted(limits=limits))
    assert sorted({p.completed for p in ran.progress} - {0, 4}) == [1, 2, 3]


def test_equal_prompts_are_two_requests_with_two_answers() -> None:
    ran = run(["a", "a", "a"], Scripted())
    assert ran.state.completed == 3
    assert ran.backend.asked() == ["a", "a", "a"]
