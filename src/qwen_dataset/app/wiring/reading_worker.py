"""The program of a process that reads: it is asked for one file after another, and ends with whoever started it.

What may go wrong with a file (no end, no memory, a crash) goes wrong here, in a process that can be replaced.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from ...errors import ReadError, SettingError
from ..codec import decode, encode
from .read_limits import ReadLimits
from .reading_task import Task, What, encoded, most_output, papers_in, parts_in
from .reading_wire import Reply, Unframed, framed

if TYPE_CHECKING:
    from ...domain.papers import Paper

_PIECE = 1024 * 1024
_LOOK_SECONDS = 1.0
# Whoever started this process stops it at the limit; this is for when nobody is there any more.
_ALARM_TIMES = 2
_ALARM_SECONDS = 10


def main(limits: bytes) -> None:
    """Read what standard input asks for, and answer on standard output, until there is nobody to answer."""
    bounds = decode(ReadLimits, limits, where="the limits of reading")
    inlet, outlet = _pipes()
    _end_with(os.getppid())
    _bound_memory(bounds.memory_mb)

    def say(kind: Reply, data: bytes = b"") -> None:
        _write(outlet, framed(kind, data))

    try:
        say(Reply.READY)
        messages = Unframed()
        while data := os.read(inlet, _PIECE):
            for _, asked in messages.feed(data):
                _answer(asked, bounds, say)
    except BrokenPipeError:
        pass


def _answer(asked: bytes, limits: ReadLimits, say: Callable[..., None]) -> None:
    head, _, lines = asked.partition(b"\n")
    task = decode(Task, head, where="a task")
    try:
        if task.what is What.PARTS:
            with _Alarm(limits.seconds):
                parts = encode(parts_in(task, limits))
            say(Reply.PARTS, parts)
        else:
            _answer_papers(task, lines, limits, say)
    except SettingError as error:
        say(Reply.SETTING, encoded(ReadError(str(error))))
    except MemoryError:
        say(Reply.NO_MEMORY)
        # What is left of the memory is in pieces.
        os._exit(0)
    say(Reply.DONE)


def _answer_papers(task: Task, lines: bytes, limits: ReadLimits, say: Callable[..., None]) -> None:
    left = most_output(task, lines, limits)
    papers = papers_in(task, lines, limits)
    while True:
        with _Alarm(limits.seconds):
            found = _next(papers, task.source)
        if found is None:
            return
        kind, data = found
        left -= len(data)
        if left < 0:
            # Whoever asked ends this process, and has another one go on behind what was too large.
            say(Reply.TOO_LARGE)
            return
        # Waits for as long as nobody wants it.
        say(kind, data)


def _next(papers: Iterator[Paper | ReadError], source: str) -> tuple[Reply, bytes] | None:
    found = next(papers, None)
    if found is None:
        return None
    try:
        return (Reply.UNREAD if isinstance(found, ReadError) else Reply.PAPER), encoded(found)
    except (TypeError, ValueError) as error:
        # Somebody else's reader may put anything into a paper.
        told = ReadError(f"{source} gave a paper that cannot be stored ({type(error).__name__}: {error})")
        return Reply.UNREAD, encoded(told)


class _Alarm:
    """The system ends this process where a piece of work takes far too long, in whatever code it is caught."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds * _ALARM_TIMES + _ALARM_SECONDS

    def __enter__(self) -> None:
        signal.setitimer(signal.ITIMER_REAL, self._seconds)

    def __exit__(self, *_: Any) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _pipes() -> tuple[int, int]:
    """Return both pipes, and leave to whoever prints in this process what cannot disturb them."""
    inlet, outlet = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    os.close(nothing)
    return inlet, outlet


def _write(outlet: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(outlet, view) :]


def _bound_memory(megabytes: int) -> None:
    import resource  # noqa: PLC0415 - Windows has none, and no process like this one

    most = megabytes * 1024 * 1024
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    if hard != resource.RLIM_INFINITY:
        most = min(most, hard)
    try:
        resource.setrlimit(resource.RLIMIT_AS, (most, hard))
    except (ValueError, OSError):
        # macOS has no such limit.
        return


def _end_with(parent: int) -> None:
    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_LOOK_SECONDS)
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    main(sys.argv[1].encode())
