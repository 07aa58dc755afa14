"""One batch: which state it is in at any moment, and how it is shown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs

from .answers import answer_to
from .inputs import Analysis
from .settings import BailianSettings
from .store import StoredFile

DAY = 86_400.0
KEPT = 30 * DAY
_VALIDATED, _FINALIZING = 0.1, 0.7  # shares of the duration
_WINDING_UP = 0.05
ENDED = frozenset({"completed", "failed", "expired", "cancelled"})


@attrs.define(eq=False, kw_only=True)
class Batch:
    """A batch moves on with the clock, and by ``look_seconds`` whenever it is retrieved. Its ages are seconds.

    ``ends`` are the ends that await it besides completion: the age, and how. ``silent``: no result file is shown.
    ``harvested``: its result files, if any, are there.
    """

    id: str
    created_at: float
    visible_at: float
    endpoint: str
    window: str
    metadata: dict[str, Any] | None
    input: StoredFile
    analysis: Analysis
    settings: BailianSettings
    duration: float
    ends: list[tuple[float, str]]
    silent: bool = False
    harvested: bool = False
    looked: float = 0.0
    output: StoredFile | None = None
    error: StoredFile | None = None

    def age(self, now: float) -> float:
        """Return how old it is, looks included."""
        return now - self.created_at + self.looked

    def end(self) -> tuple[float, str]:
        """Return at which age it ends if nothing comes between, and how."""
        self.analyse()
        if self.analysis.problems:
            return _VALIDATED * self.duration, "failed"
        return min([(self.duration, "completed"), *self.ends])

    def analyse(self) -> None:
        """Read the input file to its end, if that has not happened yet."""
        while not self.analysis.step(10_000):
            pass

    @property
    def final_share(self) -> float:
        """The share of its time after which no line runs any more."""
        return self.end()[0] / self.duration

    def status(self, now: float) -> str:
        """Return the status word."""
        age = self.age(now)
        if age < min(_VALIDATED * self.duration, min(self.ends)[0]):
            return "validating"  # said at once, before the input file was read
        end, how = self.end()
        if how == "cancelled" and end <= age < end + _WINDING_UP * self.duration:
            return "cancelling"
        if age >= end:
            return how
        if age < _VALIDATED * self.duration:
            return "validating"
        return "in_progress" if age < _FINALIZING * self.duration else "finalizing"

    def cancel(self, now: float) -> None:
        """Stop it; what is done by now stays."""
        self.ends.append((max(self.age(now), 0.0), "cancelled"))

    def paid_lines(self) -> Iterable[tuple[str, str]]:
        """Yield the lines that ran, or will if nothing comes between (see ``ledger.BilledBatch``)."""
        share = self.final_share
        return () if self.analysis.problems else self.analysis.paid(share)

    def bill(self) -> Iterable[tuple[int, int]]:
        """Yield the tokens of each paid line (see ``ledger.BilledBatch``)."""
        if self.analysis.problems:
            return
        for body in self.analysis.bodies(self.final_share):
            answer = answer_to(body, self.settings)
            yield answer.prompt_tokens, answer.completion_tokens

    def summary(self) -> dict[str, Any]:
        """Return what the ledger says of it: how it ends if nothing comes between."""
        _, how = self.end()
        fates = {} if self.analysis.problems else self.analysis.fates(self.final_share)
        return {
            "id": self.id,
            "ends": how,
            "created_at": int(self.created_at),
            "input_file_id": self.input.id,
            "metadata": self.metadata,
            "total": len(self.analysis),
            "paid": sum(1 for _ in self.paid_lines()),
            "fates": {fate.name.lower(): count for fate, count in fates.items()},
            "problems": len(self.analysis.problems),
        }

    def shown(self, now: float) -> dict[str, Any]:
        """Return the batch object as the service shows it."""
        status = self.status(now)
        ended = status in {"completed", "expired", "cancelled"}
        return {
            "id": self.id,
            "object": "batch",
            "endpoint": self.endpoint,
            "errors": self._errors(status),
            "input_file_id": self.input.id,
            "completion_window": self.window,
            "status": status,
            "output_file_id": self.output.id if ended and self.output and not self.silent else None,
            "error_file_id": self.error.id if ended and self.error and not self.silent else None,
            **self._times(status),
            "request_counts": self._counts(status, now),
            "metadata": self.metadata,
        }

    def _errors(self, status: str) -> dict[str, Any] | None:
        if status != "failed":
            return None
        return {"object": "list", "data": [problem.as_dict() for problem in self.analysis.problems]}

    def _times(self, status: str) -> dict[str, int | None]:
        """Return the times as recorded: few of them are ever set, and some of them are the same."""
        created = int(self.created_at)
        end = 0.0 if status == "validating" else self.end()[0]
        ended = int(self.created_at + end)
        ran = status != "failed" and end > _VALIDATED * self.duration
        finalizing = {"finalizing": int(self.created_at + _FINALIZING * self.duration), "completed": ended}
        return {
            "created_at": created,
            "in_progress_at": created if ran else None,
            "expires_at": None,
            "finalizing_at": finalizing.get(status),
            "completed_at": ended if status == "completed" else None,
            "failed_at": created if status == "failed" else None,
            "expired_at": ended if status == "expired" else None,
            "cancelling_at": ended if status == "cancelled" else None,
            "cancelled_at": ended if status == "cancelled" else None,
        }

    def _counts(self, status: str, now: float) -> dict[str, int]:
        if status in {"validating", "failed"}:
            return {"total": 0, "completed": 0, "failed": 0}
        total = len(self.analysis)
        completed, failed = self.analysis.counts(min(self.age(now) / self.duration, self.final_share))
        if status in {"expired", "cancelled"}:
            failed = total - completed  # what never ran counts as failed
        return {"total": total, "completed": completed, "failed": failed}
