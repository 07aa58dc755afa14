"""The library's verbs: generate, resume, rebuild, cancel, status, rejects. The command line is one user of them."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import attrs

from ...domain.events import OutputChosen, RetryUnknown
from ...domain.identity import RunningId
from ...domain.jobs import JobSpec, Phase
from ...domain.papers import Paper
from ...domain.recipes.prompts import Prompt, PromptsRecipe
from ...errors import JobBusy, JobUnfinished, SettingError
from ...ports.inference import Offer
from ...ports.storage import Storage
from ..codec import decode, encode
from ..dataset.exporter import OutputFormat, check_output, export
from ..dataset.sums import Sums
from ..engine.job import Host, Job, own_job, request_cancel
from ..engine.planner import Work, write_plan
from ..engine.runner import Pace, Runner
from ..engine.scratch import Spool
from ..wiring import bootstrap, plugins
from ..wiring.config import Config
from ..wiring.corpus import ReadReport, own_files, read_papers
from .catalogue import Catalogue
from .reports import JobStatus, Report, Watch


class Client(Catalogue):
    """Works on the jobs of one storage. Every method that spends says so.

    ``stop`` ends a running ``generate`` or ``resume`` cleanly when set: nothing new begins, what is in flight is
    awaited and stored. ``storage`` and ``backend`` take the place of those that ``config`` names. ``notice`` is told
    what a person should know meanwhile, a sentence each.
    """

    def __init__(
        self,
        config: Config,
        *,
        storage: Storage | None = None,
        backend: Offer | None = None,
        host: Host | None = None,
        stop: asyncio.Event | None = None,
        notice: Callable[[str], None] = lambda _: None,
    ) -> None:
        config.check()
        self.config = config
        self.stop = stop or asyncio.Event()
        self._notice = notice
        self._host = attrs.evolve(host or bootstrap.host(), notice=notice, stopped=self.stop.is_set)
        patient = bootstrap.patient(storage or bootstrap.storage(config), self._host.clock)
        super().__init__(patient, where=config.storage)
        self._backend = backend
        self._format: OutputFormat = plugins.output_format()

    async def generate(
        self,
        papers: Sequence[Path],
        output: Path,
        *,
        strict: bool = False,
        wait: bool = True,
        force: bool = False,
        watch: Watch | None = None,
    ) -> Report:
        """Read papers and make their dataset at ``output``. Spends money through the backend.

        The same papers and settings are the same job: what is answered is never asked again. With ``wait=False`` it
        returns when everything is submitted. Raises SettingError, ReadError (``strict``), OutputError, and what
        ``Runner.run`` raises; everything answered is kept in every case.
        """
        watch = watch or Watch()
        self._format.check(output)
        offer = await self._offer(self.config.backend)
        recipe = plugins.recipe(self.config.recipe)
        with Spool() as spool:
            reading, corpus = ReadReport(), RunningId()
            leave_out = own_files(papers, output, self.config.storage, self._format)
            for paper in read_papers(papers, reading, strict=strict, leave_out=leave_out):
                corpus.add(paper.id)
                spool.append(encode(paper))
                await self._breathe()
            watch.on_read(reading)
            spec = bootstrap.spec(self.config, offer, corpus=corpus.hexdigest())
            work = (Work(paper, recipe.drafts(paper, spec.options)) for paper in _papers(spool))
            sums = await self._make(spec, offer, work, output, wait=wait, force=force, watch=watch)
        return Report(job_id=spec.job_id, output=output, sums=sums, reading=reading)

    async def run_prompts(
        self,
        prompts: Iterable[Prompt],
        output: Path,
        *,
        wait: bool = True,
        force: bool = False,
        watch: Watch | None = None,
    ) -> Report:
        """Ask plain prompts and put one answer or failure a prompt at ``output``, in order. Spends money."""
        watch = watch or Watch()
        self._format.check(output)
        offer = await self._offer(self.config.backend)
        recipe = PromptsRecipe()
        with Spool() as spool:
            corpus = RunningId()
            for prompt in prompts:
                line = encode(prompt)
                corpus.add(line.decode())
                spool.append(line)
            config = attrs.evolve(self.config, recipe=recipe.name)
            spec = bootstrap.spec(config, offer, corpus=corpus.hexdigest())
            work = (Work(None, [recipe.draft(decode(Prompt, line, where="a prompt"))]) for line in spool)
            sums = await self._make(spec, offer, work, output, wait=wait, force=force, watch=watch)
        return Report(job_id=spec.job_id, output=output, sums=sums)

    async def resume(
        self,
        name: str | None = None,
        output: Path | None = None,
        *,
        wait: bool = True,
        force: bool = False,
        watch: Watch | None = None,
    ) -> Report:
        """Go on with a job (the newest without a name), and ask once more for what failed. Spends money.

        Backend and output are those of the last run unless given. Raises JobNotFound besides what ``generate`` raises.
        """
        watch = watch or Watch()
        status = await self.find(name)
        if status.state.phase is Phase.NEW:
            raise SettingError(_unplanned(status.job_id))
        target = _target(output, status)
        self._format.check(target)
        offer = await self._job_offer(status)
        _refuse_to_submit_ahead(offer, wait=wait)
        address = self.config.backend or status.state.backend
        async with self._own(status.spec, status.job_id, backend=address) as job:
            await self._choose(job, target, force=force)
            sums = await self._run(job, offer, target, wait=wait, force=force, reopen=True, watch=watch)
        return Report(job_id=status.job_id, output=target, sums=sums)

    async def rebuild(
        self, name: str, output: Path | None = None, *, force: bool = False, watch: Watch | None = None
    ) -> Report:
        """Make a job's dataset again from its stored answers, with today's parser and filters; spends nothing."""
        watch = watch or Watch()
        status = await self.find(name)
        if status.state.phase is Phase.NEW:
            raise SettingError(_unplanned(status.job_id))
        target = _target(output, status)
        self._format.check(target)
        async with self._own(status.spec, status.job_id, backend=status.state.backend) as job:
            # A rebuild elsewhere is a copy: where a later resume writes stays as it was.
            check_output(job, target, self._format, force=force)
            sums = await self._export(job, target, watch, force=force)
        return Report(job_id=status.job_id, output=target, sums=sums)

    async def cancel(self, name: str) -> JobStatus:
        """Stop a job: nothing new is submitted, what runs is cancelled, what was answered is kept.

        Spends nothing, but see ``Runner.cancel`` for a shard that may or may not have been submitted.

        When another process has the job it is asked to do this and JobBusy is raised.
        """
        status = await self.find(name)
        if status.state.phase is Phase.NEW:
            raise SettingError(_unplanned(status.job_id))
        if status.state.phase not in (Phase.PLANNED, Phase.RUNNING):
            return status
        offer = await self._job_offer(status)
        await request_cancel(self._storage, status.job_id, process=self._host.process)
        try:
            async with self._own(status.spec, status.job_id, backend=status.state.backend) as job:
                await self._cancel(job, offer)
        except JobBusy as busy:
            owner = str(busy).partition(";")[0]
            message = f"{owner}; it was asked to cancel and will do so at its next poll"
            raise JobBusy(message) from busy
        return await self.find(status.job_id)

    async def _offer(self, address: str | None) -> Offer:
        return self._backend or await bootstrap.backend(address)

    async def _job_offer(self, status: JobStatus) -> Offer:
        """Return the backend that a job belongs to. Raises SettingError for any other: it would buy everything anew."""
        address = self.config.backend or status.state.backend
        offer = await self._offer(address)
        there = f"{offer.backend.realm} ({bootstrap.way_of(offer)})"
        job = f"{status.spec.realm} ({status.spec.way})"
        if there != job:
            message = f"job {status.job_id} belongs to {job} and the backend {address!r} is {there}; name the job's own"
            raise SettingError(message)
        return offer

    def _own(self, spec: JobSpec, job_id: str, *, backend: str) -> contextlib.AbstractAsyncContextManager[Job]:
        return own_job(self._storage, spec, job_id=job_id, host=self._host, backend=backend)

    async def _choose(self, job: Job, output: Path, *, force: bool) -> None:
        """Note where the dataset goes, once it is known that it may."""
        check_output(job, output, self._format, force=force)
        place = os.path.abspath(output)  # noqa: ASYNC240, PTH100 - touches no disk
        if job.state.output != place:
            await job.ledger.append(OutputChosen(output=place))

    def _runner(self, job: Job, offer: Offer, watch: Watch) -> Runner:
        return Runner(
            job,
            offer.backend,
            backend_name=offer.name,
            pace=Pace(
                rounds=self.config.rounds, poll_seconds=self.config.poll_seconds, retry_unknown=RetryUnknown.AUTO
            ),
            sleep=offer.sleep or self._host.clock.sleep,
            stop=self.stop,
            on_progress=watch.on_progress,
        )

    async def _breathe(self) -> None:
        """Let the event loop run between two papers, and stop if asked to."""
        await asyncio.sleep(0)
        if self.stop.is_set():
            message = "interrupted while papers were read; nothing was submitted"
            raise JobUnfinished(message)

    async def _make(
        self,
        spec: JobSpec,
        offer: Offer,
        work: Iterable[Work],
        output: Path,
        *,
        wait: bool,
        force: bool,
        watch: Watch,
    ) -> Sums | None:
        _refuse_to_submit_ahead(offer, wait=wait)
        async with self._own(spec, spec.job_id, backend=self.config.backend or "") as job:
            await self._choose(job, output, force=force)
            if job.state.phase is Phase.NEW:
                silent = await write_plan(job, work)
                if silent:
                    self._notice(f"{len(silent)} papers hold no passage to ask about: {', '.join(silent[:5])}")
            if not job.state.requests:
                message = "there is nothing to ask about: no passage of the papers holds enough text"
                raise SettingError(message)
            return await self._run(job, offer, output, wait=wait, force=force, reopen=False, watch=watch)

    async def _run(
        self, job: Job, offer: Offer, output: Path, *, wait: bool, force: bool, reopen: bool, watch: Watch
    ) -> Sums | None:
        watch.on_job(job.id, job.state)
        async with offer.backend:
            await self._runner(job, offer, watch).run(reopen=reopen, wait=wait)
        if job.state.phase is not Phase.FINISHED:
            return None
        return await self._export(job, output, watch, force=force)

    async def _cancel(self, job: Job, offer: Offer) -> None:
        async with offer.backend:
            await self._runner(job, offer, Watch()).cancel()

    async def _export(self, job: Job, output: Path, watch: Watch, *, force: bool) -> Sums:
        recipe = plugins.recipe(job.spec.recipe)
        return await export(job, recipe, output, self._format, force=force, on_sample=watch.on_sample)


def _refuse_to_submit_ahead(offer: Offer, *, wait: bool) -> None:
    if offer.realtime and not wait:
        message = "a realtime backend has nothing to submit ahead; leave out --no-wait, or name a batch backend"
        raise SettingError(message)


def _unplanned(job_id: str) -> str:
    return f"job {job_id} was never planned to the end, and nothing was bought; run generate with its papers again"


def _papers(spool: Spool) -> Iterable[Paper]:
    return (decode(Paper, line, where="a paper on the local disk") for line in spool)


def _target(output: Path | None, status: JobStatus) -> Path:
    if output is not None:
        return output
    if status.state.output is None:
        message = f"job {status.job_id} was never given an output; pass --output FILE"
        raise SettingError(message)
    return Path(status.state.output)
