"""What `batch` prints of the jobs of this storage."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

import attrs

from ...domain.jobs import Phase
from ..api import batch_words
from ..api.batch_words import batch_record, batch_status, request_counts
from ..api.reports import DamagedJob, JobStatus, Report
from . import language
from .follow import command
from .show import echo_json, show_report
from .times import when

_LINE_COLUMNS = 80


def show(
    status: JobStatus,
    report: Report | None,
    failures: Mapping[str, int] | None = None,
    *,
    storage: str,
    as_json: bool,
    more: str = "",
) -> None:
    """Print where a job stands, and what a download or a wait has brought. ``more``: what ``resume`` needs again."""
    sums = report.sums if report is not None else None
    word = batch_status(status, failures if sums is None else sums.failures_by_kind)
    if as_json:
        brought = {"output": str(report.output)} | attrs.asdict(sums) if report is not None and sums is not None else {}
        echo_json(batch_record(status, word) | brought)
    elif report is not None:
        show_report(report, storage=storage, json=False, quiet=False)
    else:
        for line in _describe(status, word, storage, more):
            language.say(line)


def _describe(status: JobStatus, word: str, storage: str, more: str) -> list[str]:
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
    return [*lines, *_what_next(status, storage, more)]


def _what_next(status: JobStatus, storage: str, more: str) -> list[str]:
    look, resume = command("batch status", status.job_id, storage), command("resume", status.job_id, storage, more)
    state = status.state
    if state.phase in (Phase.FINISHED, Phase.STOPPED):
        lines = [] if state.exported else [f"download    {look} --download"]
        return [*lines, f"ask again   {resume}"] if state.failed else lines
    if batch_words.is_unanswered(status):
        lines = ["the batch has ended at the service without an answer", f"go on with  {resume}"]
        # Of one that was cancelled there is nothing to tell; of others each request has its reason.
        return lines if batch_words.is_cancelled_there(status) else [*lines, f"download    {look} --download"]
    if batch_words.is_ready(status):
        return ["the batch is completed, and its answers wait to be downloaded", f"download    {look} --download"]
    if state.cancelling:
        return []
    if not batch_words.is_submitted(state):
        return ["not all of it is submitted", f"go on with  {resume}"]
    lines = ["every request has run, and the service is writing the answers"] if batch_words.is_all_run(status) else []
    # What is to be finished otherwise needs a run that waits.
    return [*lines, f"look again  {look}", f"at the end  {resume}" if more else f"at the end  {look} --download"]


def not_yet(status: JobStatus, storage: str) -> str:
    """Return why nothing was downloaded, and what to do."""
    stuck = not status.state.cancelling and not batch_words.is_submitted(status.state)
    stuck = stuck or batch_words.is_cancelled_there(status)
    what_next = f"go on with: {command('resume', status.job_id, storage)}" if stuck else "try again later"
    return f"nothing was written, as job {status.job_id} is not finished; {what_next}"


def line_of(status: JobStatus | DamagedJob) -> str:
    """Return a job as one line of a list."""
    if isinstance(status, DamagedJob):
        return f"{'damaged':<11}  {status.job_id}  {status.damage}"
    counts = request_counts(status)
    failed = f", {counts['failed']} failed" if counts["failed"] else ""
    done = f"{counts['completed']}/{counts['total']}{failed}"
    # The name at last: the beginning of it is enough for every command.
    return f"{batch_status(status):<11}  {when(status.created_at):<16}  {done:<13}  {status.job_id}"


def cut(line: str) -> str:
    """Cut a line where the screen ends; a Chinese character takes two columns."""
    columns = 0
    for place, character in enumerate(line):
        columns += 2 if unicodedata.east_asian_width(character) in "WF" else 1
        if columns > _LINE_COLUMNS:
            kept = line[:place]
            return kept[: len(kept) - 1] + "…"
    return line
