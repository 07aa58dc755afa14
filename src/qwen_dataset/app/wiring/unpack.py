"""Bytes of a file as they were before they were packed, never more than a bound."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from ...domain.papers import Paper
from ...errors import ReadError
from .read_limits import ReadLimits, megabytes

PACKED = ".gz"

_MB = 1_000_000
_PIECE = 1024 * 1024
# Text packs to a fifth, a dull one to a fiftieth; zeros to a thousandth.
_BOMB_TIMES = 200
_BOMB_BYTES = 32 * _MB


def is_packed(name: str) -> bool:
    """Say whether a file of this name is packed."""
    return name.lower().endswith(PACKED)


def whole(path: Path, *, source: str, limits: ReadLimits) -> bytes:
    """Return a file's bytes, unpacked. Raises ReadError where there are too many, or not all of them; and OSError."""
    most = limits.file_bytes
    if not is_packed(path.name):
        with path.open("rb") as file:
            data = file.read(most + 1)
        if len(data) > most:
            raise ReadError(f"{source} is larger than {megabytes(most)}; raise read_size to read it")
        return data
    with _unpacked(path, source, most) as file:
        return b"".join(iter(lambda: file.read(_PIECE), b""))


@contextmanager
def stream(path: Path, *, source: str, limits: ReadLimits) -> Iterator[BinaryIO]:
    """Open a file to be read line by line, unpacked; reading may raise ReadError and OSError."""
    if not is_packed(path.name):
        with path.open("rb") as file:
            yield file
        return
    with _unpacked(path, source, limits.dump_bytes(path.stat().st_size)) as file:
        yield file


@contextmanager
def _unpacked(path: Path, source: str, most: int) -> Iterator[BinaryIO]:
    with path.open("rb") as packed, gzip.GzipFile(fileobj=packed) as file:
        raw = _Bounded(file, source, packed=path.stat().st_size, most=most)
        with io.BufferedReader(raw, _PIECE) as buffered:
            yield cast("BinaryIO", buffered)


class _Bounded(io.RawIOBase):
    """What comes out of a packed file, up to a bound."""

    def __init__(self, file: gzip.GzipFile, source: str, *, packed: int, most: int) -> None:
        self._file = file
        self._source = source
        self._packed = packed
        self._most = most
        self._count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # as io.BufferedReader calls it
        try:
            # Unpacks no more than is asked for.
            data = self._file.read(len(buffer))
        except EOFError:
            raise ReadError(f"{self._source} is cut off: the end of its gzip data is missing") from None
        except (gzip.BadGzipFile, zlib.error):
            raise ReadError(f"{self._source} is not gzip data, or damaged") from None
        self._count += len(data)
        if self._count > _BOMB_BYTES and self._count > _BOMB_TIMES * self._packed:
            raise ReadError(f"{self._source} unpacks to more than {_BOMB_TIMES} times its size, as no paper does")
        if self._count > self._most:
            raise ReadError(f"{self._source} unpacks to more than {megabytes(self._most)}; raise read_size to read it")
        buffer[: len(data)] = data
        return len(data)


class Lines:
    """The lines of a file, none longer than a bound: a longer one becomes an empty line, and a problem to be told.

    ``read`` counts the bytes so far.
    """

    def __init__(self, file: BinaryIO, *, source: str, most: int) -> None:
        self._file = file
        self._source = source
        self._most = most
        self._problems: list[ReadError] = []
        self._only_long = False
        self._is_blank = True
        self.read = 0

    def __iter__(self) -> Iterator[bytes]:
        number = 0
        while line := self._file.readline(self._most + 1):
            number += 1
            self.read += len(line)
            if len(line) > self._most:
                self._pass_over(line)
                self._only_long = self._is_blank
                where = f"{self._source} line {number}"
                self._problems.append(ReadError(f"{where} is longer than {megabytes(self._most)}; raise read_size"))
                yield b"\n"
            else:
                if self._is_blank and not line.isspace():
                    self._is_blank = self._only_long = False
                yield line

    def told(self, found: Iterable[Paper | ReadError]) -> Iterator[Paper | ReadError]:
        """Yield what a reader makes of the lines, and each problem at its place."""
        for each in found:
            yield from self.problems()
            # To the reader a file of nothing but one long line looks empty.
            if not (self._only_long and isinstance(each, ReadError)):
                yield each
        yield from self.problems()

    def problems(self) -> list[ReadError]:
        """Return the problems that have not been told."""
        told, self._problems = self._problems, []
        return told

    def _pass_over(self, line: bytes) -> None:
        while line and not line.endswith(b"\n"):
            line = self._file.readline(_PIECE)
