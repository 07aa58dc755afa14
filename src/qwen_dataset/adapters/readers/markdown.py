"""Markdown papers: front matter, headings, and the blocks between them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from itertools import accumulate
from typing import TYPE_CHECKING

from ...domain.papers import Block, BlockKind, Paper
from ...errors import ReadError
from .atoms import find_atoms, mask
from .build import Heading, Outline, build_paper, cut, is_section_name, outermost, plain, same_title, stem
from .decode import decode
from .frontmatter import FrontMatter, read_front_matter

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

SUFFIXES: tuple[str, ...] = (".md", ".markdown")
READER = "markdown/1"

_ATOMS = {"fence": BlockKind.CODE, "code_block": BlockKind.CODE, "table_open": BlockKind.TABLE}
_COMMENTS = re.compile(r"\s*(?:<!--(?:(?!-->).)*-->\s*)+", re.DOTALL)
# Text with a rule right under it reads as a heading; a paragraph of this length was never meant as one.
_LONGEST_HEADING = 300


def read_markdown(data: bytes, *, source: str) -> Paper:
    """Return the paper in a Markdown file. Raises ReadError naming ``source`` when it is no text.

    Offsets count in the decoded text as it stands, front matter included.
    """
    text = decode(data, source=source)
    try:
        return build_paper(text, markdown_outline(text, stem(source)), source=source, reader=READER)
    except RecursionError:
        raise ReadError(f"{source} is nested too deeply to be read") from None


def markdown_outline(text: str, fallback_title: str) -> Outline:
    """Return title, headings and blocks of a Markdown text; ``fallback_title`` is for one that names none."""
    front = read_front_matter(text)
    atoms = find_atoms(text, front.end, open_fence_runs_on=True)
    starts = list(accumulate((len(line) + 1 for line in text[front.end :].split("\n")), initial=front.end))
    # What follows the last line end is where nothing begins.
    starts[-1] = len(text)
    tokens = _parser().parse(mask(text, front.end, atoms))
    headings: list[Heading] = []
    spans: list[Block] = []
    nested: list[Block] = []
    for i, token in enumerate(tokens):
        if token.map is None:
            continue
        start, end = starts[token.map[0]], starts[token.map[1]]
        if token.type in _ATOMS:
            nested.append(_trimmed(text, start, end, _ATOMS[token.type]))
        if token.level == 0 and token.nesting >= 0 and token.type != "hr":
            heading = _heading(token, tokens[i + 1], start, end) if token.type == "heading_open" else None
            if heading:
                headings.append(heading)
            elif token.type != "html_block" or not _COMMENTS.fullmatch(text, start, end):
                spans.append(Block(start, end))
    # The parser knows best where code is; the scan only kept formulas out of it.
    outer = outermost([*nested, *(atom for atom in atoms if atom.kind is not BlockKind.CODE)])
    title, headings = _title(front, headings, fallback_title)
    return Outline(
        title=title,
        headings=tuple(headings),
        blocks=tuple(cut(text, spans, outer)),
        body_start=front.end,
        abstract=front.abstract,
        authors=front.authors,
        warnings=front.warnings,
    )


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark").enable("table")
    # Blocks are all that is needed: inline parsing is the slow half, and the half that hostile input can slow down.
    parser.core.ruler.enableOnly(["normalize", "block"])
    return parser


def _heading(token: Token, inline: Token, start: int, end: int) -> Heading | None:
    if token.markup[0] != "#" and len(inline.content) > _LONGEST_HEADING:
        return None
    return Heading(level=int(token.tag[1]), title=plain(inline.content), start=start, end=end)


def _title(front: FrontMatter, headings: Sequence[Heading], fallback: str) -> tuple[str, list[Heading]]:
    """Return the title, and the headings without the one that is the title."""
    named = [heading for heading in headings if heading.title]
    if not named:
        return front.title or fallback, list(headings)
    top = min(heading.level for heading in named)
    tops = [heading for heading in named if heading.level == top]
    first = named[0]
    title = front.title or (tops[0] if len(tops) == 1 else first).title
    # A single top heading over all the others is the title even where the front matter words it differently.
    is_title = same_title(title, first.title) or (first.level == top == 1 and len(tops) == 1 < len(named))
    if is_title and not is_section_name(first.title):
        return title, [heading for heading in headings if heading is not first]
    return title, list(headings)


def _trimmed(text: str, start: int, end: int, kind: BlockKind) -> Block:
    part = text[start:end]
    return Block(start + len(part) - len(part.lstrip()), start + len(part.rstrip()), kind)
