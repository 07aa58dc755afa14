"""A block with its text: a paragraph on one line, a listing as it was typed, a table by its cells."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from statistics import median

import attrs

from ....domain.papers import BlockKind
from .blocks import Chunk
from .joining import Words, join
from .lines import Line

_LETTERS = re.compile(r"\w+")
# An abstract is among the first blocks of a paper.
_WITHIN = 60
_ABSTRACT = re.compile(r"(abstract|摘\s*要)\s*[.:：—–-]+\s*(?=\S)", re.IGNORECASE)


@attrs.define(kw_only=True)
class Text:
    """A chunk with its text; ``level`` above 0 makes it a heading, ``title`` a part of the paper's title.

    Of a heading that its paragraph follows on the line, ``run_in`` is the length; ``listed`` means named by a bookmark.
    """

    chunk: Chunk
    text: str
    level: int = 0
    title: bool = False
    listed: bool = False
    run_in: int = 0


def text_of(chunk: Chunk, words: Words) -> str:
    """Return the text of a chunk: a paragraph on one line, everything else line by line."""
    if chunk.kind is BlockKind.PARAGRAPH:
        return join(chunk.lines, words)
    if chunk.kind is BlockKind.CODE:
        return _listing(chunk)
    if chunk.kind is BlockKind.TABLE:
        return "\n".join(" | ".join(piece.text for piece in line.pieces) for line in chunk.lines)
    return "\n".join(line.text for line in chunk.lines)


def _listing(chunk: Chunk) -> str:
    """Return a listing as it was typed: indentation, wide gaps and blank lines by their places."""
    left = min(line.x0 for line in chunk.lines)
    width = _advance(chunk)
    steps = sorted(above.y - below.y for above, below in pairwise(chunk.lines) if above.y > below.y)
    step = steps[len(steps) // 4] if steps else 0.0
    written: list[str] = []
    for i, line in enumerate(chunk.lines):
        if i and step:
            written += [""] * max(0, min(3, round((chunk.lines[i - 1].y - line.y) / step) - 1))
        written.append(_typed(line, left, width))
    return "\n".join(written)


def _advance(chunk: Chunk) -> float:
    """Return the distance from one character of a listing to the next: wider than a letter where each is placed."""
    runs = [run for line in chunk.lines for piece in line.pieces for run in piece.runs if run.font.mono]
    singles = [run.x1 - run.x0 for run in runs if len(run.text) == 1]
    widths: list[float] = []
    for run in runs:
        if len(run.text) > 2:
            width = (run.x1 - run.x0) / len(run.text)
            if singles and width < median(singles):
                width = median(singles)
            elif singles:
                width = (run.x1 - run.x0 - median(singles)) / (len(run.text) - 1)
            widths += [width] * len(run.text)
    return max(median(widths or singles), 0.1) if widths or singles else 0.5 * chunk.first.size


def _typed(line: Line, left: float, width: float) -> str:
    if line.mono < 0.5:
        # An algorithm in the type of prose: its words have their own widths, and only their beginnings tell.
        words = [(piece.x0, piece.text) for piece in line.pieces]
        gap, furthest = 1, 80
    else:
        words = [(run.x0, run.text + "-" * run.hyphen) for piece in line.pieces for run in piece.runs]
        gap, furthest = 0, 400
    parts: list[str] = []
    length = 0
    for x0, text in words:
        blanks = max(min(round((x0 - left) / width), furthest) - length, gap if parts else 0)
        parts.append(" " * blanks + text)
        length += blanks + len(text)
    return "".join(parts).rstrip()


def find_abstract(texts: Sequence[Text]) -> None:
    """Make the word at the beginning of an abstract a heading: "Abstract. We show that ..."."""
    for text in texts[:_WITHIN]:
        found = _ABSTRACT.match(text.text)
        if found and not text.level and text.chunk.kind is BlockKind.PARAGRAPH:
            text.level, text.run_in = 1, found.end()
            return


def bare(text: str) -> str:
    """Return the letters and digits of a text in lower case, for comparing titles."""
    return "".join(_LETTERS.findall(text)).casefold()
