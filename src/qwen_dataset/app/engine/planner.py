"""Papers to stored requests: streaming, the same bytes each time."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Self

import attrs

from ...domain.events import PlanWritten
from ...domain.inference import Parameters, Request
from ...domain.papers import Paper
from ...domain.recipes.base import Draft
from ...domain.samples import Origin
from ...errors import SettingError
from ..codec import encode, encode_planned
from .id_lists import encode_plan_ids
from .job import Job, write_spec
from .scratch import ScratchDatabase, Spool

_CHUNK_LINES = 1000
_CHUNK_BYTES = 2_000_000
_MUCH = 10_000_000  # bytes
_FEW = 60_000  # ids that are held in memory: some 9 MB
_AT_ONCE = 100  # requests whose indexes are looked up together; their texts are held as JSON meanwhile


@attrs.frozen
class Work:
    """What is planned together: a paper with its drafts, or plain prompts (then ``paper`` is None)."""

    paper: Paper | None
    drafts: Iterable[Draft]


class UnwrittenPlan:
    """Papers and requests in the chunks that they are to be stored in, on the local disk until they are.

    ``papers`` and ``requests`` are how many there are so far. Equal requests have the indexes 0, 1 and so on.
    ``longest`` is the bytes of the longest line of a request, once all were asked for.
    """

    def __init__(self, model: str, parameters: Parameters) -> None:
        self.requests = self.papers = self.longest = 0
        self._model = model
        self._parameters = parameters
        self._numbering = Numbering()
        self._waiting: list[Request] = []
        self._origins: list[Origin] = []
        self._paper_lines = _Chunks()
        self._request_lines = _Chunks()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.discard()

    async def give_back(self) -> None:
        """Give back what the local disk holds; the figures stay."""
        if self._paper_lines.size + self._request_lines.size < _MUCH:
            self.discard()
        else:
            # In a thread: to give back a large file takes a while, and the loop has other things to do.
            await asyncio.to_thread(self.discard)

    def discard(self) -> None:
        """Give back what the local disk holds, here and now. Any thread may call it."""
        self._numbering.__exit__()
        self._paper_lines.close()
        self._request_lines.close()

    def add_paper(self, paper: Paper) -> None:
        """Add a paper that requests are about."""
        self.papers += 1
        self._paper_lines.add(encode(paper))

    def add(self, draft: Draft) -> str:
        """Add the next request, and return the id of what it asks (that of the first one that asks the same)."""
        request = request_for(draft, self._model, self._parameters)
        self._waiting.append(request)
        self._origins.append(draft.origin)
        self.requests += 1
        if len(self._waiting) >= _AT_ONCE:
            self._write()
        return request.id

    def corpus_chunks(self) -> Iterator[PlanPart]:
        """Yield the chunks of papers, which have no ids; nothing may be added after it."""
        return iter(self._paper_lines)

    def request_chunks(self) -> Iterator[PlanPart]:
        """Yield the chunks of requests; nothing may be added after it."""
        self._write()
        return iter(self._request_lines)

    def _write(self) -> None:
        waiting, origins = self._waiting, self._origins
        self._waiting, self._origins = [], []
        places = itertools.count(self.requests - len(waiting))
        for position, request, origin in zip(places, self._numbering.numbered(waiting), origins, strict=False):
            line = encode_planned(position, request, origin)
            self._request_lines.add(line, request.id)
            self.longest = max(self.longest, len(line))


def request_for(draft: Draft, model: str, parameters: Parameters) -> Request:
    """Return the request that a draft becomes, as the first of a job that asks this.

    Raises SettingError for a draft of somebody's own recipe that holds something else than texts: what is stored is
    sent as it stands, so it is looked at here.
    """
    origin = draft.origin
    words: list[object] = [origin.kind, origin.language]
    if origin.label is not None:
        words.append(origin.label)
    for message in draft.messages:
        words += (message.role, message.content)
    for word in words:
        if not isinstance(word, str):
            wrong = f"the recipe asks with {type(word).__name__} where a text belongs; mend the recipe"
            raise SettingError(wrong)
    return Request(messages=draft.messages, model=model, parameters=parameters)


class Numbering:
    """Gives equal requests of one job the indexes 0, 1 and so on.

    The first ids that come are counted in memory, which takes a tenth of the time, and those of a million on the local
    disk.
    """

    def __init__(self) -> None:
        self._met: dict[bytes, int] = {}
        self._is_full = False
        # ``block`` is the call that met the id first: of those it inserts, one cannot tell otherwise that they are new.
        columns = "id BLOB PRIMARY KEY, times INTEGER NOT NULL, block INTEGER NOT NULL"
        self._db = ScratchDatabase(f"CREATE TABLE seen ({columns}) WITHOUT ROWID")
        self._block = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._met = {}
        self._db.__exit__()

    def numbered(self, requests: Sequence[Request]) -> list[Request]:
        """Return the next requests with their indexes."""
        keys = [bytes.fromhex(request.id) for request in requests]
        here, there = self._met, dict[bytes, int]()
        # For good: an id of the disk must not be counted here again.
        self._is_full = is_full = self._is_full or len(here) + len(keys) > _FEW
        if is_full:
            there = self._met_on_disk([key for key in keys if key not in here])
        found = []
        for request, key in zip(requests, keys, strict=True):
            met = there if is_full and key not in here else here
            times = met.get(key, 0)
            met[key] = times + 1
            found.append(attrs.evolve(request, index=times) if times else request)
        if again := [each for each in there.items() if each[1] > 1]:
            self._db.executemany("INSERT OR REPLACE INTO seen VALUES (?, ?, 0)", again)
        return found

    def _met_on_disk(self, keys: list[bytes]) -> dict[bytes, int]:
        """Note that ids were met, and return those that were met in an earlier call, with how often."""
        self._block += 1
        rows = [(key, self._block) for key in keys]
        if self._db.executemany("INSERT OR IGNORE INTO seen VALUES (?, 1, ?)", rows) == len(keys):
            # Nearly always: each is new.
            return {}
        query = f"SELECT id, times FROM seen WHERE block < ? AND id IN ({','.join('?' * len(keys))})"
        return dict(self._db.execute(query, (self._block, *keys)))


@attrs.frozen
class PlanPart:
    """A chunk of a plan as it is stored: its lines, and their ids, which stand in an object beside them."""

    lines: bytes
    ids: bytes


async def write_plan(job: Job, plan: UnwrittenPlan) -> None:
    """Store papers and requests of a new job, then its spec, then the event that makes them count.

    A crash before the event leaves a plan that the next run writes again, byte for byte.
    """
    storage, layout = job.storage, job.layout
    corpus_chunks = chunks = 0
    for corpus_chunks, part in enumerate(plan.corpus_chunks(), start=1):
        await storage.put(layout.corpus(corpus_chunks), part.lines)
    for chunks, part in enumerate(plan.request_chunks(), start=1):
        # The index reads the ids and never the lines.
        await storage.put(layout.request_ids(chunks), part.ids)
        await storage.put(layout.requests(chunks), part.lines)
    await write_spec(storage, job.id, job.spec)
    await job.ledger.append(
        PlanWritten(
            requests=plan.requests,
            chunks=chunks,
            papers=plan.papers,
            corpus_chunks=corpus_chunks,
            longest=plan.longest,
        )
    )


class _Chunks:
    """Lines gathered into chunks of bounded size."""

    def __init__(self) -> None:
        self._spool = Spool()
        self._places: list[tuple[tuple[int, int], tuple[int, int]]] = []
        self._begin()

    def _begin(self) -> None:
        self._lines: list[bytes] = []
        self._ids: list[str] = []
        self._bytes = 0

    def add(self, line: bytes, *ids: str) -> None:
        """Add a line, with its id where it has one."""
        self._lines.append(line)
        self._ids += ids
        self._bytes += len(line)
        if len(self._lines) >= _CHUNK_LINES or self._bytes >= _CHUNK_BYTES:
            self._end()

    def _end(self) -> None:
        lines = b"".join(self._lines)
        ids = encode_plan_ids(self._ids, lines) if self._ids else b""
        self._places.append((self._spool.append(lines), self._spool.append(ids)))
        self._begin()

    def __iter__(self) -> Iterator[PlanPart]:
        if self._lines:
            self._end()
        for lines, ids in self._places:
            yield PlanPart(self._spool.read(*lines), self._spool.read(*ids))

    @property
    def size(self) -> int:
        """How many bytes the local disk holds."""
        return self._spool.size

    def close(self) -> None:
        """Give back what the local disk holds."""
        self._spool.__exit__()
