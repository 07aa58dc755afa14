"""How far a batch of the fake is at a moment, in eight bytes a line."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from typing import Self

import attrs

from ....ports.inference import Progress
from .fate import RemoteJob, failure_of

_POLLS = 4.0  # a batch asks to be polled about so many times while it runs


@attrs.frozen(kw_only=True)
class Timeline:
    """When the lines of a job are done, sorted: those that get an answer, and those that fail."""

    job: RemoteJob
    answered: array[float]
    failed: array[float]

    @classmethod
    def of(cls, job: RemoteJob) -> Self:
        """Look at each line once. The ids are not kept."""
        answered, failed = array("d"), array("d")
        for request_id in job.ids:
            refused = failure_of(job.settings, request_id, job.runs.get(request_id, 0)) is not None
            (failed if refused else answered).append(job.done_at(request_id))
        lean = attrs.evolve(job, ids=(), runs={})
        return cls(job=lean, answered=array("d", sorted(answered)), failed=array("d", sorted(failed)))

    def at(self, now: float, cancelled_at: float | None) -> Progress:
        """Count what is done by now. When the job has ended, what never ran counts as failed."""
        ends_at, _ = self.job.end(cancelled_at)
        total = len(self.answered) + len(self.failed)
        moment = min(now, ends_at)
        completed = bisect_right(self.answered, moment)
        if now >= self.job.ready_at(cancelled_at):
            return Progress(ready=True, completed=completed, failed=total - completed, total=total)
        return Progress(
            ready=False,
            completed=completed,
            failed=bisect_right(self.failed, moment),
            total=total,
            retry_after=self.job.longest / _POLLS,
        )
