"""The sentences of the command in Chinese, found by the English ones.

Each page is a table of pairs: an English sentence with names in braces, and its Chinese one with the same names. What
stands behind a name's colon says what may stand there:

- ``n`` digits, ``w`` one word, ``f`` a file, ``q`` something in quotation marks, ``c`` a cell of a table with the
  space behind it; otherwise anything, as little of it as fits (``g``: as much);
- ``l`` a list, its commas made Chinese ones;
- ``t`` is translated itself where it can be, ``s`` must be, or the pair does not fit. Everything else is data, such as
  a path, and stays as it is.

In the Chinese sentence a number there is the width of a cell, in columns of a terminal.
"""

from __future__ import annotations

import functools

import attrs

from . import (
    answers,
    buckets,
    commands,
    dumps,
    endings,
    health,
    jobs,
    latex,
    listings,
    money,
    pages,
    papers,
    parsers,
    passages,
    pdfs,
    plans,
    remote,
    replies,
    services,
    settings,
    storages,
    usage,
    words,
)
from .patterns import Pattern

_PAGES = (
    commands,
    listings,
    money,
    words,
    usage,
    settings,
    pdfs,
    papers,
    passages,
    latex,
    pages,
    dumps,
    parsers,
    plans,
    jobs,
    storages,
    answers,
    remote,
    health,
    services,
    replies,
    buckets,
)

_LONGEST = 5_000  # characters of a sentence; what is longer is somebody's data
_DEEPEST = 25  # parts within parts


@functools.lru_cache(maxsize=256)
def translate(text: str) -> str:
    """Return a text in Chinese, line by line. What has no Chinese, such as another program's words, stays as it is."""
    lines = text.split("\n")
    told = [_Translation().of(line) or line for line in lines]
    if told == lines:
        # Somebody's data with a line break in it may stand in one of our sentences.
        return _Translation().of(text) or text
    return "\n".join(told)


@attrs.define
class _Translation:
    """One sentence's translation: its parts are looked up once, and only so deep."""

    _known: dict[str, str | None] = attrs.Factory(dict)
    _depth: int = 0

    def of(self, text: str) -> str | None:
        """Return a sentence or a part of it in Chinese, None where no pair fits."""
        if text in self._known:
            return self._known[text]
        if self._depth >= _DEEPEST or len(text) > _LONGEST:
            return None
        self._depth += 1
        tries = (pattern.translate(text, self.of) for pattern in _patterns() if pattern.key in text)
        found = self._known[text] = next((told for told in tries if told is not None), None)
        self._depth -= 1
        return found


@functools.cache
def _patterns() -> tuple[Pattern, ...]:
    """Return every pattern in the order of trial."""
    found = sorted((Pattern.of(*pair) for page in _PAGES for pair in page.PAIRS), key=Pattern.rank)
    return (*(Pattern.of(*pair) for pair in endings.PAIRS), *found)
