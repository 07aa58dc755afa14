"""How far a job is, with what the backend says is done and is not fetched yet."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from ...domain.jobs import JobState
from ...ports.inference import Progress
from .job import Job


@attrs.frozen(kw_only=True)
class RunProgress:
    """How far a job is: requests with a completion, with a failure, and all; ``round`` counts from 1.

    What the backend says is done counts as well, also while its outcomes are not fetched yet. ``open`` is what this
    round still has to bring; of a later round it stands among the failures meanwhile.
    """

    completed: int
    failed: int
    total: int
    round: int
    reused: int
    open: int


class Tracker:
    """Tells ``on_progress`` where the job stands, whenever something moved."""

    def __init__(self, job: Job, on_progress: Callable[[RunProgress], None]) -> None:
        self._job = job
        self._on_progress = on_progress
        self._remote: dict[int, tuple[int, int]] = {}

    def polled(self, shard: int, progress: Progress) -> None:
        """Note what the backend says of a shard."""
        self._remote[shard] = (progress.completed, progress.failed)

    def counts(self) -> list[tuple[int, tuple[int, int]]]:
        """Return what was said last of each shard."""
        return sorted(self._remote.items())

    def fetching(self, shard: int) -> Callable[[], None]:
        """Return what is to be called whenever outcomes of this shard became durable."""
        remote, before = self._remote[shard], self._job.state

        def report() -> None:
            # What is fetched is no longer to be fetched: nothing is counted twice.
            state = self._job.state
            succeeded = state.completed - before.completed
            failed = before.open - state.open - succeeded
            self._remote[shard] = (max(0, remote[0] - succeeded), max(0, remote[1] - failed))
            self.report()

        return report

    def report(self) -> None:
        """Tell how far the job is."""
        state: JobState = self._job.state
        in_flight = [counts for number, counts in self._remote.items() if number in state.shards]
        succeeded = sum(completed for completed, _ in in_flight)
        turned_down = sum(failed for _, failed in in_flight)
        # Before a fresh round nothing had failed; in another, everything that is open had, until it succeeds.
        failed = turned_down if state.fresh else -succeeded
        self._on_progress(
            RunProgress(
                completed=state.completed + succeeded,
                failed=max(0, state.failed + failed),
                total=state.requests,
                round=state.round,
                reused=state.reused,
                open=max(0, state.open - succeeded - turned_down),
            )
        )
