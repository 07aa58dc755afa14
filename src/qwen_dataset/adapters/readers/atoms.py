"""Displayed formulas, environments, HTML tables and code fences: what stands in a text and must not be cut.

One scan from left to right with a constant amount of memory for each kind: a file full of unmatched delimiters costs no
more than its length.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import attrs

from ...domain.papers import Block, BlockKind

_TOKEN = re.compile(
    r"(?m)^(?P<lead>[ \t>]*+(?:(?:[-*+]|\d{1,9}[.)])[ \t]++)?)(?P<fence>`{3,}+|~{3,}+)(?P<info>[^\n]*+)"
    r"|(?<!`)`(?!`)[^`\n]++`"
    r"|(?P<dollars>(?<![\\$])\$\$(?!\$))"
    r"|(?<!\\)\\(?P<bracket>[\[\]])"
    r"|(?<!\\)\\(?P<edge>begin|end)\{(?P<name>[A-Za-z]{1,20}\*?)\}"
    r"|<(?P<slash>/?)table\b[^<>]{0,2000}>",
    re.IGNORECASE,
)
_FORMULAS = [
    *("equation", "align", "alignat", "gather", "multline", "eqnarray", "flalign"),
    *("displaymath", "dmath", "subequations", "xalignat"),
]
_CODES = ["verbatim", "lstlisting", "minted", "algorithm", "algorithmic", "algorithm2e"]
_TABLES = ["table", "tabular", "tabularx", "longtable"]
_KINDS = {
    **dict.fromkeys(_FORMULAS, BlockKind.FORMULA),
    **dict.fromkeys(_CODES, BlockKind.CODE),
    **dict.fromkeys(_TABLES, BlockKind.TABLE),
    "<table>": BlockKind.TABLE,
}
# A longer "formula" is two stray delimiters.
_LONGEST_FORMULA = 20_000
# An environment that is never closed is forgotten when this many of its name are open.
_DEEPEST = 50
_BLANK_LINE = re.compile(r"\n[ \t>]*+\n")
_HEADING = re.compile(r"\n#{1,6}[ \t]")
_WORDING = re.compile(r"\\(?:text|mathrm|mbox|textrm|operatorname)\s*\{[^{}]*\}|\\[A-Za-z]+|<[^<>]*>")
_PROSE = re.compile(r"(?:\b[A-Za-z]{2,}[,;]?[ \n]+){3}[A-Za-z]{2,}|[\u4e00-\u9fff，。]{10}")
# What may stand before a display on its first line, and after it on its last.
_BEFORE = re.compile(r"[ \t>]*+(?:(?:[-*+]|\d{1,9}[.)])[ \t]*+)?")
_AFTER = re.compile(
    r"[ \t]*+(?:\([\w:.\- ]{1,40}\)|\{#[^{}\n]{1,80}\}|\\tag\{[^{}\n]{1,40}\})?[ \t]*+[.,;:，。；、]?[ \t]*+(?=\n|$)"
)
_PUNCTUATION = re.compile(r"[ \t]?[.,;，。；]")


@attrs.define
class _Scan:
    """The openers that wait for their closers, and what has been found."""

    text: str
    found: list[tuple[int, int, BlockKind | None]] = attrs.Factory(list)
    dollars: int = -1
    bracket: int = -1
    fence: re.Match[str] | None = None
    environments: dict[str, list[int]] = attrs.Factory(dict)

    def add(self, start: int, end: int, kind: BlockKind | None) -> None:
        if kind is not None:
            after = _AFTER.match(self.text, end) or _PUNCTUATION.match(self.text, end)
            end = after.end() if after and kind is BlockKind.FORMULA else end
        self.found.append((start, end, kind))


def find_atoms(text: str, start: int, *, open_fence_runs_on: bool) -> tuple[Block, ...]:
    """Return the atoms of ``text[start:]`` in order, none overlapping.

    A formula is an atom when it is alone on its lines or goes over several; one inside a line of prose is not. A fence
    that is never closed reaches to the end as Markdown has it (``open_fence_runs_on``) or is no fence at all.
    """
    scan = _scan(text, start, fences=True)
    if scan.fence is not None:
        if open_fence_runs_on:
            scan.found.append((scan.fence.start("fence"), len(text), BlockKind.CODE))
        else:
            scan = _scan(text, start, fences=False)
    return tuple(_outermost(scan.found))


def is_fence(text: str, atom: Block) -> bool:
    """Say whether an atom is a code fence, which a Markdown parser finds as well."""
    return text[atom.start] in "`~"


def mask(text: str, start: int, atoms: Sequence[Block]) -> str:
    """Return ``text[start:]`` with each atom but fences as a line of prose: the same lines, nothing to misread in it.

    Without this a line of a formula may read as a heading (``=`` under a line), a list (``- x``) or a new paragraph.
    """
    parts: list[str] = []
    for atom in atoms:
        if not is_fence(text, atom):
            parts += (text[start : atom.start], "x", "\nx" * text.count("\n", atom.start, atom.end))
            start = atom.end
    parts.append(text[start:])
    return "".join(parts)


def _scan(text: str, start: int, *, fences: bool) -> _Scan:
    scan = _Scan(text)
    for token in _TOKEN.finditer(text, start):
        if token["fence"]:
            if fences:
                _fence(scan, token)
        elif scan.fence is not None:
            continue
        elif token["dollars"]:
            _dollars(scan, token)
        elif token["bracket"]:
            _bracket(scan, token)
        elif token["edge"]:
            _environment(scan, token, token["name"].rstrip("*"), opens=token["edge"] == "begin")
        elif token["slash"] is not None:
            _environment(scan, token, "<table>", opens=not token["slash"])
    return scan


def _fence(scan: _Scan, token: re.Match[str]) -> None:
    opened = scan.fence
    marks, info = token["fence"], token["info"].strip()
    if opened is None:
        # Backticks may not stand in the info string of a fence of backticks: that is inline code.
        if "`" not in info or marks[0] != "`":
            scan.fence = token
    elif marks[0] == opened["fence"][0] and len(marks) >= len(opened["fence"]) and not info:
        scan.found.append((opened.start("fence"), token.end("fence"), BlockKind.CODE))
        scan.fence = None


def _dollars(scan: _Scan, token: re.Match[str]) -> None:
    start, end = scan.dollars, token.end()
    if start < 0 or not _is_formula(scan.text, start, end):
        scan.dollars = token.start()
        return
    scan.dollars = -1
    displayed = "\n" in scan.text[start:end] or (_begins_line(scan.text, start) and _AFTER.match(scan.text, end))
    scan.add(start, end, BlockKind.FORMULA if displayed else None)


def _bracket(scan: _Scan, token: re.Match[str]) -> None:
    r"""Take ``\[ … \]`` as a formula only on lines of its own: in Markdown ``\[1\]`` is a bracket."""
    if token["bracket"] == "[":
        scan.bracket = token.start() if _begins_line(scan.text, token.start()) else -1
    elif scan.bracket >= 0:
        start, scan.bracket = scan.bracket, -1
        if _AFTER.match(scan.text, token.end()) and _is_formula(scan.text, start, token.end()):
            scan.add(start, token.end(), BlockKind.FORMULA)


def _environment(scan: _Scan, token: re.Match[str], name: str, *, opens: bool) -> None:
    if name not in _KINDS:
        return
    waiting = scan.environments.setdefault(name, [])
    if opens:
        waiting.append(token.start())
        del waiting[:-_DEEPEST]
    elif waiting:
        scan.add(waiting.pop(), token.end(), _KINDS[name])


def _is_formula(text: str, start: int, end: int) -> bool:
    r"""Say whether what stands between two ``$$`` is one formula and not the prose between two strays."""
    if end - start > _LONGEST_FORMULA:
        return False
    inside = text[start:end]
    if not _BLANK_LINE.search(inside):
        return True
    return not _HEADING.search(inside) and not _PROSE.search(_WORDING.sub(" ", inside))


def _begins_line(text: str, position: int) -> bool:
    line = text.rfind("\n", max(0, position - 200), position) + 1
    before = _BEFORE.match(text, line if line or position < 200 else position - 200, position)
    return before is not None and before.end() == position


def _outermost(found: list[tuple[int, int, BlockKind | None]]) -> Iterator[Block]:
    """Yield in order what does not stand in another; a formula inside a line hides what is in it, but is no atom."""
    reached = 0
    for start, end, kind in sorted(found, key=lambda atom: (atom[0], -atom[1])):
        if start >= reached:
            reached = end
            if kind is not None:
                yield Block(start, end, kind)
