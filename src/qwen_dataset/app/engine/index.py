"""Which request has which outcome: asked of a scratch database made from the events, never a source of truth."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence

import attrs

from ...domain.choices import RetryUnknown
from ...domain.jobs import Shard
from ...ports.storage import Storage
from .fates import AT_ONCE, IN_PART, NEVER_ASKED, UNASSIGNED, Fate, Fates, marks, may_be_asked
from .layout import Layout

_PAGE = 1_000  # rows


@attrs.define(kw_only=True)
class Place:
    """Where a request stands in the plan. Not frozen: one may be made of each, and that takes twice as long."""

    chunk: int
    id: str


class Index(Fates):
    """Answers "which requests are open" without holding a million ids in memory."""

    def __init__(self, storage: Storage, layout: Layout) -> None:
        super().__init__(storage, layout)
        self._behind = 0  # the place behind those that were asked for last

    def never_asked(self) -> int:
        """Count the requests that never had an outcome."""
        return self._count(f"SELECT count(*) FROM requests WHERE {NEVER_ASKED}")

    def to_ask(self, retry_unknown: RetryUnknown) -> int:
        """Count the requests that a new round would ask."""
        return self._count(f"SELECT count(*) FROM requests WHERE {may_be_asked(retry_unknown)}")

    def unassigned(self) -> Iterator[Place]:
        """Yield the open requests that stand in no shard, in order of the plan."""
        # Page by page, because the caller assigns shards meanwhile.
        position = -1
        query = (
            f"SELECT position, chunk, id FROM requests WHERE {UNASSIGNED} AND position > ? ORDER BY position LIMIT ?"
        )
        while rows := self._db.execute(query, (position, _PAGE)).fetchall():
            for _, chunk, ident in rows:
                yield Place(chunk=chunk, id=ident.hex())
            position = rows[-1][0]

    def unassigned_chunks(self) -> Iterator[int]:
        """Yield the numbers of the chunks that ``unassigned`` has requests of."""
        query = f"SELECT 1 FROM requests WHERE {UNASSIGNED} AND {IN_PART} LIMIT 1"
        for chunk in range(1, len(self._begins)):
            if self._db.execute(query, self._part(chunk)).fetchone():
                yield chunk

    def unassigned_ids(self, chunk: int, ids: Sequence[str]) -> Sequence[str]:
        """Return the ids of ``unassigned`` in one chunk: where they are all that it has, the very object ``ids``.

        ``ids`` are those of the chunk as they are stored. One by one they take several times as long.
        """
        part = self._part(chunk)
        if self._ends(ids, part, UNASSIGNED) == part:
            return ids
        rows = self._db.execute(f"SELECT id FROM requests WHERE {UNASSIGNED} AND {IN_PART} ORDER BY position", part)
        return [ident.hex() for (ident,) in rows]

    def _part(self, chunk: int) -> tuple[int, int]:
        """Return the first and the last position of a chunk."""
        return (self._begins[chunk - 1], self._begins[chunk] - 1)

    async def remaining(self, shard: Shard) -> list[str]:
        """Return the ids of a shard that have no outcome of this round, in order of the plan: at most a submission's.

        Meanwhile nobody but the caller may store outcomes of the shard: an id that was passed already would be asked,
        and paid, again.
        """
        return await self._ids_of(shard, "open = 1")

    async def members(self, shard: Shard) -> list[str]:
        """Return all ids of a shard of this round, in order of the plan."""
        return await self._ids_of(shard, "1")

    async def _ids_of(self, shard: Shard, wanted: str) -> list[str]:
        query = f"SELECT id FROM requests WHERE shard = ? AND {wanted} AND {IN_PART} ORDER BY position"
        found: list[str] = []
        async for part in self._parts(shard.chunks):
            found += [ident.hex() for (ident,) in self._db.execute(query, (shard.number, *part))]
        return found

    def open_among(self, ids: Iterable[str]) -> list[str]:
        """Return those of the ids that are open here, in the order given."""
        query = "SELECT 1 FROM requests WHERE id = ? AND open = 1"
        return [i for i in ids if self._db.execute(query, (bytes.fromhex(i),)).fetchone()]

    async def open_ids(self) -> AsyncIterator[list[str]]:
        """Yield the open ids, some at a time; nothing may be stored meanwhile."""
        query = f"SELECT id FROM requests WHERE open = 1 AND {IN_PART} ORDER BY position"
        async for part in self._parts():
            yield [ident.hex() for (ident,) in self._db.execute(query, part)]

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
            self._db.execute(f"SELECT id, position FROM requests WHERE {IN_PART}", range_behind)
        )
        others = [key for key in keys if key not in found]
        for begin in range(0, len(others), AT_ONCE):
            part = others[begin : begin + AT_ONCE]
            found.update(
                self._db.execute(f"SELECT id, position FROM requests WHERE id IN ({marks(part)})", tuple(part))
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


def _key(request_id: str) -> bytes:
    """Return an id as the index has it, b"" for what is no id of ours and so in no plan."""
    try:
        key = bytes.fromhex(request_id)
    except ValueError:
        return b""
    return key if key.hex() == request_id else b""
