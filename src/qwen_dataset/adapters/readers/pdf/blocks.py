"""Lines become blocks: paragraphs, listings, tables, displayed formulas, captions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import attrs

from ....domain.papers import BlockKind
from .kinds import kinds_of
from .lines import Line
from .measures import CAPTION, ENDS, SENTENCE_ENDS, STEP, Measures, is_item, room, same_size, text_x0


@attrs.define(kw_only=True)
class Chunk:
    """Lines that belong together. ``floating`` ones interrupt the text and are no part of its flow."""

    kind: BlockKind
    lines: list[Line]
    floating: bool = False

    @property
    def first(self) -> Line:
        return self.lines[0]

    @property
    def last(self) -> Line:
        return self.lines[-1]


def blocks(lines: Sequence[Line], measures: Measures) -> list[Chunk]:
    """Return the blocks of a document in order; what goes on in the next column or page is one block."""
    kinds = kinds_of(lines, measures)
    found = list(_grouped(lines, kinds, measures))
    _mark_floating(found, measures)
    return _joined(found)


def _grouped(lines: Sequence[Line], kinds: Sequence[BlockKind], measures: Measures) -> Iterable[Chunk]:
    chunk: Chunk | None = None
    for line, kind in zip(lines, kinds, strict=True):
        if chunk is not None and kind is chunk.kind and _belongs(chunk, line, measures):
            chunk.lines.append(line)
            continue
        if chunk is not None:
            yield chunk
        chunk = Chunk(kind=kind, lines=[line])
    if chunk is not None:
        yield chunk


def _belongs(chunk: Chunk, line: Line, measures: Measures) -> bool:
    last = chunk.last
    if line.column != last.column:
        return False
    step = (last.y - line.y) / max(last.size, line.size)
    if chunk.kind is BlockKind.CODE:
        steps = [STEP.match(one.text) is None for one in (chunk.first, line)]
        return step < 3.2 * measures.pitch and steps[0] == steps[1]
    if chunk.kind is BlockKind.FORMULA:
        return step < 2.4 * measures.pitch
    if chunk.kind is BlockKind.TABLE:
        return step < 3 * measures.pitch
    return not _begins_paragraph(chunk, line, step, measures)


def _begins_paragraph(chunk: Chunk, line: Line, step: float, measures: Measures) -> bool:
    last = chunk.last
    if not _same_type(last, line, step, measures) or (last.bold > 0.9) != (line.bold > 0.9):
        return True
    if last.hyphen and step < 1.6 * measures.pitch:
        return False
    if step > 1.3 * max(measures.pitch, 1.05) or CAPTION.match(line.text):
        return True
    # A title is centred, and its lines are of any length.
    return line.size <= 1.15 * measures.size and not last.hyphen and _sets_apart(chunk, line)


def _sets_apart(chunk: Chunk, line: Line) -> bool:
    """Say whether a line begins a paragraph by its mark, its indentation, or the room that the one before leaves."""
    first, last = chunk.first, chunk.last
    begins = text_x0(line)
    if is_item(line) and (line.x0 < text_x0(last) - 0.3 * line.size or is_item(last)):
        # "[12] have shown" may begin a line of prose as well.
        return is_item(first) or room(last) > 3 * line.size or bool(ENDS.search(last.text)) or len(line.pieces) > 1
    if _ends_early(last, line):
        return True
    indent = line.x0 - max(line.left, min(first.x0, last.x0))
    hanging = is_item(first) and abs(begins - text_x0(first)) < line.size
    return indent > 0.8 * line.size and not hanging and last.x0 < line.x0 - 0.8 * line.size and _ends_sentence(last)


def _same_type(last: Line, line: Line, step: float, measures: Measures) -> bool:
    """Say whether two lines are set in one size, or in two of one paragraph: words in italics are often larger."""
    if same_size(last.size, line.size):
        return True
    close = abs(last.size - line.size) < 0.15 * max(last.size, line.size)
    code = max(last.mono, line.mono) > 0.85 and abs(last.size - line.size) < 0.3 * max(last.size, line.size)
    return (close or code) and step < 1.15 * measures.pitch and room(last) < 4 * last.size


def _ends_early(last: Line, line: Line) -> bool:
    """Say whether the first word of a line would have fitted into the one before: then that one ends a paragraph."""
    word = line.text.split(" ", 1)[0]
    if len(word) == len(line.text) and len(word) > 12:
        word = word[:1]
    width = (line.x1 - line.x0) * len(word) / max(1, len(line.text))
    left = room(last)
    if ENDS.search(last.text):
        return left > width + 1.1 * line.size
    return left > width + 2.5 * line.size and left > 0.25 * (last.right - last.left)


def _ends_sentence(line: Line) -> bool:
    return bool(ENDS.search(line.text)) or room(line) > 2 * line.size


def _mark_floating(chunks: Sequence[Chunk], measures: Measures) -> None:
    """Mark captions, tables, numbered algorithms, and what stands in smaller type at the foot of a column."""
    lowest: dict[int, float] = {}
    for chunk in chunks:
        if chunk.kind is BlockKind.PARAGRAPH and chunk.first.size > 0.93 * measures.size:
            column = chunk.first.column
            lowest[column] = min(lowest.get(column, chunk.last.y), chunk.last.y)
    for chunk in chunks:
        line = chunk.first
        small = line.size < 0.93 * measures.size
        chunk.floating = (
            bool(CAPTION.match(line.text))
            or chunk.kind is BlockKind.TABLE
            or (chunk.kind is BlockKind.CODE and bool(STEP.match(line.text)))
            or (small and chunk.kind is BlockKind.PARAGRAPH and line.y < lowest.get(line.column, line.y))
        )


def _joined(chunks: Sequence[Chunk]) -> list[Chunk]:
    """Join a paragraph that goes on in the next column or page with its rest, over what floats between them."""
    kept: list[Chunk] = []
    last: Chunk | None = None
    for chunk in chunks:
        if chunk.floating:
            kept.append(chunk)
            continue
        if last is not None and last.last.column != chunk.first.column and _goes_on(last, chunk):
            last.lines += chunk.lines
            continue
        kept.append(chunk)
        last = chunk
    return kept


def _goes_on(one: Chunk, other: Chunk) -> bool:
    before, after = one.last, other.first
    if one.kind is not BlockKind.PARAGRAPH or other.kind is not BlockKind.PARAGRAPH:
        return False
    if abs(before.size - after.size) > 0.15 * before.size and max(before.mono, after.mono) < 0.85:
        return False
    if before.bold > 0.9 or after.bold > 0.9 or is_item(after) or not after.text:
        return False
    if before.hyphen or after.text[0].islower():
        return True
    if SENTENCE_ENDS.search(before.text) or room(before) > 4 * before.size:
        return False
    return after.x0 < after.left + 0.8 * after.size
