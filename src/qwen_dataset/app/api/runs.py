"""One run of one job: taken, planned if it is new, worked on, exported, given back."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from pathlib import Path
from typing import Self

import attrs

from ...domain.events import CostLimited, OutputChosen
from ...domain.jobs import JobSpec, JobState, Phase
from ...errors import JobBusy, NotApproved, SettingError
from ...ports.inference import Offer, Progress
from ...ports.storage import Storage
from ..dataset.exporter import export
from ..dataset.target import Existing, OutputFormat, check_output
from ..engine.finishing import Finisher
from ..engine.guard import handle_of
from ..engine.job import Host, Job, own_job, request_cancel
from ..engine.pace import Pace, Until
from ..engine.pilot import Judge, Pilot
from ..engine.planner import write_plan
from ..engine.runner import Runner
from ..wiring import plugins
from ..wiring.budgets import budget, check_limit, price_of
from ..wiring.config import Config
from .backends import Backends, advise
from .cycles import searched_seldom
from .forecasts import compared, corrected, dearer, estimated
from .intake import Intake
from .pilots import judge_pilot, with_the_rest
from .reports import Forecast, JobStatus, Report, Route, Watch


@attrs.frozen(kw_only=True)
class Run:
    """How far a run goes, and what it may do. ``output`` None: the answers stay in the job."""

    output: Path | None
    until: Until
    existing: Existing
    watch: Watch
    reopen: bool = False

    @classmethod
    def of(
        cls,
        output: Path | str | None,
        existing: Existing | str,
        watch: Watch | None,
        *,
        until: Until = Until.FINISHED,
        reopen: bool = False,
    ) -> Self:
        """Make a run of what a person gave. Raises SettingError."""
        if existing not in tuple(Existing):
            message = f"existing is {existing!r}; it must be one of {', '.join(Existing)}"
            raise SettingError(message)
        path = None if output is None else Path(output)
        return cls(output=path, until=until, existing=Existing(existing), watch=watch or Watch(), reopen=reopen)


@attrs.frozen(kw_only=True)
class Runs:
    """What every run of a client shares. Each method takes the job's lease and gives it back."""

    storage: Storage
    host: Host
    backends: Backends
    config: Config
    pace: Pace
    stop: asyncio.Event
    notice: Callable[[str], None]

    @property
    def output_format(self) -> OutputFormat:
        return plugins.output_format(self.config.writer)

    def target(self, output: Path | str | None, status: JobStatus) -> Path | None:
        """Return where a job's output goes: what is given, or as last time. Raises SettingError for what cannot be."""
        chosen = output or status.state.output
        if chosen is None:
            return None
        self.output_format.check(Path(chosen))
        return Path(chosen)

    async def make(
        self, spec: JobSpec, offer: Offer, route: Route, intake: Intake, run: Run, *, forecast: Forecast | None = None
    ) -> Report:
        """Plan a job if it is new, and work on it; ``forecast`` is what a new one will take. Spends money.

        Raises NotApproved where a person does not want to spend that.
        """
        _refuse_to_wait_for_nothing(offer, run)
        if not intake.requests:
            message = "there is nothing to ask about: no passage of the papers holds enough text"
            raise SettingError(message)
        run.watch.on_route(route)
        advise(offer, spec, self.notice)
        # Before anything is planned: who else is to be asked must be able to, and a limit must be one that can be kept.
        await self._check(spec, JobState(), offer)
        if forecast is not None:
            run.watch.on_forecast(forecast)
            if not run.watch.approve(forecast):
                message = "nothing was bought, as you said no"
                raise NotApproved(message)
        owned = self._own(spec, spec.job_id, backend=self.backends.address, window_hours=self.config.window_hours)
        async with owned as job:
            await self._choose(job, run)
            if job.state.phase is Phase.NEW:
                await write_plan(job, intake.plan)
                await intake.plan.give_back()
                if silent := intake.silent:
                    self.notice(f"{len(silent)} papers hold no passage to ask about: {', '.join(silent[:5])}")
                if forecast is not None:
                    await job.ledger.append(estimated(forecast))
            return await self._work(job, offer, run, forecast=forecast)

    @searched_seldom
    async def go_on(self, status: JobStatus, run: Run) -> Report:
        """Work on a job that is planned. Spends money where something is left to ask."""
        offer, route = await self.backends.of_job(status)
        if run.reopen or status.state.phase is not Phase.FINISHED:
            _refuse_to_wait_for_nothing(offer, run)
            run.watch.on_route(route)
            advise(offer, status.spec, self.notice)
        async with self._own(status.spec, status.job_id, backend=self.backends.noted) as job:
            await self._choose(job, run)
            return await self._work(job, offer, run)

    @searched_seldom
    async def rebuild(self, status: JobStatus, run: Run) -> Report:
        """Export what is stored. Spends nothing, and leaves where a later run writes as it was."""
        async with self._own(status.spec, status.job_id) as job:
            if run.output is not None:
                check_output(job, run.output, self.output_format, run.existing)
            return await self._export(job, run)

    async def cancel(self, status: JobStatus) -> None:
        """File a cancel request, and obey it here unless another process has the job (JobBusy)."""
        offer, _ = await self.backends.of_job(status)
        await request_cancel(self.storage, status.job_id, process=self.host.process)
        try:
            owned = self._own(status.spec, status.job_id)
            async with owned as job, self._runner(job, offer, Watch()) as runner:
                await runner.cancel()
        except JobBusy as busy:
            owner = str(busy).partition(";")[0]
            message = f"{owner}; it was asked to cancel and will do so at its next poll"
            raise JobBusy(message) from busy

    async def poll(self, status: JobStatus) -> JobStatus:
        """Ask the backend how far the shards in flight are."""
        shards = [shard for shard in status.state.shards.values() if shard.token is not None]
        # A round that is finished one call at a time has nothing remote to look at.
        if not shards or status.state.finishing:
            return status
        offer, _ = await self.backends.of_job(status)
        async with offer.backend:
            told = [await offer.backend.poll(handle_of(shard)) for shard in shards]
        remote = Progress(
            ready=all(progress.ready for progress in told),
            completed=sum(progress.completed for progress in told),
            failed=sum(progress.failed for progress in told),
            total=sum(shard.requests for shard in shards),
        )
        return attrs.evolve(status, remote=remote)

    def _own(
        self, spec: JobSpec, job_id: str, *, backend: str = "", window_hours: int | None = None
    ) -> contextlib.AbstractAsyncContextManager[Job]:
        host = self.host
        return own_job(self.storage, spec, job_id=job_id, host=host, backend=backend, window_hours=window_hours)

    async def _choose(self, job: Job, run: Run) -> None:
        """Note where the dataset goes, once it is known that it may."""
        if run.output is None:
            return
        check_output(job, run.output, self.output_format, run.existing)
        place = os.path.abspath(run.output)  # noqa: ASYNC240, PTH100 - touches no disk
        if job.state.output != place:
            await job.ledger.append(OutputChosen(output=place))

    async def _check(self, spec: JobSpec, state: JobState, offer: Offer) -> Decimal | None:
        """Return the limit of what a job may cost, after it is known that it can be kept. Raises SettingError."""
        other = await self.backends.finisher(spec, state, offer)
        limits = [check_limit(self.config, each, spec, state) for each in (offer, other) if each is not None]
        return limits[0]

    async def _limit(self, job: Job, offer: Offer) -> None:
        """Note the limit of what a job may cost, where a person sets another one than before."""
        limit = await self._check(job.spec, job.state, offer)
        if limit != job.state.cost_limit:
            price = price_of(self.config, offer, job.spec.model)
            await job.ledger.append(CostLimited(limit=limit, currency=price.currency if price else ""))

    async def _work(self, job: Job, offer: Offer, run: Run, *, forecast: Forecast | None = None) -> Report:
        await self._limit(job, offer)
        run.watch.on_job(job.id, job.state)
        async with self._runner(job, offer, run.watch, forecast=forecast) as runner:
            await runner.run(reopen=run.reopen, until=run.until)
        if job.state.phase is not Phase.FINISHED:
            return Report(job_id=job.id, recipe=job.spec.recipe, output=run.output, sums=None)
        return await self._export(job, run, offer)

    @contextlib.asynccontextmanager
    async def _runner(
        self, job: Job, offer: Offer, watch: Watch, *, forecast: Forecast | None = None
    ) -> AsyncIterator[Runner]:
        """Open the backends that a job needs, and what works with them."""
        finisher = await self.backends.finisher(job.spec, job.state, offer)
        async with contextlib.AsyncExitStack() as opened:
            await opened.enter_async_context(offer.backend)
            if finisher is not None:
                await opened.enter_async_context(finisher.backend)
            yield Runner(
                job,
                offer.backend,
                backend_name=offer.name,
                pace=self.pace,
                sleep=offer.sleep or self.host.clock.sleep,
                now=offer.now or self.host.clock.now,
                stop=self.stop,
                finisher=self._finisher(finisher, job),
                clean=offer.clean if self.config.clean_remote else None,
                budget=budget(self.config, offer, job.spec),
                pilot=self._pilot(offer),
                judge=self._judge(offer, watch, forecast),
                notice=self.notice,
                on_progress=watch.on_progress,
            )

    def _pilot(self, offer: Offer) -> Pilot | None:
        if self.config.pilot is None:
            return None
        least = self.config.pilot_min_yield
        return Pilot(requests=self.config.pilot, elsewhere=not offer.realtime, least_yield=least)

    def _judge(self, offer: Offer, watch: Watch, forecast: Forecast | None) -> Judge:
        async def judge(job: Job) -> str | None:
            found = await judge_pilot(job, plugins.recipe(job.spec.recipe))
            if forecast is not None:
                found = await with_the_rest(found, job, forecast, price_of(self.config, offer, job.spec.model))
                if found.estimate is not None:
                    await job.ledger.append(corrected(found, found.estimate))
            watch.on_pilot(found)
            given = self.config.pilot_min_yield
            objection = found.objection(job.state.least_yield if given is None else given)
            return objection or (None if forecast is None else dearer(found, forecast, watch.approve))

        return judge

    def _finisher(self, offer: Offer | None, job: Job) -> Finisher | None:
        if offer is None:
            return None
        return Finisher(
            backend=offer.backend,
            backend_name=offer.name,
            sleep=offer.sleep or self.host.clock.sleep,
            after_seconds=self.config.after_seconds,
            # What was finished elsewhere once is finished there.
            hurries=self.config.finish is not None or (job.state.finishing and not job.state.pilot),
            budget=budget(self.config, offer, job.spec),
        )

    async def _export(self, job: Job, run: Run, offer: Offer | None = None) -> Report:
        recipe = plugins.recipe(job.spec.recipe)
        made = await export(
            job, recipe, run.output, self.output_format, existing=run.existing, on_sample=run.watch.on_sample
        )
        return Report(
            job_id=job.id,
            recipe=recipe.name,
            output=run.output,
            sums=made.sums,
            kept=made.kept,
            known=made.known,
            charged=None if offer is None or job.state.unpriced else job.state.committed,
            currency=job.state.currency,
            is_play=offer is not None and offer.is_play,
            compared=() if offer is None else compared(job.state, made.sums),
        )


def _refuse_to_wait_for_nothing(offer: Offer, run: Run) -> None:
    if offer.realtime and run.until is not Until.FINISHED:
        message = "a realtime backend has nothing to submit ahead; ask in batches (--batch), or leave out --no-wait"
        raise SettingError(message)
