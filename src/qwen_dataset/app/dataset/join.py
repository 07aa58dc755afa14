"""Requests, papers and final outcomes brought together in the order of the plan, with flat memory."""

from __future__ import annotations

from collections.abc import AsyncIterator

import attrs

from ...domain.papers import Paper
from ...domain.recipes.base import Planned
from ...errors import LedgerCorrupt
from ...ports.storage import Storage
from ..codec import StoredOutcome, decode
from ..engine.index import Index
from ..engine.layout import Layout
from ..engine.scratch import Spool, scratch_database
from ..engine.shards import read_chunk


@attrs.frozen(kw_only=True)
class Joined:
    """A planned request with its paper (None for plain prompts) and its final outcome (None: not yet answered)."""

    planned: Planned
    paper: Paper | None
    stored: StoredOutcome | None


async def join(storage: Storage, layout: Layout, index: Index, *, chunks: int) -> AsyncIterator[Joined]:
    """Yield every request of the plan in order.

    Outcomes lie in segments in order of arrival, so they are spooled to the local disk first and read back by place:
    two passes over the answers, none of them in memory.
    """
    papers = _Papers(storage, layout)
    with _Outcomes() as outcomes:
        await outcomes.gather(storage, index)
        for chunk in range(1, chunks + 1):
            async for planned, _ in read_chunk(storage, layout, chunk):
                paper = None if planned.origin.paper_id is None else await papers.find(planned.origin.paper_id)
                yield Joined(planned=planned, paper=paper, stored=outcomes.at(planned.position))


class _Outcomes:
    """The final outcome of each request, on the local disk."""

    def __init__(self) -> None:
        self._spool = Spool()
        self._db = scratch_database()
        self._db.execute("CREATE TABLE places (position INTEGER PRIMARY KEY, offset INTEGER, length INTEGER)")

    def __enter__(self) -> _Outcomes:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()
        self._spool.__exit__()

    async def gather(self, storage: Storage, index: Index) -> None:
        # In order of the events: a later outcome of the same request replaces an earlier one, and after a completion
        # there is none.
        for key, _ in index.segments():
            rows = []
            for line in (await storage.get(key)).splitlines(keepends=True):
                stored = decode(StoredOutcome, line, where=key)
                position = index.position(stored.outcome.request_id)
                if position is None:
                    message = f"{key} holds an outcome of a request that is not in the plan"
                    raise LedgerCorrupt(message)
                rows.append((position, *self._spool.append(line)))
            self._db.executemany("INSERT OR REPLACE INTO places VALUES (?, ?, ?)", rows)

    def at(self, position: int) -> StoredOutcome | None:
        row = self._db.execute("SELECT offset, length FROM places WHERE position = ?", (position,)).fetchone()
        if row is None:
            return None
        return decode(StoredOutcome, self._spool.read(*row), where="an outcome on the local disk")


class _Papers:
    """The stored papers, read once in their order: the plan asks for them in the same order."""

    def __init__(self, storage: Storage, layout: Layout) -> None:
        self._papers = self._read(storage, layout)
        self._current: Paper | None = None

    async def find(self, paper_id: str) -> Paper:
        while self._current is None or self._current.id != paper_id:
            try:
                self._current = await anext(self._papers)
            except StopAsyncIteration:
                message = f"the stored corpus has no paper {paper_id} where the plan has it"
                raise LedgerCorrupt(message) from None
        return self._current

    @staticmethod
    async def _read(storage: Storage, layout: Layout) -> AsyncIterator[Paper]:
        async for key in storage.keys(layout.corpora):
            for line in (await storage.get(key)).splitlines():
                yield decode(Paper, line, where=key)
