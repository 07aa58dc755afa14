"""So much and no more between two turns of an event loop: what else waits in it gets its time in between."""

from __future__ import annotations

import asyncio
from collections import deque


class Turns:
    """Lets ``at_once`` takers go on in each turn of the running loop, in the order in which they came.

    Hundreds of calls may be answered in one moment. Each takes a fraction of a millisecond to be read, and all of them
    in one turn would hold up whoever shares the loop.
    """

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._left = at_once
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._is_coming = False

    async def take(self) -> None:
        """Go on, in this turn or in a later one; safe to cancel."""
        if not self._is_coming:
            self._is_coming = True
            asyncio.get_running_loop().call_soon(self._next)
        if self._left and not self._waiting:
            self._left -= 1
            return
        place = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        await place

    def _next(self) -> None:
        self._left = self._at_once
        while self._left and self._waiting:
            place = self._waiting.popleft()
            if not place.done():  # whoever waited may have been cancelled
                place.set_result(None)
                self._left -= 1
        self._is_coming = self._left < self._at_once
        if self._is_coming:
            asyncio.get_running_loop().call_soon(self._next)
