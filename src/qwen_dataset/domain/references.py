"""A list of references that no heading announces: the numbered entries at the end of a paper."""

from __future__ import annotations

import re
from collections.abc import Sequence

import attrs

from .back_matter import Reason, reason_of
from .papers import Block, BlockKind

_FEWEST = 3  # entries; two numbered lines may be anything
_LONGEST_TITLE = 60
_MARK = re.compile(r"[ \t]*(?:[-*+] )?(?:\\?[\[［](\d{1,4})\\?[\]］]|\(?(\d{1,4})[.)](?=\s))")
_YEAR = re.compile(r"\b(?:19|20)\d\d|(?:19|20)\d\d年")
# Initials, abbreviations, addresses and the marks of a kind of publication: what a list of results does not have.
_CITED = re.compile(
    r"\b[A-Z]\.|\bet al\b|\bdoi\b|arxiv|https?://|\[[JMCDPRSNAZ](?:/OL)?\]|\bpp?\.|\b[Vv]ol\.|等[.,，．]|出版社|学报",
)


@attrs.define
class _Entry:
    number: int
    has_year: bool = False
    has_mark: bool = False

    def add(self, line: str) -> None:
        """Look at one more line of the entry."""
        self.has_year = self.has_year or _YEAR.search(line) is not None
        self.has_mark = self.has_mark or _CITED.search(line) is not None


def trailing_references(text: str, blocks: Sequence[Block]) -> int:
    """Return which of the blocks is the first of a list of references that ends with the last; their number if none.

    An entry begins a line with ``[n]`` or ``n.``, the numbers go up by one, and four in five entries hold a year and
    something that only citations hold. A line ``References`` in front belongs to them.
    """
    first = len(blocks)
    entries: list[_Entry] = []
    while first and blocks[first - 1].kind is BlockKind.PARAGRAPH:
        found = _entries(text[blocks[first - 1].start : blocks[first - 1].end])
        following = entries[-1].number if entries else None
        if not found or (following is not None and found[-1].number + 1 != following):
            break
        entries += reversed(found)
        first -= 1
    cited = sum(entry.has_year and entry.has_mark for entry in entries)
    if len(entries) < _FEWEST or cited * 5 < len(entries) * 4:
        return len(blocks)
    return first - 1 if first and _announces(text, blocks[first - 1]) else first


def _entries(text: str) -> list[_Entry]:
    """Return the entries that a block is made of, none where it does not begin with one or their numbers jump."""
    if not _MARK.match(text):
        return []
    found: list[_Entry] = []
    for line in text.splitlines():
        mark = _MARK.match(line)
        if mark is not None:
            number = int(mark[1] or mark[2])
            if found and number != found[-1].number + 1:
                return []
            found.append(_Entry(number))
        # A line without a mark was broken for its length.
        found[-1].add(line[mark.end() :] if mark else line)
    return found


def _announces(text: str, block: Block) -> bool:
    if block.end - block.start > _LONGEST_TITLE:
        return False
    return reason_of(text[block.start : block.end]) is Reason.REFERENCES
