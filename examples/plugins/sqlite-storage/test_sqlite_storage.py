"""The contract suite that qwen_dataset ships, run on this storage."""

from pathlib import Path

from sqlite_storage import open_sqlite

from qwen_dataset.ports.storage import Storage
from qwen_dataset.testing.storage_contract import StorageContract


class TestSqliteStorage(StorageContract):
    """Every duty of a storage."""

    def make(self, tmp_path: Path) -> Storage:
        """Return an empty storage."""
        return open_sqlite(str(tmp_path / "jobs.db"), {})
