"""Pruning takes exactly what nothing needs, or a whole job; killed at any step it leaves nothing that does harm."""

from __future__ import annotations

import asyncio
import contextlib
import tracemalloc
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import attrs
import pytest

from qwen_dataset.adapters.inference.fake.backend import FakeBackend
from qwen_dataset.adapters.inference.fake.service import FakeService
from qwen_dataset.adapters.inference.fake.settings import FakeSettings
from qwen_dataset.adapters.storage.file import FileStorage
from qwen_dataset.adapters.storage.memory import MemoryStorage
from qwen_dataset.app.codec import Envelope, StoredOutcome, decode, encode
from qwen_dataset.app.engine.clock import Clock
from qwen_dataset.app.engine.contents import Part, parts_of
from qwen_dataset.app.engine.index import Index
from qwen_dataset.app.engine.job import Host, job_ids, look_at, own_job, read_spec, request_cancel
from qwen_dataset.app.engine.layout import Layout
from qwen_dataset.app.engine.lease import LeaseRecord, Process
from qwen_dataset.app.engine.ledger import Ledger
from qwen_dataset.app.engine.pace import Pace, Until
from qwen_dataset.app.engine.planner import UnwrittenPlan, write_plan
from qwen_dataset.app.engine.prune import Kind, Prunable, delete, find_jobs, find_leftovers, find_old_jobs
from qwen_dataset.domain.events import Stored
from qwen_dataset.domain.inference import Completion, FailureKind
from qwen_dataset.domain.jobs import Phase
from qwen_dataset.errors import (
    JobBusy,
    JobNotFound,
    JobUnfinished,
    KeyNotFound,
    LeaseLost,
    LedgerCorrupt,
    SettingError,
)
from qwen_dataset.ports.inference import JobHandle, Limits, Progress
from qwen_dataset.ports.storage import Storage
from qwen_dataset.testing.crash import CrashingBackend, CrashingStorage, CrashPlan, CrashSwitch, SimulatedCrash
from tests.app.engine.bench import HandClock, Scripted, a_job, drafts, failing, host, process, runner, spec

TEXTS = ["a", "b", "c", "d", "e"]
ID = spec("job", corpus="-".join(TEXTS)).job_id
LAYOUT = Layout(ID)
GOLDEN = Path(__file__).parents[1] / "golden" / "jobs"
NONCE = "0123456789abcdef"
WASTE = {
    LAYOUT.segment(NONCE, 1): b"an answer\n",
    LAYOUT.segment(NONCE, 2): b"",
    LAYOUT.shard_ids(1, f"x/r1/{'0' * 32}"): b"",
    LAYOUT.corpus(1): b"",
    LAYOUT.requests(2): b"",
    LAYOUT.request_ids(2): b"",
    LAYOUT.deleting: encode(process()),
}
THEIRS = {
    f"{ID}/notes.txt": b"mine",
    f"{ID}/events/of mine.json": b"mine",
    f"{ID}/segments/old/{NONCE}-00000001.jsonl": b"mine",
    f"{ID}/segments/{NONCE}-00000001.jsonl.bak": b"mine",
    f"{ID}/dataset/mine.jsonl": b"mine",
    "segments/0123456789abcdef-00000001.jsonl": b"mine",
    "papers-001122334455/lease/mine.json": b"mine",
    "a file": b"mine",
}


def run(work: Any) -> Any:
    return asyncio.run(work)


def pruner(number: int = 9, *, alive: Callable[[Process], bool | None] = lambda _: False, **changes: Any) -> Host:
    return attrs.evolve(host(HandClock().clock, number, alive=alive), **changes)


async def everything(found: AsyncGenerator[Prunable, None]) -> list[Prunable]:
    return [each async for each in found]


async def leftovers(storage: Storage, by: Host | None = None) -> list[Prunable]:
    return await everything(find_leftovers(storage, by or pruner()))


async def whole(storage: Storage, *ids: str) -> list[Prunable]:
    return await everything(find_jobs(storage, ids or (ID,)))


async def prune(storage: Storage, by: Host | None = None) -> None:
    by = by or pruner()
    for found in await leftovers(storage, by):
        await delete(storage, found, by)


async def plant(storage: Storage, objects: dict[str, bytes]) -> None:
    for key, data in objects.items():
        await storage.put(key, data)


async def work(
    storage: Storage,
    backend: Any = None,
    *,
    texts: Sequence[str] = TEXTS,
    name: str = "job",
    reopen: bool = False,
    until: Until = Until.FINISHED,
    number: int = 1,
) -> None:
    """Plan a job and run it."""
    hands = HandClock()
    async with a_job(list(texts), storage=storage, clock=hands, name=name, number=number) as job:
        pace = Pace(rounds=1)
        await runner(job, backend or Scripted(), hands, pace=pace).run(reopen=reopen, until=until)


@attrs.define
class CancelledMeanwhile(Scripted):
    """Batches that are running when a person cancels the job."""

    storage: Storage = attrs.field(kw_only=True)
    asked_to: bool = False

    async def poll(self, handle: JobHandle) -> Progress:
        if not self.asked_to:
            self.asked_to = True
            await request_cancel(self.storage, ID, process=process())
        return Progress(ready=handle.token == "cancelled")


async def cancelled(storage: Storage, *, reopen: bool = False) -> None:
    """Run a job until a person cancels it."""
    with pytest.raises(JobUnfinished, match="was cancelled"):
        await work(storage, CancelledMeanwhile(storage=storage), reopen=reopen)


async def answers(storage: Storage, job_id: str) -> list[str]:
    """Read all completions of a job through its ledger and index."""
    layout, found = Layout(job_id), []
    with Index(storage, layout) as index:
        ledger = Ledger(storage, layout, listener=index.apply)
        await ledger.load()
        for key, count in index.segments():
            lines = (await storage.get(key)).splitlines()
            assert len(lines) == count
            outcomes = [decode(StoredOutcome, line, where=key).outcome for line in lines]
            found += [outcome.text for outcome in outcomes if isinstance(outcome, Completion)]
    return sorted(found)


def snapshot(storage: MemoryStorage) -> dict[str, bytes]:
    return dict(storage._objects)


def below(storage: MemoryStorage, job_id: str = ID) -> list[str]:
    return [key for key in storage._sorted if key.startswith(f"{job_id}/")]


def lasting(objects: dict[str, bytes]) -> dict[str, bytes]:
    """Return what owning a job does not change."""
    return {key: data for key, data in objects.items() if "/lease/" not in key and "/events/" not in key}


# ---------------------------------------------------------------------------------------------- which key is what


def test_every_key_that_a_layout_makes_is_known_for_what_it_is() -> None:
    big = 10**13 + 7
    made = {
        LAYOUT.spec: Part.SPEC,
        LAYOUT.shard_ids(3, f"{ID}/r1/{'ab' * 16}"): Part.SHARD,
        LAYOUT.rejects: Part.REJECTS,
        LAYOUT.deleting: Part.INTENT,
    }
    for number in (1, 999_999, 1_000_000, big):
        made |= {
            LAYOUT.event(number): Part.EVENT,
            LAYOUT.lease(number): Part.LEASE,
            LAYOUT.cancel(number): Part.CANCEL,
            LAYOUT.corpus(number): Part.CORPUS,
            LAYOUT.requests(number): Part.REQUESTS,
            LAYOUT.request_ids(number): Part.REQUESTS,
            LAYOUT.segment(NONCE, number): Part.SEGMENT,
        }

    async def go() -> None:
        storage = MemoryStorage()
        await plant(storage, dict.fromkeys([*made, *THEIRS, f"{ID}/corpus/0000001.jsonl"], b""))
        found = [each async for each in parts_of(storage, LAYOUT)]
        assert {key: part for key, part, _ in found} == made
        assert {number for _, part, number in found if part is Part.EVENT} == {1, 999_999, 1_000_000, big}

    run(go())


def test_every_object_of_a_job_of_an_earlier_version_is_known() -> None:
    async def go() -> None:
        storage = FileStorage(GOLDEN)
        (job_id,) = [each async for each in job_ids(storage)]
        known = [key async for key, _, _ in parts_of(storage, Layout(job_id))]
        assert known == [key async for key in storage.keys(job_id)]

    run(go())


# ------------------------------------------------------------------------------------------------------ leftovers


@pytest.mark.parametrize("state", ["finished", "stopped", "submitted", "planned", "failed"])
def test_a_healthy_job_has_no_leftovers(state: str) -> None:
    async def go() -> None:
        storage = MemoryStorage()
        match state:
            case "finished":
                await work(storage)
            case "stopped":
                await cancelled(storage)
            case "submitted":
                await work(storage, until=Until.SUBMITTED)
            case "planned":
                async with a_job(TEXTS, storage=storage):
                    pass
            case "failed":
                await work(storage, Scripted(answer=failing(FailureKind.SERVER_ERROR, retryable=True)))
        before = snapshot(storage)
        assert await leftovers(storage) == []
        assert snapshot(storage) == before

    run(go())


def test_exactly_what_nothing_needs_goes_and_the_job_is_as_before() -> None:
    async def go() -> None:
        storage = MemoryStorage()
        await work(storage)
        healthy = snapshot(storage)
        bought = await answers(storage, ID)
        assert len(bought) == len(TEXTS)
        await plant(storage, WASTE | THEIRS)
        planted = snapshot(storage)
        (found,) = await leftovers(storage)
        assert snapshot(storage) == planted, "to find is not to change"
        assert (found.job_id, found.kind, found.objects) == (ID, Kind.LEFTOVERS, len(WASTE))
        assert (found.paid_answers, found.copied_answers, found.possibly_paid) == (0, 0, 0)
        await delete(storage, found, pruner())
        assert lasting(snapshot(storage)) == lasting(healthy | THEIRS)
        assert snapshot(storage)[f"{ID}/events/of mine.json"] == b"mine"
        assert await answers(storage, ID) == bought
        assert await leftovers(storage) == []
        assert (await look_at(storage, ID)).state.backend == "scripted", "resume needs no argument"
        backend = Scripted()
        await work(storage, backend, reopen=True)
        assert backend.calls == []

    run(go())


def test_superseded_leases_go_and_the_newest_stays() -> None:
    async def go() -> None:
        storage = MemoryStorage()
        await work(storage)
        (released,) = [key for key in below(storage) if "/lease/" in key]
        record = LeaseRecord(process=process(4), nonce=NONCE)
        await plant(storage, {LAYOUT.lease(number): encode(record) for number in (7, 8, 9)})
        (found,) = await leftovers(storage)
        assert found.objects == 3
        await delete(storage, found, pruner())
        (left,) = [key for key in below(storage) if "/lease/" in key]
        assert left > LAYOUT.lease(9) > released
        assert await leftovers(storage) == []

    run(go())


def test_obeyed_cancels_go_but_a_later_cancel_is_still_obeyed() -> None:
    async def go() -> None:
        storage = MemoryStorage()
        await cancelled(storage)
        await cancelled(storage, reopen=True)
        obeyed = (await look_at(storage, ID)).state.cancels_obeyed
        assert [key for key in below(storage) if "/cancel/" in key] == [LAYOUT.cancel(n) for n in range(1, obeyed + 1)]
        assert obeyed > 1
        (found,) = await leftovers(storage)
        assert found.objects == obeyed - 1
        await delete(storage, found, pruner())
        assert [key for key in below(storage) if "/cancel/" in key] == [LAYOUT.cancel(obeyed)]
        await cancelled(storage, reopen=True)
        assert (await look_at(storage, ID)).state.cancels_obeyed > obeyed

    run(go())


def test_leftovers_of_a_job_in_flight_go_and_its_batches_are_harvested_as_ever() -> None:
    async def go() -> None:
        storage, backend = MemoryStorage(), Scripted()
        await work(storage, backend, until=Until.SUBMITTED)
        await plant(storage, WASTE)
        await prune(storage)
        assert not set(WASTE) & set(below(storage))
        await work(storage, backend)
        assert len(await answers(storage, ID)) == len(TEXTS)
        assert len(backend.submitted()) == 2

    run(go())


def test_what_a_live_process_has_is_not_even_looked_at_and_not_deleted() -> None:
    async def go() -> None:
        storage = MemoryStorage()
        async with a_job(TEXTS, storage=storage, number=1):
            await plant(storage, WASTE)
            before = snapshot(storage)
            assert await leftovers(storage, pruner(alive=lambda other: other.pid == 1)) == []
            (found,) = await leftovers(storage, pruner())
            with pytest.raises(JobBusy, match="process 1 on here"):
                await delete(storage, found, pruner(alive=lambda other: other.pid == 1))
            assert snapshot(storage) == before

    run(go())


def test_a_lease_that_changes_while_it_is_looked_at_is_somebodys() -> None:
    class Changing(MemoryStorage):
        async def get(self, key: str) -> bytes:
            if "/lease/" in key:
                raise KeyNotFound(key)
            return await super().get(key)

    async def go() -> None:
        storage = MemoryStorage()
        await work(storage)
        await plant(storage, WASTE)
        changing = Changing()
        changing._objects, changing._sorted = storage._objects, storage._sorted
        assert await leftovers(changing) == []

    run(go())


@attrs.define
class Minutes:
    """Time in which a short sleep is over at once and something may happen meanwhile."""

    meanwhile: Callable[[], Any] | None = None
    at: float = 0.0

    async def sleep(self, seconds: float) -> None:
        if seconds > 10:
            await asyncio.Event().wait()
        self.at += seconds
        if self.meanwhile is not None and self.at > 20:
            meanwhile, self.meanwhile = self.meanwhile, None
            await meanwhile()
        await asyncio.sleep(0)

    def clock(self) -> Clock:
        return Clock(now=lambda: self.at, monotonic=lambda: self.at, sleep=self.sleep)


def test_a_job_that_crashed_on_another_machine_is_watched_for_a_minute_first() -> None:
    async def go() -> None:
        storage, told = MemoryStorage(), list[str]()
        await work(storage)
        record = encode(LeaseRecord(process=process(3, host="far"), nonce=NONCE))
        await plant(storage, WASTE | {LAYOUT.lease(50): record})

        async def renew() -> None:
            await storage.put(LAYOUT.lease(51), record)

        busy = pruner(alive=lambda _: None, clock=Minutes(renew).clock(), notice=told.append)
        (found,) = await leftovers(storage, busy)
        with pytest.raises(JobBusy, match="far"):
            await delete(storage, found, busy)
        assert set(WASTE) <= set(below(storage))
        assert "watching" in told[0]
        await delete(storage, found, pruner(alive=lambda _: None, clock=Minutes().clock()))
        assert not set(WASTE) & set(below(storage))

    run(go())


def test_a_former_owner_that_wakes_up_cannot_name_the_segment_that_went() -> None:
    async def go() -> None:
        storage, hands = MemoryStorage(), HandClock()
        async with a_job(TEXTS, storage=storage, clock=hands, number=1) as job:
            await runner(job, Scripted(), hands).run(until=Until.SUBMITTED)
            segment = LAYOUT.segment(job.lease.nonce, job.next_segment())
            await storage.put(segment, b"")
            await prune(storage, pruner())
            assert segment not in below(storage)
            with pytest.raises(LeaseLost):
                await job.ledger.append(Stored(segment=segment))
        await work(storage)
        assert len(await answers(storage, ID)) == len(TEXTS)

    run(go())


def test_an_event_that_comes_between_the_look_and_the_deletion_saves_its_segment() -> None:
    """A stale owner's last event may be written while the pruner reads: its Opened meets it and it counts."""

    async def go() -> None:
        storage, hands, late = MemoryStorage(), HandClock(), list[str]()
        with contextlib.suppress(LeaseLost):
            async with a_job(TEXTS, storage=storage, clock=hands, number=1) as job:
                await runner(job, Scripted(), hands).run(until=Until.SUBMITTED)
                segment = LAYOUT.segment(job.lease.nonce, job.next_segment())
                await storage.put(segment, b"")
                (found,) = await leftovers(storage)
                first = (await look_at(storage, ID)).state

                class Late(MemoryStorage):
                    async def put(self, key: str, data: Any, *, if_absent: bool = False) -> None:
                        if "/events/" in key and not late:
                            late.append(key)
                            event = Envelope(nonce=job.lease.nonce, serial=99, at=1.0, event=Stored(segment=segment))
                            await super().put(key, encode(event), if_absent=True)
                        await super().put(key, data, if_absent=if_absent)

                slow = Late()
                slow._objects, slow._sorted = storage._objects, storage._sorted
                await delete(slow, found, pruner())
                assert late
                assert segment in below(storage)
                assert (await look_at(storage, ID)).state.owner != first.owner

    run(go())


# -------------------------------------------------------------------------------------- folders without a spec


async def crashed_planning(storage: MemoryStorage) -> None:
    """Leave what a process leaves that dies right before it stores the spec."""
    await work(storage)
    for key in below(storage):
        kept = ("/corpus/", "/requests/", "/lease/", "/events/000000000001.json")
        if not any(part in key for part in kept):
            await storage.delete(key)


def test_a_plan_that_was_never_finished_goes_whole_and_can_be_made_again() -> None:
    async def go() -> None:
        storage = MemoryStorage()
        await crashed_planning(storage)
        await plant(storage, THEIRS)
        (found,) = await leftovers(storage)
        assert (found.kind, found.objects) == (Kind.LEFTOVERS, len(below(storage)) - 5)
        await delete(storage, found, pruner())
        assert snapshot(storage) == THEIRS
        backend = Scripted()
        await work(storage, backend)
        assert len(backend.asked()) == len(TEXTS)

    run(go())


async def lose_the_spec(storage: MemoryStorage) -> None:
    await storage.delete(LAYOUT.spec)


async def lose_spec_and_event(storage: MemoryStorage) -> None:
    await storage.delete(LAYOUT.spec)
    await storage.delete(LAYOUT.event(1))


async def lose_spec_and_events(storage: MemoryStorage) -> None:
    for key in [LAYOUT.spec, *(key for key in below(storage) if "/events/" in key)]:
        await storage.delete(key)


async def lose_events(storage: MemoryStorage) -> None:
    for key in [key for key in below(storage) if "/events/" in key]:
        await storage.delete(key)


async def lose_an_event(storage: MemoryStorage) -> None:
    await storage.delete(LAYOUT.event(3))
    await plant(storage, WASTE)


async def only_corpus(storage: MemoryStorage) -> None:
    for key in below(storage):
        if "/requests/" not in key:
            await storage.delete(key)


async def break_the_lease(storage: MemoryStorage) -> None:
    await plant(storage, WASTE | {LAYOUT.lease(99): b"?"})


async def keep_the_first_event(storage: MemoryStorage) -> None:
    for key in [key for key in below(storage) if "/events/" in key and key != LAYOUT.event(1)]:
        await storage.delete(key)


async def keep_the_first_event_and_segments(storage: MemoryStorage) -> None:
    await keep_the_first_event(storage)
    for key in [LAYOUT.spec, *(key for key in below(storage) if "/shards/" in key)]:
        await storage.delete(key)


DAMAGES = [
    keep_the_first_event,
    keep_the_first_event_and_segments,
    lose_the_spec,
    lose_spec_and_event,
    lose_spec_and_events,
    lose_events,
    lose_an_event,
    only_corpus,
    break_the_lease,
]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_what_cannot_be_proved_to_be_waste_stays_and_hides_nothing_else(damage: Any) -> None:
    async def go() -> None:
        storage = MemoryStorage()
        await work(storage)
        await work(storage, texts=["z"], name="zed")
        other = spec("zed", corpus="z").job_id
        await storage.put(Layout(other).segment(NONCE, 1), b"")
        await damage(storage)
        before = snapshot(storage)
        assert [each.job_id for each in await leftovers(storage)] == [other]
        assert await everything(find_old_jobs(storage, pruner(), older_than=1e9)) == []
        # Also when it broke after it was looked at.
        with contextlib.suppress(LedgerCorrupt):
            await delete(storage, Prunable(job_id=ID, kind=Kind.LEFTOVERS, objects=1), pruner())
        gone = set(before) - set(snapshot(storage))
        assert {key for key in gone if "/lease/" not in key} == set()

    run(go())


def test_nothing_is_shown_and_no_event_is_written_where_the_ledger_is_gone() -> None:
    async def go() -> None:
        storage = MemoryStorage()
        await work(storage)
        await lose_events(storage)
        record = encode(LeaseRecord(process=process(4), nonce=NONCE))
        await plant(storage, {LAYOUT.deleting: b"", LAYOUT.lease(70): record})
        before = lasting(snapshot(storage))
        assert await leftovers(storage) == []
        await delete(storage, Prunable(job_id=ID, kind=Kind.LEFTOVERS, objects=1), pruner())
        assert lasting(snapshot(storage)) == before
        assert not [key for key in below(storage) if "/events/" in key]

    run(go())


# ------------------------------------------------------------------------------------------------------ whole jobs


def test_a_finished_job_goes_whole_and_everything_else_stays() -> None:
    async def go() -> None:
        storage = MemoryStorage()
        await work(storage, texts=["a", "x"], name="other")
        other = snapshot(storage)
        await work(storage)
        await plant(storage, THEIRS)
        (found,) = await whole(storage)
        theirs_here = sum(key.startswith(f"{ID}/") for key in THEIRS)
        assert found == Prunable(
            job_id=ID,
            kind=Kind.JOB,
            objects=len(below(storage)) - theirs_here,
            paid_answers=4,
            copied_answers=1,
            last_at=1000.0,
        )
        await delete(storage, found, pruner())
        assert snapshot(storage) == other | THEIRS
        with pytest.raises(JobNotFound):
            await delete(storage, found, pruner())
        assert snapshot(storage) == other | THEIRS

    run(go())


def test_a_stopped_job_and_one_without_a_plan_may_go_too() -> None:
    async def go() -> None:
        storage = MemoryStorage()
        async with a_job(TEXTS, storage=storage):
            pass
        await cancelled(storage)
        assert (await look_at(storage, ID)).state.phase is Phase.STOPPED
        planless = spec("planless")
        async with own_job(storage, planless, job_id=planless.job_id, host=pruner(1), backend="b") as job:
            with contextlib.suppress(ZeroDivisionError), UnwrittenPlan(planless.model, planless.parameters) as plan:
                plan.add(*drafts(["a"]))
                await write_plan(attrs.evolve(job, ledger=_Broken()), plan)
        found = await whole(storage, ID, planless.job_id)
        assert [each.paid_answers for each in found] == [0, 0]
        for each in found:
            await delete(storage, each, pruner())
        assert snapshot(storage) == {}

    run(go())


class _Broken:
    async def append(self, event: object) -> None:
        raise ZeroDivisionError


def test_calls_that_may_have_been_paid_are_told() -> None:
    async def go() -> None:
        storage = MemoryStorage()
        await work(storage, Scripted(answer=failing(FailureKind.UNKNOWN, retryable=False)))
        (found,) = await whole(storage)
        assert (found.paid_answers, found.possibly_paid) == (0, len(TEXTS))

    run(go())


@pytest.mark.parametrize("until", [None, Until.SUBMITTED])
def test_a_job_that_is_not_at_rest_is_refused_with_the_way_out(until: Until | None) -> None:
    async def go() -> None:
        storage = MemoryStorage()
        if until is None:
            async with a_job(TEXTS, storage=storage):
                pass
        else:
            await work(storage, until=until)
        with pytest.raises(SettingError, match=f"cancel {ID}` first"):
            await whole(storage)
        assert await everything(find_old_jobs(storage, pruner(), older_than=-1e9)) == []

    run(go())


def test_a_job_that_is_not_there_or_damaged_is_refused() -> None:
    async def go() -> None:
        storage = MemoryStorage()
        with pytest.raises(JobNotFound, match="nothing-here"):
            await whole(storage, "nothing-here")
        await work(storage)
        await storage.delete(LAYOUT.event(2))
        with pytest.raises(LedgerCorrupt, match="000000000002.json is missing"):
            await whole(storage)

    run(go())


def test_what_changed_since_it_was_looked_at_is_not_deleted() -> None:
    async def go() -> None:
        storage = MemoryStorage()
        failed = Scripted(answer=failing(FailureKind.SERVER_ERROR, retryable=True))
        await work(storage, failed)
        (found,) = await whole(storage)
        await work(storage, reopen=True)
        before = lasting(snapshot(storage))
        with pytest.raises(JobUnfinished, match="changed since it was looked at"):
            await delete(storage, found, pruner())
        (found,) = await whole(storage)
        failing_again = attrs.evolve(found)
        hands = HandClock()
        async with a_job(TEXTS, storage=storage, clock=hands):
            hands.time += 5
        async with a_job(TEXTS, storage=storage, clock=hands):
            pass
        with pytest.raises(JobUnfinished, match="changed"):
            await delete(storage, failing_again, pruner())
        assert lasting(snapshot(storage)) == before

    run(go())


def test_a_job_that_went_on_since_it_was_looked_at_is_not_deleted() -> None:
    async def go() -> None:
        storage = MemoryStorage()
        await work(storage, Scripted(answer=failing(FailureKind.SERVER_ERROR, retryable=True)))
        (found,) = await whole(storage)
        await work(storage, reopen=True, until=Until.SUBMITTED)
        with pytest.raises(SettingError, match="not finished"):
            await delete(storage, found, pruner())
        await work(storage)
        assert len(await answers(storage, ID)) == len(TEXTS)

    run(go())


def test_a_job_that_a_live_process_has_is_not_deleted() -> None:
    async def go() -> None:
        storage = MemoryStorage()
        await work(storage)
        by = pruner(alive=lambda other: other.pid == 1)
        async with a_job(TEXTS, storage=storage, number=1):
            (found,) = await whole(storage)
            assert await everything(find_old_jobs(storage, by, older_than=-1e9)) == []
            with pytest.raises(JobBusy):
                await delete(storage, found, by)
        assert len(await answers(storage, ID)) == len(TEXTS)

    run(go())


async def open_again(storage: Storage, by: Host) -> None:
    async with own_job(storage, await read_spec(storage, ID), job_id=ID, host=by, backend=""):
        pass


def test_old_jobs_are_those_that_ended_long_enough_ago() -> None:
    async def go() -> None:
        storage = MemoryStorage()
        await work(storage)
        await work(storage, texts=["z"], name="zed", until=Until.SUBMITTED)
        hands = HandClock(time=1000.0 + 86_400)
        by = pruner(clock=hands.clock)
        # Whoever opens it meanwhile, to export it or to look, makes it no younger.
        await open_again(storage, by)
        assert await everything(find_old_jobs(storage, by, older_than=86_400.5)) == []
        found = await everything(find_old_jobs(storage, by, older_than=86_400))
        assert found == await whole(storage)
        await delete(storage, found[0], by)
        assert below(storage) == []

    run(go())


# ------------------------------------------------------------------------------------- interrupted and taken over


def test_a_person_may_interrupt_it_and_the_next_prune_deletes_the_rest() -> None:
    async def go() -> None:
        storage = MemoryStorage()
        await work(storage)
        looks = iter(range(100))
        # Taking the lease does not ask, so these are the deletions.
        by = pruner(stopped=lambda: next(looks) >= 4)
        (found,) = await whole(storage)
        with pytest.raises(JobUnfinished, match="run prune again"):
            await delete(storage, found, by)
        assert below(storage)
        assert [each async for each in job_ids(storage)] == []
        (rest,) = await leftovers(storage)
        assert (rest.kind, rest.objects, rest.paid_answers) == (Kind.LEFTOVERS, len(below(storage)), 0)
        await delete(storage, rest, pruner())
        assert below(storage) == []

    run(go())


def test_a_deletion_whose_job_is_taken_over_stops_at_once() -> None:
    async def go() -> None:
        minutes = Minutes()
        taken = list[str]()

        class Taken(MemoryStorage):
            async def delete(self, key: str) -> None:
                await super().delete(key)
                if "/segments/" in key and not taken:
                    taken.append(key)
                    # This process sleeps for longer than its lease, and another one begins the job anew.
                    minutes.at += 100
                    record = LeaseRecord(process=process(5), nonce=NONCE)
                    newest = max(int(each[-17:-5]) for each in below(self) if "/lease/" in each)
                    await self.put(LAYOUT.lease(newest + 1), encode(record))

        storage = Taken()
        await work(storage)
        (found,) = await whole(storage)
        with pytest.raises(LeaseLost):
            await delete(storage, found, pruner(clock=minutes.clock()))
        assert len([key for key in below(storage) if "/segments/" in key]) == 2
        assert LAYOUT.event(2) in below(storage)

    run(go())


def test_pruning_a_job_that_is_taken_over_while_it_is_read_changes_nothing() -> None:
    class Taken(MemoryStorage):
        async def get(self, key: str) -> bytes:
            if key == LAYOUT.event(1) and self.armed:
                await self.put(LAYOUT.lease(99), encode(LeaseRecord(process=process(5), nonce=NONCE)))
            return await super().get(key)

        armed = False

    async def go() -> None:
        storage = Taken()
        await work(storage)
        await plant(storage, WASTE)
        (found,) = await leftovers(storage)
        before = {key for key in below(storage) if "/lease/" not in key}
        storage.armed = True
        with pytest.raises(LeaseLost):
            await delete(storage, found, pruner())
        assert {key for key in below(storage) if "/lease/" not in key} == before

    run(go())


def test_a_job_that_begins_anew_the_moment_its_deletion_ends_keeps_its_lease() -> None:
    class Quick(MemoryStorage):
        async def put(self, key: str, data: Any, *, if_absent: bool = False) -> None:
            await super().put(key, data, if_absent=if_absent)
            if "/lease/" in key and b"released" in data and LAYOUT.spec not in below(self):
                number = int(key[-17:-5])
                await super().put(LAYOUT.lease(number + 1), encode(LeaseRecord(process=process(5), nonce=NONCE)))
                await super().delete(key)

    async def go() -> None:
        storage = Quick()
        await work(storage)
        (found,) = await whole(storage)
        await delete(storage, found, pruner())
        (lease,) = below(storage)
        assert NONCE.encode() in await storage.get(lease)

    run(go())


def test_a_job_that_another_prune_has_deleted_meanwhile_leaves_no_events() -> None:
    """Between the look before the lease and the one under it."""

    class Gone(MemoryStorage):
        twin: MemoryStorage

        async def put(self, key: str, data: Any, *, if_absent: bool = False) -> None:
            if "/lease/" in key and (found := await whole(self.twin)):
                await delete(self.twin, found[0], pruner(8))
            await super().put(key, data, if_absent=if_absent)

    async def go(kind: Kind) -> None:
        storage, gone = MemoryStorage(), Gone()
        await work(storage)
        gone.twin = storage
        gone._objects, gone._sorted = storage._objects, storage._sorted
        (found,) = await whole(storage)
        with contextlib.suppress(JobNotFound):
            await delete(gone, attrs.evolve(found, kind=kind), pruner())
        assert not [key for key in below(storage) if "/lease/" not in key]
        await prune(storage)
        assert below(storage) == []

    for kind in Kind:
        run(go(kind))


# --------------------------------------------------------------------------------------- killed at every step


def killed(work: Callable[[Storage], Any], storage: Storage, plan: CrashPlan | None) -> CrashSwitch:
    """Do some work in a loop of its own and kill it there."""
    switch = CrashSwitch(plan)
    with contextlib.suppress(SimulatedCrash, BaseExceptionGroup):
        run(work(CrashingStorage(storage, switch)))
    return switch


LOOKS = ("storage.keys", "storage.get", "storage.stream")


def plans(log: list[str]) -> list[CrashPlan]:
    """Return every crash worth trying: a look changes nothing, so the step after it covers its end."""
    names = [line.removesuffix(" before") for line in log if line.endswith(" before")]
    before = [
        CrashPlan(at, "before")
        for at, (name, last) in enumerate(zip(names, ["", *names[:-1]], strict=True), 1)
        if not (name.startswith(LOOKS) and last.startswith(LOOKS))
    ]
    return before + [CrashPlan(at, "after") for at, name in enumerate(names, 1) if not name.startswith(LOOKS)]


async def delete_the_job(storage: Storage) -> None:
    (found,) = await whole(storage)
    await delete(storage, found, pruner())


async def prune_it(storage: Storage) -> None:
    await prune(storage)


def two_jobs() -> MemoryStorage:
    """Return a storage with a stopped job that has answers, and one that copied some of them."""
    storage = MemoryStorage()

    async def go() -> None:
        await work(storage)
        await request_cancel(storage, ID, process=process())
        await work(storage, texts=["a", "x"], name="other")

    run(go())
    return storage


OTHER = spec("other", corpus="a-x").job_id


async def check_the_others(storage: MemoryStorage, before: dict[str, bytes], *, whole_job: bool) -> None:
    """Whatever is left of the job, another one works: loads, answers, and pays for nothing that is there."""
    assert {key: data for key, data in snapshot(storage).items() if key.startswith(OTHER)} == before
    assert await answers(storage, OTHER) == ["answer to a", "answer to x"]
    backend = Scripted()
    await work(storage, backend, texts=["x", "b", "y"], name="third")
    asked = backend.asked()
    assert asked == (["y"] if whole_job else ["b", "y"])
    for key in below(storage, spec("third", corpus="x-b-y").job_id):
        await storage.delete(key)


async def check_the_job(storage: MemoryStorage, *, whole_job: bool) -> None:
    """The same command again: it has all answers, or is refused, or begins anew; never something in between."""
    backend = Scripted()
    try:
        await work(storage, backend)
    except (LedgerCorrupt, SettingError, JobUnfinished):
        assert not whole_job
        assert backend.calls == []
        return
    assert len(await answers(storage, ID)) == len(TEXTS)
    if whole_job:
        assert backend.calls == []
    else:
        # Without a spec nothing may be bought, or it would be bought in a folder that is about to go.
        listed = [each async for each in job_ids(storage)]
        assert (ID in listed) == bool(backend.asked())
        # "b", "c", "d", "e" are nowhere else.
        assert backend.asked() in ([], ["b", "c", "d", "e"])


@pytest.mark.parametrize("again", [False, True], ids=["others go on", "the same command again"])
def test_a_deletion_killed_at_any_step_harms_nobody_and_the_next_prune_ends_it(again: bool) -> None:
    undisturbed = two_jobs()
    log = killed(delete_the_job, undisturbed, None).log
    assert below(undisturbed) == []
    wholes = set[bool]()
    for plan in plans(log):
        storage = two_jobs()
        other = {key: data for key, data in snapshot(storage).items() if key.startswith(OTHER)}
        switch = killed(delete_the_job, storage, plan)
        assert switch.dead
        try:
            whole_job = LAYOUT.spec in below(storage)
            run(check_the_others(storage, other, whole_job=whole_job))
            if again:
                run(check_the_job(storage, whole_job=whole_job))
            run(prune_it(storage))
            if LAYOUT.spec in below(storage):
                assert LAYOUT.deleting not in below(storage)
                assert run(leftovers(storage)) == []
                assert len(run(answers(storage, ID))) == len(TEXTS)
                run(delete_the_job(storage))
            assert below(storage) == []
            wholes.add(whole_job)
        except BaseException as error:
            error.add_note(f"killed at {plan}: {switch.log[-1]}")
            raise
    assert wholes == {True, False}


def with_leftovers() -> MemoryStorage:
    storage = two_jobs()
    run(plant(storage, WASTE))
    return storage


def test_pruning_leftovers_killed_at_any_step_leaves_the_job_whole() -> None:
    log = killed(prune_it, with_leftovers(), None).log
    for plan in plans(log):
        storage = with_leftovers()
        other = {key: data for key, data in snapshot(storage).items() if key.startswith(OTHER)}
        switch = killed(prune_it, storage, plan)
        try:
            run(check_the_others(storage, other, whole_job=True))
            run(check_the_job(storage, whole_job=True))
            run(prune_it(storage))
            assert not set(WASTE) & set(below(storage))
            run(check_the_job(storage, whole_job=True))
        except BaseException as error:
            error.add_note(f"killed at {plan}: {switch.log[-1]}")
            raise


def test_pruning_a_crashed_plan_killed_at_any_step_is_ended_by_the_next_one() -> None:
    def fresh() -> MemoryStorage:
        storage = MemoryStorage()
        run(crashed_planning(storage))
        return storage

    for plan in plans(killed(prune_it, fresh(), None).log):
        storage = fresh()
        switch = killed(prune_it, storage, plan)
        run(prune_it(storage))
        assert below(storage) == [], switch.log[-1]


@attrs.frozen
class Narrow:
    """The fake with small shards and segments."""

    inner: FakeBackend

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    @property
    def limits(self) -> Limits:
        return attrs.evolve(self.inner.limits, requests=3, segment_outcomes=2, segment_seconds=1000.0)


async def buy(storage: Storage, backend: Any, switch: CrashSwitch | None = None) -> None:
    narrow: Any = Narrow(backend)
    wrapped: Any = narrow if switch is None else CrashingBackend(narrow, switch)
    hands = HandClock()
    async with a_job(TEXTS, storage=storage, clock=hands) as job:
        run_it = runner(job, wrapped, hands)
        run_it._own.guard._sleep = backend.clock.sleep
        await run_it.run()


@pytest.mark.parametrize("mode", ["batch", "realtime"])
def test_pruned_after_a_crash_at_any_step_a_job_ends_as_it_would_have(mode: str) -> None:
    """Leftovers as crashes really leave them: whatever goes, the next run ends well and pays no more than otherwise."""

    def crashed(plan: CrashPlan | None) -> tuple[MemoryStorage, FakeBackend, CrashSwitch]:
        storage, switch, service = MemoryStorage(), CrashSwitch(plan), FakeService()
        backend = FakeBackend(FakeSettings(mode=mode, seed=5, concurrency=1), service=service)
        services[backend] = service
        with contextlib.suppress(SimulatedCrash, BaseExceptionGroup):
            run(buy(CrashingStorage(storage, switch), backend, switch))
        return storage, backend, switch

    services = dict[FakeBackend, FakeService]()
    storage, _, switch = crashed(None)
    expected = run(answers(storage, ID))
    assert len(expected) == len(TEXTS)
    pruned = 0
    for plan in plans(switch.log):
        (plain, plainly, _), (storage, backend, killed_there) = crashed(plan), crashed(plan)
        try:
            before = set(below(storage))
            run(prune_it(storage))
            pruned += bool(before - set(below(storage)))
            assert run(leftovers(storage)) == []
            for each, its_backend in ((plain, plainly), (storage, backend)):
                run(buy(each, its_backend))
                assert run(answers(each, ID)) == expected
            assert services[backend].paid() == services[plainly].paid()
        except BaseException as error:
            error.add_note(f"killed at {plan}: {killed_there.log[-1]}")
            raise
    assert pruned > 3


# ------------------------------------------------------------------------------------------------------------ size


def test_a_job_of_many_objects_is_looked_through_with_flat_memory() -> None:
    class Huge(MemoryStorage):
        async def keys(self, prefix: str = "") -> AsyncIterator[str]:
            async for key in super().keys(prefix):
                yield key
                if key == LAYOUT.request_ids(1):
                    for number in range(20_000):
                        yield LAYOUT.segment(NONCE, number)

    async def go() -> None:
        storage = Huge()
        await work(storage)
        tracemalloc.start()
        try:
            (found,) = await leftovers(storage)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert found.objects == 20_000
        assert peak < 1_000_000

    run(go())


def test_it_works_on_files(tmp_path: Path) -> None:
    async def go() -> None:
        storage = FileStorage(tmp_path / "jobs")
        await work(storage)
        await storage.put(LAYOUT.segment(NONCE, 1), b"")
        await storage.put(f"{ID}/notes.txt", b"mine")
        await prune(storage)
        with pytest.raises(KeyNotFound):
            await storage.get(LAYOUT.segment(NONCE, 1))
        assert len(await answers(storage, ID)) == len(TEXTS)
        await delete_the_job(storage)
        assert [key async for key in storage.keys()] == [f"{ID}/notes.txt"]

    run(go())
