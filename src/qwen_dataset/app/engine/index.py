"""Which request has which outcome: a scratch database made from the events, never a source of truth."""

from __future__ import annotations

import asyncio
import itertools
import operator
import sqlite3
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from enum import IntEnum
from typing import Self

import attrs

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
from ..codec import damaged, decode_ids
from .layout import Layout, fetch
from .scratch import ScratchDatabase


class Fate(IntEnum):
    """The latest outcome of a request."""

    UNANSWERED = 0
    COMPLETED = 1
    RETRYABLE = 2
    FAILED = 3
    UNSURE = 4  # realtime: sent, no reply
    UNKNOWN = 5  # batch: sent, no result to be had


@attrs.define(kw_only=True)
class Place:
    """Where a request stands in the plan. Not frozen: one is made of each request, and that takes twice as long."""

    position: int
    chunk: int
    id: str


_TABLES = (
    """CREATE TABLE requests (
    position INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, chunk INTEGER NOT NULL,
    fate INTEGER NOT NULL DEFAULT 0, open INTEGER NOT NULL DEFAULT 0, shard INTEGER NOT NULL DEFAULT 0,
    unsure INTEGER NOT NULL DEFAULT 0)""",
    "CREATE INDEX open_requests ON requests (shard, position) WHERE open = 1",
    "CREATE TABLE segments (number INTEGER PRIMARY KEY, key TEXT NOT NULL, outcomes INTEGER NOT NULL)",
    "CREATE TABLE overlaps (id BLOB NOT NULL, job TEXT NOT NULL)",
)

_AT_ONCE = 500  # ids in one question
_BREATH = 2_000  # rows between two turns of the event loop
_LARGE_CHUNK = 500  # rows after which the loop gets a turn while a plan is loaded
_IN_PART = "position BETWEEN ? AND ?"
_NEVER_ASKED = "fate = 0"

# auto: once more for a realtime call, so a second silence is final; never for a batch line.
_UNSURE_AGAIN = {
    RetryUnknown.AUTO: "OR (fate = 4 AND unsure < 2)",
    RetryUnknown.ALWAYS: "OR fate IN (4, 5)",
    RetryUnknown.NEVER: "",
}


class Index:
    """Answers "which requests are open" without holding a million ids in memory."""

    def __init__(self, storage: Storage, layout: Layout) -> None:
        self._storage = storage
        self._layout = layout
        self._db = ScratchDatabase(*_TABLES)
        self._behind = 0  # the place behind those that were asked for last

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
                    self._db.execute(f"UPDATE requests SET open = 0 WHERE open = 1 AND {_IN_PART}", part)
            case ShardPlanned():
                await self._assign(event, await self._shard_ids(event))
            case Stored():
                self._store(event)
            case _:
                pass

    def never_asked(self) -> int:
        """Count the requests that never had an outcome."""
        return self._count(f"SELECT count(*) FROM requests WHERE {_NEVER_ASKED}")

    def to_ask(self, retry_unknown: RetryUnknown) -> int:
        """Count the requests that a new round would ask."""
        return self._count(f"SELECT count(*) FROM requests WHERE {_may_be_asked(retry_unknown)}")

    def unassigned(self) -> Iterator[Place]:
        """Yield the open requests that stand in no shard, in order of the plan."""
        for rows in self._unassigned():
            for position, chunk, ident in rows:
                yield Place(position=position, chunk=chunk, id=ident.hex())

    def unassigned_ids(self) -> Iterator[tuple[int, list[str]]]:
        """Yield the ids of ``unassigned``, some of one chunk at a time, each time with the chunk's number."""
        for rows in self._unassigned():
            for number, some in itertools.groupby(rows, key=operator.itemgetter(1)):
                yield number, [ident.hex() for _, _, ident in some]

    def _unassigned(self) -> Iterator[list[tuple[int, int, bytes]]]:
        """Yield the rows of ``unassigned`` page by page, because the caller assigns shards meanwhile."""
        position = -1
        query = (
            "SELECT position, chunk, id FROM requests"
            " WHERE open = 1 AND shard = 0 AND position > ? ORDER BY position LIMIT 1000"
        )
        while rows := self._db.execute(query, (position,)).fetchall():
            yield rows
            position = rows[-1][0]

    def remaining(self, shard: int) -> set[str]:
        """Return the ids of a shard that have no outcome of this round: at most a submission's worth."""
        rows = self._db.execute("SELECT id FROM requests WHERE open = 1 AND shard = ?", (shard,))
        return {ident.hex() for (ident,) in rows}

    def members(self, shard: int) -> set[str]:
        """Return all ids of a shard of this round."""
        return {ident.hex() for (ident,) in self._db.execute("SELECT id FROM requests WHERE shard = ?", (shard,))}

    def open_among(self, ids: Iterable[str]) -> list[str]:
        """Return those of the ids that are open here, in the order given."""
        query = "SELECT 1 FROM requests WHERE id = ? AND open = 1"
        return [i for i in ids if self._db.execute(query, (bytes.fromhex(i),)).fetchone()]

    def open_ids(self) -> Iterator[str]:
        """Yield the open ids; nothing may be stored meanwhile."""
        for (ident,) in self._db.execute("SELECT id FROM requests WHERE open = 1 ORDER BY position"):
            yield ident.hex()

    def unknown_ids(self) -> Iterator[str]:
        """Yield the ids that were sent and for which no result is to be had."""
        for (ident,) in self._db.execute("SELECT id FROM requests WHERE fate = 5 ORDER BY position"):
            yield ident.hex()

    def positions(self, request_ids: Sequence[str]) -> list[int | None]:
        """Return the place of each of many requests in the plan, None for ids that are not in it."""
        keys = [_key(each) for each in request_ids]
        # Nearly always those behind the last ones, and a row of a range takes a third of the time of one that is named.
        range_behind = (self._behind, self._behind + len(keys) - 1)
        found: dict[bytes, int] = dict(
            self._db.execute(f"SELECT id, position FROM requests WHERE {_IN_PART}", range_behind)
        )
        others = [key for key in keys if key not in found]
        for begin in range(0, len(others), _AT_ONCE):
            part = others[begin : begin + _AT_ONCE]
            found.update(
                self._db.execute(f"SELECT id, position FROM requests WHERE id IN ({_marks(part)})", tuple(part))
            )
        positions = [found.get(key) for key in keys]
        self._behind = 1 + max((each for each in positions if each is not None), default=-1)
        return positions

    def segments(self) -> Iterator[tuple[str, int]]:
        """Yield the keys of the segments in order, each with the number of outcomes that its event names."""
        yield from self._db.execute("SELECT key, outcomes FROM segments ORDER BY number")

    def counts(self) -> dict[Fate, int]:
        """Return how many requests have which fate."""
        rows = self._db.execute("SELECT fate, count(*) FROM requests GROUP BY fate")
        return {Fate(fate): count for fate, count in rows}

    def forget_overlaps(self) -> None:
        """Begin a new look at the other jobs."""
        self._db.execute("DELETE FROM overlaps")

    def note_overlaps(self, job: str, ids: Sequence[str]) -> None:
        """Note that another job has these ids under way."""
        self._db.executemany("INSERT INTO overlaps VALUES (?, ?)", ((bytes.fromhex(i), job) for i in ids))

    def overlaps(self) -> dict[str, int]:
        """Return the other jobs that have requests under way that are still open here, with how many."""
        query = (
            "SELECT o.job, count(*) FROM overlaps o JOIN requests r ON r.id = o.id WHERE r.open = 1"
            " GROUP BY o.job ORDER BY o.job"
        )
        return dict(self._db.execute(query).fetchall())

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
            if len(rows) >= _LARGE_CHUNK:
                # Files are read without a turn of the loop, and a plan may have a million requests.
                await asyncio.sleep(0)
            position += len(rows)
        if position != event.requests:
            plan = self._layout.plan
            raise LedgerCorrupt(damaged(plan, f"holds {position} of the {event.requests} requests that were planned"))

    async def _parts(self) -> AsyncIterator[tuple[int, int]]:
        """Yield the first and the last position of each part of the plan, with a turn of the loop in between."""
        count = self._count("SELECT coalesce(max(position) + 1, 0) FROM requests")
        for begin in range(0, count, _BREATH):
            if begin:
                await asyncio.sleep(0)
            yield begin, begin + _BREATH - 1

    async def _open(self, event: RoundOpened) -> None:
        wanted = _NEVER_ASKED if event.fresh else _may_be_asked(event.retry_unknown)
        select = f"SELECT position FROM requests WHERE {_IN_PART} AND {wanted} ORDER BY position LIMIT ?"
        # The first ones, in order of the plan: all of them but in a pilot.
        left = event.pending if event.pilot else -1
        async for part in self._parts():
            self._db.execute(f"UPDATE requests SET shard = 0 WHERE shard <> 0 AND {_IN_PART}", part)
            found = self._db.execute(f"UPDATE requests SET open = 1 WHERE position IN ({select})", (*part, left))
            if event.pilot:
                left -= found.rowcount

    async def _shard_ids(self, event: ShardPlanned) -> list[bytes]:
        """Return the ids of a shard. One that was left out would be bought again, so they are checked by its key."""
        key = self._layout.shard_ids(event.shard, event.key)
        ids = decode_ids(await fetch(self._storage, key), where=key)
        if event.key.rpartition("/")[2] != sequence_id(ids):
            raise LedgerCorrupt(damaged(key, f"holds {len(ids)} ids that are not the {event.requests} of its shard"))
        return [bytes.fromhex(ident) for ident in ids]

    async def _assign(self, event: ShardPlanned, ids: list[bytes]) -> None:
        """Note that these requests stand in a shard: nearly always the next ones that are open."""
        chunks = (event.first_chunk, event.last_chunk)
        free = "open = 1 AND shard = 0 AND chunk BETWEEN ? AND ?"
        query = f"SELECT position, id FROM requests WHERE {free} ORDER BY position LIMIT ?"
        update = f"UPDATE requests SET shard = ? WHERE {free} AND position BETWEEN ? AND ?"
        for begin in range(0, len(ids), _BREATH):
            if begin:
                # A submission may have fifty thousand of them, and the loop has other things to do.
                await asyncio.sleep(0)
            part = ids[begin : begin + _BREATH]
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
            for begin in range(0, len(ids), _AT_ONCE):
                self._settle(fate, [bytes.fromhex(each) for each in ids[begin : begin + _AT_ONCE]])

    def _settle(self, fate: Fate, ids: list[bytes]) -> None:
        positions = self._neighbouring(ids)
        where = f"id IN ({_marks(ids)})" if positions is None else f"position IN ({_marks(positions)})"
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
        known = dict(self._db.execute(f"SELECT id, position FROM requests WHERE {_IN_PART}", tuple(ends)).fetchall())
        positions = [known[ident] for ident in ids if ident in known]
        return positions if len(positions) == len(ids) else None

    def _count(self, query: str) -> int:
        return int(self._db.execute(query).fetchone()[0])


def _marks(values: Sequence[object]) -> str:
    return ",".join("?" * len(values))


def _key(request_id: str) -> bytes:
    """Return an id as the index has it, b"" for what is no id of ours and so in no plan."""
    try:
        key = bytes.fromhex(request_id)
    except ValueError:
        return b""
    return key if key.hex() == request_id else b""


def _may_be_asked(retry_unknown: RetryUnknown) -> str:
    return f"(fate IN (0, 2) {_UNSURE_AGAIN[retry_unknown]})"
