"""What a job left in its storage, read back without the engine, and whether it is as it must be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
import orjson

from qwen_dataset.app.codec import Envelope, StoredOutcome, decode
from qwen_dataset.app.dataset.sums import Sums
from qwen_dataset.app.engine.id_lists import decode_ids
from qwen_dataset.app.engine.layout import Layout
from qwen_dataset.app.wiring.corpus import ReadReport, read_papers
from qwen_dataset.domain.events import Event, Opened, RoundOpened, RoundWithdrawn, Stored
from qwen_dataset.domain.inference import Completion, Outcome
from qwen_dataset.domain.papers import Paper
from qwen_dataset.domain.recipes.base import Planned
from qwen_dataset.errors import KeyNotFound
from qwen_dataset.ports.storage import Storage


@attrs.frozen(kw_only=True)
class StoredJob:
    """A job as its stored objects say, added up in the plainest way."""

    planned: dict[str, Planned]
    events: list[Event]
    outcomes: dict[str, list[Outcome]]

    def check(self, sums: Sums | None = None) -> None:
        """Assert that each request has one final outcome; and that ``sums`` say what is stored."""
        assert set(self.outcomes) == set(self.planned)
        for found in self.outcomes.values():
            assert sum(isinstance(outcome, Completion) for outcome in found) <= 1
            assert all(not isinstance(outcome, Completion) for outcome in found[:-1])
        if sums is None:
            return
        completions = sum(isinstance(found[-1], Completion) for found in self.outcomes.values())
        assert (sums.requests, sums.completions, sums.unanswered) == (len(self.planned), completions, 0)
        assert sums.failures == len(self.planned) - completions
        assert sums.candidates == sums.samples + sums.rejects


async def read_job(storage: Storage, job_id: str) -> StoredJob:
    """Read a job. Asserts that events are consecutive and that no round answers an id twice."""
    layout = Layout(job_id)
    planned, events, outcomes = {}, list[Event](), dict[str, list[Outcome]]()
    owner, this_round = None, Counter[str]()
    keys = [key async for key in storage.keys(job_id)]
    for key in keys:
        if key.startswith(f"{job_id}/requests/") and key.endswith(".jsonl"):
            lines = [decode(Planned, line, where=key) for line in (await storage.get(key)).splitlines()]
            assert [each.request.id for each in lines] == decode_ids(
                await storage.get(key[: -len("jsonl")] + "ids"), where=key
            )
            planned |= {each.request.id: each for each in lines}
    stored_events = [key for key in keys if key.startswith(f"{layout.events}/")]
    assert stored_events == [layout.event(number) for number in range(1, len(stored_events) + 1)]
    for key in stored_events:
        envelope = decode(Envelope, await storage.get(key), where=key)
        event = envelope.event
        if isinstance(event, Opened):
            owner = event.nonce
        if envelope.nonce != owner:
            continue
        events.append(event)
        if isinstance(event, RoundOpened | RoundWithdrawn):
            this_round.clear()
        if isinstance(event, Stored):
            lines = [decode(StoredOutcome, line, where=key) for line in await _lines(storage, event.segment)]
            ids = [line.outcome.request_id for line in lines]
            assert sorted(ids) == sorted(
                [*event.completed, *event.retryable, *event.failed, *event.unsure, *event.unknown]
            )
            this_round.update(ids)
            for line in lines:
                outcomes.setdefault(line.outcome.request_id, []).append(line.outcome)
        assert all(count == 1 for count in this_round.values())
    return StoredJob(planned=planned, events=events, outcomes=outcomes)


async def _lines(storage: Storage, key: str) -> list[bytes]:
    try:
        return (await storage.get(key)).splitlines()
    except KeyNotFound:
        raise AssertionError(f"an event names {key}, which is not stored") from None


def papers_below(paths: Sequence[Path]) -> dict[str, Paper]:
    """Read papers as the library does, by id."""
    return {paper.id: paper for paper in read_papers(paths, ReadReport())}


def records(output: Path) -> list[dict[str, Any]]:
    """Read a dataset file."""
    return [orjson.loads(line) for line in output.read_bytes().splitlines()]


def check_grounded(samples: Sequence[dict[str, Any]], papers: dict[str, Paper], planned: dict[str, Planned]) -> None:
    """Assert that every sample is of its own request's paper and passage, and every quote stands in that passage."""
    for sample in samples:
        metadata = sample["metadata"]
        origin = planned[metadata["request_id"]].origin
        paper = papers[metadata["paper"]["id"]]
        assert (origin.paper_id, origin.start, origin.end) == (paper.id, *metadata["passage"].values())
        assert metadata["evidence"]
        for evidence in metadata["evidence"]:
            assert origin.start <= evidence["start"] < evidence["end"] <= origin.end
            assert paper.text[evidence["start"] : evidence["end"]] == evidence["quote"]
