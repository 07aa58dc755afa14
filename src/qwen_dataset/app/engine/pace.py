"""How a run behaves, and when it may end: what is chosen for it, apart from the work."""

from __future__ import annotations

from enum import StrEnum

import attrs

from ...domain.choices import RetryUnknown


class Until(StrEnum):
    """When a run may end: everything is submitted; what is ready by now is stored as well; the job is finished."""

    SUBMITTED = "submitted"
    LOOKED = "looked"
    FINISHED = "finished"


@attrs.frozen(kw_only=True)
class Pace:
    """How a run behaves; nothing here changes an answer.

    ``rounds``: paid passes over what has no completion. ``poll_seconds``: the first interval between polls where the
    backend names none; it grows to five minutes. ``patience``: how often in a row a backend may be unavailable.
    """

    rounds: int = 3
    poll_seconds: float = 10.0
    patience: int = 10
    outage_seconds: float = 86_400.0
    retry_unknown: RetryUnknown = RetryUnknown.AUTO
