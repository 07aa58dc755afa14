"""Papers to stored requests: streaming, the same bytes each time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Self

import attrs

from ...domain.events import PlanWritten
from ...domain.inference import Parameters, Request
from ...domain.papers import Paper
from ...domain.recipes.base import Draft, Planned
from ...ports.storage import Storage
from ..codec import encode, encode_ids
from .job import Job, write_spec
from .scratch import ScratchDatabase

_CHUNK_LINES = 1000
_CHUNK_BYTES = 2_000_000

KeyOf = Callable[[int], str]


@attrs.frozen
class Work:
    """What is planned together: a paper with its drafts, or plain prompts (then ``paper`` is None)."""

    paper: Paper | None
    drafts: Iterable[Draft]


@attrs.frozen
class PlannedLine:
    """A line of a plan as it is stored: a request with its id, or a paper, which has none here."""

    line: bytes
    request_id: str | None = None


def planned_lines(work: Work, numbering: Numbering) -> Iterator[PlannedLine]:
    """Yield the lines of what is planned together: the paper, then its requests."""
    if work.paper is not None:
        yield PlannedLine(encode(work.paper))
    for draft in work.drafts:
        planned = numbering.plan(draft)
        yield PlannedLine(encode(planned), planned.request.id)


async def write_plan(job: Job, lines: Iterable[PlannedLine]) -> None:
    """Store papers and requests of a new job, then its spec, then the event that makes them count.

    A crash before the event leaves a plan that the next run writes again, byte for byte.
    """
    corpus = _Chunks(job.storage, job.layout.corpus)
    requests = _Chunks(job.storage, job.layout.requests, job.layout.request_ids)
    for each in lines:
        if each.request_id is None:
            await corpus.add(each.line)
        else:
            await requests.add(each.line, each.request_id)
    await corpus.flush()
    await requests.flush()
    await write_spec(job.storage, job.id, job.spec)
    await job.ledger.append(
        PlanWritten(requests=requests.count, chunks=requests.number, papers=corpus.count, corpus_chunks=corpus.number)
    )


class Numbering:
    """Makes drafts the requests of one job: each its position, and equal ones the indexes 0, 1 and so on.

    ``count`` is the number of requests so far. The ids of a million requests are on the local disk, not in memory.
    """

    def __init__(self, model: str, parameters: Parameters) -> None:
        self.count = 0
        self._model = model
        self._parameters = parameters
        self._db = ScratchDatabase("CREATE TABLE seen (id BLOB PRIMARY KEY, times INTEGER NOT NULL) WITHOUT ROWID")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.__exit__()

    def plan(self, draft: Draft) -> Planned:
        """Return the next request."""
        request = Request(messages=draft.messages, model=self._model, parameters=self._parameters)
        (times,) = self._db.execute(
            "INSERT INTO seen VALUES (?, 1) ON CONFLICT DO UPDATE SET times = times + 1 RETURNING times",
            (bytes.fromhex(request.id),),
        ).fetchone()
        if times > 1:
            request = attrs.evolve(request, index=times - 1)
        self.count += 1
        return Planned(position=self.count - 1, request=request, origin=draft.origin)


class _Chunks:
    """Lines gathered into numbered objects of bounded size, optionally with the lines' ids beside each."""

    def __init__(self, storage: Storage, key: KeyOf, ids_key: KeyOf | None = None) -> None:
        self.number = self.count = 0
        self._storage = storage
        self._key = key
        self._ids_key = ids_key
        self._lines: list[bytes] = []
        self._ids: list[str] = []
        self._bytes = 0

    async def add(self, line: bytes, ident: str | None = None) -> None:
        self.count += 1
        self._lines.append(line)
        if ident is not None:
            self._ids.append(ident)
        self._bytes += len(line)
        if len(self._lines) >= _CHUNK_LINES or self._bytes >= _CHUNK_BYTES:
            await self.flush()

    async def flush(self) -> None:
        if not self._lines:
            return
        self.number += 1
        if self._ids_key is not None:
            # The index reads these and never the lines.
            await self._storage.put(self._ids_key(self.number), encode_ids(self._ids))
        await self._storage.put(self._key(self.number), b"".join(self._lines))
        self._lines, self._ids, self._bytes = [], [], 0
