"""Commands that look and change nothing: status, rejects, papers."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Iterable, Sequence

import click

from ...domain.papers import Paper
from ...domain.passages import split
from ...errors import QwenDatasetError, SettingError
from ..api.client import Client
from ..api.reports import DamagedJob, JobStatus
from ..codec import failure_record, reject_record
from ..dataset.curator import FailedRequest
from ..wiring.corpus import Name, ReadReport, read_papers
from . import language, options, session
from .records import status_record
from .show import describe_reading, echo_json
from .times import when


@click.command()
@click.argument("job", required=False)
@options.settings("storage")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a job.")
def status(job: str | None, chosen: options.Chosen, as_json: bool) -> None:
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
def rejects(job: str | None, chosen: options.Chosen, as_json: bool) -> None:
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
                where = record["paper"]["source"] if record["paper"] else record["request_id"]
                if isinstance(entry, FailedRequest):
                    # A service that was away says the same of thousands.
                    alike.setdefault((record["reason"], record["detail"], again), []).append(where)
                else:
                    language.say(f"reject  {record['reason']}  {record['detail']} ({again})  [{where}]")
        for (reason, detail, again), places in alike.items():
            others = f" and {len(places) - 1} more" if len(places) > 1 else ""
            language.say(f"failed  {reason}  {detail} ({again})  [{places[0]}{others}]")
        return turned_down, failed

    turned_down, failed = session.run(work)
    if not as_json:
        language.say(f"{turned_down} rejects, {failed} failed requests")


@click.command()
@options.papers
@options.settings("data_dir", also=options.READING)
@click.option("--text", is_flag=True, help="Print the text in which all offsets count, exactly.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a paper.")
@click.option("--strict", is_flag=True, help="Stop at the first paper that cannot be read.")
def papers(papers: tuple[Name, ...], chosen: options.Chosen, text: bool, as_json: bool, strict: bool) -> None:
    """Show what is read from PAPERS: titles, languages, sections, passages.

    PAPERS are files, folders, patterns such as 'a/**/*.pdf', addresses such as s3://bucket/papers, and - for standard
    input (default: the folder of --data-dir). With --text and several papers, a line
    `==> SOURCE (ID) <==` stands before each text; --json keeps them apart.
    """
    config, sources = chosen.with_papers(papers)
    report = ReadReport()
    try:
        with contextlib.closing(read_papers(sources, report, strict=strict, limits=config.read_limits)) as found:
            if text and not as_json:
                _print_texts(found)
            else:
                for paper in found:
                    _print_paper(paper, text=text, as_json=as_json)
    except SettingError as error:
        session.fail_all(error.problems, session.BAD_INPUT)
    except QwenDatasetError as error:
        session.fail(str(error), session.BAD_INPUT)
    for sentence in describe_reading(report):
        language.say(sentence, err=True)
    if report.unread:
        sys.exit(session.SOME_FAILED)


def _print_texts(found: Iterable[Paper]) -> None:
    """Print texts exactly as offsets count in them; nothing is added to the only one."""
    waiting: Paper | None = None
    several = False
    for paper in found:
        if waiting is not None:
            several = True
            _print_headed(waiting)
        waiting = paper
    if waiting is None:
        return
    if several:
        _print_headed(waiting)
    else:
        click.echo(waiting.text.encode("utf-8"), nl=False)


def _print_headed(paper: Paper) -> None:
    click.echo(f"==> {paper.source} ({paper.id}) <==\n{paper.text}\n".encode(), nl=False)


def _print_paper(paper: Paper, *, text: bool, as_json: bool) -> None:
    passages = sum(1 for _ in split(paper))
    if as_json:
        record = {
            "id": paper.id,
            "title": paper.title,
            "source": paper.source,
            "language": paper.language,
            "reader": paper.reader,
            "authors": list(paper.authors),
            "sections": len(paper.sections),
            "passages": passages,
            "characters": len(paper.text),
            "warnings": list(paper.warnings),
        }
        echo_json(record | ({"text": paper.text} if text else {}))
        return
    click.echo(f"{paper.source}\n  {paper.title}")
    language.say(
        f"  {paper.language}, {paper.reader}, {len(paper.sections)} sections, {passages} passages,"
        f" {len(paper.text)} characters"
    )
    click.echo(f"  id {paper.id}")
    for warning in paper.warnings:
        language.say(f"  warning: {warning}")
