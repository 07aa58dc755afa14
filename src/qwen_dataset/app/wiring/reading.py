"""Reading on all cores, in the order of the inputs: one bad file costs its place, never the run."""

from __future__ import annotations

import select
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Self

import attrs

from ...domain.papers import Paper
from ...errors import ReadError, SettingError
from ..codec import decode
from .projects import PartsFound
from .read_limits import ReadLimits, check_stopped
from .reading_process import ReadingProcess
from .reading_task import Task, What
from .reading_wire import Reply

_AHEAD = 2  # things to read under way or done, for each process
_HELD_BYTES = 8_000_000  # that wait for what comes before them
_LOOK_SECONDS = 0.2
_MOST_FAILURES = 10  # of the lines of one file

Answer = Paper | ReadError | PartsFound


@attrs.define
class Dump:
    """A file whose lines are read apart from each other; after so many that end a process the rest is left out."""

    failures: int = 0

    @property
    def is_given_up(self) -> bool:
        return self.failures >= _MOST_FAILURES


@attrs.frozen(kw_only=True)
class Work:
    """Something to read; or ``known``, what is known of it without. ``done`` is called when all of it was given."""

    source: str
    task: Task | None = None
    lines: bytes = b""
    dump: Dump | None = None
    known: ReadError | None = None
    done: Callable[[], None] = lambda: None


@attrs.define(eq=False)
class _Place:
    """A piece of work in its place among the others, and the answers that wait to be given."""

    work: Work
    answers: deque[tuple[Reply, bytes] | ReadError] = attrs.field(factory=deque)
    held: int = 0
    answered: int = 0
    process: ReadingProcess | None = None
    is_done: bool = False

    def add(self, reply: Reply, data: bytes) -> None:
        self.answers.append((reply, data))
        self.held += len(data)
        self.answered += 1


class ReadingPool:
    """Processes that read, started when there is work for them. Closed, none of them is left.

    ``stopped`` says whether a person wants this to end.
    """

    def __init__(self, limits: ReadLimits, *, stopped: Callable[[], bool] = lambda: False) -> None:
        self._limits = limits
        self._stopped = stopped
        self._processes: list[ReadingProcess] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.stop()
        self._processes.clear()

    def read(self, work: Iterator[Work]) -> Iterator[tuple[Work, Answer]]:
        """Yield what all work gives, in its order, whoever is ready first. One such at a time.

        Raises SettingError where a reader cannot be used, and JobUnfinished where a person stopped it.
        """
        places: deque[_Place] = deque()
        ahead = max(1, self._limits.workers * _AHEAD)
        more = True
        while True:
            while more and len(places) < ahead:
                following = next(work, None)
                more = following is not None
                if following is not None:
                    places.append(_Place(following))
            if not places:
                return
            self._hand_out(places)
            first = places[0]
            while first.answers:
                yield first.work, self._given(first)
            if first.is_done:
                first.work.done()
                places.popleft()
            else:
                self._listen(places)

    def _given(self, place: _Place) -> Answer:
        answer = place.answers.popleft()
        if isinstance(answer, ReadError):
            return answer
        reply, data = answer
        place.held -= len(data)
        match reply:
            case Reply.PAPER:
                return decode(Paper, data, where="a paper that was read")
            case Reply.PARTS:
                return decode(PartsFound, data, where="the parts of a paper")
            case Reply.SETTING:
                raise SettingError(data.decode())
            case _:
                return ReadError(data.decode())

    def _hand_out(self, places: deque[_Place]) -> None:
        for place in places:
            if place.is_done or place.process is not None:
                continue
            if place.work.task is None:
                place.is_done = True
                place.answers.extend([place.work.known] if place.work.known is not None else [])
                continue
            process = self._idle()
            if process is None:
                return
            place.process = process
            process.ask(place.work.task, place.work.lines)

    def _idle(self) -> ReadingProcess | None:
        found = next((each for each in self._processes if each.is_idle), None)
        if found is None and len(self._processes) < max(1, self._limits.workers):
            found = ReadingProcess(self._limits)
            self._processes.append(found)
        return found

    def _listen(self, places: deque[_Place]) -> None:
        """Wait until one of them says something, ends, or has been silent for too long."""
        check_stopped(self._stopped)
        now = time.monotonic()
        heard: dict[ReadingProcess, _Place] = {}
        for place in places:
            if place.process is None:
                continue
            if place is places[0] or place.held < _HELD_BYTES:
                heard[place.process] = place
            else:
                # It waits for us.
                place.process.since = now
        wait = min(_LOOK_SECONDS, max(0.0, min(process.due() for process in heard) - now))
        ready = _readable(list(heard), wait)
        for process in ready:
            self._hear(process, heard[process])
        now = time.monotonic()
        for process in heard.keys() - set(ready):
            if process.overdue(now):
                where, seconds = _where(heard[process]), f"{self._limits.seconds:g}"
                told = f"{where} took longer than {seconds} seconds to read and was left out (read_timeout)"
                self._fail(heard[process], told)

    def _hear(self, process: ReadingProcess, place: _Place) -> None:
        replies = process.hear()
        if replies is None:
            how = process.verdict()
            self._fail(place, f"{_where(place)} ended the process that read it ({how}) and was left out")
            return
        for reply, data in replies:
            if reply is Reply.DONE:
                process.is_idle = True
                place.process = None
                place.is_done = True
            elif reply is Reply.NO_MEMORY:
                where, most = _where(place), self._limits.memory_mb
                told = f"{where} needs more than {most} MB of memory to be read and was left out (read_memory)"
                self._fail(place, told)
                return
            elif reply is Reply.TOO_LARGE:
                self._fail(place, f"{_where(place)} holds more text than a file of its size can and was left out")
                return
            else:
                place.add(reply, data)

    def _fail(self, place: _Place, told: str) -> None:
        """Give up what a process is at, and the process with it; of a dump the lines behind go on in another one."""
        assert place.process is not None
        self._processes.remove(place.process)
        place.process.stop()
        place.process = None
        work, dump = place.work, place.work.dump
        place.answers.append(ReadError(told))
        place.is_done = True
        if dump is None or work.task is None:
            return
        dump.failures += 1
        if dump.is_given_up:
            rest = f"the rest of {work.task.source} was not read, after {dump.failures} records that could not be"
            place.answers.append(ReadError(rest))
            return
        number, lines = _behind(work.lines, place.answered)
        if lines.strip():
            task = attrs.evolve(work.task, first_line=work.task.first_line + number)
            place.work = attrs.evolve(work, task=task, lines=lines)
            place.answered = 0
            place.is_done = False


def _readable(processes: list[ReadingProcess], seconds: float) -> list[ReadingProcess]:
    # Not `select.select`, which knows no file descriptors above 1023.
    poll = select.poll()
    by_number = {process.fileno(): process for process in processes}
    for number in by_number:
        poll.register(number, select.POLLIN)
    return [by_number[number] for number, _ in poll.poll(seconds * 1000)]


def _where(place: _Place) -> str:
    """Return how a sentence calls what could not be read."""
    task = place.work.task
    assert task is not None
    if task.what is What.LINES:
        number, _ = _behind(place.work.lines, place.answered)
        return f"{task.source} line {task.first_line + number - 1}"
    if place.answered:
        return f"the rest of {task.source} (after {place.answered} papers)"
    return task.source


def _behind(lines: bytes, answered: int) -> tuple[int, bytes]:
    """Return how many lines there are up to the first one without an answer, with it, and what is behind that.

    Blank lines have no answer.
    """
    number = start = met = 0
    while start < len(lines) and met <= answered:
        end = lines.find(b"\n", start) + 1 or len(lines)
        met += bool(lines[start:end].strip())
        number += 1
        start = end
    return number, lines[start:]
