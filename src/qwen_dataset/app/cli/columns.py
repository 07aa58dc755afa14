"""Tables and long sentences on a terminal of 80 columns, where a Chinese character takes two of them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

WIDTH = 80

# What is not cut: a word with the marks and spaces behind it, or one character of a text that has no spaces.
_PIECE = re.compile(r"[\u3000-\u9fff\uff01-\uff60][\u3000-\u303f\uff01-\uff60]*|[^\s\u3000-\u9fff\uff01-\uff60]+|\s+")


def columns(text: str) -> int:
    """Return how wide a terminal shows a text."""
    return len(text) + sum(unicodedata.east_asian_width(character) in "WF" for character in text)


def padded(text: str, width: int, *, right: bool = False) -> str:
    """Return a text with spaces behind it (in front of it with ``right``) up to a width."""
    space = " " * (width - columns(text))
    return f"{space}{text}" if right else f"{text}{space}"


def row(cells: Sequence[str], widths: Sequence[int], *, right: Sequence[bool]) -> str:
    """Return cells as one line, each so wide."""
    made = (padded(cell, width, right=side) for cell, width, side in zip(cells, widths, right, strict=True))
    return "".join(made).rstrip()


def wrapped(text: str, *, indent: int, width: int = WIDTH) -> Iterator[str]:
    """Yield a text in lines that are no wider, but for a single long word; the second and later ones are indented.

    The first line is not: something stands in front of it already.
    """
    room = width - indent
    line = ""
    taken = 0
    is_first = True
    for piece in _PIECE.findall(text):
        wide = columns(piece)
        if line.strip() and taken + wide > room and not piece.isspace():
            yield line.rstrip() if is_first else f"{' ' * indent}{line.rstrip()}"
            is_first, line, taken = False, "", 0
        if line or not piece.isspace():
            line += piece
            taken += wide
    if line.strip() or is_first:
        yield line.rstrip() if is_first else f"{' ' * indent}{line.rstrip()}"
