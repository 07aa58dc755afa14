"""A pilot: the first requests of a job are asked ahead, so that a person can judge before the rest is bought."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import attrs

from .job import Job


@attrs.frozen(kw_only=True)
class Pilot:
    """The first ``requests`` of a job are a round of their own.

    ``elsewhere``: the finisher's backend asks them, not the job's own. ``least_yield`` is the share of them that must
    become samples for the rest to be bought, None where a person only looks.
    """

    requests: int
    elsewhere: bool
    least_yield: float | None = None


Judge = Callable[[Job], Awaitable[str | None]]
"""Looks at what a pilot gave, and returns why the rest is not to be bought, or None."""


async def nobody_judges(_: Job) -> str | None:
    """Object to nothing."""
    return None
