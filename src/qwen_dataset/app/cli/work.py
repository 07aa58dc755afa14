"""Commands that work on a job: generate, resume, rebuild, cancel."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import click

from ...errors import JobBusy, JobOverlap, QwenDatasetError
from ..api.client import Client
from ..api.reports import JobStatus, Report
from ..wiring.config import LANGUAGES, Config
from . import options, session
from .show import Display, command, echo_json, show_report, status_record


@click.command()
@click.argument("papers", nargs=-1, required=True, type=click.Path(path_type=Path))
@options.output(required=True)
@options.backend
@options.storage
@click.option("--recipe", default="instruct", show_default=True, help="What to make of each passage.")
@click.option("--model", default="qwen-plus", show_default=True, help="The model to ask.")
@click.option("--max-samples", type=int, default=4, show_default=True, metavar="N", help="Samples a paper, at most.")
@click.option("--language", type=click.Choice(LANGUAGES), default="auto", show_default=True, help="auto: the paper's.")
@click.option("--temperature", type=float, default=0.7, show_default=True)
@click.option("--max-tokens", type=int, default=2000, show_default=True)
@click.option("--top-p", type=float, default=0.9, show_default=True)
@click.option("--job-name", metavar="NAME", help="Default: made from the settings.")
@click.option("--poll", "poll_seconds", type=float, default=10.0, show_default=True, help="Seconds to the first poll.")
@click.option("--no-wait", is_flag=True, help="Submit and exit; collect later with resume.")
@click.option("--strict", is_flag=True, help="Stop at the first paper that cannot be read.")
@options.force
@options.quiet_and_json
def generate(
    papers: tuple[Path, ...],
    output: Path,
    no_wait: bool,
    strict: bool,
    force: bool,
    quiet: bool,
    as_json: bool,
    **settings: Any,
) -> None:
    """Make a dataset from PAPERS: files and folders (.md, .txt, .rst, .jsonl).

    The same papers and settings are the same job: run it again after any interruption and only what is missing is
    asked. Spends money unless the backend is the fake.
    """
    _refuse_prompts_recipe(settings["recipe"])
    storage = settings["storage"]
    with Display(quiet=quiet or as_json) as display:

        async def work(stop: asyncio.Event) -> Report:
            client = Client(Config(**settings), stop=stop, notice=display.say)
            return await client.generate(
                papers, output, strict=strict, wait=not no_wait, force=force, watch=display.watch
            )

        report = _run(display, work, storage=storage)
    _end(report, storage=storage, quiet=quiet, as_json=as_json)


@click.command()
@click.argument("job", required=False)
@options.output(required=False)
@options.backend
@options.storage
@click.option("--no-wait", is_flag=True, help="Submit what is missing and exit.")
@options.force
@options.quiet_and_json
def resume(
    job: str | None,
    output: Path | None,
    backend: str | None,
    storage: str,
    no_wait: bool,
    force: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Go on with JOB (the newest without a name), and ask once more for what failed."""
    with Display(quiet=quiet or as_json) as display:

        async def work(stop: asyncio.Event) -> Report:
            client = Client(Config(backend=backend, storage=storage), stop=stop, notice=display.say)
            return await client.resume(job, output, wait=not no_wait, force=force, watch=display.watch)

        report = _run(display, work, storage=storage)
    _end(report, storage=storage, quiet=quiet, as_json=as_json)


@click.command()
@click.argument("job")
@options.output(required=False)
@options.storage
@options.force
@options.quiet_and_json
def rebuild(job: str, output: Path | None, storage: str, force: bool, quiet: bool, as_json: bool) -> None:
    """Make JOB's dataset again from its stored answers, with today's parser and filters. Spends nothing."""
    with Display(quiet=quiet or as_json) as display:

        async def work(stop: asyncio.Event) -> Report:
            client = Client(Config(storage=storage), stop=stop, notice=display.say)
            return await client.rebuild(job, output, force=force, watch=display.watch)

        report = _run(display, work, storage=storage)
    _end(report, storage=storage, quiet=quiet, as_json=as_json)


@click.command()
@click.argument("job")
@options.backend
@options.storage
@options.quiet_and_json
def cancel(job: str, backend: str | None, storage: str, quiet: bool, as_json: bool) -> None:
    """Stop JOB: nothing new is submitted, what runs is cancelled, what was answered is kept."""

    async def work(stop: asyncio.Event) -> JobStatus:
        return await Client(Config(backend=backend, storage=storage), stop=stop).cancel(job)

    status = session.run(work)
    if as_json:
        echo_json(status_record(status))
    elif not quiet:
        state = status.state
        click.echo(
            f"job {status.job_id} is {state.phase}: {state.completed} of {state.requests} requests are answered and"
            f" kept; go on with: {command('resume', status.job_id, storage)}"
        )


def _run(display: Display, work: Callable[[asyncio.Event], Awaitable[Report]], *, storage: str) -> Report:
    """Run ``work``; an error that leaves the job to go on with ends with the command that does."""

    def hint(error: QwenDatasetError) -> str | None:
        if isinstance(error, JobOverlap):
            return f"{command('resume', error.job, storage)} or {command('cancel', error.job, storage)}"
        if display.job_id is None or isinstance(error, (JobBusy, *session.BAD_INPUT_ERRORS)):
            return None
        return f"go on with: {command('resume', display.job_id, storage)}"

    return session.run(work, hint=hint)


def _end(report: Report, *, storage: str, quiet: bool, as_json: bool) -> None:
    show_report(report, storage=storage, json=as_json, quiet=quiet)
    sums = report.sums
    if sums is not None and sums.unanswered:
        sys.exit(session.UNFINISHED)
    if (sums is not None and sums.failures) or (report.reading is not None and report.reading.unread):
        sys.exit(session.SOME_FAILED)


def _refuse_prompts_recipe(name: str) -> None:
    if name == "prompts":
        session.fail("the recipe 'prompts' takes prompts, not papers; use --recipe instruct", session.BAD_INPUT)
