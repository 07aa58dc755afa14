"""One owner at a time: numbered create-only objects, renewed while the owner lives.

The newest number is the lease. A new number is created only by the owner (to renew or release) or by someone who knows
that the owner is gone; create-only makes one of several win. What remains possible is an owner that is paused for
longer than the lease, exactly between its last check and a call to the backend: see docs/architecture.md.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Callable

import attrs

from ...errors import JobBusy, JobUnfinished, KeyExists, KeyNotFound, LeaseLost, StorageError
from ...ports.storage import Storage
from ..codec import decode, encode
from .clock import Clock
from .layout import Layout, numbers

RENEW_SECONDS = 15.0
EXPIRE_SECONDS = 60.0
_LOOK_SECONDS = 2.0


@attrs.frozen(kw_only=True)
class Process:
    """What tells one process from all others that ever were.

    Two of them can be compared, and a dead one recognised, only on the same host, boot and pid namespace.
    """

    host: str
    boot: str
    pid_namespace: str
    pid: int
    started: str

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"


@attrs.frozen(kw_only=True)
class LeaseRecord:
    """A lease as stored."""

    process: Process
    nonce: str
    released: bool = False


IsAlive = Callable[[Process], bool | None]  # None: cannot be told from here


class Lease:
    """The right to write a job's events and to spend on it.

    ``nonce`` is new for every Lease object, so two runs inside one process exclude each other as well.
    """

    def __init__(self, storage: Storage, layout: Layout, *, process: Process, is_alive: IsAlive, clock: Clock) -> None:
        self.nonce = secrets.token_hex(8)
        self._storage = storage
        self._layout = layout
        self._process = process
        self._is_alive = is_alive
        self._clock = clock
        self._number = 0
        self._renewed = 0.0
        self._lost = False
        self._renewing = asyncio.Lock()

    async def acquire(
        self, *, notice: Callable[[str], None] = lambda _: None, stopped: Callable[[], bool] = lambda: False
    ) -> None:
        """Take the lease. Raises JobBusy naming the owner while another process has it.

        Where the owner's life cannot be checked (another machine) this says so through ``notice`` and watches the lease
        for up to 60 seconds; raises JobUnfinished when ``stopped`` says so meanwhile.
        """
        number, record = await self._newest()
        if record is not None and not record.released:
            alive = self._is_alive(record.process)
            if alive is None:
                where = f"job {self._layout.job} was last held by {record.process}"
                notice(f"{where}; watching for up to {EXPIRE_SECONDS:.0f} seconds whether that still works on it")
            if alive or (alive is None and not await self._expires(number, stopped)):
                raise JobBusy(self._busy(record))
        if not await self._create(number + 1):
            _, winner = await self._newest()
            raise JobBusy(self._busy(winner))

    async def keep(self) -> None:
        """Renew until cancelled. A storage that gives no reply is asked again; ``check`` notices when it took long."""
        while not self._lost:
            await self._clock.sleep(RENEW_SECONDS)
            with contextlib.suppress(StorageError, LeaseLost):
                await self._renew()

    async def check(self) -> None:
        """Raise LeaseLost when the lease is gone; cheap while it was renewed a moment ago."""
        if self._lost:
            raise LeaseLost(self._gone())
        if self._is_old():
            await self._renew()

    async def verify(self) -> None:
        """Like ``check``, and look at the storage: before money is spent."""
        await self.check()
        # Not while it is being renewed: the next number stands in the storage before we know that it is ours.
        async with self._renewing:
            # Where create-only is advisory, another may have written the same number.
            record = await self._read(self._number)
            if record is None or record.nonce != self.nonce or await self._newest_number() != self._number:
                self._lost = True
        if self._lost:
            raise LeaseLost(self._gone())

    async def release(self) -> None:
        """Give the lease back, so that the next process need not wait."""
        if self._lost or not self._number:
            return
        released = LeaseRecord(process=self._process, nonce=self.nonce, released=True)
        # Failing here costs the next process a look at whether this one lives, no more.
        with contextlib.suppress(StorageError):
            # A renewal that was cut short may have left a number of ours that we do not know of.
            number, record = await self._newest()
            if record is not None and record.nonce == self.nonce:
                await self._storage.put(self._layout.lease(number + 1), encode(released), if_absent=True)
                for old in await self._numbers_below(number + 1):
                    await self._storage.delete(self._layout.lease(old))
        self._lost = True

    def _is_old(self) -> bool:
        return self._clock.monotonic() - self._renewed > 2 * RENEW_SECONDS

    async def _renew(self) -> None:
        number = self._number
        async with self._renewing:
            if self._number == number and not await self._create(number + 1):
                self._lost = True
            if self._lost:
                raise LeaseLost(self._gone())

    async def _create(self, number: int) -> bool:
        """Create this number; won only if a fresh listing shows it as the newest."""
        key = self._layout.lease(number)
        # The time is read before the write: what counts is how long others may have seen the lease unrenewed.
        begun = self._clock.monotonic()
        try:
            await self._storage.put(key, encode(LeaseRecord(process=self._process, nonce=self.nonce)), if_absent=True)
        except KeyExists:
            record = await self._read(number)
            if record is None or record.nonce != self.nonce:
                return False
        if await self._newest_number() != number:
            await self._storage.delete(key)
            return False
        previous, self._number, self._renewed = self._number, number, begun
        # Numbers below are superseded: the owner's own last one, or those of a dead owner.
        for old in [previous] if previous else await self._numbers_below(number):
            await self._storage.delete(self._layout.lease(old))
        return True

    async def _expires(self, number: int, stopped: Callable[[], bool]) -> bool:
        """Watch whether the lease stands still for 60 seconds of our own clock."""
        began = self._clock.monotonic()
        while self._clock.monotonic() - began < EXPIRE_SECONDS:
            await self._clock.sleep(_LOOK_SECONDS)
            if stopped():
                message = f"interrupted while waiting for job {self._layout.job}; nothing was changed"
                raise JobUnfinished(message)
            if await self._newest_number() != number:
                return False
        return True

    async def _newest(self) -> tuple[int, LeaseRecord | None]:
        while True:
            number = await self._newest_number()
            if not number:
                return 0, None
            record = await self._read(number)
            if record is not None:
                return number, record
            # It was superseded between listing and reading.
            await asyncio.sleep(0)

    async def _read(self, number: int) -> LeaseRecord | None:
        key = self._layout.lease(number)
        try:
            return decode(LeaseRecord, await self._storage.get(key), where=key)
        except KeyNotFound:
            return None

    async def _newest_number(self) -> int:
        newest = 0
        async for number in numbers(self._storage, self._layout.leases):
            newest = number
        return newest

    async def _numbers_below(self, number: int) -> list[int]:
        return [old async for old in numbers(self._storage, self._layout.leases) if old < number]

    def _busy(self, record: LeaseRecord | None) -> str:
        owner = f"{record.process}" if record else "another process"
        return f"job {self._layout.job} is being worked on by {owner}; wait for it, or stop it and run this again"

    def _gone(self) -> str:
        return f"another process has taken job {self._layout.job} over, so this one stops; nothing is lost"
