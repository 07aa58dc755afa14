"""A page's text as runs: stretches of one font and size on one line, with their place."""

from __future__ import annotations

import ctypes
import re
from collections import Counter
from typing import Any, NamedTuple

import attrs

from .fonts import Font, font_of
from .letters import fold
from .pdfium import HYPHEN, Calls, calls, characters, uniform

_LINE = re.compile("[^\r\n\ufffe]+")
# In units of the type size: the mean width of a letter above which a line has gaps, the gap between two cells, and the
# mean width below which the letters of a listing are fewer than they seem.
_LOOSE, _CELLS, _DENSE = 0.5, 1.15, 0.45
_SPACES = re.compile(" +")


class Run(NamedTuple):
    """Text of one font on one line: from ``x0`` to ``x1`` on the baseline ``y``, all in points, y upwards.

    ``spaced`` says that PDFium saw a space before it, ``hyphen`` that a hyphen at the end of the line was taken off.
    """

    text: str
    x0: float
    x1: float
    y: float
    size: float
    font: Font
    spaced: bool
    hyphen: bool


@attrs.define(kw_only=True)
class Page:
    """The runs of a page in the order of its content, turned so that most of the text reads from left to right."""

    left: float
    bottom: float
    width: float
    height: float
    runs: list[Run]
    turned: int = 0


class _Typeset(NamedTuple):
    font: Font
    size: float
    direction: int | None


@attrs.define
class RunReader:
    """Reads the pages of one document; fonts are looked at once."""

    _fonts: dict[int, Font] = attrs.Factory(dict)

    def read(self, textpage: Any, count: int, box: tuple[float, float, float, float]) -> Page:
        """Return a page of ``count`` characters whose visible part is ``box`` (left, bottom, right, top)."""
        pdfium = calls()
        handle = ctypes.cast(textpage.raw, ctypes.c_void_p).value or 0
        text = characters(pdfium, handle, count)
        page = _PageReader(pdfium=pdfium, handle=handle, text=text, fonts=self._fonts)
        for line in _LINE.finditer(text):
            for start, end, owner in uniform(pdfium, handle, text, line.start(), line.end()):
                page.add(start, end, owner, hyphen=end == line.end() and text.startswith(HYPHEN, end))
        return _page(page.found, box)


@attrs.define(kw_only=True)
class _PageReader:
    pdfium: Calls
    handle: int
    text: str
    fonts: dict[int, Font]
    found: list[tuple[Run, int | None]] = attrs.Factory(list)
    _typesets: dict[int, _Typeset] = attrs.Factory(dict)
    _numbers: Any = attrs.field(factory=ctypes.c_double * 2)
    _box: Any = attrs.field(factory=ctypes.c_float * 6)

    def add(self, start: int, end: int, owner: int, *, hyphen: bool) -> None:
        """Add ``text[start:end]``, which is one text object's, in as many runs as it has wide gaps."""
        text = self.text[start:end]
        first = start + len(text) - len(text.lstrip())
        last = end - 1 - (len(text) - len(text.rstrip()))
        if last < first:
            return
        typeset = self._typesets.get(owner)
        if typeset is None:
            typeset = self._typesets[owner] = self._typeset(first, owner)
        if typeset.font.drawing:
            return
        run = self._run(first, last, typeset, hyphen=hyphen)
        # A row of a table may be one object: then its letters seem to be far apart.
        loose = (run.x1 - run.x0) > _LOOSE * run.size * len(run.text) and " " in run.text
        if not loose or typeset.font.mono or not run.text.isascii():
            if run.text:
                self.found.append((run, typeset.direction))
            return
        begun = first
        for space in _SPACES.finditer(self.text, first, last):
            before = self._run(begun, space.start() - 1, typeset, hyphen=False)
            after = self._run(space.end(), last, typeset, hyphen=hyphen)
            if after.x0 - before.x1 > _CELLS * run.size:
                self.found.append((before, typeset.direction))
                begun = space.end()
        self.found.append((self._run(begun, last, typeset, hyphen=hyphen), typeset.direction))

    def _run(self, first: int, last: int, typeset: _Typeset, *, hyphen: bool) -> Run:
        where, box = ctypes.addressof(self._numbers), self._box
        self.pdfium.origin(self.handle, first, where, where + 8)
        self.pdfium.box(self.handle, last, ctypes.addressof(box))
        text = fold(self.text[first : last + 1])
        x0, x1, y = _turned(typeset.direction, (self._numbers[0], self._numbers[1]), (box[0], box[1], box[2], box[3]))
        if typeset.font.mono and " " in text and x1 - x0 < _DENSE * typeset.size * len(text):
            # A listing whose letters are placed one by one: "f o r" is "for".
            text = text.replace(" ", "")
        spaced = self.text[first - 1 : first] == " "
        return Run(text, x0, max(x0, x1), y, typeset.size, typeset.font, spaced, hyphen)

    def _typeset(self, index: int, owner: int) -> _Typeset:
        self.pdfium.matrix(self.handle, index, ctypes.addressof(self._box))
        a, b, c, d = self._box[0], self._box[1], self._box[2], self._box[3]
        size = self.pdfium.size(self.handle, index) * ((c * c + d * d) ** 0.5 or 1.0)
        font = self.pdfium.font(owner) if owner else None
        if font is None:
            return _Typeset(Font(), size, _direction(a, b))
        if font not in self.fonts:
            self.fonts[font] = _font(self.pdfium, font)
        return _Typeset(self.fonts[font], size, _direction(a, b))


def _turned(
    direction: int | None, origin: tuple[float, float], box: tuple[float, float, float, float]
) -> tuple[float, float, float]:
    """Return where a run begins and ends and its baseline, turned so that it reads from left to right."""
    x, y = origin
    left, top, right, bottom = box
    match direction:
        case 1:
            return y, max(top, bottom), -x
        case 2:
            return -x, -min(left, right), -y
        case 3:
            return -y, -min(top, bottom), x
        case _:
            return x, max(left, right), y


def _page(found: list[tuple[Run, int | None]], box: tuple[float, float, float, float]) -> Page:
    """Return the page in the direction of most of its text; what runs another way is a watermark or an axis label."""
    sizes: Counter[int] = Counter()
    for run, direction in found:
        if direction is not None:
            sizes[direction] += len(run.text)
    main = sizes.most_common(1)[0][0] if sizes else 0
    left, bottom, right, top = box
    edges = {
        0: box,
        1: (bottom, -right, top, -left),
        2: (-right, -top, -left, -bottom),
        3: (-top, left, -bottom, right),
    }
    left, bottom, right, top = edges[main]
    runs = [
        run
        for run, direction in found
        if direction == main and left - 2 <= run.x0 <= right + 2 and bottom - 2 <= run.y <= top + 2
    ]
    return Page(
        left=left,
        bottom=bottom,
        width=right - left,
        height=top - bottom,
        runs=runs,
        turned=sum(len(run.text) for run, direction in found if direction != main),
    )


def _direction(a: float, b: float) -> int | None:
    """Return 0 for text from left to right, then by quarter turns; None for slanted text."""
    if abs(b) <= 0.1 * abs(a):
        return 0 if a >= 0 else 2
    if abs(a) <= 0.1 * abs(b):
        return 1 if b > 0 else 3
    return None


def _font(pdfium: Calls, font: int) -> Font:
    buffer = ctypes.create_string_buffer(256)
    pdfium.font_name(font, ctypes.addressof(buffer), 256)
    return font_of(buffer.value.decode("latin-1"), max(0, pdfium.font_flags(font)), font)
