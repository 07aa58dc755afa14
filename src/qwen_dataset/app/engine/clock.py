"""Time as arguments: tests and simulations hand in their own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import attrs

Sleep = Callable[[float], Awaitable[None]]


def _monotonic() -> float:
    # CLOCK_BOOTTIME goes on while a laptop sleeps: a lease that ended in the meantime must be seen as ended.
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.clock_gettime(clock)


@attrs.frozen(kw_only=True)
class Clock:
    """``now``: seconds since 1970, for people. ``monotonic``: seconds that never go back. ``sleep`` waits seconds."""

    now: Callable[[], float] = time.time
    monotonic: Callable[[], float] = _monotonic
    sleep: Sleep = asyncio.sleep
