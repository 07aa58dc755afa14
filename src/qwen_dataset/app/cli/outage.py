"""Tells a person once that the backend is away: the run waits for it, and otherwise nothing would be seen."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from ..engine import guard
from ..wiring.secrets import redact

_PAUSE_SECONDS = 60.0  # between two outages that are told, however short they are


class Outage(logging.Handler):
    """Says what the engine warns of while it waits for the backend: once an outage, and at most once a minute.

    ``over`` ends an outage. What is said goes to ``say``.
    """

    def __init__(self, say: Callable[[str], None], *, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__(logging.WARNING)
        self._say = say
        self._now = now
        self._told = False
        self._next = 0.0
        self._logger = logging.getLogger(guard.__name__)

    def begin(self) -> None:
        """Listen from now on."""
        self._logger.addHandler(self)

    def end(self) -> None:
        """Listen no more."""
        self._logger.removeHandler(self)
        self.close()

    def over(self) -> None:
        """Note that the backend has answered."""
        self._told = False

    def emit(self, record: logging.LogRecord) -> None:
        if self._told or self._now() < self._next:
            return
        self._told, self._next = True, self._now() + _PAUSE_SECONDS
        self._say(f"{redact(record.getMessage())}; the run waits, and asks again")
