"""Numbers of equal requests, and the chunks that a plan is stored in."""

from __future__ import annotations

import asyncio
from collections import Counter

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwen_dataset.app.codec import decode, lines_of
from qwen_dataset.app.engine import planner
from qwen_dataset.app.engine.id_lists import decode_ids
from qwen_dataset.app.engine.planner import Numbering, UnwrittenPlan
from qwen_dataset.domain.inference import Parameters
from qwen_dataset.domain.recipes.base import Planned
from tests.app.engine.bench import drafts, request_of

FEW = 5


@pytest.fixture(autouse=True)
def few_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let five ids be many, so that small examples go through both ways of counting."""
    monkeypatch.setattr(planner, "_FEW", FEW)


@given(st.lists(st.lists(st.integers(0, 12), max_size=6), max_size=8))
def test_equal_requests_are_counted_in_order_in_memory_and_on_disk(blocks: list[list[int]]) -> None:
    met: Counter[int] = Counter()
    with Numbering() as numbering:
        for block in blocks:
            expected = []
            for number in block:
                expected.append(request_of(f"text {number}", met[number]))
                met[number] += 1
            found = numbering.numbered([request_of(f"text {number}") for number in block])
            assert found == expected
            assert [each.id for each in found] == [each.id for each in expected]


@given(st.lists(st.integers(0, 3), max_size=40), st.integers(1, 7), st.integers(1, 9))
def test_a_plan_comes_out_as_it_was_put_in_whatever_is_written_together(
    numbers: list[int], at_once: int, chunk: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(planner, "_AT_ONCE", at_once)
        patch.setattr(planner, "_CHUNK_LINES", chunk)
        with UnwrittenPlan("m", Parameters()) as plan:
            ids = [plan.add(draft) for draft in drafts([f"text {number}" for number in numbers])]
            assert plan.requests == len(numbers)
            parts = list(plan.request_chunks())
        assert list(plan.corpus_chunks()) == []
    assert ids == [request_of(f"text {number}").id for number in numbers]
    lines = [lines_of(part.lines) for part in parts]
    assert all(len(each) == chunk for each in lines[:-1])
    planned = [decode(Planned, line, where="x") for each in lines for line in each]
    assert [each.position for each in planned] == list(range(len(numbers)))
    assert [each.request.messages[0].content for each in planned] == [f"text {number}" for number in numbers]
    met: Counter[int] = Counter()
    for number, each in zip(numbers, planned, strict=True):
        assert each.request.index == met[number]
        met[number] += 1
    assert [ident for part in parts for ident in decode_ids(part.ids, where="x")] == [
        each.request.id for each in planned
    ]
    assert plan.longest == max((len(line) for each in lines for line in each), default=0)


def test_a_plan_is_given_back_in_a_thread_only_where_it_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[object] = []

    async def noted(function: object) -> None:
        threads.append(function)

    monkeypatch.setattr(asyncio, "to_thread", noted)

    async def go() -> None:
        with UnwrittenPlan("m", Parameters()) as plan:
            for draft in drafts(["a", "b"]):
                plan.add(draft)
            assert len(list(plan.request_chunks())) == 1
            await plan.give_back()
            assert threads == []
        monkeypatch.setattr(planner, "_MUCH", 1)
        with UnwrittenPlan("m", Parameters()) as plan:
            plan.add(attrs.evolve(drafts(["a"])[0]))
            assert len(list(plan.request_chunks())) == 1
            await plan.give_back()
            assert threads == [plan.discard]

    asyncio.run(go())
