"""Who answers: the backend that was given or named, opened in the way that was chosen or that the work asks for."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

import attrs

from ...domain.jobs import Way
from ...errors import SettingError
from ...ports.inference import InferenceBackend, Limits, Offer
from ..wiring import bootstrap
from ..wiring.config import Config
from .intake import Intake
from .reports import JobStatus, Route


class Shared:
    """A backend that several runs may use at the same time: opened with the first, closed with the last."""

    def __init__(self, inner: InferenceBackend) -> None:
        self._inner = inner
        self._users = 0
        self._lock = asyncio.Lock()
        self.submit = inner.submit
        self.poll = inner.poll
        self.results = inner.results
        self.cancel = inner.cancel

    @property
    def limits(self) -> Limits:
        return self._inner.limits

    @property
    def realm(self) -> str:
        return self._inner.realm

    async def __aenter__(self) -> Self:
        async with self._lock:
            if not self._users:
                await self._inner.__aenter__()
            self._users += 1
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        async with self._lock:
            self._users -= 1
            if not self._users:
                await self._inner.__aexit__(exc_type, exc, traceback)


class Backends:
    """Finds the backend of each run: the one that was given, else the one that the settings name."""

    def __init__(self, config: Config, given: Offer | None) -> None:
        self._config = config
        self._named = config.backend
        self.given = given if given is None else attrs.evolve(given, backend=Shared(given.backend))

    async def first(self) -> Offer:
        """Return the backend before the work is known, so that a wrong setting is told at once. Raises SettingError."""
        way = bootstrap.chosen_way(self._config)
        offer = self.given or await bootstrap.backend(self._named, self._config, way=way)
        bootstrap.check_way(offer, self._named or offer.name, way)
        return offer

    async def settle(self, offer: Offer, intake: Intake, *, ahead: bool) -> tuple[Offer, Route]:
        """Return the backend for this work: where nobody chose the way, the number of requests does.

        ``ahead``: the work is only submitted, which realtime cannot do.
        """
        by_size = False
        if self.given is None and offer.either and self._config.use_batch is None:
            by_size = not ahead
            way = Way.BATCH if ahead or intake.exceeds(bootstrap.BATCH_ABOVE) else Way.REALTIME
            offer = await bootstrap.backend(self._named, self._config, way=way)
        return offer, _route(offer, self._config.model, by_size=by_size)

    async def of_job(self, status: JobStatus) -> tuple[Offer, Route]:
        """Return the backend that a job belongs to. Raises SettingError for any other: it would buy everything anew."""
        address = self._named or status.state.backend or None
        offer = self.given or await bootstrap.backend(address, self._config, way=status.spec.way)
        there = f"{offer.backend.realm} ({bootstrap.way_of(offer)})"
        job = f"{status.spec.realm} ({status.spec.way})"
        if there != job:
            message = f"job {status.job_id} belongs to {job} and the backend {address!r} is {there}; name the job's own"
            raise SettingError(message)
        return offer, _route(offer, status.spec.model, by_size=False)

    def noted(self, status: JobStatus | None = None) -> str:
        """Return the address to note with a job, so that a later run needs none."""
        return self._named or (status.state.backend if status is not None else "")


def _route(offer: Offer, model: str, *, by_size: bool) -> Route:
    return Route(
        way=bootstrap.way_of(offer),
        by_size=by_size,
        backend=offer.name,
        destination=offer.destination,
        model=model,
    )
