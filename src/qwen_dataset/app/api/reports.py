"""What the library hands back, and what it calls back with."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import attrs

from ...domain.estimates import Compared, Cost, Estimate
from ...domain.inference import Usage
from ...domain.jobs import JobSpec, JobState, Way
from ...ports.inference import Progress
from ..dataset.sums import Sums
from ..engine.tracker import RunProgress
from ..wiring.corpus import ReadReport
from .plan import Plan


@attrs.frozen(kw_only=True)
class Report:
    """How a run ended. ``sums`` is None while the job is not finished (submitted only, or looked at only).

    ``recipe`` is what it made: ``prompts`` gives answers, any other one samples. ``kept`` counts the lines that a merge
    left in the output, ``known`` the samples that were among them.

    ``charged`` is what the job cost so far, in ``currency``: by the service's usage, and at the most for what is
    possibly paid; None where no price is known. ``is_play``: at list prices, and nothing was paid. ``compared`` holds
    estimates beside what came of them.
    """

    job_id: str
    recipe: str
    output: Path | None
    sums: Sums | None
    reading: ReadReport | None = None
    kept: int = 0
    known: int = 0
    charged: Decimal | None = None
    currency: str = ""
    is_play: bool = False
    compared: tuple[Compared, ...] = ()


@attrs.frozen(kw_only=True)
class Route:
    """How and where requests go, told before any leaves. ``by_size``: nobody chose, so their number decided."""

    way: Way
    by_size: bool
    backend: str
    destination: str
    model: str


@attrs.frozen(kw_only=True)
class JobStatus:
    """Where a job stands; the times are those of its first and last event, in seconds since 1970 (0: none yet).

    ``ended_at`` is when it was finished or stopped, 0 while it is not; opening it again does not change that.
    ``remote`` is what the backend said of the shards in flight, added up; None where it was not asked. ``words`` are
    the service's own words for their batches; empty where nobody asked for them, or the backend has none.
    """

    job_id: str
    spec: JobSpec
    state: JobState
    created_at: float
    updated_at: float
    ended_at: float = 0.0
    remote: Progress | None = None
    words: tuple[str, ...] = ()


@attrs.frozen
class DamagedJob:
    """A job whose folder cannot be read; ``damage`` is the sentence that says what is wrong and what to do."""

    job_id: str
    damage: str


@attrs.frozen(kw_only=True)
class Forecast:
    """What a new job will take, before anything is spent.

    ``cost`` is in ``currency``, None where no price is known. ``is_play``: nothing is really paid there. ``is_billed``:
    somebody sells this, at whatever price.
    """

    plan: Plan
    requests: int
    estimate: Estimate
    cost: Cost | None
    currency: str
    is_play: bool
    is_billed: bool

    @property
    def likely(self) -> Decimal | None:
        """What it will likely cost; at the most, where nobody knows how much will be written."""
        if self.cost is None:
            return None
        return self.cost.most if self.cost.expected is None else self.cost.expected


@attrs.frozen(kw_only=True)
class PilotReport:
    """What a pilot gave. ``samples`` counts answers to plain prompts as well; of the requests, the first ones.

    ``cost`` is what it cost at the most, in ``currency``, None where no price is known. ``rest`` is how many requests
    are left; ``estimate`` is the job's, corrected by what the service counted, and ``rest_cost`` what the rest is
    expected to cost; None where there was no estimate, or no price.
    """

    requests: int
    completions: int
    samples: int
    rejects: int
    usage: Usage
    cost: Decimal | None
    currency: str
    rest: int = 0
    estimate: Estimate | None = None
    rest_cost: Decimal | None = None

    @property
    def share(self) -> float:
        """How much of what was asked became a sample: 0 to 1, or more where an answer gives several."""
        return self.samples / self.requests if self.requests else 0.0

    @property
    def cost_per_sample(self) -> Decimal | None:
        """What a sample cost, None where that is not known or there is none."""
        return None if self.cost is None or not self.samples else self.cost / self.samples

    def objection(self, least: float | None) -> str | None:
        """Return why the rest is not to be bought, where less than ``least`` of the pilot became samples."""
        if least is None or self.share >= least:
            return None
        return (
            f"of {self.requests} requests of the pilot {self.samples} gave a sample, {self.share:.0%},"
            f" and --pilot-min-yield asks for {least:.0%}"
        )


@attrs.frozen(kw_only=True)
class Watch:
    """Callbacks of a run, each called in the event loop's thread.

    ``approve`` is asked before a new job of papers is planned, and nothing is spent where it says no.
    """

    on_read: Callable[[ReadReport], None] = lambda _: None
    on_route: Callable[[Route], None] = lambda _: None
    on_job: Callable[[str, JobState], None] = lambda _job, _state: None
    on_progress: Callable[[RunProgress], None] = lambda _: None
    on_sample: Callable[[int], None] = lambda _: None
    on_pilot: Callable[[PilotReport], None] = lambda _: None
    on_forecast: Callable[[Forecast], None] = lambda _: None
    approve: Callable[[Forecast], bool] = lambda _: True
