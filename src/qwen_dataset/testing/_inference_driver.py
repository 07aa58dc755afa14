"""What drives the contract suite of ``InferenceBackend``: requests, the hooks, and asking as the port allows."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import TypeVar

from ..domain.inference import Completion, Failure, FailureKind, Message, Outcome, Request
from ..errors import BackendError
from ..ports.inference import InferenceBackend, JobHandle, Progress

_T = TypeVar("_T")


class Asked:
    """An iterable of requests that may be iterated again, and that knows how many were taken."""

    def __init__(self, requests: Sequence[Request]) -> None:
        self._requests = requests
        self.taken = 0

    def __aiter__(self) -> AsyncIterator[Request]:
        return self._each()

    async def _each(self) -> AsyncIterator[Request]:
        for request in self._requests:
            self.taken += 1
            yield request


def requests_of(count: int, *, start: int = 0, model: str = "contract-model") -> list[Request]:
    """Make requests that differ in their prompt."""
    prompts = (f"Say in one sentence what the number {number} stands for." for number in range(start, start + count))
    return [Request(messages=(Message("user", prompt),), model=model) for prompt in prompts]


class InferenceDriver:
    """The hooks that a suite's subclass fills in, and what its tests do with a backend again and again.

    ``realtime``: whether iterating ``results`` calls and spends. ``patience``: how often a question is asked again
    that the backend did not answer; backends with faults need some.
    """

    realtime: bool = False
    patience: int = 100

    def make(self, tmp_path: Path) -> InferenceBackend:
        """Return a new backend. Called again with the same path it talks to the same remote side: a restart."""
        raise NotImplementedError

    async def sleep(self, backend: InferenceBackend, seconds: float) -> None:  # noqa: ARG002  # a hook
        """Let time pass for the backend. Override where its time does not pass by itself; do not really wait."""
        await asyncio.sleep(0)

    def paid(self, tmp_path: Path) -> Counter[str] | None:  # noqa: ARG002  # a hook
        """Say how often each request id was paid for by the remote side's own books, or None if nobody knows."""
        return None

    def belongs(self, request: Request, outcome: Outcome) -> bool:  # noqa: ARG002  # a hook
        """Say whether the content of an outcome answers this request, where that can be told."""
        return True

    async def _submit(self, backend: InferenceBackend, key: str, requests: Sequence[Request]) -> JobHandle:
        return await self._ask(backend, lambda: backend.submit(key, Asked(requests)))

    async def _until_ready(self, backend: InferenceBackend, handle: JobHandle) -> Progress:
        for _ in range(self.patience):
            progress = await self._ask(backend, lambda: backend.poll(handle))
            if progress.ready:
                return progress
            assert progress.retry_after is None or progress.retry_after >= 0
            await self.sleep(backend, progress.retry_after or 1.0)
        raise AssertionError(f"not ready after {self.patience} polls")

    async def _check_all(
        self, backend: InferenceBackend, handle: JobHandle, requests: Sequence[Request]
    ) -> dict[str, Outcome]:
        """Collect the outcomes and check that there is exactly one for each request, and a proper one."""
        await self._until_ready(backend, handle)
        outcomes = [outcome async for outcome in backend.results(handle, Asked(requests))]
        counts = Counter(outcome.request_id for outcome in outcomes)
        # Told in a few ids: pytest takes minutes to draw the difference of two large collections, where CI is set.
        asked = Counter(request.id for request in requests)
        missing, too_many = sorted(asked - counts)[:3], sorted(counts - asked)[:3]
        assert not missing, "these requests got no outcome"
        assert not too_many, "these ids got an outcome too many"
        by_id = {outcome.request_id: outcome for outcome in outcomes}
        for request in requests:
            outcome = by_id[request.id]
            assert isinstance(outcome, Completion | Failure)
            assert isinstance(outcome, Completion) or (outcome.message and outcome.kind in FailureKind)
            assert self.belongs(request, outcome)
        return by_id

    async def _ask(self, backend: InferenceBackend, question: Callable[[], Awaitable[_T]]) -> _T:
        """Ask, and ask again as the port allows: after the settle time."""
        for _ in range(self.patience):
            try:
                return await question()
            except BackendError:
                await self.sleep(backend, max(backend.limits.settle_seconds, 1.0))
        raise AssertionError(f"no answer after {self.patience} questions")
