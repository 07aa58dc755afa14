"""The lettering of figures: ticks, axis labels and legends are part of a picture; in a passage they would be noise."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from .lines import Line
from .measures import CAPTION, FIGURE, TABLE, Measures, same_size

_WORD = re.compile(r"[^\W\d_]{3,}")
_EQUATION_NUMBER = re.compile(r"\((?:[A-Z]\.?)?\d{1,3}(?:\.\d{1,3})*[a-z]?\)")
# The lettering of one figure is seldom more.
_MOST_LINES = 400


def without_figures(lines: Sequence[Line], measures: Measures) -> list[Line]:
    """Return the lines without the lettering of figures: what stands between a figure's caption and the text above it.

    Ticks, axis labels and legends are part of a picture; in a passage they would be noise.
    """
    by_page: dict[int, list[Line]] = {}
    for line in lines:
        by_page.setdefault(line.page, []).append(line)
    doomed: set[int] = set()
    for page in by_page.values():
        page.sort(key=lambda line: -line.y)
        for i, line in enumerate(page):
            if CAPTION.match(line.text) and FIGURE.match(line.text):
                doomed.update(map(id, _lettering(page[max(0, i - _MOST_LINES) : i], line, measures)))
    return [line for line in lines if id(line) not in doomed]


def _lettering(above: Sequence[Line], caption: Line, measures: Measures) -> list[Line]:
    taken: list[Line] = []
    for line in reversed(above):
        if line.y - caption.y < 0.3 * caption.size or line.x1 < caption.left or line.x0 > caption.right:
            continue
        if CAPTION.match(line.text) or _is_prose(line, measures):
            if _is_table_caption(above, line):
                taken = taken[: -_rows_of_table(taken) or None]
            # The last line of a paragraph is short.
            while taken and _goes_on(line, taken[-1]):
                line = taken.pop()  # noqa: PLW2901 - the one that the next may follow
            break
        taken.append(line)
    return taken


def _goes_on(line: Line, below: Line) -> bool:
    return (
        line.column == below.column
        and same_size(line.size, below.size)
        and line.y - below.y < 1.4 * line.size
        and below.x0 < line.x0 + line.size
    )


def _is_table_caption(above: Sequence[Line], line: Line) -> bool:
    """Say whether a line is in the caption of a table, which is at most five lines long."""
    same = [one for one in above if one.column == line.column and 0 <= one.y - line.y < 7 * line.size]
    return any(CAPTION.match(one.text) and TABLE.match(one.text) for one in same)


def _rows_of_table(taken: Sequence[Line]) -> int:
    """Return how many of the lines, the uppermost last, are rows of the table above: up to the first wide gap."""
    gaps = [above.y - below.y for above, below in pairwise(reversed(taken))]
    for i, gap in enumerate(gaps):
        if i >= 2 and gap > 1.8 * median(gaps[:i]):
            return i + 1
    return len(taken)


def _is_prose(line: Line, measures: Measures) -> bool:
    if line.bold > 0.9 and line.size > 0.95 * measures.size and line.x0 < line.left + 2 * line.size:
        return True
    if line.mono > 0.85:
        return len(line.text) > 12 and line.x0 < line.left + 5 * line.size
    if line.math > 0.3 and line.size > 0.9 * measures.size and _EQUATION_NUMBER.search(line.text):
        return True
    words = len(_WORD.findall(line.text))
    cjk = len(re.findall("[\u4e00-\u9fff]", line.text))
    wide = line.x1 - line.x0 > 0.6 * (line.right - line.left)
    return (words >= 4 or cjk >= 12) and (wide or line.size > 0.95 * measures.size) and len(line.pieces) < 4
