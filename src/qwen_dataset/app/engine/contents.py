"""What stands in a job's folder: which key is what, and which of it the job's own events show to be waste."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from enum import StrEnum
from typing import Self

from ...domain.events import Event, ShardPlanned, Stored
from ...domain.jobs import Phase
from ...errors import KeyNotFound
from ...ports.storage import Storage
from .layout import Layout, numbers
from .ledger import Ledger
from .scratch import ScratchDatabase

JOB_LIKE = re.compile(r".+-[0-9a-f]{12}")


class Part(StrEnum):
    """What a key of a job is; the value is the first segment below the job."""

    SPEC = "spec.json"
    EVENT = "events"
    LEASE = "lease"
    CANCEL = "cancel"
    CORPUS = "corpus"
    REQUESTS = "requests"
    SHARD = "shards"
    SEGMENT = "segments"
    REJECTS = "dataset"
    INTENT = "deleting.json"


def _digits(width: int) -> str:
    return rf"(\d{{{width}}}|[1-9]\d{{{width},}})"


# Exactly the keys that ``Layout`` makes, below the job.
_SHAPES: dict[str, re.Pattern[str]] = {
    Part.SPEC: re.compile(r"spec\.json()"),
    Part.EVENT: re.compile(rf"events/{_digits(12)}\.json"),
    Part.LEASE: re.compile(rf"lease/{_digits(12)}\.json"),
    Part.CANCEL: re.compile(rf"cancel/{_digits(6)}\.json"),
    Part.CORPUS: re.compile(rf"corpus/{_digits(6)}\.jsonl"),
    Part.REQUESTS: re.compile(rf"requests/{_digits(6)}\.(?:jsonl|ids)"),
    Part.SHARD: re.compile(rf"shards/{_digits(6)}-[0-9a-f]{{32}}\.ids"),
    Part.SEGMENT: re.compile(rf"segments/[0-9a-f]{{16}}-{_digits(8)}\.jsonl"),
    Part.REJECTS: re.compile(r"dataset/(?:rejects|output|errors)\.jsonl()"),
    Part.INTENT: re.compile(r"deleting\.json()"),
}


async def parts_of(storage: Storage, layout: Layout) -> AsyncIterator[tuple[str, Part, int]]:
    """Yield the keys of a job in order, each with what it is and its number (0: none); other people's are passed over.

    Objects may be deleted meanwhile.
    """
    async for key in storage.keys(layout.job):
        below = key[len(layout.job) + 1 :]
        head = below.partition("/")[0]
        if head in _SHAPES and (match := _SHAPES[head].fullmatch(below)):
            yield key, Part(head), int(match[1] or 0)


async def count_parts(storage: Storage, layout: Layout, *wanted: Part) -> int:
    """Count the objects of a job, or those of the wanted parts."""
    count = 0
    async for _, part, _ in parts_of(storage, layout):
        count += not wanted or part in wanted
    return count


async def exists(storage: Storage, key: str) -> bool:
    """Say whether a small object is there."""
    try:
        await storage.get(key)
    except KeyNotFound:
        return False
    return True


async def job_like_folders(storage: Storage) -> list[str]:
    """Return the names of the folders that may be jobs, also of those without a spec."""
    found: list[str] = []
    async for key in storage.keys():
        job, slash, _ = key.partition("/")
        # Keys come sorted, so one folder's stand together.
        if slash and JOB_LIKE.fullmatch(job) and found[-1:] != [job]:
            found.append(job)
    return found


async def newest_lease(storage: Storage, layout: Layout) -> int:
    """Return the number of the newest lease object; 0 where there is none."""
    newest = 0
    async for number in numbers(storage, layout.leases):
        newest = number
    return newest


class Contents:
    """A job's ledger, and on the local disk the keys that its events name."""

    def __init__(self, storage: Storage, layout: Layout) -> None:
        self.ledger = Ledger(storage, layout, listener=self._note)
        self._storage = storage
        self._layout = layout
        self._db = ScratchDatabase("CREATE TABLE named (key TEXT PRIMARY KEY) WITHOUT ROWID")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.__exit__()

    async def needless(self) -> AsyncIterator[str]:
        """Yield the keys that the loaded events show to be waste; they may be deleted meanwhile.

        Without a single event nothing is shown.
        """
        state = self.ledger.state
        if state.owner is None:
            return
        newest = await newest_lease(self._storage, self._layout)
        planned = state.phase is not Phase.NEW
        async for key, part, number in parts_of(self._storage, self._layout):
            match part:
                case Part.SEGMENT | Part.SHARD:
                    needless = planned and not self._is_named(key)
                case Part.CORPUS:
                    needless = planned and number > state.corpus_chunks
                case Part.REQUESTS:
                    needless = planned and number > state.chunks
                case Part.LEASE:
                    needless = number < newest
                case Part.CANCEL:
                    # The last obeyed one stays: the next request is numbered after it, and a smaller number is ignored.
                    needless = number < state.cancels_obeyed
                case _:
                    # An intent beside a spec is of a deletion that never began.
                    needless = part is Part.INTENT
            if needless:
                yield key

    async def _note(self, event: Event) -> None:
        match event:
            case Stored():
                self._name(event.segment)
            case ShardPlanned():
                self._name(self._layout.shard_ids(event.shard, event.key))
            case _:
                pass

    def _name(self, key: str) -> None:
        self._db.execute("INSERT OR IGNORE INTO named VALUES (?)", (key,))

    def _is_named(self, key: str) -> bool:
        return self._db.execute("SELECT 1 FROM named WHERE key = ?", (key,)).fetchone() is not None
