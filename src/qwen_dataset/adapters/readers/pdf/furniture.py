"""What a page shows and the paper does not say: running heads and feet, page numbers, line numbers, watermarks."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from statistics import median

from .lines import Piece
from .runs import Page, Run

_DIGITS = re.compile(r"\d+")
_NUMBER = re.compile(r"\d{1,5}")
# "3", "- 3 -", "Page 3 of 10", "iv", "第 3 页".
_PAGE_NUMBER = re.compile(
    r"[-–—|\[(\s]*(?:page\s*|p\.\s*|第\s*)?(?:\d{1,5}|[ivxlc]{1,7})(?:\s*(?:/|of|页|共)\s*\d{0,5}\s*页?)?[-–—|\])\s.]*",
    re.IGNORECASE,
)
# What LaTeX writes where it breaks a listing or a table.
_CONTINUED = re.compile(r"\(?continue[sd] (?:on|from) (?:the )?(?:next|previous) page\)?", re.IGNORECASE)
_YEAR = re.compile(r"(?:19|20)\d\d|https?://|arXiv:|doi", re.IGNORECASE)
# The share of a page's height in which heads and feet are looked for, and how many rows of them.
_ZONE = 0.14
_MOST_ROWS = 6
_FEWEST_NUMBERS = 5
_MOST_LOOKED_AT = 400


def without_line_numbers(pages: Sequence[Page]) -> None:
    """Take the numbers of lines off the pages: columns of numbers that grow by one beside other text.

    Numbers of a manuscript's lines stand at one place over the pages, in the margin; those of a listing are set in the
    listing's font and begin again with each. A table's first column is neither: it is set in the type of its row.
    """
    columns: dict[int, list[tuple[int, Run]]] = defaultdict(list)
    for number, page in enumerate(pages):
        for run in page.runs:
            if _NUMBER.fullmatch(run.text):
                columns[round(run.x1 / 2)].append((number, run))
    doomed: set[int] = set()
    for place, column in list(columns.items()):
        near = column + columns.get(place + 1, [])
        if len(near) >= _FEWEST_NUMBERS and _counts(near) and _beside(pages, near):
            doomed.update(id(run) for _, run in near)
    if doomed:
        for page in pages:
            page.runs = [run for run in page.runs if id(run) not in doomed]


def _counts(column: list[tuple[int, Run]]) -> bool:
    """Say whether the numbers of a column grow by one (or five) from top to bottom, or begin again with 1."""
    column.sort(key=lambda entry: (entry[0], -entry[1].y))
    values = [int(run.text) for _, run in column]
    steps = [after - before for before, after in pairwise(values)]
    regular = sum(step in (1, 5) or value == 1 for step, value in zip(steps, values[1:], strict=False))
    return regular >= 0.8 * len(steps) and sum(step in (1, 5) for step in steps) >= 0.5 * len(steps)


def _beside(pages: Sequence[Page], column: list[tuple[int, Run]]) -> bool:
    """Say whether the numbers are set apart from the lines beside them: smaller, or left of everything, or in code."""
    apart = looked = 0
    column = column[:: 1 + len(column) // _MOST_LOOKED_AT]
    rows: dict[int, dict[int, list[Run]]] = {}
    for number, run in column:
        if number not in rows:
            rows[number] = defaultdict(list)
            for other in pages[number].runs:
                rows[number][round(other.y / 4)].append(other)
        place = round(run.y / 4)
        neighbours = [
            other
            for i in (place - 1, place, place + 1)
            for other in rows[number].get(i, ())[:_MOST_LOOKED_AT]
            if abs(other.y - run.y) < 1 and other is not run
        ]
        # A number in a sentence or a formula has something before it; the mark of a footnote is above its line.
        if any(0 <= run.x0 - other.x1 < 8 for other in neighbours):
            looked += 1
            continue
        right = [other for other in neighbours if 0 <= other.x0 - run.x1 < 60]
        if not right:
            continue
        looked += 1
        nearest = min(right, key=lambda other: other.x0)
        apart += run.size < 0.86 * nearest.size or (run.font.mono and nearest.font.mono)
    return looked >= 0.3 * len(column) and apart >= 0.7 * looked


def without_heads_and_feet(pages: Sequence[Page], found: Sequence[list[Piece]]) -> list[list[Piece]]:
    """Return the pieces of the pages without running heads and feet, page numbers and repeated watermarks."""
    rows = [_rows(pieces) for pieces in found]
    body = median(sizes) if (sizes := [piece.size for pieces in found for piece in pieces]) else 0.0
    doomed: set[int] = set()
    for outermost_first in (_from_top, _from_bottom):
        _take(pages, [outermost_first(page_rows) for page_rows in rows], body, doomed)
    heads = {piece.text for pieces in found for piece in pieces if id(piece) in doomed and len(piece.text) > 12}
    for pieces in found if heads else ():
        # The first page often has its head elsewhere; in large type it is the title.
        doomed.update(id(piece) for piece in pieces if piece.size < 1.1 * body and piece.text in heads)
    _watermarks(found, 2.5 * body, doomed)
    return [[piece for piece in pieces if id(piece) not in doomed] for pieces in found]


_Row = list[Piece]


def _rows(pieces: Iterable[Piece]) -> list[_Row]:
    """Return the rows over the whole width of a page, from top to bottom."""
    rows: list[_Row] = []
    for piece in sorted(pieces, key=lambda piece: -piece.y):
        if rows and rows[-1][0].y - piece.y < 0.5 * max(piece.size, rows[-1][0].size):
            rows[-1].append(piece)
        else:
            rows.append([piece])
    for row in rows:
        row.sort(key=lambda piece: piece.x0)
    return rows


def _from_top(rows: list[_Row]) -> list[_Row]:
    return rows[: _MOST_ROWS + 1]


def _from_bottom(rows: list[_Row]) -> list[_Row]:
    return rows[: -_MOST_ROWS - 2 : -1]


def _take(pages: Sequence[Page], sides: list[list[_Row]], body: float, doomed: set[int]) -> None:
    """Doom the rows at one end of the pages, from the outside in, as long as they are furniture."""
    keys: Counter[tuple[int, str]] = Counter()
    places: Counter[int] = Counter()
    filled: Counter[int] = Counter()
    for page, rows in zip(pages, sides, strict=True):
        seen = {(_place(page, row), _key(row)) for row in rows[:_MOST_ROWS]}
        keys.update({key for place, text in seen for key in ((place, text), (place + 1, text))})
        if rows:
            around = (_place(page, rows[0]), _place(page, rows[0]) + 1)
            filled.update(around)
            if _is_apart(rows[0], rows[1] if len(rows) > 1 else None):
                places.update(around)
    often = max(3, 0.3 * len(pages))
    # Where some pages have a head, whatever it says, others have none; where text begins, it is seldom set apart.
    usual = {place for place, count in places.items() if count >= often and count >= 0.85 * filled[place]}
    for number, (page, rows) in enumerate(zip(pages, sides, strict=True)):
        taken: list[Piece] = []
        for i, row in enumerate(rows[:_MOST_ROWS]):
            place, key = _place(page, row), _key(row)
            inner = rows[i + 1] if i + 1 < len(rows) else None
            same = max(keys[place, key], keys[place + 1, key])
            if not _in_zone(page, row) or not (
                same >= max(2, 0.3 * len(pages))
                or (i == 0 and same >= max(2, 0.15 * len(pages)) and _is_apart(row, inner))
                or _CONTINUED.fullmatch(_text(row))
                or (i == 0 and usual & {place, place + 1} and row[0].size < 1.1 * body and _is_apart(row, inner))
                or (_PAGE_NUMBER.fullmatch(_text(row)) and _is_apart(row, inner))
                or (number and _is_apart(row, inner, 1.8) and _names_issue(row))
            ):
                break
            taken += row
            # Text that happens to begin alike on several pages goes on without a gap.
            if _is_apart(row, inner, 1.3) or _CONTINUED.fullmatch(_text(row)):
                doomed.update(map(id, taken))


def _names_issue(row: _Row) -> bool:
    """Say whether a row far from the text names a year or an address, as a head that stands on one page only."""
    return bool(_YEAR.search(_text(row))) and not any(run.font.bold for piece in row for run in piece.runs)


def _is_apart(row: _Row, inner: _Row | None, times: float = 1.45) -> bool:
    if inner is None:
        return True
    size = max(piece.size for piece in (*row, *inner))
    return abs(row[0].y - inner[0].y) >= times * size


def _in_zone(page: Page, row: _Row) -> bool:
    return not _ZONE < (row[0].y - page.bottom) / page.height < 1 - _ZONE


def _place(page: Page, row: _Row) -> int:
    return int((row[0].y - page.bottom) / 4)


def _text(row: _Row) -> str:
    return " ".join(piece.text for piece in row)


def _key(row: _Row) -> str:
    return _DIGITS.sub("#", _text(row)).replace(" ", "")


def _watermarks(found: Sequence[list[Piece]], large: float, doomed: set[int]) -> None:
    """Doom large type that stands at the same place with the same text on most of at least three pages."""
    if len(found) < 3:
        return
    seen: dict[tuple[str, int, int], list[Piece]] = defaultdict(list)
    for pieces in found:
        for piece in pieces:
            if piece.size >= large:
                seen[piece.text, round(piece.x0 / 8), round(piece.y / 8)].append(piece)
    for same in seen.values():
        if len(same) >= max(3, 0.5 * len(found)):
            doomed.update(map(id, same))
