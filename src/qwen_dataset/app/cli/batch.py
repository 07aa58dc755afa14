"""Commands for plain prompts in batches, in the Batch API's words: batch create, status, list, cancel."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import attrs
import click

from ...domain.jobs import Phase, Way
from ...errors import SettingError
from ..api import batch_words
from ..api.batch_words import batch_record, batch_status
from ..api.client import Client
from ..api.remote import with_words
from ..api.reports import DamagedJob, JobStatus, Report
from ..dataset.target import Existing
from ..wiring import bootstrap
from ..wiring.config import Config
from ..wiring.prompts import as_prompts, read_prompts
from . import batch_remote, language, options, session
from .batch_remote import RemoteOptions
from .batch_show import cut, line_of, not_yet, show
from .chosen import Chosen
from .follow import carried
from .logs import JobLog
from .show import Display, echo_json
from .work import cancel_job, end, run

_CREATE = (
    "model", "temperature", "max_tokens", "top_p", "enable_thinking", "completion_window", "concurrency", "poll",
    "rounds", "finish", "after", "clean_remote", "max_cost", "pilot", "pilot_min_yield",
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
@options.settings(*_CREATE, also=("api_key", "prices", "retry_unknown", "writer", *options.NO_OPTION))
@click.option("--fresh", is_flag=True, help="Pay again for what is answered (new --job-name).")
@options.existing
@options.quiet_and_json
def create(
    input_file: Path | None,
    texts: tuple[str, ...],
    wait: bool,
    output: Path | None,
    chosen: Chosen,
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
        with Display(quiet=quiet or as_json, log=log, waits_with=config if wait else None) as display:

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

            status, report = run(display, work, storage=config.storage, more=carried(chosen.arguments))
        if not quiet or as_json:
            with language.unread():
                show(status, report, storage=config.storage, as_json=as_json, more=carried(chosen.arguments))
    if report is not None:
        end(report)


@batch.command(short_help="Show how far JOB is; download its answers.")
@click.argument("job")
@click.option("--download", "fetch", is_flag=True, help="Write the answers if all are there; exit with 3 if not.")
@options.output
@options.settings(*_BACKEND, also=("api_key", "writer"))
@options.existing
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def status(job: str, fetch: bool, output: Path | None, chosen: Chosen, existing: Existing, as_json: bool) -> None:
    """Show how far JOB is: its id, its name, the beginning of its id, or a batch's id at the service (`batch_…`).

    Asks the service and never spends: what failed is asked again only by `qwen-dataset resume`.
    """
    problems = ["--output says where --download writes; give both"] if output is not None and not fetch else []
    config = chosen.config_for_job(problems=problems)
    if not batch_remote.is_remote(config, job):
        _look_at(job, config, output, existing=existing, download=fetch, as_json=as_json)
    elif fetch:
        batch_remote.download(job, chosen, output, existing=existing, as_json=as_json)
    else:
        batch_remote.status(job, chosen, as_json=as_json)


@batch.command(short_help="Write the answers of JOB.")
@click.argument("job", metavar="JOB|BATCH_ID")
@options.output_option(help="Where to write. Default: as last time, else ID.jsonl.")
@options.settings(*_BACKEND, also=("api_key", "writer"))
@options.existing
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def download(job: str, output: Path | None, chosen: Chosen, existing: Existing, as_json: bool) -> None:
    """Write the answers of JOB, or the files of a batch at the service (`batch_…`) as they are there.

    Of the latter, answers go to FILE and errors, if any, to FILE.errors.jsonl. Exits with 3 where it is not ended yet.
    """
    config = chosen.config_for_job()
    if batch_remote.is_remote(config, job):
        batch_remote.download(job, chosen, output, existing=existing, as_json=as_json)
    else:
        _look_at(job, config, output, existing=existing, download=True, as_json=as_json)


@batch.command("list", short_help="List the batches, the newest first.")
@click.option("--limit", type=click.IntRange(min=1), default=20, metavar="N", help="How many, at most [20].")
@options.settings(*_BACKEND, also=("api_key",))
@batch_remote.list_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
def list_batches(limit: int, chosen: Chosen, remote: RemoteOptions, as_json: bool) -> None:
    """List the batches, the newest first, as they were stored last.

    Asks nobody: `batch status JOB` looks at the service, and --remote lists the service's own batches.
    """
    if remote.wanted:
        batch_remote.list_batches(remote, chosen, limit=limit, as_json=as_json)
        return
    # Who is not asked need not be set rightly.
    config = attrs.evolve(chosen, needed=("storage", "lang")).config(problems=remote.problems)

    async def work(stop: asyncio.Event) -> list[JobStatus | DamagedJob]:
        jobs = await Client(config, stop=stop).list_jobs()
        return [each for each in reversed(jobs) if isinstance(each, DamagedJob) or each.spec.way is Way.BATCH]

    found = session.run(work)
    for each in found[:limit]:
        if not as_json:
            # Cut when it is translated: a sentence that ends in the middle is not found in any language.
            click.echo(cut(language.tr(line_of(each))))
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
def cancel(job: str, chosen: Chosen, quiet: bool, as_json: bool) -> None:
    """Stop JOB or a batch at the service (`batch_…`): what runs is cancelled, what was answered is kept."""
    config = chosen.config_for_job()
    if batch_remote.is_remote(config, job):
        batch_remote.cancel(job, chosen, quiet=quiet, as_json=as_json)
        return
    status, rested = cancel_job(config, job)
    if rested and not quiet and not as_json:
        language.say(rested)
    if not quiet or as_json:
        show(status, None, storage=config.storage, as_json=as_json)


def _look_at(
    job: str, config: Config, output: Path | None, *, existing: Existing, download: bool, as_json: bool
) -> None:
    """Show where a job of the storage stands, and write its answers if wanted. Ends the process as that went."""

    async def work(stop: asyncio.Event) -> tuple[JobStatus, Report | None, Mapping[str, int]]:
        client = Client(config, stop=stop, notice=lambda sentence: language.say(sentence, err=True))
        found = await with_words(await _look(client, job), config)
        report = await _download(client, found, output, existing) if download else None
        if report is not None:
            found = await client.status(found.job_id)
        return found, report, await client.failure_kinds(found.job_id)

    found, report, failures = session.run(work)
    with language.unread():
        show(found, report, failures, storage=config.storage, as_json=as_json)
    if report is not None:
        end(report)
    elif download:
        session.fail(not_yet(found, config.storage), session.UNFINISHED)


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
    if not batch_words.is_ready(status) or batch_words.is_cancelled_there(status):
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
