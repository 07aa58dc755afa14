"""A file of many papers, cut into parts of whole lines: every core has its share of a large one."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from ...errors import ReadError
from . import unpack
from .inputs import Found
from .read_limits import ReadLimits
from .reading import Dump, Work
from .reading_task import Task, What
from .unpack import Lines

_PART_BYTES = 500_000


@attrs.define
class _Part:
    """Lines in the making; the first one has the number ``first``."""

    first: int = 1
    lines: list[bytes] = attrs.field(factory=list)
    size: int = 0

    def add(self, number: int, line: bytes) -> None:
        if not self.lines:
            if line.isspace():
                return
            self.first = number
        self.lines.append(line)
        self.size += len(line)


def in_parts(file: Found, task: Task, limits: ReadLimits) -> Iterator[Work]:
    """Yield the parts of a file in order, and in its place whatever cannot be read."""
    dump, part, is_empty = Dump(), _Part(), True

    def work_of(part: _Part) -> Work:
        lines = attrs.evolve(task, what=What.LINES, first_line=part.first)
        return Work(source=file.source, task=lines, lines=b"".join(part.lines), dump=dump)

    try:
        with unpack.stream(file.path, source=file.source, limits=limits) as stream:
            lines = Lines(stream, source=file.source, most=limits.line_bytes)
            for number, line in enumerate(lines, 1):
                if dump.is_given_up:
                    return
                problems = lines.problems()
                if not problems:
                    part.add(number, line)
                if part.lines and (problems or part.size >= _PART_BYTES):
                    yield work_of(part)
                    part, is_empty = _Part(), False
                for problem in problems:
                    yield Work(source=file.source, known=problem)
                    is_empty = False
    except (ReadError, OSError) as error:
        if part.lines:
            yield work_of(part)
        told = error if isinstance(error, ReadError) else ReadError(f"{file.source} cannot be read: {error.strerror}")
        yield Work(source=file.source, known=told)
        return
    if part.lines or is_empty:
        # Its reader says what is wrong with a file that holds nothing.
        yield work_of(part)
