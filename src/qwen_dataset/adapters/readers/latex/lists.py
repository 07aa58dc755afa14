"""How the items of a list are marked."""

from __future__ import annotations

import re
from collections.abc import Callable

import attrs

# LaTeX's own marks, level by level.
_LEVELS = ("1.", "(a)", "i.", "A.")
_COMMAND = re.compile(r"\\(arabic|alph|Alph|roman|Roman)\s*(?:\*|\{[^{}]*\})")
_COUNTER = re.compile(r"(?<![A-Za-z\\])[1aAiI](?![A-Za-z])")
_OPTION = re.compile(r"(?:^|,)\s*label\s*=\s*(\{(?:[^{}]|\{[^{}]*\})*\}|[^,]*)")
_KINDS = {"arabic": "1", "alph": "a", "Alph": "A", "roman": "i", "Roman": "I"}
_ROMAN = ((100, "c"), (90, "xc"), (50, "l"), (40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))
_COMMANDS = re.compile(r"\\[A-Za-z]+\*?|[{}]")


def _letters(number: int) -> str:
    return chr(96 + number) if number <= 26 else str(number)


def _roman(number: int) -> str:
    out = ""
    for value, sign in _ROMAN:
        while number >= value:
            out, number = out + sign, number - value
    return out


_WRITTEN: dict[str, Callable[[int], str]] = {
    "1": str,
    "a": _letters,
    "A": lambda number: _letters(number).upper(),
    "i": lambda number: _roman(number) if number < 400 else str(number),
    "I": lambda number: _roman(number).upper() if number < 400 else str(number),
}


@attrs.define
class List:
    """A list that is open: ``kind`` is "-" for one with dots, "1" for numbers, ":" for terms."""

    kind: str
    before: str = ""
    counter: str = "1"
    after: str = "."
    count: int = 0

    def mark(self) -> str:
        """Return the mark of the next item."""
        self.count += 1
        if self.kind != "1":
            return "-"
        return f"{self.before}{_WRITTEN[self.counter](self.count)}{self.after}"


def numbered(options: str | None, depth: int) -> List:
    r"""Return a list with numbers as its options have them: ``[(a)]``, ``[label=\roman*)]``, or by its depth."""
    template = _LEVELS[min(depth, len(_LEVELS) - 1)]
    if options:
        named = _OPTION.search(options)
        wanted = named[1] if named else options
        if named or "=" not in wanted:
            wanted = _COMMAND.sub(lambda found: _KINDS[found[1]], wanted)
            wanted = _COMMANDS.sub("", wanted).strip()
            template = wanted if _COUNTER.search(wanted) and len(wanted) < 30 else template
    found = _COUNTER.search(template)
    if found is None:
        return List("1")
    return List("1", template[: found.start()], found[0], template[found.end() :])
