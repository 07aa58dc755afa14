"""Batches of an OpenAI-compatible service: half the price, hours of waiting, and never bought twice.

A submission is one batch, found again by its key (see ``lookup``). Only ``submit`` spends money, in one call that is
never repeated by itself.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from types import TracebackType
from typing import Self

import attrs

from ....domain.inference import Outcome, Request
from ....errors import BackendDenied, BackendError, BackendRejected, BackendUnavailable, BackendUnreached
from ....ports.inference import BackendSettings, JobHandle, Limits, Offer, Progress
from ....ports.remote import RemoteBatch
from ..bailian.places import is_bailian
from .advice import advice
from .batch_object import ENDING, RUNNING, Json, Seen, batch_of, is_counted
from .client import load_sdk
from .lookup import KEY_FIELD, TIME_FIELD, find, metadata_of, name_of
from .options import OPENAI_BATCH, Options
from .remote import OpenAIBatches
from .results import results_of
from .service import Refused
from .upload import written_lines

logger = logging.getLogger(__name__)

_HOUR = 3600.0
_DAY = 24 * _HOUR
_FINDABLE = 29 * _DAY  # lists reach back 30 days
_ENVELOPE = 256  # bytes that a line has beside what the engine measures: method, names, the thinking switch
_LEAST_LINE = 128  # bytes of the shortest line that the engine measures


def open_openai_batch(settings: BackendSettings) -> Offer:
    """Build the backend of ``openai-batch:?parameters`` (see ``Options``).

    Asks nobody and spends nothing; imports the SDK, which takes half a second. Raises ``SettingError``.
    """
    options = Options.from_settings(settings, name=OPENAI_BATCH)
    load_sdk()
    backend = OpenAIBatchBackend(options)
    return Offer(
        backend=backend,
        name=OPENAI_BATCH,
        realtime=False,
        destination=options.destination,
        remote=backend.batches,
        clean=backend.clean,
        probe=backend.probe,
        advice=partial(advice, options),
        switches_thinking=options.switches_thinking,
    )


class OpenAIBatchBackend:
    """``InferenceBackend`` over files and batches. ``submit`` spends; nothing else does.

    ``sleep`` waits and ``now`` tells the time in Unix seconds. ``batches`` is the same service by its own ids, usable
    while the backend is entered.
    """

    def __init__(
        self,
        options: Options,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._options = options
        self._sleep = sleep
        self._now = now
        self.batches = OpenAIBatches(options, sleep=sleep)
        self._keeps_metadata: bool | None = True if is_bailian(options.base_url) else None
        self._unknown_words: set[str] = set()
        self._fetched: Counter[str] = Counter()

    @property
    def limits(self) -> Limits:
        """Those of the service, less what a line has beside the request; reading results again is free."""
        options = self._options
        envelope = _ENVELOPE + len(options.url)
        few = options.submission_bytes - options.requests * envelope
        small = options.submission_bytes * _LEAST_LINE // (_LEAST_LINE + envelope)
        return Limits(
            requests=options.requests,
            submission_bytes=max(few, small, 1),
            line_bytes=max(options.line_bytes - envelope, 1),
            concurrency=1,
            segment_outcomes=2_000,
            segment_bytes=4_000_000,
            segment_seconds=60.0,
            settle_seconds=options.settle,
            findable_seconds=_FINDABLE if options.lookup else 0.0,
        )

    @property
    def realm(self) -> str:
        """The region of Bailian, or the base URL."""
        return self._options.realm

    async def submit(self, key: str, requests: AsyncIterable[Request]) -> JobHandle:
        """Find the batch of this key, or write, upload and create it. **Creating spends money**, once.

        Raises BackendUnavailable where the batch may or may not exist now: call again after the settle time, and it is
        looked for first. BackendUnreached: this call created nothing, an earlier one may have. BackendRejected: nothing
        was created under this key, neither now nor earlier. BackendDenied: this call created nothing.
        """
        found = await self._find(key)
        if found is None:
            async with written_lines(requests, self._options) as lines:
                name = name_of(key)
                with _creating_nothing(BackendUnavailable):
                    file_id = await self.batches.upload_open(lines.file, name=lines.name_for(name))
                # An upload takes minutes: somebody may have created the batch meanwhile.
                found = await self._find(key, uploaded=file_id)
                if found is None:
                    metadata = metadata_of(
                        key, requests=lines.requests, content_hash=lines.content_hash, now=self._now()
                    )
                    found = await self._create(file_id, endpoint=lines.url, metadata=metadata)
        return JobHandle(backend=OPENAI_BATCH, key=key, token=f"{found.id}@{self._made_at(found)}")

    async def _find(self, key: str, *, uploaded: str | None = None) -> RemoteBatch | None:
        """Look for the batch. No refusal of that says that there is none, so it is never BackendRejected."""
        if not self._options.lookup:
            return None
        with _creating_nothing(BackendUnavailable, BackendRejected):
            found = await find(self.batches, key, keeps_metadata=self._keeps_metadata, uploaded=uploaded)
        if found is not None:
            self._learn_from(found)
        return found

    async def _create(self, file_id: str, *, endpoint: str, metadata: dict[str, str]) -> RemoteBatch:
        window = f"{self._options.window_hours}h"
        batch = await self.batches.create(file_id, completion_window=window, endpoint=endpoint, metadata=metadata)
        self._learn_from(batch)
        logger.info("created batch %s (%s)", batch.id, metadata["ds_name"])
        return batch

    def _learn_from(self, batch: RemoteBatch) -> None:
        known, self._keeps_metadata = self._keeps_metadata, KEY_FIELD in batch.metadata
        if known is not False and not self._keeps_metadata:
            logger.warning("%s does not keep the metadata of batch %s", self._options.destination, batch.id)

    def _made_at(self, batch: RemoteBatch) -> int:
        """Return when a batch was created, by our own clock if it says so: the same whoever asks."""
        told = batch.metadata.get(TIME_FIELD, "")
        if told.isascii() and told.isdigit():
            return int(told)
        return int(batch.created_at.timestamp() if batch.created_at else self._now())

    async def poll(self, handle: JobHandle) -> Progress:
        """Look at the batch once. A batch that is unknown to the service for good is ready: nothing will come of it."""
        try:
            seen = await self._look(handle)
        except _NotVisible:
            return Progress(ready=False)
        if seen is None:
            return Progress(ready=True)
        batch = seen.batch
        if not batch.is_ended and batch.status not in RUNNING and batch.status not in self._unknown_words:
            self._unknown_words.add(batch.status)
            logger.warning("batch %s has the status %r, which is new: waiting until it ends", batch.id, batch.status)
        counts = {"completed": batch.completed, "failed": batch.failed, "total": batch.total}
        return Progress(ready=batch.is_ended, ending=batch.status in ENDING, **counts)

    def results(self, handle: JobHandle, requests: AsyncIterable[Request]) -> AsyncGenerator[Outcome, None]:
        """Yield one outcome for each request, read from the batch's files. Spends nothing, as often as it is read.

        Raises BackendUnavailable for network trouble and for a batch that has not ended.
        """
        batch_id, _ = _parts(handle)
        # As it is: each generator around it costs something for each answer.
        return results_of(
            self.batches,
            batch_id,
            requests,
            look=lambda: self._look(handle),
            sleep=self._sleep,
            fetched=self._fetched,
        )

    async def cancel(self, handle: JobHandle) -> JobHandle:
        """Ask the batch to stop; what had been done is billed and delivered. Spends nothing more.

        A batch that has ended, or that the service does not know, is no error.
        """
        batch_id, _ = _parts(handle)
        if await self._look(handle) is not None:
            await self.batches.cancel(batch_id)
        return handle

    async def clean(self, handle: JobHandle) -> None:
        """Delete the input, output and error file of the batch, as far as that can be done."""
        batch_id, _ = _parts(handle)
        try:
            batch = await self.batches.retrieve(batch_id)
        except BackendError as error:
            logger.warning("the files of batch %s could not be deleted: %s", batch_id, error)
            return
        for file_id in (batch.input_file_id, batch.output_file_id, batch.error_file_id):
            try:
                if file_id is not None:
                    await self.batches.delete_file(file_id)
            except BackendError as error:
                logger.warning("file %s of batch %s could not be deleted: %s", file_id, batch_id, error)

    async def probe(self) -> str:
        """List one batch, or the models where lists are off, and say what came. Free; raises BackendError."""
        where = self._options.destination
        async with OpenAIBatches(self._options, sleep=self._sleep).opened() as batches:
            if not self._options.lookup:
                return f"{where} answers and names {await batches.models()} models"
            found = await batches.first_page()
        return f"{where} answers and lists its batches ({'there are some' if found else 'none yet'})"

    async def _look(self, handle: JobHandle) -> Seen | None:
        """Return the batch; None where the service does not know it any more, for good.

        Raises _NotVisible while it may still be too young to be seen, and BackendDenied where it was the wrong address,
        key or workspace that was asked: a batch is not forgotten before its time.
        """
        batch_id, made_at = _parts(handle)
        age = self._now() - made_at
        try:
            return self._seen(await self.batches.body(batch_id), age)
        except Refused as error:
            if not error.is_gone:
                raise BackendDenied(f"batch {batch_id} cannot be looked at: {error}") from None
        # Tokens hold whole seconds: it may be up to one younger than it looks.
        if age < self._options.settle + 1.0:
            raise _NotVisible(f"batch {batch_id} cannot be seen yet")
        if self._options.lookup:
            await self.batches.check_list()
            if age < _FINDABLE:
                raise BackendDenied(
                    f"this key does not know batch {batch_id}: use the key, the workspace and the address that it was"
                    " made with, or add lookup=none to the backend's address to give it up (its requests are then"
                    " unknown, and may have been paid for)"
                )
        return None

    def _seen(self, body: Json, age: float) -> Seen:
        """Read a batch object. Where its status is a word that is new, it has ended once its time is long over."""
        batch = batch_of(body)
        if batch.status not in RUNNING and age > self._options.window_hours * _HOUR + _DAY:
            batch = attrs.evolve(batch, is_ended=True)
        return Seen(batch=batch, is_counted=is_counted(body))

    async def __aenter__(self) -> Self:
        await self.batches.open()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.batches.close()


@contextmanager
def _creating_nothing(*errors: type[BackendError]) -> Iterator[None]:
    """Say of these errors inside that this call created nothing, and that no more than that is known."""
    try:
        yield
    except errors as error:
        raise BackendUnreached(str(error)) from None


class _NotVisible(BackendUnavailable):
    """The batch was created a moment ago and cannot be seen yet."""


def _parts(handle: JobHandle) -> tuple[str, float]:
    """Return the id of the batch and when it was created, in Unix seconds."""
    batch_id, _, made_at = handle.token.rpartition("@")
    try:
        return (batch_id, float(made_at)) if batch_id else (handle.token, 0.0)
    except ValueError:
        return handle.token, 0.0
