# Paths are plain strings here: nothing may normalise them.
# ruff: noqa: PTH112, PTH114, PTH118, PTH120
"""The blocking half of ``FileStorage``: keys as paths below a root, and what a system call's failure means."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial

import attrs

from ...errors import InvalidKey, KeyExists, KeyNotFound, StorageError, StorageFull, StorageUnavailable
from .._durable import Disk, TempFile, reason, sweep
from .keys import segment_problem, split_key

PIECE_BYTES = 1024 * 1024
_KNOWN_FOLDERS = 4096
_READ_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_BINARY", 0)
    # A link could lead out of the root, and opening a pipe would wait for a writer.
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
)

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_ABSENT = frozenset({errno.ENOENT, errno.ENOTDIR})
_NO_HARD_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS})
_UNAVAILABLE = frozenset(
    {
        *(errno.EIO, errno.ESTALE, errno.EINTR, errno.EAGAIN, errno.EBUSY, errno.ENOMEM, errno.ENOLCK),
        *(errno.EMFILE, errno.ENFILE),
        *(errno.ETIMEDOUT, errno.ENETDOWN, errno.ENETUNREACH, errno.EHOSTDOWN, errno.EHOSTUNREACH),
        *(errno.ENOTCONN, errno.ECONNRESET),
        # Where a write is told so, somebody removed the folder meanwhile; the next try makes it again.
        errno.ENOENT,
    }
)


@contextmanager
def translated(key: str, path: str, done: str) -> Iterator[None]:
    """Turn an ``OSError`` into the error of the port; ``done`` is a past participle for the sentence."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise InvalidKey(key, "the file system cannot hold a name as long as this") from error
        kind: type[StorageError] = StorageError
        if error.errno in _FULL:
            kind = StorageFull
        elif error.errno in _UNAVAILABLE:
            kind = StorageUnavailable
        raise kind(f"{path} could not be {done}: {reason(error)}") from error


@attrs.frozen
class Place:
    """Where a key is on the disk."""

    key: str
    folders: tuple[str, ...]
    folder: str
    path: str


class Folder:
    """What ``FileStorage`` does, as blocking calls. They may run in several threads at once."""

    def __init__(self, root: str, now: Callable[[], float], disk: Disk) -> None:
        self._root = root
        self._now = now
        self._disk = disk
        self._known: set[str] = set()

    def place(self, key: str) -> Place:
        """Raises ``InvalidKey``; touches no disk."""
        *folders, name = split_key(key)
        folder = os.path.join(self._root, *folders)
        return Place(key, tuple(folders), folder, os.path.join(folder, name))

    def reader(self, place: Place) -> Reader:
        return Reader(place, lambda: self._refuse_links(place.key, place.folders))

    def temp(self, place: Place) -> TempFile:
        return TempFile(place.folder, self._disk)

    def read(self, place: Place) -> bytes:
        reader = self.reader(place)
        try:
            reader.open()
            # Nearly always one piece and the end of the file: a join of one piece copies nothing.
            return b"".join(iter(partial(reader.read, reader.size + 1), b""))
        finally:
            reader.close()

    def write(self, place: Place, data: bytes, if_absent: bool) -> None:
        temp = self.temp(place)
        try:
            self.begin(place, temp, if_absent)
            self.finish(place, temp, data, if_absent)
        finally:
            temp.discard()

    def begin(self, place: Place, temp: TempFile, if_absent: bool) -> None:
        """Refuse what cannot succeed before anything is written, make the folders, open the hidden file."""
        self._refuse_links(place.key, place.folders)
        with translated(place.key, place.path, "written"):
            if os.path.isdir(place.path):
                raise StorageError(f"{place.path} cannot be written: it is a folder that may hold other objects")
            if if_absent and os.path.lexists(place.path):
                self._refuse_existing(place)
            self._make_folders(place)
            try:
                temp.open()
            except FileNotFoundError:
                # Somebody removed a folder that we knew.
                self._known.clear()
                self._make_folders(place)
                temp.open()

    def append(self, place: Place, temp: TempFile, data: bytes | bytearray) -> None:
        with translated(place.key, place.path, "written"):
            temp.write(data)

    def finish(self, place: Place, temp: TempFile, rest: bytes | bytearray, if_absent: bool) -> None:
        """Write the rest and make the object visible."""
        self.append(place, temp, rest)
        with translated(place.key, place.path, "written"):
            if if_absent:
                self._link(place, temp)
            else:
                temp.replace(place.path)

    def remove(self, place: Place) -> None:
        self._refuse_links(place.key, place.folders)
        with translated(place.key, place.path, "deleted"):
            # A folder is no object, so there is nothing to delete.
            if os.path.isdir(place.path) and not os.path.islink(place.path):
                return
            with suppress(FileNotFoundError, NotADirectoryError):
                self._disk.unlink(place.path)
                self._disk.fsync_folder(place.folder)

    def is_object(self, place: Place) -> bool:
        self._refuse_links(place.key, place.folders)
        with translated(place.key, place.path, "listed"):
            try:
                return stat.S_ISREG(os.lstat(place.path).st_mode)
            except OSError as error:
                if error.errno in _ABSENT:
                    return False
                raise

    def names(self, folders: tuple[str, ...]) -> list[str]:
        """Return the names in a folder, those of folders with "/" behind them, in the order of the keys below it.

        The "/" takes part in sorting: "a.b" stands before "a/b". Links and names that are no keys are left out.
        """
        self._refuse_links("/".join(folders), folders)
        path = os.path.join(self._root, *folders)
        names = []
        with translated("/".join(folders), path, "listed"):
            try:
                with os.scandir(path) as entries:
                    for entry in entries:
                        if segment_problem(entry.name):
                            continue
                        if entry.is_dir(follow_symlinks=False):
                            names.append(f"{entry.name}/")
                        elif entry.is_file(follow_symlinks=False):
                            names.append(entry.name)
            except OSError as error:
                if error.errno not in _ABSENT:
                    raise
        names.sort()
        return names

    def _link(self, place: Place, temp: TempFile) -> None:
        try:
            temp.link(place.path)
        except FileExistsError:
            self._refuse_existing(place)
        except OSError as error:
            if error.errno in _NO_HARD_LINKS:
                raise StorageError(
                    f"{place.path} cannot be created safely: the file system of {self._root} refuses hard links"
                    f" ({error.strerror}); keep the jobs on another file system"
                ) from error
            raise

    def _refuse_existing(self, place: Place) -> None:
        # Its writer may have been killed before this fsync, and the caller will rely on what is there.
        self._disk.fsync_folder(place.folder)
        raise KeyExists(place.key)

    def _make_folders(self, place: Place) -> None:
        """Make the folders of a place, durably, and sweep its own folder: once for each folder known to this object."""
        if place.folder in self._known:
            return
        if len(self._known) >= _KNOWN_FOLDERS:
            self._known.clear()
        missing = []
        ancestor = self._root
        while not os.path.isdir(ancestor):
            missing.append(ancestor)
            ancestor = os.path.dirname(ancestor)
        for folder in reversed(missing):
            self._make_folder(folder)
        folder = self._root
        for name in place.folders:
            folder = os.path.join(folder, name)
            # Also when it exists: whoever made it may have been killed before the fsync.
            if folder not in self._known:
                self._make_folder(folder)
                self._known.add(folder)
        self._known.add(place.folder)
        sweep(place.folder, self._now(), self._disk)

    def _make_folder(self, folder: str) -> None:
        try:
            self._disk.mkdir(folder)
        except FileExistsError:
            if not os.path.isdir(folder):
                raise StorageError(f"nothing can be stored below {folder}: it is not a folder") from None
        self._disk.fsync_folder(os.path.dirname(folder))

    def _refuse_links(self, key: str, folders: tuple[str, ...]) -> None:
        if self._leads_elsewhere(folders):
            raise InvalidKey(key, f"a folder on its way below {self._root} is a link, and links are not followed")

    def _leads_elsewhere(self, folders: tuple[str, ...]) -> bool:
        if os.name == "nt":  # pragma: no cover - junctions are there besides links, and names that are rewritten
            expected = os.path.join(os.path.realpath(self._root), *folders)
            found = os.path.realpath(os.path.join(self._root, *folders))
            return os.path.normcase(found) != os.path.normcase(expected)
        # A realpath would look at the way to the root as well, twice for every read; links may lead there.
        return any(os.path.islink(os.path.join(self._root, *folders[: depth + 1])) for depth in range(len(folders)))


class Reader:
    """An open object. It stays readable after a replace or delete, because the open file is the old one."""

    def __init__(self, place: Place, check: Callable[[], None]) -> None:
        self._place = place
        self._check = check
        self._descriptor: int | None = None
        self.size = 0  # in bytes, once it is open

    def open(self) -> None:
        """Raises ``KeyNotFound``, ``InvalidKey`` for a link."""
        place = self._place
        self._check()
        with translated(place.key, place.path, "read"):
            try:
                self._descriptor = os.open(place.path, _READ_FLAGS)
            except OSError as error:
                if error.errno in _ABSENT:
                    raise KeyNotFound(place.key) from None
                if error.errno == errno.ELOOP:
                    raise InvalidKey(place.key, f"{place.path} is a link, and links are not followed") from None
                raise
            found = os.fstat(self._descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise KeyNotFound(place.key)
            self.size = found.st_size

    def read(self, most: int = PIECE_BYTES) -> bytes:
        """Return the next piece, b"" at the end."""
        assert self._descriptor is not None
        with translated(self._place.key, self._place.path, "read"):
            return os.read(self._descriptor, most)

    def close(self) -> None:
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            with suppress(OSError):
                os.close(descriptor)
