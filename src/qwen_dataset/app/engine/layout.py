"""Where a job's objects stand: one folder a job, every key made here."""

from __future__ import annotations

import re

import attrs

SPEC = "spec.json"

# Text that must be one path segment on every storage and one word in every shell.
_JOB_NAME = re.compile(r"[A-Za-z0-9\u3400-\u9fff][A-Za-z0-9\u3400-\u9fff._-]{0,79}")


def is_job_name(name: str) -> bool:
    """Say whether a person may call a job this."""
    return _JOB_NAME.fullmatch(name) is not None


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

    def requests(self, chunk: int) -> str:
        return f"{self.job}/requests/{chunk:06d}.jsonl"

    def request_ids(self, chunk: int) -> str:
        return f"{self.job}/requests/{chunk:06d}.ids"

    def shard_ids(self, shard: int) -> str:
        return f"{self.job}/shards/{shard:06d}.ids"

    def segment(self, nonce: str, number: int) -> str:
        return f"{self.job}/segments/{nonce}-{number:08d}.jsonl"

    @property
    def rejects(self) -> str:
        return f"{self.job}/dataset/rejects.jsonl"


def number_of(key: str) -> int:
    """Return the number in the last segment of a numbered key."""
    return int(key.rsplit("/", 1)[-1].split(".", 1)[0])
