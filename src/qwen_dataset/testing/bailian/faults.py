"""When something goes wrong: by chance or by count, and the same again for the same seed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TypeVar

from ...adapters.inference.fake.dice import Dice
from .settings import BailianSettings

_T = TypeVar("_T")


class Faults:
    """Draws the faults of the settings in force; ``settings`` may be replaced at any time.

    A chance is drawn from the seed, the fault, what it happens to and how often that was asked before. A whole number
    is spent by whoever asks first.
    """

    def __init__(self, settings: BailianSettings) -> None:
        self.settings = settings
        self._asked: Counter[tuple[str, str]] = Counter()
        self._in_a_row: Counter[tuple[str, str]] = Counter()
        self._spent: Counter[str] = Counter()
        self._marked: set[tuple[str, str]] = set()

    def use(self, settings: BailianSettings) -> None:
        """Go on with other settings. A fault whose number changed may happen that often again."""
        for name in list(self._spent):
            if getattr(settings, name) != getattr(self.settings, name):
                del self._spent[name]
        self.settings = settings

    def hits(self, name: str, what: str) -> bool:
        """Say whether the fault happens to this, now."""
        often: float = getattr(self.settings, name)
        if not often:
            return False
        if isinstance(often, int):
            return self._spend(name, often)
        asked = (name, what)
        times = self._asked[asked]
        self._asked[asked] += 1
        hit = self._in_a_row[asked] < self.settings.at_most and self._dice.hits(often, name, what, times)
        self._in_a_row[asked] = self._in_a_row[asked] + 1 if hit else 0
        return hit

    def marks(self, name: str, what: str) -> bool:
        """Say whether the fault lies in the thing itself: then it happens every time."""
        often: float = getattr(self.settings, name)
        if not often:
            return False
        if isinstance(often, int):
            if (name, what) not in self._marked and self._spend(name, often):
                self._marked.add((name, what))
            return (name, what) in self._marked
        return self._dice.hits(often, name, what)

    def draw(self, *words: str | int) -> float:
        """Return a number from 0 up to, not including, 1."""
        return self._dice.draw(*words)

    def pick(self, options: Sequence[_T], *words: str | int) -> _T:
        """Choose one of the options."""
        return self._dice.pick(options, *words)

    @property
    def _dice(self) -> Dice:
        return Dice(self.settings.seed)

    def _spend(self, name: str, often: int) -> bool:
        if self._spent[name] >= often:
            return False
        self._spent[name] += 1
        return True
