"""What ``BatchInferenceManager`` does: jobs of a client, told of in the Batch API's words."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Awaitable, Iterable, Mapping
from contextlib import aclosing
from typing import Any

import attrs

from ...domain.jobs import Phase, Way
from ...errors import JobUnfinished
from ...ports.inference import Offer
from ...ports.storage import Storage
from ..dataset.batch_files import BatchFiles
from ..dataset.curator import Unanswered
from ..engine.layout import Layout
from ..wiring.config import Config
from ..wiring.prompts import PromptLike
from .batch_lines import missing_line, result_line
from .batch_words import batch_status
from .client import Client
from .reports import DamagedJob, JobStatus, Report, Watch


class BatchJobs:
    """The jobs of one client that prefers batches; the manager says what each method returns and raises."""

    def __init__(self, config: Config, *, storage: Storage | str | None, backend: Offer | str | None) -> None:
        self._client = Client(config, storage=storage, backend=backend, prefer=Way.BATCH)

    @property
    def config(self) -> Config:
        return self._client.config

    async def run(
        self, prompts: Iterable[PromptLike], changes: Mapping[str, Any], *, wait: bool, fresh: bool, watch: Watch | None
    ) -> dict[str, Any]:
        """Ask prompts with some settings changed; without ``wait`` they are submitted only."""
        client = self._client.with_settings(**changes)
        if not wait:
            report = await client.submit_prompts(prompts, fresh=fresh, watch=watch)
            return _summary(await client.status(report.job_id), client.config)
        seen = _Seen(watch or Watch())
        return await _outcome(client, client.run_prompts(prompts, fresh=fresh, watch=seen.watch), seen)

    async def status(self, job_id: str) -> dict[str, Any]:
        status = await self._client.poll(job_id)
        return _summary(status, self.config, await self._client.failure_kinds(status.job_id))

    async def results(self, job_id: str) -> dict[str, Any]:
        status = await self._client.status(job_id)
        if status.state.phase in (Phase.STOPPED, Phase.FINISHED):
            return await _result(self._client, status.job_id)
        seen = _Seen(Watch())
        return await _outcome(self._client, self._client.collect(status.job_id, watch=seen.watch), seen)

    async def newest(self, limit: int | None) -> list[dict[str, Any]]:
        found = await self._client.list_jobs()
        summaries = (_summary(status, self.config) for status in reversed(found) if not isinstance(status, DamagedJob))
        return list(itertools.islice(summaries, limit))

    async def cancel(self, job_id: str) -> dict[str, Any]:
        return _summary(await self._client.cancel(job_id), self.config)


class _Seen:
    """A watch that also notes which job runs, so that a stopped one can be told of."""

    def __init__(self, watch: Watch) -> None:
        self.job_id: str | None = None

        def on_job(job_id: str, state: Any) -> None:
            self.job_id = job_id
            watch.on_job(job_id, state)

        self.watch = attrs.evolve(watch, on_job=on_job)


async def _outcome(client: Client, work: Awaitable[Report], seen: _Seen) -> dict[str, Any]:
    """Wait for a run and return its job's result, also where a person has cancelled the job meanwhile."""
    try:
        job_id = (await work).job_id
    except JobUnfinished:
        if seen.job_id is None or (await client.status(seen.job_id)).state.phase is not Phase.STOPPED:
            raise
        job_id = seen.job_id
    return await _result(client, job_id)


def _summary(status: JobStatus, config: Config, failures: Mapping[str, int] | None = None) -> dict[str, Any]:
    hours = status.state.window_hours
    return {
        "job_id": status.job_id,
        "job_name": status.spec.name,
        "status": batch_status(status, failures),
        "request_count": status.state.requests,
        "completion_window": config.completion_window if hours in (None, config.window_hours) else f"{hours}h",
        "created_at": int(status.created_at),
    }


async def _result(client: Client, job_id: str) -> dict[str, Any]:
    status = await client.status(job_id)
    created = int(status.created_at)
    results: list[dict[str, Any]] = []
    failures: Counter[str] = Counter()
    with BatchFiles() as files:
        async with aclosing(client.prompts(job_id)) as prompts:
            async for prompt in prompts:
                if isinstance(prompt, Unanswered):
                    line = missing_line(prompt.planned)
                else:
                    line = result_line(prompt, model=status.spec.model, created=created)
                if line["error"] is not None:
                    failures[line["error"]["code"]] += 1
                results.append(line)
                files.add(line)
        output, errors = await files.store(client.storage, Layout(job_id))
    return _summary(status, client.config, failures) | {
        "completed_at": int(status.ended_at),
        "results": results,
        "output_file": _place(client, output),
        "error_file": _place(client, errors),
    }


def _place(client: Client, key: str | None) -> str | None:
    """Return where an object of the storage is: a path on this machine, or its key elsewhere."""
    return str(client.folder / key) if key is not None and client.folder is not None else key
