"""What nothing in a storage needs any more: found first, without a change, and deleted by whoever then owns the job.

Of a job that stays, only *leftovers* go: segments and shard lists that no event names, superseded leases, cancel
requests before the last obeyed one, chunks beyond the plan. What cannot be proved to be waste stays; keys that no
layout makes are never touched. A folder must not be pruned while somebody copies it into the storage: half of it looks
like a job whose process died.

A whole job goes in an order in which a crash leaves either the job, or a rest that no other job sees, that nobody can
go on with, and that the next prune finds: the intent is stored, the spec goes (from then on nobody lists the job), then
the first event (from then on nobody loads it), the other events after all that they name, and the intent at last.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Sequence
from enum import StrEnum

import attrs

from ...domain.events import Opened
from ...domain.jobs import JobState, Phase
from ...errors import JobUnfinished, KeyNotFound, LedgerCorrupt, SettingError
from ...ports.storage import Storage
from ..codec import decode, encode
from .contents import Contents, Part, count_parts, exists, job_like_folders, newest_lease, parts_of
from .job import Host, hold_job, job_ids, look_at, read_spec
from .layout import Layout
from .lease import Lease, LeaseRecord
from .ledger import Ledger

_RESTING = (Phase.FINISHED, Phase.STOPPED)


class Kind(StrEnum):
    """What of a job would go: what nothing needs, or all of it with its answers."""

    LEFTOVERS = "leftovers"
    JOB = "job"


@attrs.frozen(kw_only=True)
class Prunable:
    """What a deletion would take from one job, counted when it was looked at; nothing has changed yet.

    ``paid_answers`` were bought by this job and ``copied_answers`` by others; neither can be reused or rebuilt from
    here afterwards (copies in other jobs stay). ``possibly_paid`` calls got no reply: once the job is gone nobody knows
    of them, and another job would send them again. Leftovers hold no answer that anything could still use.
    ``last_at``: the last event, in seconds since 1970; 0 where there is none.
    """

    job_id: str
    kind: Kind
    objects: int
    paid_answers: int = 0
    copied_answers: int = 0
    possibly_paid: int = 0
    last_at: float = 0.0


async def find_leftovers(storage: Storage, host: Host) -> AsyncGenerator[Prunable, None]:
    """Yield what is left over in each job that no process is seen to work on; changes nothing.

    Also a job that was never planned to the end, and the rest of one whose deletion was interrupted. Damaged jobs are
    passed over: nothing about them can be proved.
    """
    for job_id in await job_like_folders(storage):
        layout = Layout(job_id)
        found = None
        with contextlib.suppress(LedgerCorrupt):
            if not await _is_held(storage, layout, host):
                found = await _leftovers(storage, layout)
        if found is not None and found.objects:
            yield found


async def find_jobs(storage: Storage, ids: Sequence[str]) -> AsyncGenerator[Prunable, None]:
    """Yield what deleting each of these jobs would take; changes nothing.

    Raises JobNotFound, SettingError for a job that is not at rest, and LedgerCorrupt for a damaged one.
    """
    for job_id in ids:
        await read_spec(storage, job_id)
        ledger = await look_at(storage, job_id)
        _refuse_what_moves(job_id, ledger.state)
        yield await _whole(storage, ledger, job_id)


async def find_old_jobs(storage: Storage, host: Host, *, older_than: float) -> AsyncGenerator[Prunable, None]:
    """Yield what deleting the jobs would take that ended at least ``older_than`` seconds ago; changes nothing.

    Ended means finished or stopped; damaged jobs and those that somebody works on are passed over.
    """
    for job_id in [each async for each in job_ids(storage)]:
        found = None
        with contextlib.suppress(LedgerCorrupt):
            if not await _is_held(storage, Layout(job_id), host):
                ledger = await look_at(storage, job_id)
                if ledger.state.phase in _RESTING and host.clock.now() - ledger.ended_at >= older_than:
                    found = await _whole(storage, ledger, job_id)
        if found is not None:
            yield found


async def delete(storage: Storage, found: Prunable, host: Host) -> None:
    """Delete what was found, after making sure under the job's lease that it is still so; spends nothing.

    May watch the lease for up to a minute where the last owner was on another machine. Raises JobBusy while another
    process has the job; of a whole job SettingError, JobUnfinished or JobNotFound where it moved, changed or went since
    it was looked at (then nothing is deleted); JobUnfinished when ``host`` is stopped and LeaseLost when the job is
    taken over: the rest is found again by the next prune.
    """
    layout = Layout(found.job_id)
    # Looked at before the lease as well: where nothing is to be done, no lease is written.
    if found.kind is Kind.JOB:
        await read_spec(storage, found.job_id)
    elif not await exists(storage, layout.spec) and not await _is_rest(storage, layout):
        return
    async with hold_job(storage, layout, host=host) as lease:
        eraser = _Eraser(storage=storage, layout=layout, lease=lease, host=host)
        if found.kind is Kind.JOB:
            await _expect_unchanged(storage, found)
            await eraser.delete_everything()
        elif await exists(storage, layout.spec):
            await eraser.delete_needless()
        elif await _is_rest(storage, layout):
            await eraser.delete_everything()
    await _drop_last_lease(storage, layout, lease.nonce)


def _refuse_what_moves(job_id: str, state: JobState) -> None:
    if state.phase not in (*_RESTING, Phase.NEW):
        message = f"job {job_id} is not finished; `qwen-dataset cancel {job_id}` first, then prune it"
        raise SettingError(message)


async def _expect_unchanged(storage: Storage, found: Prunable) -> None:
    """Make sure that what a person was told is what would go."""
    await read_spec(storage, found.job_id)
    ledger = await look_at(storage, found.job_id)
    _refuse_what_moves(found.job_id, ledger.state)
    if attrs.evolve(_described(ledger, found.job_id), objects=found.objects) != found:
        message = (
            f"job {found.job_id} has changed since it was looked at, so nothing of it was deleted; run prune again"
        )
        raise JobUnfinished(message)


def _described(ledger: Ledger, job_id: str) -> Prunable:
    state = ledger.state
    return Prunable(
        job_id=job_id,
        kind=Kind.JOB,
        objects=0,
        paid_answers=state.completed - state.reused,
        copied_answers=state.reused,
        possibly_paid=state.possibly_paid,
        last_at=ledger.last_at,
    )


async def _whole(storage: Storage, ledger: Ledger, job_id: str) -> Prunable:
    return attrs.evolve(_described(ledger, job_id), objects=await count_parts(storage, Layout(job_id)))


async def _leftovers(storage: Storage, layout: Layout) -> Prunable:
    objects, last_at = 0, 0.0
    if await exists(storage, layout.spec):
        with Contents(storage, layout) as contents:
            await contents.ledger.load()
            async for _ in contents.needless():
                objects += 1
            last_at = contents.ledger.last_at
    elif await _is_rest(storage, layout):
        objects = await count_parts(storage, layout)
    return Prunable(job_id=layout.job, kind=Kind.LEFTOVERS, objects=objects, last_at=last_at)


async def _is_rest(storage: Storage, layout: Layout) -> bool:
    """Say whether a folder without a spec is what an interrupted deletion left, or a plan that was never finished.

    A missing spec alone proves neither: it may have been lost, or be on its way here.
    """
    if await exists(storage, layout.deleting):
        return True
    if not await newest_lease(storage, layout) or (await look_at(storage, layout.job)).state.phase is not Phase.NEW:
        return False
    # Both are written only after the plan, so with one of them here the plan's event was lost.
    return await count_parts(storage, layout, Part.SEGMENT, Part.SHARD) == 0


async def _lease_record(storage: Storage, layout: Layout, number: int) -> LeaseRecord | None:
    key = layout.lease(number)
    try:
        return decode(LeaseRecord, await storage.get(key), where=key)
    except KeyNotFound:
        return None


async def _is_held(storage: Storage, layout: Layout, host: Host) -> bool:
    """Say whether a process that is seen to live has the job.

    About one on another machine only watching its lease can tell, which is left to ``delete``.
    """
    newest = await newest_lease(storage, layout)
    if not newest:
        return False
    record = await _lease_record(storage, layout, newest)
    # Superseded or given back at this very moment: somebody is there.
    return record is None or (not record.released and host.is_alive(record.process) is True)


async def _drop_last_lease(storage: Storage, layout: Layout, nonce: str) -> None:
    """Delete our released lease where nothing else is left of the job."""
    if await exists(storage, layout.spec) or await count_parts(storage, layout) > 1:
        return
    number = await newest_lease(storage, layout)
    record = await _lease_record(storage, layout, number)
    if record is not None and record.nonce == nonce:
        await storage.delete(layout.lease(number))


@attrs.frozen(kw_only=True)
class _Eraser:
    """Deletes from a job whose lease it has."""

    storage: Storage
    layout: Layout
    lease: Lease
    host: Host

    async def delete_needless(self) -> None:
        """Delete the leftovers of a job that stays."""
        with Contents(self.storage, self.layout) as contents:
            ledger = contents.ledger
            await ledger.load()
            if ledger.state.owner is None:
                return
            await self.lease.verify()
            ledger.own(self.lease, self.host.clock.now)
            # From here on a former owner that wakes up cannot name a segment that it wrote before.
            await ledger.append(Opened(nonce=self.lease.nonce, backend=ledger.state.backend))
            async for key in contents.needless():
                await self._delete(key)

    async def delete_everything(self) -> None:
        """Delete the whole job, or go on with its deletion."""
        await self.lease.verify()
        await self.storage.put(self.layout.deleting, encode(self.host.process))
        await self._delete(self.layout.spec)
        # A cancel request without its ledger would stop the job that the same spec makes later.
        await self._delete_all(Part.CANCEL)
        await self._delete(self.layout.event(1))
        await self._delete_all(Part.CORPUS, Part.REQUESTS, Part.SHARD, Part.SEGMENT, Part.REJECTS)
        await self._delete_all(Part.EVENT)
        await self._delete(self.layout.deleting)

    async def _delete_all(self, *parts: Part) -> None:
        async for key, part, _ in parts_of(self.storage, self.layout):
            if part in parts:
                await self._delete(key)

    async def _delete(self, key: str) -> None:
        if self.host.stopped():
            message = f"pruning job {self.layout.job} was interrupted; run prune again to delete the rest"
            raise JobUnfinished(message)
        # Another owner writes under the same keys.
        await self.lease.check()
        await self.storage.delete(key)
