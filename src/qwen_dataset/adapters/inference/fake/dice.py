"""Chance that is the same on every machine: a number drawn from words, not from a state."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeVar

import attrs

_T = TypeVar("_T")
_RANGE = float(1 << 53)  # a float holds 53 bits exactly, so the draw is below 1 for certain


@attrs.frozen
class Dice:
    """Draws that depend on the seed and the words given, and on nothing that was drawn before."""

    seed: int

    def draw(self, *words: str | int) -> float:
        """Return a number from 0 up to, not including, 1."""
        text = "\x1f".join(map(str, (self.seed, *words)))
        digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        return (int.from_bytes(digest) >> 11) / _RANGE

    def hits(self, chance: float, *words: str | int) -> bool:
        """Say whether something with this probability happens. Certainty costs no draw."""
        return chance > 0.0 and (chance >= 1.0 or self.draw(*words) < chance)

    def pick(self, options: Sequence[_T], *words: str | int) -> _T:
        """Choose one of the options."""
        return options[int(self.draw("pick", *words) * len(options))]
