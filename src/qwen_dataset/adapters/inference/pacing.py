"""Measures in time: what is left of a limit by the minute, how much of the full rate is allowed, how long to wait."""

from __future__ import annotations

import math
from collections import deque

_MINUTE = 60.0
_STEP_SECONDS = 1.0
_HAIR = 1e-9  # what sums of floats may be off by

_LONGEST_RETRY_AFTER_SECONDS = 3600.0


def sane_wait(retry_after: float | None) -> float | None:
    """Return the seconds that a service asked to wait, or None where it asked for nothing that is a number.

    What is asked for beyond an hour is a mistake of its clock or of ours, and counts as an hour.
    """
    if retry_after is None or not math.isfinite(retry_after):
        return None
    return min(max(retry_after, 0.0), _LONGEST_RETRY_AFTER_SECONDS)


class Meter:
    """A limit by the minute: never more than ``limit`` in any 60 seconds, nor more at once than one second's share.

    A service may enforce its limit by the second, so what is not used does not add up beyond one second. A single
    cost above one second's share is let through, and what follows waits for it to be worked off; one above the whole
    limit waits for an empty minute.
    """

    def __init__(self, limit: int) -> None:
        self._limit = max(limit, 1)
        self._burst = math.ceil(self._limit / _MINUTE)
        self._level = float(self._burst)
        self._seen = -math.inf
        self._taken: deque[tuple[float, int]] = deque()
        self._total = 0

    def delay(self, now: float, cost: int, pace: float) -> float:
        """Return how long ``cost`` must wait at this share of the rate; there may be more to wait for after that."""
        self._refill(now, pace)
        missing = min(cost, self._burst) - self._level
        delay = missing * _MINUTE / (self._limit * pace) if missing > _HAIR else 0.0
        if self._taken and self._total + cost > self._limit:
            delay = max(delay, self._taken[0][0] + _MINUTE - now)
        return delay

    def take(self, now: float, cost: int) -> None:
        """Count ``cost``, whether there is room for it or not."""
        self._level -= cost
        self._taken.append((now, cost))
        self._total += cost

    def _refill(self, now: float, pace: float) -> None:
        if self._seen > -math.inf:
            gained = max(now - self._seen, 0.0) * pace * self._limit / _MINUTE
            self._level = min(self._level + gained, float(self._burst))
        self._seen = now
        while self._taken and self._taken[0][0] + _MINUTE <= now:
            self._total -= self._taken.popleft()[1]


class Slope:
    """How much of the full rate is allowed: all of it, except that it rises again step by step after each fall.

    It rises by the same factor each second: far below, where the service just said no, in small steps.
    """

    def __init__(self, *, lowest: float) -> None:
        self._lowest = lowest
        self._low = 1.0
        self._from = -math.inf
        self._full_at = -math.inf

    def fall(self, *, to: float, now: float, full_at: float) -> None:
        """Go down to the share ``to``, and rise from ``now`` on so that all is allowed again at ``full_at``."""
        self._low = min(max(to, self._lowest), 1.0)
        self._from = now
        self._full_at = full_at

    def share(self, now: float) -> float:
        """Return the share of the full rate that is allowed now, above 0 and at most 1."""
        if now >= self._full_at:
            return 1.0
        steps = max(math.floor((now - self._from) / _STEP_SECONDS + _HAIR), 0) * _STEP_SECONDS
        return math.pow(self._low, max(1.0 - steps / (self._full_at - self._from), 0.0))

    def next_step(self, now: float) -> float:
        """Return the seconds until more is allowed; infinite where all is."""
        if now >= self._full_at:
            return math.inf
        steps = max(math.floor((now - self._from) / _STEP_SECONDS + _HAIR), 0)
        return min(self._from + (steps + 1) * _STEP_SECONDS, self._full_at) - now
