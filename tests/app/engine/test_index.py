"""The index beside a model of it that holds everything in memory."""

from __future__ import annotations

import asyncio
import random

import pytest

from qwen_dataset.adapters.storage.memory import MemoryStorage
from qwen_dataset.app.codec import encode_ids
from qwen_dataset.app.engine import index as module
from qwen_dataset.app.engine.index import Index
from qwen_dataset.app.engine.layout import Layout
from qwen_dataset.app.engine.shards import Cut
from qwen_dataset.domain.events import PlanWritten, RoundOpened, ShardPlanned, Stored


@pytest.mark.parametrize("seed", range(60))
def test_requests_stand_in_the_shards_that_events_say(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BREATH", 7)
    monkeypatch.setattr(module, "_AT_ONCE", 5)
    asyncio.run(_compare(random.Random(seed)))


async def _compare(dice: random.Random) -> None:
    storage, layout = MemoryStorage(), Layout("job")
    ids = [f"{dice.getrandbits(128):032x}" for _ in range(dice.randrange(1, 80))]
    size = dice.randrange(1, 20)
    chunks = [ids[begin : begin + size] for begin in range(0, len(ids), size)]
    for number, chunk in enumerate(chunks, start=1):
        await storage.put(layout.request_ids(number), encode_ids(chunk))
    is_open, shards = dict.fromkeys(ids, True), dict.fromkeys(ids, 0)
    with Index(storage, layout) as index:
        await index.apply(PlanWritten(requests=len(ids), chunks=len(chunks), papers=0, corpus_chunks=0))
        await index.apply(RoundOpened(round=1, pending=len(ids)))
        for shard in range(1, dice.randrange(2, 9)):
            members = _members(dice, ids, [each for each in ids if is_open[each] and not shards[each]])
            numbers = [ids.index(each) // size + 1 for each in members] or [0]
            key = Cut(ids=tuple(members), first_chunk=1, last_chunk=1).key("job", 1)
            await storage.put(layout.shard_ids(shard, key), encode_ids(members))
            await index.apply(
                ShardPlanned(
                    shard=shard,
                    key=key,
                    requests=len(members),
                    first_chunk=min(numbers),
                    last_chunk=max(numbers),
                    planned_at=0.0,
                )
            )
            shards.update(dict.fromkeys(members, shard))
            done = dice.sample(ids, min(len(ids), dice.randrange(0, 5)))
            await index.apply(
                Stored(segment="s", completed=tuple(done), retryable=(), failed=(), unsure=(), unknown=())
            )
            is_open.update(dict.fromkeys(done, False))
            for each in range(1, shard + 1):
                inside = {ident for ident in ids if shards[ident] == each}
                assert index.members(each) == inside
                assert index.remaining(each) == {ident for ident in inside if is_open[ident]}
        free = [ident for ident in ids if is_open[ident] and not shards[ident]]
        assert [place.id for place in index.unassigned()] == free
        asked = dice.choices([*ids, "ff" * 16, "no id"], k=30)
        assert index.positions(asked) == [ids.index(each) if each in ids else None for each in asked]
        assert index.positions([]) == []


def _members(dice: random.Random, ids: list[str], free: list[str]) -> list[str]:
    """Return the requests of a shard: mostly the next ones that are free, now and then any others."""
    kind = dice.random()
    if kind < 0.6:
        return free[: dice.randrange(0, 40)]
    if kind < 0.8:
        return dice.sample(free, dice.randrange(0, len(free) + 1))
    return dice.sample(ids, dice.randrange(0, len(ids) + 1))
