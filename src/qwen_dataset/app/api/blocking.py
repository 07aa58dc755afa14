"""The same verbs without ``await``: one background thread runs the client, so it works inside a running loop too."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from ...domain.recipes.base import Planned
from ...domain.samples import Answer, Reject
from ...ports.inference import Offer
from ...ports.storage import Storage
from ..dataset.curator import FailedRequest
from ..dataset.target import Existing
from ..wiring.config import Config
from ..wiring.prompts import PromptLike
from .client import Client
from .reports import DamagedJob, JobStatus, Report, Watch

T = TypeVar("T")


class BlockingClient:
    """A ``Client`` whose methods return when they are done; each spends, raises and returns as the one of that name.

    For scripts and notebooks. Callbacks of a ``Watch`` are called in the background thread. Ctrl-C stops a run
    cleanly: what is in flight is awaited and stored; a second one stops it at once. Use it as a context manager, or
    call ``close``.
    """

    def __init__(
        self,
        config: Config | None = None,
        *,
        storage: Storage | str | None = None,
        backend: Offer | str | None = None,
        notice: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._client = Client(config, storage=storage, backend=backend, notice=notice)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="qwen-dataset", daemon=True)
        self._thread.start()

    @property
    def config(self) -> Config:
        """The settings in use."""
        return self._client.config

    def generate(
        self,
        papers: Sequence[Path | str],
        output: Path | str | None = None,
        *,
        strict: bool = False,
        fresh: bool = False,
        existing: Existing | str = Existing.REFUSE,
        watch: Watch | None = None,
    ) -> Report:
        return self._run(
            self._client.generate(papers, output, strict=strict, fresh=fresh, existing=existing, watch=watch)
        )

    def submit(
        self,
        papers: Sequence[Path | str],
        output: Path | str | None = None,
        *,
        strict: bool = False,
        fresh: bool = False,
        existing: Existing | str = Existing.REFUSE,
        watch: Watch | None = None,
    ) -> Report:
        return self._run(
            self._client.submit(papers, output, strict=strict, fresh=fresh, existing=existing, watch=watch)
        )

    def run_prompts(
        self,
        prompts: Iterable[PromptLike],
        output: Path | str | None = None,
        *,
        fresh: bool = False,
        existing: Existing | str = Existing.REFUSE,
        watch: Watch | None = None,
    ) -> Report:
        return self._run(self._client.run_prompts(prompts, output, fresh=fresh, existing=existing, watch=watch))

    def submit_prompts(
        self,
        prompts: Iterable[PromptLike],
        output: Path | str | None = None,
        *,
        fresh: bool = False,
        existing: Existing | str = Existing.REFUSE,
        watch: Watch | None = None,
    ) -> Report:
        return self._run(self._client.submit_prompts(prompts, output, fresh=fresh, existing=existing, watch=watch))

    def collect(
        self,
        job: str | None = None,
        output: Path | str | None = None,
        *,
        wait: bool = True,
        existing: Existing | str = Existing.REFUSE,
        watch: Watch | None = None,
    ) -> Report:
        return self._run(self._client.collect(job, output, wait=wait, existing=existing, watch=watch))

    def resume(
        self,
        job: str | None = None,
        output: Path | str | None = None,
        *,
        wait: bool = True,
        existing: Existing | str = Existing.REFUSE,
        watch: Watch | None = None,
    ) -> Report:
        return self._run(self._client.resume(job, output, wait=wait, existing=existing, watch=watch))

    def rebuild(
        self,
        job: str | None = None,
        output: Path | str | None = None,
        *,
        existing: Existing | str = Existing.REFUSE,
        watch: Watch | None = None,
    ) -> Report:
        return self._run(self._client.rebuild(job, output, existing=existing, watch=watch))

    def cancel(self, job: str | None = None) -> JobStatus:
        return self._run(self._client.cancel(job))

    def status(self, job: str | None = None) -> JobStatus:
        return self._run(self._client.status(job))

    def poll(self, job: str | None = None) -> JobStatus:
        return self._run(self._client.poll(job))

    def list_jobs(self) -> list[JobStatus | DamagedJob]:
        return self._run(self._client.list_jobs())

    def answers(self, job: str | None = None) -> Iterator[Answer]:
        return self._each(self._client.answers(job))

    def rejects(self, job: str | None = None) -> Iterator[Reject | FailedRequest]:
        return self._each(self._client.rejects(job))

    def preview(self, papers: Sequence[Path | str]) -> Generator[Planned, None, None]:
        return self._client.preview(papers)

    def close(self) -> None:
        """End the background thread. Jobs stay where they are."""
        if self._loop.is_closed():
            return
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except KeyboardInterrupt:
            return self._interrupted(future)

    def _interrupted(self, future: Future[T]) -> T:
        self._loop.call_soon_threadsafe(self._client.stop.set)
        try:
            return future.result()
        except KeyboardInterrupt:
            future.cancel()
            raise
        finally:
            # The next call is another one.
            self._loop.call_soon_threadsafe(self._client.stop.clear)

    def _each(self, items: AsyncGenerator[T, None]) -> Iterator[T]:
        async def following() -> T | _End:
            return await anext(items, _END)

        async def end() -> None:
            await items.aclose()

        try:
            while not isinstance(item := self._run(following()), _End):
                yield item
        finally:
            self._run(end())


class _End:
    """Stands for the end of an iteration: a coroutine cannot raise StopAsyncIteration out of a future."""


_END = _End()
