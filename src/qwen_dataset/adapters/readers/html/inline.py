"""A stretch of prose on its way to text: white space as a browser shows it, formulas and code kept as they are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

import attrs

from .mathml import Formula, clean

# A line break that the page asks for, told apart from the white space of its source.
BREAK = "\ue000"
_CHINESE = r"[\u3000-\u303f\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef]"
# A line that ends in the source between two Chinese characters is no space between two words.
_CHINESE_LINE = re.compile(rf"(?<={_CHINESE})[ \t]*\n\s*(?={_CHINESE})")
# What prints nothing: soft hyphens, zero-width characters, marks of direction, byte order marks.
_UNSEEN = dict.fromkeys((0xAD, *range(0x200B, 0x2010), 0x2060, 0x2061, 0x2062, 0x2063, 0x2064, 0xFEFF))
_TOKEN = re.compile(
    r"(?<!\\)(?:\\(?P<mark>[()\[\]])|(?P<dollars>(?<!\$)\$\$(?!\$))"
    r"|\\(?P<edge>begin|end)\{(?P<name>(?:equation|align|alignat|gather|multline|eqnarray|displaymath)\*?)\})"
)
_CLOSES = {"(": ")", "[": "]"}
# A longer "formula" is two stray delimiters.
_LONGEST = 20_000
# So many in one paragraph are no formulas.
_MOST_TOKENS = 200_000


@attrs.frozen
class Verbatim:
    """Text that stays as it is: inline code, the mark of a note."""

    text: str


@attrs.define
class Inline:
    """What has been met since the last block began."""

    pieces: list[str | Formula | Verbatim] = attrs.Factory(list)

    def add(self, piece: str | Formula | Verbatim) -> None:
        """Add a piece; a text is as in the page's source."""
        self.pieces.append(piece)

    def line(self) -> str:
        """Return everything as one line, displayed formulas too."""
        parts = [item.inline() if isinstance(item, Formula) else item for item in self.items()]
        return " ".join("".join(parts).split())

    def items(self) -> Iterator[str | Formula]:
        """Yield prose and displayed formulas in order; formulas within prose are in it."""
        prose: list[str] = []
        for piece in self._formulas():
            if isinstance(piece, Formula) and piece.displayed:
                if text := _tidy(prose):
                    yield text
                prose = []
                if piece.tex:
                    yield piece
            elif isinstance(piece, Formula):
                prose.append(piece.inline())
            elif isinstance(piece, Verbatim):
                prose.append(piece.text)
            else:
                text = piece.translate(_UNSEEN)
                prose.append(_CHINESE_LINE.sub("", text) if "\n" in text and not text.isascii() else text)
        if text := _tidy(prose):
            yield text

    def _formulas(self) -> Iterator[str | Formula | Verbatim]:
        """Yield the pieces, with the formulas that stand in the text between delimiters as such."""
        texts: list[str] = []
        for piece in self.pieces:
            if isinstance(piece, str):
                texts.append(piece)
                continue
            yield from _parsed("".join(texts))
            texts = []
            yield piece
        yield from _parsed("".join(texts))


def _tidy(parts: list[str]) -> str:
    """Return prose with its white space as a browser shows it."""
    text = "".join(parts)
    if BREAK not in text:
        return " ".join(text.split())
    lines = (" ".join(line.split()) for line in text.split(BREAK))
    return "\n".join(line for line in lines if line)


def _parsed(text: str) -> Iterator[str | Formula]:
    r"""Yield the text with what stands in ``\(…\)``, ``\[…\]``, ``$$…$$`` and environments as formulas."""
    if "\\" not in text and "$$" not in text:
        if text:
            yield text
        return
    reached = 0
    opened: re.Match[str] | None = None
    for token in islice(_TOKEN.finditer(text), _MOST_TOKENS):
        if opened is not None and _closes(opened, token) and token.end() - opened.start() <= _LONGEST:
            if opened.start() > reached:
                yield text[reached : opened.start()]
            tex = text[opened.start() : token.end()].replace(BREAK, "\n")
            yield Formula(tex=clean(tex), displayed=opened["mark"] != "(")
            reached, opened = token.end(), None
        elif token["mark"] not in (")", "]") and token["edge"] != "end":
            # Inside an environment or a display nothing else opens.
            inside = opened is not None and opened["mark"] != "(" and token.end() - opened.start() <= _LONGEST
            opened = opened if inside else token
    if reached < len(text):
        yield text[reached:]


def _closes(opened: re.Match[str], token: re.Match[str]) -> bool:
    if opened["mark"]:
        return token["mark"] == _CLOSES.get(opened["mark"])
    if opened["dollars"]:
        return token["dollars"] is not None
    return token["edge"] == "end" and token["name"] == opened["name"]
