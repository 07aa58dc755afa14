"""Chunks of a plan, as they are stored, back to requests: those of a shard, for whoever asks them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Container, Iterator
from typing import TypeVar

import attrs

from ...domain.inference import AnyRequest, Request
from ...domain.jobs import Shard
from ...domain.recipes.base import Planned
from ...errors import LedgerCorrupt
from ...ports.storage import Storage
from ..codec import damaged, decode_planned, decode_request, lines_of, written_request
from .id_lists import decode_ids, decode_plan_ids
from .job import Job
from .layout import Layout, fetch

T = TypeVar("T")


@attrs.frozen
class ShardRequests:
    """The requests of a shard as an iterable that may be iterated more than once.

    Only ids in ``wanted`` are given; ``go_on`` is asked before each, and False ends the stream: a backend that calls
    while it iterates then starts nothing new and finishes what it has begun.
    """

    job: Job
    shard: Shard
    wanted: frozenset[str]
    go_on: Callable[[], bool] = lambda: True

    def __aiter__(self) -> AsyncGenerator[Request, None]:
        return self._each(Chunk.requests)

    def written(self) -> AsyncGenerator[AnyRequest, None]:
        """Yield what iterating would give, as it is stored: of most of them nothing is read."""
        return self._each(Chunk.written)

    async def _each(self, read: Callable[[Chunk, Container[str]], Iterator[T]]) -> AsyncGenerator[T, None]:
        given = 0
        for number in self.shard.chunks:
            chunk = await fetch_chunk(self.job.storage, self.job.layout, number)
            for request in read(chunk, self.wanted):
                if not self.go_on():
                    return
                given += 1
                yield request
        self._check_all(given)

    async def ids(self) -> AsyncGenerator[str, None]:
        """Yield the ids of what iterating would give, without reading what is asked."""
        layout = self.job.layout
        given = 0
        for number in self.shard.chunks:
            key = layout.request_ids(number)
            for ident in decode_ids(await fetch(self.job.storage, key), where=key):
                if ident in self.wanted:
                    if not self.go_on():
                        return
                    given += 1
                    yield ident
        self._check_all(given)

    def _check_all(self, given: int) -> None:
        """Raise LedgerCorrupt where some are not there: their answers, which may be paid, would be nobody's."""
        if given != len(self.wanted):
            what = f"holds {given} of the {len(self.wanted)} requests that are to be asked"
            raise LedgerCorrupt(damaged(self.job.layout.plan, what))


@attrs.frozen
class Chunk:
    """A part of a plan as it is stored: the lines of requests, and the id of each.

    ``is_checked``: a checksum says that these are the lines of these ids.
    """

    number: int
    key: str
    lines: list[bytes]
    ids: list[str]
    is_checked: bool

    def requests(self, wanted: Container[str] | None = None) -> Iterator[Request]:
        """Yield the requests whose ids are wanted; None: all of them.

        What is sent costs money and is answered under its id, so each is the one that has this id. A checksum says
        that the lines are as they were written, and the first of them that they are read as they were meant. Raises
        LedgerCorrupt.
        """
        is_proven = False
        for line, ident in self._named(wanted):
            yield self._request(line, ident, is_proven=is_proven)
            is_proven = self.is_checked

    def written(self, wanted: Container[str] | None = None) -> Iterator[AnyRequest]:
        """Yield the same as ``requests``, reading only what differs by more than its messages from the one before.

        Raises LedgerCorrupt.
        """
        known: Request | None = None
        for line, ident in self._named(wanted):
            found = None if known is None else written_request(line, ident, known)
            if found is not None:
                yield found
                continue
            request = self._request(line, ident, is_proven=known is not None)
            # Others are sent unread where this one, unread, would be what it is read as.
            alike = written_request(line, ident, request) if self.is_checked else None
            known = request if alike is not None and alike.messages_json() == request.messages_json() else None
            yield request

    def _named(self, wanted: Container[str] | None) -> Iterator[tuple[bytes, str]]:
        """Yield the lines that are wanted, each with its id."""
        for line, ident in zip(self.lines, self.ids, strict=True):
            if wanted is None or ident in wanted:
                yield line, ident

    def _request(self, line: bytes, ident: str, *, is_proven: bool) -> Request:
        """Return the request of a line; it is checked that the id is its own, where that is not known."""
        request = decode_request(line, where=self.key)
        if is_proven:
            request.take_id(ident)
        elif request.id != ident:
            raise LedgerCorrupt(damaged(self.key, "holds other requests than the ids beside it name"))
        return request

    def planned(self) -> Iterator[Planned]:
        """Yield what is planned, under the ids that were stored beside it: what it asks is read where it is wanted.

        Nothing is sent of these, so that the ids are theirs is not checked. Raises LedgerCorrupt.
        """
        for line, ident in zip(self.lines, self.ids, strict=True):
            yield decode_planned(line, ident, where=self.key)


async def fetch_chunk(storage: Storage, layout: Layout, number: int) -> Chunk:
    """Return a chunk. Raises LedgerCorrupt where its lines and ids do not belong together."""
    key, ids_key = layout.requests(number), layout.request_ids(number)
    data = await fetch(storage, key)
    ids, is_right = decode_plan_ids(await fetch(storage, ids_key), data, where=ids_key)
    lines = lines_of(data)
    if len(lines) != len(ids) or not lines:
        raise LedgerCorrupt(damaged(key, f"holds {len(lines)} of the {len(ids)} requests that the ids beside it name"))
    if is_right is False:
        raise LedgerCorrupt(damaged(key, "does not have the checksum that stands beside it"))
    return Chunk(number, key, lines, ids, is_checked=is_right is True)


async def whole_ids(storage: Storage, layout: Layout, number: int) -> list[str]:
    """Return the ids of a chunk that is as it was written, without taking it apart. Raises LedgerCorrupt."""
    ids_key = layout.request_ids(number)
    data = await fetch(storage, layout.requests(number))
    ids, is_right = decode_plan_ids(await fetch(storage, ids_key), data, where=ids_key)
    if not is_right:
        ids = (await fetch_chunk(storage, layout, number)).ids
    return ids
