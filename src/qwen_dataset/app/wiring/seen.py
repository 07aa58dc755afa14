"""The papers that were read so far: the same one again, and the same one in another format."""

from __future__ import annotations

import re
from typing import Self

from ...domain.papers import BlockKind, Paper
from ..engine.scratch import ScratchDatabase

_GRAM = 5  # words
_PROSE = 20_000  # characters of it are compared
_LEAST = 20  # sequences of words that can prove anything
_ALIKE = 0.5
_COMPARED = 4  # papers of one title; a thousand that are named after their file must not be compared with each other
_SHORTEST_TITLE = 12
_LONGEST_TITLE = 300

_LETTERS = re.compile(r"[^\W\d_]+")
_CHINESE = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
# A Chinese character is a word of its own. Single letters belong to formulas, which differ from format to format.
_WORDS = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]|[^\W\d_\u3400-\u4dbf\u4e00-\u9fff]{2,}")


class SeenPapers:
    """Ids, titles and the first prose of papers, on the local disk."""

    def __init__(self) -> None:
        self._database = ScratchDatabase(
            "CREATE TABLE papers (id BLOB PRIMARY KEY, source TEXT NOT NULL) WITHOUT ROWID",
            "CREATE TABLE titles (title TEXT, source TEXT, reader TEXT, prose TEXT)",
            "CREATE INDEX by_title ON titles (title)",
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.__exit__()

    def before(self, paper: Paper) -> str | None:
        """Note a paper; return the source of the copy that was read before, if any."""
        key = bytes.fromhex(paper.id)
        if self._database.execute("INSERT OR IGNORE INTO papers VALUES (?, ?)", (key, paper.source)).rowcount:
            return None
        (first,) = self._database.execute("SELECT source FROM papers WHERE id = ?", (key,)).fetchone()
        return str(first)

    def alike(self, paper: Paper) -> str | None:
        """Note what a paper looks like; return the sentence that it looks like one that was read before, if so."""
        title = "".join(_LETTERS.findall(paper.title[:_LONGEST_TITLE].casefold()))
        if len(title) + 2 * len(_CHINESE.findall(title)) < _SHORTEST_TITLE:
            return None
        prose, reader = _prose(paper), paper.reader.partition("/")[0]
        same_title = "SELECT source, reader, prose FROM titles WHERE title = ? ORDER BY rowid LIMIT ?"
        others = self._database.execute(same_title, (title, _COMPARED)).fetchall()
        if len(others) < _COMPARED:
            # What is a sequence of words is looked for only where a title comes again.
            self._database.execute("INSERT INTO titles VALUES (?, ?, ?, ?)", (title, paper.source, reader, prose))
        ours = _grams(prose) if others else frozenset()
        for source, other_reader, other_prose in others:
            theirs = _grams(other_prose)
            smaller = min(len(ours), len(theirs))
            if smaller >= _LEAST and len(ours & theirs) >= _ALIKE * smaller:
                if reader == other_reader:
                    return f"{paper.source} looks like the same paper as {source} in another version; both are read"
                return f"{paper.source} looks like the same paper as {source} in another format; both are read"
        return None


def _grams(prose: str) -> frozenset[tuple[str, ...]]:
    words = _WORDS.findall(prose.casefold())
    return frozenset(zip(*(words[start:] for start in range(_GRAM)), strict=False))


def _prose(paper: Paper) -> str:
    parts: list[str] = []
    left = _PROSE
    for section in paper.sections:
        for block in section.blocks:
            if block.kind is BlockKind.PARAGRAPH:
                parts.append(paper.text[block.start : min(block.end, block.start + left)])
                left -= len(parts[-1])
                if left <= 0:
                    return "\n".join(parts)
    return "\n".join(parts)
