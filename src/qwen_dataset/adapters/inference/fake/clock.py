"""The fake's time: real, or virtual and shared by all processes that use one remote side."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """Seconds on a clock that never runs backwards."""

    def now(self) -> float: ...

    async def sleep(self, seconds: float) -> None: ...


class TimeKeeper(Protocol):
    """Whoever remembers the time between processes."""

    @property
    def latest(self) -> float: ...

    def note_time(self, at: float) -> None: ...


class RealClock:
    """The time of this machine."""

    def now(self) -> float:
        return time.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class VirtualClock:
    """A clock on which sleeping takes no time.

    It starts at the latest moment the remote side knows of and records each sleep there, so what was submitted in one
    process is finished when another process has slept long enough. Sleeps that overlap pass together: sixteen calls
    that take a second each take one second, not sixteen.
    """

    def __init__(self, keeper: TimeKeeper) -> None:
        self._keeper = keeper
        self._looked_at: set[str] = set()
        self._looked_until: float | None = None

    def now(self) -> float:
        return self._keeper.latest

    async def sleep(self, seconds: float) -> None:
        until = self.now() + max(seconds, 0.0)
        await asyncio.sleep(0)
        if until > self.now():
            self._keeper.note_time(until)

    async def look(self, what: str, seconds: float) -> None:
        """Let time pass where it would stand still because people look and nobody sleeps.

        A look takes its time when the same was looked at before and nobody has slept since, and when it is the first
        one of this clock: people who look once from each of many processes see time go on too. One who sleeps between
        looks is not hurried, and looks at different things, one after the other, pass together.
        """
        slept = self.now() != self._looked_until
        if self._looked_until is None or (what in self._looked_at and not slept):
            await self.sleep(seconds)
            slept = True
        if slept:
            self._looked_at.clear()
        self._looked_at.add(what)
        self._looked_until = self.now()
