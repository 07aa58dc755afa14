"""A job that this process owns: lease, ledger and index opened together and closed together."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Callable, Iterator

import attrs

from ...domain.events import Opened
from ...domain.jobs import JobSpec, JobState
from ...errors import JobNotFound, KeyExists, KeyNotFound, LedgerCorrupt, SettingError
from ...ports.storage import Storage
from ..codec import FORMAT, StoredSpec, decode, encode
from .clock import Clock
from .contents import JOB_LIKE, exists
from .index import Index
from .layout import SPEC, Layout, numbers
from .lease import IsAlive, Lease, Process
from .ledger import Ledger


@attrs.frozen(kw_only=True)
class Host:
    """What the engine has to know of the process it runs in.

    ``notice`` is told what a person should know while it waits; ``stopped`` says whether a person wants it to end.
    """

    process: Process
    is_alive: IsAlive
    clock: Clock = attrs.field(factory=Clock)
    notice: Callable[[str], None] = lambda _: None
    stopped: Callable[[], bool] = lambda: False


@attrs.frozen(kw_only=True)
class Job:
    """An owned job."""

    storage: Storage
    layout: Layout
    spec: JobSpec
    ledger: Ledger
    index: Index
    lease: Lease
    clock: Clock
    _segments: Iterator[int] = attrs.field(factory=lambda: itertools.count(1))

    @property
    def id(self) -> str:
        return self.layout.job

    @property
    def state(self) -> JobState:
        return self.ledger.state

    def next_segment(self) -> int:
        """Return a number that no segment of this owner has yet."""
        return next(self._segments)


@contextlib.asynccontextmanager
async def own_job(
    storage: Storage, spec: JobSpec, *, job_id: str, host: Host, backend: str, window_hours: int | None = None
) -> AsyncIterator[Job]:
    """Take a job, load it, and note that we have it; give it back at the end.

    ``backend`` and ``window_hours`` are noted so that a later ``resume`` needs no argument. Raises JobBusy while
    another process has the job, and SettingError where its deletion was interrupted: what would be bought there would
    go with the rest.
    """
    layout = Layout(job_id)
    async with hold_job(storage, layout, host=host) as lease:
        if await exists(storage, layout.deleting) and not await exists(storage, layout.spec):
            message = f"deleting job {job_id} was interrupted; run `qwen-dataset prune` to end it, then run this again"
            raise SettingError(message)
        with Index(storage, layout) as index:
            ledger = Ledger(storage, layout, listener=index.apply)
            await ledger.load()
            # Whoever took the job over while this was loading has opened it already, or will find our event there.
            await lease.verify()
            ledger.own(lease, host.clock.now)
            await ledger.append(Opened(nonce=lease.nonce, backend=backend, window_hours=window_hours))
            yield Job(
                storage=storage, layout=layout, spec=spec, ledger=ledger, index=index, lease=lease, clock=host.clock
            )


@contextlib.asynccontextmanager
async def hold_job(storage: Storage, layout: Layout, *, host: Host) -> AsyncIterator[Lease]:
    """Have the lease of a job, or of what is left of one. Raises JobBusy while another process has it."""
    lease = Lease(storage, layout, process=host.process, is_alive=host.is_alive, clock=host.clock)
    await lease.acquire(notice=host.notice, stopped=host.stopped)
    keeper = asyncio.create_task(lease.keep())
    try:
        yield lease
    finally:
        keeper.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await keeper
        await lease.release()


async def read_spec(storage: Storage, job_id: str) -> JobSpec:
    """Return a job's stored spec. Raises JobNotFound."""
    key = Layout(job_id).spec
    try:
        data = await storage.get(key)
    except KeyNotFound as error:
        message = f"there is no job {job_id!r} in this storage; `qwen-dataset status` lists the jobs"
        raise JobNotFound(message) from error
    stored = decode(StoredSpec, data, where=key)
    if stored.format > FORMAT:
        message = f"{key} was written by a newer version of qwen-dataset; upgrade to read it"
        raise LedgerCorrupt(message)
    return stored.spec


async def write_spec(storage: Storage, job_id: str, spec: JobSpec) -> None:
    """Store a job's spec: from now on the job is listed."""
    await storage.put(Layout(job_id).spec, encode(StoredSpec(spec=spec)))


async def job_ids(storage: Storage) -> AsyncIterator[str]:
    """Yield the ids of the stored jobs, in order."""
    async for key in storage.keys():
        job, _, rest = key.partition("/")
        # A person may keep a file of this name in a folder that is no job.
        if rest == SPEC and JOB_LIKE.fullmatch(job):
            yield job


async def look_at(storage: Storage, job_id: str) -> Ledger:
    """Load a job's events without owning it."""
    ledger = Ledger(storage, Layout(job_id))
    await ledger.load()
    return ledger


async def request_cancel(storage: Storage, job_id: str, *, process: Process) -> None:
    """Ask a job's owner, now or later, to cancel it: a create-only object that it finds at its next checkpoint."""
    layout = Layout(job_id)
    number = 1
    async for taken in numbers(storage, layout.cancels):
        number = taken + 1
    # Somebody else who asks at the same moment asks for the same thing.
    with contextlib.suppress(KeyExists):
        await storage.put(layout.cancel(number), encode(process), if_absent=True)


async def overrule_cancels(job: Job) -> None:
    """Withdraw the cancel requests that no owner has obeyed: a person has asked to go on since."""
    async for number in numbers(job.storage, job.layout.cancels):
        if number > job.state.cancels_obeyed:
            await job.storage.delete(job.layout.cancel(number))
