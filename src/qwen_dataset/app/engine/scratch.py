"""Room on the local disk for what does not fit in memory. All of it can be made again from Storage.

Both kinds of scratch have no name in the file system: a killed process leaves nothing behind.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from typing import Any, NoReturn, Self

from ...errors import StorageFull

_GATHERED = 1 << 18  # bytes that are written, or read in order, at once
_READ_AHEAD = 1 << 17  # bytes


class ScratchDatabase:
    """An unnamed SQLite database that spills to disk and is gone when closed.

    Every method raises StorageFull when the disk has no room.
    """

    def __init__(self, *tables: str) -> None:
        # Used by one thread at a time; another one may close it.
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        # 16 MB of it stay in memory: a job has several of them, and twice as much is hardly faster.
        for statement in ("PRAGMA journal_mode=OFF", "PRAGMA synchronous=OFF", "PRAGMA cache_size=-16000", *tables):
            self.execute(statement)
        # Never ended: nobody else reads it, and a transaction for each statement costs more than the statement.
        self.execute("BEGIN")

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

    def executemany(self, statement: str, rows: Iterable[tuple[Any, ...]]) -> int:
        """Run one statement for each row, and return how many rows of the table it changed."""
        try:
            return self._database.executemany(statement, rows).rowcount
        except sqlite3.OperationalError as error:
            no_room(error)


class Spool:
    """Lines appended once and read in order, or one by one at their place."""

    def __init__(self) -> None:
        try:
            # Lines are gathered here and not by the file: it would forget them at each reading in between.
            self._file = tempfile.TemporaryFile(prefix="qwen-dataset-", buffering=0)  # noqa: SIM115 - see __exit__
        except OSError as error:
            no_room(error)
        self._end = 0
        self._gathered: list[bytes] = []
        self._gathered_bytes = 0
        self._ahead = b""
        self._ahead_at = self._last_end = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # What could not be written is not needed any more.
        with contextlib.suppress(OSError):
            self._file.close()

    @property
    def size(self) -> int:
        """How many bytes were appended."""
        return self._end

    def append(self, line: bytes) -> tuple[int, int]:
        """Add one line (newline included) and return its offset and length in bytes."""
        place = (self._end, len(line))
        self._gathered.append(line)
        self._gathered_bytes += len(line)
        self._end += len(line)
        if self._gathered_bytes >= _GATHERED:
            self._write()
        return place

    def read(self, offset: int, length: int) -> bytes:
        """Return the line at this place."""
        begin = offset - self._ahead_at
        end = begin + length
        if begin < 0 or end > len(self._ahead):
            self._look(offset, length)
            begin = offset - self._ahead_at
            end = begin + length
        self._last_end = offset + length
        return self._ahead[begin:end]

    def _look(self, offset: int, length: int) -> None:
        """Have the bytes of a place at hand, and those around it where lines are read about in their order."""
        self._write()
        begin, end = offset, offset + length
        # Elsewhere they would be read for nothing.
        if abs(offset - self._last_end) <= _READ_AHEAD:
            if offset > self._last_end:
                # What was passed over may be wanted next.
                begin = max(0, offset - _READ_AHEAD // 4)
            end = max(end, min(begin + _READ_AHEAD, self._end))
        try:
            self._file.seek(begin)
            self._ahead = self._whole(end - begin)
        except OSError as error:
            no_room(error)
        self._ahead_at = begin

    def __iter__(self) -> Iterator[bytes]:
        """Yield every line in order; nothing may be appended meanwhile."""
        self._write()
        place, begun = 0, list[bytes]()
        while place < self._end:
            try:
                # Somebody may have read elsewhere meanwhile.
                self._file.seek(place)
                piece = self._whole(min(_GATHERED, self._end - place))
            except OSError as error:
                no_room(error)
            place += len(piece)
            first, *others = piece.split(b"\n")
            begun.append(first)
            for line in others:
                # A line may be longer than many pieces: it is put together once.
                yield b"".join(begun) + b"\n"
                begun = [line]

    def _whole(self, length: int) -> bytes:
        """Return so many bytes; an unbuffered file may give fewer at once."""
        data: bytes = self._file.read(length)
        while len(data) < length:
            more = self._file.read(length - len(data))
            if not more:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            data += more
        return data

    def _write(self) -> None:
        if not self._gathered:
            return
        data = memoryview(b"".join(self._gathered))
        try:
            self._file.seek(self._end - len(data))
            while data:
                data = data[self._file.write(data) :]
        except OSError as error:
            no_room(error)
        self._gathered, self._gathered_bytes = [], 0


def no_room(error: Exception) -> NoReturn:
    """Raise StorageFull for what the folder for temporary files could not take."""
    where = tempfile.gettempdir() if tempfile.tempdir else "the folder for temporary files (TMPDIR)"
    message = f"{where} has no room for temporary files ({error}); free some space or set TMPDIR to another folder"
    raise StorageFull(message) from error
