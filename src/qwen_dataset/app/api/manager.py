"""The call that people know from loose scripts, on durable jobs."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
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
from ..wiring.config import Config, hidden
from ..wiring.prompts import PromptLike
from ..wiring.sources import resolve
from .batch_lines import missing_line, result_line
from .batch_words import batch_status
from .client import Client
from .reports import DamagedJob, JobStatus, Report, Watch


class BatchInferenceManager:
    """Asks lists of prompts as batch jobs that survive the process: ``await run_batch_inference(prompts=[…])``.

    ``api_key`` (a text, or a function that returns the key of the day) and ``model`` take the place of what files and
    environment say; everything else is a setting (``config``, else ``resolve``). ``backend`` and ``storage`` are
    addresses or objects. A backend that can do both is asked in batches unless ``USE_BATCH`` says otherwise.

    Raises SettingError with every problem of the settings. Making one spends nothing.
    """

    def __init__(
        self,
        api_key: str | Callable[[], str] | None = None,
        model: str | None = None,
        *,
        backend: Offer | str | None = None,
        storage: Storage | str | None = None,
        config: Config | None = None,
    ) -> None:
        api_key = hidden(api_key)
        given: dict[str, Any] = {
            name: value for name, value in (("api_key", api_key), ("model", model)) if value is not None
        }
        settings = resolve(given, library=True).config() if config is None else attrs.evolve(config, **given)
        self._client = Client(settings, storage=storage, backend=backend, prefer=Way.BATCH)

    @property
    def config(self) -> Config:
        """The settings in use."""
        return self._client.config

    async def run_batch_inference(
        self,
        prompts: Iterable[PromptLike],
        job_name: str | None = None,
        completion_window: str | None = None,
        wait_for_completion: bool = True,
        *,
        temperature: float | None = None,
        top_p: float | None = None,
        max_tokens: int | None = None,
        model: str | None = None,
        fresh: bool = False,
        watch: Watch | None = None,
    ) -> dict[str, Any]:
        """Ask prompts and return what became of them, in the Batch API's words. Spends money.

        The result has ``job_id``, ``job_name``, ``status``, ``request_count``, ``completion_window``, ``created_at``
        (seconds since 1970); after waiting also ``completed_at``, ``results`` (one line a prompt, in prompt order,
        with ``custom_id``, ``response`` and ``error``), ``output_file`` and ``error_file`` (None where nothing failed).
        Waiting lasts until the last batch has ended, which is up to the window's end for each round.

        The same prompts with the same settings are the same job: called again, after a crash or later, it pays for
        nothing twice. ``fresh`` with a new ``job_name`` pays again on purpose. Raises what ``Client.run_prompts``
        raises; a job that a person cancels meanwhile is a result with the status ``cancelled``.

        Calls that share prompts and run at the same time do not pay twice either: one of them does the work, the other
        raises JobBusy (the same job) or JobOverlap (another job) and can be repeated when the first has ended.
        """
        changes = {
            "job_name": job_name,
            "completion_window": completion_window,
            "temperature": temperature,
            "top_p": top_p,
            "max_tokens": max_tokens,
            "model": model,
        }
        client = self._client.with_settings(**{name: value for name, value in changes.items() if value is not None})
        if not wait_for_completion:
            report = await client.submit_prompts(prompts, fresh=fresh, watch=watch)
            return _summary(await client.status(report.job_id), client.config)
        seen = _Seen(watch or Watch())
        return await _outcome(client, client.run_prompts(prompts, fresh=fresh, watch=seen.watch), seen)

    async def get_job_status(self, job_id: str) -> dict[str, Any]:
        """Return where a job stands, as ``run_batch_inference`` does without waiting; asks the backend, for free.

        ``completed`` also says that all answers of a job in flight can be fetched. Raises what ``Client.poll`` raises.
        """
        status = await self._client.poll(job_id)
        return _summary(status, self.config, await self._client.failure_kinds(status.job_id))

    async def get_job_results(self, job_id: str) -> dict[str, Any]:
        """Wait for a job that was submitted, and return its result. May spend money in a round that is left.

        A job that is stopped, or that a person cancels meanwhile, has the status ``cancelled`` and an ``error`` for
        each prompt without an answer. Raises what ``Client.collect`` raises.
        """
        status = await self._client.status(job_id)
        if status.state.phase in (Phase.STOPPED, Phase.FINISHED):
            return await _result(self._client, status.job_id)
        seen = _Seen(Watch())
        return await _outcome(self._client, self._client.collect(status.job_id, watch=seen.watch), seen)

    async def list_jobs(self, limit: int | None = None) -> list[dict[str, Any]]:
        """Return where the jobs of the storage stand as stored, the newest first; damaged ones are left out.

        It asks no backend and reads no answers, so what ``get_job_status`` calls ``expired`` is ``completed`` or
        ``failed`` here.
        """
        found = await self._client.list_jobs()
        summaries = (_summary(status, self.config) for status in reversed(found) if not isinstance(status, DamagedJob))
        return list(itertools.islice(summaries, limit))

    async def cancel_job(self, job_id: str) -> dict[str, Any]:
        """Stop a job; what was answered is kept. Raises JobBusy when another process has it (it is asked to stop)."""
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
