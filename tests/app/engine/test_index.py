"""The index beside a model of it that holds everything in memory."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable

import pytest

from qwen_dataset.adapters.storage.memory import MemoryStorage
from qwen_dataset.app.engine import fates
from qwen_dataset.app.engine import index as asking
from qwen_dataset.app.engine.fates import Fate
from qwen_dataset.app.engine.id_lists import encode_ids
from qwen_dataset.app.engine.index import Index
from qwen_dataset.app.engine.layout import Layout
from qwen_dataset.app.engine.shards import Cut
from qwen_dataset.domain.choices import RetryUnknown
from qwen_dataset.domain.events import PlanWritten, RoundOpened, RoundWithdrawn, ShardPlanned, Stored
from qwen_dataset.domain.jobs import Shard
from qwen_dataset.errors import LedgerCorrupt


@pytest.fixture(autouse=True)
def few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let small examples have several parts."""
    monkeypatch.setattr(fates, "_BREATH", 7)
    monkeypatch.setattr(asking, "_PAGE", 3)
    for module in (fates, asking):
        monkeypatch.setattr(module, "AT_ONCE", 5)


@pytest.mark.parametrize("seed", range(60))
def test_requests_stand_in_the_shards_that_events_say(seed: int) -> None:
    asyncio.run(_compare(random.Random(seed)))


@pytest.mark.parametrize("count", [5, 7, 30, 71])
def test_the_loop_has_turns_while_a_large_shard_is_looked_at(count: int) -> None:
    async def turns_of(work: Awaitable[object]) -> int:
        turns, task = 0, asyncio.ensure_future(work)
        while not task.done():
            turns += 1
            await asyncio.sleep(0)
        await task
        return turns

    async def scenario() -> None:
        storage, layout = MemoryStorage(), Layout("job")
        ids = [f"{number:032x}" for number in range(count)]
        key = Cut(ids=tuple(ids), first_chunk=1, last_chunk=1).key("job", 1)
        await storage.put(layout.request_ids(1), encode_ids(ids))
        await storage.put(layout.shard_ids(1, key), encode_ids(ids))
        shard = ShardPlanned(shard=1, key=key, requests=count, first_chunk=1, last_chunk=1, planned_at=0.0)
        with Index(storage, layout) as index:
            await index.apply(PlanWritten(requests=count, chunks=1, papers=0, corpus_chunks=0))
            assert await turns_of(index.apply(RoundOpened(round=1, pending=count))) >= count / 7
            assert await turns_of(index.apply(shard)) >= count / 7
            assert await turns_of(index.remaining(_shard(shard))) >= count / 7
            assert await turns_of(index.members(_shard(shard))) >= count / 7
            assert await index.remaining(_shard(shard)) == ids

    asyncio.run(scenario())


@pytest.mark.parametrize("begin", [0, 5])
@pytest.mark.parametrize("chunks", [(1, 1), (2, 3), (4, 9), (1, 4), (0, 3), (-1, 3), (3, 1)])
def test_a_shard_whose_event_names_other_chunks_is_damage(chunks: tuple[int, int], begin: int) -> None:
    async def scenario() -> None:
        storage, layout = MemoryStorage(), Layout("job")
        ids = [f"{number:032x}" for number in range(30)]
        for number in range(3):
            await storage.put(layout.request_ids(number + 1), encode_ids(ids[10 * number :][:10]))
        members = ids[begin : begin + 20]
        key = Cut(ids=tuple(members), first_chunk=1, last_chunk=3).key("job", 1)
        await storage.put(layout.shard_ids(1, key), encode_ids(members))
        first, last = chunks
        shard = ShardPlanned(shard=1, key=key, requests=20, first_chunk=first, last_chunk=last, planned_at=0.0)
        with Index(storage, layout) as index:
            await index.apply(PlanWritten(requests=30, chunks=3, papers=0, corpus_chunks=0))
            await index.apply(RoundOpened(round=1, pending=30))
            with pytest.raises(LedgerCorrupt, match="does not have the requests of shard 1"):
                await index.apply(shard)

    asyncio.run(scenario())


def test_an_outcome_of_what_is_no_id_is_nobodys() -> None:
    async def scenario() -> None:
        storage, layout = MemoryStorage(), Layout("job")
        a, b, c, d = ids = [f"{number:032x}" for number in range(4)]
        await storage.put(layout.request_ids(1), encode_ids(ids))
        with Index(storage, layout) as index:
            await index.apply(PlanWritten(requests=4, chunks=1, papers=0, corpus_chunks=0))
            await index.apply(RoundOpened(round=1, pending=4))
            done = (a, b + c, "", d)
            await index.apply(Stored(segment="s", completed=done, retryable=(), failed=(), unsure=(), unknown=()))
            assert await _open_ids(index) == [b, c]

    asyncio.run(scenario())


async def _open_ids(index: Index) -> list[str]:
    return [ident async for some in index.open_ids() for ident in some]


def _shard(event: ShardPlanned) -> Shard:
    return Shard(
        number=event.shard,
        key=event.key,
        requests=event.requests,
        first_chunk=event.first_chunk,
        last_chunk=event.last_chunk,
    )


async def _compare(dice: random.Random) -> None:
    storage, layout = MemoryStorage(), Layout("job")
    ids = [f"{dice.getrandbits(128):032x}" for _ in range(dice.randrange(1, 80))]
    size = dice.randrange(1, 20)
    chunks = [ids[begin : begin + size] for begin in range(0, len(ids), size)]
    for number, chunk in enumerate(chunks, start=1):
        await storage.put(layout.request_ids(number), encode_ids(chunk))
    is_open, shards = dict.fromkeys(ids, True), dict.fromkeys(ids, 0)
    planned: dict[int, ShardPlanned] = {}
    with Index(storage, layout) as index:
        await index.apply(PlanWritten(requests=len(ids), chunks=len(chunks), papers=0, corpus_chunks=0))
        await index.apply(RoundOpened(round=1, pending=len(ids)))
        for shard in range(1, dice.randrange(2, 9)):
            members = _members(dice, ids, [each for each in ids if is_open[each] and not shards[each]])
            numbers = [ids.index(each) // size + 1 for each in members] or [1]
            key = Cut(ids=tuple(members), first_chunk=1, last_chunk=1).key("job", 1)
            await storage.put(layout.shard_ids(shard, key), encode_ids(members))
            planned[shard] = ShardPlanned(
                shard=shard,
                key=key,
                requests=len(members),
                first_chunk=min(numbers),
                last_chunk=max(numbers),
                planned_at=0.0,
            )
            await index.apply(planned[shard])
            shards.update(dict.fromkeys(members, shard))
            done = dice.sample(ids, min(len(ids), dice.randrange(0, 5)))
            await index.apply(
                Stored(segment="s", completed=tuple(done), retryable=(), failed=(), unsure=(), unknown=())
            )
            is_open.update(dict.fromkeys(done, False))
            for each, event in planned.items():
                inside = [ident for ident in ids if shards[ident] == each]
                assert await index.members(_shard(event)) == inside
                assert await index.remaining(_shard(event)) == [ident for ident in inside if is_open[ident]]
        free = [ident for ident in ids if is_open[ident] and not shards[ident]]
        assert [place.id for place in index.unassigned()] == free
        numbers = list(index.unassigned_chunks())
        assert numbers == sorted({ids.index(each) // size + 1 for each in free})
        listed = [index.unassigned_ids(number, chunks[number - 1]) for number in numbers]
        assert [ident for some in listed for ident in some] == free
        for number, some in zip(numbers, listed, strict=True):
            is_whole = set(some) == set(chunks[number - 1])
            assert (some is chunks[number - 1]) == is_whole
            whole = chunks[number - 1]
            for others in ([*whole, "ff" * 16], whole[1:], whole[:-1], ["ff" * 16] * len(whole), []):
                assert index.unassigned_ids(number, others) == some
        asked = dice.choices([*ids, "ff" * 16, "no id"], k=30)
        assert index.positions(asked) == [ids.index(each) if each in ids else None for each in asked]
        assert index.positions([]) == []


@pytest.mark.parametrize("seed", range(60))
def test_outcomes_in_any_order_leave_what_a_round_asks_again(seed: int) -> None:
    asyncio.run(_compare_rounds(random.Random(seed)))


async def _compare_rounds(dice: random.Random) -> None:
    storage, layout = MemoryStorage(), Layout("job")
    ids = [f"{dice.getrandbits(128):032x}" for _ in range(dice.randrange(1, 80))]
    await storage.put(layout.request_ids(1), encode_ids(ids))
    fates, unsure, is_open = dict.fromkeys(ids, Fate.UNANSWERED), Counter[str](), dict.fromkeys(ids, False)
    with Index(storage, layout) as index:
        await index.apply(PlanWritten(requests=len(ids), chunks=1, papers=0, corpus_chunks=0))
        for number in range(1, 6):
            policy, fresh, pilot = dice.choice(list(RetryUnknown)), dice.random() < 0.3, dice.random() < 0.3
            wanted = [each for each in ids if _is_wanted(fates[each], unsure[each], policy, fresh=fresh)]
            assert (index.never_asked() if fresh else index.to_ask(policy)) == len(wanted)
            if pilot:
                wanted = wanted[: dice.randrange(len(wanted) + 1)]
            opened = RoundOpened(round=number, pending=len(wanted), retry_unknown=policy, fresh=fresh, pilot=pilot)
            await index.apply(opened)
            is_open.update(dict.fromkeys(wanted, True))
            assert await _open_ids(index) == [each for each in ids if is_open[each]]
            told = _told(dice, [each for each in ids if is_open[each]])
            await index.apply(Stored(segment="s", **{fate.name.lower(): tuple(some) for fate, some in told.items()}))
            for fate, some in told.items():
                fates.update(dict.fromkeys(some, fate))
                unsure.update(some if fate is Fate.UNSURE else [])
                is_open.update(dict.fromkeys(some, False))
            assert index.counts() == Counter(fates.values())
            assert await _open_ids(index) == [each for each in ids if is_open[each]]
            assert list(index.unknown_ids()) == [each for each in ids if fates[each] is Fate.UNKNOWN]
            await index.apply(RoundWithdrawn(round=number, because_of="other"))
            is_open = dict.fromkeys(ids, False)
            assert not await _open_ids(index)


def _is_wanted(fate: Fate, unsure: int, policy: RetryUnknown, *, fresh: bool) -> bool:
    if fresh or fate is Fate.UNANSWERED:
        return fate is Fate.UNANSWERED
    if fate is Fate.UNSURE and policy is RetryUnknown.AUTO:
        return unsure < 2
    return fate is Fate.RETRYABLE or (fate in {Fate.UNSURE, Fate.UNKNOWN} and policy is RetryUnknown.ALWAYS)


def _told(dice: random.Random, ids: list[str]) -> dict[Fate, list[str]]:
    """Return outcomes of some requests: in the order of the plan, with gaps, or in any order."""
    told: dict[Fate, list[str]] = {fate: [] for fate in Fate if fate is not Fate.UNANSWERED}
    share, usual = dice.choice([0.5, 0.9, 1.0]), dice.choice(list(told))
    some = [each for each in ids if dice.random() < share]
    if dice.random() < 0.4:
        dice.shuffle(some)
    for each in some:
        told[usual if dice.random() < 0.8 else dice.choice(list(told))].append(each)
    return told


def _members(dice: random.Random, ids: list[str], free: list[str]) -> list[str]:
    """Return the requests of a shard: mostly the next ones that are free, now and then any others."""
    kind = dice.random()
    if kind < 0.6:
        return free[: dice.randrange(0, 40)]
    if kind < 0.8:
        return dice.sample(free, dice.randrange(0, len(free) + 1))
    return dice.sample(ids, dice.randrange(0, len(ids) + 1))
