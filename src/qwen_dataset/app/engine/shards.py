"""Open requests to shards within a backend's limits, and shards back to streams of requests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import attrs

from ...domain.identity import RunningId
from ...domain.inference import Request
from ...domain.jobs import Shard
from ...domain.recipes.base import Planned
from ...ports.inference import Limits
from ...ports.storage import Storage
from ..codec import decode
from .index import Place
from .job import Job
from .layout import Layout, fetch


@attrs.frozen(kw_only=True)
class Cut:
    """The requests of one shard to be: ids in order of the plan, and the chunks they stand in."""

    ids: tuple[str, ...]
    first_chunk: int
    last_chunk: int

    def key(self, job_id: str, round_number: int) -> str:
        """Return the name under which a backend finds the shard: job, round and content."""
        content = RunningId()
        for ident in self.ids:
            content.add(ident)
        return f"{job_id}/r{round_number}/{content.hexdigest()}"


class Cutter:
    """Cuts the unassigned open requests into shards, one pass over the plan.

    Requests larger than a line may be are not cut into any shard; ``too_large`` holds those met since it was last
    emptied.
    """

    def __init__(self, job: Job, limits: Limits) -> None:
        self.too_large: list[str] = []
        self._job = job
        self._limits = limits

    async def cuts(self) -> AsyncIterator[Cut]:
        ids: list[str] = []
        size = first = last = 0
        async for place, length in self._measured():
            if length > self._limits.line_bytes:
                self.too_large.append(place.id)
                continue
            if ids and (len(ids) >= self._limits.requests or size + length > self._limits.submission_bytes):
                yield Cut(ids=tuple(ids), first_chunk=first, last_chunk=last)
                ids, size = [], 0
            if not ids:
                first = place.chunk
            ids.append(place.id)
            size += length
            last = place.chunk
        if ids:
            yield Cut(ids=tuple(ids), first_chunk=first, last_chunk=last)

    async def _measured(self) -> AsyncIterator[tuple[Place, int]]:
        """Yield each unassigned request with the bytes it takes, reading each chunk once."""
        chunk, lines = 0, dict[int, int]()
        for place in self._job.index.unassigned():
            if place.chunk != chunk:
                chunk = place.chunk
                lines = {
                    planned.position: length
                    async for planned, length in read_chunk(self._job.storage, self._job.layout, chunk)
                }
            yield place, lines[place.position]


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

    async def __aiter__(self) -> AsyncIterator[Request]:
        for chunk in range(self.shard.first_chunk, self.shard.last_chunk + 1):
            async for planned, _ in read_chunk(self.job.storage, self.job.layout, chunk):
                if planned.request.id in self.wanted:
                    if not self.go_on():
                        return
                    yield planned.request


async def read_chunk(storage: Storage, layout: Layout, chunk: int) -> AsyncIterator[tuple[Planned, int]]:
    """Yield the planned requests of a chunk in order, each with the bytes its line takes."""
    key = layout.requests(chunk)
    for line in (await fetch(storage, key)).splitlines(keepends=True):
        yield decode(Planned, line, where=key), len(line)
