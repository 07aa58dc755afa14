"""A paper as a tree of sections, with where its passages begin and end, and what is left out."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import click

from ...domain.papers import Paper
from ...domain.passages import Division, LeftOut, Passage
from . import language
from .columns import both_ends, right, shortened, width

_SCREEN = 80  # columns, where nobody says otherwise
_NARROWEST = 60
_NUMBER = 5
_TOKENS = 7
_DEEPEST = 6  # levels of headings that are shown by their indentation


def show_tree(paper: Paper, division: Division) -> None:
    """Print the sections of a paper, and under each its passages and what is left out, a line each."""
    screen = max(shutil.get_terminal_size((_SCREEN, 24)).columns, _NARROWEST)
    span = max(2 * len(str(len(paper.text))) + 1, width(language.tr("offsets")))
    room = screen - _NUMBER - 2 - span - _TOKENS - 2
    offsets, tokens, ends = (language.tr(each) for each in ("offsets", "tokens", "begins … ends"))
    click.echo(f"{right('#', _NUMBER)}  {right(offsets, span)}{right(tokens, _TOKENS)}  {ends}")
    parts = iter(_parts(division))
    part = next(parts, None)
    for section in paper.sections:
        if section.path:
            indent = "  " * min(len(section.path), _DEEPEST)
            click.echo(indent + shortened(section.title, screen - len(indent)))
        while part is not None and part[1].start < section.end:
            _show_part(paper, *part, span=span, room=room)
            part = next(parts, None)


def tree_record(division: Division) -> list[dict[str, Any]]:
    """Return passages and what is left out as JSON, in order; only what is left out has ``left_out``, its reason."""
    return [_record(part) for _, part in _parts(division)]


def _parts(division: Division) -> Iterator[tuple[int, Passage | LeftOut]]:
    """Yield passages with their numbers, from 1, and what is left out with the number 0, as they stand in the paper."""
    numbered: list[tuple[int, Passage | LeftOut]] = [*enumerate(division.passages, 1)]
    numbered += ((0, each) for each in division.left_out)
    yield from sorted(numbered, key=lambda each: each[1].start)


def _show_part(paper: Paper, number: int, part: Passage | LeftOut, *, span: int, room: int) -> None:
    text = paper.text[part.start : part.end]
    label, tokens = "", ""
    if isinstance(part, LeftOut):
        label = language.tr(f"left out ({part.reason.value}):") + " "
    else:
        tokens = str(part.tokens)
        label = language.tr("(cannot be cut)") + " " if part.oversized else ""
    line = f"{right(str(number or '-'), _NUMBER)}  {right(f'{part.start}-{part.end}', span)}{right(tokens, _TOKENS)}"
    click.echo(f"{line}  {label}{both_ends(text, room - width(label))}")


def _record(part: Passage | LeftOut) -> dict[str, Any]:
    record: dict[str, Any] = {"section": list(part.section), "start": part.start, "end": part.end}
    if isinstance(part, LeftOut):
        return record | {"left_out": part.reason.value}
    return record | {"tokens": part.tokens, "oversized": part.oversized, "overlap": part.overlap}
