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
BREATH = 2_000  # rows between two turns of the event loop


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
    "CREATE INDEX open_requests ON requests (shard, position) WHERE open = 1",
    "CREATE TABLE segments (number INTEGER PRIMARY KEY, key TEXT NOT NULL, outcomes INTEGER NOT NULL)",
    "CREATE TABLE overlaps (id BLOB NOT NULL, job TEXT NOT NULL)",
)


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
            ids = map(bytes.fromhex, decode_ids(await fetch(self._storage, key), where=key))
            rows = [(position + offset, ident, chunk) for offset, ident in enumerate(ids)]
            try:
                self._db.executemany("INSERT INTO requests (position, id, chunk) VALUES (?, ?, ?)", rows)
            except sqlite3.IntegrityError:
                raise LedgerCorrupt(damaged(key, "holds a request twice")) from None
            position += len(rows)
        if position != event.requests:
            plan = self._layout.plan
            raise LedgerCorrupt(damaged(plan, f"holds {position} of the {event.requests} requests that were planned"))

    async def _parts(self) -> AsyncIterator[tuple[int, int]]:
        """Yield the first and the last position of each part of the plan, with a turn of the loop in between."""
        count = self._count("SELECT coalesce(max(position) + 1, 0) FROM requests")
        for begin in range(0, count, BREATH):
            if begin:
                await asyncio.sleep(0)
            yield begin, begin + BREATH - 1

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
        chunks = (event.first_chunk, event.last_chunk)
        free = "open = 1 AND shard = 0 AND chunk BETWEEN ? AND ?"
        query = f"SELECT position, id FROM requests WHERE {free} ORDER BY position LIMIT ?"
        update = f"UPDATE requests SET shard = ? WHERE {free} AND position BETWEEN ? AND ?"
        for begin in range(0, len(ids), BREATH):
            if begin:
                # A submission may have fifty thousand of them, and the loop has other things to do.
                await asyncio.sleep(0)
            part = [bytes.fromhex(ident) for ident in ids[begin : begin + BREATH]]
            rows = self._db.execute(query, (*chunks, len(part))).fetchall()
            if [ident for _, ident in rows] == part:
                self._db.execute(update, (event.shard, *chunks, rows[0][0], rows[-1][0]))
            else:
                self._db.executemany("UPDATE requests SET shard = ? WHERE id = ?", ((event.shard, i) for i in part))

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
                self._settle(fate, [bytes.fromhex(each) for each in ids[begin : begin + AT_ONCE]])

    def _settle(self, fate: Fate, ids: list[bytes]) -> None:
        positions = self._neighbouring(ids)
        where = f"id IN ({marks(ids)})" if positions is None else f"position IN ({marks(positions)})"
        update = f"UPDATE requests SET fate = ?, open = 0, unsure = unsure + ? WHERE {where}"
        self._db.execute(update, (fate.value, int(fate is Fate.UNSURE), *(positions or ids)))

    def _neighbouring(self, ids: list[bytes]) -> list[int] | None:
        """Return the positions of ids that stand close together in the plan, None for any others.

        Outcomes often come in order of the plan, and to look up each by its id takes twice as long.
        """
        rows = self._db.execute("SELECT position FROM requests WHERE id IN (?, ?) ORDER BY position", (ids[0], ids[-1]))
        ends = [position for (position,) in rows]
        if len(ends) < 2 or ends[1] - ends[0] >= 2 * len(ids):
            return None
        known = dict(self._db.execute(f"SELECT id, position FROM requests WHERE {IN_PART}", tuple(ends)).fetchall())
        positions = [known[ident] for ident in ids if ident in known]
        return positions if len(positions) == len(ids) else None

    def _count(self, query: str) -> int:
        return int(self._db.execute(query).fetchone()[0])


def marks(values: Sequence[object]) -> str:
    """Return as many parameters of a statement as there are values."""
    return ",".join("?" * len(values))


def may_be_asked(retry_unknown: RetryUnknown) -> str:
    """Return the condition of a request that a new round would ask."""
    return f"(fate IN (0, 2) {_UNSURE_AGAIN[retry_unknown]})"
