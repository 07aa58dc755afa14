"""A pilot: the first requests of a job are asked ahead, so that a person can judge before the rest is bought."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import attrs

from .job import Job


@attrs.frozen(kw_only=True)
class Pilot:
    """The first ``requests`` of a job are a round of their own.

    ``elsewhere``: the finisher's backend asks them, not the job's own. ``judge`` looks at what came back and returns
    why the rest is not to be bought, or None.
    """

    requests: int
    elsewhere: bool
    judge: Callable[[Job], Awaitable[str | None]]
