"""Text in the columns of a terminal, where a Chinese character takes two and an accent none."""

from __future__ import annotations

import unicodedata

_WIDE = ("W", "F")
_NO_COLUMN = ("Mn", "Me", "Cf")


def width(text: str) -> int:
    """Return how many columns a text takes."""
    return sum(map(_columns, text))


def right(text: str, columns: int) -> str:
    """Return a text at the right of so many columns."""
    return " " * (columns - width(text)) + text


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
