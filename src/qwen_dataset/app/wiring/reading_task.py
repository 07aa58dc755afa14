"""One thing to read, and what comes of it: the same in this process and in another one."""

from __future__ import annotations

import enum
import io
import os
from collections.abc import Iterator
from pathlib import Path

import attrs

from ...domain.papers import Paper
from ...errors import QwenDatasetError, ReadError
from ..codec import encode
from . import readers
from .companions import companions_of
from .projects import PartsFound
from .read_limits import ReadLimits
from .registry import described
from .unpack import is_packed

_PACKED_TIMES = 20


class What(enum.Enum):
    """What is to be done with a file."""

    PAPERS = "papers"
    LINES = "lines"
    PARTS = "parts"


@attrs.frozen(kw_only=True)
class Task:
    """What is to be read, in plain data. ``root`` is the folder in which companions are looked for.

    A path may hold bytes that are no text; here each of them is one character, so that every path can be sent.
    Of a dump some lines may be read alone (``What.LINES``): they are handed over with the task, the first of them has
    the number ``first_line``.
    """

    path: str
    source: str
    root: str
    what: What = What.PAPERS
    first_line: int = 1

    @classmethod
    def of(cls, path: Path, root: Path, *, source: str) -> Task:
        """Return the task to read the papers of a file. Whoever does it may be in another folder by then."""
        return cls(path=_sent(path), source=source, root=_sent(root))

    @property
    def file(self) -> Path:
        """The file to be read."""
        return _received(self.path)

    @property
    def folder(self) -> Path:
        """Where its companions are."""
        return _received(self.root)


def papers_in(task: Task, lines: bytes, limits: ReadLimits) -> Iterator[Paper | ReadError]:
    """Yield what a task gives. A fault of our own in one file is one file that could not be read.

    Raises SettingError where a reader cannot be used, and MemoryError.
    """
    path, source = task.file, task.source
    try:
        if task.what is What.LINES:
            each = io.BytesIO(lines)
            yield from readers.read_lines(path, each, source=source, first_line=task.first_line)
        else:
            companion = companions_of(path, task.folder, limits)
            yield from readers.read_file(path, source=source, companion=companion, limits=limits)
    except OSError as error:
        yield ReadError(f"{source} cannot be read: {error.strerror}")
    except (QwenDatasetError, MemoryError):
        raise
    except Exception as error:  # noqa: BLE001 - one bad file must not end the run
        yield ReadError(f"{source} could not be read, by a fault of ours ({described(error)}); please report it")


def parts_in(task: Task, limits: ReadLimits) -> PartsFound:
    """Return what a file says of itself; nothing where it cannot be read, which its reader will tell."""
    try:
        found = readers.parts_of(task.file, source=task.source, limits=limits)
        if found is None:
            return PartsFound()
        includes = tuple(str(name) for name in found.includes)
        return PartsFound(includes=includes, is_document=bool(found.is_document), is_figure=bool(found.is_figure))
    except (QwenDatasetError, MemoryError):
        raise
    except Exception:  # noqa: BLE001 - it is told when the file is read
        return PartsFound()


def most_output(task: Task, lines: bytes, limits: ReadLimits) -> int:
    """Return how many bytes of papers may come out of a task: a small file that gives more is a trap."""
    if task.what is What.LINES:
        return limits.output_bytes(len(lines))
    try:
        size = task.file.stat().st_size
    except OSError:
        size = 0
    return limits.output_bytes(size * _PACKED_TIMES if is_packed(task.path) else size)


def encoded(found: Paper | ReadError) -> bytes:
    """Return a paper as bytes of the codec, an error as its sentence."""
    return encode(found) if isinstance(found, Paper) else str(found).encode("utf-8", "backslashreplace")


def _sent(path: Path) -> str:
    return os.fsencode(os.path.abspath(path)).decode("latin-1")  # noqa: PTH100 - links stay


def _received(path: str) -> Path:
    return Path(os.fsdecode(path.encode("latin-1")))
