"""The parts of a paper on a page: sections, abstract, footnotes, references, and where each of them ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import attrs

from ....domain.passages import is_back_matter
from ..build import Heading
from .output import REFERENCES, Output
from .tree import HEADING, Node

Leave: TypeAlias = Callable[[], None]

# More than this share of a page is no list of references, whatever its class.
_MOST_REFERENCES = 0.6


@attrs.define
class Parts:
    """Begins the parts of a paper; each returns what is to be done at its end. ``flush`` ends a paragraph."""

    out: Output
    flush: Leave
    whole: int
    # Where the abstract stands in the text.
    abstract_span: tuple[int, int] = (0, 0)
    _in_references: bool = False
    _rename: bool = False

    def heading(self, level: int, title: str) -> None:
        """Write a heading, that of the references under the name that everybody knows."""
        if not any(map(str.isalnum, title)):
            return
        if self._rename:
            self._rename = False
            self.out.heading(level, title, named="" if is_back_matter(title) else REFERENCES)
            return
        if self._in_references and self.out.path:
            # What a list of references is divided into belongs to it.
            level = max(level, self.out.path[0].level + 1)
        self.out.heading(level, title)

    def section(self) -> Leave:
        """Begin a part: what comes after it belongs to the part around it."""
        return self._return_to(self.out.path)

    def references(self, node: Node) -> Leave:
        """Begin a list of references, under a heading in it, right before it, or none."""
        if self._in_references or node.prose > self.whole * _MOST_REFERENCES:
            return self.flush
        before = self.out.path
        self._in_references = True
        if node.holds & HEADING:
            self._rename = True
        elif self.out.retitle(REFERENCES):
            before = before[:-1]
        else:
            self.out.section(before[-1].level + 1 if before else 1, REFERENCES)
        end = self._return_to(before)

        def leave() -> None:
            end()
            self._in_references = self._rename = False

        return leave

    def footnotes(self, node: Node) -> Leave:
        """Begin the notes at the end of a page: they are no part of the references that may stand before them."""
        before = self.out.path
        if not node.holds & HEADING and self.out.headings:
            self.out.section(min(one.level for one in self.out.headings), "Footnotes")
        return self._return_to(before)

    def abstract(self) -> Leave:
        """Begin the abstract."""
        before, first = self.out.path, len(self.out.blocks)
        end = self._return_to(before)

        def leave() -> None:
            self.flush()
            if len(self.out.blocks) > first and not self.abstract_span[1]:
                self.abstract_span = (self.out.blocks[first].start, self.out.blocks[-1].end)
            end()

        return leave

    def _return_to(self, path: list[Heading]) -> Leave:
        def leave() -> None:
            self.flush()
            self.out.return_to(path)

        return leave
