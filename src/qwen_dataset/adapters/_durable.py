# Paths are plain strings here: nothing may normalise them.
# ruff: noqa: PTH102, PTH105, PTH108, PTH116, PTH118
"""Files that are whole or absent, also after a loss of power: shared by the adapters that write files.

The order is always: write everything to a hidden file in the target's own folder, fsync it, link or rename it, fsync
the folder. ``Disk`` holds the system calls, one method each, so that a test can watch the order and make any of them
fail.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import stat
import sys
from contextlib import suppress

if sys.platform == "darwin":  # pragma: no cover
    import fcntl

TEMP_PREFIX = ".tmp-"
STALE_SECONDS = 24 * 3600.0
_TEMP_NAME = re.compile(r"\.tmp-qwen-dataset-\d+-[0-9a-f]{16}")
# Larger single writes fail on macOS.
_WRITE_BYTES = 64 * 1024 * 1024
_BINARY = getattr(os, "O_BINARY", 0)
# A file system that cannot sync this kind of file says so with one of these; nothing more can be done there.
CANNOT_SYNC = frozenset({errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP})

_REASONS = {
    errno.ENOSPC: "no space is left on its disk; free some and run again",
    errno.EDQUOT: "the disk quota is used up; free some space and run again",
    errno.EFBIG: "it would be larger than the limit of this process (ulimit -f) or file system",
    errno.EACCES: "permission is denied; change its permissions or choose another place",
    errno.EPERM: "the system does not permit it; change its permissions or choose another place",
    errno.EROFS: "its file system is read-only; choose another place",
    errno.ENAMETOOLONG: "its name is too long",
    errno.ENOENT: "it, or a folder on the way, does not exist",
    errno.ENOTDIR: "a part of the path that should be a folder is a file",
    errno.EISDIR: "it is a folder",
    errno.EPIPE: "whoever was reading it went away",
    errno.EIO: "the disk reported an input/output error",
    errno.ESTALE: "the network file system lost track of it",
    errno.EMFILE: "this process has too many files open (ulimit -n)",
}


def reason(error: OSError) -> str:
    """Say in a few words, for a person, why a system call failed."""
    known = _REASONS.get(error.errno) if error.errno is not None else None
    return known or (error.strerror or str(error) or type(error).__name__)


class Disk:
    """The system calls behind a durable write. Every method but ``begin_sync`` raises ``OSError``."""

    def create(self, path: str) -> int:
        """Create a file that must not exist, for writing; the user's umask applies."""
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o666)

    def write(self, descriptor: int, data: memoryview) -> int:
        return os.write(descriptor, data)

    def fsync(self, descriptor: int) -> None:
        if sys.platform == "darwin":  # pragma: no cover
            # There fsync only hands the data to the drive; F_FULLFSYNC makes the drive write it.
            with suppress(OSError):
                fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
                return
        os.fsync(descriptor)

    def begin_sync(self, descriptor: int, start: int, length: int) -> None:
        """Have the system begin to write a part of a file to the disk, hardly waiting; raises nothing.

        Linux does so for what it is told to drop from its memory, and keeps it there as long as it is being written.
        """
        if sys.platform == "linux":
            with suppress(OSError):
                os.posix_fadvise(descriptor, start, length, os.POSIX_FADV_DONTNEED)

    def close(self, descriptor: int) -> None:
        os.close(descriptor)

    def link(self, source: str, target: str) -> None:
        os.link(source, target)

    def replace(self, source: str, target: str) -> None:
        os.replace(source, target)

    def unlink(self, path: str) -> None:
        os.unlink(path)

    def mkdir(self, path: str) -> None:
        os.mkdir(path)

    def fsync_folder(self, path: str) -> None:
        if sys.platform == "win32":  # pragma: no cover - Windows cannot open a folder
            return
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            self.fsync(descriptor)
        except OSError as error:
            if error.errno not in CANNOT_SYNC:
                raise
        finally:
            os.close(descriptor)


class TempFile:
    """A file being written under a hidden name in the folder where it will stand. One call at a time.

    ``discard`` may be called at any moment and any number of times: it leaves nothing behind unless the file was
    published. Every method but ``discard`` raises ``OSError``.
    """

    def __init__(self, folder: str, disk: Disk) -> None:
        name = f"{TEMP_PREFIX}qwen-dataset-{os.getpid()}-{secrets.token_hex(8)}"
        self.path = os.path.join(folder, name)
        self.descriptor: int | None = None
        self._folder = folder
        self._disk = disk
        self._exists = False

    def open(self) -> int:
        self.descriptor = self._disk.create(self.path)
        self._exists = True
        return self.descriptor

    def write(self, data: bytes | bytearray) -> None:
        write_all(self._disk, self._opened(), data)

    def replace(self, target: str) -> None:
        """Make the content durable, put it in the place of ``target``, make that durable."""
        self._sync()
        self._disk.replace(self.path, target)
        self._exists = False
        self._disk.fsync_folder(self._folder)

    def link(self, target: str) -> None:
        """Like ``replace``, but raise ``FileExistsError`` if there is anything under ``target``."""
        self._sync()
        try:
            self._disk.link(self.path, target)
        except FileExistsError:
            # On NFS a repeated link request, whose first reply was lost, answers so although it was we who won.
            if os.stat(self.path).st_nlink < 2:
                raise
        self.discard()
        self._disk.fsync_folder(self._folder)

    def discard(self) -> None:
        """Close and remove the hidden file. Raises nothing: what cannot be removed now is removed by ``sweep``."""
        if self.descriptor is not None:
            descriptor, self.descriptor = self.descriptor, None
            with suppress(OSError):
                self._disk.close(descriptor)
        if self._exists:
            self._exists = False
            with suppress(OSError):
                self._disk.unlink(self.path)

    def _opened(self) -> int:
        assert self.descriptor is not None, "open() comes first"
        return self.descriptor

    def _sync(self) -> None:
        descriptor = self._opened()
        self._disk.fsync(descriptor)
        # Closed before it is renamed, which Windows requires.
        self.descriptor = None
        self._disk.close(descriptor)


def write_all(disk: Disk, descriptor: int, data: bytes | bytearray) -> None:
    """Write every byte: one system call may take fewer than it was given."""
    rest = memoryview(data)
    while rest:
        rest = rest[disk.write(descriptor, rest[:_WRITE_BYTES]) :]


def sweep(folder: str, now: float, disk: Disk) -> None:
    """Remove hidden files that crashed writers left in ``folder`` more than a day ago. Raises nothing.

    A day, because the clocks of two machines on a network file system differ, and a live writer touches its file.
    """
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if not _TEMP_NAME.fullmatch(entry.name):
                continue
            with suppress(OSError):
                found = entry.stat(follow_symlinks=False)
                if stat.S_ISREG(found.st_mode) and now - found.st_mtime > STALE_SECONDS:
                    disk.unlink(entry.path)
