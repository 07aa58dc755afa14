"""Markdown papers: front matter, headings, and the blocks between them."""

from __future__ import annotations

import re
from functools import cache
from itertools import accumulate
from typing import TYPE_CHECKING

import attrs

from ...domain.papers import Block, BlockKind, Paper
from ...domain.passages import bare_title
from ...errors import ReadError
from .atoms import find_atoms, is_fence, mask
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
        outline = markdown_outline(text, fallback_title=stem(source))
        if outline.body_start and not outline.blocks and not outline.headings:
            raise ReadError(f"{source} has a front matter or a title and no text below it")
        return build_paper(text, outline, source=source, reader=READER)
    except RecursionError:
        raise ReadError(f"{source} is nested too deeply to be read") from None


def markdown_outline(text: str, *, fallback_title: str, title: str = "") -> Outline:
    """Return headings and blocks of a Markdown text.

    ``title`` is what is known from elsewhere and wins; ``fallback_title`` is for a text that names none.
    """
    front = read_front_matter(text)
    front = attrs.evolve(front, title=title or front.title)
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
                headings += [heading] if heading.title else []
            elif token.type != "html_block" or not _COMMENTS.fullmatch(text, start, end):
                spans.append(Block(start, end))
    # The parser knows best where code is; the scan only kept formulas out of it.
    outer = outermost([*nested, *(atom for atom in atoms if not is_fence(text, atom))])
    title, headings = _title(front, headings, fallback_title, spans[0].start if spans else len(text))
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
    from markdown_it import MarkdownIt  # noqa: PLC0415 - heavy: only when Markdown is read

    parser = MarkdownIt("commonmark").enable("table")
    # Blocks are all that is needed: inline parsing is the slow half, and the half that hostile input can slow down.
    parser.core.ruler.enableOnly(["normalize", "block"])
    return parser


def _heading(token: Token, inline: Token, start: int, end: int) -> Heading | None:
    if token.markup[0] != "#" and len(inline.content) > _LONGEST_HEADING:
        return None
    return Heading(level=int(token.tag[1]), title=plain(inline.content), start=start, end=end)


def _title(front: FrontMatter, headings: list[Heading], fallback: str, begins: int) -> tuple[str, list[Heading]]:
    """Return the title, and the headings without the one that is the title. The text ``begins`` at an offset."""
    if not headings:
        return front.title or fallback, headings
    first = headings[0]
    top = min(heading.level for heading in headings)
    tops = [heading for heading in headings if heading.level == top]
    title = front.title or (tops[0] if len(tops) == 1 else first).title
    # A single top heading over all the others is the title even where the front matter words it differently.
    is_title = same_title(title, first.title) or (first.level == top == 1 and len(tops) == 1 < len(headings))
    # Of several headings of one level a numbered one, or one that text comes before, is only the first section.
    if len(tops) > 1 and (begins < first.start or not same_title(first.title, bare_title(first.title))):
        is_title = False
    if is_title and not is_section_name(first.title):
        return title, headings[1:]
    return title, headings


def _trimmed(text: str, start: int, end: int, kind: BlockKind) -> Block:
    part = text[start:end]
    return Block(start + len(part) - len(part.lstrip()), start + len(part.rstrip()), kind)
