"""The order in which a page is read: what goes over the whole width, then the left column, then the right."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from statistics import median

import attrs

from .lines import Line, Piece, line_of

# A gutter is at least this wide, in points: less is a wide space.
_NARROWEST_GUTTER = 6
# What a column must hold to be one.
_FEWEST_LINES = 4
_DEEPEST = 3
# More free strips than this are the gaps of a table or a drawing.
_MOST_STRIPS = 8
# A line of prose has fewer pieces.
_MOST_PIECES = 200


@attrs.define
class _Columns:
    """Numbers the columns of a document: a line and the next belong to one column when their numbers are equal."""

    page: int = 0
    number: int = 0
    lines: list[Line] = attrs.Factory(list)

    def add(self, pieces: Sequence[Piece]) -> None:
        self.number += 1
        rows = list(_rows(pieces))
        if not rows:
            return
        left = _edge([min(piece.x0 for piece in row) for row in rows], [_extent(row) for row in rows], lowest=True)
        right = _edge([max(piece.x1 for piece in row) for row in rows], [_extent(row) for row in rows], lowest=False)
        self.lines += (line_of(row, page=self.page, column=self.number, left=left, right=right) for row in rows)


def ordered_lines(pages: Sequence[Sequence[Piece]]) -> list[Line]:
    """Return the lines of all pages in the order of reading."""
    columns = _Columns()
    gutters = [_gutter(pieces) for pieces in pages]
    usual = _usual(gutters)
    for number, pieces in enumerate(pages):
        columns.page = number
        gutter = gutters[number]
        if gutter is None and usual and _parts(pieces, usual, usual=True):
            gutter = usual
        for column in _ordered(pieces, gutter, _DEEPEST):
            columns.add(column)
    return columns.lines


def _usual(gutters: Sequence[tuple[float, float] | None]) -> tuple[float, float] | None:
    """Return the strip that is free on most of the pages with columns, if these are many."""
    found = [gutter for gutter in gutters if gutter]
    if len(found) < 0.3 * len(gutters):
        return None
    middle = median((low + high) / 2 for low, high in found)
    same = [(low, high) for low, high in found if low < middle < high]
    if len(same) < 0.6 * len(found):
        return None
    return max(low for low, _ in same), min(high for _, high in same)


def _ordered(pieces: Sequence[Piece], gutter: tuple[float, float] | None, depth: int) -> Iterator[list[Piece]]:
    """Yield the columns of a region in order; without a gutter it is one column."""
    if gutter is None:
        yield list(pieces)
        return
    low, high = gutter
    middle = (low + high) / 2
    band: list[Piece] = []
    full: list[Piece] = []
    for piece in sorted(pieces, key=lambda piece: -piece.y):
        crosses = piece.x0 < low - 1 and piece.x1 > high + 1
        beside = not crosses and full and abs(full[-1].y - piece.y) < 0.6 * max(piece.size, full[-1].size)
        if crosses or beside:
            if band and crosses:
                yield from _beside(band, middle, depth)
                band = []
            full.append(piece)
        else:
            if full:
                yield full
                full = []
            band.append(piece)
    if band:
        yield from _beside(band, middle, depth)
    if full:
        yield full


def _beside(pieces: Sequence[Piece], middle: float, depth: int) -> Iterator[list[Piece]]:
    for side in (
        [piece for piece in pieces if (piece.x0 + piece.x1) / 2 <= middle],
        [piece for piece in pieces if (piece.x0 + piece.x1) / 2 > middle],
    ):
        if side:
            yield from _ordered(side, _gutter(side) if depth > 1 else None, depth - 1)


def _gutter(pieces: Sequence[Piece]) -> tuple[float, float] | None:
    """Return the strip from ``low`` to ``high`` that hardly any line crosses and that has columns on both sides."""
    if len(pieces) < 2 * _FEWEST_LINES:
        return None
    left = min(piece.x0 for piece in pieces)
    width = int(min(5_000, max(piece.x1 for piece in pieces) - left)) + 1
    covered = _coverage(pieces, left, width)
    most = max(covered)
    strips = sorted(
        _strips(covered, 0.35 * most), key=lambda strip: sum(covered[slice(*strip)]) / (strip[1] - strip[0])
    )
    for low, high in strips[:_MOST_STRIPS]:
        if _parts(pieces, (left + low, left + high)):
            return left + low, left + high
    return None


def _coverage(pieces: Iterable[Piece], left: float, width: int) -> list[float]:
    """Return for each point of the width the height of type that stands over it."""
    changes = [0.0] * (width + 1)
    for piece in pieces:
        changes[min(width, max(0, int(piece.x0 - left)))] += piece.size
        changes[min(width, max(0, int(piece.x1 - left)))] -= piece.size
    return list(accumulate(changes[:width]))


def _strips(covered: Sequence[float], most: float) -> Iterator[tuple[int, int]]:
    """Yield the stretches of little coverage away from the edges, each narrowed to where it is least."""
    start = -1
    for i, value in enumerate([*covered, float("inf")]):
        if value <= most:
            start = i if start < 0 else start
        elif start >= 0:
            if start > 0 and i < len(covered):
                least = min(covered[start:i])
                inside = [j for j in range(start, i) if covered[j] <= least + 0.02 * most]
                yield max(_runs_of(inside), key=lambda run: run[1] - run[0])
            start = -1


def _runs_of(numbers: Sequence[int]) -> list[tuple[int, int]]:
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and runs[-1][1] == number:
            runs[-1] = (runs[-1][0], number + 1)
        else:
            runs.append((number, number + 1))
    return runs


def _parts(pieces: Sequence[Piece], strip: tuple[float, float], *, usual: bool = False) -> bool:
    """Say whether a strip parts columns of prose and not the cells of a table or the items of a list.

    Where the other pages have columns (``usual``), a page with little text and many pictures has them as well.
    """
    low, high = strip
    if usual:
        crossing = sum(piece.x0 < low - 1 and piece.x1 > high + 1 for piece in pieces)
        left = sum(piece.x1 <= high and len(piece.text) > 20 for piece in pieces)
        right = sum(piece.x0 >= low and len(piece.text) > 20 for piece in pieces)
        return min(left, right) >= 1 and left + right > 2 * crossing
    if high - low < _NARROWEST_GUTTER:
        return False
    size = median(piece.size for piece in pieces)
    sides = (
        [piece for piece in pieces if piece.x1 <= high - 1 and piece.size > 0.7 * size],
        [piece for piece in pieces if piece.x0 >= low + 1 and piece.size > 0.7 * size],
    )
    for side in sides:
        if len(side) < _FEWEST_LINES:
            return False
    if not all(_is_prose(side) for side in sides):
        return False
    # Columns stand beside each other, and not one below the other.
    bottoms = [min(piece.y for piece in side) for side in sides]
    tops = [max(piece.y for piece in side) for side in sides]
    shared = min(tops) - max(bottoms)
    return shared > 0.3 * min(top - bottom for top, bottom in zip(tops, bottoms, strict=True))


def _is_prose(side: Sequence[Piece]) -> bool:
    """Say whether a column holds lines that fill it, at least half of what is in it."""
    left, right = min(piece.x0 for piece in side), max(piece.x1 for piece in side)
    widths = sorted(piece.x1 - piece.x0 for piece in side)
    usual = widths[int(0.9 * (len(widths) - 1))]
    if usual <= 0.4 * (right - left):
        return False
    filling = sum(piece.x1 - piece.x0 for piece in side if piece.x1 - piece.x0 > 0.7 * usual and len(piece.text) > 12)
    return filling > 0.4 * sum(widths)


def _rows(pieces: Sequence[Piece]) -> Iterator[list[Piece]]:
    """Yield the rows of a column from top to bottom; small type between two lines belongs to the one it fits into."""
    if not pieces:
        return
    size = median(piece.size for piece in pieces)
    main = sorted((piece for piece in pieces if piece.size > 0.8 * size), key=lambda piece: (-piece.y, piece.x0))
    rows: list[list[Piece]] = []
    for piece in main:
        if rows and rows[-1][0].y - piece.y < 0.3 * max(piece.size, rows[-1][0].size):
            rows[-1].append(piece)
        else:
            rows.append([piece])
    heights = [-row[0].y for row in rows]
    loose: list[Piece] = []
    for piece in pieces:
        if piece.size > 0.8 * size:
            continue
        row = _fitting(rows, heights, piece)
        if row is None:
            loose.append(piece)
        else:
            row.append(piece)
    apart: list[list[Piece]] = []
    for piece in sorted(loose, key=lambda piece: (-piece.y, piece.x0)):
        at = bisect_left(heights, -piece.y)
        if at and abs(rows[at - 1][0].y - piece.y) < 0.3 * piece.size:
            rows[at - 1].append(piece)
        elif apart and abs(apart[-1][0].y - piece.y) < 0.3 * piece.size:
            apart[-1].append(piece)
        else:
            apart.append([piece])
    yield from sorted(rows + apart, key=lambda row: -row[0].y)


def _fitting(rows: Sequence[list[Piece]], heights: Sequence[float], piece: Piece) -> list[Piece] | None:
    """Return the row that a small piece is a script of: beside or between its pieces, and hardly above or below."""
    at = bisect_left(heights, -piece.y)
    near = [rows[i] for i in (at - 1, at) if 0 <= i < len(rows)]
    for row in sorted(near, key=lambda row: abs(row[0].y - piece.y)):
        if len(row) > _MOST_PIECES:
            continue
        size = max(one.size for one in row)
        if piece.size > 0.86 * size or abs(row[0].y - piece.y) > 0.75 * size:
            continue
        free = all(piece.x1 <= one.x0 + 1 or piece.x0 >= one.x1 - 1 for one in row)
        close = any(-1 <= piece.x0 - one.x1 < size or -1 <= one.x0 - piece.x1 < size for one in row)
        if free and close:
            return row
    return None


def _extent(row: Sequence[Piece]) -> float:
    return sum(piece.x1 - piece.x0 for piece in row)


def _edge(values: Sequence[float], weights: Sequence[float], *, lowest: bool) -> float:
    """Return the edge of a column: where most of its lines begin or end, else the outermost place."""
    places: dict[int, float] = {}
    for value, weight in zip(values, weights, strict=True):
        for place in (int(value / 3), int(value / 3) + 1):
            places[place] = places.get(place, 0) + weight
    total = sum(weights) or 1
    common = [place for place, weight in places.items() if weight >= 0.2 * total]
    if not common:
        return min(values) if lowest else max(values)
    chosen = min(common) if lowest else max(common)
    near = [value for value in values if chosen in (int(value / 3), int(value / 3) + 1)]
    return min(near) if lowest else max(near)
