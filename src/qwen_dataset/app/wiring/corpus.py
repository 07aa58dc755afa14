"""Named files and folders to papers, in a fixed order; what is not a paper is noted, never fatal."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import attrs

from ...domain.papers import Paper
from ...errors import ReadError, SettingError
from ..dataset.target import OutputFormat
from ..engine.scratch import ScratchDatabase
from . import plugins

_NOTED = 100  # how many of each kind are remembered by name
_NOTED_A_FILE = 10  # how many broken records of one dump
_DATASET_SUFFIXES = (".jsonl", ".ndjson")


@attrs.define
class ReadReport:
    """What became of the files: counts, and the first hundred of each kind in words.

    ``unread``: named by a person or of a reader's suffix, and failed. ``ignored``: other files found in a folder.
    ``repeated``: the same paper as one read before.
    """

    papers: int = 0
    unread: int = 0
    ignored: int = 0
    repeated: int = 0
    unread_notes: list[str] = attrs.field(factory=list)
    ignored_notes: list[str] = attrs.field(factory=list)
    repeated_notes: list[str] = attrs.field(factory=list)

    def note_unread(self, sentence: str, *, silent: bool = False) -> None:
        """Count what could not be read; a ``silent`` one is not remembered in words."""
        self.unread += 1
        if not silent and len(self.unread_notes) < _NOTED:
            self.unread_notes.append(sentence)

    def note_ignored(self, source: str) -> None:
        self.ignored += 1
        if len(self.ignored_notes) < _NOTED:
            self.ignored_notes.append(source)

    def note_repeated(self, sentence: str) -> None:
        self.repeated += 1
        if len(self.repeated_notes) < _NOTED:
            self.repeated_notes.append(sentence)


def read_papers(
    paths: Sequence[Path], report: ReadReport, *, strict: bool = False, leave_out: Collection[Path] = ()
) -> Iterator[Paper]:
    """Yield the papers below these files and folders, each once, folders in order of their names.

    A dataset that some job left in a folder is no paper. With ``strict`` the first file that cannot be
    read raises ReadError. ``leave_out`` names files and folders that are not papers wherever they stand (our own output
    and jobs). Raises SettingError for a path that does not exist, and when there is not a single paper.
    """
    own = {_real(path) for path in leave_out}
    if not paths:
        message = "no papers are named; name files or folders"
        raise SettingError(message)
    if missing := [path for path in paths if not path.exists()]:
        raise SettingError.of(f"{path} does not exist; name a file or folder of papers" for path in missing)
    with ScratchDatabase("CREATE TABLE papers (id BLOB PRIMARY KEY, source TEXT NOT NULL) WITHOUT ROWID") as seen:
        for file, source in (each for path in paths for each in _files(path, report, own)):
            failed = 0
            for found in _read(file, source):
                if isinstance(found, ReadError):
                    if strict:
                        raise found
                    failed += 1
                    report.note_unread(str(found), silent=failed > _NOTED_A_FILE)
                elif first := _seen_before(seen, found):
                    report.note_repeated(f"{found.source} is the same paper as {first}")
                else:
                    report.papers += 1
                    yield found
    if not report.papers:
        raise SettingError(_nothing(paths, report))


def own_files(papers: Sequence[Path], output: Path, jobs: Path | None, output_format: OutputFormat) -> list[Path]:
    """Return what is ours and not a paper, wherever it stands: the folder of the jobs, and an earlier output.

    Raises SettingError where the output would replace one of the papers.
    """
    target = output.resolve()
    is_input = target.is_file() and any(target.is_relative_to(path.resolve()) for path in papers)
    if is_input and target.stat().st_size and plugins.has_reader(target) and not output_format.recognise(target):
        message = f"the output {output} is one of the papers; choose another --output"
        raise SettingError(message)
    return [output] if jobs is None else [output, jobs]


def _seen_before(seen: ScratchDatabase, paper: Paper) -> str | None:
    """Note a paper; return the source of the copy that was read before, if any."""
    key = bytes.fromhex(paper.id)
    if seen.execute("INSERT OR IGNORE INTO papers VALUES (?, ?)", (key, paper.source)).rowcount:
        return None
    (first,) = seen.execute("SELECT source FROM papers WHERE id = ?", (key,)).fetchone()
    return str(first)


def _files(path: Path, report: ReadReport, own: Collection[str]) -> Iterator[tuple[Path, str]]:
    """Yield the files below a path with their sources: a file's name, or its path from the named folder on."""
    if not path.is_dir():
        yield path, _printable(path.name)
        return
    base = path.resolve().name

    def unreadable(error: OSError) -> None:
        report.note_unread(f"{_printable(str(error.filename))} cannot be read: {error.strerror}")

    for folder, folders, names in os.walk(path, onerror=unreadable):
        # Sorted in place, so that walk goes down in this order as well.
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and _real(Path(folder) / name) not in own
        )
        for name in sorted(names):
            file = Path(folder) / name
            source = _printable("/".join([base, *file.relative_to(path).parts]).lstrip("/"))
            if name.startswith(".") or not plugins.has_reader(file) or _real(file) in own or _is_dataset(file):
                report.note_ignored(source)
            else:
                yield file, source


def _is_dataset(file: Path) -> bool:
    """Say whether a file is what some job made: it lies among the papers, and is none."""
    # A pipe or device would be waited for without end.
    return file.suffix.lower() in _DATASET_SUFFIXES and file.is_file() and plugins.output_format().recognise(file)


def _read(file: Path, source: str) -> Iterator[Paper | ReadError]:
    if not plugins.has_reader(file):
        known = ", ".join(plugins.known_suffixes())
        yield ReadError(f"{source} has no reader for {file.suffix or 'a name without suffix'}; known: {known}")
        return
    if not file.is_file():
        # A pipe or device would be waited for without end.
        yield ReadError(f"{source} is not a regular file")
        return
    try:
        yield from plugins.read_file(file, source=source)
    except OSError as error:
        yield ReadError(f"{source} cannot be read: {error.strerror}")


def _real(path: Path) -> str:
    # Unlike Path.resolve this ends, and raises nothing, where links lead in a circle.
    return os.path.realpath(path)


def _printable(name: str) -> str:
    """Return a file's name as text that can be stored and shown, also where its bytes are not UTF-8."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _nothing(paths: Sequence[Path], report: ReadReport) -> str:
    where = ", ".join(str(path) for path in paths)
    if report.unread:
        return f"no paper could be read in {where}: {report.unread_notes[0]}"
    return f"no paper was found in {where}; papers end in {', '.join(plugins.known_suffixes())}"
