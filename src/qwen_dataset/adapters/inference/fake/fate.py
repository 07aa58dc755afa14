"""What befalls a batch and each of its lines: a function of the create record alone, so every process agrees."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any, Self

import attrs

from ....domain.inference import FailureKind
from .dice import Dice
from .settings import FakeSettings

_LATE_SHARE = 0.8  # of the settle time: a caller who waits it out always sees the job
_DELAY_TIMES = 4.0  # a delayed batch or call takes up to this many times longer on top
_WINDING_UP = 0.05  # of what it takes at most, between a cancel and its results
_FIRST_LINE = 0.05  # of the duration; no line is done at the very start


class Ending(StrEnum):
    """How a batch ended, or will."""

    COMPLETED = "completed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


def failure_of(settings: FakeSettings, request_id: str, run: int) -> FailureKind | None:
    """Say how this run of a request is refused, or None when it runs (and is paid)."""
    dice = Dice(settings.seed)
    if not dice.hits(settings.fail, "fail", request_id, run):
        return None
    return dice.pick(settings.fail_kinds, "fail_kinds", request_id, run)


def visible_after(settings: FakeSettings, key: str, attempt: int) -> float:
    """Return the seconds for which a created job cannot be found."""
    dice = Dice(settings.seed)
    if not dice.hits(settings.late, "late", key, attempt):
        return 0.0
    return dice.draw("late for", key, attempt) * _LATE_SHARE * settings.settle_seconds


def extra_latency(settings: FakeSettings, request_id: str, run: int) -> float:
    """Return the seconds a realtime call takes on top."""
    dice = Dice(settings.seed)
    if not dice.hits(settings.delay, "delay", request_id, run):
        return 0.0
    return dice.draw("delay by", request_id, run) * _DELAY_TIMES * max(settings.latency, 1.0)


@attrs.frozen(kw_only=True)
class RemoteJob:
    """A batch as the service holds it. ``runs`` counts earlier runs of an id, absent where 0; times are seconds.

    ``ids`` is the one list of a submission's ids that is held in memory. ``file`` is the kept file of its lines, None
    for one of an earlier version; ``about`` is what only the Batch API's words speak of (``endpoint``,
    ``completion_window``, ``metadata``, ``errors``), empty for a job that came through the port.
    """

    id: str
    key: str
    at: float
    visible_at: float
    attempt: int
    ids: tuple[str, ...]
    runs: Mapping[str, int]
    settings: FakeSettings
    file: str | None = None
    about: Mapping[str, Any] = attrs.field(factory=dict, hash=False)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """Read a create record."""
        return cls(
            id=record["job"],
            key=record["key"],
            at=record["at"],
            visible_at=record["visible_at"],
            attempt=record["attempt"],
            ids=tuple(record["ids"]),
            runs=record["runs"],
            settings=FakeSettings.from_url_params(record["settings"]),
            file=record.get("file"),
            about=record.get("about", {}),
        )

    @property
    def span(self) -> float:
        """How long it takes when nothing cuts it short."""
        dice = Dice(self.settings.seed)
        duration = self.settings.duration
        if not dice.hits(self.settings.delay, "delay", self.key, self.attempt):
            return duration
        return duration * (1.0 + _DELAY_TIMES * dice.draw("delay by", self.key, self.attempt))

    @property
    def longest(self) -> float:
        """How long it takes at most: what is not done when the window closes never will be."""
        return self.span if self.settings.window is None else min(self.span, self.settings.window)

    def end(self, cancelled_at: float | None) -> tuple[float, Ending]:
        """Say when it ends, and how. A line that is not done by then never runs."""
        dice = Dice(self.settings.seed)
        ends = [(self.at + self.longest, Ending.COMPLETED if self.longest == self.span else Ending.EXPIRED)]
        if dice.hits(self.settings.expire, "expire", self.key, self.attempt):
            share = 0.2 + 0.6 * dice.draw("expire at", self.key, self.attempt)
            ends.append((self.at + share * self.span, Ending.EXPIRED))
        if cancelled_at is not None:
            ends.append((cancelled_at, Ending.CANCELLED))
        return min(ends)

    def ready_at(self, cancelled_at: float | None) -> float:
        """Say when its results can be fetched: a cancelled job takes a moment to wind up."""
        ends_at, ending = self.end(cancelled_at)
        return ends_at + _WINDING_UP * self.longest if ending is Ending.CANCELLED else ends_at

    @property
    def starts_at(self) -> float:
        """Say when its lines are checked and begin to run."""
        return self.at + _FIRST_LINE * self.longest

    def done_at(self, request_id: str) -> float:
        """Say when this line is done, if nothing comes between."""
        share = _FIRST_LINE + (1.0 - _FIRST_LINE) * Dice(self.settings.seed).draw(
            "line", self.key, self.attempt, request_id
        )
        return self.at + share * self.span

    def line_failure(self, request_id: str, cancelled_at: float | None) -> FailureKind | None:
        """Say why this line has no answer, or None when it ran (and was, or will be, paid)."""
        ends_at, ending = self.end(cancelled_at)
        if ending is not Ending.COMPLETED and self.done_at(request_id) > ends_at:
            return FailureKind(ending.value)
        return failure_of(self.settings, request_id, self.runs.get(request_id, 0))

    def paid_ids(self, cancelled_at: float | None) -> Iterator[str]:
        """Yield the ids whose lines ran or will run: each costs, whatever becomes of its result line."""
        return (request_id for request_id in self.ids if self.line_failure(request_id, cancelled_at) is None)
