"""Patterns of files, such as ``papers/**/*.pdf``: how much of one is met on the way down to a file."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from pathlib import Path

_MAGIC = re.compile(r"[*?\[]")


def is_pattern(text: str) -> bool:
    """Say whether a text holds what stands for more than itself."""
    return _MAGIC.search(text) is not None


def split(text: str) -> tuple[Path, tuple[str, ...]]:
    """Return the fixed part of a pattern, and the parts behind it."""
    parts = Path(text).parts
    fixed = next(number for number, part in enumerate(parts) if _MAGIC.search(part))
    return Path(*parts[:fixed]), parts[fixed:]


def begin(pattern: tuple[str, ...]) -> frozenset[int]:
    """Return how much of a pattern is met in its fixed part."""
    return _closed(pattern, {0})


def step(pattern: tuple[str, ...], states: frozenset[int], name: str) -> frozenset[int]:
    """Return how much of a pattern is met behind one more name; all of it: this and everything below is meant."""
    met = set()
    for state in states:
        if state == len(pattern) or pattern[state] == "**":
            met.add(state)
        elif fnmatchcase(name, pattern[state]):
            met.add(state + 1)
    return _closed(pattern, met)


def _closed(pattern: tuple[str, ...], states: set[int]) -> frozenset[int]:
    for state in sorted(states):
        after = state
        while after < len(pattern) and pattern[after] == "**":
            after += 1
            states.add(after)
    return frozenset(states)
