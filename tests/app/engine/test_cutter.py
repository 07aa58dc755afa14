"""Shards are the same whether the plan is read for them or not, and it is not read where no size can be in the way."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwen_dataset.app.engine import index, planner, shards
from qwen_dataset.app.engine.chunks import Chunk, fetch_chunk
from qwen_dataset.app.engine.job import Job
from qwen_dataset.app.engine.layout import Layout
from qwen_dataset.app.engine.shards import Cut, Cutter
from qwen_dataset.domain.choices import RetryUnknown
from qwen_dataset.domain.events import RoundOpened
from qwen_dataset.ports.inference import Limits
from qwen_dataset.ports.storage import Storage
from tests.app.engine.bench import LIMITS, a_job

TEXTS = [f"prompt number {number}" for number in range(8)]


async def _opened(job: Job) -> None:
    await job.ledger.append(
        RoundOpened(round=1, pending=len(TEXTS), retry_unknown=RetryUnknown.AUTO, finishing=False, fresh=False)
    )


async def _cuts(job: Job, limits: Limits) -> list[Cut]:
    return [cut async for cut in Cutter(job, limits).cuts()]


def _forget_longest(job: Job) -> None:
    job.ledger.state = attrs.evolve(job.ledger.state, longest=0)


@given(
    texts=st.lists(st.text(max_size=30), min_size=1, max_size=12),
    requests=st.integers(0, 12),
    room=st.sampled_from([150, 400, 2_000, 100_000]),
    lines=st.integers(1, 5),
    page=st.integers(1, 5),
)
def test_shards_are_the_same_whether_the_plan_is_read_or_not(
    texts: list[str], requests: int, room: int, lines: int, page: int
) -> None:
    async def go() -> None:
        limits = attrs.evolve(LIMITS, requests=requests, submission_bytes=room, line_bytes=room)
        async with a_job(texts) as job:
            await _opened(job)
            by_number = await _cuts(job, limits)
            _forget_longest(job)
            assert [attrs.evolve(cut, most=None) for cut in await _cuts(job, limits)] == by_number
            if room == 100_000:
                places = [(place.id, place.chunk) for place in job.index.unassigned()]
                size = max(1, requests)
                parts = [places[begin : begin + size] for begin in range(0, len(places), size)]
                expected = [
                    Cut(ids=tuple(ident for ident, _ in part), first_chunk=part[0][1], last_chunk=part[-1][1])
                    for part in parts
                ]
                assert by_number == expected
                assert places[-1][1] == -(-len(texts) // lines)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(planner, "_CHUNK_LINES", lines)
        patch.setattr(index, "_PAGE", page)
        asyncio.run(go())


def test_requests_are_looked_at_one_by_one_only_where_a_size_may_be_in_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    taken_apart: list[int] = []

    async def noted(storage: Storage, layout: Layout, number: int) -> Chunk:
        taken_apart.append(number)
        return await fetch_chunk(storage, layout, number)

    monkeypatch.setattr(shards, "fetch_chunk", noted)

    async def go() -> None:
        async with a_job(TEXTS) as job:
            await _opened(job)
            wide = attrs.evolve(LIMITS, requests=3, submission_bytes=10_000, line_bytes=10_000)
            assert [len(cut.ids) for cut in await _cuts(job, wide)] == [3, 3, 2]
            assert taken_apart == []
            longest = job.state.longest
            assert longest > 100
            for narrow in ({"line_bytes": longest - 1}, {"submission_bytes": 3 * longest - 1}):
                await _cuts(job, attrs.evolve(wide, **narrow))
                assert taken_apart.pop() == 1
            _forget_longest(job)
            await _cuts(job, wide)
            assert taken_apart == [1]

    asyncio.run(go())


def test_a_wall_without_a_price_lets_nothing_through() -> None:
    async def go() -> None:
        async with a_job(TEXTS) as job:
            await _opened(job)
            cutter = Cutter(job, attrs.evolve(LIMITS, requests=100), room=lambda: Decimal(5))
            assert [cut async for cut in cutter.cuts()] == []
            assert cutter.is_blocked

    asyncio.run(go())
