"""Plain-text papers: typed by hand, made from PDF, reStructuredText, or Markdown under another suffix."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import accumulate

import attrs

from ...domain.papers import Block, BlockKind, Paper
from ...errors import ReadError
from .atoms import find_atoms
from .build import Heading, Outline, build_paper, cut, is_section_name, outermost, plain, same_title, stem
from .decode import decode
from .markdown import markdown_outline
from .outline import Found, find_headings

SUFFIXES: tuple[str, ...] = (".txt", ".text", ".rst")
READER = "text/1"

_ATX = re.compile(r"(?m)^(?:\A|(?<=\n\n))#{2,6}[ \t]+\S")
_FIRST_ATX = re.compile(r"\A\s*#{1,3}[ \t]+\S")
_FRONT_MATTER = re.compile(r"\A---[ \t]*\n")
_DIRECTIVE = re.compile(r"[ \t]*\.\. ([a-z-]{1,40})::", re.IGNORECASE)
_DIRECTIVES = {
    "math": BlockKind.FORMULA,
    **dict.fromkeys(("code", "code-block", "sourcecode", "parsed-literal", "literalinclude"), BlockKind.CODE),
    **dict.fromkeys(("table", "list-table", "csv-table"), BlockKind.TABLE),
}
# What reStructuredText does not print: targets, substitutions.
_UNPRINTED = re.compile(r"\.\. [_|]")
_SIMPLE_TABLE = re.compile(r"[ \t]*=+(?: +=+)+[ \t]*")
_ONE_FORMULA = re.compile(r"\$[^$]+\$[ \t]*[.,;]?")
_PROSE = re.compile(r"(?:[A-Za-z]{2,}[,;]? ){5}|[\u4e00-\u9fff，。]{12}")
_LONGEST_TITLE = 250
# A heading whose number is no digit: "IV. Data", "第一章 绪论", "一、数据", "B Data".
_ENUMERATED = re.compile(
    r"[IVX]{1,5}\.?[ \t]|[B-H]\.?[ \t]|A\.[ \t]|第.{1,4}[章篇节]|[（(]?[一二三四五六七八九十]{1,3}[)）、．.]"
)
_GOES_ON = re.compile(
    r"(?:[:,\-–—&]|\b(?:a|an|and|are|as|at|between|by|for|from|in|is|its|of|on|or|our|the|their|to|under|using|via|with))$"
)


@attrs.frozen
class _Run:
    """Lines ``first`` up to ``last``, none of them blank; ``indent`` is the least of theirs."""

    first: int
    last: int
    indent: int


def read_text(data: bytes, *, source: str) -> Paper:
    """Return the paper in a plain-text file. Raises ReadError naming ``source`` when it is no text."""
    text = decode(data, source=source)
    try:
        return build_paper(text, text_outline(text, fallback_title=stem(source)), source=source, reader=READER)
    except RecursionError:
        raise ReadError(f"{source} is nested too deeply to be read") from None


def text_outline(text: str, *, fallback_title: str, title: str = "") -> Outline:
    """Return headings and blocks of a plain text, and of one that looks like Markdown those of the Markdown.

    ``title`` is what is known from elsewhere and wins; ``fallback_title`` is for a text that names none.
    """
    if _looks_like_markdown(text):
        return markdown_outline(text, fallback_title=fallback_title, title=title)
    lines = text.split("\n")
    starts = list(accumulate((len(line) + 1 for line in lines), initial=0))
    atoms = find_atoms(text, 0, open_fence_runs_on=False)
    closed = _closed(lines, starts, atoms)
    found = list(find_headings(lines, closed, 0))
    title, body, found = _title(lines, closed, found, title, fallback_title)
    headings = tuple(_heading(heading, starts, len(text)) for heading in found if heading.first >= body)
    runs = list(_runs(lines, closed, found, body))
    structures = list(_structures(text, lines, starts, runs))
    spans = _spans(text, lines, starts, runs, headings)
    return Outline(
        title=title,
        headings=headings,
        blocks=tuple(cut(text, spans, outermost([*atoms, *structures]))),
        body_start=min(starts[body], len(text)),
    )


def _looks_like_markdown(text: str) -> bool:
    return bool(_FIRST_ATX.match(text) or _FRONT_MATTER.match(text) or len(_ATX.findall(text)) >= 2)


def _closed(lines: Sequence[str], starts: Sequence[int], atoms: Sequence[Block]) -> bytearray:
    """Return a mark for each line that stands in an atom, wholly or in part."""
    closed = bytearray(len(lines))
    line = 0
    for atom in atoms:
        while starts[line + 1] <= atom.start:
            line += 1
        while line < len(lines) and starts[line] < atom.end:
            closed[line] = 1
            line += 1
        line -= 1
    return closed


def _title(
    lines: Sequence[str], closed: Sequence[int], found: list[Found], title: str, fallback: str
) -> tuple[str, int, list[Found]]:
    """Return the title, the line where the body begins, and the headings of the body."""
    first = next((i for i, line in enumerate(lines) if line.strip() and not _UNPRINTED.match(line)), len(lines))
    if found and found[0].first == first and found[0].style:
        named = plain(found[0].title)
        styles = [heading.style for heading in found]
        if not is_section_name(named) and (same_title(named, title) if title else styles.count(found[0].style) == 1):
            return title or named, found[0].last, found[1:]
    elif found and found[0].first == first and _may_be_the_title(found, title):
        return title or plain(found[0].title), found[0].last, found[1:]
    if first == len(lines) or closed[first] or (found and found[0].first == first):
        return title or fallback, 0, found
    named, last = lines[first].strip(), first + 1
    while last < len(lines) and last < first + 4 and (following := lines[last].strip()):
        if not (following[0].islower() or _GOES_ON.search(named)) or len(named) + len(following) > _LONGEST_TITLE:
            break
        named, last = f"{named} {following}", last + 1
    if title:
        return (title, last, found) if same_title(named, title) else (title, 0, found)
    if len(named) > _LONGEST_TITLE or named[-1] in ".。,，;；" or not re.search(r"[^\W\d_]{2}", named):
        return fallback, 0, found
    return plain(named), last, found


def _may_be_the_title(found: Sequence[Found], title: str) -> bool:
    """Say whether the first heading only looks like one: a title in capitals, or one that begins with an "A"."""
    named = plain(found[0].title)
    if found[0].number or _ENUMERATED.match(named) or is_section_name(named):
        return False
    return same_title(named, title) if title else any(is_section_name(plain(each.title)) for each in found[1:])


def _heading(found: Found, starts: Sequence[int], size: int) -> Heading:
    end = starts[found.last - 1] + found.length if found.length else starts[found.last]
    return Heading(level=found.level, title=plain(found.title), start=starts[found.first], end=min(end, size))


def _runs(lines: Sequence[str], closed: Sequence[int], found: Sequence[Found], body: int) -> Iterator[_Run]:
    """Yield the runs of lines between blank lines and headings; a blank line in an atom parts nothing."""
    taken = bytearray(len(lines) + 1)
    for heading in found:
        if not heading.length:
            taken[heading.first : heading.last] = b"\1" * (heading.last - heading.first)
    breaks = {heading.first for heading in found if heading.length}
    first = -1
    indent = 0
    for i in range(body, len(lines) + 1):
        stripped = lines[i].lstrip() if i < len(lines) else ""
        inside = i < len(lines) and not taken[i] and (stripped or closed[i])
        if first >= 0 and (not inside or i in breaks):
            yield _Run(first, i, indent)
            first = -1
        if inside:
            own = len(lines[i].expandtabs(8)) - len(lines[i].expandtabs(8).lstrip()) if stripped else 10_000
            indent = own if first < 0 else min(indent, own)
            first = i if first < 0 else first


def _spans(
    text: str, lines: Sequence[str], starts: Sequence[int], runs: Sequence[_Run], headings: Sequence[Heading]
) -> Iterator[Block]:
    """Yield the runs as spans of prose, without what is not printed and after a heading that runs in."""
    i = 0
    for run in runs:
        start, end = starts[run.first], min(starts[run.last], len(text))
        while i < len(headings) and headings[i].end <= start:
            i += 1
        if i < len(headings) and headings[i].start == start:
            start = headings[i].end
        if not (_UNPRINTED.match(lines[run.first]) and run.last == run.first + 1):
            yield Block(start, end)


def _structures(text: str, lines: Sequence[str], starts: Sequence[int], runs: Sequence[_Run]) -> Iterator[Block]:
    """Yield what indentation and marks set apart: directives, literal blocks, tables, a formula on its own."""
    # A text that is indented throughout sets nothing apart by it.
    indented = sum(run.indent >= 4 for run in runs) <= 0.4 * len(runs)
    i = 0
    while i < len(runs):
        run = runs[i]
        last, kind = i + 1, None
        directive = _DIRECTIVE.match(lines[run.first])
        literal = i > 0 and lines[runs[i - 1].last - 1].rstrip().endswith("::") and run.indent > runs[i - 1].indent
        if directive and directive[1].lower() in _DIRECTIVES:
            kind = _DIRECTIVES[directive[1].lower()]
            last = _while_indented(runs, i + 1, run.indent + 1)
        elif literal and not _DIRECTIVE.match(lines[runs[i - 1].last - 1]):
            kind = BlockKind.CODE
            last = _while_indented(runs, i + 1, runs[i - 1].indent + 1)
        elif indented and run.indent >= 4 and run.last - run.first > 1 and not _reads_as_prose(lines, run):
            kind = BlockKind.CODE
        else:
            kind = _kind(text, lines, starts, run)
        if kind is not None:
            yield _block(text, starts[run.first], starts[runs[last - 1].last], kind)
        i = last


def _kind(text: str, lines: Sequence[str], starts: Sequence[int], run: _Run) -> BlockKind | None:
    rows = lines[run.first : run.last]
    if len(rows) > 1 and all(row.lstrip()[:1] in ("|", "+") for row in rows):
        return BlockKind.TABLE
    if len(rows) > 2 and _SIMPLE_TABLE.fullmatch(rows[0]) and _SIMPLE_TABLE.fullmatch(rows[-1]):
        return BlockKind.TABLE
    paragraph = text[starts[run.first] : starts[run.last]].strip() if rows[0].lstrip()[:1] == "$" else ""
    return BlockKind.FORMULA if _ONE_FORMULA.fullmatch(paragraph) else None


def _while_indented(runs: Sequence[_Run], i: int, indent: int) -> int:
    while i < len(runs) and runs[i].indent >= indent:
        i += 1
    return i


def _reads_as_prose(lines: Sequence[str], run: _Run) -> bool:
    return any(_PROSE.search(line) for line in lines[run.first : run.last])


def _block(text: str, start: int, end: int, kind: BlockKind) -> Block:
    part = text[start:end]
    return Block(start + len(part) - len(part.lstrip()), start + len(part.rstrip()), kind)
