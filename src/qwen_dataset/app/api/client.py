"""The library's verbs, from generate to rebuild. The command line is one user of them."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Self

import attrs

from ...domain.jobs import Phase, Way
from ...errors import SettingError
from ...ports.inference import Offer
from ...ports.storage import Storage
from ..dataset.target import Existing
from ..engine.job import Host
from ..engine.pace import Pace, Until
from ..wiring import bootstrap, plugins
from ..wiring.config import Config
from ..wiring.corpus import Name
from ..wiring.prompts import PromptLike
from ..wiring.sources import resolve
from .backends import Backends
from .making import Making
from .reports import JobStatus, Report, Watch
from .runs import Run, Runs


class Client(Making):
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
