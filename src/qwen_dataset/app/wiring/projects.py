"""Which files of a folder are papers, and which are parts of one: LaTeX is written in many files."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Sequence
from pathlib import PurePath
from typing import Self

import attrs

from ..engine.scratch import ScratchDatabase
from .inputs import Found
from .unpack import PACKED

_MOST_INCLUDES = 10_000  # of one file; no document has so many


@attrs.frozen(kw_only=True)
class PartsFound:
    """What a file says of itself, as it comes from a process that has read it."""

    includes: tuple[str, ...] = ()
    is_document: bool = False
    is_figure: bool = False


class Projects:
    """The files of all folders that may be parts, told apart once every one of them was added.

    A file that another one includes is a part of that, a figure is no paper, and the rest are papers. Of files that
    include each other in a circle the first document is the paper, or the first file. What only a figure includes is
    no part of a paper, and so is one itself unless it is a figure too.
    """

    def __init__(self) -> None:
        self._database = ScratchDatabase(
            "CREATE TABLE files (path TEXT PRIMARY KEY, source TEXT, root TEXT, document INT, figure INT, main TEXT,"
            " is_met INT DEFAULT 0) WITHOUT ROWID",
            "CREATE TABLE named (main TEXT, name TEXT)",
            "CREATE TABLE includes (main TEXT, part TEXT, PRIMARY KEY (main, part)) WITHOUT ROWID",
        )
        self._is_settled = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.__exit__()

    def add(self, file: Found, parts: PartsFound) -> None:
        """Note a file, and what it says of itself."""
        path = str(file.path)
        row = (_stored(path), file.source, _stored(str(file.root)), parts.is_document, parts.is_figure)
        self._database.execute(
            "INSERT OR IGNORE INTO files (path, source, root, document, figure) VALUES (?, ?, ?, ?, ?)", row
        )
        names = ((_stored(path), _stored(name)) for name in parts.includes[:_MOST_INCLUDES])
        self._database.executemany("INSERT INTO named VALUES (?, ?)", names)

    def why_not(self, file: Found) -> str | None:
        """Return why a file is no paper of its own, None where it is one."""
        if not self._is_settled:
            self._settle()
        found = self._database.execute(
            "SELECT one.figure, main.source FROM files AS one LEFT JOIN files AS main ON main.path = one.main"
            " WHERE one.path = ?",
            (_stored(str(file.path)),),
        ).fetchone()
        if found is None:
            return None
        is_figure, main = found
        if main is not None:
            return f"part of {main}"
        return "a figure" if is_figure else None

    def _settle(self) -> None:
        self._is_settled = True
        self._database.execute("CREATE INDEX by_main ON named (main)")
        self._database.execute("CREATE INDEX by_part ON includes (part)")
        self._link("SELECT path, root FROM files WHERE NOT document ORDER BY path", climbs=True)
        self._link("SELECT path, root FROM files WHERE document ORDER BY path", climbs=False)
        # A document that is a part names its own parts as the paper does that it belongs to.
        inner = "SELECT path, root FROM files WHERE document AND EXISTS (SELECT 1 FROM includes WHERE part = path)"
        self._link(f"{inner} ORDER BY path", climbs=True)
        # What nobody includes comes first: only where files include each other in a circle is there nothing of that.
        order = "SELECT path FROM files ORDER BY EXISTS (SELECT 1 FROM includes WHERE part = path), document DESC, path"
        for (path,) in self._all(order):
            self._meet(path)

    def _link(self, files: str, *, climbs: bool) -> None:
        """Note which files some of them include."""
        for path, root in self._all(files):
            for (name,) in self._all("SELECT name FROM named WHERE main = ?", path):
                part = self._part(path, root if climbs else str(PurePath(path).parent), name)
                if part not in (None, path):
                    self._database.execute("INSERT OR IGNORE INTO includes VALUES (?, ?)", (path, part))

    def _meet(self, top: str) -> None:
        """Mark what a paper includes, and what that includes; nothing where it is a part itself."""
        if not self._database.execute("UPDATE files SET is_met = 1 WHERE path = ? AND NOT is_met", (top,)).rowcount:
            return
        ((is_figure,),) = self._all("SELECT figure FROM files WHERE path = ?", top)
        left = [top]
        while left:
            main = left.pop()
            for (part,) in self._all("SELECT part FROM includes WHERE main = ? ORDER BY part", main):
                mark = "UPDATE files SET is_met = 1, main = ? WHERE path = ? AND NOT is_met AND figure >= ?"
                if self._database.execute(mark, (main, part, is_figure)).rowcount:
                    left.append(part)

    def _part(self, main: str, highest: str, name: str) -> str | None:
        """Return the file that is included by a name: from the file's own folder, or from one above it.

        LaTeX looks from the folder of the paper. That is a document's own; a part's is not known yet, so that every
        folder is looked through up to the ``highest``.
        """
        if not name or "\0" in name or os.path.isabs(name):  # noqa: PTH117 - a text, which may be no path
            return None
        folder = PurePath(main).parent
        own = PurePath(main.removesuffix(PACKED)).suffix
        for above in (folder, *folder.parents):
            for ending, packed in itertools.product(("", own, ".tex"), ("", PACKED)):
                path = os.path.normpath(above / f"{name}{ending}{packed}")
                if self._database.execute("SELECT 1 FROM files WHERE path = ?", (path,)).fetchone():
                    return path
            if str(above) == highest:
                break
        return None

    def _all(self, statement: str, *values: str | int) -> Iterator[Sequence[str]]:
        return iter(self._database.execute(statement, values))


def _stored(text: str) -> str:
    # SQLite takes text that is UTF-8, and the name of a file need not be.
    return os.path.normpath(text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace"))
