"""The call that people know from loose scripts, on durable jobs."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

import attrs
import orjson

from ...domain.jobs import Phase
from ...errors import JobUnfinished
from ...ports.inference import Offer
from ...ports.storage import Storage
from ..engine.layout import Layout
from ..wiring import bootstrap
from ..wiring.config import Config, hidden
from ..wiring.prompts import PromptLike
from ..wiring.sources import resolve
from .batch_lines import missing_line, result_line
from .batch_words import batch_status
from .client import Client
from .reports import DamagedJob, JobStatus, Watch

_PIECE_LINES = 1000


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
        self._backend = backend
        self._client = Client(settings, storage=storage, backend=backend)

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
        """
        changes = {
            "job_name": job_name,
            "completion_window": completion_window,
            "temperature": temperature,
            "top_p": top_p,
            "max_tokens": max_tokens,
            "model": model,
        }
        client = await self._in_batches({name: value for name, value in changes.items() if value is not None})
        if not wait_for_completion:
            report = await client.submit_prompts(prompts, fresh=fresh, watch=watch)
            return _summary(await client.status(report.job_id), client.config)
        seen = _Seen(watch or Watch())
        try:
            report = await client.run_prompts(prompts, fresh=fresh, watch=seen.watch)
        except JobUnfinished:
            if seen.job_id is None or (await client.status(seen.job_id)).state.phase is not Phase.STOPPED:
                raise
            return await _result(client, seen.job_id)
        return await _result(client, report.job_id)

    async def get_job_status(self, job_id: str) -> dict[str, Any]:
        """Return where a job stands, as ``run_batch_inference`` does without waiting; asks the backend, for free."""
        return _summary(await self._client.poll(job_id), self.config)

    async def get_job_results(self, job_id: str) -> dict[str, Any]:
        """Wait for a job that was submitted, and return its result. May spend money in a round that is left."""
        status = await self._client.status(job_id)
        if status.state.phase not in (Phase.STOPPED, Phase.FINISHED):
            await self._client.collect(status.job_id)
        return await _result(self._client, status.job_id)

    async def list_jobs(self, limit: int | None = None) -> list[dict[str, Any]]:
        """Return where the jobs of the storage stand, the newest first."""
        found = await self._client.list_jobs()
        summaries = (_summary(status, self.config) for status in reversed(found) if not isinstance(status, DamagedJob))
        return list(itertools.islice(summaries, limit))

    async def cancel_job(self, job_id: str) -> dict[str, Any]:
        """Stop a job; what was answered is kept. Raises JobBusy when another process has it (it is asked to stop)."""
        return _summary(await self._client.cancel(job_id), self.config)

    async def _in_batches(self, changes: dict[str, Any]) -> Client:
        client = self._client.with_settings(**changes)
        if client.config.use_batch is None and not isinstance(self._backend, Offer):
            offer = await bootstrap.backend(client.config.backend, client.config, way=None)
            if offer.either:
                return client.with_settings(use_batch=True)
        return client


class _Seen:
    """A watch that also notes which job runs, so that a stopped one can be told of."""

    def __init__(self, watch: Watch) -> None:
        self.job_id: str | None = None

        def on_job(job_id: str, state: Any) -> None:
            self.job_id = job_id
            watch.on_job(job_id, state)

        self.watch = attrs.evolve(watch, on_job=on_job)


def _summary(status: JobStatus, config: Config) -> dict[str, Any]:
    return {
        "job_id": status.job_id,
        "job_name": status.spec.name,
        "status": batch_status(status),
        "request_count": status.state.requests,
        "completion_window": config.completion_window,
        "created_at": int(status.created_at),
    }


async def _result(client: Client, job_id: str) -> dict[str, Any]:
    status = await client.status(job_id)
    created = int(status.created_at)
    results = [missing_line(position) for position in range(status.state.requests)]
    async for answer in client.answers(job_id):
        results[answer.position] = result_line(answer, model=status.spec.model, created=created)
    failures = Counter(line["error"]["code"] for line in results if line["error"] is not None)
    summary = _summary(status, client.config) | {"status": batch_status(status, failures)}
    return (
        summary | {"completed_at": int(status.updated_at), "results": results} | await _store(client, job_id, results)
    )


async def _store(client: Client, job_id: str, results: list[dict[str, Any]]) -> dict[str, str | None]:
    """Put the lines beside the job, answers and errors apart as the Batch API does, and say where they are."""
    good = [line for line in results if line["error"] is None]
    bad = [line for line in results if line["error"] is not None]
    return {
        "output_file": await _put(client, Layout(job_id).results("output"), good),
        "error_file": await _put(client, Layout(job_id).results("errors"), bad),
    }


async def _put(client: Client, key: str, lines: list[dict[str, Any]]) -> str | None:
    if not lines:
        return None

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(lines), _PIECE_LINES):
            page = lines[start : start + _PIECE_LINES]
            yield b"".join(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE) for line in page)

    await client.storage.put(key, _Again(pieces))
    return str(client.folder / key) if client.folder is not None else key


@attrs.frozen
class _Again:
    """Pieces that can be read more than once: a storage that gave no reply is asked again."""

    pieces: Callable[[], AsyncIterator[bytes]]

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self.pieces()
