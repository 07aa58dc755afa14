"""What a person names to the files that are meant: files, folders, patterns, addresses, standard input, lists."""

from __future__ import annotations

import enum
import os
import re
import stat
import sys
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import attrs

from ...errors import ReadError, SettingError
from . import patterns, plugins, readers
from .addresses import FILE, Address
from .companions import is_within
from .read_report import ReadReport
from .secrets import quoted

STDIN = "-"
"""Standard input, as people name it."""

Name = str | os.PathLike[str]
"""How a person names papers: a path, a pattern, the address of a storage, or ``-`` for standard input."""

_TOLD = 20  # missing paths told in words
_LIST_BYTES = 100_000_000
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):(//)?")
_DATASET_SUFFIXES = (".jsonl", ".ndjson")


class Kind(enum.Enum):
    """How something is named."""

    PATH = enum.auto()
    PATTERN = enum.auto()
    ADDRESS = enum.auto()
    STDIN = enum.auto()


@attrs.frozen
class Named:
    """One thing that a person named. ``path`` is the file, the folder, or the fixed part of a pattern."""

    text: str
    kind: Kind
    path: Path = Path()
    pattern: tuple[str, ...] = ()

    @classmethod
    def of(cls, given: Name) -> Named:
        """Return what is meant. Something of that very name comes first, whatever else it might mean."""
        text = os.fspath(given)
        if text == STDIN and isinstance(given, str):
            return cls(text, Kind.STDIN)
        if "\0" in text or os.path.lexists(text):
            return cls(text, Kind.PATH, Path(text))
        scheme = _SCHEME.match(text)
        if scheme and scheme[1] == FILE:
            return cls(text, Kind.PATH, Path(Address.parse(text, setting=quoted_path(text)).location))
        if scheme and (scheme[2] or plugins.is_storage(scheme[1])):
            return cls(text, Kind.ADDRESS)
        if patterns.is_pattern(text):
            return cls(text, Kind.PATTERN, *patterns.split(text))
        return cls(text, Kind.PATH, Path(text))

    @property
    def is_folder(self) -> bool:
        """Whether there may be many files in it, some of which are no papers."""
        return self.kind is Kind.PATTERN or (self.kind is Kind.PATH and self.path.is_dir())

    def covers(self, file: Path) -> bool:
        """Say whether a file of this machine is named, itself or by a folder or pattern; links are resolved."""
        if self.kind not in (Kind.PATH, Kind.PATTERN):
            return False
        real, root = os.path.realpath(file), os.path.realpath(self.path)
        if not is_within(real, root):
            return False
        states = patterns.begin(self.pattern)
        for name in Path(real).relative_to(root).parts:
            states = patterns.step(self.pattern, states, name)
        return len(self.pattern) in states


@attrs.frozen(kw_only=True)
class Found:
    """A file to be read. ``root`` is the folder in which what it names is looked for.

    ``is_spare``: it was brought to the local disk for reading, and goes afterwards. ``problem``: why it cannot be read.
    """

    path: Path
    source: str
    root: Path
    is_spare: bool = False
    problem: ReadError | None = None


def meant(given: Sequence[Name] | Name) -> list[Named]:
    """Return what is meant by each; a lone one is one paper, not a list of letters."""
    return [Named.of(each) for each in ([given] if isinstance(given, str | os.PathLike) else given)]


def named(given: Sequence[Name] | Name) -> list[Named]:
    """Return what is meant by each.

    Raises SettingError where nothing is named, and for all that does not exist, together.
    """
    found = meant(given)
    if not found:
        message = "no papers are named; name files or folders"
        raise SettingError(message)
    if any(not each.text.strip() for each in found):
        # Path("") is the current folder: an unset variable of a shell must not send all of it to a model.
        message = "one of the papers is named by an empty text; name a file or folder (. is the current one)"
        raise SettingError(message)
    if sum(each.kind is Kind.STDIN for each in found) > 1:
        message = f"standard input can be read once; name {STDIN} once"
        raise SettingError(message)
    missing = [told for told in map(_missing, found) if told is not None]
    if len(missing) > _TOLD:
        missing[_TOLD:] = [f"… and {len(missing) - _TOLD} more that do not exist"]
    if missing:
        raise SettingError.of(missing)
    return found


def listed(file: str) -> list[str]:
    """Return the lines of a file that lists papers, ``-`` being standard input: a path, pattern or address a line.

    Blank lines, and lines that begin with ``#``, are passed over. Relative paths are relative to the current folder, as
    they are for programs that made the list there. Raises SettingError.
    """
    where = quoted_path(file)
    try:
        if file == STDIN:
            data = stdin().read(_LIST_BYTES + 1)
        else:
            with Path(file).open("rb") as lines:
                data = lines.read(_LIST_BYTES + 1)
    except OSError as error:
        raise SettingError(f"the list of papers {where} cannot be read: {error.strerror}") from None
    if len(data) > _LIST_BYTES or b"\0" in data:
        raise SettingError(f"{where} is no list of papers; write one path a line")
    # A path may hold any byte.
    text = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")
    found = [line for line in (line.strip() for line in text.split("\n")) if line and not line.startswith("#")]
    if not found:
        raise SettingError(f"the list of papers {where} names none; write one path a line")
    return found


def stdin() -> BinaryIO:
    """Return standard input as bytes. Raises SettingError where it is closed."""
    if sys.stdin is None:
        message = "standard input is closed; name a file"
        raise SettingError(message)
    return sys.stdin.buffer


def files_of(each: Named, report: ReadReport, own: Collection[str]) -> Iterator[Found]:
    """Yield the files that a path or pattern names, those of folders in order of their names.

    ``own`` are real paths of what is no paper wherever it stands. What is ignored is noted in the report.
    """
    if not each.is_folder:
        source = printable(each.path.name)
        yield Found(path=each.path, source=source, root=each.path.parent, problem=_problem(each.path, source))
        return
    root = os.path.realpath(each.path)
    for file in _walk(each, report, own):
        source = _source(file, each.path, root)
        real = os.path.realpath(file)
        if not is_within(real, root):
            report.note_ignored(f"{source} (a link that leaves the folder)")
        elif file.name.startswith(".") or not readers.has_reader(file) or real in own or is_dataset(file):
            report.note_ignored(source)
        else:
            yield Found(path=file, source=source, root=each.path, problem=_problem(file, source))


def is_dataset(file: Path) -> bool:
    """Say whether a file is what some job made: it lies among the papers, and is none."""
    # A pipe or device would be waited for without end.
    return file.suffix.lower() in _DATASET_SUFFIXES and file.is_file() and plugins.output_format().recognise(file)


def printable(name: str) -> str:
    """Return a file's name as text that can be stored and shown, also where its bytes are not UTF-8."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _source(file: Path, folder: Path, root: str) -> str:
    """Return how a file of a folder is called: by its path from the folder's own name on."""
    return printable("/".join([Path(root).name, *file.relative_to(folder).parts]).lstrip("/"))


def _walk(each: Named, report: ReadReport, own: Collection[str]) -> Iterator[Path]:
    """Yield the files below a folder that fit its pattern; hidden folders and our own are left out."""

    def unreadable(error: OSError) -> None:
        report.note_unread(f"{printable(str(error.filename))} cannot be read: {error.strerror}")

    pattern, root = each.pattern, os.path.realpath(each.path)
    if pattern and not each.path.is_dir():
        return
    starts = [(each.path, patterns.begin(pattern))]
    followed: set[tuple[str, frozenset[int]]] = set()
    linked: set[str] = set()
    # Links that only a pattern reaches are added, and so come last.
    for start, begin in starts:
        states = {str(start): begin}
        for folder, folders, names in os.walk(start, onerror=unreadable):
            here = states.pop(folder)
            kept = []
            for name in sorted(folders):
                below = patterns.step(pattern, here, name)
                path = Path(folder) / name
                real = os.path.realpath(path)
                if name.startswith(".") or not below or real in own:
                    continue
                if path.is_symlink():
                    if not is_within(real, root):
                        report.note_ignored(f"{_source(path, each.path, root)} (a link that leaves the folder)")
                    elif pattern and (real, below) not in followed:
                        followed.add((real, below))
                        starts.append((path, below))
                    continue
                # As walk will call it.
                states[os.path.join(folder, name)] = below  # noqa: PTH118
                kept.append(name)
            # In place, so that walk goes down in this order as well, and no further.
            folders[:] = kept
            for name in sorted(names):
                file = Path(folder) / name
                if len(pattern) in patterns.step(pattern, here, name) and (
                    start == each.path or _is_new(each, file, linked)
                ):
                    yield file


def _is_new(each: Named, file: Path, linked: set[str]) -> bool:
    """Say whether a file below a link is found neither where it stands nor below an earlier link; note it."""
    real = os.path.realpath(file)
    if real in linked or each.covers(file):
        return False
    linked.add(real)
    return True


def _problem(file: Path, source: str) -> ReadError | None:
    if not readers.has_reader(file):
        known = ", ".join(readers.known_suffixes())
        return ReadError(f"{source} has no reader for {file.suffix or 'a name without suffix'}; known: {known}")
    if not _is_regular(file):
        # A pipe or device would be waited for without end.
        return ReadError(f"{source} is not a regular file")
    return None


def _is_regular(file: Path) -> bool:
    try:
        return stat.S_ISREG(file.stat().st_mode)
    except OSError:
        return False


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _missing(each: Named) -> str | None:
    if each.kind is Kind.PATH and not _exists(each.path):
        return f"{quoted_path(each.text)} does not exist; name a file or folder of papers"
    if each.kind is Kind.PATTERN and next(_walk(each, ReadReport(), ()), None) is None:
        return f"no file fits {quoted_path(each.text)}; name a file or folder of papers"
    return None


def quoted_path(text: str) -> str:
    """Return a path as a sentence shows it: on one line."""
    shown = printable(text)
    return shown if shown.isprintable() else quoted(shown)
