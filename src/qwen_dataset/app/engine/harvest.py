"""From a ready shard to durable outcomes: exactly one for each request, saved as they come."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable

from ...domain.events import CallsBegan, CallsEnded, ShardFinished
from ...domain.inference import Failure, FailureKind
from ...domain.jobs import Shard
from ...errors import BackendError
from ...ports.inference import InferenceBackend, JobHandle
from .budget import Account, Budget, cost_limit_reached, room
from .chunks import ShardRequests
from .guard import Guard, handle_of
from .job import Job
from .segments import Failing, SegmentWriter, store_failures

_log = logging.getLogger(__name__)


_BREATH = 500  # outcomes between two turns of the event loop

Clean = Callable[[JobHandle], Awaitable[None]]
"""Deletes what a backend keeps of a submission."""


def _always() -> bool:
    return True


class Harvester:
    """Asks a backend for the outcomes of shards. ``clean`` is called for those whose results are all safe here."""

    def __init__(
        self, job: Job, backend: InferenceBackend, guard: Guard, *, budget: Budget, clean: Clean | None = None
    ) -> None:
        self._job = job
        self._backend = backend
        self._guard = guard
        self._budget = budget
        self._clean = clean
        self._is_whole = False  # whether every answer of the shard at hand was had

    async def harvest(self, shard: Shard, *, on_saved: Callable[[], None] = lambda: None) -> None:
        """Store the outcomes of a shard. In realtime this is what spends.

        When a stop or cancel ends the stream of requests early, the shard stays in flight and keeps what was stored.
        ``on_saved`` is called whenever some outcomes became durable.
        """

        async def after_save() -> None:
            on_saved()
            await self._guard.look()

        handle = handle_of(shard)
        remaining = set(await self._job.index.remaining(shard))
        self._is_whole = len(remaining) == shard.requests
        account = Account(self._job, shard, self._budget.meter)
        writer = SegmentWriter(self._job, self._backend.limits, account=account)
        # A cancelled shard starts nothing paid, so it is always harvested whole.
        go_on = _always if self._guard.is_left_to_end(shard) else self._guard.may_begin
        async with self._spending(shard, account, remaining):
            requests = ShardRequests(self._job, shard, frozenset(remaining), go_on)
            consumer = asyncio.create_task(self._consume(requests, handle, remaining, writer, after_save))
            saver = asyncio.create_task(writer.keep_saving(after_save))
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
            self._is_whole = False
            # The backend broke its promise; no request may be left without an outcome.
            failed = Failing(FailureKind.UNKNOWN, "the backend gave no outcome; it may have been paid", retryable=False)
            await store_failures(
                self._job, self._backend.limits, sorted(remaining), failed, backend=handle.backend, account=account
            )
        await self._job.ledger.append(ShardFinished(shard=shard.number))
        if self._clean is not None and self._is_whole:
            await self._clean_up(handle)

    @contextlib.asynccontextmanager
    async def _spending(self, shard: Shard, account: Account, remaining: set[str]) -> AsyncIterator[None]:
        """Note around calls that cost money that they are made, so that a run that dies leaves its doubt behind.

        Raises CostLimitReached where the doubt of a former run has used up what the job may cost.
        """
        if shard.calling:
            doubt = await account.doubt(remaining, shard.calling)
            await self._job.ledger.append(CallsEnded(shard=shard.number, doubt=doubt))
        if not (self._budget.meter and self._budget.at_risk) or shard.cancelled:
            yield
            return
        left = room(self._job.state)
        if left is not None and left < 0:
            raise cost_limit_reached(self._job, None)
        await self._job.ledger.append(CallsBegan(shard=shard.number, at_risk=self._budget.at_risk))
        try:
            yield
        except BackendError:
            # Calls that were under way have ended, and what they gave is stored.
            await self._job.ledger.append(CallsEnded(shard=shard.number))
            raise
        await self._job.ledger.append(CallsEnded(shard=shard.number))

    async def _clean_up(self, handle: JobHandle) -> None:
        assert self._clean is not None
        try:
            await self._clean(handle)
        except BackendError as error:
            _log.warning("the remote files of %s could not be deleted and stay: %s", handle.key, error)

    def _note(self, failure: Failure) -> None:
        """Notice what may still lie at the backend and could not be had: that is not deleted."""
        if failure.kind is FailureKind.UNKNOWN:
            self._is_whole = False

    async def _consume(
        self,
        requests: ShardRequests,
        handle: JobHandle,
        remaining: set[str],
        writer: SegmentWriter,
        after_save: Callable[[], Awaitable[None]],
    ) -> None:
        backend = handle.backend
        taken = 0
        try:
            async with contextlib.aclosing(self._backend.results(handle, requests)) as outcomes:
                async for outcome in outcomes:
                    taken += 1
                    if taken % _BREATH == 0:
                        # A backend that reads them from a file never waits, and a full segment takes a while to fill.
                        await asyncio.sleep(0)
                    if outcome.request_id not in remaining:
                        _log.warning("an outcome for %s was not asked for and is dropped", outcome.request_id)
                        continue
                    remaining.discard(outcome.request_id)
                    if isinstance(outcome, Failure):
                        self._note(outcome)
                    if writer.add(outcome, backend=backend):
                        await writer.save()
                        await after_save()
        except BaseException:
            # What was answered before is paid: it is saved before the error, whosever it is, goes on.
            await writer.save()
            raise
        await writer.save()
