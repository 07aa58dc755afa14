"""Commands that work on a job: generate, resume, rebuild, cancel."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import attrs
import click

from ...domain.jobs import Phase
from ...domain.pricing import money
from ...domain.recipes.prompts import PromptsRecipe
from ...errors import BackendDenied, CostLimitReached, JobBusy, JobOverlap, JobUnfinished, QwenDatasetError
from ..api.client import Client
from ..api.reports import JobStatus, Report
from ..dataset.target import Existing
from ..wiring.config import Config
from ..wiring.corpus import Name
from . import language, options, session
from .approval import approval
from .chosen import Chosen
from .follow import carried, command
from .logs import JobLog
from .records import status_record
from .show import Display, echo_json, show_report

_PROMPTS = PromptsRecipe().name
_WRONG_MODEL = "check the model's name"  # what adapters say of a model that is not there

# In the order of the help.
_GENERATE = (
    "data_dir", "output", "use_batch", "completion_window", "model", "max_samples", "language", "recipe",
    "passage_tokens", "passage_overlap",
    "temperature", "max_tokens", "top_p", "enable_thinking", "concurrency", "poll", "rounds", "retry_unknown",
    "finish", "after", "clean_remote", "max_cost", "pilot", "pilot_min_yield",
    "backend", "base_url", "region", "storage", "job_name",
)  # fmt: skip
_RESUME = (
    "poll", "rounds", "retry_unknown", "finish", "after", "clean_remote", "max_cost", "pilot_min_yield",
    "concurrency", "backend", "base_url", "region", "storage",
)  # fmt: skip


@click.command()
@options.papers
@options.settings(*_GENERATE, also=("api_key", "ask_above", "prices", "writer", *options.NO_OPTION, *options.READING))
@click.option("--no-wait", is_flag=True, help="Submit and exit; collect later with resume.")
@click.option("--strict", is_flag=True, help="Stop at the first paper that cannot be read.")
@click.option("--fresh", is_flag=True, help="Pay again for what is answered (new --job-name).")
@click.option("--yes", is_flag=True, help="Ask nothing.")
@options.existing
@options.quiet_and_json
def generate(
    papers: tuple[Name, ...],
    chosen: Chosen,
    no_wait: bool,
    strict: bool,
    fresh: bool,
    yes: bool,
    existing: Existing,
    quiet: bool,
    as_json: bool,
) -> None:
    """Make a dataset from PAPERS (files, folders, patterns, s3://…, -; default: those in --data-dir).

    The same papers and settings are the same job: run it again after any interruption, and only what is missing is
    asked. Spends money unless the backend is the fake.
    """
    config, sources = chosen.with_papers(papers)
    if config.recipe == _PROMPTS:
        message = f"the recipe {_PROMPTS!r} takes prompts, not papers; use --recipe instruct, or `qwen-dataset batch`"
        session.fail(message, session.BAD_INPUT)
    if no_wait:
        options.refuse_what_is_forgotten(config, "leave out --no-wait, or name another --storage")
    if fresh:
        session.confirm("Pay again for what is answered?", yes=yes)
    more = carried(chosen.arguments)
    with JobLog(config) as log:
        with Display(quiet=quiet or as_json, log=log, waits_with=None if no_wait else config) as display:

            async def work(stop: asyncio.Event) -> Report:
                client = Client(config, stop=stop, notice=display.say)
                verb = client.submit if no_wait else client.generate
                watch = attrs.evolve(display.watch, approve=approval(config, display, yes=yes))
                return await verb(sources, strict=strict, fresh=fresh, existing=existing, watch=watch)

            report = run(display, work, storage=config.storage, more=more)
        show_report(report, storage=config.storage, json=as_json, quiet=quiet, more=more)
    end(report)


@click.command()
@click.argument("job", required=False)
@options.output
@options.settings(*_RESUME, also=("api_key", "completion_window", "prices", "writer"))
@click.option("--no-wait", is_flag=True, help="Submit what is missing and exit.")
@options.existing
@options.quiet_and_json
def resume(
    job: str | None,
    output: Path | None,
    chosen: Chosen,
    no_wait: bool,
    existing: Existing,
    quiet: bool,
    as_json: bool,
) -> None:
    """Go on with JOB (the newest without a name), and ask once more for what failed.

    Spends money where something is left to ask.
    """
    config = chosen.config_for_job()
    more = carried(chosen.arguments)
    with JobLog(config) as log:
        with Display(quiet=quiet or as_json, log=log, waits_with=None if no_wait else config) as display:

            async def work(stop: asyncio.Event) -> Report:
                client = Client(config, stop=stop, notice=display.say)
                return await client.resume(job, output, wait=not no_wait, existing=existing, watch=display.watch)

            report = run(display, work, storage=config.storage, more=more)
        show_report(report, storage=config.storage, json=as_json, quiet=quiet, more=more)
    end(report)


@click.command()
@click.argument("job")
@options.output
@options.settings("storage", also=("writer",))
@options.existing
@options.quiet_and_json
def rebuild(job: str, output: Path | None, chosen: Chosen, existing: Existing, quiet: bool, as_json: bool) -> None:
    """Make JOB's dataset again from its stored answers, with today's parser and filters. Spends nothing."""
    config = chosen.config()
    with Display(quiet=quiet or as_json) as display:

        async def work(stop: asyncio.Event) -> Report:
            client = Client(config, stop=stop, notice=display.say)
            return await client.rebuild(job, output, existing=existing, watch=display.watch)

        report = run(display, work, storage=config.storage)
    show_report(report, storage=config.storage, json=as_json, quiet=quiet)
    end(report)


@click.command()
@click.argument("job")
@options.settings("backend", "base_url", "region", "storage", also=("api_key",))
@options.quiet_and_json
def cancel(job: str, chosen: Chosen, quiet: bool, as_json: bool) -> None:
    """Stop JOB: nothing new is submitted, what runs is cancelled, what was answered is kept."""
    config = chosen.config_for_job()

    status, rested = cancel_job(config, job)
    state = status.state
    if as_json:
        echo_json(status_record(status))
    elif rested and not quiet:
        language.say(rested)
    elif not quiet:
        kept = (
            f"job {status.job_id} is {state.phase}: {state.completed} of {state.requests} requests are answered and"
            " kept"
        )
        what_next = command("resume", status.job_id, config.storage)
        language.say(kept if state.phase is Phase.FINISHED else f"{kept}; go on with: {what_next}")


def cancel_job(config: Config, job: str) -> tuple[JobStatus, str | None]:
    """Stop a job, and return its status, with a sentence where there was nothing to stop."""

    async def work(stop: asyncio.Event) -> tuple[JobStatus, Phase]:
        client = Client(config, stop=stop)
        before = await client.status(job)
        return await client.cancel(before.job_id), before.state.phase

    status, before = session.run(work)
    if before is Phase.FINISHED:
        return status, f"job {status.job_id} was finished already, so there was nothing to cancel"
    if before is Phase.STOPPED:
        what_next = command("resume", status.job_id, config.storage)
        return (
            status,
            f"job {status.job_id} was stopped already, so there was nothing to cancel; go on with: {what_next}",
        )
    return status, None


def run(
    display: Display, work: Callable[[asyncio.Event], Awaitable[session.T]], *, storage: str, more: str = ""
) -> session.T:
    """Run ``work``; an error that leaves the job to go on with ends with the command that does.

    ``more``: the options that this command takes too, as ``follow.carried`` returns them.
    """
    stopped: asyncio.Event | None = None

    def hint(error: QwenDatasetError) -> str | None:
        if isinstance(error, JobOverlap):
            return f"{command('resume', error.job, storage)} or {command('cancel', error.job, storage)}"
        if display.job_id is None or isinstance(error, (JobBusy, *session.BAD_INPUT_ERRORS)):
            return None
        if isinstance(error, BackendDenied) and _WRONG_MODEL in str(error):
            # A job asks its model for ever.
            return "run again with another --model"
        go_on = f"go on with: {command('resume', display.job_id, storage, more)}"
        if isinstance(error, CostLimitReached) and error.needed is not None:
            # Without a higher limit it stops at once.
            return f"{go_on} --max-cost {money(error.needed, '')}"
        if display.is_batch and isinstance(error, JobUnfinished) and stopped is not None and stopped.is_set():
            stop_it = command("cancel", display.job_id, storage)
            return f"what is submitted goes on at the service ({stop_it} stops it); {go_on}"
        return go_on

    async def shown(stop: asyncio.Event) -> session.T:
        nonlocal stopped
        stopped = stop
        try:
            return await work(stop)
        except BaseException:
            # Before anything is said of it: a bar would stand in the same line.
            display.stop()
            raise

    return session.run(shown, hint=hint, warn=display.warn)


def end(report: Report) -> None:
    """End the process with the exit code that a run has earned, or return where that is 0."""
    sums = report.sums
    if sums is not None and sums.unanswered:
        sys.exit(session.UNFINISHED)
    if (sums is not None and sums.failures) or (report.reading is not None and report.reading.unread):
        sys.exit(session.SOME_FAILED)
