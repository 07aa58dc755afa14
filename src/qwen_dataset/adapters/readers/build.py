"""What every reader ends with: headings and blocks become sections, and those a Paper."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePosixPath

import attrs

from ...domain.papers import Block, BlockKind, Paper, Section, detect_language
from ...domain.passages import bare_title, is_back_matter

# Enough to know a language; a dump of thousands of papers need not look at every word.
_LANGUAGE_SAMPLE = 200_000
_NOT_PROSE = re.compile(r"<[^<>\n]{0,500}>|\$[^$\n]{1,500}\$|`[^`\n]{1,200}`|\\[A-Za-z]+|https?://\S+")
_ABSTRACTS = frozenset({"abstract", "摘要"})
_LONGEST_ABSTRACT = 10_000
_SECTION_NAME = re.compile(
    "abstract|introduction|summary|overview|background|motivation|preliminaries|related work"
    "|(?:materials and )?methods?|experiments?|results(?: and discussion)?|discussions?"
    "|conclusions?(?: and outlook)?|outlook|appendi(?:x|ces)"
    "|摘要|引言|概述|概览|背景|简介|前言|绪论|介绍|(?:实验)?方法|实验|(?:实验)?结果|讨论|结论|总结|展望|附录"
)
_LETTERS = re.compile(r"\w+")


@attrs.frozen(kw_only=True)
class Heading:
    """A heading at ``text[start:end]``; 1 is the top level. What follows up to the next heading is its own text."""

    level: int
    title: str
    start: int
    end: int


@attrs.frozen(kw_only=True)
class Outline:
    """What a reader found in a text. The title's own heading, if any, is not among ``headings``.

    Text before ``body_start`` (front matter, the title) belongs to no section.
    """

    title: str
    headings: tuple[Heading, ...]
    blocks: tuple[Block, ...]
    body_start: int = 0
    abstract: str = ""
    authors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def build_paper(text: str, outline: Outline, *, source: str, reader: str) -> Paper:
    """Return the paper that an outline describes."""
    sections = tuple(_sections(text, outline))
    warnings = outline.warnings
    if not outline.blocks:
        warnings = (*warnings, "there is no text under its headings")
    return Paper(
        title=outline.title,
        text=text,
        source=source,
        sections=sections,
        language=detect_language(_prose(text, outline.blocks)),
        reader=reader,
        abstract=outline.abstract or _abstract(text, sections),
        authors=outline.authors,
        warnings=warnings,
    )


def stem(source: str) -> str:
    """Return a title made of where a paper was found, for one that names none."""
    return PurePosixPath(source.removesuffix(".gz")).stem or source


def plain(title: str) -> str:
    """Return a heading as a reader sees it: no HTML tags, links, emphasis or attributes; formulas as they are."""
    title = re.sub(r"\s*\{[#.\-][^{}]*\}\s*#*\s*$", "", title[:1000])
    title = re.sub(r"</span>(?=<span\b)", " ", title)
    # Underscores and backslashes mean something else inside a formula.
    parts = re.split(r"(\$[^$\n]+\$)", title)
    return " ".join("".join(part if i % 2 else _plain(part) for i, part in enumerate(parts)).split())


def names(value: object) -> tuple[str, ...]:
    """Return authors' names, given as one string, a list of strings, or a list of mappings with a ``name``."""
    entries = value if isinstance(value, list) else [value]
    found: list[str] = []
    for entry in entries[:10_000]:
        name = entry.get("name") if isinstance(entry, dict) else entry
        if isinstance(name, str) and name.strip():
            found.append(plain(re.sub(r"\^\[[^\]]*\]", "", name)))
    return tuple(found)


def same_title(one: str, other: str) -> bool:
    """Say whether two titles are the same but for case, punctuation and spacing."""
    return "".join(_LETTERS.findall(one)).casefold() == "".join(_LETTERS.findall(other)).casefold()


def is_section_name(title: str) -> bool:
    """Say whether a heading names a section that every paper has, so that it cannot be the title of this one."""
    return bool(_SECTION_NAME.fullmatch(bare_title(title))) or is_back_matter(title)


def cut(text: str, spans: Iterable[Block], atoms: Sequence[Block]) -> Iterator[Block]:
    """Yield the spans with the atoms taken out of them as blocks of their own, all trimmed, in order.

    ``spans`` are in order and do not overlap; neither do ``atoms``. What is left of a span without any letter or digit
    (quote marks, list marks, a lonely full stop) is no block.
    """
    i = position = 0
    for span in spans:
        # An atom may have reached beyond the span before.
        position = max(position, span.start)
        while i < len(atoms) and atoms[i].start < span.end:
            atom = atoms[i]
            i += 1
            if atom.start < position:
                continue
            yield from _block(text, position, atom.start, span.kind)
            yield from _block(text, atom.start, atom.end, atom.kind)
            position = atom.end
        if position < span.end:
            yield from _block(text, position, span.end, span.kind)


def outermost(atoms: Iterable[Block]) -> tuple[Block, ...]:
    """Return the atoms in order without those that stand in another; of two that overlap in part, one from both."""
    kept: list[Block] = []
    for atom in sorted(atoms, key=lambda atom: (atom.start, -atom.end)):
        if not kept or atom.start >= kept[-1].end:
            kept.append(atom)
        elif atom.end > kept[-1].end:
            kept[-1] = attrs.evolve(kept[-1], end=atom.end)
    return tuple(kept)


def _plain(part: str) -> str:
    part = re.sub(r"<[^<>]*>|!?\[\^[^\]]*\]", "", part)
    part = re.sub(r"!?\[([^\[\]]*)\]\([^()\s]*\)", r"\1", part)
    part = re.sub(r"`+([^`]*)`+", r"\1", part)
    part = re.sub(r"(\*{1,3})(?=\S)([^*]+)(?<=\S)\1", r"\2", part)
    part = re.sub(r"(?<![^\W_])(_{1,3})(?=\S)([^_]+)(?<=\S)\1(?![^\W_])", r"\2", part)
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", part)


def _block(text: str, start: int, end: int, kind: BlockKind) -> Iterator[Block]:
    part = text[start:end]
    begun = start + len(part) - len(part.lstrip())
    ended = start + len(part.rstrip())
    if begun < ended and (kind is not BlockKind.PARAGRAPH or re.search(r"[^\W_]", part)):
        yield Block(begun, ended, kind)


def _sections(text: str, outline: Outline) -> Iterator[Section]:
    path: list[Heading] = []
    start, block = outline.body_start, 0
    blocks = outline.blocks
    for heading in (*outline.headings, None):
        end = heading.start if heading else len(text)
        own: list[Block] = []
        while block < len(blocks) and blocks[block].start < end:
            own.append(blocks[block])
            block += 1
        # Text before the first heading is a section only when there is some.
        if path or own:
            titles = tuple(step.title for step in path)
            yield Section(path=titles, start=start, end=end, blocks=tuple(own))
        if heading:
            while path and path[-1].level >= heading.level:
                path.pop()
            path.append(heading)
            start = heading.end


def _abstract(text: str, sections: Iterable[Section]) -> str:
    for section in sections:
        if section.blocks and bare_title(section.title) in _ABSTRACTS:
            return text[section.blocks[0].start : section.blocks[-1].end][:_LONGEST_ABSTRACT]
    return ""


def _prose(text: str, blocks: Iterable[Block]) -> str:
    parts: list[str] = []
    size = 0
    for block in blocks:
        if block.kind is BlockKind.PARAGRAPH:
            parts.append(text[block.start : min(block.end, block.start + _LANGUAGE_SAMPLE - size)])
            size += len(parts[-1])
            if size >= _LANGUAGE_SAMPLE:
                break
    prose = _NOT_PROSE.sub(" ", "\n".join(parts))
    return prose if re.search(r"[^\W\d_]", prose) else text[:_LANGUAGE_SAMPLE]
