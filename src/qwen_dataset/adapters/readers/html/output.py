"""The text of a page as it is written, block by block: where its parts begin, and where each of them ends."""

from __future__ import annotations

import re

import attrs

from ....domain.papers import BlockKind
from ....domain.passages import bare_title, is_back_matter
from ..build import Heading
from ..compose import Composer
from .inline import Inline
from .mathml import Formula

_TRAILING = re.compile(r"[.,;:，。；]+(?=\s|\Z)\s*")
_FENCE = re.compile(r"`{3,}")
REFERENCES = "References"
ABSTRACTS = frozenset(("abstract", "摘要"))
# A row is filled up to the width of its table where that is a table's width.
_WIDEST = 100


@attrs.define
class Output(Composer):
    """What has been written of a page, and where on it we are."""

    # Headings that are open at this point, the deepest last.
    path: list[Heading] = attrs.Factory(list)
    # The heading to go back to before the next block: its part of the page was closed.
    _reopen: Heading | None = None
    _in_list: bool = False

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
        self.open(last if is_back_matter(last.title) else attrs.evolve(last, title=title))
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

    def block(self, text: str, kind: BlockKind = BlockKind.PARAGRAPH, *, gap: str = "\n\n") -> None:
        """Write a block, in the part of the paper that is open here."""
        if not text.strip():
            return
        if self._reopen is not None:
            self.section(self._reopen.level, self._reopen.title)
        self._in_list = False
        super().block(text, kind, gap=gap)

    def open(self, heading: Heading) -> None:
        """Note a heading, and that nothing is to be gone back to."""
        self._reopen = None
        self._in_list = False
        self.path = [*(one for one in self.path if one.level < heading.level), heading]
        super().open(heading)

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
