"""A service's batches by hand: opened, waited for, fetched, and told of in the Batch API's words."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import attrs

from ...domain.jobs import Way
from ...errors import BackendError, BackendUnavailable, JobUnfinished, OutputError, SettingError
from ...ports.inference import Offer
from ...ports.remote import RemoteBatch, RemoteBatches
from ..wiring import bootstrap
from ..wiring.config import Config
from ..wiring.discreet import discreet
from ..wiring.values import minutes
from .reports import JobStatus
from .shared import Shared

_log = logging.getLogger(__name__)

_GRACE_SECONDS = 3600.0  # a service may be late in closing a batch whose window is over
_LONGEST_WAIT_SECONDS = 300.0
_GROWTH = 1.5
_DOWNLOADS = 3
_DOWNLOAD_PAUSE_SECONDS = 5.0
_ENDED_AT = ("completed", "failed", "expired", "cancelled")


@attrs.frozen(kw_only=True)
class Service:
    """An open service with batches, and its time."""

    batches: RemoteBatches
    sleep: Callable[[float], Awaitable[None]]
    now: Callable[[], float]


@attrs.frozen(kw_only=True)
class Fetched:
    """What a download has written; None where the batch had no such file.

    ``missing``: so many answers that the service counts were in no file, also after it was fetched again.
    """

    batch: RemoteBatch
    output: Path | None = None
    errors: Path | None = None
    missing: int = 0


@asynccontextmanager
async def opened(config: Config, given: Offer | None = None) -> AsyncIterator[Service]:
    """Open the backend of the settings (or the one given), for its batches. Spends nothing.

    Raises SettingError for a backend that has no batches of its own.
    """
    offer = given or await bootstrap.backend(config.backend, config, way=Way.BATCH, window_hours=config.window_hours)
    offer = discreet(offer, lambda: bootstrap.keys(config), shared=Shared)
    if offer.remote is None:
        address = config.backend or offer.name
        message = f"the backend {address!r} has no batches of its own to look at; --backend names one that has"
        raise SettingError(message)
    async with offer.backend:
        yield Service(batches=offer.remote, sleep=offer.sleep or asyncio.sleep, now=offer.now or time.time)


async def with_words(status: JobStatus, config: Config) -> JobStatus:
    """Return a job's status with the service's own words for the batches in flight. Spends nothing.

    Only where the backend was asked how far they are (``Client.poll``), and has batches to look at by hand; a batch
    that the service does not tell of now has no word. Not asked where every line has an answer.
    """
    ids = [shard.token.partition("@")[0] for shard in status.state.shards.values() if shard.token is not None]
    told = status.remote
    if told is None or not ids or (told.ready and told.completed >= told.total):
        return status
    address = config.backend or status.state.backend or None
    words = []
    async with contextlib.AsyncExitStack() as stack:
        try:
            service = await stack.enter_async_context(opened(attrs.evolve(config, backend=address)))
        except SettingError:
            return status
        for batch_id in ids:
            with contextlib.suppress(BackendError):
                words.append((await service.batches.retrieve(batch_id)).status)
    return attrs.evolve(status, words=tuple(words))


async def waited_for(
    service: Service,
    batch_id: str,
    *,
    poll: float,
    hours: int,
    on_status: Callable[[dict[str, Any]], None] = lambda _: None,
) -> RemoteBatch:
    """Wait until a batch has ended. ``on_status`` is told of it first, and whenever something has changed.

    A service that does not answer is asked again. Raises JobUnfinished an hour after the batch's window (``hours``,
    where it does not say its own), counted from this call.
    """
    began, last, interval = service.now(), None, poll
    while True:
        try:
            batch = await service.batches.retrieve(batch_id)
        except BackendUnavailable as error:
            _log.warning("the batch %s could not be asked for, it is tried again: %s", batch_id, error)
        else:
            seen = (batch.status, batch.total, batch.completed, batch.failed)
            if seen != last:
                last = seen
                on_status(batch_object(batch))
            if batch.is_ended:
                return batch
            with contextlib.suppress(ValueError):
                hours = minutes(batch.completion_window) // 60
        if service.now() - began > hours * 3600 + _GRACE_SECONDS:
            message = f"batch {batch_id} has not ended within its window of {hours} hours; look again later"
            raise JobUnfinished(message)
        await service.sleep(interval)
        interval = min(interval * _GROWTH, max(poll, _LONGEST_WAIT_SECONDS))


async def fetched(service: Service, batch_id: str, path: Path, error_path: Path | None = None) -> Fetched:
    """Write a batch's files, each whole or not at all. Spends nothing.

    The file of errors goes to ``error_path``, else to ``PATH.errors.jsonl``. Fewer answers than the service counts are
    fetched again, twice. Raises JobUnfinished for a batch that has not ended, and OutputError.
    """
    batch = await service.batches.retrieve(batch_id)
    if not batch.is_ended:
        message = f"nothing was written, as batch {batch_id} is {batch.status}; try again later"
        raise JobUnfinished(message)
    done = Fetched(batch=batch)
    if batch.output_file_id is not None:
        lines = 0
        for left in reversed(range(_DOWNLOADS)):
            lines = await _written(service, batch.output_file_id, path)
            if lines >= batch.completed or not left:
                break
            await service.sleep(_DOWNLOAD_PAUSE_SECONDS)
        done = attrs.evolve(done, output=path, missing=max(batch.completed - lines, 0))
    if batch.error_file_id is not None:
        error_path = error_path or errors_beside(path)
        await _written(service, batch.error_file_id, error_path)
        done = attrs.evolve(done, errors=error_path)
    return done


def errors_beside(path: Path) -> Path:
    """Return where the errors of a download go unless told otherwise."""
    return path.with_name(f"{path.name}.errors.jsonl")


async def _written(service: Service, file_id: str, path: Path) -> int:
    """Put a remote file in place of ``path`` and return how many lines it has."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    ends = 0
    last = b"\n"
    try:
        try:
            with draft.open("wb") as file:
                async with aclosing(service.batches.download(file_id)) as pieces:
                    async for piece in pieces:
                        file.write(piece)
                        ends += piece.count(b"\n")
                        last = piece[-1:] or last
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror or error}"
        raise OutputError(message) from error
    return ends + (last != b"\n")


def batch_object(batch: RemoteBatch) -> dict[str, Any]:
    """Return a batch as the Batch API's object: plain data, times in seconds since 1970."""
    ended = None if batch.ended_at is None else int(batch.ended_at.timestamp())
    data = [{"code": each.code, "message": each.message, "line": each.line} for each in batch.errors]
    return {
        "id": batch.id,
        "object": "batch",
        "endpoint": batch.endpoint,
        "errors": {"object": "list", "data": data} if data else None,
        "input_file_id": batch.input_file_id,
        "completion_window": batch.completion_window,
        "status": batch.status,
        "output_file_id": batch.output_file_id,
        "error_file_id": batch.error_file_id,
        "created_at": None if batch.created_at is None else int(batch.created_at.timestamp()),
        **{f"{word}_at": ended if batch.status == word else None for word in _ENDED_AT},
        "request_counts": {"total": batch.total, "completed": batch.completed, "failed": batch.failed},
        "metadata": dict(batch.metadata),
    }
