"""Tables and long sentences on a terminal of 80 columns, where a Chinese character takes two and an accent none."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

WIDTH = 80

# What is not cut: a word with the marks and spaces behind it, or one character of a text that has no spaces.
_PIECE = re.compile(r"[\u3000-\u9fff\uff01-\uff60][\u3000-\u303f\uff01-\uff60]*|[^\s\u3000-\u9fff\uff01-\uff60]+|\s+")
_WIDE = ("W", "F")
_NO_COLUMN = ("Mn", "Me", "Cf")


def width(text: str) -> int:
    """Return how many columns a text takes."""
    return sum(map(_columns, text))


def padded(text: str, columns: int, *, right: bool = False) -> str:
    """Return a text with spaces behind it (in front of it with ``right``) up to so many columns."""
    space = " " * (columns - width(text))
    return f"{space}{text}" if right else f"{text}{space}"


def row(cells: Sequence[str], widths: Sequence[int], *, right: Sequence[bool]) -> str:
    """Return cells as one line, each so wide."""
    made = (padded(cell, columns, right=side) for cell, columns, side in zip(cells, widths, right, strict=True))
    return "".join(made).rstrip()


def wrapped(text: str, *, indent: int, screen: int = WIDTH) -> Iterator[str]:
    """Yield a text in lines that are no wider, but for a single long word; the second and later ones are indented.

    The first line is not: something stands in front of it already.
    """
    room = screen - indent
    line = ""
    taken = 0
    is_first = True
    for piece in _PIECE.findall(text):
        wide = width(piece)
        if line.strip() and taken + wide > room and not piece.isspace():
            yield line.rstrip() if is_first else f"{' ' * indent}{line.rstrip()}"
            is_first, line, taken = False, "", 0
        if line or not piece.isspace():
            line += piece
            taken += wide
    if line.strip() or is_first:
        yield line.rstrip() if is_first else f"{' ' * indent}{line.rstrip()}"


def shortened(text: str, columns: int) -> str:
    """Return a text on one line, its end left out where it takes more columns."""
    plain = one_line(text)
    return plain if width(plain) <= columns else f"{_first(plain, columns - 1).rstrip()}…"


def both_ends(text: str, columns: int) -> str:
    """Return how a text begins and ends, on one line of so many columns; the whole text where it fits."""
    # Looking at all of a text of megabytes would show no more.
    plain = one_line(text if len(text) <= 4 * columns else f"{text[: 2 * columns]} {text[-2 * columns :]}")
    if width(plain) <= columns and len(text) <= 4 * columns:
        return plain
    room = columns - 3
    begin = _first(plain, room * 3 // 5).rstrip()
    end = _first(plain[::-1], room - width(begin))[::-1].lstrip()
    return f"{begin} … {end}"


def one_line(text: str) -> str:
    """Return a text without line breaks, and without what would move a terminal's cursor."""
    return " ".join("".join(each if each.isprintable() or each.isspace() else "\ufffd" for each in text).split())


def _first(text: str, columns: int) -> str:
    """Return the first whole words that fit; of a word that fills the place, its first letters."""
    taken = 0
    for number, character in enumerate(text):
        taken += _columns(character)
        if taken > columns:
            words, space, rest = text[:number].rpartition(" ")
            # In the middle of a word of Latin letters, and there are words before it.
            cuts = character.isascii() and not character.isspace() and space and len(rest) < number // 2
            return words if cuts else text[:number]
    return text


def _columns(character: str) -> int:
    if character.isascii():
        return 1
    if unicodedata.category(character) in _NO_COLUMN:
        return 0
    return 2 if unicodedata.east_asian_width(character) in _WIDE else 1
