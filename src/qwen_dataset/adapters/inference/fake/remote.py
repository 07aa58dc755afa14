"""The fake's batches one by one, as a person handles them by hand at a real service."""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import attrs

from ....errors import BackendRejected, BackendUnavailable
from ....ports.remote import BatchFilter, LineError, RemoteBatch
from .batch_file import URL, Asked, asked, check, result_line
from .clock import Clock, VirtualClock
from .dice import Dice
from .fate import Ending, RemoteJob
from .lines import Line, ResultFile
from .progress import Timeline
from .service import FakeService
from .settings import FakeSettings

_ANY = BatchFilter()
_OUTPUT, _ERRORS = "file-batch_output-", "file-batch_error-"
_LOOKS = 8.0  # as in the port's ``poll``: who only ever looks sees a batch end after so many looks
_WINDOW = re.compile(r"([0-9]{1,4})([hd])")
_HOURS = (24, 336)
_LINES_AT_ONCE = 128
_UPLOAD_BYTES = 1_000_000


class FakeBatches:
    """What the fake's service holds, by its own ids: batches made here, and those that came through the port.

    A file of lines that are no requests becomes a batch that ends as ``failed``, with the reasons by line. Answers are
    those of the port for the same messages and parameters. ``maybe_unavailable`` is the backend's fault of that name.
    """

    def __init__(
        self,
        settings: FakeSettings,
        service: FakeService,
        clock: Clock,
        maybe_unavailable: Callable[[str, str], None],
    ) -> None:
        self._settings = settings
        self._service = service
        self._clock = clock
        self._maybe_unavailable = maybe_unavailable
        self._dice = Dice(settings.seed)

    async def upload(self, lines: Path, *, name: str) -> str:
        """Keep a file of request lines. Spends nothing; nobody looks into it before a batch is made of it."""
        with self._service.shelf.new() as new:
            try:
                with lines.open("rb") as file:
                    while piece := file.read(_UPLOAD_BYTES):
                        new.write(piece)
                        await asyncio.sleep(0)
            except OSError as error:
                raise BackendRejected(f"{lines} cannot be read ({error.strerror or error})") from error
            return self._service.upload(new, name, now=self._clock.now())

    async def create(
        self,
        input_file_id: str,
        *,
        completion_window: str,
        endpoint: str | None = None,
        metadata: Mapping[str, str] = {},
    ) -> RemoteBatch:
        """Create a batch and spend (in the fake's books). Each call makes one more.

        Raises ``BackendUnavailable`` by the faults ``unavailable`` and ``lose_submit`` (then it exists),
        ``BackendRejected`` by ``reject``, for a file that is not there and a window that is none.
        """
        key = f"remote/{input_file_id}"
        self._maybe_unavailable("submit", key)
        hours = _window_hours(completion_window)
        url = endpoint or URL
        settings = attrs.evolve(self._settings, window=hours * 3600.0)
        found = check(
            self._service.lines(input_file_id), endpoint=url, most=settings.requests, line_bytes=settings.line_bytes
        )
        attempt = self._service.tries("submit", key)
        if self._dice.hits(settings.reject, "reject", key, attempt):
            self._service.refuse(key, "it is not in the mood", now=self._clock.now())
            raise BackendRejected("the fake refused the submission: it is not in the mood")
        about = {
            "endpoint": url,
            "completion_window": completion_window,
            "metadata": dict(metadata),
            "errors": [attrs.astuple(error) for error in found.errors],
        }
        now = self._clock.now()
        job_id = self._service.create(key, found.ids, settings=settings, now=now, lines=input_file_id, about=about)
        await asyncio.sleep(0)
        if self._dice.hits(settings.lose_submit, "lose_submit", key, attempt):
            raise BackendUnavailable("the reply of the fake to a submission was lost")
        return self._told(self._service.job(job_id))

    async def retrieve(self, batch_id: str) -> RemoteBatch:
        """Return a batch as it is now. Looking takes time on a virtual clock, as the port's ``poll`` does."""
        self._maybe_unavailable("poll", batch_id)
        job = self._service.job(batch_id)
        told = self._told(job)
        if not told.is_ended:
            await self._look(job)
        return told

    async def list(self, wanted: BatchFilter = _ANY, *, limit: int | None = None) -> AsyncIterator[RemoteBatch]:
        """Yield batches, the newest first."""
        self._maybe_unavailable("poll", "list")
        left = limit
        for job_id in self._behind(wanted.after):
            if left is not None and left <= 0:
                return
            job = self._service.job(job_id)
            told = self._told(job)
            if _fits(told, wanted):
                left = None if left is None else left - 1
                yield told
                if not told.is_ended:
                    await self._look(job)

    async def cancel(self, batch_id: str) -> RemoteBatch:
        """Ask a batch to stop; what has run by now is delivered, and was paid."""
        self._maybe_unavailable("cancel", batch_id)
        self._service.cancel(batch_id, now=self._clock.now())
        await asyncio.sleep(0)
        return self._told(self._service.job(batch_id))

    async def download(self, file_id: str) -> AsyncGenerator[bytes, None]:
        """Yield a file in pieces: an uploaded one, or the answers or the errors of a batch that has ended."""
        self._maybe_unavailable("poll", file_id)
        if self._service.is_deleted(file_id):
            raise BackendRejected(f"the fake has no file {file_id!r} any more")
        lines = self._results(file_id) if file_id.startswith((_OUTPUT, _ERRORS)) else self._service.lines(file_id)
        piece: list[bytes] = []
        for line in lines:
            piece.append(line)
            if len(piece) == _LINES_AT_ONCE:
                yield b"".join(piece)
                piece.clear()
        if piece:
            yield b"".join(piece)

    async def delete_file(self, file_id: str) -> None:
        """Delete a file; one that is not there is no error."""
        self._maybe_unavailable("delete", file_id)
        self._service.delete(file_id, now=self._clock.now())

    async def _look(self, job: RemoteJob) -> None:
        if isinstance(self._clock, VirtualClock):
            await self._clock.look(job.id, job.longest / _LOOKS)

    def _behind(self, after: str | None) -> Sequence[str]:
        ids = self._service.job_ids(now=self._clock.now())
        return ids if after is None else ids[ids.index(after) + 1 :] if after in ids else []

    def _told(self, job: RemoteJob) -> RemoteBatch:
        now, cancelled_at = self._clock.now(), self._service.cancelled_at(job.id)
        errors = tuple(LineError(code=code, message=message, line=line) for code, message, line in _errors(job))
        progress = Timeline.of(job).at(now, cancelled_at)
        status, ended_at = _status(job, now, cancelled_at)
        begun = status not in ("validating", "failed")
        ready = progress.ready and not errors
        return RemoteBatch(
            id=job.id,
            status=status,
            is_ended=ended_at is not None,
            endpoint=job.about.get("endpoint", URL),
            completion_window=job.about.get("completion_window") or _window_of(job),
            input_file_id=job.file,
            output_file_id=f"{_OUTPUT}{job.id}" if ready and job.file and progress.completed else None,
            error_file_id=f"{_ERRORS}{job.id}" if ready and job.file and progress.failed else None,
            created_at=_time(job.at),
            ended_at=None if ended_at is None else _time(ended_at),
            total=progress.total if begun else 0,
            completed=progress.completed if begun else 0,
            failed=progress.failed if begun else 0,
            metadata=job.about.get("metadata") or {"ds_name": job.key, "qwen_dataset_key": job.key},
            errors=errors if status == "failed" else (),
        )

    def _results(self, file_id: str) -> Iterator[bytes]:
        """Yield the lines of a result file, which are made of the requests each time they are asked for."""
        wants_answers = file_id.startswith(_OUTPUT)
        job = self._service.job(file_id.removeprefix(_OUTPUT).removeprefix(_ERRORS))
        told = self._told(job)
        if job.file is None or file_id not in (told.output_file_id, told.error_file_id):
            raise BackendRejected(f"the fake has no file {file_id!r}; its batch is {told.status}")
        cancelled_at = self._service.cancelled_at(job.id)
        created, _ = job.end(cancelled_at)
        file = ResultFile(job, cancelled_at=cancelled_at, decoys=self._settings.decoys)
        names: dict[str, str] = {}
        model = ""

        def told_lines(lines: Iterable[Line]) -> Iterator[bytes]:
            for line in lines:
                own = str(line["id"])  # a stranger's line is called as it calls itself
                is_answer, result = result_line(names.get(own, own), line, model=model, created=created)
                if is_answer is wants_answers:
                    yield result

        for window in _windows(asked(self._service.shelf.lines(job.file))):
            names |= {each.request.id: each.custom_id for each in window}
            model = window[0].request.model
            yield from told_lines(file.lines([each.request for each in window]))
        yield from told_lines(file.rest())


def _windows(found: Iterator[Asked]) -> Iterator[list[Asked]]:
    while window := list(itertools.islice(found, _LINES_AT_ONCE)):
        yield window


def _errors(job: RemoteJob) -> list[tuple[str, str, int | None]]:
    return [tuple(error) for error in job.about.get("errors", ())]


def _status(job: RemoteJob, now: float, cancelled_at: float | None) -> tuple[str, float | None]:
    """Return the service's word for a batch, and when it ended."""
    if now < job.starts_at and cancelled_at is None:
        return "validating", None
    if job.about.get("errors"):
        return "failed", job.starts_at
    _, ending = job.end(cancelled_at)
    if now >= job.ready_at(cancelled_at):
        return ending.value, job.ready_at(cancelled_at)
    return ("cancelling" if ending is Ending.CANCELLED else "in_progress"), None


def _window_hours(text: str) -> int:
    found = _WINDOW.fullmatch(text)
    hours = int(found[1]) * (24 if found[2] == "d" else 1) if found else 0
    if not _HOURS[0] <= hours <= _HOURS[1]:
        raise BackendRejected(f"the fake takes no completion_window of {text!r}; it must be 24h to 336h, or 1d to 14d")
    return hours


def _window_of(job: RemoteJob) -> str:
    return "" if job.settings.window is None else f"{job.settings.window / 3600:g}h"


def _time(seconds: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, tz=dt.UTC)


def _fits(batch: RemoteBatch, wanted: BatchFilter) -> bool:
    made = batch.created_at
    return (
        (wanted.name is None or wanted.name in batch.metadata.get("ds_name", ""))
        and (not wanted.statuses or batch.status in wanted.statuses)
        and (not wanted.input_file_ids or batch.input_file_id in wanted.input_file_ids)
        and (wanted.created_after is None or (made is not None and made >= wanted.created_after))
        and (wanted.created_before is None or (made is not None and made <= wanted.created_before))
    )
