"""A plan that is not as it was written: nothing wrong is sent or told, and one sentence says which file it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Callable

import attrs
import pytest

from qwen_dataset.adapters.inference.asked import asked_ids
from qwen_dataset.adapters.storage.memory import MemoryStorage
from qwen_dataset.app.dataset.join import join
from qwen_dataset.app.engine import planner
from qwen_dataset.app.engine.chunks import ShardRequests
from qwen_dataset.app.engine.fates import Fate
from qwen_dataset.app.engine.id_lists import decode_ids, encode_ids, encode_plan_ids
from qwen_dataset.app.engine.job import Job
from qwen_dataset.app.engine.pace import Until
from qwen_dataset.domain.inference import Request
from qwen_dataset.domain.jobs import Shard
from qwen_dataset.errors import LedgerCorrupt
from qwen_dataset.ports.inference import JobHandle
from tests.app.engine.bench import LIMITS, HandClock, Scripted, a_job, runner

TEXTS = [f"prompt number {number}" for number in range(8)]
SHARD = Shard(number=1, key="key", requests=len(TEXTS), first_chunk=1, last_chunk=1)
Lines = list[bytes]


def changed(lines: Lines) -> None:
    lines[2] = lines[2].replace(b"number 2", b"number 9")


def swapped(lines: Lines) -> None:
    lines[2], lines[3] = lines[3], lines[2]


def lost(lines: Lines) -> None:
    del lines[2]


def emptied(lines: Lines) -> None:
    lines.clear()


def misplaced(lines: Lines) -> None:
    lines[2] = lines[2].replace(b'"position":2', b'"position":7')


def relabelled(lines: Lines) -> None:
    lines[2] = lines[2].replace(b'"kind":"prompt"', b'"kind":"promp7"')


def garbled(lines: Lines) -> None:
    lines[2] = b"{xx\n"


DAMAGES = {"requests": (changed, swapped, lost, emptied, garbled), "ids": (swapped, lost, emptied)}
ALL = [(kind, damage) for kind, damages in DAMAGES.items() for damage in damages]


async def _damage(job: Job, kind: str, damage: Callable[[Lines], None]) -> str:
    key = job.layout.requests(1) if kind == "requests" else job.layout.request_ids(1)
    lines = (await job.storage.get(key)).splitlines(keepends=True)
    damage(lines)
    await job.storage.put(key, b"".join(lines))
    return key


async def _forget_checksum(job: Job) -> None:
    """Make the plan one of an earlier version."""
    key = job.layout.request_ids(1)
    await job.storage.put(key, encode_ids(decode_ids(await job.storage.get(key), where=key)))


@pytest.mark.parametrize("has_checksum", [True, False])
@pytest.mark.parametrize(("kind", "damage"), ALL, ids=lambda each: getattr(each, "__name__", each))
def test_nothing_is_bought_of_a_damaged_plan(kind: str, damage: Callable[[Lines], None], *, has_checksum: bool) -> None:
    async def go() -> None:
        backend, hands, storage = Scripted(), HandClock(), MemoryStorage()
        async with a_job(TEXTS, storage=storage, clock=hands) as job:
            if not has_checksum:
                await _forget_checksum(job)
            key = await _damage(job, kind, damage)
            with pytest.raises(LedgerCorrupt) as caught:
                await runner(job, backend, hands).run()
        told = str(caught.value)
        assert key.removesuffix(".ids").removesuffix(".jsonl") in told
        assert "restore it from a copy" in told
        assert backend.asked() == []
        assert backend.submitted() == []

    asyncio.run(go())


@attrs.define
class _LooksAtNothing(Scripted):
    """As a realtime backend does, ``submit`` reads no request."""

    async def submit(self, key: str, requests: AsyncIterable[Request]) -> JobHandle:
        self.calls.append(("submit", key, []))
        return JobHandle(backend="scripted", key=key, token=f"token-of-{key}")


@pytest.mark.parametrize("kind", ["requests", "ids"])
@pytest.mark.parametrize("has_longest", [True, False])
def test_nothing_is_called_of_a_plan_whose_last_chunk_is_damaged(
    kind: str, monkeypatch: pytest.MonkeyPatch, *, has_longest: bool
) -> None:
    monkeypatch.setattr(planner, "_CHUNK_LINES", 2)

    async def go() -> None:
        backend, hands = _LooksAtNothing(limits=attrs.evolve(LIMITS, requests=50)), HandClock()
        async with a_job(TEXTS, clock=hands) as job:
            if not has_longest:
                job.ledger.state = attrs.evolve(job.ledger.state, longest=0)
            key = job.layout.requests(4) if kind == "requests" else job.layout.request_ids(4)
            data = await job.storage.get(key)
            await job.storage.put(key, data.replace(b"number 7", b"number 9") if kind == "requests" else data[33:])
            with pytest.raises(LedgerCorrupt, match="requests/000004"):
                await runner(job, backend, hands).run()
        assert backend.calls == []

    asyncio.run(go())


def test_a_plan_that_was_restored_is_asked_also_where_nothing_can_be_found_again() -> None:
    async def go() -> None:
        backend = Scripted(limits=attrs.evolve(LIMITS, requests=50, findable_seconds=0.0))
        hands, storage = HandClock(), MemoryStorage()
        async with a_job(TEXTS, storage=storage, clock=hands) as job:
            key = job.layout.requests(1)
            good = await storage.get(key)
            await storage.put(key, b"".join(good.splitlines(keepends=True)[:-1]))
            with pytest.raises(LedgerCorrupt):
                await runner(job, backend, hands).run()
        await storage.put(key, good)
        async with a_job(TEXTS, storage=storage, clock=hands, number=2) as job:
            await runner(job, backend, hands).run(reopen=True)
            assert job.index.counts() == {Fate.COMPLETED: len(TEXTS)}
        assert sorted(backend.asked()) == TEXTS

    asyncio.run(go())


def test_a_shard_that_lacks_a_request_is_refused_while_it_is_sent() -> None:
    async def go() -> None:
        async with a_job(TEXTS) as job:
            ids = decode_ids(await job.storage.get(job.layout.request_ids(1)), where="x")
            requests = ShardRequests(job, SHARD, frozenset([*ids, "f" * 32]))
            with pytest.raises(LedgerCorrupt, match="holds 8 of the 9 requests that are to be asked"):
                async for _ in requests:
                    pass

    asyncio.run(go())


def test_lines_that_are_read_as_something_else_are_refused_whatever_the_checksum_says() -> None:
    async def go() -> None:
        async with a_job(TEXTS) as job:
            key, ids_key = job.layout.requests(1), job.layout.request_ids(1)
            ids = decode_ids(await job.storage.get(ids_key), where="x")
            lines = (await job.storage.get(key)).replace(b"prompt number", b"another number")
            await job.storage.put(key, lines)
            await job.storage.put(ids_key, encode_plan_ids(ids, lines))
            with pytest.raises(LedgerCorrupt, match="holds other requests"):
                async for _ in ShardRequests(job, SHARD, frozenset(ids)):
                    pass

    asyncio.run(go())


@pytest.mark.parametrize(
    ("damage", "has_checksum"),
    [
        *((damage, True) for damage in (changed, relabelled, lost, emptied, misplaced, garbled, swapped)),
        # Without one, what was asked is not looked at any more.
        *((damage, False) for damage in (lost, emptied, misplaced, garbled, swapped)),
    ],
)
def test_a_dataset_is_not_made_of_a_damaged_plan(damage: Callable[[Lines], None], *, has_checksum: bool) -> None:
    async def go() -> None:
        hands = HandClock()
        async with a_job(TEXTS, clock=hands) as job:
            if not has_checksum:
                await _forget_checksum(job)
            await runner(job, Scripted(), hands).run()
            key = await _damage(job, "requests", damage)
            with pytest.raises(LedgerCorrupt, match=key):
                async for _ in join(job.storage, job.layout, job.index, job.state):
                    pass

    asyncio.run(go())


@pytest.mark.parametrize(
    "damage", [lambda b: b.replace(b'"is":"completion"', b'"is":"nonsense"', 1), lambda b: b[:-20]]
)
def test_a_damaged_segment_is_told_by_its_name(damage: Callable[[bytes], bytes]) -> None:
    async def go() -> None:
        hands = HandClock()
        async with a_job(TEXTS, clock=hands) as job:
            await runner(job, Scripted(), hands).run()
            keys = [key for key, _ in job.index.segments()]
            assert len(keys) > 2
            await job.storage.put(keys[1], damage(await job.storage.get(keys[1])))
            with pytest.raises(LedgerCorrupt, match=keys[1]):
                async for _ in join(job.storage, job.layout, job.index, job.state):
                    pass

    asyncio.run(go())


def doubled(lines: Lines) -> None:
    lines[1] = lines[0]


def cut(lines: Lines) -> None:
    del lines[3:]


def replaced(lines: Lines) -> None:
    lines[2] = b"0" * 32 + b"\n"


@pytest.mark.parametrize("damage", [cut, lost, swapped, replaced, emptied], ids=lambda each: each.__name__)
def test_what_is_under_way_is_not_bought_again_where_the_list_of_it_is_damaged(
    damage: Callable[[Lines], None],
) -> None:
    async def go() -> None:
        backend, hands, storage = Scripted(limits=attrs.evolve(LIMITS, requests=6)), HandClock(), MemoryStorage()
        async with a_job(TEXTS, storage=storage, clock=hands) as job:
            await runner(job, backend, hands).run(until=Until.SUBMITTED)
            key = job.layout.shard_ids(1, job.state.shards[1].key)
        bought = list(backend.submitted())
        assert bought
        lines = (await storage.get(key)).splitlines(keepends=True)
        damage(lines)
        await storage.put(key, b"".join(lines))
        with pytest.raises(LedgerCorrupt, match=key):
            async with a_job(TEXTS, storage=storage, clock=hands, number=2) as job:
                await runner(job, backend, hands).run()
        assert backend.submitted() == bought

    asyncio.run(go())


def test_a_plan_whose_end_is_gone_is_not_taken_for_the_whole() -> None:
    async def go() -> None:
        backend, hands, storage = Scripted(), HandClock(), MemoryStorage()
        async with a_job(TEXTS, storage=storage, clock=hands) as job:
            plan = job.layout.plan
            for kind in ("requests", "ids"):
                await _damage(job, kind, cut)
        with pytest.raises(LedgerCorrupt, match=f"{plan} holds 3 of the 8 requests that were planned"):
            async with a_job(TEXTS, storage=storage, clock=hands, number=2) as job:
                await runner(job, backend, hands).run()
        assert backend.asked() == []

    asyncio.run(go())


def test_a_plan_that_names_a_request_twice_is_told_by_its_name() -> None:
    async def go() -> None:
        hands, storage = HandClock(), MemoryStorage()
        async with a_job(TEXTS, storage=storage, clock=hands) as job:
            key = await _damage(job, "ids", doubled)
        with pytest.raises(LedgerCorrupt, match=f"{key} holds a request twice"):
            async with a_job(TEXTS, storage=storage, clock=hands, number=2):
                pass

    asyncio.run(go())


def test_a_segment_in_which_one_answer_lies_over_another_is_told_by_its_name() -> None:
    async def go() -> None:
        hands = HandClock()
        async with a_job(TEXTS, clock=hands) as job:
            await runner(job, Scripted(), hands).run()
            key = next(key for key, outcomes in job.index.segments() if outcomes > 1)
            lines = (await job.storage.get(key)).splitlines(keepends=True)
            doubled(lines)
            await job.storage.put(key, b"".join(lines))
            with pytest.raises(LedgerCorrupt, match=f"{key} holds two outcomes of one request"):
                async for _ in join(job.storage, job.layout, job.index, job.state):
                    pass

    asyncio.run(go())


def test_ids_are_those_of_the_requests_and_end_with_them() -> None:
    async def go() -> None:
        async with a_job(TEXTS) as job:
            ids = decode_ids(await job.storage.get(job.layout.request_ids(1)), where="x")
            whole = ShardRequests(job, SHARD, frozenset(ids))
            assert list(await asked_ids(whole)) == ids == [each.id async for each in whole]
            some = ShardRequests(job, SHARD, frozenset(ids[1:5:2]))
            assert list(await asked_ids(some)) == ids[1:5:2] == [each.id async for each in some]
            left = iter([True, True, False])
            ending = ShardRequests(job, SHARD, frozenset(ids), lambda: next(left))
            assert list(await asked_ids(ending)) == ids[:2]

    asyncio.run(go())


def test_a_plan_of_an_earlier_version_is_asked_as_it_is() -> None:
    async def go() -> None:
        backend, hands = Scripted(), HandClock()
        async with a_job(TEXTS, clock=hands) as job:
            await _forget_checksum(job)
            await runner(job, backend, hands).run()
            assert backend.asked() == TEXTS

    asyncio.run(go())
