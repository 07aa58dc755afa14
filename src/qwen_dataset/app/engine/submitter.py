"""Open requests to submitted shards: the intent is stored before money is spent."""

from __future__ import annotations

import logging
from collections.abc import Callable

from ...domain.events import ShardFinished, ShardLost, ShardPlanned, ShardRefused, ShardSubmitted
from ...domain.inference import FailureKind
from ...domain.jobs import Shard
from ...errors import BackendDenied, BackendError, BackendRejected, BackendUnavailable, BackendUnreached
from ...ports.inference import InferenceBackend
from .budget import Account, Budget, room
from .chunks import ShardRequests
from .guard import Guard
from .id_lists import encode_ids
from .job import Job
from .segments import Failing, store_failures
from .shards import Cut, Cutter

_log = logging.getLogger(__name__)


class Submitter:
    """Submits what is open, and brings what a former run left half submitted to a definite state.

    ``now`` is the backend's time, in seconds.
    """

    def __init__(
        self,
        job: Job,
        backend: InferenceBackend,
        guard: Guard,
        *,
        backend_name: str,
        now: Callable[[], float],
        budget: Budget,
    ) -> None:
        self._job = job
        self._backend = backend
        self._guard = guard
        self._backend_name = backend_name
        self._now = now
        self._budget = budget

    async def submit_everything(self) -> Cutter:
        """Submit every open request for which there is room below the wall. A batch backend spends money here.

        Returns what cut them, which says whether the wall is in the way. Stops early without an error when nothing new
        may begin; raises what the guard raises.
        """
        await self._finish_in_vain()
        uncertain = [shard for shard in self._job.state.shards.values() if shard.token is None]
        if any(self._is_findable(shard) for shard in uncertain):
            # A former run may have created them a moment before it died: what it created must be findable by now.
            await self._guard.pause(self._backend.limits.settle_seconds)
        for shard in uncertain:
            # Also while cancelling: only finding it (or creating and then cancelling it) makes its answers safe.
            if self._is_findable(shard):
                await self._submit(shard, frozenset(await self._job.index.members(shard)), uncertain=True)
            else:
                await self._lose(shard)
        cutter = Cutter(self._job, self._backend.limits, meter=self._budget.meter, room=lambda: room(self._job.state))
        async for cut in cutter.cuts():
            await self._fail_too_large(cutter)
            await self._guard.checkpoint()
            if not self._guard.may_begin():
                return cutter
            await self._submit(await self._plan(cut), frozenset(cut.ids))
        await self._fail_too_large(cutter)
        return cutter

    async def give_up_the_rest(self) -> None:
        """Let everything open that is in no shard fail as cancelled."""
        rest = (place.id for place in self._job.index.unassigned())
        cancelled = Failing(FailureKind.CANCELLED, "cancelled before it was submitted", retryable=True)
        await store_failures(self._job, self._backend.limits, rest, cancelled, backend=self._backend_name)

    async def _plan(self, cut: Cut) -> Shard:
        number = self._job.state.shards_planned + 1
        key = cut.key(self._job.id, self._job.state.round)
        await self._job.storage.put(self._job.layout.shard_ids(number, key), encode_ids(cut.ids))
        await self._job.ledger.append(
            ShardPlanned(
                shard=number,
                key=key,
                requests=len(cut.ids),
                first_chunk=cut.first_chunk,
                last_chunk=cut.last_chunk,
                planned_at=self._job.clock.now(),
                reserved=cut.most,
                currency=self._budget.currency,
            )
        )
        return self._job.state.shards[number]

    async def _submit(self, shard: Shard, ids: frozenset[str], *, uncertain: bool = False) -> None:
        """Submit a shard of these requests; ``uncertain``: it may have been submitted before."""
        requests = ShardRequests(self._job, shard, ids)
        while True:
            await self._job.lease.verify()
            try:
                handle = await self._backend.submit(shard.key, requests)
            except BackendRejected as error:
                self._guard.answered()
                await self._refuse(shard, error)
                return
            except BackendDenied as error:
                # What may have been bought before is looked for when a person has mended it; the rest is free again.
                if not uncertain:
                    await self._refuse(shard, error)
                raise
            except BackendUnreached as error:
                await self._guard.be_patient(error)
                continue
            except BackendUnavailable as error:
                if not self._is_findable(shard):
                    await self._lose(shard)
                    return
                # It may have been created: look for it only when it must be visible.
                uncertain = True
                await self._guard.be_patient(error, at_least=self._backend.limits.settle_seconds)
                continue
            self._guard.answered()
            await self._job.ledger.append(
                ShardSubmitted(shard=shard.number, backend=handle.backend, token=handle.token, submitted_at=self._now())
            )
            return

    async def _refuse(self, shard: Shard, error: BackendError) -> None:
        _log.warning("the backend refused shard %d of job %s: %s", shard.number, self._job.id, error)
        # The refusal first, so that a crash while its failures are stored cannot submit the shard after all.
        await self._job.ledger.append(ShardRefused(shard=shard.number, reason=str(error)))
        await self._finish_in_vain()

    def _is_findable(self, shard: Shard) -> bool:
        """Say whether the backend can still tell if it has a shard that may have been submitted."""
        findable = self._backend.limits.findable_seconds
        # Planned by an earlier version, which did not note when: looking for it is all that can be done.
        age = 0.0 if shard.planned_at is None else self._job.clock.now() - shard.planned_at
        return findable > age

    async def _lose(self, shard: Shard) -> None:
        reason = "it may have been submitted, and the backend can no longer tell; it may have been paid"
        _log.warning("shard %d of job %s is given up: %s", shard.number, self._job.id, reason)
        await self._job.ledger.append(ShardLost(shard=shard.number, reason=reason))
        await self._finish_in_vain()

    async def _finish_in_vain(self) -> None:
        """Let the requests of shards fail that were refused or lost."""
        for shard in list(self._job.state.shards.values()):
            if shard.refused is not None:
                failing = Failing(FailureKind.REJECTED, shard.refused, retryable=True)
            elif shard.lost is not None:
                failing = Failing(FailureKind.UNKNOWN, shard.lost, retryable=False)
            else:
                continue
            ids = await self._job.index.remaining(shard)
            account = Account(self._job, shard, self._budget.meter)
            await store_failures(
                self._job, self._backend.limits, ids, failing, backend=self._backend_name, account=account
            )
            await self._job.ledger.append(ShardFinished(shard=shard.number))

    async def _fail_too_large(self, cutter: Cutter) -> None:
        sentence = f"the request is larger than the {self._backend.limits.line_bytes} bytes that the backend accepts"
        ids = tuple(cutter.too_large)
        cutter.too_large.clear()
        too_large = Failing(FailureKind.TOO_LARGE, sentence, retryable=False)
        await store_failures(self._job, self._backend.limits, ids, too_large, backend=self._backend_name)
