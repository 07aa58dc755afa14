"""From a ready shard to durable outcomes: exactly one for each request, saved as they come."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable

from ...domain.events import ShardFinished
from ...domain.inference import FailureKind
from ...domain.jobs import Shard
from ...errors import BackendError
from ...ports.inference import InferenceBackend, JobHandle
from .guard import Guard, handle_of
from .job import Job
from .segments import Failing, SegmentWriter, store_failures
from .shards import ShardRequests

_log = logging.getLogger(__name__)


def _always() -> bool:
    return True


class Harvester:
    """Asks a backend for the outcomes of shards."""

    def __init__(self, job: Job, backend: InferenceBackend, guard: Guard) -> None:
        self._job = job
        self._backend = backend
        self._guard = guard

    async def harvest(self, shard: Shard) -> None:
        """Store the outcomes of a shard. In realtime this is what spends.

        When a stop or cancel ends the stream of requests early, the shard stays in flight and keeps what was stored.
        """
        handle = handle_of(shard)
        remaining = self._job.index.remaining(shard.number)
        writer = SegmentWriter(self._job, self._backend.limits)
        # A cancelled shard starts nothing paid, so it is always harvested whole.
        go_on = _always if shard.cancelled else self._guard.may_begin
        consumer = asyncio.create_task(self._consume(shard, handle, remaining, writer, go_on))
        saver = asyncio.create_task(writer.keep_saving(self._guard.look))
        try:
            await asyncio.wait({consumer, saver}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (consumer, saver):
                task.cancel()
            await asyncio.gather(consumer, saver, return_exceptions=True)
        for task in (saver, consumer):
            if not task.cancelled():
                task.result()
        if remaining and not go_on():
            return
        if remaining:
            # The backend broke its promise; no request may be left without an outcome.
            failed = Failing(FailureKind.UNKNOWN, "the backend gave no outcome; it may have been paid", retryable=False)
            await store_failures(self._job, self._backend.limits, sorted(remaining), failed, backend=handle.backend)
        await self._job.ledger.append(ShardFinished(shard=shard.number))

    async def _consume(
        self,
        shard: Shard,
        handle: JobHandle,
        remaining: set[str],
        writer: SegmentWriter,
        go_on: Callable[[], bool],
    ) -> None:
        requests = ShardRequests(self._job, shard, frozenset(remaining), go_on)
        try:
            async with contextlib.aclosing(self._backend.results(handle, requests)) as outcomes:
                async for outcome in outcomes:
                    if outcome.request_id not in remaining:
                        _log.warning("an outcome for %s was not asked for and is dropped", outcome.request_id)
                        continue
                    remaining.discard(outcome.request_id)
                    if await writer.add(outcome, backend=handle.backend):
                        await self._guard.look()
        except (BackendError, asyncio.CancelledError):
            # What was answered before is paid: it is saved before the error goes on.
            await writer.save()
            raise
        await writer.save()
