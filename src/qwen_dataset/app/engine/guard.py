"""How a run waits and how it stops: asked by a person, by another process, or out of patience."""

from __future__ import annotations

import asyncio
import logging

from ...domain.events import CancelSeen, ShardCancelled
from ...domain.jobs import Shard
from ...errors import BackendRejected, BackendUnavailable, JobUnfinished
from ...ports.inference import InferenceBackend, JobHandle
from .clock import Sleep
from .job import Job
from .layout import numbers

_log = logging.getLogger(__name__)

LONGEST_WAIT_SECONDS = 300.0


def handle_of(shard: Shard) -> JobHandle:
    """Return the handle of a submitted shard."""
    assert shard.backend is not None
    assert shard.token is not None
    return JobHandle(backend=shard.backend, key=shard.key, token=shard.token)


class Guard:
    """Awaited wherever a run could go on, so that it stops where stopping costs nothing.

    ``sleep`` waits in the backend's time. Setting ``stop`` ends the run: nothing new is begun, what is in flight is
    awaited and stored. ``patience`` is how often in a row the backend may be unavailable; once it has answered in this
    run it may be away for ``outage_seconds``, since a night without a network must not end a job.
    """

    def __init__(
        self,
        job: Job,
        backend: InferenceBackend,
        *,
        sleep: Sleep,
        stop: asyncio.Event,
        patience: int,
        outage_seconds: float = 0.0,
    ) -> None:
        self._job = job
        self._backend = backend
        self._sleep = sleep
        self._stop = stop
        self._patience = patience
        self._outage_seconds = outage_seconds
        self._proven = False
        self._away = 0.0
        self._refused = 0
        self._uncancelled = 0  # counted apart: polls may be answered all the while
        self._refusing: set[int] = set()  # shards that the backend does not cancel

    def may_begin(self) -> bool:
        """Say whether another request may be started."""
        return not self._stop.is_set() and not self._job.state.winding_down

    def is_left_to_end(self, shard: Shard) -> bool:
        """Say whether a shard is only to be fetched, since the backend was asked to cancel it, or does not want to."""
        return shard.cancelled or shard.number in self._refusing

    async def checkpoint(self) -> None:
        """Stop if asked to, make sure that the job is still ours, obey a cancel request.

        Raises JobUnfinished when the run is to stop and LeaseLost when another process has the job.
        """
        if self._stop.is_set():
            message = f"job {self._job.id} was interrupted; what had been answered is kept"
            raise JobUnfinished(message)
        await self.look()
        if self._job.state.winding_down:
            await self._cancel_shards()

    async def look(self) -> None:
        """Notice a lost lease (LeaseLost) or a cancel request, without acting on the backend."""
        await self._job.lease.check()
        newest = 0
        async for number in numbers(self._job.storage, self._job.layout.cancels):
            newest = number
        if newest > self._job.state.cancels_obeyed:
            await self._job.ledger.append(CancelSeen(number=newest))

    async def pause(self, seconds: float) -> None:
        """Wait in the backend's time, or until the run is to stop; then a checkpoint."""
        await self._wait(seconds)
        await self.checkpoint()

    async def _wait(self, seconds: float) -> None:
        waiting = [asyncio.ensure_future(self._sleep(seconds)), asyncio.ensure_future(self._stop.wait())]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
            slept, _ = await asyncio.gather(*waiting, return_exceptions=True)
        if isinstance(slept, BaseException) and not isinstance(slept, asyncio.CancelledError):
            # The backend's time may be kept by the backend, and fail with it.
            raise slept

    def answered(self, *, proven: bool = False) -> None:
        """Note that the backend could be asked; ``proven``: it was more than a promise."""
        self._refused, self._away = 0, 0.0
        self._proven = self._proven or proven

    async def be_patient(self, error: BackendUnavailable, *, at_least: float = 0.0) -> None:
        """Wait before the backend is asked again; raises JobUnfinished when it was unavailable too often in a row."""
        self._refused += 1
        is_outage = self._proven and self._away < self._outage_seconds
        await self._bear(error, at_least, self._refused, is_outage=is_outage)
        await self.checkpoint()

    async def _bear(self, error: BackendUnavailable, at_least: float, times: int, *, is_outage: bool) -> None:
        if times > self._patience and not is_outage:
            message = f"the backend could not be reached {times} times in a row ({error}); everything is kept"
            raise JobUnfinished(message) from error
        _log.warning("the backend could not be asked: %s", error)
        wait = max(at_least, min(2.0 ** min(times, 20), LONGEST_WAIT_SECONDS))
        self._away += wait
        await self._wait(wait)

    async def _cancel_shards(self) -> None:
        """Ask the backend to stop every shard in flight that was not asked yet, and keep the handles it returns."""
        for shard in list(self._job.state.shards.values()):
            if shard.token is None or shard.cancelled:
                continue
            try:
                cancelled = await self._backend.cancel(handle_of(shard))
            except BackendUnavailable as error:
                # All are asked again at the next checkpoint; meanwhile nothing new begins.
                self._uncancelled += 1
                # Where polls are answered in between, nothing is away and asking for ever would help nobody.
                is_outage = self._proven and 0.0 < self._away < self._outage_seconds
                await self._bear(error, 0.0, self._uncancelled, is_outage=is_outage)
                return
            except BackendRejected as error:
                # It may be about to end by itself: polls tell, and the next checkpoint asks again.
                self._refusing.add(shard.number)
                _log.warning("the backend does not cancel shard %d of job %s: %s", shard.number, self._job.id, error)
                continue
            self._uncancelled = 0
            await self._job.ledger.append(ShardCancelled(shard=shard.number, token=cancelled.token))
