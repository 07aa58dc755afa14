"""Makes a job: papers or prompts are taken in, the way of asking is settled, and a run is given all of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

import attrs

from ...domain.jobs import JobSpec, Way
from ...domain.papers import Paper
from ...domain.recipes.base import RecipeOptions
from ...domain.recipes.prompts import PromptsRecipe
from ...errors import SettingError
from ...ports.inference import Offer
from ..engine.pace import Until
from ..wiring import bootstrap
from ..wiring.corpus import Name, ReadReport, own_files
from ..wiring.prompts import PromptLike, as_prompts
from ..wiring.read_limits import check_stopped
from .backends import Backends
from .cycles import searched_seldom
from .forecasts import forecast_of
from .intake import Intake
from .planning import Planner, Planning
from .reading import take_in
from .reports import Report
from .runs import Run, Runs

_BREATH = 100  # prompts between two turns of the event loop


class Making(Planning):
    """What a client does from what is named to a job that runs."""

    _backends: Backends
    _runs: Runs

    @searched_seldom
    async def _generate(self, papers: Sequence[Name] | Name, run: Run, *, strict: bool, fresh: bool) -> Report:
        target = run.output or self.config.output
        self._runs.output_format.check(target)
        offer = await self._backends.first()
        recipe = bootstrap.recipe(self.config)
        leave_out = own_files(papers, target, self.folder, self._runs.output_format)
        reading = ReadReport()
        planner = Planner(self.config)
        with Intake(self.config.model, self.config.parameters) as intake:

            def add(paper: Paper) -> None:
                planner.add(intake.add_paper(paper, recipe.drafts(paper, self.config.options)))

            await take_in(add, papers, reading, self.config, strict=strict, leave_out=leave_out, stop=self.stop)
            run.watch.on_read(reading)
            report = await self._make(
                offer, intake, run, recipe.name, self.config.options, fresh=fresh, planner=planner
            )
        return attrs.evolve(report, reading=reading)

    @searched_seldom
    async def _run_prompts(self, prompts: Iterable[PromptLike], run: Run, *, fresh: bool) -> Report:
        if run.output is not None:
            self._runs.output_format.check(run.output)
        offer = await self._backends.first()
        with Intake(self.config.model, self.config.parameters) as intake:
            for number, prompt in enumerate(as_prompts(prompts)):
                intake.add_prompt(prompt)
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
