"""Pieces: the blocks and sentences that passages are put together from, each counted once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import attrs

from .papers import Block, BlockKind
from .sentences import sentences
from .tokens import CountTokens


@attrs.frozen(kw_only=True)
class Sizes:
    """How passages are measured: all in tokens but ``short``, below which one is a fragment, in code points."""

    count: CountTokens
    target: int
    most: int
    overlap: int
    short: int


@attrs.frozen
class Piece:
    """A block, or some sentences of one. ``lead`` are the tokens between it and the piece before."""

    start: int
    end: int
    kind: BlockKind
    tokens: int
    lead: int


def tokens_of(group: list[Piece]) -> int:
    """Return the tokens of pieces that follow each other."""
    return sum(piece.lead + piece.tokens for piece in group) - group[0].lead


def pieces_of(text: str, blocks: Iterable[Block], sizes: Sizes) -> Iterator[Piece]:
    """Yield trimmed blocks as pieces, with each paragraph that is too long in pieces of whole sentences."""
    before: int | None = None
    for block in blocks:
        lead = 0 if before is None else sizes.count(text[before : block.start])
        piece = Piece(block.start, block.end, block.kind, sizes.count(text[block.start : block.end]), lead)
        before = block.end
        if block.kind is BlockKind.PARAGRAPH and piece.tokens > sizes.most:
            yield from _cut(text, piece, sizes)
        else:
            yield piece


def groups_of(text: str, pieces: Iterable[Piece], sizes: Sizes) -> Iterator[list[Piece]]:
    """Yield the pieces of each passage; a short group joins the one before when both fit together."""
    held: list[Piece] | None = None
    for group in _grouped(text, pieces, sizes):
        if held is None:
            held = group
        elif (
            min(_length(held), _length(group)) < sizes.short
            and tokens_of(held) + group[0].lead + tokens_of(group) <= sizes.most
        ):
            held += group
        else:
            yield held
            held = group
    if held is not None:
        yield held


def overlap_of(text: str, before: list[Piece], first: Piece, room: int, sizes: Sizes) -> tuple[int, int]:
    """Return where a passage whose own first piece is ``first`` begins, and how many tokens that adds.

    It takes as many of the last whole sentences and blocks of the passage before as there is room for, but not all.
    """
    start, used = first.start, 0
    lead = first.lead  # what stands between a piece and the one behind it
    for piece in reversed(before):
        whole = used + piece.tokens + lead
        if piece is not before[0] and whole <= room:
            start, used, lead = piece.start, whole, piece.lead
            continue
        if piece.kind is BlockKind.PARAGRAPH:
            begun, tokens = _last_sentences(text, piece, room - used - lead, sizes)
            if begun < piece.end:
                start, used = begun, used + tokens + lead
        break
    return start, used


def _last_sentences(text: str, piece: Piece, room: int, sizes: Sizes) -> tuple[int, int]:
    """Return where those of the last sentences that there is room for begin, and their tokens; not the first one."""
    start, used = piece.end, 0
    for begun, _ in reversed(list(sentences(text, piece.start, piece.end))[1:]):
        more = sizes.count(text[begun:start])
        if used + more > room:
            break
        start, used = begun, used + more
    return start, used


def _grouped(text: str, pieces: Iterable[Piece], sizes: Sizes) -> Iterator[list[Piece]]:
    group: list[Piece] = []
    size = 0
    for piece in pieces:
        if not group:
            group, size = [piece], piece.tokens
            continue
        last = group[-1]
        more = piece.lead + piece.tokens
        formula = piece.kind is BlockKind.FORMULA
        # "…, where x is the energy" goes on with the sentence that the formula stands in.
        goes_on = last.kind is BlockKind.FORMULA and text[piece.start].islower()
        if size + more <= (sizes.most if formula or goes_on else sizes.target):
            group.append(piece)
            size += more
        elif formula and last.kind is BlockKind.PARAGRAPH and len(group) > 1 and last.tokens + more <= sizes.most:
            yield group[:-1]
            group, size = [last, piece], last.tokens + more
        else:
            yield group
            group, size = [piece], piece.tokens
    if group:
        yield group


def _cut(text: str, piece: Piece, sizes: Sizes) -> Iterator[Piece]:
    """Yield pieces of whole sentences, up to the target long where the sentences allow.

    The white space before a sentence is counted with it, as tokenizers do.
    """
    start = end = piece.start
    held, lead = 0, piece.lead
    for begun, ended in sentences(text, piece.start, piece.end):
        tokens = sizes.count(text[end:ended])
        if held and held + tokens > sizes.target:
            yield Piece(start, end, piece.kind, held, lead)
            start, held, lead = begun, 0, 0
        held += tokens
        end = ended
    yield Piece(start, end, piece.kind, held, lead)


def _length(group: list[Piece]) -> int:
    return group[-1].end - group[0].start
