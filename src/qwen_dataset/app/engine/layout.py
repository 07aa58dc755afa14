"""Where a job's objects stand: one folder a job, every key made here."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import attrs

from ...errors import KeyNotFound, LedgerCorrupt
from ...ports.storage import Storage
from ..codec import damaged

SPEC = "spec.json"

_NUMBERED = re.compile(r"/(\d+)\.json")


@attrs.frozen
class Layout:
    """The keys of one job. Numbers are padded so that keys sort in their order."""

    job: str

    @property
    def spec(self) -> str:
        return f"{self.job}/{SPEC}"

    @property
    def events(self) -> str:
        return f"{self.job}/events"

    def event(self, number: int) -> str:
        return f"{self.events}/{number:012d}.json"

    @property
    def leases(self) -> str:
        return f"{self.job}/lease"

    def lease(self, number: int) -> str:
        return f"{self.leases}/{number:012d}.json"

    @property
    def cancels(self) -> str:
        return f"{self.job}/cancel"

    def cancel(self, number: int) -> str:
        return f"{self.cancels}/{number:06d}.json"

    @property
    def corpora(self) -> str:
        return f"{self.job}/corpus"

    def corpus(self, chunk: int) -> str:
        return f"{self.corpora}/{chunk:06d}.jsonl"

    @property
    def plan(self) -> str:
        return f"{self.job}/requests"

    def requests(self, chunk: int) -> str:
        return f"{self.plan}/{chunk:06d}.jsonl"

    def request_ids(self, chunk: int) -> str:
        return f"{self.plan}/{chunk:06d}.ids"

    def shard_ids(self, shard: int, key: str) -> str:
        # Named by content, so that a former owner's late write cannot replace the list that an event speaks of.
        return f"{self.job}/shards/{shard:06d}-{key.rsplit('/', 1)[-1]}.ids"

    def segment(self, nonce: str, number: int) -> str:
        return f"{self.job}/segments/{nonce}-{number:08d}.jsonl"

    @property
    def deleting(self) -> str:
        # Says that somebody began to delete the whole job: what is left of it is waste.
        return f"{self.job}/deleting.json"

    def results(self, name: str) -> str:
        return f"{self.job}/dataset/{name}.jsonl"

    @property
    def rejects(self) -> str:
        return self.results("rejects")


async def numbers(storage: Storage, prefix: str) -> AsyncIterator[int]:
    """Yield the numbers of the numbered objects below ``prefix``, ascending; stray files are passed over."""
    async for key in storage.keys(prefix):
        if found := _NUMBERED.fullmatch(key, len(prefix)):
            yield int(found[1])


async def fetch(storage: Storage, key: str) -> bytes:
    """Return an object that a job cannot be without. Raises LedgerCorrupt where it is missing."""
    try:
        return await storage.get(key)
    except KeyNotFound as error:
        raise LedgerCorrupt(damaged(key, "is missing")) from error
