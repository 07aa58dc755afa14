"""What jobs there are, where they stand, and what they hold. Nothing here spends or stores."""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from collections.abc import AsyncGenerator, Iterable

from ...domain.jobs import Phase
from ...domain.recipes.prompts import PromptsRecipe
from ...domain.samples import Answer, Entry, Reject
from ...errors import JobNotFound, LedgerCorrupt, SettingError
from ...ports.storage import Storage
from ..dataset.curator import FailedRequest, Unanswered, curate
from ..dataset.sums import Tally
from ..engine.index import Index
from ..engine.job import job_ids, look_at, read_spec
from ..engine.layout import Layout
from ..engine.ledger import Ledger
from ..wiring import plugins
from .reports import DamagedJob, JobStatus


class Catalogue:
    """The jobs of one storage; ``where`` is its address, for sentences."""

    def __init__(self, storage: Storage, *, where: str) -> None:
        self.storage = storage
        self._where = where

    async def list_jobs(self) -> list[JobStatus | DamagedJob]:
        """Return where every job of the storage stands, the newest last.

        Jobs whose folder is damaged come first and do not hide the others.
        """
        found, damaged = [], []
        async for job_id in job_ids(self.storage):
            try:
                found.append(await self._status(job_id))
            except JobNotFound:
                continue  # deleted since it was listed
            except LedgerCorrupt as error:
                damaged.append(DamagedJob(job_id, str(error)))
        return [*damaged, *sorted(found, key=lambda status: (status.created_at, status.job_id))]

    async def status(self, job: str | None = None) -> JobStatus:
        """Return where a job stands, by its id, its name or the beginning of its id; the newest without a name.

        Raises JobNotFound, and SettingError where several jobs fit.
        """
        if job is None:
            jobs = await self.list_jobs()
            # What is not finished comes first: to resume a finished job is to buy its failures again. What is in flight
            # comes before that: a job that gave way to it has nothing to be gone on with.
            moving = [s for s in jobs if isinstance(s, JobStatus) and s.state.phase is not Phase.FINISHED]
            running = [s for s in moving if s.state.phase is Phase.RUNNING]
            match running or moving or jobs:
                case [*_, JobStatus() as newest]:
                    return newest
                case [DamagedJob() as damaged, *_]:
                    raise LedgerCorrupt(damaged.damage)
            message = f"there is no job in {self._where}; `qwen-dataset generate` makes one"
            raise JobNotFound(message)
        ids = [job_id async for job_id in job_ids(self.storage)]
        fitting = _called(job, ids) or [job_id for job_id in ids if job_id.startswith(job)]
        if len(fitting) > 1:
            message = f"{job!r} fits {len(fitting)} jobs ({', '.join(fitting[:5])}); write more of the name"
            raise SettingError(message)
        if not fitting:
            message = f"there is no job {job!r} in {self._where}; `qwen-dataset status` lists the jobs"
            raise JobNotFound(message)
        return await self._status(fitting[0])

    async def rejects(self, job: str | None = None) -> AsyncGenerator[Reject | FailedRequest, None]:
        """Yield a job's rejects and failed requests in order of the plan; spends nothing, and stores nothing."""
        async with contextlib.aclosing(self._entries(job)) as entries:
            async for entry in entries:
                if isinstance(entry, Reject | FailedRequest):
                    yield entry

    async def answers(self, job: str | None = None) -> AsyncGenerator[Answer, None]:
        """Yield the answers to plain prompts in their order, a failure in its answer's place; spends nothing.

        Prompts that have no outcome yet are left out. Raises SettingError for a job made of papers.
        """
        async with contextlib.aclosing(self.prompts(job)) as entries:
            async for entry in entries:
                if isinstance(entry, Answer):
                    yield entry

    async def prompts(self, job: str | None = None) -> AsyncGenerator[Answer | Unanswered, None]:
        """Yield every plain prompt of a job in their order, as ``answers`` does, but also those without an outcome yet.

        Spends nothing. Raises SettingError for a job made of papers.
        """
        status = await self.status(job)
        if status.spec.recipe != PromptsRecipe().name:
            message = f"job {status.job_id} was made of papers and has samples, not answers; rebuild writes them"
            raise SettingError(message)
        async with contextlib.aclosing(self._entries(status.job_id)) as entries:
            async for entry in entries:
                if isinstance(entry, Answer | Unanswered):
                    yield entry

    async def failure_kinds(self, job: str | None = None) -> Counter[str]:
        """Count the failed requests of a finished job by kind; empty for any other job. Spends nothing.

        Where something failed this reads every stored outcome: events tell how many failed, not why.
        """
        kinds: Counter[str] = Counter()
        status = await self.status(job)
        if status.state.phase is Phase.FINISHED and status.state.failed:
            async with contextlib.aclosing(self._entries(status.job_id)) as entries:
                async for entry in entries:
                    if isinstance(entry, FailedRequest):
                        kinds[entry.failure.kind.value] += 1
        return kinds

    async def _entries(self, job: str | None) -> AsyncGenerator[Entry | FailedRequest | Unanswered, None]:
        status = await self.status(job)
        recipe = plugins.recipe(status.spec.recipe)
        layout = Layout(status.job_id)
        with Index(self.storage, layout) as index:
            ledger = Ledger(self.storage, layout, listener=index.apply)
            await ledger.load()
            entries = curate(
                self.storage,
                layout,
                index,
                state=ledger.state,
                recipe=recipe,
                prompt_version=status.spec.prompt_version,
                tally=Tally(),
            )
            async with contextlib.aclosing(entries):
                async for entry in entries:
                    yield entry

    async def _exists(self, job_id: str) -> bool:
        """Say whether a job was planned."""
        try:
            await read_spec(self.storage, job_id)
        except JobNotFound:
            return False
        return True

    async def _planned(self, name: str | None) -> JobStatus:
        status = await self.status(name)
        if status.state.phase is Phase.NEW:
            job = status.job_id
            message = (
                f"job {job} was never planned to the end, and nothing was bought; run generate with its papers again"
            )
            raise SettingError(message)
        return status

    async def _namesakes(self, name: str) -> list[str]:
        """Return the ids of the jobs that a person called this."""
        return _called(name, [job_id async for job_id in job_ids(self.storage)])

    async def _status(self, job_id: str) -> JobStatus:
        try:
            ledger = await look_at(self.storage, job_id)
        except LedgerCorrupt:
            # A job that is being deleted is not damaged: then this says that there is none.
            await read_spec(self.storage, job_id)
            raise
        spec = await read_spec(self.storage, job_id)
        return JobStatus(
            job_id=job_id,
            spec=spec,
            state=ledger.state,
            created_at=ledger.first_at,
            updated_at=ledger.last_at,
            ended_at=ledger.ended_at,
        )


def _called(name: str, ids: Iterable[str]) -> list[str]:
    return [job_id for job_id in ids if job_id == name or re.fullmatch(r"-[0-9a-f]{12}", job_id.removeprefix(name))]
