"""Tables of a page: those that hold data, and those that only set things side by side."""

from __future__ import annotations

import re

import attrs

from .inline import Inline
from .tree import HEADING, PRE, TABLE, Node

# A "cell" of this many characters on average is a column of a page.
_LONGEST_CELL = 800
_MOST_SPANNED = 50
_BARE_BAR = re.compile(r"(?<!\\)((?:\\\\)*)\|")


@attrs.define
class Table:
    """The table that is being read."""

    rows: list[list[str]] = attrs.Factory(list)
    captions: list[Inline] = attrs.Factory(list)
    headed: bool = False

    def cell(self, node: Node, text: str) -> None:
        """Add a cell to the last row; one that spans several columns is followed by empty ones."""
        if not self.rows:
            self.rows.append([])
        if node.tag == "th" and len(self.rows) == 1:
            self.headed = True
        span = node.attributes.get("colspan", "")
        more = min(int(span) - 1, _MOST_SPANNED) if span.isdecimal() and len(span) < 5 else 0
        # A bar that is not escaped would begin one more cell.
        self.rows[-1].extend([_BARE_BAR.sub(r"\1\\|", text), *[""] * max(0, more)])


def is_layout(node: Node) -> bool:
    """Say whether a table is a way to set a page: it holds other tables, headings, listings, or a single cell."""
    if node.attributes.get("role") in ("presentation", "none"):
        return True
    if node.holds_inside(TABLE | HEADING | PRE):
        return True
    cells = sum(one.tag in ("td", "th") for one in node.nodes())
    return cells < 2 or node.prose > cells * _LONGEST_CELL
