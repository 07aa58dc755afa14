"""What backends have in common that make one paid call a request, whatever SDK makes it."""

from __future__ import annotations

import asyncio
import time
from abc import abstractmethod
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

import attrs

from ...domain.inference import Completion, Outcome, Request
from ...errors import BackendUnavailable
from .calls import Admissions, RealtimeCaller
from .concurrent import REALTIME_LIMITS, ConcurrentBackend
from .openai_api.options import BATCH_CHAT, Options


class RealtimeBackend(ConcurrentBackend):
    """Calls that are admitted at the service's rates, judged by its error table, and repeated where that is free.

    A subclass opens and closes its connections and makes one call. Iterating ``results`` spends money. ``now`` and
    ``sleep`` (seconds) are those of the pauses between calls.
    """

    def __init__(
        self,
        options: Options,
        *,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        limits = attrs.evolve(
            REALTIME_LIMITS,
            requests=options.requests,
            submission_bytes=options.submission_bytes,
            line_bytes=options.line_bytes,
            concurrency=options.concurrency,
        )
        super().__init__(self._answer, realm=options.realm, name=options.name, limits=limits)
        self._options = options
        self._now = now
        self._sleep = sleep
        self._caller: RealtimeCaller | None = None

    @abstractmethod
    async def _open(self) -> None:
        """Open what calls need."""

    @abstractmethod
    async def _close(self) -> None:
        """Close what was opened."""

    @abstractmethod
    async def _send(self, request: Request) -> Completion:
        """Make one call, once. Raises CallFailed; spends money."""

    async def _answer(self, request: Request) -> Outcome:
        if self._caller is None:
            raise BackendUnavailable(f"{self._options.name} is not open")
        return await self._caller(request)

    async def __aenter__(self) -> Self:
        options = self._options
        await self._open()
        # Anew each time: the admission waits in the loop of whoever enters.
        admissions = Admissions(
            concurrency=options.concurrency,
            region=None if options.name == BATCH_CHAT else options.region,  # the documented rates are not Batch Chat's
            rpm=options.rpm,
            tpm=options.tpm,
            ramp_seconds=options.ramp,
            now=self._now,
            sleep=self._sleep,
        )
        self._caller = RealtimeCaller(
            self._send, admissions, attempts=options.attempts, sleep=self._sleep, is_bailian=options.is_bailian
        )
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._caller = None
        await self._close()
