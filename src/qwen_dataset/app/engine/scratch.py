"""Room on the local disk for what does not fit in memory. All of it can be made again from Storage.

Both kinds of scratch have no name in the file system: a killed process leaves nothing behind.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from typing import Self


def scratch_database() -> sqlite3.Connection:
    """Open an unnamed SQLite database that spills to disk and is gone when closed."""
    database = sqlite3.connect("", isolation_level=None)
    database.execute("PRAGMA journal_mode=OFF")
    database.execute("PRAGMA synchronous=OFF")
    database.execute("PRAGMA cache_size=-32000")  # 32 MB
    return database


class Spool:
    """Lines appended once and read in order, or one by one at their place."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="qwen-dataset-")  # noqa: SIM115 - closed by __exit__
        self._end = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def append(self, line: bytes) -> tuple[int, int]:
        """Add one line (newline included) and return its offset and length in bytes."""
        place = (self._end, len(line))
        self._file.seek(self._end)
        self._file.write(line)
        self._end += len(line)
        return place

    def read(self, offset: int, length: int) -> bytes:
        """Return the line at this place."""
        self._file.seek(offset)
        return self._file.read(length)

    def __iter__(self) -> Iterator[bytes]:
        """Yield every line in order; nothing may be appended meanwhile."""
        self._file.seek(0)
        yield from self._file
