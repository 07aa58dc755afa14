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
_LOOSE, _CELLS, _DENSE = 0.56, 1.15, 0.45
# The same as a multiple of what is usual in a font, once so many letters are seen.
_LOOSER, _MANY, _ENOUGH = 1.15, 200, 5_000
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
class _Usual:
    """The mean width of a font's letters in units of its size, from the first of them that are seen."""

    letters: int = 0
    widths: float = 0.0
    width: float = _LOOSE / _LOOSER

    def learn(self, width: float, letters: int) -> None:
        self.letters += letters
        self.widths += width * letters
        if self.letters > _MANY:
            self.width = self.widths / self.letters


@attrs.define
class RunReader:
    """Reads the pages of one document; fonts are looked at once."""

    _fonts: dict[int, Font] = attrs.Factory(dict)
    # Letters seen in each font, and their width in units of the size.
    _usual: dict[int, _Usual] = attrs.Factory(dict)

    def read(self, textpage: Any, count: int, box: tuple[float, float, float, float]) -> Page:
        """Return a page of ``count`` characters whose visible part is ``box`` (left, bottom, right, top)."""
        pdfium = calls()
        handle = ctypes.cast(textpage.raw, ctypes.c_void_p).value or 0
        text = characters(pdfium, handle, count)
        page = _PageReader(pdfium=pdfium, handle=handle, text=text, fonts=self._fonts, usual=self._usual)
        page.read()
        return _page(page.found, box)


@attrs.define(kw_only=True)
class _PageReader:
    pdfium: Calls
    handle: int
    text: str
    fonts: dict[int, Font]
    usual: dict[int, _Usual]
    found: list[tuple[Run, int | None]] = attrs.Factory(list)
    _typesets: dict[int, _Typeset] = attrs.Factory(dict)
    _numbers: Any = attrs.field(factory=ctypes.c_double * 2)
    _box: Any = attrs.field(factory=ctypes.c_float * 4)
    _matrix: Any = attrs.field(factory=ctypes.c_float * 6)
    _known: dict[tuple[int, float], _Typeset] = attrs.Factory(dict)
    _where: int = 0
    _corner: int = 0

    def __attrs_post_init__(self) -> None:
        self._where, self._corner = ctypes.addressof(self._numbers), ctypes.addressof(self._box)

    def read(self) -> None:
        """Find the runs of the page: what is one text object's on one line, in as many runs as it has wide gaps."""
        text = self.text
        for line in _LINE.finditer(text):
            line_end = line.end()
            hyphen = text.startswith(HYPHEN, line_end)
            for start, end, owner in uniform(self.pdfium, self.handle, text, line.start(), line_end):
                self._add(start, end, owner, hyphen and end == line_end)

    def _add(self, start: int, end: int, owner: int, hyphen: bool) -> None:
        self._locate(start, end)
        typeset = self._typesets.get(owner)
        if typeset is None:
            typeset = self._typesets[owner] = self._typeset(start, owner)
        if typeset.font.drawing:
            return
        run = self._run(start, end, typeset, hyphen)
        if typeset.font.mono or typeset.direction or not self._is_loose(run):
            self._keep(run, typeset)
            return
        begun = start
        for space in _SPACES.finditer(self.text, start, end):
            if self._gap(space.start() - 1, space.end()) > _CELLS * run.size:
                self._locate(begun, space.start())
                self._keep(self._run(begun, space.start(), typeset, False), typeset)
                begun = space.end()
        if begun > start:
            self._locate(begun, end)
            run = self._run(begun, end, typeset, hyphen)
        self._keep(run, typeset)

    def _locate(self, start: int, end: int) -> None:
        """Look up where the first character stands, and the box of the last."""
        self.pdfium.origin(self.handle, start, self._where, self._where + 8)
        self.pdfium.box(self.handle, end - 1, self._corner)

    def _is_loose(self, run: Run) -> bool:
        """Say whether letters seem to be far apart: a row of a table may be one object with gaps in it."""
        key, wide = run.font.key, (run.x1 - run.x0) / ((run.size or 1) * len(run.text or " "))
        usual = self.usual.get(key)
        if usual is None:
            usual = self.usual[key] = _Usual()
        if wide > _LOOSER * usual.width:
            return " " in run.text and run.text.isascii()
        if usual.letters < _ENOUGH:
            usual.learn(wide, len(run.text))
        return False

    def _gap(self, before: int, after: int) -> float:
        self.pdfium.origin(self.handle, after, self._where, self._where + 8)
        self.pdfium.box(self.handle, before, self._corner)
        return float(self._numbers[0] - self._box[2])

    def _keep(self, run: Run, typeset: _Typeset) -> None:
        if run.text and not run.text.isspace():
            self.found.append((run, typeset.direction))

    def _run(self, start: int, end: int, typeset: _Typeset, hyphen: bool) -> Run:
        text = self.text[start:end]
        if not (text.isascii() and text.isprintable()):
            text = fold(text).strip()
        x0, y = self._numbers
        x1 = self._box[2]
        if typeset.direction:
            box = self._box
            x0, x1, y = _turned(typeset.direction, (x0, y), (box[0], box[1], box[2], box[3]))
        x1 = max(x0, x1)
        if typeset.font.mono and " " in text and x1 - x0 < _DENSE * typeset.size * len(text):
            # A listing whose letters are placed one by one: "f o r" is "for".
            text = text.replace(" ", "")
        spaced = start > 0 and self.text[start - 1] == " "
        return Run(text, x0, x1, y, typeset.size, typeset.font, spaced, hyphen)

    def _typeset(self, index: int, owner: int) -> _Typeset:
        """Return the font, size and direction of a text object, whose first run has just been located."""
        font = (self.pdfium.font(owner) if owner else None) or 0
        # Boxes of one font and one height are of one size, if they are not turned around.
        key = (font, self._box[1] - self._box[3])
        known = self._known.get(key)
        if known is not None and self._box[2] > self._numbers[0]:
            return known
        self.pdfium.matrix(self.handle, index, ctypes.addressof(self._matrix))
        a, b, c, d, _, _ = self._matrix
        size = self.pdfium.size(self.handle, index) * ((c * c + d * d) ** 0.5 or 1.0)
        if font not in self.fonts:
            self.fonts[font] = _font(self.pdfium, font) if font else Font()
        typeset = _Typeset(self.fonts[font], size, _direction(a, b))
        if typeset.direction == 0:
            self._known[key] = typeset
        return typeset


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
