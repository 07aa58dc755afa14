"""How much reading may cost: seconds, memory, bytes and processes."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

import attrs

from ...errors import JobUnfinished

_MB = 1_000_000
# A file of papers may be so much larger than one paper; a large one may be so many times what it is when packed.
_DUMP_SIZES = 2.5
_DUMP_TIMES_PACKED = 20
_STREAM_SIZES = 100
_OUTPUT_BYTES = 64 * _MB
_OUTPUT_TIMES = 8


@attrs.frozen(kw_only=True)
class ReadLimits:
    """The bounds of reading.

    ``seconds`` bounds one paper (a file, or a record of a dump), ``memory_mb`` the address space of a process that
    reads, ``size_mb`` the bytes of one file, unpacked. ``processes`` is how many read: None is as many as there are
    cores, 0 reads in this process, where neither ``seconds`` nor ``memory_mb`` can be held to.
    """

    seconds: float = 60.0
    memory_mb: int = 2048
    size_mb: float = 200.0
    processes: int | None = None

    @property
    def file_bytes(self) -> int:
        """How large a file that is read whole may be, unpacked."""
        return int(self.size_mb * _MB)

    @property
    def line_bytes(self) -> int:
        """How long one line of a dump may be."""
        return self.file_bytes // 4

    @property
    def stream_bytes(self) -> int:
        """How much is taken from standard input or a storage for a file that is read line by line."""
        return self.file_bytes * _STREAM_SIZES

    def dump_bytes(self, packed: int) -> int:
        """Return how large a packed file that is read line by line may be, unpacked."""
        return max(int(self.file_bytes * _DUMP_SIZES), packed * _DUMP_TIMES_PACKED)

    @staticmethod
    def output_bytes(read: int) -> int:
        """Return how much may come out of so many bytes."""
        return _OUTPUT_BYTES + _OUTPUT_TIMES * read

    @property
    def workers(self) -> int:
        """How many processes read, 0 where this one does."""
        if sys.platform == "win32" or not sys.executable:
            # Pipes there cannot be waited for together; and without an interpreter there is nothing to start.
            return 0
        return _cores() if self.processes is None else self.processes


def megabytes(size: int) -> str:
    """Return a number of bytes as sentences tell it."""
    return f"{size / _MB:g} MB"


def check_stopped(stopped: Callable[[], bool]) -> None:
    """Raise JobUnfinished where a person wants the reading to end."""
    if stopped():
        message = "interrupted while papers were read; nothing was submitted"
        raise JobUnfinished(message)


def _cores() -> int:
    # A container or a batch system may leave this process some of the machine's cores only; macOS cannot say.
    ours = getattr(os, "sched_getaffinity", None)
    return len(ours(0)) if ours is not None else os.cpu_count() or 1
