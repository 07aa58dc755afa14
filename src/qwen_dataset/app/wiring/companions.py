"""Files that a paper names in its text, looked for in the folder that a person named and nowhere else."""

from __future__ import annotations

import gzip
import io
import os
import stat
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from .read_limits import ReadLimits
from .unpack import PACKED, is_packed

Companion = Callable[[str], "bytes | None"]
"""The bytes of the file that a paper names so, None where there is none that may be read."""


class Parts(Protocol):
    """What a file of a project says of itself: the names of those it includes, and what it is."""

    @property
    def includes(self) -> Sequence[str]: ...
    @property
    def is_document(self) -> bool: ...
    @property
    def is_figure(self) -> bool: ...


def nothing_beside(_: str) -> bytes | None:
    """Return no companion: the paper stands alone."""
    return None


def companions_of(main: Path, root: Path, limits: ReadLimits) -> Companion:
    """Return how the companions of a main file are found: by their path from its folder, nowhere outside of ``root``.

    One that is not there may be packed beside it, with ``.gz`` behind its name. Absolute paths, links that leave the
    root, pipes and devices give None, and so does what is beyond ``size_mb`` for one paper, all companions together and
    unpacked.
    """
    inside = os.path.realpath(root)
    left = limits.file_bytes

    def look(name: str) -> bytes | None:
        nonlocal left
        # A name of the text may be anything, also what no file system takes.
        if not name or "\0" in name or os.path.isabs(name):  # noqa: PTH117 - a text, which may be no path
            return None
        for full in dict.fromkeys((name, name if is_packed(name) else name + PACKED)):
            try:
                data = _read(os.path.realpath(main.parent / full), inside, left)
                data = _unpacked(data, left) if data is not None and full != name else data
            except (OSError, ValueError, EOFError, zlib.error):
                continue
            if data is not None:
                left -= len(data)
                return data
        return None

    return look


def is_within(real: str, root: str) -> bool:
    """Say whether a path is that of a folder or of something below it; both without a link in them."""
    return real == root or real.startswith(root.rstrip(os.sep) + os.sep)


def _read(real: str, root: str, most: int) -> bytes | None:
    if not is_within(real, root):
        return None
    # Neither waits for a writer of a pipe, nor follows a link that was put there meanwhile.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0)
    descriptor = os.open(real, flags)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        with open(descriptor, "rb", closefd=False) as file:
            data = file.read(most + 1)
    finally:
        os.close(descriptor)
    return data if len(data) <= most else None


def _unpacked(data: bytes, most: int) -> bytes | None:
    with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
        unpacked = file.read(most + 1)
    return unpacked if len(unpacked) <= most else None
