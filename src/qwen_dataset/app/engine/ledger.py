"""The job's events over Storage: appended once each, in one order, by one owner."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from ...domain.events import Event, Finished, Opened, RoundOpened, Stopped
from ...domain.jobs import JobState
from ...domain.lifecycle import advance
from ...errors import KeyExists, LedgerCorrupt
from ...ports.storage import Storage
from ..codec import FORMAT, Envelope, damaged, decode, encode
from .layout import Layout, fetch, numbers
from .lease import Lease

_log = logging.getLogger(__name__)

Listener = Callable[[Event], Awaitable[None]]


class Ledger:
    """Reads and appends events, and keeps the state they add up to.

    An event's number is its key, so two writers clash instead of overwriting each other. Between an ``Opened`` and the
    next one, only events with the nonce of the first count: a stale owner's late write is read, refused and logged.

    ``first_at`` and ``last_at`` are the times of the first and the last event, ``ended_at`` is when the job came to
    rest; in seconds since 1970, 0 where there is none. Whoever opens a job that rests moves ``last_at`` only.
    """

    def __init__(self, storage: Storage, layout: Layout, *, listener: Listener | None = None) -> None:
        self.state = JobState()
        self.first_at = self.last_at = self.ended_at = 0.0
        self._storage = storage
        self._layout = layout
        self._listener = listener
        self._last = 0
        self._serial = 0
        self._lease: Lease | None = None
        self._now: Callable[[], float] = float
        self._appending = asyncio.Lock()

    async def load(self) -> None:
        """Read every event stored since the last ``load``. Raises LedgerCorrupt on a gap or an unreadable event."""
        async for number in numbers(self._storage, self._layout.events):
            if number <= self._last:
                continue
            await self._take(number, await self._read(number))

    def own(self, lease: Lease, now: Callable[[], float]) -> None:
        """Write with this lease from now on; ``now`` gives the time to note, in seconds since 1970."""
        self._lease, self._now = lease, now

    async def append(self, event: Event) -> None:
        """Make an event durable and count it.

        Raises LeaseLost when another owner has written; LedgerCorrupt when the event cannot follow (nothing is written
        then).
        """
        async with self._appending:
            await self._append(event)

    async def _append(self, event: Event) -> None:
        assert self._lease is not None, "only an owner appends"
        self._serial += 1
        envelope = Envelope(nonce=self._lease.nonce, serial=self._serial, at=self._now(), event=event)
        data = encode(envelope)
        while True:
            advance(self.state, event)
            number = self._last + 1
            try:
                await self._storage.put(self._layout.event(number), data, if_absent=True)
            except KeyExists:
                found = await self._read(number)
                if (found.nonce, found.serial) != (envelope.nonce, envelope.serial):
                    # Another writer's event: what it says counts, and whether we may go on the lease decides.
                    await self._take(number, found)
                    await self._lease.verify()
                    continue
            await self._take(number, envelope)
            return

    async def _take(self, number: int, envelope: Envelope) -> None:
        if number != self._last + 1:
            raise LedgerCorrupt(damaged(self._layout.event(self._last + 1), "is missing"))
        self._last = number
        self.first_at = self.first_at or envelope.at
        self.last_at = envelope.at
        event = envelope.event
        if not isinstance(event, Opened) and envelope.nonce != self.state.owner:
            _log.warning(
                "event %d of job %s was written by a former owner and does not count", number, self._layout.job
            )
            return
        self.state = advance(self.state, event)
        match event:
            case Finished() | Stopped():
                self.ended_at = envelope.at
            case RoundOpened():
                self.ended_at = 0.0
        if self._listener is not None:
            await self._listener(event)

    async def _read(self, number: int) -> Envelope:
        key = self._layout.event(number)
        envelope = decode(Envelope, await fetch(self._storage, key), where=key)
        if envelope.format > FORMAT:
            message = f"{key} was written by a newer version of qwen-dataset; upgrade to read it"
            raise LedgerCorrupt(message)
        return envelope
