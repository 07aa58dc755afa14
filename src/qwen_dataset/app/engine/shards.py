"""Open requests to shards within a backend's limits."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable
from decimal import Decimal

import attrs

from ...domain.identity import sequence_id
from ...domain.spending import Meter
from ...errors import LedgerCorrupt
from ...ports.inference import Limits
from ..codec import damaged, decode_request
from .chunks import fetch_chunk, whole_ids
from .index import Place
from .job import Job


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
        first = last = 0
        for chunk in self._job.index.unassigned_chunks():
            # Damage is found before a shard is planned: after it, nobody could tell that nothing was sent.
            known = await whole_ids(storage, layout, chunk)
            some = self._job.index.unassigned_ids(chunk, known)
            if some is not known and not set(known).issuperset(some):
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
