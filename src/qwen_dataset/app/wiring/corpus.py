"""What a person names to papers, in a fixed order; what is not a paper is noted, never fatal."""

from __future__ import annotations

import contextlib
import itertools
import os
from collections import deque
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Self

import attrs

from ...domain.papers import Paper
from ...errors import ReadError, SettingError
from ..dataset.target import OutputFormat
from . import readers
from .dump_parts import in_parts
from .fetching import Fetcher, Listing
from .inputs import Found, Kind, Name, Named, files_of, meant, named, quoted_path
from .projects import PartsFound, Projects
from .read_limits import ReadLimits, check_stopped
from .read_report import ReadReport
from .reading import ReadingPool, Work
from .reading_task import Task, What, most_output, papers_in, parts_in
from .seen import SeenPapers

__all__ = ["Name", "ReadLimits", "ReadReport", "own_files", "read_papers"]

_NAMED = 10  # names in one sentence
_NOTED_A_FILE = 10  # how many broken records of one dump are told in words
# To start processes takes as long as to read so much of what is quick to read.
_READ_HERE_BYTES = 1_000_000
_READ_HERE_FILE_BYTES = 256_000
_LIMITS = ReadLimits()


def read_papers(
    papers: Sequence[Name] | Name,
    report: ReadReport,
    *,
    strict: bool = False,
    leave_out: Collection[Path] = (),
    limits: ReadLimits = _LIMITS,
    stopped: Callable[[], bool] = lambda: False,
) -> Generator[Paper, None, None]:
    """Yield the papers of files, folders, patterns, addresses and standard input, each paper once, in a fixed order.

    A dataset that some job left in a folder is no paper. With ``strict`` the first file that cannot be read raises
    ReadError. ``leave_out`` names files and folders that are not papers wherever they stand (our own output and jobs).
    Raises SettingError for a path that does not exist, for a reader or storage that cannot be used, and when there is
    not a single paper; what a storage raises; and JobUnfinished once ``stopped`` says so.

    Papers are read in processes of their own, but for a few small ones; closing the generator ends them. It is to be
    iterated and closed in one thread.
    """
    all_named = named(papers)
    own = {os.path.realpath(path) for path in leave_out}
    failed: dict[str, int] = {}
    with SeenPapers() as seen, _Reading(all_named, own, limits, stopped) as reading:
        for work, found in reading.answers(report):
            if isinstance(found, ReadError):
                if strict:
                    raise found
                count = failed[work.source] = failed.get(work.source, 0) + 1
                report.note_unread(str(found), silent=count > _NOTED_A_FILE)
            elif first := seen.before(found):
                is_itself = first == found.source
                same = f"{found.source} is the same paper as {first}"
                report.note_repeated(f"{found.source} was found again" if is_itself else same)
            else:
                if told := seen.alike(found):
                    report.note_alike(told)
                report.papers += 1
                yield found
    if not report.papers:
        raise SettingError(_nothing(all_named, report))


def own_files(
    papers: Sequence[Name] | Name, output: Path, jobs: Path | None, output_format: OutputFormat
) -> list[Path]:
    """Return what is ours and not a paper, wherever it stands: the folder of the jobs, and an earlier output.

    Raises SettingError where the output would replace one of the papers.
    """
    target = output.resolve()
    is_input = target.is_file() and any(each.covers(target) for each in meant(papers))
    if is_input and target.stat().st_size and readers.has_reader(target) and not output_format.recognise(target):
        message = f"the output {output} is one of the papers; choose another --output"
        raise SettingError(message)
    return [output] if jobs is None else [output, jobs]


class _Reading:
    """The reading of one corpus: what is named, to files, to papers. Closed, no process and no file of it is left."""

    def __init__(
        self, all_named: list[Named], own: Collection[str], limits: ReadLimits, stopped: Callable[[], bool]
    ) -> None:
        self._named = all_named
        self._own = own
        self._limits = limits
        self._stopped = stopped
        self._stack = contextlib.ExitStack()
        self._pool = self._stack.enter_context(ReadingPool(limits, stopped=stopped))
        self._fetcher = self._stack.enter_context(Fetcher(limits, stopped=stopped))
        self._projects: Projects | None = None
        self._listings: dict[str, Listing] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def answers(self, report: ReadReport) -> Iterator[tuple[Work, Paper | ReadError]]:
        """Yield what comes of every file, in order."""
        self._tell_parts_apart()
        files = self._papers(report)
        later: Iterator[Found] = iter(())
        left = _READ_HERE_BYTES
        for file in files:
            left -= _size(file.path) if self._limits.workers and file.problem is None else 0
            if self._limits.workers and file.problem is None and (left < 0 or not _is_quick(file.path)):
                later = itertools.chain([file], files)
                break
            yield from self._read_here(file)
        for work, answer in self._pool.read(each for file in later for each in self._work(file)):
            if not isinstance(answer, PartsFound):
                yield work, answer

    def _read_here(self, file: Found) -> Iterator[tuple[Work, Paper | ReadError]]:
        work = Work(source=file.source)
        if file.problem is not None:
            yield work, file.problem
            return
        task = _task(file)
        found, left = papers_in(task, b"", self._limits), most_output(task, b"", self._limits)
        while True:
            check_stopped(self._stopped)
            try:
                answer = next(found, None)
            except MemoryError:
                answer = ReadError(f"{file.source} needs more memory than there is and was left out")
            if answer is None:
                break
            left -= _characters(answer) if isinstance(answer, Paper) else 0
            if left < 0:
                # As of a process that reads: what came before is kept.
                told = f"{file.source} holds more text than a file of its size can and was left out"
                yield work, ReadError(told)
                break
            yield work, answer
        self._fetcher.done(file)

    def _papers(self, report: ReadReport) -> Iterator[Found]:
        """Yield the files that are papers, as far as that can be told from without."""
        for each in self._named:
            for file in self._files(each, report):
                why_not = None
                if self._projects is not None and _is_searched(each) and readers.has_parts(file.path):
                    why_not = self._projects.why_not(file)
                if why_not is None:
                    yield file
                else:
                    report.note_ignored(f"{file.source} ({why_not})")

    def _files(self, each: Named, report: ReadReport) -> Iterator[Found]:
        if each.kind is Kind.STDIN:
            yield self._fetcher.stdin()
        elif each.kind is Kind.ADDRESS:
            if each.text not in self._listings:
                self._listings[each.text] = self._fetcher.listing(each)
            yield from self._fetcher.files_of(self._listings[each.text], report)
        else:
            yield from files_of(each, report, self._own)

    def _tell_parts_apart(self) -> None:
        """Look into every file that may be a part of another one; a file that is named itself is a paper."""
        files = (file for each in self._named if _is_searched(each) for file in self._candidates(each))
        first = next(files, None)
        if first is None:
            return
        self._projects = self._stack.enter_context(Projects())
        for file, parts in self._parts(itertools.chain([first], files)):
            self._projects.add(file, parts)

    def _candidates(self, each: Named) -> Iterator[Found]:
        if each.kind is not Kind.ADDRESS:
            found = files_of(each, ReadReport(), self._own)
        else:
            self._listings[each.text] = listing = self._fetcher.listing(each)
            found = self._fetcher.parts_of(listing)
        return (file for file in found if file.problem is None and readers.has_parts(file.path))

    def _parts(self, files: Iterable[Found]) -> Iterator[tuple[Found, PartsFound]]:
        """Yield what each file says of itself; nothing where it cannot be looked into: its reader tells why."""
        asked: deque[Found] = deque()

        def work() -> Iterator[Work]:
            for file in files:
                asked.append(file)
                yield Work(source=file.source, task=attrs.evolve(_task(file), what=What.PARTS))

        if not self._limits.workers:
            yield from ((file, parts_in(attrs.evolve(_task(file), what=What.PARTS), self._limits)) for file in files)
            return
        for _, answer in self._pool.read(work()):
            yield asked.popleft(), answer if isinstance(answer, PartsFound) else PartsFound()

    def _work(self, file: Found) -> Iterator[Work]:
        if file.problem is not None:
            yield Work(source=file.source, known=file.problem)
        elif readers.is_by_line(file.path):
            yield from in_parts(file, _task(file), self._limits)
            self._fetcher.done(file)
        else:
            yield Work(source=file.source, task=_task(file), done=lambda: self._fetcher.done(file))


def _is_searched(each: Named) -> bool:
    """Say whether files are looked for there; one that a person names is a paper, whoever includes it."""
    return each.is_folder or each.kind is Kind.ADDRESS


def _task(file: Found) -> Task:
    return Task.of(file.path, file.root, source=file.source)


def _is_quick(path: Path) -> bool:
    return readers.is_light(path) and _size(path) <= _READ_HERE_FILE_BYTES


def _characters(paper: Paper) -> int:
    """Return how much text a paper holds; each section names all those around it."""
    return len(paper.text) + sum(len(title) for section in paper.sections for title in section.path)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _nothing(all_named: Sequence[Named], report: ReadReport) -> str:
    names = [quoted_path(each.text) for each in all_named]
    where = ", ".join(names if len(names) <= _NAMED else [*names[:_NAMED], "…"])
    if report.unread:
        return f"no paper could be read in {where}: {report.unread_notes[0]}"
    suffixes = ", ".join(readers.known_suffixes())
    if not report.ignored_notes:
        return f"no paper was found in {where}; papers end in {suffixes}"
    # One that says why, if there is one.
    first = next((note for note in report.ignored_notes if note.endswith(")")), report.ignored_notes[0])
    return f"no paper was found in {where}; papers end in {suffixes}; ignored: {first}"
