"""An append-only file of JSON lines that many processes may write and that survives a writer killed midway."""

from __future__ import annotations

import io
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import attrs
import orjson

from ....errors import BackendUnavailable

logger = logging.getLogger(__name__)

_BEGINS = b'{"op"'  # how the first line of such a file begins, whole or torn


@attrs.frozen
class Place:
    """Where a line stands in the file, in bytes."""

    offset: int
    length: int


class AppendLog:
    """Lines are only ever added, each under an exclusive lock, so all readers see the same order.

    The file is opened for each operation: nothing is held between them, so a process may be killed or forked at any
    moment. A torn last line is not read; the next writer starts on a new line, and the torn one is skipped from then
    on. Without a path the log lives in this object. Between processes it needs ``flock``, which Windows has not: there
    one process at a time may use a file. Raises ``BackendUnavailable`` when the file cannot be used.
    """

    def __init__(self, path: str | os.PathLike[str] | None) -> None:
        self._path = None if path is None else Path(path)
        self._memory = io.BytesIO()
        self._lock = threading.Lock()
        self._seen = 0

    @contextmanager
    def locked(self) -> Iterator[Transaction]:
        """Hold the log alone. What a transaction reads cannot change before it appends."""
        with self._lock:
            if self._path is None:
                yield Transaction(self, self._memory, self._remember)
                return
            try:
                with self._locked_file(self._path) as write, self._path.open("rb") as file:
                    yield Transaction(self, file, write)
            except OSError as error:
                why = f"cannot be used: it could not be written or read ({error.strerror or error})"
                raise BackendUnavailable(f"the fake's remote file {self._path} {why}") from error

    @contextmanager
    def _locked_file(self, path: Path) -> Iterator[Callable[[bytes], None]]:
        """Give the way to append. Not through a buffer: what it could not write it would try again when closed."""
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o644)
        try:
            _lock(descriptor)
            yield partial(_write_all, descriptor)
        finally:
            os.close(descriptor)  # lets go of the lock

    def _remember(self, data: bytes) -> None:
        self._memory.seek(0, os.SEEK_END)
        self._memory.write(data)

    def _unread(self, file: BinaryIO) -> Iterator[tuple[Place, dict[str, Any]]]:
        """Yield the lines added since the last time, by anyone."""
        if not self._seen:
            file.seek(0)
            begins = file.read(len(_BEGINS)).partition(b"\n")[0]
            if not _BEGINS.startswith(begins):
                raise BackendUnavailable(
                    f"{self._path} holds something else than the fake's remote side; name another file"
                )
        file.seek(self._seen)
        for line in file:
            if not line.endswith(b"\n"):
                return  # torn, or another system's writer is not done: not ours to judge yet
            place = Place(self._seen, len(line))
            self._seen += len(line)
            record = _parsed(line)
            if record is not None:
                yield place, record


class Transaction:
    """The log while it is locked."""

    def __init__(self, log: AppendLog, file: BinaryIO, write: Callable[[bytes], None]) -> None:
        self._log = log
        self._file = file
        self._write = write

    def unread(self) -> Iterator[tuple[Place, dict[str, Any]]]:
        """Yield the records this log object has not yet yielded; one is in memory at a time."""
        return self._log._unread(self._file)  # noqa: SLF001  # two halves of one thing

    def everything(self) -> Iterator[dict[str, Any]]:
        """Yield all records from the beginning; does not count as having read them."""
        self._file.seek(0)
        for line in self._file:
            record = _parsed(line) if line.endswith(b"\n") else None
            if record is not None:
                yield record

    def at(self, place: Place) -> dict[str, Any]:
        """Return the record at a place that ``unread`` gave."""
        self._file.seek(place.offset)
        record: dict[str, Any] = orjson.loads(self._file.read(place.length))
        return record

    def append(self, record: dict[str, Any]) -> None:
        """Add a line. When this returns, every process sees it, also if this one is killed next."""
        end = self._file.seek(0, os.SEEK_END)
        data = orjson.dumps(record) + b"\n"
        if end:
            self._file.seek(end - 1)
            if self._file.read(1) != b"\n":
                data = b"\n" + data  # heal what a killed writer left
        self._write(data)


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError:
        record = None
    if isinstance(record, dict) and "op" in record and "at" in record:
        return record
    logger.warning("the fake's remote file has a torn or foreign line of %d bytes; it is skipped", len(line))
    return None


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _lock(descriptor: int) -> None:
    """Wait until nobody else has the file."""
    if sys.platform != "win32":
        import fcntl  # noqa: PLC0415  # absent on Windows

        fcntl.flock(descriptor, fcntl.LOCK_EX)
