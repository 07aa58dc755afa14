"""The storage on a real S3 server keeps every duty of the port, with conditional creates and with advisory ones."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from qwen_dataset.adapters.storage.s3 import S3Storage, from_url
from qwen_dataset.errors import KeyExists
from qwen_dataset.testing.storage_contract import StorageContract
from tests.s3 import S3Server, server


@pytest.fixture(autouse=True)
def s3(monkeypatch: pytest.MonkeyPatch) -> S3Server:
    running = server()
    for name, value in running.environment.items():
        monkeypatch.setenv(name, value)
    return running


class TestS3Storage(StorageContract):
    def make(self, tmp_path: Path) -> S3Storage:
        running = server()
        return from_url(running.location(), running.parameters())


class TestAdvisoryS3Storage(StorageContract):
    """One writer only is promised here; the rest must hold as well."""

    def make(self, tmp_path: Path) -> S3Storage:
        running = server()
        return from_url(running.location(), running.parameters(create="advisory"))

    @pytest.mark.parametrize("streamed", [False, True])
    def test_of_racing_creators_exactly_one_wins_and_its_bytes_are_stored(self, tmp_path: Path, streamed: bool) -> None:
        """Not promised: several may be told that they won. One object is there, whole, and later ones are refused."""

        async def check(storage: S3Storage) -> None:
            objects = [bytes([number]) * 1000 for number in range(8)]
            made = await asyncio.gather(
                *(storage.put("x/race", data, if_absent=True) for data in objects), return_exceptions=True
            )
            assert all(each is None or isinstance(each, KeyExists) for each in made)
            assert await storage.get("x/race") in objects
            with pytest.raises(KeyExists):
                await storage.put("x/race", b"late", if_absent=True)

        asyncio.run(check(self.make(tmp_path)))
