"""A pair of sentences: whether a text is the English one, and what the Chinese one then says."""

from __future__ import annotations

import functools
import re
import string
import unicodedata
from collections.abc import Callable
from typing import Self

import attrs

_KINDS = {
    "n": "[0-9]+",
    "w": r"\S+",
    "f": r"\S+|.+\.\w+",
    "q": r"""'[^']*'|"[^"]*\"""",
    "c": r"\S+(?: \S+)* *",
    "g": ".+",
}
_ANYTHING = ".+?"
_HAN_OR_MARK = "[\u3000-\u303f\u4e00-\u9fff\uff01-\uff65]"
# Where a part that was translated meets the words around it: no space within Chinese, one beside a word or number.
_NO_SPACE = re.compile(f"(?<={_HAN_OR_MARK}) ?\0 ?(?={_HAN_OR_MARK})")
_SPACE = re.compile("(?<=[\u4e00-\u9fff])\0(?=[A-Za-z0-9])|(?<=[A-Za-z0-9])\0(?=[\u4e00-\u9fff])")

Field = tuple[str, str | None, str]
"""The words in front of a name, the name (None at the end), and what stands behind its colon."""


@attrs.frozen
class Pattern:
    """An English sentence to look for, and the Chinese one to put in its place.

    ``key`` are its longest words without a name among them: almost every text that lacks the sentence lacks them.
    """

    english: str
    chinese: str
    key: str

    @classmethod
    def of(cls, english: str, chinese: str) -> Self:
        """Make a pattern of a pair; its expression is compiled when a text may fit."""
        return cls(english, chinese, max((words for words, _, _ in _fields(english)), key=len))

    def rank(self) -> tuple[bool, int]:
        """Return where it stands in the order of trial: what begins with words before what begins with a name.

        ``not read: {note}`` must come before all that may be noted, however long. Then the most words come first.
        """
        words = [words for words, _, _ in _fields(self.english)]
        return not words[0], -sum(map(len, words))

    def translate(self, text: str, translated: Callable[[str], str | None]) -> str | None:
        """Return the Chinese sentence where the text is the English one, else None.

        ``translated`` returns a part of the text in Chinese, None where it cannot.
        """
        found = _compiled(self.english).fullmatch(text)
        if found is None:
            return None
        values = {}
        for _, name, kind in _fields(self.english):
            if name is None:
                continue
            value = found[name].rstrip() if "c" in kind else found[name]
            if "l" in kind:
                value = value.replace(", ", "、")
            told = translated(value) if "t" in kind or "s" in kind else None
            if told is None and "s" in kind:
                return None
            values[name] = value if told is None else f"\0{told}\0"
        return _joined(self.chinese, values)


def _joined(chinese: str, values: dict[str, str]) -> str:
    parts = []
    for words, name, width in _fields(chinese):
        parts.append(words)
        if name is not None:
            parts += [values[name], " " * (int(width or 0) - _columns(values[name]))]
    return _SPACE.sub(" ", _NO_SPACE.sub("", "".join(parts))).replace("\0", "")


def _columns(text: str) -> int:
    """Return how wide a terminal shows a text; a Chinese character takes two columns."""
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return len(text) - text.count("\0") + wide


@functools.cache
def _fields(template: str) -> tuple[Field, ...]:
    return tuple((words, name, kind or "") for words, name, kind, _ in string.Formatter().parse(template))


@functools.cache
def _compiled(english: str) -> re.Pattern[str]:
    named: set[str] = set()
    parts = []
    for words, name, kind in _fields(english):
        parts.append(re.escape(words))
        if name in named:
            parts.append(f"(?P={name})")
        elif name is not None:
            named.add(name)
            allowed = next((_KINDS[letter] for letter in kind if letter in _KINDS), _ANYTHING)
            parts.append(f"(?P<{name}>{allowed})")
    return re.compile("".join(parts), re.DOTALL)
