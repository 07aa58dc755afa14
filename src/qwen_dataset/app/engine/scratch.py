"""Room on the local disk for what does not fit in memory. All of it can be made again from Storage.

Both kinds of scratch have no name in the file system: a killed process leaves nothing behind.
"""

from __future__ import annotations

import contextlib
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from typing import Any, NoReturn, Self

from ...errors import StorageFull


class ScratchDatabase:
    """An unnamed SQLite database that spills to disk and is gone when closed.

    Every method raises StorageFull when the disk has no room.
    """

    def __init__(self, *tables: str) -> None:
        self._database = sqlite3.connect("", isolation_level=None)
        # 32 MB of it stay in memory.
        for statement in ("PRAGMA journal_mode=OFF", "PRAGMA synchronous=OFF", "PRAGMA cache_size=-32000", *tables):
            self.execute(statement)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def execute(self, statement: str, values: tuple[Any, ...] = ()) -> sqlite3.Cursor:
        """Run one statement and return its cursor."""
        try:
            return self._database.execute(statement, values)
        except sqlite3.OperationalError as error:
            no_room(error)

    def executemany(self, statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """Run one statement for each row."""
        try:
            self._database.executemany(statement, rows)
        except sqlite3.OperationalError as error:
            no_room(error)


class Spool:
    """Lines appended once and read in order, or one by one at their place."""

    def __init__(self) -> None:
        try:
            self._file = tempfile.TemporaryFile(prefix="qwen-dataset-")  # noqa: SIM115 - closed by __exit__
        except OSError as error:
            no_room(error)
        self._end = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # What could not be written is not needed any more.
        with contextlib.suppress(OSError):
            self._file.close()

    def append(self, line: bytes) -> tuple[int, int]:
        """Add one line (newline included) and return its offset and length in bytes."""
        place = (self._end, len(line))
        try:
            self._file.seek(self._end)
            self._file.write(line)
        except OSError as error:
            no_room(error)
        self._end += len(line)
        return place

    def read(self, offset: int, length: int) -> bytes:
        """Return the line at this place."""
        try:
            self._file.seek(offset)
            return self._file.read(length)
        except OSError as error:
            no_room(error)

    def __iter__(self) -> Iterator[bytes]:
        """Yield every line in order; nothing may be appended meanwhile."""
        try:
            self._file.seek(0)
            # Not `yield from`: whoever stops half-way would close the file with the iterator.
            for line in self._file:  # noqa: UP028
                yield line
        except OSError as error:
            no_room(error)


def no_room(error: Exception) -> NoReturn:
    """Raise StorageFull for what the folder for temporary files could not take."""
    where = tempfile.gettempdir() if tempfile.tempdir else "the folder for temporary files (TMPDIR)"
    message = f"{where} has no room for temporary files ({error}); free some space or set TMPDIR to another folder"
    raise StorageFull(message) from error
