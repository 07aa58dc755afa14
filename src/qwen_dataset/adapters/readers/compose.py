"""A text that is put together from parts: every part becomes a block with its exact place."""

from __future__ import annotations

import attrs

from ...domain.papers import Block, BlockKind
from .build import Heading


@attrs.define
class Composer:
    """Text, headings and blocks so far: Markdown, with a blank line between two blocks."""

    title: str
    parts: list[str] = attrs.Factory(list)
    size: int = 0
    headings: list[Heading] = attrs.Factory(list)
    blocks: list[Block] = attrs.Factory(list)

    def begin(self) -> int:
        """Write the title; return where the text after it begins."""
        self.write(f"# {self.title}", "")
        return self.size

    def heading(self, level: int, title: str, *, named: str = "") -> None:
        """Write a heading; ``named`` is what the section is called if not what stands there."""
        start = self.write(f"{'#' * min(level, 6)} {title}", "\n\n")
        self.open(Heading(level=level, title=named or title, start=start, end=self.size))

    def section(self, level: int, title: str) -> None:
        """Begin a section here that has no heading in the text."""
        self.open(Heading(level=level, title=title, start=self.size, end=self.size))

    def block(self, text: str, kind: BlockKind = BlockKind.PARAGRAPH, *, gap: str = "\n\n") -> None:
        """Write a block; white space around it is no part of it."""
        if text.strip():
            start = self.write(text, gap)
            lead = len(text) - len(text.lstrip())
            self.blocks.append(Block(start + lead, start + len(text.rstrip()), kind))

    def open(self, heading: Heading) -> None:
        """Note a heading; what comes next belongs to it."""
        self.headings.append(heading)

    def write(self, text: str, gap: str) -> int:
        """Write a text after ``gap``; return where it begins."""
        if self.size:
            self.parts.append(gap)
            self.size += len(gap)
        start = self.size
        self.parts.append(text)
        self.size += len(text)
        return start

    def text(self) -> str:
        """Return the whole text."""
        return "".join(self.parts)
