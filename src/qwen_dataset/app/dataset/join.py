"""Requests, papers and final outcomes brought together in the order of the plan, with flat memory."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import AsyncGenerator, AsyncIterator

import attrs

from ...domain.jobs import JobState
from ...domain.papers import Paper
from ...domain.recipes.base import Planned
from ...errors import LedgerCorrupt
from ...ports.storage import Storage
from ..codec import StoredOutcome, damaged, decode, decode_request_id
from ..engine.index import Index
from ..engine.layout import Layout, fetch
from ..engine.scratch import ScratchDatabase, Spool
from ..engine.shards import fetch_chunk


@attrs.frozen(kw_only=True)
class Joined:
    """A planned request with its paper (None for plain prompts) and its final outcome (None: not yet answered)."""

    planned: Planned
    paper: Paper | None
    stored: StoredOutcome | None


async def join(storage: Storage, layout: Layout, index: Index, state: JobState) -> AsyncGenerator[Joined, None]:
    """Yield every request of the plan in order.

    Outcomes lie in segments in order of arrival, so they are spooled to the local disk first and read back by place:
    two passes over the answers, none of them in memory.
    """
    papers = _Papers(storage, layout, state.corpus_chunks)
    with _Outcomes() as outcomes:
        await outcomes.gather(storage, index)
        expected = 0
        for chunk in range(1, state.chunks + 1):
            for planned in (await fetch_chunk(storage, layout, chunk)).planned():
                if planned.position != expected:
                    raise LedgerCorrupt(damaged(layout.requests(chunk), "is not in the order of the plan"))
                expected += 1
                paper = None if planned.origin.paper_id is None else await papers.find(planned.origin.paper_id)
                yield Joined(planned=planned, paper=paper, stored=outcomes.at(planned.position))


class _Outcomes:
    """The final outcome of each request, on the local disk."""

    def __init__(self) -> None:
        self._spool = Spool()
        self._db = ScratchDatabase("CREATE TABLE places (position INTEGER PRIMARY KEY, offset INTEGER, length INTEGER)")
        self._next: tuple[int, int, int] | None = None
        # Which segment a place in the spool was copied from: what is damaged there is only seen when it is read.
        self._begins: list[int] = []
        self._keys: list[str] = []

    def __enter__(self) -> _Outcomes:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.__exit__()
        self._spool.__exit__()

    async def gather(self, storage: Storage, index: Index) -> None:
        # In order of the events: a later outcome of the same request replaces an earlier one, and after a completion
        # there is none.
        for key, outcomes in index.segments():
            lines = (await fetch(storage, key)).splitlines(keepends=True)
            if len(lines) != outcomes:
                raise LedgerCorrupt(damaged(key, f"holds {len(lines)} of the {outcomes} outcomes that its event names"))
            positions = index.positions([decode_request_id(line, where=key) for line in lines])
            if None in positions:
                raise LedgerCorrupt(damaged(key, "holds an outcome of a request that is not in the plan"))
            if len(set(positions)) != len(positions):
                raise LedgerCorrupt(damaged(key, "holds two outcomes of one request"))
            self._begins.append(self._spool.size)
            self._keys.append(key)
            places = map(self._spool.append, lines)
            rows = ((position, *place) for position, place in zip(positions, places, strict=True))
            self._db.executemany("INSERT OR REPLACE INTO places VALUES (?, ?, ?)", rows)
        self._rows = self._db.execute("SELECT position, offset, length FROM places ORDER BY position")
        self._next = self._rows.fetchone()

    def at(self, position: int) -> StoredOutcome | None:
        """Return the outcome of a request; each one is asked for after those before it."""
        if self._next is None or self._next[0] != position:
            return None
        _, offset, length = self._next
        self._next = self._rows.fetchone()
        segment = self._keys[bisect_right(self._begins, offset) - 1]
        return decode(StoredOutcome, self._spool.read(offset, length), where=segment)


class _Papers:
    """The stored papers, read once in their order: the plan asks for them in the same order."""

    def __init__(self, storage: Storage, layout: Layout, chunks: int) -> None:
        self._layout = layout
        self._papers = self._read(storage, layout, chunks)
        self._current: Paper | None = None

    async def find(self, paper_id: str) -> Paper:
        while self._current is None or self._current.id != paper_id:
            try:
                self._current = await anext(self._papers)
            except StopAsyncIteration:
                raise LedgerCorrupt(damaged(self._layout.corpora, f"lacks paper {paper_id}")) from None
        return self._current

    @staticmethod
    async def _read(storage: Storage, layout: Layout, chunks: int) -> AsyncIterator[Paper]:
        for chunk in range(1, chunks + 1):
            key = layout.corpus(chunk)
            for line in (await fetch(storage, key)).splitlines():
                yield decode(Paper, line, where=key)
