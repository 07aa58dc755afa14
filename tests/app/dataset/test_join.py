"""Requests and outcomes brought together, in whatever order the outcomes came."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import attrs
import pytest

from qwen_dataset.adapters.storage.memory import MemoryStorage
from qwen_dataset.app.codec import StoredOutcome, encode
from qwen_dataset.app.dataset import join as joining
from qwen_dataset.app.dataset.join import Joined, join
from qwen_dataset.app.engine import scratch
from qwen_dataset.app.engine.id_lists import encode_ids
from qwen_dataset.app.engine.index import Index
from qwen_dataset.app.engine.layout import Layout
from qwen_dataset.domain.events import PlanWritten, Stored
from qwen_dataset.domain.inference import Completion, Failure, FailureKind, Outcome, Request
from qwen_dataset.domain.jobs import JobState
from qwen_dataset.domain.recipes.base import Planned
from qwen_dataset.domain.samples import Origin
from qwen_dataset.errors import LedgerCorrupt
from tests.app.engine.bench import request_of

LAYOUT = Layout("job")


def joined(requests: list[Request], segments: list[list[Outcome]], planned: int | None = None) -> list[Joined]:
    """Store a plan and segments, and join them; ``planned``: how many requests the job believes to have."""

    async def go() -> list[Joined]:
        storage = MemoryStorage()
        lines = [
            Planned(position=position, request=request, origin=Origin(kind="prompt", label=f"p{position}"))
            for position, request in enumerate(requests)
        ]
        await storage.put(LAYOUT.requests(1), b"".join(map(encode, lines)))
        await storage.put(LAYOUT.request_ids(1), encode_ids(request.id for request in requests))
        with Index(storage, LAYOUT) as index:
            await index.apply(PlanWritten(requests=len(requests), chunks=1, papers=0, corpus_chunks=0))
            for number, outcomes in enumerate(segments, start=1):
                key = LAYOUT.segment("n", number)
                await storage.put(key, b"".join(encode(StoredOutcome(each, "b", number)) for each in outcomes))
                ids = tuple(each.request_id for each in outcomes)
                await index.apply(Stored(segment=key, completed=ids, retryable=(), failed=(), unsure=(), unknown=()))
            state = attrs.evolve(JobState(), requests=planned or len(requests), chunks=1)
            return [each async for each in join(storage, LAYOUT, index, state)]

    return asyncio.run(go())


def done(request: Request, text: str) -> Outcome:
    return Completion(request_id=request.id, text=text)


def refused(request: Request) -> Outcome:
    return Failure(request_id=request.id, kind=FailureKind.SERVER_ERROR, message="no", retryable=True)


@pytest.mark.parametrize("seed", range(10))
def test_each_request_has_the_last_of_its_own_outcomes(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scratch, "_READ_AHEAD", 300)
    monkeypatch.setattr(scratch, "_GATHERED", 500)
    dice = random.Random(seed)
    requests = [request_of(f"question {number}") for number in range(60)]
    last: dict[str, Outcome] = {}
    segments = []
    for _ in range(8):
        asked = [request for request in requests if dice.random() < 0.2]
        dice.shuffle(asked)
        outcomes = [
            refused(request) if dice.random() < 0.3 else done(request, "x" * dice.choice([1, 30, 500]))
            for request in asked
        ]
        last |= {outcome.request_id: outcome for outcome in outcomes}
        if outcomes:
            segments.append(outcomes)
    found = joined(requests, segments)
    assert [each.planned.request for each in found] == requests
    assert [each.planned.origin.label for each in found] == [f"p{number}" for number in range(60)]
    outcomes_found = [None if each.stored is None else each.stored.outcome for each in found]
    assert outcomes_found == [last.get(request.id) for request in requests]
    assert None in outcomes_found


def test_others_get_their_turn_while_many_requests_are_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    """The lease is renewed in the same loop."""
    turns = []

    async def turn(seconds: float, sleep: Any = asyncio.sleep) -> None:
        turns.append(seconds)
        await sleep(seconds)

    monkeypatch.setattr(joining.asyncio, "sleep", turn)
    requests = [request_of(f"question {number}") for number in range(20)]
    segments = [[done(request, "a")] for request in requests]
    joined(requests, segments)
    assert turns == [], "a small job is joined in one go"
    monkeypatch.setattr(joining, "_BREATH", 5)
    joined(requests, segments)
    assert turns == [0] * 8, "four turns over the segments, four over the plan"


def test_a_plan_that_grew_is_told() -> None:
    requests = [request_of(f"question {number}") for number in range(3)]
    with pytest.raises(LedgerCorrupt, match="job/requests holds more than the 2 requests that were planned"):
        joined(requests, [], planned=2)
