"""A flat text to paragraphs: where each begins and ends, what stands beside it, and of what kind it is."""

from __future__ import annotations

import re
from collections.abc import Iterator

import attrs

from . import marks

_PART = re.compile(
    f"\n[ \t]*\n\\s*|[{marks.HEADING}{marks.ASIDE}{marks.CAPTION}{marks.ITEM}].|"
    f"[{marks.HEADING_END}{marks.ASIDE_END}{marks.CAPTION_END}{marks.SECTION_END}]",
    re.DOTALL,
)


@attrs.frozen
class Paragraph:
    """A stretch of a flat text. ``role`` is the mark it began with (a break where none did), ``kind`` what followed."""

    written: str
    role: str = ""
    kind: str = ""
    # The kind of figure, table or note that it stands in, "" in the running text.
    beside: str = ""


@attrs.define
class _Level:
    """Running text, or what stands beside it."""

    beside: str = ""
    role: str = ""
    kind: str = ""
    parts: list[str] = attrs.Factory(list)
    done: list[Paragraph] = attrs.Factory(list)
    waiting: list[Paragraph] = attrs.Factory(list)

    def finish(self, *, breaks: bool = True) -> None:
        """End the paragraph that is under way; what stood beside it follows where the text ``breaks``."""
        written = "".join(self.parts)
        if written.strip() or self.role in (marks.HEADING, marks.SECTION_END):
            self.done.append(Paragraph(written, self.role, self.kind, self.beside))
        self.parts.clear()
        self.role = self.kind = ""
        if breaks:
            self.done += self.waiting
            self.waiting.clear()


def paragraphs(flat: str) -> list[Paragraph]:
    """Return the paragraphs of a flat text in order, notes and figures behind the paragraph they stand in."""
    levels = [_Level()]
    position = 0
    for token in _PART.finditer(flat):
        level = levels[-1]
        level.parts.append(flat[position : token.start()])
        position = token.end()
        mark = token[0][0]
        if mark == marks.ASIDE:
            levels.append(_Level(beside=token[0][1]))
        elif mark == marks.ASIDE_END:
            if len(levels) > 1:
                _close(levels)
        elif mark == marks.CAPTION:
            level.finish(breaks=False)
            level.role, level.kind = mark, token[0][1]
        elif mark == marks.CAPTION_END:
            if level.role == marks.CAPTION:
                level.finish(breaks=False)
        elif mark in (marks.HEADING, marks.ITEM):
            level.finish()
            level.role, level.kind = mark, token[0][1]
        elif mark == marks.SECTION_END:
            level.finish()
            level.role = mark
            level.finish()
        elif mark == marks.HEADING_END or level.role != marks.HEADING:
            level.finish(breaks=mark != marks.HEADING_END)
        else:
            level.parts.append(" ")
    levels[-1].parts.append(flat[position:])
    while len(levels) > 1:
        _close(levels)
    levels[0].finish()
    return levels[0].done


def _close(levels: list[_Level]) -> None:
    level = levels.pop()
    level.finish()
    levels[-1].waiting += level.done


def abstracts(found: list[Paragraph]) -> Iterator[Paragraph]:
    """Yield the abstract out of the paragraphs of a preamble, its heading and its end with it."""
    inside = False
    for paragraph in found:
        if paragraph.role == marks.HEADING:
            inside = paragraph.kind == marks.ABSTRACT
        if inside:
            yield paragraph
        if paragraph.role == marks.SECTION_END:
            inside = False
