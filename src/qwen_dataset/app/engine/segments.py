"""Outcomes become durable: buffered, written as an immutable segment, and named by an event."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from decimal import Decimal

import attrs

from ...domain.events import Stored
from ...domain.inference import Completion, Failure, FailureKind, Outcome
from ...ports.inference import Limits
from ..codec import encode_outcome
from .budget import Account
from .fates import Fate
from .job import Job

_Ids = list[list[str]]
"""The ids of each fate, at its number: a dict would ask for the hash of a fate, which is not written in C."""


def _fate_of(failure: Failure) -> Fate:
    """Return what a failure means for its request."""
    if failure.kind is FailureKind.UNKNOWN:
        return Fate.UNSURE if failure.retryable else Fate.UNKNOWN
    return Fate.RETRYABLE if failure.retryable else Fate.FAILED


class SegmentWriter:
    """Gathers outcomes of one source and saves them within the bounds that ``limits`` sets.

    ``source`` is the job that paid, when outcomes are copied from another job. ``account`` reckons what those of a
    shard cost; outcomes without one cost nothing.
    """

    def __init__(self, job: Job, limits: Limits, *, source: str | None = None, account: Account | None = None) -> None:
        self._job = job
        self._limits = limits
        self._source = source
        self._account = account
        self._saving = asyncio.Lock()
        self._under_way = (0, 0)  # outcomes and bytes
        self._clear()

    def add(self, outcome: Outcome, *, backend: str) -> bool:
        """Take an outcome; return whether it is time to ``save``."""
        lines, under_way, limits = self._lines, self._under_way, self._limits
        line = encode_outcome(outcome, backend=backend, round_number=self._job.state.round, source=self._source)
        lines.append(line)
        self._bytes += len(line)
        if isinstance(outcome, Completion):
            self._ids[Fate.COMPLETED].append(outcome.request_id)
        else:
            self._ids[_fate_of(outcome)].append(outcome.request_id)
            if outcome.kind is FailureKind.CANCELLED:
                self._cancelled = True
        if self._account is not None:
            self._account.note(outcome)
        # What is being saved at this moment is not durable either.
        full = len(lines) + under_way[0] >= limits.segment_outcomes
        return full or self._bytes + under_way[1] >= limits.segment_bytes

    async def save(self) -> None:
        """Make durable what is there. Raises LeaseLost when another process has the job."""
        async with self._saving:
            if not self._lines:
                return
            lines, ids, cancelled = self._lines, self._ids, self._cancelled
            self._under_way = (len(lines), self._bytes)
            self._clear()
            try:
                await self._write(lines, ids, cancelled=cancelled)
            finally:
                self._under_way = (0, 0)

    async def keep_saving(self, look: Callable[[], Awaitable[None]]) -> None:
        """Save every ``segment_seconds`` until cancelled, however slowly outcomes come, and ``look`` around each time.

        Slow calls may never fill a segment, so what ``look`` notices cannot wait for a full one.
        """
        while True:
            await self._job.clock.sleep(self._limits.segment_seconds)
            await self.save()
            await look()

    async def _write(self, lines: list[bytes], ids: _Ids, *, cancelled: bool) -> None:
        job, account = self._job, self._account
        key = job.layout.segment(job.lease.nonce, job.next_segment())
        taken = (Decimal(0), []) if account is None else account.take()
        try:
            charged = None if account is None else await account.total(taken)
            await job.storage.put(key, b"".join(lines))
        except BaseException:
            # Paid for and not safe yet: it waits for the next save. What no event names does not count.
            self._take_back(lines, ids, cancelled=cancelled)
            if account is not None:
                account.give_back(taken)
            raise
        await job.ledger.append(
            Stored(
                segment=key,
                completed=tuple(ids[Fate.COMPLETED]),
                retryable=tuple(ids[Fate.RETRYABLE]),
                failed=tuple(ids[Fate.FAILED]),
                unsure=tuple(ids[Fate.UNSURE]),
                unknown=tuple(ids[Fate.UNKNOWN]),
                source=self._source,
                cancelled=cancelled,
                shard=None if account is None else account.shard,
                charged=charged,
            )
        )

    def _take_back(self, lines: list[bytes], ids: _Ids, *, cancelled: bool) -> None:
        self._lines[:0] = lines
        self._bytes += sum(map(len, lines))
        for fate, told in enumerate(ids):
            self._ids[fate][:0] = told
        self._cancelled = self._cancelled or cancelled

    def _clear(self) -> None:
        self._lines: list[bytes] = []
        self._bytes = 0
        self._ids: _Ids = [[] for _ in Fate]
        self._cancelled = False


@attrs.frozen
class Failing:
    """What a number of requests failed of together."""

    kind: FailureKind
    message: str
    retryable: bool


async def store_failures(
    job: Job,
    limits: Limits,
    ids: Iterable[str],
    failing: Failing,
    *,
    backend: str,
    source: str | None = None,
    account: Account | None = None,
) -> None:
    """Make the same failure the outcome of each of these requests.

    ``source`` is the job it was taken over from; ``account`` that of the shard in which they may have been paid.
    """
    writer = SegmentWriter(job, limits, source=source, account=account)
    for ident in ids:
        failure = Failure(request_id=ident, kind=failing.kind, message=failing.message, retryable=failing.retryable)
        if writer.add(failure, backend=backend):
            await writer.save()
    await writer.save()
