"""What costs money or patience: lost submissions, denials, outages, remote files, and stragglers finished elsewhere."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import attrs
import pytest

from qwen_dataset.adapters.storage.memory import MemoryStorage
from qwen_dataset.app.engine.fates import Fate
from qwen_dataset.app.engine.finishing import STALLED_SECONDS, Finisher
from qwen_dataset.app.engine.job import request_cancel
from qwen_dataset.app.engine.pace import Pace, Until
from qwen_dataset.domain.choices import RetryUnknown
from qwen_dataset.domain.inference import FailureKind, Outcome, Request
from qwen_dataset.domain.jobs import JobState, Phase
from qwen_dataset.errors import (
    BackendDenied,
    BackendError,
    BackendRejected,
    BackendUnavailable,
    BackendUnreached,
    JobUnfinished,
    StorageError,
)
from qwen_dataset.ports.inference import JobHandle, Progress
from tests.app.engine.bench import LIMITS, HandClock, Scripted, a_job, done, failing, process, runner

DAY = 86_400.0
BUSY = Progress(ready=False, retry_after=600.0)


class Died(BaseException):
    """The process is gone."""


@attrs.define
class Ran:
    state: JobState
    fates: dict[Fate, int]
    error: BaseException | None


def play(
    texts: list[str], backend: Scripted, *, storage: MemoryStorage, hands: HandClock, before: Any = None, **options: Any
) -> Ran:
    """Own the job, run it, and say how it ended; ``Died`` goes through."""

    async def scenario() -> Ran:
        more = dict(options)
        run_options = {name: more.pop(name) for name in ("until", "reopen") if name in more}
        error: BaseException | None = None
        async with a_job(texts, storage=storage, clock=hands) as job:
            if before is not None:
                await before(job)
            try:
                await runner(job, backend, hands, **more).run(**run_options)
            except (BackendError, JobUnfinished) as caught:
                error = caught
            return Ran(job.state, job.index.counts(), error)

    return asyncio.run(scenario())


@pytest.fixture
def storage() -> MemoryStorage:
    return MemoryStorage()


@pytest.fixture
def hands() -> HandClock:
    return HandClock()


def findable(seconds: float) -> Any:
    return attrs.evolve(LIMITS, findable_seconds=seconds)


# What may have been created and cannot be found


def left_planned(storage: MemoryStorage, hands: HandClock) -> None:
    with pytest.raises(Died):
        play(["a", "b"], Scripted(submits=[Died()]), storage=storage, hands=hands)


def test_a_plan_that_is_too_old_to_be_found_is_unknown_and_never_bought_again(
    storage: MemoryStorage, hands: HandClock
) -> None:
    left_planned(storage, hands)
    hands.time += 30 * DAY
    backend = Scripted(limits=findable(29 * DAY))
    for reopen in (False, True):
        ran = play(["a", "b"], backend, storage=storage, hands=hands, reopen=reopen)
        assert (ran.error, ran.fates) == (None, {Fate.UNKNOWN: 2})
    assert backend.calls == []
    assert hands.slept == [], "there is nothing to wait for"


def test_a_lost_plan_is_sent_again_only_when_a_person_says_so(storage: MemoryStorage, hands: HandClock) -> None:
    left_planned(storage, hands)
    hands.time += 30 * DAY
    backend = Scripted(limits=findable(29 * DAY))
    pace = Pace(retry_unknown=RetryUnknown.ALWAYS)
    ran = play(["a", "b"], backend, storage=storage, hands=hands, pace=pace)
    assert (ran.fates, backend.submitted()) == ({Fate.COMPLETED: 2}, [["a", "b"]])
    assert ran.state.possibly_paid == 2


def test_a_younger_plan_is_looked_for(storage: MemoryStorage, hands: HandClock) -> None:
    left_planned(storage, hands)
    hands.time += 28 * DAY
    ran = play(["a", "b"], Scripted(limits=findable(29 * DAY)), storage=storage, hands=hands)
    assert (ran.fates, hands.slept[0]) == ({Fate.COMPLETED: 2}, LIMITS.settle_seconds)


def test_where_nothing_can_be_found_a_lost_reply_is_unknown_at_once(storage: MemoryStorage, hands: HandClock) -> None:
    backend = Scripted(limits=findable(0), submits=[BackendUnavailable("the reply was lost")])
    ran = play(["a", "b"], backend, storage=storage, hands=hands)
    assert (ran.fates, len(backend.submitted())) == ({Fate.UNKNOWN: 2}, 1)


def test_what_never_arrived_is_submitted_again_even_there_and_without_settling(
    storage: MemoryStorage, hands: HandClock
) -> None:
    backend = Scripted(limits=findable(0), submits=[BackendUnreached("no route")])
    ran = play(["a", "b"], backend, storage=storage, hands=hands)
    assert (ran.fates, hands.slept) == ({Fate.COMPLETED: 2}, [2.0])


def test_a_crash_after_giving_a_shard_up_does_not_submit_it(storage: MemoryStorage, hands: HandClock) -> None:
    left_planned(storage, hands)
    hands.time += 30 * DAY

    async def die_at_the_end(job: Any) -> None:
        append = job.ledger.append

        async def dying(event: Any) -> None:
            if type(event).__name__ in ("Stored", "ShardFinished"):
                raise Died
            await append(event)

        job.ledger.append = dying

    backend = Scripted(limits=findable(DAY))
    with pytest.raises(Died):
        play(["a", "b"], backend, storage=storage, hands=hands, before=die_at_the_end)
    # It might be findable now; it was given up all the same.
    again = Scripted()
    ran = play(["a", "b"], again, storage=storage, hands=hands)
    assert (ran.fates, again.calls) == ({Fate.UNKNOWN: 2}, [])


# A person must mend something


def test_a_denial_at_submit_stops_the_run_and_a_later_one_finds_the_shard(
    storage: MemoryStorage, hands: HandClock
) -> None:
    texts = ["a", "b", "c", "d"]
    ran = play(texts, Scripted(submits=[None, BackendDenied("wrong key")]), storage=storage, hands=hands)
    assert isinstance(ran.error, BackendDenied)
    assert ran.state.phase is Phase.RUNNING
    mended = Scripted()
    ran = play(texts, mended, storage=storage, hands=hands)
    assert (ran.error, ran.fates) == (None, {Fate.COMPLETED: 4})
    assert mended.submitted() == [["d"]]


def test_a_denial_in_the_middle_of_answers_keeps_what_came(storage: MemoryStorage, hands: HandClock) -> None:
    def answer(request: Request) -> Outcome | BaseException:
        return BackendDenied("in arrears") if request.messages[0].content == "c" else done(request)

    ran = play(["a", "b", "c"], Scripted(answer=answer), storage=storage, hands=hands)
    assert isinstance(ran.error, BackendDenied)
    assert ran.fates[Fate.COMPLETED] == 2
    mended = Scripted()
    assert play(["a", "b", "c"], mended, storage=storage, hands=hands).fates == {Fate.COMPLETED: 3}
    assert mended.asked() == ["c"]


# A night without a network


def test_what_is_in_flight_is_polled_through_a_long_outage(storage: MemoryStorage, hands: HandClock) -> None:
    down: list[Any] = [BackendUnavailable("no network")] * 100
    ran = play(["a"], Scripted(polls=[BUSY, *down, BUSY]), storage=storage, hands=hands)
    assert (ran.error, ran.fates) == (None, {Fate.COMPLETED: 1})
    assert sum(hands.slept) > 6 * 3600
    assert max(hands.slept) <= 600


def test_an_outage_without_an_end_is_given_up_with_everything_kept(storage: MemoryStorage, hands: HandClock) -> None:
    down: list[Any] = [BackendUnavailable("no network")] * 1000
    pace = Pace(outage_seconds=3600.0)
    ran = play(["a"], Scripted(polls=[BUSY, *down]), storage=storage, hands=hands, pace=pace)
    assert isinstance(ran.error, JobUnfinished)
    assert 3600 <= sum(hands.slept) - 600 < 3600 + 2 * 300 + 10


def test_a_backend_that_never_answered_is_not_waited_for_so_long(storage: MemoryStorage, hands: HandClock) -> None:
    down: list[Any] = [BackendUnavailable("refused")] * 1000
    ran = play(["a"], Scripted(polls=down), storage=storage, hands=hands, pace=Pace(patience=4))
    assert isinstance(ran.error, JobUnfinished)
    assert sum(hands.slept) < 60


# Remote files


@attrs.define
class Cleaner:
    error: BackendError | None = None
    keys: list[str] = attrs.field(factory=list)

    async def __call__(self, handle: JobHandle) -> None:
        self.keys.append(handle.key)
        if self.error is not None:
            raise self.error


def test_remote_files_are_deleted_when_every_answer_is_stored(storage: MemoryStorage, hands: HandClock) -> None:
    clean = Cleaner()
    ran = play(["a", "b", "c", "d"], Scripted(), storage=storage, hands=hands, clean=clean)
    assert (ran.fates, len(set(clean.keys))) == ({Fate.COMPLETED: 4}, 2)


@pytest.mark.parametrize("error", [BackendUnavailable("down"), BackendRejected("no")])
def test_files_that_cannot_be_deleted_stop_nothing(
    storage: MemoryStorage, hands: HandClock, error: BackendError
) -> None:
    ran = play(["a"], Scripted(), storage=storage, hands=hands, clean=Cleaner(error))
    assert (ran.error, ran.state.phase) == (None, Phase.FINISHED)


@pytest.mark.parametrize("answer", [failing(FailureKind.UNKNOWN, retryable=False), lambda _: None])
def test_files_stay_while_an_answer_in_them_could_not_be_had(
    storage: MemoryStorage, hands: HandClock, answer: Any
) -> None:
    clean = Cleaner()
    ran = play(["a"], Scripted(answer=answer), storage=storage, hands=hands, clean=clean)
    assert (ran.fates, clean.keys) == ({Fate.UNKNOWN: 1}, [])


def test_files_of_a_shard_that_an_earlier_run_has_begun_to_read_stay(storage: MemoryStorage, hands: HandClock) -> None:
    def answer(request: Request) -> Outcome | BaseException:
        return Died() if request.messages[0].content == "c" else done(request)

    with pytest.raises(Died):
        play(["a", "b", "c"], Scripted(answer=answer), storage=storage, hands=hands)
    clean = Cleaner()
    ran = play(["a", "b", "c"], Scripted(), storage=storage, hands=hands, clean=clean)
    assert (ran.fates, clean.keys) == ({Fate.COMPLETED: 3}, [])


# Stragglers


@attrs.define
class Batch(Scripted):
    """A batch that is never ready by itself; a cancelled one holds what was done, and has to be polled to its end."""

    done_before: frozenset[str] = frozenset()
    ends_after: int = 0

    async def poll(self, handle: JobHandle) -> Progress:
        self.calls.append(("poll", handle.token))
        if handle.token != "cancelled" or self.ends_after:
            self.ends_after -= handle.token == "cancelled"
            return BUSY
        return Progress(ready=True)

    async def results(self, handle: JobHandle, requests: Any) -> Any:
        async for request in requests:
            text = request.messages[0].content
            self.calls.append(("ask", handle.token, text))
            cancelled = failing(FailureKind.CANCELLED, retryable=True)
            yield done(request) if text in self.done_before else cancelled(request)


def finisher(backend: Scripted, hands: HandClock, after: float | None = 3600.0) -> Finisher:
    return Finisher(backend=backend, backend_name="realtime", sleep=hands.sleep, after_seconds=after)


def test_stragglers_are_finished_elsewhere_once_the_cancelled_batch_has_ended(
    storage: MemoryStorage, hands: HandClock
) -> None:
    texts = ["a", "b", "c", "d", "e"]
    batch, realtime = Batch(done_before=frozenset("ae"), ends_after=5), Scripted()

    def look(_: str) -> None:
        stored = b"".join(value for key, value in storage._objects.items() if "/segments/" in key)
        assert stored.count(b"answer to") >= 2, "the paid lines are stored before anything else is bought"
        assert [call for call in batch.calls if call[0] == "poll"][-1] == ("poll", "cancelled")

    realtime.before_submit = look
    began = hands.time
    ran = play(texts, batch, storage=storage, hands=hands, finisher=finisher(realtime, hands))
    assert (ran.error, ran.state.phase, ran.fates) == (None, Phase.FINISHED, {Fate.COMPLETED: 5})
    assert sorted(realtime.asked()) == ["b", "c", "d"]
    cancel = batch.calls.index(("cancel", "t"))
    assert all(call[0] in ("submit", "poll") for call in batch.calls[:cancel])
    assert hands.time - began >= 3600
    assert ran.state.possibly_paid == 0


def test_a_batch_in_time_is_left_alone(storage: MemoryStorage, hands: HandClock) -> None:
    batch, realtime = Scripted(polls=[BUSY] * 5), Scripted()
    ran = play(["a"], batch, storage=storage, hands=hands, finisher=finisher(realtime, hands, after=7200.0))
    assert (ran.fates, realtime.calls) == ({Fate.COMPLETED: 1}, [])
    assert not [call for call in batch.calls if call[0] == "cancel"]


def test_what_failed_in_the_batch_is_finished_elsewhere_as_well(storage: MemoryStorage, hands: HandClock) -> None:
    batch, realtime = Scripted(answer=failing(FailureKind.EXPIRED, retryable=True)), Scripted()
    pace = Pace(rounds=1)
    ran = play(["a", "b"], batch, storage=storage, hands=hands, pace=pace, finisher=finisher(realtime, hands))
    assert (ran.fates, sorted(realtime.asked())) == ({Fate.COMPLETED: 2}, ["a", "b"])
    assert len(batch.submitted()) == 1


def test_what_may_be_billed_in_the_batch_is_not_asked_elsewhere(storage: MemoryStorage, hands: HandClock) -> None:
    batch, realtime = Scripted(answer=failing(FailureKind.UNKNOWN, retryable=False)), Scripted()
    ran = play(["a"], batch, storage=storage, hands=hands, finisher=finisher(realtime, hands))
    assert (ran.fates, realtime.calls) == ({Fate.UNKNOWN: 1}, [])


def test_a_stalled_batch_is_one_whose_counts_stand_still(storage: MemoryStorage, hands: HandClock) -> None:
    moving: list[Any] = [Progress(ready=False, completed=n, retry_after=STALLED_SECONDS / 2) for n in range(1, 7)]
    batch, realtime = Scripted(polls=moving), Scripted()
    ran = play(["a"], batch, storage=storage, hands=hands, finisher=finisher(realtime, hands, after=None))
    assert (ran.fates, realtime.calls) == ({Fate.COMPLETED: 1}, [])
    still, began = Batch(), hands.time
    ran = play(["z"], still, storage=MemoryStorage(), hands=hands, finisher=finisher(realtime, hands, after=None))
    assert (ran.fates, realtime.asked()) == ({Fate.COMPLETED: 1}, ["z"])
    assert STALLED_SECONDS <= hands.time - began < 2 * STALLED_SECONDS


@pytest.mark.parametrize("event", ["Hurried", "ShardCancelled", "Stored", "ShardFinished", "RoundFinished", "Finished"])
@pytest.mark.parametrize("times", [1, 2])
def test_a_crash_on_the_way_asks_nothing_twice(
    storage: MemoryStorage, hands: HandClock, event: str, times: int
) -> None:
    texts = ["a", "b", "c", "d"]
    batch, realtime = Batch(done_before=frozenset("a")), Scripted(limits=attrs.evolve(LIMITS, segment_outcomes=1))
    left = [times]

    async def dying(job: Any) -> None:
        append = job.ledger.append

        async def dies(happened: Any) -> None:
            await append(happened)
            if type(happened).__name__ == event:
                left[0] -= 1
                if left[0] == 0:
                    raise Died

        job.ledger.append = dies

    options = {"storage": storage, "hands": hands, "finisher": finisher(realtime, hands)}
    with contextlib.suppress(Died):
        play(texts, batch, before=dying, **options)
    ran = play(texts, batch, **options)
    assert (ran.error, ran.state.phase, ran.fates) == (None, Phase.FINISHED, {Fate.COMPLETED: 4})
    assert len(batch.submitted()) == 2
    assert sorted(realtime.asked()) == ["b", "c", "d"]


def test_a_person_who_cancels_meanwhile_is_obeyed(storage: MemoryStorage, hands: HandClock) -> None:
    batch, realtime = Batch(ends_after=3), Scripted()

    async def cancels(job: Any) -> None:
        append = job.ledger.append

        async def asks(happened: Any) -> None:
            await append(happened)
            if type(happened).__name__ == "Hurried":
                await request_cancel(job.storage, job.id, process=process())

        job.ledger.append = asks

    ran = play(["a"], batch, storage=storage, hands=hands, before=cancels, finisher=finisher(realtime, hands))
    assert isinstance(ran.error, JobUnfinished)
    assert (ran.state.phase, realtime.calls) == (Phase.STOPPED, [])


@pytest.mark.parametrize("until", [Until.SUBMITTED, Until.LOOKED])
def test_who_does_not_wait_begins_nothing_elsewhere(storage: MemoryStorage, hands: HandClock, until: Until) -> None:
    batch, realtime = Batch(), Scripted()
    options: dict[str, Any] = {"storage": storage, "hands": hands, "finisher": finisher(realtime, hands)}
    play(["a"], batch, until=Until.SUBMITTED, **options)
    hands.time += DAY
    ran = play(["a"], batch, until=until, **options)
    assert (ran.state.phase, realtime.calls, ran.error) == (Phase.RUNNING, [], None)
    ran = play(["a"], batch, **options)
    assert (ran.fates, realtime.asked()) == ({Fate.COMPLETED: 1}, ["a"])


# What was answered is kept, whatever goes wrong beside it


def test_answers_are_saved_when_the_requests_cannot_be_read_on(storage: MemoryStorage, hands: HandClock) -> None:
    """Not only when the backend fails: the storage that holds the requests may."""
    backend = Scripted(limits=attrs.evolve(LIMITS, segment_outcomes=100))

    async def breaks_down(job: Any) -> None:
        get, asked = job.storage.get, backend.asked

        async def failing_get(key: str) -> bytes:
            if "/requests/" in key and len(asked()) >= 2:
                raise StorageError("gone")
            return await get(key)

        job.storage.get = failing_get

    def answer(request: Request) -> Outcome | BaseException:
        return StorageError("gone") if request.messages[0].content == "c" else done(request)

    backend.answer = answer
    with pytest.raises(StorageError):
        play(["a", "b", "c"], backend, storage=storage, hands=hands, before=breaks_down)
    del storage.get
    mended = Scripted()
    assert play(["a", "b", "c"], mended, storage=storage, hands=hands).fates == {Fate.COMPLETED: 3}
    assert mended.asked() == ["c"]


def test_answers_that_could_not_be_saved_are_saved_by_the_next_save(storage: MemoryStorage, hands: HandClock) -> None:
    async def fails_once(job: Any) -> None:
        put, left = job.storage.put, [1]

        async def failing_put(key: str, data: Any, *, if_absent: bool = False) -> None:
            if "/segments/" in key and left[0]:
                left[0] -= 1
                raise StorageError("no space for a moment")
            await put(key, data, if_absent=if_absent)

        job.storage.put = failing_put

    with pytest.raises(StorageError):
        play(["a", "b", "c"], Scripted(), storage=storage, hands=hands, before=fails_once)
    del storage.put
    mended = Scripted()
    assert play(["a", "b", "c"], mended, storage=storage, hands=hands).fates == {Fate.COMPLETED: 3}
    assert mended.asked() == ["c"]


# Denied before anything was bought: nothing stands in anybody's way


def test_a_denied_shard_is_no_longer_under_way_and_cancelling_it_buys_nothing(
    storage: MemoryStorage, hands: HandClock
) -> None:
    ran = play(["a", "b"], Scripted(submits=[BackendDenied("wrong key")]), storage=storage, hands=hands)
    assert isinstance(ran.error, BackendDenied)
    assert (ran.state.shards, ran.fates) == ({}, {Fate.RETRYABLE: 2})

    async def cancel(job: Any) -> None:
        await request_cancel(job.storage, job.id, process=process())

    backend = Scripted()
    ran = play(["a", "b"], backend, storage=storage, hands=hands, before=cancel)
    assert isinstance(ran.error, JobUnfinished)
    assert backend.calls == []


def test_a_denied_shard_that_may_have_been_bought_stays_in_doubt(storage: MemoryStorage, hands: HandClock) -> None:
    ran = play(
        ["a"], Scripted(submits=[BackendUnavailable("lost"), BackendDenied("arrears")]), storage=storage, hands=hands
    )
    assert isinstance(ran.error, BackendDenied)
    assert len(ran.state.shards) == 1
    again = play(["a"], Scripted(submits=[BackendDenied("arrears")]), storage=storage, hands=hands)
    assert len(again.state.shards) == 1
    assert play(["a"], Scripted(), storage=storage, hands=hands).fates == {Fate.COMPLETED: 1}


# Cancels that do not get through


def test_a_backend_that_refuses_to_cancel_is_polled_to_its_end(storage: MemoryStorage, hands: HandClock) -> None:
    async def cancel(job: Any) -> None:
        await request_cancel(job.storage, job.id, process=process())

    play(["a"], Scripted(), storage=storage, hands=hands, until=Until.SUBMITTED)
    backend = Scripted(polls=[BUSY, BUSY], cancel_errors=[BackendRejected("it is finalizing")] * 9)
    ran = play(["a"], backend, storage=storage, hands=hands, before=cancel)
    assert isinstance(ran.error, JobUnfinished)
    assert (ran.state.phase, ran.fates) == (Phase.STOPPED, {Fate.COMPLETED: 1})


def test_an_outage_while_cancelling_is_borne_as_long_as_any(storage: MemoryStorage, hands: HandClock) -> None:
    class Away(Batch):
        async def poll(self, handle: JobHandle) -> Progress:
            if 0 < len(self.cancel_errors) < 100:
                raise BackendUnavailable("no network")
            return await Batch.poll(self, handle)

    batch, realtime = Away(cancel_errors=[BackendUnavailable("no network")] * 100), Scripted()
    ran = play(["a", "b", "c", "d"], batch, storage=storage, hands=hands, finisher=finisher(realtime, hands))
    assert (ran.error, ran.fates) == (None, {Fate.COMPLETED: 4})


# Stragglers, and who cancelled what


@attrs.define
class CancelledByHand(Batch):
    """A batch that somebody cancels in the console while nobody looks."""

    async def poll(self, handle: JobHandle) -> Progress:
        self.calls.append(("poll", handle.token))
        return Progress(ready=True)


def test_what_a_person_cancelled_at_the_service_is_not_finished_elsewhere(
    storage: MemoryStorage, hands: HandClock
) -> None:
    batch, realtime = CancelledByHand(), Scripted()
    play(["a", "b"], batch, storage=storage, hands=hands, until=Until.SUBMITTED)
    hands.time += DAY
    ran = play(["a", "b"], batch, storage=storage, hands=hands, finisher=finisher(realtime, hands))
    assert isinstance(ran.error, JobUnfinished)
    assert (ran.state.phase, realtime.calls) == (Phase.STOPPED, [])


def test_what_a_person_cancels_at_this_moment_is_not_finished_elsewhere(
    storage: MemoryStorage, hands: HandClock
) -> None:
    class Ending(CancelledByHand):
        async def poll(self, handle: JobHandle) -> Progress:
            await CancelledByHand.poll(self, handle)
            return Progress(ready=len(self.calls) > 20, ending=True, retry_after=600.0)

    batch, realtime = Ending(), Scripted()
    ran = play(["a"], batch, storage=storage, hands=hands, finisher=finisher(realtime, hands))
    assert isinstance(ran.error, JobUnfinished)
    assert (ran.state.phase, realtime.calls) == (Phase.STOPPED, [])
    assert not [call for call in batch.calls if call[0] == "cancel"]


def test_a_batch_that_ended_while_nobody_looked_is_fetched_and_not_cancelled(
    storage: MemoryStorage, hands: HandClock
) -> None:
    batch, realtime = Scripted(), Scripted()
    play(["a"], batch, storage=storage, hands=hands, until=Until.SUBMITTED)
    hands.time += DAY
    ran = play(["a"], batch, storage=storage, hands=hands, finisher=finisher(realtime, hands))
    assert (ran.fates, realtime.calls) == ({Fate.COMPLETED: 1}, [])
    assert not [call for call in batch.calls if call[0] == "cancel"]


def test_the_sleep_of_a_laptop_is_no_standstill(storage: MemoryStorage, hands: HandClock) -> None:
    class Napping(Scripted):
        async def poll(self, handle: JobHandle) -> Progress:
            hands.time += 3 * 3600  # the lid was closed since the last look
            return await Scripted.poll(self, handle)

    moving: list[Any] = [Progress(ready=False, completed=1 + n // 2, retry_after=60.0) for n in range(8)]
    batch, realtime = Napping(polls=moving), Scripted()
    ran = play(["a"], batch, storage=storage, hands=hands, finisher=finisher(realtime, hands, after=None))
    assert (ran.fates, realtime.calls) == ({Fate.COMPLETED: 1}, [])
