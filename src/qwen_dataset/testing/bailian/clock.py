"""The server's time: real seconds times a speed, plus what somebody advanced it by."""

from __future__ import annotations

import asyncio
import time


class ServerClock:
    """Unix seconds that begin at the real time and pass ``speed`` times as fast."""

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._base = time.time()
        self._since = time.monotonic()

    def now(self) -> float:
        """Return the virtual Unix time."""
        return self._base + (time.monotonic() - self._since) * self._speed

    def advance(self, seconds: float) -> None:
        """Let time pass at once."""
        self._base += seconds

    def set_speed(self, speed: float) -> None:
        """Go on at another speed, without a jump."""
        self._base, self._since, self._speed = self.now(), time.monotonic(), speed

    async def sleep(self, seconds: float) -> None:
        """Wait for so many virtual seconds."""
        if seconds > 0.0:
            await asyncio.sleep(seconds / self._speed)
