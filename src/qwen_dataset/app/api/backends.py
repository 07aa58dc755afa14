"""Who answers: the backend that was given or named, opened in the way that was chosen or that the work asks for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from ...domain.jobs import JobSpec, JobState, Way
from ...errors import SettingError
from ...ports.inference import Offer
from ..wiring import bootstrap
from ..wiring.config import Config
from ..wiring.discreet import discreet
from .intake import Intake
from .reports import JobStatus, Route
from .shared import Shared

Opened = dict[tuple[object, ...], Offer]
"""The backends that were opened by name, by what they were opened with: opening one may take half a second."""


class Backends:
    """Finds the backend of each run: the one that was given, else the one that the settings name.

    ``prefer`` is how a backend that can be asked in both ways is asked where nobody chose; None lets the number of
    requests decide. ``opened`` is shared by the clients of one family.
    """

    def __init__(self, config: Config, given: Offer | None, *, prefer: Way | None, opened: Opened) -> None:
        self.given = given
        self.prefer = prefer
        self.opened = opened
        self._config = config
        self._offer = None if given is None else self._guarded(given)

    async def first(self) -> Offer:
        """Return the backend before the work is known, so that a wrong setting is told at once. Raises SettingError."""
        way = bootstrap.chosen_way(self._config)
        offer = await self._find(self._config.backend, way)
        bootstrap.check_way(offer, bootstrap.address_of(self._config) or offer.name, way)
        return offer

    async def settle(
        self, offer: Offer, intake: Intake, *, ahead: bool, is_known: Callable[[Way], Awaitable[bool]]
    ) -> tuple[Offer, Route]:
        """Return the backend for this work: where nobody chose the way, the number of requests does.

        ``ahead``: the work is only submitted, which realtime cannot do. ``is_known`` says whether there is a job of
        this work in this way: then that is gone on with, whatever the number.
        """
        model = self._config.model
        if self._offer is not None or not offer.either or self._config.use_batch is not None:
            return offer, _route(offer, model)
        way = Way.BATCH if ahead else self.prefer
        by_size = way is None
        if way is None:
            way = Way.BATCH if intake.requests > bootstrap.BATCH_ABOVE else Way.REALTIME
        other = Way.REALTIME if way is Way.BATCH else Way.BATCH
        if not ahead and await is_known(other) and not await is_known(way):
            way, by_size = other, False
        offer = await self._find(self._config.backend, way)
        return offer, _route(offer, model, by_size=by_size)

    async def of_job(self, status: JobStatus) -> tuple[Offer, Route]:
        """Return the backend that a job belongs to. Raises SettingError for any other: it would buy everything anew."""
        address = self._config.backend or status.state.backend or bootstrap.address_of(self._config)
        offer = await self._find(address, status.spec.way, window_hours=status.state.window_hours)
        there = f"{offer.backend.realm} ({bootstrap.way_of(offer)})"
        job = f"{status.spec.realm} ({status.spec.way})"
        if there != job:
            message = f"job {status.job_id} belongs to {job} and the backend {address!r} is {there}; name the job's own"
            raise SettingError(message)
        return offer, _route(offer, status.spec.model)

    async def finisher(self, spec: JobSpec, state: JobState, offer: Offer) -> Offer | None:
        """Return who makes the pilot of a batch job and finishes its stragglers, None where nobody is asked to.

        Raises SettingError.
        """
        pilots = self._config.pilot is not None and not state.round
        wanted = "--pilot" if pilots else "--finish"
        needed = spec.way is Way.BATCH and (pilots or self._config.finish == Way.REALTIME)
        if not needed and not state.finishing:
            return None
        address = self._config.backend or state.backend or bootstrap.address_of(self._config)
        found = await self._find(address, Way.REALTIME)
        if not found.realtime or found.backend.realm != offer.backend.realm:
            message = f"{wanted} needs a backend that can do both, such as bailian; {address or offer.name!r} cannot"
            raise SettingError(message)
        return found

    @property
    def address(self) -> str:
        """The address to note with a new job: the one that was named, else the default provider's."""
        return "" if self.given is not None else bootstrap.address_of(self._config) or ""

    @property
    def noted(self) -> str:
        """The address to note with a job, so that a later run needs none; empty where an object was given."""
        return "" if self.given is not None else self._config.backend or ""

    async def _find(self, address: str | None, way: Way | None, *, window_hours: int | None = None) -> Offer:
        if self._offer is not None:
            return self._offer
        hours = window_hours or self._config.window_hours
        config = self._config
        key = (address, way, hours, config.base_url, config.region, config.concurrency, config.api_key)
        if key not in self.opened:
            self.opened[key] = self._guarded(await bootstrap.backend(address, config, way=way, window_hours=hours))
        return self.opened[key]

    def _guarded(self, offer: Offer) -> Offer:
        return discreet(offer, lambda: bootstrap.keys(self._config), shared=Shared)


def advise(offer: Offer, spec: JobSpec, notice: Callable[[str], None]) -> None:
    """Tell a person what to know before a job's model is asked here."""
    for sentence in offer.advice(spec.model, spec.parameters) if offer.advice is not None else ():
        notice(sentence)


def _route(offer: Offer, model: str, *, by_size: bool = False) -> Route:
    return Route(
        way=bootstrap.way_of(offer),
        by_size=by_size,
        backend=offer.name,
        destination=offer.destination,
        model=model,
    )
