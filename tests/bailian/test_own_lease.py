"""A process that is alone must not take its own renewal of the lease for a rival's, however long replies take."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable
from pathlib import Path

import attrs

from qwen_dataset import Client, Config
from qwen_dataset.adapters.storage.memory import MemoryStorage
from qwen_dataset.app.engine.clock import Clock
from qwen_dataset.testing.process import another_process


class Distant(MemoryStorage):
    """A renewal is stored, and listed, a while before its reply arrives."""

    async def put(self, key: str, data: bytes | AsyncIterable[bytes], *, if_absent: bool = False) -> None:
        await super().put(key, data, if_absent=if_absent)
        if "/lease/" in key:
            await asyncio.sleep(0.1)


async def _hasty(seconds: float) -> None:
    await asyncio.sleep(seconds / 100)


def test_a_renewal_under_way_is_no_rival(many: Path, tmp_path: Path) -> None:
    host = attrs.evolve(another_process(), clock=Clock(sleep=_hasty))
    config = Config(backend="fake:?mode=realtime&latency=0.02&clock=real&concurrency=2", max_samples=9)
    client = Client(config, storage=Distant(), host=host)
    report = asyncio.run(client.generate([many], tmp_path / "out.jsonl"))
    assert report.sums is not None
    assert report.sums.completions == report.sums.requests
