"""What kind of block each line belongs to: prose, a listing, a row of a table, a displayed formula."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from ....domain.papers import BlockKind
from .lines import Line
from .measures import ENDS, LABEL, STEP, Measures, cells, room

_WORD = re.compile(r"[^\W\d_]{3,}")
_IN_FORMULAS = re.compile(
    r"exp|sin|cos|tan|log|min|max|arg|det|dim|for|all|and|where"
    r"|otherwise|with|mod|rank|sup|inf|lim|ker|span|diag"
)
_SYMBOLS = re.compile(r"[=≡≈≃∼≤≥≪≫<>→←↦⇒⟨⟩∑∏∫√∂∇±×⊗⊕∈∀∃∞|α-ωΑ-Ω+−/^]")
_LINK = re.compile(r"(?:and )?[\d⁰¹²³⁴-⁹*†[\].]*\s*(?:https?://|www\.|doi:)")
_EQUATION_NUMBER = re.compile(r"\((?:[A-Z]\.?)?\d{1,3}(?:\.\d{1,3})*[a-z]?\)")


def kinds_of(lines: Sequence[Line], measures: Measures) -> list[BlockKind]:
    """Return the kind of block that each line belongs to."""
    kinds = [_kind(line, measures) for line in lines]
    steps = [bool(STEP.match(line.text)) for line in lines]
    for i, line in enumerate(lines):
        if steps[i] and (steps[i - 1] if i else False) and lines[i - 1].column == line.column:
            kinds[i] = kinds[i - 1] = BlockKind.CODE
    for i in range(1, len(lines) - 1):
        # A line of Chinese in a docstring, a comment in another font.
        if kinds[i - 1] is kinds[i + 1] is BlockKind.CODE is not kinds[i] and _is_in_listing(*lines[i - 1 : i + 2]):
            kinds[i] = BlockKind.CODE
    _mend_links(lines, kinds)
    _mend_code(lines, kinds, measures)
    _mend_tables(lines, kinds)
    _spread_formulas(lines, kinds, measures)
    return kinds


def _is_in_listing(above: Line, line: Line, below: Line) -> bool:
    return (
        above.column == line.column == below.column
        and above.y - below.y < 3.6 * max(above.size, below.size)
        and line.x0 > min(above.x0, below.x0) - 1
        and line.x0 > line.left + 1
        and line.x1 - line.x0 < 0.8 * (line.right - line.left)
    )


def _kind(line: Line, measures: Measures) -> BlockKind:
    # The arrow is how LaTeX marks a line of a listing that goes on.
    if line.mono > 0.85 or line.text.startswith(("˓→", "↪")):
        return BlockKind.CODE
    if _is_formula(line, measures):
        return BlockKind.FORMULA
    if len(cells(line)) > 1:
        return BlockKind.TABLE
    return BlockKind.PARAGRAPH


def _is_formula(line: Line, measures: Measures) -> bool:
    if line.x0 <= line.left + 1.2 * measures.size:
        return False
    numbered = len(line.pieces) > 1 and bool(_EQUATION_NUMBER.fullmatch(line.pieces[-1].text))
    if numbered and line.x1 > line.right - 1.5 * measures.size and _words(line) <= 4:
        return True
    symbols = len(_SYMBOLS.findall(line.text))
    if line.math < 0.2 and symbols < 2:
        return False
    return _words(line) <= max(1, symbols // 4) and not LABEL.fullmatch(line.pieces[0].text)


def _words(line: Line) -> int:
    """Return how many words of prose a line holds."""
    found = 0
    for piece in line.pieces:
        for run in piece.runs:
            if not run.font.math:
                found += sum(not _IN_FORMULAS.fullmatch(word.casefold()) for word in _WORD.findall(run.text))
                found += len(re.findall("[\u4e00-\u9fff]", run.text)) // 2
    return found


def _mend_links(lines: Sequence[Line], kinds: list[BlockKind]) -> None:
    """Take an address, and what it runs over into, for prose: footnotes set it in the type of listings."""
    for i, line in enumerate(lines):
        if kinds[i] is BlockKind.CODE and (
            _LINK.match(line.text)
            or (
                i
                and kinds[i - 1] is BlockKind.PARAGRAPH
                and lines[i - 1].mono > 0.5
                and " " not in line.text
                and "/" in lines[i - 1].text
                and lines[i - 1].column == line.column
                and lines[i - 1].y - line.y < 1.5 * line.size
            )
        ):
            kinds[i] = BlockKind.PARAGRAPH


def _mend_code(lines: Sequence[Line], kinds: list[BlockKind], measures: Measures) -> None:
    """Take a line of a paragraph that happens to be all code, back into the paragraph."""
    start = 0
    while start < len(lines):
        if kinds[start] is not BlockKind.CODE or STEP.match(lines[start].text):
            start += 1
            continue
        end = start + 1
        while end < len(lines) and kinds[end] is BlockKind.CODE and lines[end].column == lines[start].column:
            end += 1
        if end - start <= 2:
            before = lines[start - 1] if start and lines[start - 1].column == lines[start].column else None
            after = lines[end] if end < len(lines) and lines[end].column == lines[start].column else None
            if (before and kinds[start - 1] is BlockKind.PARAGRAPH and _follows(before, lines[start], measures)) or (
                after
                and kinds[end] is BlockKind.PARAGRAPH
                and _follows(lines[end - 1], after, measures)
                and after.text[:1].islower()
            ):
                kinds[start:end] = [BlockKind.PARAGRAPH] * (end - start)
        start = end


def _follows(before: Line, after: Line, measures: Measures) -> bool:
    return (
        before.y - after.y < 1.3 * measures.pitch * max(before.size, after.size)
        and abs(after.x0 - after.left) < 1.5 * after.size
        and not before.text.endswith((":", "："))
        and room(before) < 8 * before.size
    )


def _mend_tables(lines: Sequence[Line], kinds: list[BlockKind]) -> None:
    """Keep as tables what has at least two rows with cells that stand below each other; other gaps are spaces."""
    start = 0
    while start < len(lines):
        if kinds[start] is not BlockKind.TABLE:
            start += 1
            continue
        end = last = start + 1
        while end < len(lines) and lines[end].column == lines[start].column and end - last < 2:
            near = lines[end - 1].y - lines[end].y < 3 * max(lines[end].size, lines[end - 1].size)
            if not near or (kinds[end] is not BlockKind.TABLE and not _is_cell(lines[end])):
                break
            end += 1
            if kinds[end - 1] is BlockKind.TABLE:
                last = end
        kept = _is_table(
            [line for line, kind in zip(lines[start:last], kinds[start:last], strict=True) if kind is BlockKind.TABLE]
        )
        kinds[start:last] = [BlockKind.TABLE if kept else _otherwise(kind) for kind in kinds[start:last]]
        start = last


def _otherwise(kind: BlockKind) -> BlockKind:
    return BlockKind.PARAGRAPH if kind is BlockKind.TABLE else kind


def _is_cell(line: Line) -> bool:
    return line.x1 - line.x0 < 0.5 * (line.right - line.left) and not ENDS.search(line.text)


def _is_table(rows: Sequence[Line]) -> bool:
    if len(rows) < 2:
        return False
    places: Counter[int] = Counter()
    for row in rows:
        seen: set[int] = set()
        for cell in cells(row)[1:]:
            for place in (cell.x0, (cell.x0 + cell.x1) / 2, cell.x1):
                seen.update((int(place / 4), int(place / 4) + 1))
        places.update(seen)
    if sum(_fills(row) for row in rows) > 0.5 * len(rows):
        return False
    return max(places.values(), default=0) >= max(2, 0.5 * len(rows))


def _fills(row: Line) -> bool:
    """Say whether a line with gaps is one of prose: formulas that are drawn as pictures leave gaps in it."""
    width, written = row.right - row.left, sum(piece.x1 - piece.x0 for piece in row.pieces)
    return row.x1 - row.x0 > 0.8 * width and written > 0.7 * (row.x1 - row.x0) and len(row.text) > 8 * len(row.pieces)


def _spread_formulas(lines: Sequence[Line], kinds: list[BlockKind], measures: Measures) -> None:
    """Give a formula the lines that it is built of: numerators, limits, tall brackets."""
    for step in (1, -1):
        order = range(1, len(lines)) if step == 1 else range(len(lines) - 2, -1, -1)
        for i in order:
            formula, line = lines[i - step], lines[i]
            if (
                kinds[i - step] is not BlockKind.FORMULA
                or kinds[i] is BlockKind.FORMULA
                or formula.column != line.column
            ):
                continue
            if abs(formula.y - line.y) > 1.35 * measures.pitch * max(formula.size, measures.size):
                continue
            indented = line.x0 > line.left + 1.2 * measures.size
            small = line.x1 - line.x0 < 0.5 * (line.right - line.left)
            if indented and _words(line) == 0 and (small or line.math > 0.2):
                kinds[i] = BlockKind.FORMULA
