"""Plans a job without making it: ``Planner`` counts what is to be asked, ``Client.plan`` reads the papers for it."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import itertools
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path

import attrs

from ...domain.papers import Paper
from ...domain.recipes.base import Planned
from ...errors import SettingError, StorageError
from ...ports.inference import Limits
from ...ports.storage import Storage
from ..engine.job import Host
from ..engine.planner import Numbering, Work, request_for
from ..wiring import bootstrap, plugins
from ..wiring.config import Config
from ..wiring.corpus import Name, ReadReport, own_files, read_papers
from ..wiring.prices import price_list
from ..wiring.tokens import vocabulary_of
from ..wiring.values import minutes
from .catalogue import Catalogue
from .counting import Counting
from .plan import Plan, bounds_of, make_plan, named_regions, realms_of, regions_of
from .priors import Prior, measured_prior, stored_specs
from .reading import take_in

_NOTHING = "there is nothing to ask about: no passage of the papers holds enough text"


class Planner:
    """Counts work as it goes by and makes a plan of it: of papers that are read, or of what is put aside already.

    ``models`` are compared with the configured one, ``regions`` are those to ask in (default: ``regions_of``);
    ``deadline`` is in seconds. Holds sums only. Raises SettingError for prices that cannot be read, and for a region
    that nobody knows.
    """

    def __init__(
        self,
        config: Config,
        *,
        models: Sequence[str] = (),
        regions: Sequence[str] = (),
        deadline: float | None = None,
    ) -> None:
        self._config = config
        self._models = tuple(dict.fromkeys((config.model, *models)))
        self._deadline = deadline
        self._prices = price_list(config)
        self._regions = named_regions(regions, self._prices) or regions_of(config)
        vocabularies = {vocabulary.name: vocabulary for vocabulary in map(vocabulary_of, self._models)}
        self._counting = Counting(
            vocabularies.values(), limits=Limits(), bounds=bounds_of(self._prices), model=config.model
        )

    def add(self, work: Work) -> int:
        """Count a paper with its requests, or plain prompts; return how many requests that were."""
        return self._counting.add(work, self._config.parameters)

    async def plan(self, storage: Storage, *, now: float, reading: ReadReport | None = None) -> Plan:
        """Return the plan. The storage is only read, for the answers of earlier jobs; ``now`` in seconds since 1970.

        Raises SettingError where there is nothing to ask.
        """
        counted = self._counting.counted()
        if not counted.requests:
            raise SettingError(_NOTHING)
        return make_plan(
            counted,
            self._config,
            self._prices,
            models=self._models,
            regions=self._regions,
            priors=await self._priors(storage),
            today=dt.datetime.fromtimestamp(now, tz=dt.UTC).date(),
            deadline=self._deadline,
            reading=reading,
        )

    async def _priors(self, storage: Storage) -> Mapping[tuple[str, bool], Prior]:
        recipe = plugins.recipe(self._config.recipe)
        found = {}
        try:
            specs = await stored_specs(storage, realms=realms_of(self._regions))
            for model, thinking in itertools.product(self._models, (False, True)):
                prior = await measured_prior(
                    storage,
                    specs,
                    recipe=recipe.name,
                    prompt_version=recipe.prompt_version,
                    model=model,
                    parameters=attrs.evolve(self._config.parameters, enable_thinking=thinking),
                )
                if prior is not None:
                    found[model, thinking] = prior
        except StorageError:
            # A plan needs no storage: without one there is nothing that was measured.
            return {}
        return found


class Planning(Catalogue):
    """What a client can say of a job before it is made."""

    config: Config
    folder: Path | None
    stop: asyncio.Event
    _host: Host

    async def plan(
        self,
        papers: Sequence[Name] | Name,
        *,
        models: Sequence[str] = (),
        regions: Sequence[str] = (),
        deadline: str | None = None,
        strict: bool = False,
    ) -> Plan:
        """Return what ``generate`` would take: requests, tokens, and each way of asking with its price and time.

        Reads the papers and makes the exact requests, asks nobody, needs no key and stores nothing. ``models`` are
        compared with the configured one, ``regions`` with one another (default: the configured one and those that have
        batches; at another server its base URL). ``deadline`` (``6h``, ``90m``, ``2d``) says until when it must be
        done: the cheapest way within it is marked. Prices are dated, and None where they are not known.

        Raises SettingError where there is nothing to ask, a region is not known or the own file of prices cannot be
        read, and ReadError with ``strict``.
        """
        planner = Planner(self.config, models=models, regions=regions, deadline=_seconds(deadline))
        recipe = bootstrap.recipe(self.config)
        leave_out = own_files(papers, self.config.output, self.folder, plugins.output_format(self.config.writer))
        reading = ReadReport()

        def add(paper: Paper) -> None:
            planner.add(Work(paper, recipe.drafts(paper, self.config.options)))

        await take_in(add, papers, reading, self.config, strict=strict, leave_out=leave_out, stop=self.stop)
        return await planner.plan(self.storage, now=self._host.clock.now(), reading=reading)

    def preview(self, papers: Sequence[Name] | Name) -> Generator[Planned, None, None]:
        """Yield the exact requests that ``generate`` would make of these papers. Asks nobody, stores nothing."""
        recipe = bootstrap.recipe(self.config)
        limits, stopped = self.config.read_limits, self.stop.is_set
        reading = contextlib.closing(read_papers(papers, ReadReport(), limits=limits, stopped=stopped))
        places = itertools.count()
        with Numbering() as numbering, reading as found:
            for paper in found:
                for draft in recipe.drafts(paper, self.config.options):
                    request = request_for(draft, self.config.model, self.config.parameters)
                    (request,) = numbering.numbered([request])
                    yield Planned(position=next(places), request=request, origin=draft.origin)


def _seconds(deadline: str | None) -> float | None:
    if deadline is None:
        return None
    try:
        return minutes(deadline.strip().lower()) * 60.0
    except ValueError:
        message = f"the deadline is {deadline!r}; it must be minutes, hours or days, such as 90m, 6h or 2d"
    raise SettingError(message)
