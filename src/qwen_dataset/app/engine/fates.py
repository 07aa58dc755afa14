"""What became of each request, in a scratch database: the tables, and how the events of a job change them."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from enum import IntEnum
from typing import Self

from ...domain.choices import RetryUnknown
from ...domain.events import (
    Event,
    PlanWritten,
    RoundOpened,
    RoundWithdrawn,
    ShardPlanned,
    Stored,
)
from ...domain.identity import sequence_id
from ...errors import LedgerCorrupt
from ...ports.storage import Storage
from ..codec import damaged
from .id_lists import decode_ids
from .layout import Layout, fetch
from .scratch import ScratchDatabase

AT_ONCE = 500  # ids in one question
IN_PART = "position BETWEEN ? AND ?"
NEVER_ASKED = "fate = 0"
UNASSIGNED = "open = 1 AND shard = 0"
_ID_DIGITS = 32
_BREATH = 2_000  # rows between two turns of the event loop


class Fate(IntEnum):
    """The latest outcome of a request."""

    UNANSWERED = 0
    COMPLETED = 1
    RETRYABLE = 2
    FAILED = 3
    UNSURE = 4  # realtime: sent, no reply
    UNKNOWN = 5  # batch: sent, no result to be had


_TABLES = (
    """CREATE TABLE requests (
    position INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, chunk INTEGER NOT NULL,
    fate INTEGER NOT NULL DEFAULT 0, open INTEGER NOT NULL DEFAULT 0, shard INTEGER NOT NULL DEFAULT 0,
    unsure INTEGER NOT NULL DEFAULT 0)""",
    f"CREATE INDEX unassigned ON requests (position) WHERE {UNASSIGNED}",
    "CREATE TABLE segments (number INTEGER PRIMARY KEY, key TEXT NOT NULL, outcomes INTEGER NOT NULL)",
    "CREATE TABLE overlaps (id BLOB NOT NULL, job TEXT NOT NULL)",
)

# Inserts the requests of a chunk in one statement, all their ids in one blob: one for each takes nearly twice as long.
_LOAD = """INSERT INTO requests (position, id, chunk)
WITH RECURSIVE places(place) AS (SELECT 0 UNION ALL SELECT place + 1 FROM places LIMIT ?)
SELECT ? + place, substr(?, 16 * place + 1, 16), ? FROM places"""


# auto: once more for a realtime call, so a second silence is final; never for a batch line.
_UNSURE_AGAIN = {
    RetryUnknown.AUTO: "OR (fate = 4 AND unsure < 2)",
    RetryUnknown.ALWAYS: "OR fate IN (4, 5)",
    RetryUnknown.NEVER: "",
}


class Fates:
    """The requests of a job with what became of them, as its events tell it. A context manager."""

    def __init__(self, storage: Storage, layout: Layout) -> None:
        self._storage = storage
        self._layout = layout
        self._db = ScratchDatabase(*_TABLES)
        self._begins = [0]  # where each chunk of the plan begins, and behind the last one where the next would

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.__exit__()

    async def apply(self, event: Event) -> None:
        """Count an event; called by the ledger for each one that counts, in order."""
        match event:
            case PlanWritten():
                await self._load_requests(event)
            case RoundOpened():
                await self._open(event)
            case RoundWithdrawn():
                async for part in self._parts():
                    self._db.execute(f"UPDATE requests SET open = 0 WHERE open = 1 AND {IN_PART}", part)
            case ShardPlanned():
                await self._assign(event, await self._shard_ids(event))
            case Stored():
                self._store(event)
            case _:
                pass

    async def _load_requests(self, event: PlanWritten) -> None:
        position = 0
        for chunk in range(1, event.chunks + 1):
            key = self._layout.request_ids(chunk)
            ids = decode_ids(await fetch(self._storage, key), where=key)
            try:
                self._db.execute(_LOAD, (len(ids), position, bytes.fromhex("".join(ids)), chunk))
            except sqlite3.IntegrityError:
                raise LedgerCorrupt(damaged(key, "holds a request twice")) from None
            position += len(ids)
            self._begins.append(position)
        if position != event.requests:
            plan = self._layout.plan
            raise LedgerCorrupt(damaged(plan, f"holds {position} of the {event.requests} requests that were planned"))

    async def _parts(self, chunks: range | None = None) -> AsyncIterator[tuple[int, int]]:
        """Yield the first and the last position of each part of the plan, with a turn of the loop in between.

        ``chunks``: of these alone, by their numbers, which count from 1.
        """
        begins = self._begins if chunks is None else self._begins[chunks.start - 1 : chunks.stop]
        for first in range(begins[0], begins[-1], _BREATH):
            if first > begins[0]:
                await asyncio.sleep(0)
            yield first, min(first + _BREATH, begins[-1]) - 1

    async def _open(self, event: RoundOpened) -> None:
        wanted = NEVER_ASKED if event.fresh else may_be_asked(event.retry_unknown)
        select = f"SELECT position FROM requests WHERE {IN_PART} AND {wanted} ORDER BY position LIMIT ?"
        # The first ones, in order of the plan: all of them but in a pilot.
        left = event.pending if event.pilot else -1
        async for part in self._parts():
            self._db.execute(f"UPDATE requests SET shard = 0 WHERE shard <> 0 AND {IN_PART}", part)
            found = self._db.execute(f"UPDATE requests SET open = 1 WHERE position IN ({select})", (*part, left))
            if event.pilot:
                left -= found.rowcount

    async def _shard_ids(self, event: ShardPlanned) -> list[str]:
        """Return the ids of a shard. One that was left out would be bought again, so they are checked by its key."""
        key = self._layout.shard_ids(event.shard, event.key)
        ids = decode_ids(await fetch(self._storage, key), where=key)
        if event.key.rpartition("/")[2] != sequence_id(ids):
            raise LedgerCorrupt(damaged(key, f"holds {len(ids)} ids that are not the {event.requests} of its shard"))
        return ids

    async def _assign(self, event: ShardPlanned, ids: list[str]) -> None:
        """Note that these requests stand in a shard: nearly always the next ones that are open."""
        first, last = event.first_chunk, event.last_chunk
        if not 1 <= first <= last < len(self._begins):
            raise self._misplaced(event)
        bounds = (self._begins[first - 1], self._begins[last] - 1)
        update = f"UPDATE requests SET shard = ? WHERE {UNASSIGNED} AND {IN_PART}"
        for begin in range(0, len(ids), _BREATH):
            if begin:
                # A submission may have fifty thousand of them, and the loop has other things to do.
                await asyncio.sleep(0)
            part = ids[begin : begin + _BREATH]
            if (ends := self._ends(part, bounds, UNASSIGNED)) is not None:
                self._db.execute(update, (event.shard, *ends))
                continue
            rows = ((event.shard, bytes.fromhex(ident), *bounds) for ident in part)
            one_by_one = f"UPDATE requests SET shard = ? WHERE id = ? AND {IN_PART}"
            if self._db.executemany(one_by_one, rows) != len(part):
                raise self._misplaced(event)

    def _misplaced(self, event: ShardPlanned) -> LedgerCorrupt:
        """Return the error for a shard that would be looked for where its requests are not."""
        what = f"does not have the requests of shard {event.shard} in the chunks that its event names"
        return LedgerCorrupt(damaged(self._layout.plan, what))

    def _store(self, event: Stored) -> None:
        self._db.execute("INSERT INTO segments (key, outcomes) VALUES (?, ?)", (event.segment, event.answered))
        lists = {
            Fate.COMPLETED: event.completed,
            Fate.RETRYABLE: event.retryable,
            Fate.FAILED: event.failed,
            Fate.UNSURE: event.unsure,
            Fate.UNKNOWN: event.unknown,
        }
        for fate, ids in lists.items():
            for begin in range(0, len(ids), AT_ONCE):
                self._settle(fate, ids[begin : begin + AT_ONCE])

    def _settle(self, fate: Fate, ids: tuple[str, ...]) -> None:
        settled = "fate = ?, open = 0, unsure = unsure + ?"
        values = (fate.value, int(fate is Fate.UNSURE))
        query = "SELECT position FROM requests WHERE id IN (?, ?) ORDER BY position"
        outer = [place for (place,) in self._db.execute(query, (bytes.fromhex(ids[0]), bytes.fromhex(ids[-1])))]
        span = outer[-1] - outer[0] + 1 if outer else 0
        # Outcomes often come in order of the plan, and to look up each by its id takes several times as long.
        part = self._ends(ids, (outer[0], outer[-1])) if span == len(ids) else None
        if part is not None:
            self._db.execute(f"UPDATE requests SET {settled} WHERE {IN_PART}", (*values, *part))
            return
        keys = [bytes.fromhex(each) for each in ids]
        positions = self._among(keys, (outer[0], outer[-1])) if len(ids) <= span < 2 * len(ids) else None
        where = f"id IN ({marks(keys)})" if positions is None else f"position IN ({marks(positions)})"
        self._db.execute(f"UPDATE requests SET {settled} WHERE {where}", (*values, *(positions or keys)))

    def _among(self, ids: list[bytes], part: tuple[int, int]) -> list[int] | None:
        """Return the positions of ids that all stand in a part of the plan, None for any others."""
        known = dict(self._db.execute(f"SELECT id, position FROM requests WHERE {IN_PART}", part).fetchall())
        positions = [known[ident] for ident in ids if ident in known]
        return positions if len(positions) == len(ids) else None

    def _ends(self, ids: Sequence[str], part: tuple[int, int], where: str = "1") -> tuple[int, int] | None:
        """Return the first and the last position of the first ``len(ids)`` requests of a part that meet ``where``.

        None where their ids are not exactly these. One row for thousands of ids takes a fraction of the time of a row
        for each. If SQLite puts them together in another order, which it may, the answer is None as well.
        """
        inner = f"SELECT position, id FROM requests WHERE {where} AND {IN_PART} ORDER BY position LIMIT ?"
        query = f"SELECT min(position), max(position), lower(group_concat(hex(id), '')) FROM ({inner})"
        first, last, listed = self._db.execute(query, (*part, len(ids))).fetchone()
        # Of ids of one length only, as ours are, it is certain where one ends.
        return (first, last) if listed == "".join(ids) and {*map(len, ids)} == {_ID_DIGITS} else None

    def _count(self, query: str) -> int:
        return int(self._db.execute(query).fetchone()[0])


def marks(values: Sequence[object]) -> str:
    """Return as many parameters of a statement as there are values."""
    return ",".join("?" * len(values))


def may_be_asked(retry_unknown: RetryUnknown) -> str:
    """Return the condition of a request that a new round would ask."""
    return f"(fate IN (0, 2) {_UNSURE_AGAIN[retry_unknown]})"
