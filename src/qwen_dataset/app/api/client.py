"""The library's verbs, from generate to rebuild. The command line is one user of them."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Self

import attrs

from ...domain.jobs import JobSpec, Phase, Way
from ...domain.papers import Paper
from ...domain.recipes.base import RecipeOptions
from ...domain.recipes.prompts import PromptsRecipe
from ...errors import SettingError
from ...ports.inference import Offer
from ...ports.storage import Storage
from ..dataset.target import Existing
from ..engine.job import Host
from ..engine.runner import Pace, Until
from ..wiring import bootstrap, plugins
from ..wiring.config import Config
from ..wiring.corpus import Name, ReadReport, own_files
from ..wiring.prompts import PromptLike, as_prompts
from ..wiring.read_limits import check_stopped
from ..wiring.sources import resolve
from .backends import Backends
from .forecasts import forecast_of
from .intake import Intake, add_paper, add_prompt
from .planning import Planner, Planning
from .reading import take_in
from .reports import JobStatus, Report, Watch
from .runs import Run, Runs

_BREATH = 100  # prompts between two turns of the event loop


class Client(Planning):
    """Works on the jobs of one storage. Every method that spends says so.

    ``config`` defaults to what files and environment say (``resolve``). ``storage`` and ``backend``, an address or an
    object, take the place of those that it names. ``stop`` ends a running job cleanly when set: nothing new begins,
    what is in flight is awaited and stored. ``notice`` is told what a person should know meanwhile, a sentence each.
    ``folder`` is where the jobs are on this machine, None where the storage is no local folder. ``prefer`` is how a
    backend that can do both is asked where nobody chose; None lets the number of requests decide.

    ``generate``, ``run_prompts``, ``submit``, ``submit_prompts``, ``collect`` and ``resume`` raise SettingError,
    OutputError, JobBusy while another process has the job, and what ``Runner.run`` raises; everything answered is kept
    in every case. The same work and settings are the same job: what is answered is never asked again. ``existing``
    says what becomes of an output that the job did not write.
    """

    def __init__(
        self,
        config: Config | None = None,
        *,
        storage: Storage | str | None = None,
        backend: Offer | str | None = None,
        prefer: Way | None = None,
        host: Host | None = None,
        stop: asyncio.Event | None = None,
        notice: Callable[[str], None] = lambda _: None,
    ) -> None:
        named: dict[str, Any] = {
            name: value for name, value in (("storage", storage), ("backend", backend)) if isinstance(value, str)
        }
        config = attrs.evolve(config or resolve(library=True).config(), **named)
        given = None if isinstance(storage, str) else storage
        self.folder = plugins.local_folder(config.storage) if given is None else None
        self.stop = stop or asyncio.Event()
        self._notice = notice
        self._host = attrs.evolve(host or bootstrap.host(), notice=notice, stopped=self.stop.is_set)
        opened = bootstrap.storage(config.storage) if given is None else given
        super().__init__(bootstrap.patient(opened, self._host.clock), where=config.storage)
        given_backend = None if isinstance(backend, str) else backend
        self._wire(Backends(config, given_backend, prefer=prefer, opened={}), config)

    def with_settings(self, **changes: Any) -> Self:
        """Return a client on the same storage and backend with other settings, by their names in ``Config``."""
        if "storage" in changes:
            message = "a client stays on its storage; make another Client for another one"
            raise SettingError(message)
        client = copy.copy(self)
        config, mine = attrs.evolve(self.config, **changes), self._backends
        given = None if "backend" in changes else mine.given
        client._wire(Backends(config, given, prefer=mine.prefer, opened=mine.opened), config)  # noqa: SLF001
        return client

    def _wire(self, backends: Backends, config: Config) -> None:
        self.config = config
        self._backends = backends
        self._runs = Runs(
            storage=self.storage,
            host=self._host,
            backends=backends,
            config=config,
            pace=Pace(rounds=config.rounds, poll_seconds=config.poll, retry_unknown=config.retry_unknown),
            stop=self.stop,
            notice=self._notice,
        )

    async def generate(
        self,
        papers: Sequence[Name] | Name,
        output: Path | str | None = None,
        *,
        strict: bool = False,
        fresh: bool = False,
        existing: Existing | str = Existing.REFUSE,
        watch: Watch | None = None,
    ) -> Report:
        """Read papers and make their dataset at ``output`` (default: the config's). Spends money through the backend.

        ``fresh`` (with a new job name) pays again for what is answered. Raises ReadError with ``strict``.
        """
        run = Run.of(output or self.config.output, existing, watch)
        return await self._generate(papers, run, strict=strict, fresh=fresh)

    async def submit(
        self,
        papers: Sequence[Name] | Name,
        output: Path | str | None = None,
        *,
        strict: bool = False,
        fresh: bool = False,
        existing: Existing | str = Existing.REFUSE,
        watch: Watch | None = None,
    ) -> Report:
        """Do as ``generate``, but return when everything is submitted; ``collect`` gets the rest. Spends money."""
        run = Run.of(output or self.config.output, existing, watch, until=Until.SUBMITTED)
        return await self._generate(papers, run, strict=strict, fresh=fresh)

    async def run_prompts(
        self,
        prompts: Iterable[PromptLike],
        output: Path | str | None = None,
        *,
        fresh: bool = False,
        existing: Existing | str = Existing.REFUSE,
        watch: Watch | None = None,
    ) -> Report:
        """Ask plain prompts; put one answer or failure a prompt at ``output``, in order. Spends money.

        Without an output the answers stay in the job: ``answers`` yields them.
        """
        return await self._run_prompts(prompts, Run.of(output, existing, watch), fresh=fresh)

    async def submit_prompts(
        self,
        prompts: Iterable[PromptLike],
        output: Path | str | None = None,
        *,
        fresh: bool = False,
        existing: Existing | str = Existing.REFUSE,
        watch: Watch | None = None,
    ) -> Report:
        """Do as ``run_prompts``, but return when everything is submitted; ``collect`` gets the rest. Spends money."""
        run = Run.of(output, existing, watch, until=Until.SUBMITTED)
        return await self._run_prompts(prompts, run, fresh=fresh)

    async def collect(
        self,
        job: str | None = None,
        output: Path | str | None = None,
        *,
        wait: bool = True,
        existing: Existing | str = Existing.REFUSE,
        watch: Watch | None = None,
    ) -> Report:
        """Get what a job has been answered and make its output, without asking for more than its rounds allow.

        With ``wait=False`` it looks once, stores what is ready, and reports ``sums=None`` where something is missing.
        Rounds that are left over may spend money. Backend and output are those of the last run unless given.
        """
        status = await self._planned(job)
        until = Until.FINISHED if wait else Until.LOOKED
        return await self._runs.go_on(status, Run.of(self._runs.target(output, status), existing, watch, until=until))

    async def resume(
        self,
        job: str | None = None,
        output: Path | str | None = None,
        *,
        wait: bool = True,
        existing: Existing | str = Existing.REFUSE,
        watch: Watch | None = None,
    ) -> Report:
        """Go on with a job (the newest without a name), and ask once more for what failed. Spends money.

        With ``wait=False`` it only submits. Backend and output are those of the last run unless given. Raises
        JobNotFound besides what ``generate`` raises.
        """
        status = await self._planned(job)
        until = Until.FINISHED if wait else Until.SUBMITTED
        run = Run.of(self._runs.target(output, status), existing, watch, until=until, reopen=True)
        return await self._runs.go_on(status, run)

    async def rebuild(
        self,
        job: str | None = None,
        output: Path | str | None = None,
        *,
        existing: Existing | str = Existing.REFUSE,
        watch: Watch | None = None,
    ) -> Report:
        """Make a job's dataset again from its stored answers, with today's parser and filters; spends nothing."""
        status = await self._planned(job)
        return await self._runs.rebuild(status, Run.of(self._runs.target(output, status), existing, watch))

    async def cancel(self, job: str | None = None) -> JobStatus:
        """Stop a job: nothing new is submitted, what runs is cancelled, what was answered is kept.

        Spends nothing, but see ``Runner.cancel`` for a shard that may or may not have been submitted.

        When another process has the job it is asked to do this and JobBusy is raised.
        """
        status = await self._planned(job)
        if status.state.phase not in (Phase.PLANNED, Phase.RUNNING):
            return status
        await self._runs.cancel(status)
        return await self.status(status.job_id)

    async def poll(self, job: str | None = None) -> JobStatus:
        """Return where a job stands, and ask the backend how far its shards in flight are. Spends and stores nothing.

        Raises BackendUnavailable besides what ``status`` raises.
        """
        status = await self.status(job)
        return await self._runs.poll(status)

    async def _generate(self, papers: Sequence[Name] | Name, run: Run, *, strict: bool, fresh: bool) -> Report:
        target = run.output or self.config.output
        self._runs.output_format.check(target)
        offer = await self._backends.first()
        recipe = bootstrap.recipe(self.config)
        leave_out = own_files(papers, target, self.folder, self._runs.output_format)
        reading = ReadReport()
        planner = Planner(self.config)
        with Intake() as intake:

            def add(paper: Paper) -> None:
                planner.add(add_paper(intake, recipe, self.config.options, paper))

            await take_in(add, papers, reading, self.config, strict=strict, leave_out=leave_out, stop=self.stop)
            run.watch.on_read(reading)
            report = await self._make(
                offer, intake, run, recipe.name, self.config.options, fresh=fresh, planner=planner
            )
        return attrs.evolve(report, reading=reading)

    async def _run_prompts(self, prompts: Iterable[PromptLike], run: Run, *, fresh: bool) -> Report:
        if run.output is not None:
            self._runs.output_format.check(run.output)
        offer = await self._backends.first()
        with Intake() as intake:
            for number, prompt in enumerate(as_prompts(prompts)):
                add_prompt(intake, prompt)
                if number % _BREATH == 0:
                    await self._breathe()
            return await self._make(offer, intake, run, PromptsRecipe().name, RecipeOptions(), fresh=fresh)

    async def _make(
        self,
        offer: Offer,
        intake: Intake,
        run: Run,
        recipe: str,
        options: RecipeOptions,
        *,
        fresh: bool,
        planner: Planner | None = None,
    ) -> Report:
        corpus, realm = intake.corpus, offer.backend.realm

        def spec_for(way: Way) -> JobSpec:
            spec = bootstrap.spec(self.config, realm, way, recipe=recipe, options=options, corpus=corpus)
            return attrs.evolve(spec, fresh=fresh)

        async def is_known(way: Way) -> bool:
            return await self._exists(spec_for(way).job_id)

        ahead = run.until is Until.SUBMITTED
        offer, route = await self._backends.settle(offer, intake, ahead=ahead, is_known=is_known)
        spec = spec_for(route.way)
        if fresh:
            await self._refuse_taken_name(spec)
        forecast = None
        # What goes on was approved when it began.
        if planner is not None and intake.requests and not await is_known(route.way):
            plan = await planner.plan(self.storage, now=self._host.clock.now())
            forecast = forecast_of(self.config, offer, plan)
        return await self._runs.make(spec, offer, route, intake, run, forecast=forecast)

    async def _refuse_taken_name(self, spec: JobSpec) -> None:
        if self.config.job_name is None:
            message = "a fresh job pays again for what is answered; give it a new name with --job-name"
            raise SettingError(message)
        others = [job_id for job_id in await self._namesakes(spec.name) if job_id != spec.job_id]
        if others:
            message = f"the job name {spec.name!r} is taken by {others[0]}; a fresh job needs a new one"
            raise SettingError(message)

    async def _breathe(self) -> None:
        """Let the event loop run while prompts are read, and stop if asked to."""
        await asyncio.sleep(0)
        check_stopped(self.stop.is_set)
