"""Commands for plain prompts in batches, in the Batch API's words: batch create, status, list, cancel."""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Mapping
from pathlib import Path

import attrs
import click

from ...domain.jobs import Phase, Way
from ...errors import SettingError
from ..api import batch_words
from ..api.batch_words import batch_record, batch_status, request_counts
from ..api.client import Client
from ..api.reports import DamagedJob, JobStatus, Report
from ..dataset.target import Existing
from ..wiring import bootstrap
from ..wiring.config import Config
from ..wiring.prompts import as_prompts, read_prompts
from . import language, options, session
from .logs import JobLog
from .show import Display, command, echo_json, show_report
from .times import when
from .work import cancel_job, end, run

_LINE_COLUMNS = 80
_CREATE = (
    "model", "temperature", "max_tokens", "top_p", "completion_window", "concurrency", "poll", "rounds",
    "backend", "base_url", "region", "storage", "job_name",
)  # fmt: skip
_BACKEND = ("backend", "base_url", "region", "storage")


@click.group()
def batch() -> None:
    """Ask plain prompts in batches, at half the price of single calls."""


@batch.command(short_help="Submit prompts.")
@click.option("--input-file", type=click.Path(path_type=Path), metavar="FILE", help="Prompts: a .txt or .jsonl file.")
@click.option("--prompt", "texts", multiple=True, metavar="TEXT", help="A prompt; may be given more than once.")
@click.option("--wait", is_flag=True, help="Wait for the answers and write them.")
@options.output_option(help="Where the answers go. Default: JOB.jsonl.")
@options.settings(*_CREATE, also=("api_key", "retry_unknown", "writer"))
@click.option("--fresh", is_flag=True, help="Pay again for what is answered (new --job-name).")
@options.existing
@options.quiet_and_json
def create(
    input_file: Path | None,
    texts: tuple[str, ...],
    wait: bool,
    output: Path | None,
    chosen: options.Chosen,
    fresh: bool,
    existing: Existing,
    quiet: bool,
    as_json: bool,
) -> None:
    """Submit prompts as a batch: each line of a .txt file, each object of a .jsonl file.

    An object has `prompt` or `messages`, and may have `id` and `system`. The same prompts and settings are the same
    job and are paid once. Spends money unless the backend is the fake.
    """
    problems = []
    if input_file is not None and texts:
        problems.append("give either --input-file FILE or --prompt TEXT, not both")
    elif input_file is None and not texts:
        problems.append("there is nothing to ask; give --input-file FILE or --prompt TEXT")
    config = chosen.config(problems=problems, use_batch=True)
    if not wait:
        options.refuse_what_is_forgotten(config, "add --wait, or name another --storage")
    with JobLog(config) as log:
        with Display(quiet=quiet or as_json, log=log) as display:

            async def work(stop: asyncio.Event) -> tuple[JobStatus, Report | None]:
                client = Client(config, stop=stop, notice=display.say)
                ask = client.run_prompts if wait else client.submit_prompts
                prompts = as_prompts(texts, what="--prompt") if input_file is None else read_prompts(input_file)
                try:
                    report = await ask(prompts, output, fresh=fresh, existing=existing, watch=display.watch)
                except SettingError:
                    await _expect_batches(config)
                    raise
                status = await client.status(report.job_id)
                if report.sums is None:
                    return status, None
                return status, report if report.output else await _write(client, status, None, existing)

            status, report = run(display, work, storage=config.storage)
        if not quiet or as_json:
            with language.unread():
                _show(status, report, storage=config.storage, as_json=as_json)
    if report is not None:
        end(report)


@batch.command(short_help="Show how far JOB is; download its answers.")
@click.argument("job")
@click.option("--download", is_flag=True, help="Write the answers if all are there; exit with 3 if not.")
@options.output
@options.settings(*_BACKEND, also=("api_key", "writer"))
@options.existing
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def status(
    job: str, download: bool, output: Path | None, chosen: options.Chosen, existing: Existing, as_json: bool
) -> None:
    """Show how far JOB is: its id, its name, or the beginning of its id.

    Asks the service and never spends: what failed is asked again only by `qwen-dataset resume`.
    """
    problems = ["--output says where --download writes; give both"] if output is not None and not download else []
    config = chosen.config_for_job(problems=problems)

    async def work(stop: asyncio.Event) -> tuple[JobStatus, Report | None, Mapping[str, int]]:
        client = Client(config, stop=stop, notice=lambda sentence: language.say(sentence, err=True))
        found = await _look(client, job)
        report = await _download(client, found, output, existing) if download else None
        if report is not None:
            found = await client.status(found.job_id)
        return found, report, await client.failure_kinds(found.job_id)

    found, report, failures = session.run(work)
    with language.unread():
        _show(found, report, failures, storage=config.storage, as_json=as_json)
    if report is not None:
        end(report)
    elif download:
        session.fail(_not_yet(found, config.storage), session.UNFINISHED)


@batch.command("list", short_help="List the batches, the newest first.")
@click.option("--limit", type=click.IntRange(min=1), default=20, metavar="N", help="How many, at most [20].")
@options.settings("storage")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
def list_batches(limit: int, chosen: options.Chosen, as_json: bool) -> None:
    """List the batches, the newest first, as they were stored last.

    Asks nobody: `batch status JOB` looks at the service.
    """
    config = chosen.config()

    async def work(stop: asyncio.Event) -> list[JobStatus | DamagedJob]:
        jobs = await Client(config, stop=stop).list_jobs()
        return [each for each in reversed(jobs) if isinstance(each, DamagedJob) or each.spec.way is Way.BATCH]

    found = session.run(work)
    for each in found[:limit]:
        if not as_json:
            # Cut when it is translated: a sentence that ends in the middle is not found in any language.
            click.echo(_cut(language.tr(_line(each))))
        elif isinstance(each, DamagedJob):
            echo_json({"id": each.job_id, "status": "damaged", "damage": each.damage})
        else:
            # Whether it expired stands in its answers, and a list does not read those: `batch status` does.
            echo_json(batch_record(each, batch_status(each)))
    if not found and not as_json:
        language.say(f"no batches in {config.storage}")
    if len(found) > limit and not as_json:
        language.say(f"… and {len(found) - limit} more; --limit {len(found)} lists all")


@batch.command()
@click.argument("job")
@options.settings(*_BACKEND, also=("api_key",))
@options.quiet_and_json
def cancel(job: str, chosen: options.Chosen, quiet: bool, as_json: bool) -> None:
    """Stop JOB: what runs is cancelled, what was answered is kept."""
    config = chosen.config_for_job()

    status, rested = cancel_job(config, job)
    if rested and not quiet and not as_json:
        language.say(rested)
    if not quiet or as_json:
        _show(status, None, storage=config.storage, as_json=as_json)


async def _expect_batches(config: Config) -> None:
    """Raise SettingError where the backend cannot be asked in batches: nobody has chosen those but this command."""
    offer = await bootstrap.backend(config.backend, config, way=Way.BATCH, window_hours=config.window_hours)
    if offer.realtime:
        message = (
            f"the backend {config.backend!r} works in realtime only; `batch create` needs one that works in batches"
        )
        raise SettingError(message)


async def _look(client: Client, job: str) -> JobStatus:
    status = await client.status(job)
    if status.spec.way is not Way.BATCH:
        message = f"job {status.job_id} is asked one call at a time, in no batch; see `qwen-dataset status {job}`"
        raise SettingError(message)
    return await client.poll(status.job_id)


async def _download(client: Client, status: JobStatus, output: Path | None, existing: Existing) -> Report | None:
    """Write a job's answers where all of them can be had without spending; else return None."""
    if status.state.phase in (Phase.FINISHED, Phase.STOPPED):
        return await _write(client, status, output, existing)
    if not batch_words.is_ready(status):
        return None
    # No round but the one that has ended: what failed in it is not bought again here.
    free = client.with_settings(rounds=1)
    report = await free.collect(status.job_id, _target(status, output), wait=False, existing=existing)
    return report if report.sums is not None else None


async def _write(client: Client, status: JobStatus, output: Path | None, existing: Existing) -> Report:
    """Write what is stored: no backend is needed, and nothing is spent."""
    return await client.rebuild(status.job_id, _target(status, output), existing=existing)


def _target(status: JobStatus, output: Path | None) -> Path:
    """Return where the answers go: as told now or earlier, else a name that no other job has."""
    return output or Path(status.state.output or f"{status.job_id}.jsonl")


def _show(
    status: JobStatus, report: Report | None, failures: Mapping[str, int] | None = None, *, storage: str, as_json: bool
) -> None:
    """Print where a job stands, and what a download or a wait has brought."""
    sums = report.sums if report is not None else None
    word = batch_status(status, failures if sums is None else sums.failures_by_kind)
    if as_json:
        brought = {"output": str(report.output)} | attrs.asdict(sums) if report is not None and sums is not None else {}
        echo_json(batch_record(status, word) | brought)
    elif report is not None:
        show_report(report, storage=storage, json=False, quiet=False)
    else:
        for line in _describe(status, word, storage):
            language.say(line)


def _describe(status: JobStatus, word: str, storage: str) -> list[str]:
    counts = request_counts(status)
    missing = counts["total"] - counts["completed"] - counts["failed"]
    # No "completed" here: who looks for the word must not find it before the job is.
    answers = f"{counts['completed']} answered + {counts['failed']} failed"
    answers += f" + {missing} not yet answered" if missing else ""
    lines = [
        f"job         {status.job_id}",
        f"status      {word}",
        f"requests    {counts['total']} = {answers}",
        f"created     {when(status.created_at)}",
    ]
    if status.state.output is not None:
        lines.append(f"output      {status.state.output}")
    return [*lines, *_what_next(status, storage)]


def _what_next(status: JobStatus, storage: str) -> list[str]:
    look, resume = command("batch status", status.job_id, storage), command("resume", status.job_id, storage)
    state = status.state
    if state.phase in (Phase.FINISHED, Phase.STOPPED):
        lines = [] if state.exported else [f"download    {look} --download"]
        return [*lines, f"ask again   {resume}"] if state.failed else lines
    if batch_words.is_ready(status):
        return ["the batch is completed, and its answers wait to be downloaded", f"download    {look} --download"]
    if state.cancelling:
        return []
    if not batch_words.is_submitted(state):
        return ["not all of it is submitted", f"go on with  {resume}"]
    lines = ["every request has run, and the service is writing the answers"] if batch_words.is_all_run(status) else []
    return [*lines, f"look again  {look}", f"at the end  {look} --download"]


def _not_yet(status: JobStatus, storage: str) -> str:
    stuck = not status.state.cancelling and not batch_words.is_submitted(status.state)
    what_next = f"go on with: {command('resume', status.job_id, storage)}" if stuck else "try again later"
    return f"nothing was written, as job {status.job_id} is not finished; {what_next}"


def _line(status: JobStatus | DamagedJob) -> str:
    if isinstance(status, DamagedJob):
        return f"{'damaged':<11}  {status.job_id}  {status.damage}"
    counts = request_counts(status)
    failed = f", {counts['failed']} failed" if counts["failed"] else ""
    done = f"{counts['completed']}/{counts['total']}{failed}"
    # The name at last: the beginning of it is enough for every command.
    return f"{batch_status(status):<11}  {when(status.created_at):<16}  {done:<13}  {status.job_id}"


def _cut(line: str) -> str:
    """Cut a line where the screen ends; a Chinese character takes two columns."""
    columns = 0
    for place, character in enumerate(line):
        columns += 2 if unicodedata.east_asian_width(character) in "WF" else 1
        if columns > _LINE_COLUMNS:
            kept = line[:place]
            return kept[: len(kept) - 1] + "…"
    return line
