"""Commands that look at jobs and change nothing: status, rejects."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence

import click

from ..api.client import Client
from ..api.reports import DamagedJob, JobStatus
from ..dataset.curator import FailedRequest
from ..dataset.records import failure_record, reject_record
from . import language, options, session
from .chosen import Chosen
from .columns import one_line
from .records import status_record
from .show import echo_json
from .times import when


@click.command()
@click.argument("job", required=False)
@options.settings("storage")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a job.")
def status(job: str | None, chosen: Chosen, as_json: bool) -> None:
    """Show the jobs of the storage, the newest last, or one JOB in full."""
    config = chosen.config()

    async def work(_: asyncio.Event) -> Sequence[JobStatus | DamagedJob]:
        client = Client(config)
        return await client.list_jobs() if job is None else [await client.status(job)]

    found = session.run(work)
    if as_json:
        for each in found:
            echo_json(status_record(each))
    elif job is not None:
        for name, value in status_record(found[0]).items():
            language.say(f"{name:<14}{when(value) if name.endswith('_at') else value}")
    elif not found:
        language.say(f"no jobs in {config.storage}")
    else:
        width = max(len(each.job_id) for each in found)
        for each in found:
            language.say(_describe(each, each.job_id.ljust(width)))


def _describe(status: JobStatus | DamagedJob, job: str) -> str:
    """Return a job's line; ``job`` is its name, as wide as the longest of the list."""
    if isinstance(status, DamagedJob):
        return f"{job}  damaged   {status.damage}"
    state = status.state
    failed = f", {state.failed} failed" if state.failed else ""
    return (
        f"{job}  {state.phase:<8}  {when(status.updated_at):<16}  {state.completed}/{state.requests} answered{failed}"
    )


@click.command()
@click.argument("job", required=False)
@options.settings("storage")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
def rejects(job: str | None, chosen: Chosen, as_json: bool) -> None:
    """Show what did not become a sample in JOB (the newest without a name), and why.

    A `reject` is an answer that was turned down; a `failed` request has no answer.
    """
    config = chosen.config()

    async def work(_: asyncio.Event) -> tuple[int, int]:
        client = Client(config)
        turned_down = failed = 0
        alike: dict[tuple[str, str, str], list[str]] = {}
        async with contextlib.aclosing(client.rejects(job)) as entries:
            async for entry in entries:
                if isinstance(entry, FailedRequest):
                    failed += 1
                    record = failure_record(entry.failure, entry.paper, entry.section)
                else:
                    turned_down += 1
                    record = reject_record(entry)
                if as_json:
                    echo_json(record)
                    continue
                again = "may be asked again" if record["retryable"] else "final"
                where = one_line(record["paper"]["source"] if record["paper"] else record["request_id"])
                detail = one_line(record["detail"])
                if isinstance(entry, FailedRequest):
                    # A service that was away says the same of thousands.
                    alike.setdefault((record["reason"], detail, again), []).append(where)
                else:
                    language.say(f"reject  {record['reason']}  {detail} ({again})  [{where}]")
        for (reason, detail, again), places in alike.items():
            others = f" and {len(places) - 1} more" if len(places) > 1 else ""
            language.say(f"failed  {reason}  {detail} ({again})  [{places[0]}{others}]")
        return turned_down, failed

    turned_down, failed = session.run(work)
    if not as_json:
        language.say(f"{turned_down} rejects, {failed} failed requests")
