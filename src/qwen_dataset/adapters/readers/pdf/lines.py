"""Runs become pieces (what stands together on one line), and pieces the lines of a column."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

import attrs

from .letters import is_cjk, lowered, raised
from .runs import Run

# In units of the larger type size: a gap in a line of justified prose stays below this, a column's gutter or a table's
# does not.
_WIDE = 1.15
_SPACE = 0.16
# Type this much smaller than its neighbour, and off the baseline, is a superscript or subscript.
_SMALLER = 0.86
_RAISED, _LOWERED = 0.12, -0.08
# "word.¹" has a note, "10²" a power: both are raised. The th of "4th" is only a typeface.
_ORDINAL = re.compile(r"st|nd|rd|th")
_NO_SPACE_AFTER = re.compile(r"[(\[{⟨|√¬∂∇∆ΔΣΠ]$")
_NO_SPACE_BEFORE = re.compile(r"[,.;:)\]}!?’”⟩|]")


@attrs.define
class Piece:
    """Runs that stand together on one line; ``y`` and ``size`` are those of its largest type."""

    runs: list[Run]
    x0: float
    x1: float
    y: float
    size: float
    _text: str | None = None

    @property
    def text(self) -> str:
        if self._text is None:
            runs = self.runs
            self._text = runs[0].text if len(runs) == 1 else write(runs, self.y, self.size)
        return self._text

    @property
    def hyphen(self) -> bool:
        return self.runs[-1].hyphen


@attrs.define(kw_only=True)
class Line:
    """A line of one column: its pieces from left to right. ``left`` and ``right`` are the column's edges."""

    pieces: list[Piece]
    page: int
    column: int
    left: float
    right: float
    x0: float
    x1: float
    y: float
    size: float
    mono: float
    bold: float
    italic: float
    math: float
    font: str
    text: str

    @property
    def hyphen(self) -> bool:
        return self.pieces[-1].hyphen


def pieces(runs: Iterable[Run]) -> list[Piece]:
    """Return the pieces of a page in the order of its content."""
    found: list[Piece] = []
    piece: Piece | None = None
    for run in runs:
        if piece is not None and _goes_on(piece, run):
            piece.runs.append(run)
            piece.x0 = min(piece.x0, run.x0)
            piece.x1 = max(piece.x1, run.x1)
            if run.size > piece.size * 1.02:
                piece.y, piece.size = run.y, run.size
        else:
            piece = Piece([run], run.x0, run.x1, run.y, run.size)
            found.append(piece)
    return found


def line_of(parts: Sequence[Piece], *, page: int, column: int, left: float, right: float) -> Line:
    """Return the line made of pieces, which are put in order from left to right."""
    parts = sorted(parts, key=_x0) if len(parts) > 1 else list(parts)
    main = max(parts, key=_weight) if len(parts) > 1 else parts[0]
    runs = [run for piece in parts for run in piece.runs] if len(parts) > 1 else main.runs
    look = _look(runs)
    joined = len(parts) > 1 and not _wide(parts)
    return Line(
        pieces=parts,
        page=page,
        column=column,
        left=left,
        right=right,
        x0=parts[0].x0,
        x1=max(piece.x1 for piece in parts),
        y=main.y,
        size=look.size,
        mono=_mono(runs) if look.mono else 0.0,
        bold=look.bold,
        italic=look.italic,
        math=look.math,
        font=look.font,
        text=write(runs, main.y, main.size) if joined else " ".join(piece.text for piece in parts),
    )


def _x0(piece: Piece) -> float:
    return piece.x0


def _weight(piece: Piece) -> tuple[float, float]:
    return piece.size, piece.x1 - piece.x0


class _Look(NamedTuple):
    font: str
    size: float
    mono: float
    bold: float
    italic: float
    math: float


def _look(runs: Sequence[Run]) -> _Look:
    """Return the shares of kinds of type in a line, and the font and size of its prose.

    Code and symbols in prose are often set in another size; they count only where there is nothing else.
    """
    if len(runs) == 1:
        font = runs[0].font
        return _Look(font.name, runs[0].size, font.mono, font.bold, font.italic, font.math)
    total = mono = bold = italic = math = 0
    by_font: dict[tuple[str, float], int] = {}
    others: dict[tuple[str, float], int] = {}
    prose = False
    for run in runs:
        font, length = run.font, len(run.text)
        total += length
        mono += length if font.mono else 0
        bold += length if font.bold else 0
        italic += length if font.italic else 0
        math += length if font.math else 0
        is_prose = not font.mono and not font.math
        prose = prose or (is_prose and any(map(str.isalpha, run.text)))
        counts = by_font if is_prose else others
        counts[font.name, run.size] = counts.get((font.name, run.size), 0) + length
    counts = by_font if prose else {**by_font, **others}
    name, size = max(counts, key=counts.__getitem__)
    return _Look(name, size, mono / total, bold / total, italic / total, math / total)


def _wide(parts: Sequence[Piece]) -> bool:
    return all(after.x0 - before.x1 > 0.3 * after.size for before, after in pairwise(parts))


def _mono(runs: Sequence[Run]) -> float:
    """Return the share of fixed-pitch type; in a line that begins as code, Chinese of another font is no objection."""
    mono = total = 0
    for run in runs:
        counted = len(run.text) if run.text.isascii() else sum(not is_cjk(character) for character in run.text)
        total += counted
        mono += counted if run.font.mono else 0
    if not mono:
        return 0.0
    if runs[0].font.mono and mono == total:
        return 1.0
    return mono / max(1, sum(len(run.text) for run in runs))


def write(runs: Sequence[Run], y: float, size: float) -> str:
    """Return the text of runs on the baseline ``y``: spaces by the gaps between them, scripts as such."""
    parts: list[str] = []
    last: Run | None = None
    for run in runs:
        text = run.text
        if run.size < _SMALLER * size and not _ORDINAL.fullmatch(text):
            shift = (run.y - y) / size
            if shift > _RAISED:
                text = raised(text)
            elif shift < _LOWERED:
                text = lowered(text)
        if last is not None and _parted(last, run, size):
            parts.append(" ")
        parts.append(text)
        last = run
    return "".join(parts)


def _parted(last: Run, run: Run, size: float) -> bool:
    """Say whether there is a space between two runs that stand side by side."""
    gap = run.x0 - last.x1
    if gap > 0.35 * size:
        return not (is_cjk(last.text[-1]) and is_cjk(run.text[0]))
    if run.spaced:
        return gap > 0.06 * size or last.font == run.font
    if gap <= _SPACE * size:
        return False
    return not (_NO_SPACE_AFTER.search(last.text) or _NO_SPACE_BEFORE.match(run.text)) and not (
        is_cjk(last.text[-1]) or is_cjk(run.text[0])
    )


def _goes_on(piece: Piece, run: Run) -> bool:
    if piece.runs[-1].hyphen:
        return False
    larger, smaller = max(piece.size, run.size), min(piece.size, run.size)
    gap = run.x0 - piece.x1
    if gap > _WIDE * larger or (gap > _WIDE * smaller and larger > 1.3 * smaller and smaller == piece.size):
        return False
    shift = run.y - piece.y
    if abs(shift) <= 0.2 * smaller:
        return gap >= -0.8 * larger
    if smaller > _SMALLER * larger:
        return False
    if run.size < piece.size:
        # A script belongs to the letter before it; two of one letter stand one above the other.
        return -0.45 * larger <= shift <= 0.75 * larger and gap >= -1.5 * larger
    return -0.75 * larger <= shift <= 0.45 * larger and -0.3 * larger <= gap <= 0.5 * larger and len(piece.runs) == 1
