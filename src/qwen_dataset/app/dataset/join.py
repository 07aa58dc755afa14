"""Requests, papers and final outcomes brought together in the order of the plan, with flat memory."""

from __future__ import annotations

import asyncio
from array import array
from bisect import bisect_right
from collections.abc import AsyncGenerator, AsyncIterator

import attrs

from ...domain.jobs import JobState
from ...domain.papers import Paper
from ...domain.recipes.base import Planned
from ...errors import LedgerCorrupt
from ...ports.storage import Storage
from ..codec import StoredOutcome, damaged, decode, decode_request_id, lines_of
from ..engine.chunks import fetch_chunk
from ..engine.index import Index
from ..engine.layout import Layout, fetch
from ..engine.scratch import Spool
from ..quick import StoredCompletion, stored_completion

_BREATH = 500  # requests between two turns of the event loop


@attrs.define
class Joined:
    """A planned request with its paper (None for plain prompts) and its final outcome (None: not yet answered).

    Not frozen: one is made of each request, and that takes twice as long.
    """

    planned: Planned
    paper: Paper | None
    stored: StoredOutcome | StoredCompletion | None


async def join(storage: Storage, layout: Layout, index: Index, state: JobState) -> AsyncGenerator[Joined, None]:
    """Yield every request of the plan in order.

    Outcomes lie in segments in order of arrival, so they are spooled to the local disk first and read back by place:
    two passes over the answers, none of them in memory.
    """
    papers = _Papers(storage, layout, state.corpus_chunks)
    with _Outcomes(state.requests) as outcomes:
        await outcomes.gather(storage, index)
        expected = 0
        for chunk in range(1, state.chunks + 1):
            stored = await fetch_chunk(storage, layout, chunk)
            if expected + len(stored.lines) > state.requests:
                more = f"holds more than the {state.requests} requests that were planned"
                raise LedgerCorrupt(damaged(layout.plan, more))
            for planned in stored.planned():
                if planned.position != expected:
                    raise LedgerCorrupt(damaged(layout.requests(chunk), "is not in the order of the plan"))
                paper_id = planned.origin.paper_id
                paper = None if paper_id is None else await papers.find(paper_id)
                yield Joined(planned, paper, outcomes.at(expected))
                expected += 1
                if expected % _BREATH == 0:
                    await asyncio.sleep(0)


class _Outcomes:
    """The final outcome of each request on the local disk, and where it stands there: 12 bytes a request in memory.

    A database of the places would hold as much of them in memory, and take longer than all the reading.
    """

    def __init__(self, requests: int) -> None:
        self._spool = Spool()
        self._offsets = array("Q", [0]) * requests
        self._lengths = array("I", [0]) * requests  # 0: no outcome
        # Which segment a place in the spool was copied from: what is damaged there is only seen when it is read.
        self._begins: list[int] = []
        self._keys: list[str] = []

    def __enter__(self) -> _Outcomes:
        return self

    def __exit__(self, *_: object) -> None:
        self._spool.__exit__()

    async def gather(self, storage: Storage, index: Index) -> None:
        # In order of the events: a later outcome of the same request replaces an earlier one, and after a completion
        # there is none.
        gathered = 0
        for key, outcomes in index.segments():
            data = await fetch(storage, key)
            lines = lines_of(data)
            if len(lines) != outcomes:
                raise LedgerCorrupt(damaged(key, f"holds {len(lines)} of the {outcomes} outcomes that its event names"))
            found = index.positions([decode_request_id(line, where=key) for line in lines])
            positions = [position for position in found if position is not None]
            if len(positions) != len(found):
                raise LedgerCorrupt(damaged(key, "holds an outcome of a request that is not in the plan"))
            if len(set(positions)) != len(positions):
                raise LedgerCorrupt(damaged(key, "holds two outcomes of one request"))
            self._note(key, positions, lines)
            self._spool.append(data)
            if (gathered + outcomes) // _BREATH > gathered // _BREATH:
                await asyncio.sleep(0)
            gathered += outcomes

    def _note(self, key: str, positions: list[int], lines: list[bytes]) -> None:
        """Note where the outcomes of a segment, which the spool takes next, will stand."""
        begin, offsets, lengths = self._spool.size, self._offsets, self._lengths
        self._begins.append(begin)
        self._keys.append(key)
        for position, line in zip(positions, lines, strict=True):
            offsets[position], lengths[position] = begin, len(line)
            begin += len(line)

    def at(self, position: int) -> StoredOutcome | StoredCompletion | None:
        """Return the outcome of a request."""
        length = self._lengths[position]
        if not length:
            return None
        offset = self._offsets[position]
        line = self._spool.read(offset, length)
        # The segment's name is looked for only where it may be needed.
        return stored_completion(line) or decode(StoredOutcome, line, where=self._segment(offset))

    def _segment(self, offset: int) -> str:
        return self._keys[bisect_right(self._begins, offset) - 1]


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
            for line in lines_of(await fetch(storage, key)):
                yield decode(Paper, line, where=key)
