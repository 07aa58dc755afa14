"""Open requests to shards within a backend's limits, and shards back to streams of requests."""

from __future__ import annotations

import itertools
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Container, Iterator
from decimal import Decimal
from typing import TypeVar

import attrs

from ...domain.identity import sequence_id
from ...domain.inference import AnyRequest, Request
from ...domain.jobs import Shard
from ...domain.recipes.base import Planned
from ...domain.spending import Meter
from ...errors import LedgerCorrupt
from ...ports.inference import Limits
from ...ports.storage import Storage
from ..codec import damaged, decode_ids, decode_plan_ids, decode_planned, decode_request, lines_of, written_request
from .index import Place
from .job import Job
from .layout import Layout, fetch

T = TypeVar("T")


@attrs.frozen(kw_only=True)
class Cut:
    """The requests of one shard to be: ids in order of the plan, the chunks they stand in, and the most they can cost.

    ``most`` is None where no price is known.
    """

    ids: tuple[str, ...]
    first_chunk: int
    last_chunk: int
    most: Decimal | None = None

    def key(self, job_id: str, round_number: int) -> str:
        """Return the name under which a backend finds the shard: job, round and content."""
        return f"{job_id}/r{round_number}/{sequence_id(self.ids)}"


@attrs.define
class _Measured:
    """A request with the bytes it takes, and the most it can cost (None: no price is known for it)."""

    place: Place
    length: int
    most: Decimal | None


@attrs.define
class _Gathered:
    """What the next cut holds so far."""

    ids: list[str] = attrs.Factory(list)
    first: int = 0
    last: int = 0
    size: int = 0
    most: Decimal | None = Decimal(0)

    def add(self, each: _Measured) -> None:
        self.first = self.first if self.ids else each.place.chunk
        self.last = each.place.chunk
        self.ids.append(each.place.id)
        self.size += each.length
        self.most = None if self.most is None or each.most is None else self.most + each.most

    def cut(self) -> Cut:
        return Cut(ids=tuple(self.ids), first_chunk=self.first, last_chunk=self.last, most=self.most)


class Cutter:
    """Cuts the unassigned open requests into shards, one pass over the plan.

    Requests larger than a line may be are not cut into any shard; ``too_large`` holds those met since it was last
    emptied. ``room`` returns what a shard that begins now may cost at most (None: no wall). The first request for which
    there is no room ends the pass, and ``is_blocked`` says so; ``wanted`` is what it would have needed (None: nobody
    can say).
    """

    def __init__(
        self,
        job: Job,
        limits: Limits,
        *,
        meter: Meter | None = None,
        room: Callable[[], Decimal | None] = lambda: None,
    ) -> None:
        self.too_large: list[str] = []
        self.is_blocked = False
        self.wanted: Decimal | None = None
        self._job = job
        self._limits = limits
        self._meter = meter
        self._room = room

    async def cuts(self) -> AsyncIterator[Cut]:
        if self._are_small_enough:
            async for cut in self._cuts_by_number():
                yield cut
            return
        gathered, room = _Gathered(), self._room()
        async for some in self._measured():
            for each in some:
                if each.length > self._limits.line_bytes:
                    self.too_large.append(each.place.id)
                    continue
                if gathered.ids and (self._is_full(gathered, each) or not _fits(gathered, each, room)):
                    yield gathered.cut()
                    # Whoever took it has reserved what it costs by now.
                    gathered, room = _Gathered(), self._room()
                if not _fits(gathered, each, room):
                    self.is_blocked, self.wanted = True, each.most
                    return
                gathered.add(each)
        if gathered.ids:
            yield gathered.cut()

    @property
    def _are_small_enough(self) -> bool:
        """Whether nothing but the number of requests can end a shard: then none has to be looked at one by one."""
        state, limits = self._job.state, self._limits
        if self._meter is not None or self._room() is not None or not 0 < state.longest <= limits.line_bytes:
            return False
        return min(state.requests, limits.requests) * state.longest <= limits.submission_bytes

    async def _cuts_by_number(self) -> AsyncIterator[Cut]:
        storage, layout = self._job.storage, self._job.layout
        most = max(1, self._limits.requests)  # as where sizes are looked at
        ids: list[str] = []
        known: frozenset[str] = frozenset()
        first = last = 0
        for chunk, some in self._job.index.unassigned_ids():
            if chunk != last:
                # Damage is found before a shard is planned: after it, nobody could tell that nothing was sent.
                known = await whole_ids(storage, layout, chunk)
            if not known.issuperset(some):
                raise _lacking(layout.requests(chunk), next(ident for ident in some if ident not in known))
            begin = 0
            while begin < len(some):
                first, last = first if ids else chunk, chunk
                taken = some[begin : begin + most - len(ids)]
                ids += taken
                begin += len(taken)
                if len(ids) == most:
                    yield Cut(ids=tuple(ids), first_chunk=first, last_chunk=last)
                    ids = []
        if ids:
            yield Cut(ids=tuple(ids), first_chunk=first, last_chunk=last)

    def _is_full(self, gathered: _Gathered, each: _Measured) -> bool:
        limits = self._limits
        return len(gathered.ids) >= limits.requests or gathered.size + each.length > limits.submission_bytes

    async def _measured(self) -> AsyncIterator[list[_Measured]]:
        """Yield the unassigned requests with their measures, some at a time, reading each chunk once."""
        chunk, lines = None, dict[str, bytes]()
        for number, places in itertools.groupby(self._job.index.unassigned(), key=lambda place: place.chunk):
            # The same number comes again where a page of the index ends within a chunk.
            if chunk is None or chunk.number != number:
                chunk = await fetch_chunk(self._job.storage, self._job.layout, number)
                lines = dict(zip(chunk.ids, chunk.lines, strict=True))
            yield [self._measure(place, lines.get(place.id), chunk.key) for place in places]

    def _measure(self, place: Place, line: bytes | None, where: str) -> _Measured:
        if line is None:
            raise _lacking(where, place.id)
        if self._meter is None:
            return _Measured(place, len(line), None)
        # Only what a request costs needs more of it than its length.
        return _Measured(place, len(line), self._meter.most(decode_request(line, where=where)))


def _lacking(where: str, request_id: str) -> LedgerCorrupt:
    return LedgerCorrupt(damaged(where, f"lacks request {request_id} that is in the plan"))


def _fits(gathered: _Gathered, each: _Measured, room: Decimal | None) -> bool:
    if room is None:
        return True
    return each.most is not None and gathered.most is not None and gathered.most + each.most <= room


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
        for number in range(self.shard.first_chunk, self.shard.last_chunk + 1):
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
        for chunk in range(self.shard.first_chunk, self.shard.last_chunk + 1):
            key = layout.request_ids(chunk)
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


async def chunks_of(job: Job, shard: Shard) -> AsyncIterator[Chunk]:
    """Yield the chunks that a shard's requests stand in, and perhaps others. Raises LedgerCorrupt."""
    for number in range(shard.first_chunk, shard.last_chunk + 1):
        yield await fetch_chunk(job.storage, job.layout, number)


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


async def whole_ids(storage: Storage, layout: Layout, number: int) -> frozenset[str]:
    """Return the ids of a chunk that is as it was written, without taking it apart. Raises LedgerCorrupt."""
    ids_key = layout.request_ids(number)
    data = await fetch(storage, layout.requests(number))
    ids, is_right = decode_plan_ids(await fetch(storage, ids_key), data, where=ids_key)
    if not is_right:
        ids = (await fetch_chunk(storage, layout, number)).ids
    return frozenset(ids)
