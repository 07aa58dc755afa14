# Paths are plain strings here: nothing may normalise them.
# ruff: noqa: PTH112, PTH116, PTH120
"""The dataset as a JSONL file: whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

from ...errors import OutputError, SettingError
from .._durable import CANNOT_SYNC, Disk, TempFile, reason, sweep, write_all

_BUFFER_BYTES = 256 * 1024
_BEGUN_BYTES = 4_000_000  # put on the disk at once
_OWN_DESCRIPTOR = re.compile(r"/dev/(?:fd/(\d+)|stdout|stderr)|/proc/self/fd/(\d+)")

_LONGEST_LOOK = 10_000_000  # bytes of a first line


class JsonlWriter:
    """Writes one JSON object a line; the file changes only at ``commit``, and then at once.

    ::

        with JsonlWriter(Path("out.jsonl")) as writer:
            writer.write({"instruction": "..."})
            writer.commit()

    - Without ``commit`` (an error, Ctrl-C, a kill) an existing file stays as it was.
    - An existing file keeps its permissions; a symbolic link is followed and stays a link.
    - What is no regular file (``/dev/null``, a pipe, a terminal) and ``/dev/stdout`` in any form are written in place
      as the lines come, and never replaced or removed.
    - ``digest`` is the sha256 of everything written so far, as ``digest`` of the finished file will tell.

    Entering, writing and committing raise ``OutputError`` with one sentence that names the path. Not for use from
    several threads at once.
    """

    def __init__(self, path: Path, *, disk: Disk | None = None) -> None:
        self.path = path
        self._disk = disk or Disk()
        self._buffer = bytearray()
        self._hash = hashlib.sha256()  # of what has left the buffer
        self._written = self._begun = 0  # bytes of it, and of those what the system was asked to put on the disk
        self._target = os.fspath(path)
        self._temp: TempFile | None = None
        self._special: int | None = None

    def __enter__(self) -> Self:
        if problem := _problem(self.path):
            raise OutputError(problem)
        with _failing(self.path):
            if _is_special(self._target):
                self._special = _open_special(self._target)
            else:
                # A link that leads nowhere yet is followed too: the file is made where it points.
                self._target = os.path.realpath(self._target)
                folder = os.path.dirname(self._target)
                sweep(folder, time.time(), self._disk)
                self._temp = TempFile(folder, self._disk)
                # At once, not at the end: what is written into a private file is private from its first line.
                _keep_permissions(self._target, self._temp.open())
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._close()

    @property
    def digest(self) -> str:
        """The sha256 of what was written so far, in hex."""
        so_far = self._hash.copy()
        so_far.update(self._buffer)
        return so_far.hexdigest()

    def write(self, record: Mapping[str, Any]) -> None:
        """Add one line: UTF-8, keys in the order given."""
        plain = record if type(record) is dict else dict(record)
        try:
            line = orjson.dumps(plain, option=orjson.OPT_APPEND_NEWLINE)
        except TypeError as error:
            raise OutputError(f"a sample for {self.path} cannot be written as JSON: {error}") from error
        self._append(line)

    def _append(self, line: bytes) -> None:
        if self._temp is None and self._special is None:
            raise self._not_open()
        self._buffer += line
        if len(self._buffer) >= _BUFFER_BYTES:
            self._flush()

    def copy(self, path: Path, wanted: Callable[[Mapping[str, Any]], bool]) -> Iterator[Mapping[str, Any]]:
        """Add each line of an existing file whose record is wanted as it is, and yield the record.

        Raises OutputError naming a broken line.
        """
        with _failing(path, "read"), path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if not line.strip():
                    continue
                try:
                    record = orjson.loads(line)
                except orjson.JSONDecodeError as error:
                    raise OutputError(
                        f"{path} cannot be added to: line {number} is not JSON; mend or remove it"
                    ) from error
                if not isinstance(record, dict):
                    raise OutputError(f"{path} cannot be added to: line {number} is not an object; mend or remove it")
                if wanted(record):
                    self._append(line if line.endswith(b"\n") else line + b"\n")
                    yield record

    def commit(self) -> None:
        """Make what was written the content of the file, durably. Nothing can be written after it."""
        self._flush()
        with _failing(self.path):
            if self._temp is not None:
                self._temp.replace(self._target)
            else:
                _sync_special(self._disk, self._descriptor())
        self._close()

    def _descriptor(self) -> int:
        descriptor = self._temp.descriptor if self._temp is not None else self._special
        if descriptor is None:
            raise self._not_open()
        return descriptor

    def _not_open(self) -> OutputError:
        return OutputError(f"{self.path} is not open for writing")

    def _flush(self) -> None:
        descriptor = self._descriptor()
        try:
            with _failing(self.path):
                write_all(self._disk, descriptor, self._buffer)
        except OutputError:
            # Nobody knows how much of the buffer was written: a second try must not write it twice.
            self._close()
            raise
        self._hash.update(self._buffer)
        self._written += len(self._buffer)
        self._buffer.clear()
        # Or else ``commit`` would keep its caller waiting until the whole file is on the disk. Where the lines stand in
        # a special file, nobody knows.
        if self._special is None and (new := self._written - self._begun) >= _BEGUN_BYTES:
            self._disk.begin_sync(descriptor, self._begun, new)
            self._begun = self._written

    def _close(self) -> None:
        if self._temp is not None:
            self._temp.discard()
            self._temp = None
        if self._special is not None:
            descriptor, self._special = self._special, None
            with suppress(OSError):
                self._disk.close(descriptor)


open = JsonlWriter  # noqa: A001  # the word of `OutputFormat`, which this module is: open, check, digest, recognise


def check(path: Path) -> None:
    """Raise ``SettingError`` if the dataset cannot be written to ``path``; the path itself is left as it is.

    Looking cannot tell everything (a folder of the kernel's, a read-only mount), so a hidden file is made and removed.
    """
    if problem := _problem(path):
        raise SettingError(problem)
    if _is_special(os.fspath(path)):
        return
    try:
        with JsonlWriter(path):
            pass
    except OutputError as error:
        raise SettingError(str(error)) from error


def recognise(path: Path) -> bool:
    """Say whether a file begins like a dataset: with an instruction and its output, or with an answer to a prompt."""
    try:
        with path.open("rb") as file:
            record = orjson.loads(file.readline(_LONGEST_LOOK))
    except (OSError, orjson.JSONDecodeError):
        return False
    return isinstance(record, dict) and (
        {"instruction", "output"} <= record.keys() or {"id", "request_id"} <= record.keys()
    )


def digest(path: Path) -> str | None:
    """Return the sha256 (hex) of a regular file, read in pieces; None where there is none. Raises ``OutputError``."""
    with _failing(path, "read"):
        try:
            if not stat.S_ISREG(os.stat(path).st_mode):
                return None
            with path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except (FileNotFoundError, NotADirectoryError):
            return None


def _problem(path: Path) -> str | None:
    """Say in one sentence why the dataset cannot be written to this path, as far as looking can tell; or None."""
    target = os.fspath(path)
    try:
        mode = os.stat(target).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return _folder_problem(path, os.path.dirname(os.path.realpath(target)))
    except (OSError, ValueError) as error:
        why = reason(error) if isinstance(error, OSError) else str(error)
        return f"the dataset cannot be written to {path}: {why}"
    if stat.S_ISDIR(mode):
        return f"the dataset cannot be written to {path}: it is a folder; name a file, such as {path / 'dataset.jsonl'}"
    if _OWN_DESCRIPTOR.fullmatch(target):
        return None
    if not os.access(target, os.W_OK):
        return f"the dataset cannot be written to {path}: permission is denied; change it or name another file"
    return _folder_problem(path, os.path.dirname(os.path.realpath(target))) if stat.S_ISREG(mode) else None


def _folder_problem(path: Path, folder: str) -> str | None:
    if os.path.isdir(folder):
        if os.access(folder, os.W_OK | os.X_OK):
            return None
        return f"the dataset cannot be written to {path}: no permission to create files in {folder}"
    ancestor = folder
    while not os.path.lexists(ancestor):
        ancestor = os.path.dirname(ancestor)
    if os.path.isdir(ancestor):
        return f"the dataset cannot be written to {path}: the folder {folder} does not exist; create it first"
    return f"the dataset cannot be written to {path}: {ancestor} is not a folder"


def _is_special(target: str) -> bool:
    if _OWN_DESCRIPTOR.fullmatch(target):
        # Also where the shell sent it to a regular file: replacing that would cut off whatever else we print there.
        return True
    try:
        return not stat.S_ISREG(os.stat(target).st_mode)
    except FileNotFoundError:
        return False


def _open_special(target: str) -> int:
    if match := _OWN_DESCRIPTOR.fullmatch(target):
        # The very same open file, so that its position is shared with what is printed; opened anew it begins at 0.
        number = match[1] or match[2] or ("2" if target.endswith("stderr") else "1")
        return os.dup(int(number))
    return os.open(target, os.O_WRONLY)


def _keep_permissions(target: str, descriptor: int) -> None:
    if sys.platform == "win32":  # pragma: no cover - no such permissions there
        return
    try:
        old = os.stat(target)
    except FileNotFoundError:
        return
    new = os.fstat(descriptor)
    if (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid):
        # Only root may give a file away; for others the content matters more than the owner.
        with suppress(OSError):
            os.fchown(descriptor, old.st_uid, old.st_gid)
    os.fchmod(descriptor, stat.S_IMODE(old.st_mode))


def _sync_special(disk: Disk, descriptor: int) -> None:
    try:
        disk.fsync(descriptor)
    except OSError as error:
        if error.errno not in CANNOT_SYNC | {errno.EROFS}:
            raise


@contextmanager
def _failing(path: Path, done: str = "written") -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(f"{path} could not be {done}: {reason(error)}") from error
