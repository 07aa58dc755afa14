"""What is usual in a document, and what kind of line a line is by the look of it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from statistics import median

import attrs

from .lines import Line, Piece

LABEL = re.compile(
    r"[•‣▪◦●○–—∙·*-]|\(?(?:\d{1,3}|[a-zA-Z]|[ivx]{1,5})[.)]|\[[\w+]{1,12}\]|\d{1,2}(?:\.\d{1,2}){1,4}\.?|[IVX]{1,5}\.|[¹²³⁴⁵⁶⁷⁸⁹⁰*†‡]+"
)
_BULLET = re.compile(r"[•‣▪◦●○∙] ?|\[\d{1,3}\] |\(?\d{1,2}[.)] |\([a-z]\) ")
CAPTION = re.compile(
    r"(?:figure|fig\.|table|tab\.|algorithm|listing|scheme|box)\s*(?:\d+|[IVX]+)(?:\.\d+)*\s*(?:[.:|–—]|\s[A-Z(]|$)|[图表]\s*\d+",
    re.IGNORECASE,
)
FIGURE = re.compile(r"fig|图", re.IGNORECASE)
TABLE = re.compile(r"tab|表", re.IGNORECASE)
STEP = re.compile(r"\d{1,3}:(?:\s|$)")
ENDS = re.compile(r"[.!?:;。！？：；][”’\"')\]¹²³⁴-⁹]*$")
SENTENCE_ENDS = re.compile(r"[.!?。！？][”’\"')\]¹²³⁴-⁹]*$")


@attrs.frozen(kw_only=True)
class Measures:
    """What is usual in a document: the size of its type, and the distance of its lines in units of that size."""

    size: float
    pitch: float
    font: str


def measure(lines: Sequence[Line]) -> Measures:
    """Return the measures of a document by its lines of prose."""
    sizes: Counter[tuple[float, str]] = Counter()
    for line in lines:
        if line.mono < 0.5:
            sizes[round(line.size, 1), line.font] += len(line.text)
    if not sizes:
        sizes.update((round(line.size, 1), line.font) for line in lines)
    by_size: Counter[float] = Counter()
    for (size, _), count in sizes.items():
        by_size[size] += count
    size = by_size.most_common(1)[0][0] if by_size else 10.0
    font = max(((count, font) for (one, font), count in sizes.items() if one == size), default=(0, ""))[1]
    steps = [
        (before.y - after.y) / size
        for before, after in pairwise(lines)
        if before.column == after.column and same_size(before.size, size) and same_size(after.size, size)
    ]
    steps = [step for step in steps if 0.8 < step < 2.5]
    return Measures(size=size, pitch=median(steps) if steps else 1.2, font=font)


def room(line: Line) -> float:
    """Return how far a line stays from the right edge of its column, in points."""
    return line.right - line.x1


def is_item(line: Line) -> bool:
    """Say whether a line begins with the mark of a list item, a reference or a footnote."""
    return bool((len(line.pieces) > 1 and LABEL.fullmatch(line.pieces[0].text)) or _BULLET.match(line.text))


def text_x0(line: Line) -> float:
    """Return where the text of a line begins, behind its label if it has one."""
    if len(line.pieces) > 1 and LABEL.fullmatch(line.pieces[0].text):
        return line.pieces[1].x0
    label = _BULLET.match(line.text)
    return line.x0 + (line.x1 - line.x0) * label.end() / len(line.text) if label else line.x0


def same_size(one: float, other: float) -> bool:
    """Say whether two sizes of type are the same but for rounding."""
    return abs(one - other) < 0.07 * max(one, other)


def cells(line: Line) -> list[Piece]:
    """Return the pieces of a line that are far apart; a label and what it labels are one."""
    if len(line.pieces) > 1 and LABEL.fullmatch(line.pieces[0].text):
        return line.pieces[1:] if line.pieces[1].x0 - line.pieces[0].x1 < 4 * line.size else line.pieces
    return [piece for i, piece in enumerate(line.pieces) if not i or piece.x0 - line.pieces[i - 1].x1 > 0.9 * line.size]
