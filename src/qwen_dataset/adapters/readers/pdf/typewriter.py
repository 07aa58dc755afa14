"""Fixed-pitch fonts that say nothing of it: their letters are all of one width."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from statistics import median

from .fonts import Font
from .runs import Page, Run

_SAMPLE = 80
_FEWEST = 3
_FEWEST_OF_NAMED = 8
_PLACED = re.compile(r"\S(?: \S)+")


def find_typewriters(pages: Sequence[Page]) -> None:
    """Mark the fonts whose letters are all of one width, or placed one by one, as fixed pitch in the pages' runs."""
    samples: dict[int, list[Run]] = defaultdict(list)
    for page in pages:
        for run in page.runs:
            known = samples[run.font.key]
            if not run.font.mono and len(known) < _SAMPLE and len(run.text) > 3 and run.text.isascii() and run.size:
                known.append(run)
    found = {key: runs[0].font._replace(mono=True) for key, runs in samples.items() if runs and _is_typewriter(runs)}
    if found:
        for page in pages:
            page.runs = [_typed(run, found[run.font.key]) if run.font.key in found else run for run in page.runs]


def _is_typewriter(runs: Sequence[Run]) -> bool:
    # Old fonts made of bitmaps have no name; a name that says nothing of typewriters needs more to go by.
    fewest = _FEWEST_OF_NAMED if runs[0].font.name else _FEWEST
    placed = [run for run in runs if _PLACED.fullmatch(run.text)]
    if len(placed) >= max(fewest, 0.6 * len(runs)):
        return True
    widths = [
        (run.x1 - run.x0) / len(run.text) / run.size
        for run in {run.text: run for run in runs}.values()
        if " " not in run.text and sum(map(str.isalpha, run.text)) > 3
    ]
    if len(widths) < fewest:
        return False
    usual = median(widths)
    return usual > 0.4 and sum(abs(width - usual) < 0.03 * usual for width in widths) >= 0.85 * len(widths)


def _typed(run: Run, font: Font) -> Run:
    text = run.text.replace(" ", "") if _PLACED.fullmatch(run.text) else run.text
    return run._replace(text=text, font=font)
