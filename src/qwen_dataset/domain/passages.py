"""Passages: the stretches of a paper that requests are made of, and what of a paper is in none of them.

A passage lies in one section, is made of whole blocks, and cuts prose only between sentences. Everything here is one
pass over the text, and no text is counted more than three times: a paragraph of ten megabytes, or one full of unmatched
delimiters, costs no more than its length.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs

from .back_matter import Reason, bare_title, is_back_matter, reason_of
from .boilerplate import reason_of_paragraph
from .papers import Block, BlockKind, Paper, Section
from .pieces import Piece, Sizes, groups_of, overlap_of, pieces_of, tokens_of
from .references import trailing_references
from .sentences import trim
from .tokens import PASSAGE_TOKENS, CountTokens, approximate_tokens

__all__ = [
    "PASSAGE_TOKENS",
    "Division",
    "LeftOut",
    "Passage",
    "Reason",
    "bare_title",
    "choose",
    "divide",
    "is_back_matter",
    "left_out",
    "split",
]

# A Chinese character says about what two and a half Latin ones do.
_SHORT = {"zh": 80}
_SHORT_OTHERWISE = 200


@attrs.frozen(kw_only=True)
class Passage:
    """``paper.text[start:end]``, trimmed of white space, inside the section with the path ``section``.

    ``tokens`` are those of its parts: the text as a whole may have a few less. ``oversized``: it is one formula, table,
    code block or sentence, and longer than passages may be. The first ``overlap`` code points are the end of the
    passage before as well.
    """

    section: tuple[str, ...]
    start: int
    end: int
    tokens: int = 0
    oversized: bool = False
    overlap: int = 0


@attrs.frozen(kw_only=True)
class LeftOut:
    """``paper.text[start:end]`` is in no passage, and why; trimmed of white space."""

    section: tuple[str, ...]
    start: int
    end: int
    reason: Reason


@attrs.frozen(kw_only=True)
class Division:
    """A paper's passages and what is in none of them, each in order."""

    passages: tuple[Passage, ...]
    left_out: tuple[LeftOut, ...]


def divide(
    paper: Paper,
    *,
    count: CountTokens = approximate_tokens,
    target_tokens: int = PASSAGE_TOKENS,
    max_tokens: int | None = None,
    overlap_tokens: int = 0,
) -> Division:
    """Return the passages of a paper and what is left out of them; every block is in one or the other.

    Consecutive blocks of a section are merged up to ``target_tokens``, as ``count`` counts them; a formula stays with
    the prose before it, and a short rest with its neighbour, where ``max_tokens`` (by default twice the target) allows.
    Formulas, tables, code and sentences are never cut, whatever their size; a paragraph above ``max_tokens`` is cut
    between sentences. What is larger and cannot be cut is a passage of its own, ``oversized``.

    A passage begins with the last whole sentences and blocks of the one before, in the same section, up to
    ``overlap_tokens`` and within ``max_tokens``.

    Left out are back matter, licence and copyright boilerplate, references at the end of the paper without a heading,
    and fragments (below 200 code points, 80 in a Chinese paper) unless the paper has nothing longer. Raises ValueError
    for sizes that contradict each other.
    """
    most = 2 * target_tokens if max_tokens is None else max_tokens
    if not 0 <= overlap_tokens < target_tokens <= most:
        raise ValueError("a passage overlaps by less than its target, and that is at most the maximum")
    sizes = Sizes(
        count=count,
        # What overlaps is part of the passage.
        target=target_tokens - overlap_tokens,
        most=most,
        overlap=overlap_tokens,
        short=_SHORT.get(paper.language, _SHORT_OTHERWISE),
    )
    left: list[LeftOut] = []
    passages: list[Passage] = []
    for section, blocks in _to_read(paper, left):
        passages += _of_run(paper.text, section, blocks, sizes)
    long = [passage for passage in passages if _length(passage) >= sizes.short]
    if long and len(long) < len(passages):
        left += (_too_short(passage) for passage in passages if _length(passage) < sizes.short)
    return Division(passages=tuple(long or passages), left_out=tuple(sorted(left, key=lambda each: each.start)))


def split(
    paper: Paper,
    *,
    count: CountTokens = approximate_tokens,
    target_tokens: int = PASSAGE_TOKENS,
    max_tokens: int | None = None,
    overlap_tokens: int = 0,
) -> Iterator[Passage]:
    """Yield the passages of a paper in order, none overlapping unless asked; see ``divide``."""
    division = divide(
        paper, count=count, target_tokens=target_tokens, max_tokens=max_tokens, overlap_tokens=overlap_tokens
    )
    yield from division.passages


def left_out(
    paper: Paper,
    *,
    count: CountTokens = approximate_tokens,
    target_tokens: int = PASSAGE_TOKENS,
    max_tokens: int | None = None,
    overlap_tokens: int = 0,
) -> Iterator[LeftOut]:
    """Yield what is in no passage that ``split`` makes with the same sizes, in order; see ``divide``."""
    division = divide(
        paper, count=count, target_tokens=target_tokens, max_tokens=max_tokens, overlap_tokens=overlap_tokens
    )
    yield from division.left_out


def choose(passages: Sequence[Passage], count: int) -> tuple[Passage, ...]:
    """Return at most ``count`` of the passages, in order: the middle one of each of ``count`` equal regions.

    Passages are of about one size, so a region of the sequence is a region of the paper, and one giant table does not
    draw all the choices to itself. Depends on the passages alone.
    """
    total = len(passages)
    if count >= total:
        return tuple(passages)
    return tuple(passages[(2 * k + 1) * total // (2 * count)] for k in range(count))


def _to_read(paper: Paper, left: list[LeftOut]) -> list[tuple[Section, list[Block]]]:
    """Return the runs of blocks that passages are made of, each of one section; note in ``left`` what they lack."""
    sections: list[tuple[Section, list[tuple[Block, Reason | None]]]] = []
    for section in paper.sections:
        reason = _reason_of_path(section.path)
        judged = [(block, reason or _reason_of_block(paper.text, block)) for block in _trimmed(paper.text, section)]
        sections.append((section, judged))
    _mark_references(paper.text, sections)
    runs = []
    for section, judged in sections:
        run: list[Block] = []
        before: Reason | None = None
        for block, reason in judged:
            if reason is None:
                run.append(block)
            else:
                if run:
                    runs.append((section, run))
                    run = []
                _note(left, section, block, reason, joins=before is reason)
            before = reason
        if run:
            runs.append((section, run))
    return runs


def _reason_of_path(path: Sequence[str]) -> Reason | None:
    """Return why a section is left out by its title or by one above it."""
    for depth, title in enumerate(path):
        # Below another heading, in the singular, it is the reference of a command or a module: what a manual is for.
        if not (depth and bare_title(title) == "reference") and (reason := reason_of(title)):
            return reason
    return None


def _reason_of_block(text: str, block: Block) -> Reason | None:
    return reason_of_paragraph(text, block.start, block.end) if block.kind is BlockKind.PARAGRAPH else None


def _mark_references(text: str, sections: list[tuple[Section, list[tuple[Block, Reason | None]]]]) -> None:
    """Judge the last blocks of the last section that is read, where they are references without a heading."""
    for _, judged in reversed(sections):
        kept = [number for number, (_, reason) in enumerate(judged) if reason is None]
        if kept:
            first = trailing_references(text, [judged[number][0] for number in kept])
            for number in kept[first:]:
                judged[number] = (judged[number][0], Reason.REFERENCES)
            return


def _note(left: list[LeftOut], section: Section, block: Block, reason: Reason, *, joins: bool) -> None:
    if joins:
        left[-1] = attrs.evolve(left[-1], end=block.end)
    else:
        left.append(LeftOut(section=section.path, start=block.start, end=block.end, reason=reason))


def _trimmed(text: str, section: Section) -> Iterator[Block]:
    for block in section.blocks:
        start, end = trim(text, block.start, block.end)
        if start < end:
            yield Block(start, end, block.kind)


def _of_run(text: str, section: Section, blocks: Sequence[Block], sizes: Sizes) -> Iterator[Passage]:
    before: list[Piece] | None = None
    for group in groups_of(text, pieces_of(text, blocks, sizes), sizes):
        tokens = tokens_of(group)
        start, more = group[0].start, 0
        if before is not None and sizes.overlap:
            start, more = overlap_of(text, before, group[0], min(sizes.overlap, sizes.most - tokens), sizes)
        yield Passage(
            section=section.path,
            start=start,
            end=group[-1].end,
            tokens=tokens + more,
            oversized=tokens > sizes.most,
            overlap=group[0].start - start,
        )
        before = group


def _length(passage: Passage) -> int:
    return passage.end - passage.start - passage.overlap


def _too_short(passage: Passage) -> LeftOut:
    start = passage.start + passage.overlap
    return LeftOut(section=passage.section, start=start, end=passage.end, reason=Reason.TOO_SHORT)
