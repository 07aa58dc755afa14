"""What people see while a job runs and when it ends."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import time
from collections.abc import Iterator
from decimal import Decimal
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import click
import orjson

from ...domain.jobs import JobState, Way
from ...domain.recipes.prompts import PromptsRecipe
from ..api.reports import Forecast, PilotReport, Report, Route, Watch
from ..engine.tracker import RunProgress
from ..wiring.config import Config
from ..wiring.corpus import ReadReport
from . import language
from .bar import live_bar
from .describe import (
    describe_cost,
    describe_finish,
    describe_money,
    describe_pilot,
    describe_reading,
    describe_route,
    describe_sums,
)
from .follow import command
from .logs import JobLog
from .outage import Outage
from .plan_lines import figures
from .records import report_record
from .times import duration

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_LINE_SECONDS = 10.0
_NO_BAR = ("dumb", "unknown")  # terminals that cannot go back in a line

_log = logging.getLogger(__name__)


def _amount(value: object) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}"
    raise TypeError


def echo_json(value: Any) -> None:
    """Print one JSON object on a line of standard output, in UTF-8 whatever the terminal's encoding is."""
    # Money as text, exactly as it is.
    click.echo(orjson.dumps(value, default=_amount))


class Display:
    """Shows a run on standard error: a live bar on a terminal, plain lines in a pipe, nothing with ``quiet``.

    What is said is logged as well, whether it is shown or not; ``log`` is told which job it is about. A run with
    ``waits_with`` waits for its end with these settings, and says when a batch will be finished otherwise.
    """

    def __init__(self, *, quiet: bool, log: JobLog | None = None, waits_with: Config | None = None) -> None:
        self.job_id: str | None = None
        self.is_batch = False
        self._quiet = quiet
        self._job_log = log
        self._waits_with = waits_with
        self._outage = Outage(self.say)
        self._live: Progress | None = None
        self._task: TaskID | None = None
        self._began = time.monotonic()
        self._done_at_start: int | None = None
        self._next_line = 0.0
        self._samples = 0
        self._last_counts: tuple[int, int, int] | None = None

    def __enter__(self) -> Self:
        self._outage.begin()
        if not self._quiet and language.is_terminal(sys.stderr) and os.environ.get("TERM") not in _NO_BAR:
            self._live = live_bar()
            self._task = self._live.add_task(language.tr("reading"), total=None, counts="")
            with language.unheard():
                self._live.start()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._outage.end()
        self.stop()
        if self._live is None and self._samples and exc_type is None:
            self.say(f"dataset made: {self._samples} samples; {duration(time.monotonic() - self._began)} elapsed")

    @property
    def watch(self) -> Watch:
        return Watch(
            on_read=self._on_read,
            on_route=self._on_route,
            on_job=self._on_job,
            on_progress=self._on_progress,
            on_sample=self._on_sample,
            on_pilot=self._on_pilot,
            on_forecast=self._on_forecast,
        )

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Take the bar away while a person is asked something."""
        self.stop()
        yield
        if self._live is not None:
            with language.unheard():
                self._live.start()

    def stop(self) -> None:
        """Take the bar away."""
        if self._live is not None:
            with language.unheard():
                self._live.stop()

    def say(self, sentence: str, column: int = 0) -> None:
        """Print a sentence above the bar, unless a person wants quiet; ``column``: where its lines begin."""
        if self._quiet:
            _log.info("%s", sentence)
        else:
            self.warn(sentence, column)

    def warn(self, sentence: str, column: int = 0) -> None:
        """Print a sentence above the bar in any case."""
        _log.info("%s", sentence)
        with language.unheard():
            for line in language.lines(sentence, column):
                if self._live is not None:
                    self._live.console.print(line, markup=False, highlight=False)
                else:
                    click.echo(line, err=True)

    def _on_read(self, report: ReadReport) -> None:
        for sentence in describe_reading(report):
            self.say(sentence)

    def _on_route(self, route: Route) -> None:
        self.is_batch = route.way is Way.BATCH
        for sentence in describe_route(route):
            self.say(sentence)
        if self._waits_with is not None and self._waits_with.finish and route.way is Way.BATCH:
            self.say(describe_finish(self._waits_with))

    def _on_job(self, job_id: str, state: JobState) -> None:
        self.job_id = job_id
        if self._job_log is not None:
            self._job_log.begin(job_id)
        self._update("starting", done=state.completed, failed=state.failed, total=state.requests)
        source = f" from {state.papers} papers" if state.papers else ""
        self.say(f"job {job_id}: {state.requests} requests{source}")

    def _on_progress(self, progress: RunProgress) -> None:
        self._outage.over()
        done = progress.completed
        if self._done_at_start is None:
            self._done_at_start = progress.completed
            self._began = time.monotonic()
        self._update(f"round {progress.round}", done=done, failed=progress.failed, total=progress.total)
        now = time.monotonic()
        counts = (progress.round, done, progress.failed)
        # A line every ten seconds, and one when a round has nothing left to ask; never the same one again.
        if counts == self._last_counts or (now < self._next_line and progress.open):
            return
        self._last_counts, self._next_line = counts, now + _LINE_SECONDS
        sentence = (
            f"requests {done} done, {progress.failed} failed, {progress.total} in all;"
            f" {duration(now - self._began)} elapsed, {self._left(done, progress, now)}"
        )
        if self._live is None:
            self.say(sentence)
        else:
            # The bar shows it, but the log has no bar.
            _log.info("%s", sentence)

    def _update(self, stage: str, *, done: int, failed: int, total: int) -> None:
        if self._live is not None and self._task is not None:
            self._live.update(
                self._task,
                description=language.tr(stage),
                completed=done + failed,
                total=total,
                counts=language.tr(f"{done}/{total} requests, {failed} failed"),
            )

    def _left(self, done: int, progress: RunProgress, now: float) -> str:
        gained = done - (self._done_at_start or 0)
        missing = progress.open
        if not missing:
            return f"round {progress.round} done"
        if gained <= 0:
            return f"round {progress.round}, time left not known yet"
        return f"round {progress.round}, about {duration((now - self._began) / gained * missing)} left"

    def _on_forecast(self, forecast: Forecast) -> None:
        for sentence, column in (*figures(forecast.plan, batch=self.is_batch), *describe_cost(forecast)):
            self.say(sentence, column)

    def _on_pilot(self, pilot: PilotReport) -> None:
        for sentence in describe_pilot(pilot):
            self.say(sentence)

    def _on_sample(self, samples: int) -> None:
        self._samples = samples
        now = time.monotonic()
        if self._live is None and now >= self._next_line:
            self._next_line = now + _LINE_SECONDS
            self.say(f"writing the dataset: {samples} samples; {duration(now - self._began)} elapsed")
        if self._live is not None and self._task is not None:
            counts = language.tr(f"{samples} samples")
            self._live.update(self._task, description=language.tr("writing"), counts=counts)


def show_report(report: Report, *, storage: str, json: bool, quiet: bool, more: str = "") -> None:
    """Print how a run ended: the sums, and where the dataset or the answers are. ``more``: see ``follow``."""
    what = "answers" if report.recipe == PromptsRecipe().name else "samples"
    lines = _describe_report(report, storage, what, more)
    for line in lines:
        _log.info("%s", line)
    with language.unread():
        if json:
            echo_json(report_record(report))
        elif not quiet:
            for line in lines:
                language.say(line)


def _describe_report(report: Report, storage: str, what: str, more: str) -> list[str]:
    lines = [f"job         {report.job_id}"]
    if report.sums is None:
        return [*lines, f"submitted; collect with: {command('resume', report.job_id, storage, more)}"]
    lines += [*describe_sums(report.sums, what), *describe_money(report)]
    if report.kept or report.known:
        lines.append(f"merged      {report.kept} lines kept, {report.known} {what} were among them")
    if report.output is not None:
        name = "answers" if what == "answers" else "dataset"
        lines.append(f"{name}     {report.output} ({report.sums.samples} {what})")
    if report.sums.rejects or report.sums.failures:
        lines.append(f"see why     {command('rejects', report.job_id, storage)}")
    return lines
