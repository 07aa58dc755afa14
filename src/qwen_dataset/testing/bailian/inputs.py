"""What becomes of each line of an input file, decided once, in a few bytes a line."""

from __future__ import annotations

import bisect
import random
from array import array
from collections import Counter
from collections.abc import Iterator
from enum import IntEnum
from pathlib import Path
from typing import Any

import orjson

from .answers import fault_of
from .faults import Faults
from .hashes import request_hash
from .settings import BailianSettings
from .validation import LineChecker, Problem

_FIRST, _LAST = 0.1, 0.7  # the part of a batch's time in which its lines are done
_HASH = 32


class Fate(IntEnum):
    """What happens to a line that runs."""

    ANSWERED = 0
    WRONG = 1  # the request itself is at fault
    INSPECTED = 2
    FAILED = 3
    FAILED_IN_OUTPUT = 4
    MISSING = 5
    CORRUPT = 6
    TWICE = 7
    STRAY = 8
    ODD = 9  # an error of a code that nobody knows, with status 200


_REFUSED = frozenset({Fate.WRONG, Fate.INSPECTED, Fate.FAILED})
_UNPAID = _REFUSED | {Fate.FAILED_IN_OUTPUT, Fate.ODD}
_DRAWN = (
    ("fail", Fate.FAILED),
    ("fail_in_output", Fate.FAILED_IN_OUTPUT),
    ("missing", Fate.MISSING),
    ("corrupt", Fate.CORRUPT),
    ("duplicate", Fate.TWICE),
    ("stray", Fate.STRAY),
    ("odd_code", Fate.ODD),
)


class Analysis:
    """Reads an input file step by step; until ``done`` nothing else of it is meant to be used.

    ``problems`` is what validation found: then nothing runs.
    """

    def __init__(
        self, path: Path, *, endpoint: str, settings: BailianSettings, faults: Faults, invalid_code: str | None
    ) -> None:
        self.done = False
        self.problems: list[Problem] = []
        self.custom_ids: list[str] = []
        self._hashes = bytearray()
        self._fates = bytearray()
        self._shares = array("d")
        self._succeed, self._fail = array("d"), array("d")
        self._path = path
        self._offset = 0
        self._lines = 0
        self._settings = settings
        self._faults = faults
        self._invalid_code = invalid_code
        self._checker = LineChecker(endpoint=endpoint, settings=settings)

    def step(self, lines: int) -> bool:
        """Read so many lines more; return whether it is done."""
        if self.done:
            return True
        with self._path.open("rb") as file:
            file.seek(self._offset)
            for _ in range(lines):
                raw = file.readline()
                if not raw:
                    self._finish()
                    break
                if raw.strip():
                    self._take(raw.rstrip(b"\r\n"))
            self._offset = file.tell()
        return self.done

    def __len__(self) -> int:
        return len(self.custom_ids)

    def fate(self, number: int) -> Fate:
        """Say what becomes of the line of this number (from 0) if it runs."""
        return Fate(self._fates[number])

    def runs(self, number: int, share: float) -> bool:
        """Say whether the line is done when this share of the batch's time is over."""
        return self._shares[number] <= share

    def counts(self, share: float) -> tuple[int, int]:
        """Return how many lines have succeeded and failed by then."""
        return bisect.bisect_right(self._succeed, share), bisect.bisect_right(self._fail, share)

    def paid(self, share: float) -> Iterator[tuple[str, str]]:
        """Yield the custom_id and the body's hash of the lines that were paid by then."""
        for number, custom_id in enumerate(self.custom_ids):
            if self.runs(number, share) and self._fates[number] not in _UNPAID:
                yield custom_id, self._hashes[number * _HASH : (number + 1) * _HASH].hex()

    def bodies(self, share: float) -> Iterator[dict[str, Any]]:
        """Yield the bodies of the lines that were paid by then, read from the file again."""
        with self._path.open("rb") as file:
            lines = (raw for raw in file if raw.strip())
            for number, raw in enumerate(lines):
                if number < len(self) and self.runs(number, share) and self._fates[number] not in _UNPAID:
                    body: dict[str, Any] = orjson.loads(raw)["body"]
                    yield body

    def fates(self, share: float) -> Counter[Fate]:
        """Count what became of the lines that ran by then."""
        return Counter(self.fate(number) for number in range(len(self)) if self.runs(number, share))

    def _take(self, raw: bytes) -> None:
        self._lines += 1
        line, problem = self._checker.check(raw)
        if problem is None and self._invalid_code:
            text = f"The line was refused: {self._invalid_code}."
            problem = Problem(self._invalid_code, text, None, self._lines)
        if problem is not None:
            self.problems.append(problem)
        if self.problems:
            return
        self.custom_ids.append(line["custom_id"])
        self._hashes += bytes.fromhex(request_hash(line["body"]))
        wrong = fault_of(line["body"], self._settings) is not None
        self._fates.append(Fate.WRONG if wrong else Fate.ANSWERED)

    def _finish(self) -> None:
        self.done = True
        whole = self._checker.whole()
        if whole is not None:
            self.problems.append(whole)
        if self.problems:
            self.custom_ids.clear()
            return
        drawn = [(name, fate) for name, fate in _DRAWN if getattr(self._settings, name)]
        succeed: list[float] = []
        fail: list[float] = []
        for number, custom_id in enumerate(self.custom_ids):
            if not self._fates[number]:
                self._fates[number] = self._drawn_fate(number, custom_id, drawn)
            share = _FIRST + (_LAST - _FIRST) * random.Random(f"{self._settings.seed} {custom_id}").random()
            self._shares.append(share)
            (fail if self._fates[number] in _REFUSED else succeed).append(share)
        self._succeed, self._fail = array("d", sorted(succeed)), array("d", sorted(fail))

    def _drawn_fate(self, number: int, custom_id: str, drawn: list[tuple[str, Fate]]) -> Fate:
        body_hash = self._hashes[number * _HASH : (number + 1) * _HASH].hex()
        if self._faults.marks("inspect", body_hash):
            return Fate.INSPECTED
        return next((fate for name, fate in drawn if self._faults.hits(name, custom_id)), Fate.ANSWERED)
