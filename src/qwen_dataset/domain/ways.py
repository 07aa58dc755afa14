"""What is known of asking a model in a region in one way, besides its price; and how long a job takes so. Pure."""

from __future__ import annotations

import math
from enum import StrEnum

import attrs


class Standing(StrEnum):
    """Whether a service offers something."""

    OFFERED = "offered"
    DISPUTED = "disputed"  # sources differ
    REFUSED = "refused"  # no longer offered, or never
    UNKNOWN = "unknown"


class Thinks(StrEnum):
    """Whether a model thinks."""

    CAN = "can"  # a request says
    ALWAYS = "always"
    NEVER = "never"
    UNKNOWN = "unknown"


@attrs.frozen(kw_only=True)
class WayFacts:
    """What a service says of a model, a region and a way. Everything is None, or "" where it is not known.

    ``why`` says why it is not offered, or what sources differ about. ``most_input`` is the most input tokens of one
    request, ``most_answer`` and ``most_thinking`` the most it writes and thinks. An account may ask
    ``requests_a_minute`` and ``tokens_a_minute``. One call is answered or ended within ``call_seconds``, and
    ``concurrency`` of them are in flight where nobody chose. Jobs of up to ``measured_requests`` requests took
    ``measured_seconds`` (least, most), as ``measured_source`` says.
    """

    standing: Standing = Standing.UNKNOWN
    why: str = ""
    thinks: Thinks = Thinks.UNKNOWN
    most_input: int | None = None
    most_answer: int | None = None
    most_thinking: int | None = None
    requests_a_minute: int | None = None
    tokens_a_minute: int | None = None
    call_seconds: float | None = None
    concurrency: int = 16
    measured_requests: int = 0
    measured_seconds: tuple[float, float] | None = None
    measured_source: str = ""


@attrs.frozen(kw_only=True)
class Duration:
    """How long something takes, in seconds; None where it is not known. ``why`` says what that is known from.

    It takes at least ``least`` and, where such was measured, no more than ``likely``. At ``bound`` it is over in any
    case: every call has ended, or, where it ``expires``, what is not done by then is given up.
    """

    least: float | None = None
    likely: float | None = None
    bound: float | None = None
    expires: bool = False
    why: str = ""

    def fits(self, deadline: float | None) -> bool:
        """Say whether it is done by a deadline, as far as anybody knows; ``least`` tells nothing of that."""
        if deadline is None:
            return True
        done = self.bound if self.likely is None and not self.expires else self.likely
        return done is not None and done <= deadline

    def is_late(self, deadline: float | None) -> bool:
        """Say whether it is certainly not done by a deadline."""
        return deadline is not None and self.least is not None and self.least > deadline


def realtime_duration(facts: WayFacts, *, requests: int, tokens: int, concurrency: int) -> Duration:
    """Return how long calls one by one take: by the rates of an account, and by how long a call may take.

    How long a call does take is not known, so that nothing is ``likely``.
    """
    needed = [
        60 * amount / allowed
        for amount, allowed in ((requests, facts.requests_a_minute), (tokens, facts.tokens_a_minute))
        if allowed is not None
    ]
    bound = None if facts.call_seconds is None else math.ceil(requests / concurrency) * facts.call_seconds
    if not needed:
        return Duration(bound=bound, why="the rates of an account are not known here")
    paces = [
        f"{allowed:,} {what}"
        for allowed, what in ((facts.requests_a_minute, "requests"), (facts.tokens_a_minute, "tokens"))
        if allowed is not None
    ]
    least = max(needed)
    if bound is not None and least > 60:
        # What is more than an account may ask in one minute waits for its turn, besides the calls before it.
        bound += least
    return Duration(least=least, bound=bound, why=f"an account may ask {' and '.join(paces)} a minute")


def held_duration(facts: WayFacts, *, requests: int, concurrency: int) -> Duration:
    """Return how long calls take that the service holds until it finds the time."""
    if facts.call_seconds is None:
        return Duration()
    bound = math.ceil(requests / concurrency) * facts.call_seconds
    return Duration(bound=bound, why=f"each call is held for up to {round(facts.call_seconds / 60)} minutes")


def batch_duration(facts: WayFacts, *, largest_shard: int, window_hours: int) -> Duration:
    """Return how long batches take: as measured for such as these; at the end of the window the rest expires."""
    bound = window_hours * 3600.0
    if facts.measured_seconds is None:
        return Duration(bound=bound, expires=True, why=f"what is left after {window_hours} hours expires, unpaid")
    if largest_shard > facts.measured_requests:
        why = (
            f"no batch of more than {facts.measured_requests:,} requests was measured; it ends within {window_hours}"
            " hours, perhaps unfinished: what is left then expires"
        )
        return Duration(bound=bound, expires=True, why=why)
    least, likely = facts.measured_seconds
    why = f"as measured: {facts.measured_source}; not promised"
    return Duration(least=least, likely=likely, bound=bound, expires=True, why=why)
