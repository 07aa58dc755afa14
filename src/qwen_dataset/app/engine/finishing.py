"""Stragglers: when a batch that takes too long is cancelled, so that another backend finishes what it has not done."""

from __future__ import annotations

import math
from collections.abc import Callable

import attrs

from ...domain.jobs import JobState
from ...ports.inference import InferenceBackend
from .budget import UNPRICED, Budget
from .clock import Sleep
from .guard import LONGEST_WAIT_SECONDS

STALLED_SECONDS = 7200.0
"""Counts that stand still this long are stalled. They may do so for an hour while a service works (see bailian.md)."""


@attrs.frozen(kw_only=True)
class Finisher:
    """Who finishes stragglers: a backend of the same realm, entered by whoever made this.

    It takes over ``after_seconds`` after the round was submitted, or when the round is stalled (None); never where it
    only makes a pilot (``hurries`` is False).
    """

    backend: InferenceBackend
    backend_name: str
    sleep: Sleep
    after_seconds: float | None = None
    hurries: bool = True
    budget: Budget = UNPRICED


class Haste:
    """Says when the open round has taken too long. ``now`` is the time, in seconds, of the backend that has it."""

    def __init__(self, finisher: Finisher, now: Callable[[], float]) -> None:
        self._after = finisher.after_seconds
        self._now = now
        self._counts: tuple[object, ...] = ()
        self._looked_at = now()
        self._still = 0.0

    def notice(self, *counts: object) -> None:
        """Note how far the round is. Time in which nobody looked counts little: a laptop sleeps, a network is away."""
        now = self._now()
        self._still += min(now - self._looked_at, 2 * LONGEST_WAIT_SECONDS)
        self._looked_at = now
        if counts != self._counts:
            self._counts, self._still = counts, 0.0

    def seconds_left(self, state: JobState) -> float:
        """Return how long the round may still take; 0 or less when its time is over."""
        if state.winding_down or state.finishing or not state.shards:
            return math.inf
        if self._after is None:
            return STALLED_SECONDS - self._still
        # What an earlier version submitted, or what is not submitted yet, is waited for.
        submitted = [math.inf if each.submitted_at is None else each.submitted_at for each in state.shards.values()]
        return max(submitted) + self._after - self._now()
