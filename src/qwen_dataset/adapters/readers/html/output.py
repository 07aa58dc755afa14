"""The text of a paper as it is written, block by block, with exact positions."""

from __future__ import annotations

import re

import attrs

from ....domain.papers import Block, BlockKind
from ....domain.passages import bare_title, is_back_matter
from ..build import Heading
from .inline import Inline
from .mathml import Formula

_TRAILING = re.compile(r"[.,;:，。；]+(?=\s|\Z)\s*")
_FENCE = re.compile(r"`{3,}")
REFERENCES = "References"
ABSTRACTS = frozenset(("abstract", "摘要"))
# A row is filled up to the width of its table where that is a table's width.
_WIDEST = 100


@attrs.define
class Output:
    """Text, headings and blocks so far. Every block stands on lines of its own, with a blank line before it."""

    title: str
    parts: list[str] = attrs.Factory(list)
    size: int = 0
    headings: list[Heading] = attrs.Factory(list)
    blocks: list[Block] = attrs.Factory(list)
    # Headings that are open at this point, the deepest last.
    path: list[Heading] = attrs.Factory(list)
    # The heading to go back to before the next block: its part of the page was closed.
    _reopen: Heading | None = None
    _in_list: bool = False

    def begin(self) -> int:
        """Write the title; return where the text after it begins."""
        self._write(f"# {self.title}", "")
        return self.size

    def heading(self, level: int, title: str, *, named: str = "") -> None:
        """Write a heading; ``named`` is what the section is called if not what the page says."""
        self._reopen = None
        start = self._write(f"{'#' * level} {title}", "\n\n")
        self._open(Heading(level=level, title=named or title, start=start, end=self.size))

    def section(self, level: int, title: str) -> None:
        """Begin a section here that the page gives no heading."""
        self._reopen = None
        self._open(Heading(level=level, title=title, start=self.size, end=self.size))

    def return_to(self, path: list[Heading]) -> None:
        """Note that what comes next, if it has no heading, belongs where ``path`` leads."""
        now, self.path = self.path, path
        if now == path:
            return
        if path:
            self._reopen = path[-1]
        elif is_back_matter(now[0].title) or bare_title(now[0].title) in ABSTRACTS:
            self._reopen = attrs.evolve(now[0], title=self.title)

    def retitle(self, title: str) -> bool:
        """Give the last heading another title when nothing came after it; return whether it was so."""
        if not self.headings or self.headings[-1].end != self.size:
            return False
        last = self.headings.pop()
        self._reopen = None
        self._open(last if is_back_matter(last.title) else attrs.evolve(last, title=title))
        return True

    def paragraph(self, inline: Inline, *, mark: str = "", indent: str = "") -> bool:
        """Write prose, and the displayed formulas in it as blocks of their own; return whether there was any prose.

        ``mark`` is that of a list's item.
        """
        written = False
        for item in inline.items():
            if isinstance(item, Formula):
                self.block(item.block(), BlockKind.FORMULA)
                continue
            text = self._punctuate(item)
            if not text:
                continue
            if not re.search(r"[^\W_]", text):
                # A mark without a word is part of the page's looks.
                continue
            gap = "\n" if mark and self._in_list else "\n\n"
            self.block(indent + mark + text, BlockKind.PARAGRAPH, gap=gap)
            self._in_list = bool(mark)
            mark, written = "", True
        return written

    def code(self, text: str, language: str) -> None:
        """Write a listing."""
        text = text.strip("\n").rstrip()
        if text.strip():
            longest = max((len(run) for run in _FENCE.findall(text)), default=2)
            fence = "`" * (longest + 1)
            self.block(f"{fence}{language}\n{text}\n{fence}", BlockKind.CODE)

    def table(self, rows: list[list[str]], *, headed: bool) -> None:
        """Write a table, a row a line."""
        width = min(_WIDEST, max((len(row) for row in rows), default=0))
        lines = [f"| {' | '.join([*row, *[''] * (width - len(row))])} |" for row in rows if any(row)]
        if lines and headed:
            lines.insert(1, "|" + " --- |" * width)
        if lines:
            self.block("\n".join(lines), BlockKind.TABLE)

    def block(self, text: str, kind: BlockKind, *, gap: str = "\n\n") -> None:
        """Write a block."""
        if not text.strip():
            return
        self._in_list = False
        if self._reopen is not None:
            self.section(self._reopen.level, self._reopen.title)
        start = self._write(text, gap)
        lead = len(text) - len(text.lstrip())
        self.blocks.append(Block(start + lead, start + len(text.rstrip()), kind))

    def text(self) -> str:
        """Return the whole text."""
        return "".join(self.parts)

    def _open(self, heading: Heading) -> None:
        self.path = [*(one for one in self.path if one.level < heading.level), heading]
        self.headings.append(heading)
        self._in_list = False

    def _punctuate(self, text: str) -> str:
        """Give the full stop that follows a displayed formula to its block; return the rest."""
        found = _TRAILING.match(text)
        last = self.blocks[-1] if self.blocks else None
        if not found or last is None or last.kind is not BlockKind.FORMULA or last.end != self.size:
            return text
        mark = found[0].strip()
        self.parts.append(mark)
        self.size += len(mark)
        self.blocks[-1] = attrs.evolve(last, end=self.size)
        return text[found.end() :]

    def _write(self, text: str, gap: str) -> int:
        if self.size:
            self.parts.append(gap)
            self.size += len(gap)
        start = self.size
        self.parts.append(text)
        self.size += len(text)
        return start
