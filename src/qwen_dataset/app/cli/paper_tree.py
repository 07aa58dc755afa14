"""A paper as a tree of sections, with where its passages begin and end, and what is left out."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any, Self

import attrs
import click

from ...domain.papers import Paper
from ...domain.passages import Division, LeftOut, Passage
from . import language
from .columns import both_ends, padded, shortened, width

_SCREEN = 80  # columns, where nobody says otherwise
_NARROWEST = 60
_NUMBER = 5
_TOKENS = 6
_DEEPEST = 6  # levels of headings that are shown by their indentation


def show_tree(paper: Paper, division: Division) -> None:
    """Print the sections of a paper, and under each its passages and what is left out, a line each."""
    table = _Table.of(paper)
    table.head()
    parts = iter(_parts(division))
    part = next(parts, None)
    for section in paper.sections:
        if section.path:
            indent = "  " * min(len(section.path), _DEEPEST)
            click.echo(indent + shortened(section.title, table.screen - len(indent)))
        while part is not None and part[1].start < section.end:
            table.row(paper, *part)
            part = next(parts, None)


def tree_record(division: Division) -> list[dict[str, Any]]:
    """Return passages and what is left out as JSON, in order; only what is left out has ``left_out``, its reason."""
    return [_record(part) for _, part in _parts(division)]


def _parts(division: Division) -> Iterator[tuple[int, Passage | LeftOut]]:
    """Yield passages with their numbers, from 1, and what is left out with the number 0, as they stand in the paper."""
    numbered: list[tuple[int, Passage | LeftOut]] = [*enumerate(division.passages, 1)]
    numbered += ((0, each) for each in division.left_out)
    yield from sorted(numbered, key=lambda each: each[1].start)


@attrs.frozen(kw_only=True)
class _Table:
    """The lines below the headings: number, offsets, tokens, and how the text begins and ends, in columns."""

    screen: int
    offsets: int
    tokens: int

    @classmethod
    def of(cls, paper: Paper) -> Self:
        """Return the columns for a paper: wide enough for its last offset."""
        return cls(
            screen=max(shutil.get_terminal_size((_SCREEN, 24)).columns, _NARROWEST),
            offsets=max(2 * len(str(len(paper.text))) + 1, width(language.tr("offsets"))),
            tokens=max(_TOKENS, width(language.tr("tokens"))),
        )

    def head(self) -> None:
        click.echo(self._line("#", *map(language.tr, ("offsets", "tokens", "begins … ends"))))

    def row(self, paper: Paper, number: int, part: Passage | LeftOut) -> None:
        label, tokens = "", ""
        if isinstance(part, LeftOut):
            label = language.tr(f"left out ({part.reason.value}):")
        else:
            tokens = str(part.tokens)
            label = language.tr("(cannot be cut)") if part.oversized else ""
        # What is full-width brings its own space.
        label += " " if label.isascii() and label else ""
        room = self.screen - width(self._line("", "", "", label))
        excerpt = both_ends(paper.text[part.start : part.end], room)
        click.echo(self._line(str(number or "-"), f"{part.start}-{part.end}", tokens, label + excerpt))

    def _line(self, number: str, offsets: str, tokens: str, rest: str) -> str:
        sized = ((number, _NUMBER), (offsets, self.offsets), (tokens, self.tokens))
        return "  ".join((*(padded(text, columns, right=True) for text, columns in sized), rest))


def _record(part: Passage | LeftOut) -> dict[str, Any]:
    record: dict[str, Any] = {"section": list(part.section), "start": part.start, "end": part.end}
    if isinstance(part, LeftOut):
        return record | {"left_out": part.reason.value}
    return record | {"tokens": part.tokens, "oversized": part.oversized, "overlap": part.overlap}
