"""Every storage keeps every duty of the port."""

from __future__ import annotations

from pathlib import Path

import pytest

from qwen_dataset.adapters.storage.file import FileStorage
from qwen_dataset.adapters.storage.memory import MemoryStorage
from qwen_dataset.ports.storage import Storage
from qwen_dataset.testing.crash import CrashingStorage, CrashSwitch, LossyStorage
from qwen_dataset.testing.storage_contract import StorageContract


class TestMemoryStorage(StorageContract):
    piece_limit = 64 * 1024

    def make(self, tmp_path: Path) -> Storage:
        return MemoryStorage()


class TestFileStorage(StorageContract):
    piece_limit = 1024 * 1024

    def make(self, tmp_path: Path) -> Storage:
        return FileStorage(tmp_path / "not yet" / "there")

    @pytest.fixture(autouse=True)
    def nothing_is_left_behind(self, tmp_path: Path):
        yield
        assert list(tmp_path.rglob(".tmp-*")) == []


class TestCrashingStorageWithoutACrash(StorageContract):
    """The crash injector itself changes nothing until it crashes."""

    def make(self, tmp_path: Path) -> Storage:
        return CrashingStorage(MemoryStorage(), CrashSwitch())


class TestLossyStorageWithoutLosses(StorageContract):
    def make(self, tmp_path: Path) -> Storage:
        return LossyStorage(MemoryStorage(), lambda verb, key: False)


def test_the_suite_asks_for_a_storage(tmp_path: Path) -> None:
    with pytest.raises(NotImplementedError):
        StorageContract().make(tmp_path)
