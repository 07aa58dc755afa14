"""A job folder written by an earlier version: it must load, rebuild and resume for ever."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import orjson
import pytest

from qwen_dataset.app.api.client import Client
from qwen_dataset.app.dataset.curator import FailedRequest
from qwen_dataset.app.dataset.records import failure_record, reject_record
from qwen_dataset.app.wiring.config import Config
from qwen_dataset.domain.jobs import Phase

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture
def client(tmp_path: Path) -> Client:
    shutil.copytree(GOLDEN / "jobs", tmp_path / "jobs")
    return Client(Config(storage=f"file:{tmp_path / 'jobs'}", backend=f"fake:{tmp_path / 'fake.jsonl'}?seed=5"))


def test_it_loads(client: Client) -> None:
    (status,) = asyncio.run(client.list_jobs())
    assert status.job_id.startswith("golden-")
    assert status.spec.job_id == status.job_id, "an old spec still has its id"
    state = status.state
    assert (state.phase, state.round) == (Phase.FINISHED, 2)
    assert (state.requests, state.completed, state.failed, state.unanswered) == (12, 9, 3, 0)


def test_it_rebuilds_to_the_same_bytes(client: Client, tmp_path: Path) -> None:
    report = asyncio.run(client.rebuild("golden", tmp_path / "again.jsonl"))
    assert (tmp_path / "again.jsonl").read_bytes() == (GOLDEN / "dataset.jsonl").read_bytes()
    assert report.sums is not None
    assert (report.sums.samples, report.sums.rejects) == (6, 3)


def test_it_tells_the_same_rejects(client: Client) -> None:
    async def lines() -> list[bytes]:
        return [
            orjson.dumps(
                failure_record(entry.failure, entry.paper, entry.section)
                if isinstance(entry, FailedRequest)
                else reject_record(entry)
            )
            async for entry in client.rejects("golden")
        ]

    assert asyncio.run(lines()) == (GOLDEN / "rejects.jsonl").read_bytes().splitlines()


def test_it_resumes_without_buying_what_will_fail_again(client: Client, tmp_path: Path) -> None:
    report = asyncio.run(client.resume("golden", tmp_path / "again.jsonl"))
    assert (tmp_path / "again.jsonl").read_bytes() == (GOLDEN / "dataset.jsonl").read_bytes()
    assert report.sums is not None
    assert report.sums.failures == 3
    assert b'"op":"create"' not in (tmp_path / "fake.jsonl").read_bytes()
