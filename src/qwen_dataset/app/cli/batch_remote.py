"""`batch` on the service's own batches: by their ids (`batch_…`), those of jobs and those made by hand."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import shlex
import sys
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import attrs
import click

from ...errors import BackendRejected, JobNotFound, QwenDatasetError, SettingError
from ...ports.remote import BatchFilter, LineError, RemoteBatch
from ..api import batch_words, remote
from ..api.client import Client
from ..api.remote import Fetched, Service, batch_object
from ..dataset.target import Existing
from ..wiring.config import Config
from ..wiring.secrets import quoted
from . import language, session
from .batch_show import cut
from .chosen import Chosen
from .show import echo_json
from .times import when

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

_PREFIX = "batch_"
_KEY = "qwen_dataset_key"
_FILTERS = ("status", "name", "created_after", "created_before", "input_file_id", "after")
_STATUSES = (
    batch_words.VALIDATING, batch_words.IN_PROGRESS, batch_words.FINALIZING, batch_words.COMPLETED,
    batch_words.FAILED, batch_words.EXPIRED, batch_words.CANCELLING, batch_words.CANCELLED,
)  # fmt: skip
_SHOWN_REASONS = 20
_SHOWN_LINES = 10


@attrs.frozen(kw_only=True)
class RemoteOptions:
    """What `batch list` was told about the service's list."""

    wanted: bool
    given: dict[str, Any]

    @property
    def problems(self) -> list[str]:
        """What is wrong where the service is not asked."""
        flags = ", ".join(f"--{name.replace('_', '-')}" for name, value in self.given.items() if value)
        return [f"{flags} would narrow the list of the service; add --remote"] if flags else []

    def filter(self, problems: list[str]) -> BatchFilter:
        """Return the filter, and put what cannot be into ``problems``."""
        given = self.given
        statuses = _words(given["status"])
        if unknown := [word for word in statuses if word not in _STATUSES]:
            problems.append(f"--status is {', '.join(map(quoted, unknown))}; known are {', '.join(_STATUSES)}")
        return BatchFilter(
            name=given["name"],
            statuses=statuses,
            input_file_ids=_words(given["input_file_id"]),
            created_after=_time("--created-after", given["created_after"], problems),
            created_before=_time("--created-before", given["created_before"], problems),
            after=given["after"],
        )


def list_options(command: F) -> F:
    """Add --remote and the service's filters; the command gets ``remote``."""

    @functools.wraps(command)
    def wrapped(*args: Any, is_remote: bool, **kwargs: Any) -> Any:
        given = {name: kwargs.pop(name) for name in _FILTERS}
        return command(*args, remote=RemoteOptions(wanted=is_remote, given=given), **kwargs)

    for option in (
        click.option("--after", metavar="BATCH_ID", help="--remote: those that follow this one."),
        click.option("--input-file-id", metavar="ID", help="--remote: of this file; several with commas."),
        click.option("--created-before", metavar="TIME", help="--remote: made until then."),
        click.option("--created-after", metavar="TIME", help="--remote: made since then: 2026-11-22T18:30."),
        click.option("--name", metavar="TEXT", help="--remote: with this in its name."),
        click.option("--status", metavar="WORD", help="--remote: in this state; several with commas."),
        click.option("--remote", "is_remote", is_flag=True, help="List those of the service."),
    ):
        wrapped = option(wrapped)
    return wrapped  # type: ignore[return-value]


def is_remote(config: Config, name: str) -> bool:
    """Say whether this names a batch at the service: it looks like one, and no job of the storage is called so."""
    if not name.startswith(_PREFIX):
        return False

    async def work(stop: asyncio.Event) -> bool:
        with contextlib.suppress(JobNotFound):
            await Client(config, stop=stop).status(name)
            return False
        return True

    return session.run(work)


def status(batch_id: str, chosen: Chosen, *, as_json: bool) -> None:
    """Show a batch as it is now."""
    config = chosen.config()
    _show(*_asked(config, lambda service: service.batches.retrieve(batch_id)), chosen, as_json=as_json)


def cancel(batch_id: str, chosen: Chosen, *, quiet: bool, as_json: bool) -> None:
    """Ask a batch to stop, and show it."""
    had_ended = False

    async def stop(service: Service) -> RemoteBatch:
        nonlocal had_ended
        before = await service.batches.retrieve(batch_id)
        had_ended = before.is_ended
        return before if had_ended else await service.batches.cancel(batch_id)

    found = _asked(chosen.config(), stop)
    if had_ended and not quiet and not as_json:
        language.say(f"batch {batch_id} had ended already, so there was nothing to cancel")
    if not quiet or as_json:
        _show(*found, chosen, as_json=as_json)


def download(batch_id: str, chosen: Chosen, output: Path | None, *, existing: Existing, as_json: bool) -> None:
    """Write a batch's files. Ends the process with 1 where not every line has an answer, 3 where it has not ended."""
    path = output or Path(f"{batch_id}.jsonl")
    problems = []
    if existing is Existing.MERGE:
        problems.append("--merge is for the answers of a job; the files of a batch are written as they are")
    elif existing is Existing.REFUSE:
        there = [each for each in (path, remote.errors_beside(path)) if each.exists()]
        problems += [f"{each} exists; choose another path, or pass --force to replace it" for each in there]
    config = chosen.config(problems=problems)

    async def fetch(service: Service) -> Fetched:
        return await remote.fetched(service, batch_id, path)

    done = _run(config, fetch, help_with_id=True)
    batch = done.batch
    written = {name: None if at is None else str(at) for name, at in (("output", done.output), ("errors", done.errors))}
    if as_json:
        echo_json(batch_object(batch) | {"output": written["output"], "error_output": written["errors"]})
    else:
        for line in (*_told(batch, None), *(f"{name:<10}  {at}" for name, at in written.items() if at is not None)):
            language.say(line)
        if done.missing:
            language.say(f"{done.missing} answers that the service counts are not in its file", err=True)
    if done.missing or done.errors is not None or done.output is None:
        sys.exit(session.SOME_FAILED)


def list_batches(wanted: RemoteOptions, chosen: Chosen, *, limit: int, as_json: bool) -> None:
    """Print the service's batches, the newest first, as they come."""
    problems: list[str] = []
    batch_filter = wanted.filter(problems)
    config = chosen.config(problems=problems)

    async def work(service: Service) -> tuple[int, str | None]:
        shown, last = 0, None
        # One more than is shown tells whether there are more.
        async for batch in service.batches.list(batch_filter, limit=limit + 1):
            shown += 1
            if shown > limit:
                return shown, last
            last = batch.id
            if as_json:
                echo_json(batch_object(batch))
            else:
                line = language.tr(_line(batch))
                # The id stands at the end, and what reads a pipe wants it whole.
                click.echo(cut(line) if language.is_terminal(sys.stdout) else line)
        return shown, last

    shown, last = _run(config, work)
    if not shown and not as_json:
        language.say("the service has no such batches")
    if shown > limit and not as_json:
        language.say(f"… and there are more; --after {last} lists those that follow")


def _asked(config: Config, ask: Callable[[Service], Awaitable[RemoteBatch]]) -> tuple[RemoteBatch, str | None]:
    """Return a batch, and the job of the storage that it belongs to, if it does."""

    async def work(service: Service) -> tuple[RemoteBatch, str | None]:
        batch = await ask(service)
        # The job's id begins the key under which its submission is found again.
        named = batch.metadata.get(_KEY, "").partition("/")[0]
        with contextlib.suppress(QwenDatasetError):
            return batch, (await Client(config).status(named)).job_id if named else None
        return batch, None

    return _run(config, work, help_with_id=True)


def _run(config: Config, ask: Callable[[Service], Awaitable[T]], *, help_with_id: bool = False) -> T:
    async def work(_: asyncio.Event) -> T:
        async with remote.opened(config) as service:
            try:
                return await ask(service)
            except BackendRejected as error:
                # An id that is not known, a filter that is not taken: what was typed has to change.
                if help_with_id:
                    message = f"{error}; `qwen-dataset batch list --remote` shows those that are there"
                    raise SettingError(message) from None
                raise SettingError(str(error)) from None

    return session.run(work)


def _show(batch: RemoteBatch, job: str | None, chosen: Chosen, *, as_json: bool) -> None:
    if as_json:
        echo_json(batch_object(batch) | {"job": job})
        return
    for line in _told(batch, job):
        language.say(line)
    backend = chosen.arguments.get("backend")
    where = f" --backend {shlex.quote(str(backend))}" if backend else ""
    if not batch.is_ended:
        language.say(f"look again  qwen-dataset batch status {batch.id}{where}")
    elif batch.output_file_id or batch.error_file_id:
        language.say(f"download    qwen-dataset batch download {batch.id}{where}")


def _told(batch: RemoteBatch, job: str | None) -> Iterator[str]:
    """Yield a batch in lines, the reasons of its failure last."""
    missing = batch.total - batch.completed - batch.failed
    answers = f"{batch.completed} answered + {batch.failed} failed"
    answers += f" + {missing} not yet answered" if missing > 0 else ""
    yield f"batch       {batch.id}"
    yield f"status      {batch.status}"
    yield f"requests    {batch.total} = {answers}"
    yield f"created     {_when(batch.created_at)}"
    if batch.ended_at is not None:
        yield f"ended       {_when(batch.ended_at)}"
    if name := batch.metadata.get("ds_name"):
        yield f"name        {name}"
    if job is not None:
        yield f"of job      {job}"
    yield from _reasons(batch.errors)


def _reasons(errors: tuple[LineError, ...]) -> Iterator[str]:
    """Yield why lines were refused, each reason once with the lines that have it."""
    places: dict[str, list[int]] = {}
    for error in errors:
        lines = places.setdefault(f"{error.code}: {error.message}", [])
        if error.line is not None:
            lines.append(error.line)
    for reason, lines in list(places.items())[:_SHOWN_REASONS]:
        shown = ", ".join(map(str, lines[:_SHOWN_LINES])) + (", …" if len(lines) > _SHOWN_LINES else "")
        yield f"line {shown}: {reason}" if lines else f"error       {reason}"
    if len(places) > _SHOWN_REASONS:
        yield f"… and {len(places) - _SHOWN_REASONS} more reasons; --json tells all"


def _line(batch: RemoteBatch) -> str:
    """Return a batch as a line of a list, like one of a job; the screen may cut the id, a pipe never does."""
    failed = f", {batch.failed} failed" if batch.failed else ""
    done = f"{batch.completed}/{batch.total}{failed}"
    name = batch.metadata.get("ds_name", "-")
    return f"{batch.status:<11}  {_when(batch.created_at):<16}  {done:<13}  {batch.id}  {name}"


def _when(moment: datetime | None) -> str:
    return "-" if moment is None else when(moment.timestamp())


def _words(text: str | None) -> tuple[str, ...]:
    return tuple(word.strip() for word in (text or "").split(",") if word.strip())


def _time(flag: str, text: str | None, problems: list[str]) -> datetime | None:
    """Read a time as a person writes it; without a zone it is that of this machine."""
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError):
        problems.append(f"{flag} is {quoted(text)}; it must be a time such as 2026-11-22 or 2026-11-22T18:30")
        return None
