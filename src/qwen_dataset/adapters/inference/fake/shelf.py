"""The files of the fake's remote side: beside its log, or in memory where the log is."""

from __future__ import annotations

import os
import tempfile
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ....errors import BackendRejected, BackendUnavailable

_IN_MEMORY_BYTES = 1_000_000  # what is larger waits in a temporary file of the system's


class NewFile:
    """A file that is being written. It is kept by ``Shelf.keep``, else gone."""

    def __init__(self, file: IO[bytes], path: Path | None) -> None:
        self.file = file
        self.path = path

    def write(self, data: bytes) -> None:
        """Add to it. Raises ``BackendUnavailable`` where there is no room."""
        with _told():
            self.file.write(data)


class Shelf:
    """Keeps files by name in a folder (``PATH.files``), or in this object without a path.

    Many processes may use one folder: a file is written under a name of its own and then put in its place at once.
    """

    def __init__(self, path: str | os.PathLike[str] | None) -> None:
        self._folder = None if path is None else Path(f"{os.fspath(path)}.files")
        self._held: dict[str, IO[bytes]] = {}
        weakref.finalize(self, _close, self._held)

    @contextmanager
    def new(self) -> Iterator[NewFile]:
        """Give a file to write; one that was not kept is removed."""
        with _told():
            new = self._made()
        try:
            yield new
        finally:
            if new.file not in self._held.values():
                new.file.close()
            if new.path is not None:
                new.path.unlink(missing_ok=True)

    def keep(self, new: NewFile, name: str) -> None:
        """Keep what was written under this name."""
        with _told():
            new.file.flush()
            if new.path is None:
                self._held[name] = new.file
            else:
                new.path.replace(new.path.with_name(name))

    def lines(self, name: str) -> Iterator[bytes]:
        """Yield the lines of a file that was kept, as they are. Raises ``BackendRejected`` where it is gone."""
        held = self._held.get(name)
        if held is not None:
            yield from _from(held)
            return
        if self._folder is None:
            raise _gone(name)
        try:
            file = (self._folder / name).open("rb")
        except FileNotFoundError:
            raise _gone(name) from None
        with file, _told():
            yield from file

    def _made(self) -> NewFile:
        if self._folder is None:
            return NewFile(tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES), None)
        self._folder.mkdir(parents=True, exist_ok=True)
        descriptor, path = tempfile.mkstemp(dir=self._folder, prefix=".new-")
        return NewFile(os.fdopen(descriptor, "wb"), Path(path))


def _close(files: Mapping[str, IO[bytes]]) -> None:
    for file in files.values():
        file.close()


def _from(file: IO[bytes]) -> Iterator[bytes]:
    """Yield the lines of a file that others read meanwhile: each reader has its own place."""
    place = 0
    while True:
        file.seek(place)
        line = file.readline()
        if not line:
            return
        place = file.tell()
        yield line


def _gone(name: str) -> BackendRejected:
    return BackendRejected(f"the fake has no file {name!r} any more")


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        why = error.strerror or str(error)
        raise BackendUnavailable(
            f"a file beside the fake's remote file could not be written or read ({why})"
        ) from error
