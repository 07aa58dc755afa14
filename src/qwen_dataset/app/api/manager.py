"""The call that people know from loose scripts, on durable jobs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import attrs

from ..wiring.config import Config, hidden
from ..wiring.sources import resolve

if TYPE_CHECKING:
    from ...ports.inference import Offer
    from ...ports.storage import Storage
    from ..wiring.prompts import PromptLike
    from .reports import Watch


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
        # Here, and not above: who imports the name has to wait for the whole engine only when a manager is made.
        from .batch_jobs import BatchJobs  # noqa: PLC0415 - after the key is hidden, for an import can fail

        given: dict[str, Any] = {
            name: value for name, value in (("api_key", api_key), ("model", model)) if value is not None
        }
        settings = resolve(given, library=True).config() if config is None else attrs.evolve(config, **given)
        self._jobs = BatchJobs(settings, storage=storage, backend=backend)

    @property
    def config(self) -> Config:
        """The settings in use."""
        return self._jobs.config

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
        given = {name: value for name, value in changes.items() if value is not None}
        return await self._jobs.run(prompts, given, wait=wait_for_completion, fresh=fresh, watch=watch)

    async def get_job_status(self, job_id: str) -> dict[str, Any]:
        """Return where a job stands, as ``run_batch_inference`` does without waiting; asks the backend, for free.

        ``completed`` also says that all answers of a job in flight can be fetched. Raises what ``Client.poll`` raises.
        """
        return await self._jobs.status(job_id)

    async def get_job_results(self, job_id: str) -> dict[str, Any]:
        """Wait for a job that was submitted, and return its result. May spend money in a round that is left.

        A job that is stopped, or that a person cancels meanwhile, has the status ``cancelled`` and an ``error`` for
        each prompt without an answer. Raises what ``Client.collect`` raises.
        """
        return await self._jobs.results(job_id)

    async def list_jobs(self, limit: int | None = None) -> list[dict[str, Any]]:
        """Return where the jobs of the storage stand as stored, the newest first; damaged ones are left out.

        It asks no backend and reads no answers, so what ``get_job_status`` calls ``expired`` is ``completed`` or
        ``failed`` here.
        """
        return await self._jobs.newest(limit)

    async def cancel_job(self, job_id: str) -> dict[str, Any]:
        """Stop a job; what was answered is kept. Raises JobBusy when another process has it (it is asked to stop)."""
        return await self._jobs.cancel(job_id)
