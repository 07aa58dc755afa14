r"""What stands in a text for something taken out of it, and for where its parts begin and end.

The marks are characters that Unicode keeps for such inner use, so no paper holds them (they are removed where one
does). A formula, a table or a listing is kept as it was written and a mark with its number goes through all later
steps, none of which can misread or change it.
"""

from __future__ import annotations

import re

import attrs

from ....domain.papers import BlockKind

KEPT, KEPT_END = "\ufdd0", "\ufdd1"
# A heading: its level as one character, then the title.
HEADING, HEADING_END = "\ufdd2", "\ufdd3"
# What stands beside the running text and is moved behind its paragraph: "n" a note, "f" a figure, "t" a table.
ASIDE, ASIDE_END = "\ufdd4", "\ufdd5"
CAPTION, CAPTION_END = "\ufdd6", "\ufdd7"
# An item of a list: its depth as one character, then its mark.
ITEM = "\ufdd8"
# The abstract or the acknowledgements end here, and no new heading says so.
SECTION_END = "\ufdd9"
# Between what comes before the document and the document.
DOCUMENT = "\ufdda"

ABSTRACT, REFERENCES, THANKS = "a", "r", "k"
NOTE, FIGURE, TABLE = "n", "f", "t"

FOREIGN = re.compile("[\ufdd0-\ufdef]")
KEPT_MARK = re.compile(f"{KEPT}(\\d+){KEPT_END}")


@attrs.frozen
class Kept:
    """Something kept as it was written; ``kind`` is None for what stands inside a line."""

    text: str
    kind: BlockKind | None = None


@attrs.define
class Vault:
    """What was taken out of a paper, by number."""

    kept: list[Kept] = attrs.Factory(list)

    def keep(self, text: str, kind: BlockKind | None = None) -> str:
        """Keep a text and return its mark."""
        self.kept.append(Kept(text, kind))
        return f"{KEPT}{len(self.kept) - 1}{KEPT_END}"

    def find(self, mark: re.Match[str]) -> Kept:
        """Return what a mark stands for."""
        return self.kept[int(mark[1])]

    def restore(self, text: str) -> str:
        """Return the text with everything that was taken out of it back in its place."""
        return KEPT_MARK.sub(lambda mark: self.find(mark).text, text) if KEPT in text else text
