"""One async function ``Request -> Outcome`` becomes a whole realtime backend.

A package of your own makes it one that people name, ``--backend echo``, by a factory and an entry point::

    from qwen_dataset.adapters.inference.concurrent import ConcurrentBackend
    from qwen_dataset.domain.inference import Completion, Outcome, Request
    from qwen_dataset.ports.inference import BackendSettings, Offer

    async def complete(request: Request) -> Outcome:
        return Completion(request_id=request.id, text=request.messages[-1].content)

    def open_echo(settings: BackendSettings) -> Offer:
        backend = ConcurrentBackend(complete, realm="echo", concurrency=settings.concurrency)
        return Offer(backend=backend, name="echo", realtime=True, destination="this process: nothing leaves it")

    # pyproject.toml
    # [project.entry-points."qwen_dataset.backends"]
    # echo = "my_package:open_echo"
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Self

import attrs

from ...domain.inference import Completion, Failure, FailureKind, Outcome, Request
from ...errors import BackendError
from ...ports.inference import JobHandle, Limits, Progress

logger = logging.getLogger(__name__)

REALTIME_LIMITS = Limits(concurrency=16, segment_outcomes=100, segment_seconds=2.0, settle_seconds=0.0)
"""Fetching an answer again costs money here, so little may stay unsaved; nothing remote exists that could settle."""

_AT_ONCE = 2
"""So many calls are started, or outcomes yielded, between two turns of the event loop: what begins in one moment is
answered in one moment too, and hundreds of answers at once would hold up everything else that waits in this loop.

As few as this for the search for cycles as well: Python begins one for every 700 objects that are made and not yet
gone, and a call is a hundred while it runs. Where eight end and then eight begin, each such group begins one, and every
hundredth of these looks through all there is, for a tenth of a second. Where ends and beginnings take turns, few do."""

_OPEN = "open"
_CANCELLED = "cancelled"


class ConcurrentBackend:
    """Calls ``complete`` for each request, up to ``limits.concurrency`` at once. Iterating ``results`` spends money.

    ``complete`` answers one request: a ``Completion``, or a ``Failure`` for whatever went wrong with this request. It
    raises ``BackendUnavailable`` or ``BackendRejected`` when the service as a whole cannot be asked: ``results`` then
    starts no further call, yields what the calls already started give, and raises. Any other exception may have come
    after the call was paid for, so it becomes a ``Failure`` of kind ``unknown``; so does an answer to another id.

    ``realm`` names where answers come from; ``name`` is the ``backend`` of its handles (the realm, unless given), and
    the name that its ``Offer`` should have. ``concurrency`` replaces that of ``limits`` where it is not None. Nothing
    is bought by ``submit`` and nothing exists remotely: ``cancel`` only marks the handle. It holds nothing open; a
    subclass whose ``complete`` needs a connection opens it in ``__aenter__`` and closes it in ``__aexit__``.
    """

    def __init__(
        self,
        complete: Callable[[Request], Awaitable[Outcome]],
        *,
        realm: str,
        name: str | None = None,
        limits: Limits = REALTIME_LIMITS,
        concurrency: int | None = None,
    ) -> None:
        self._complete = complete
        self._realm = realm
        self._name = realm if name is None else name
        self._limits = limits if concurrency is None else attrs.evolve(limits, concurrency=concurrency)

    @property
    def limits(self) -> Limits:
        """What it accepts; ``concurrency`` bounds the calls in flight."""
        return self._limits

    @property
    def realm(self) -> str:
        """Where answers come from."""
        return self._realm

    async def submit(self, key: str, requests: AsyncIterable[Request]) -> JobHandle:  # noqa: ARG002  # the port's shape
        """Return a handle at once. Buys nothing and does not look at the requests."""
        return JobHandle(backend=self._name, key=key, token=_OPEN)

    async def poll(self, handle: JobHandle) -> Progress:  # noqa: ARG002  # the port's shape
        """Ready at once: the work happens while ``results`` is iterated. Spends nothing."""
        return Progress(ready=True)

    async def cancel(self, handle: JobHandle) -> JobHandle:
        """Return the handle with which ``results`` calls nothing. Spends nothing."""
        return attrs.evolve(handle, token=_CANCELLED)

    async def results(self, handle: JobHandle, requests: AsyncIterable[Request]) -> AsyncGenerator[Outcome, None]:
        """Call ``complete`` once for each request and yield outcomes as they finish. Spends money.

        A request is taken only when a call may start at once. Raises ``BackendUnavailable`` or ``BackendRejected`` of
        ``complete``, or whatever ``requests`` raised, after the calls already started were yielded.
        """
        source = aiter(requests)
        if handle.token == _CANCELLED:
            async with closing(source):
                async for request in source:
                    yield _cancelled_failure(request)
            return
        calls = _Calls(self._call, source, self._limits.concurrency)
        try:
            while calls.busy:
                outcome = await calls.next_finished()
                if outcome is not None:
                    yield outcome
        finally:
            await calls.close()
        if calls.fatal is not None:
            raise calls.fatal

    async def _call(self, request: Request) -> Outcome:
        """Answer one request; only the errors that end everything go through."""
        try:
            outcome: Any = await self._complete(request)  # a user's function may break its type
        except BackendError:
            raise
        except Exception as error:  # noqa: BLE001  # a user's function: one bad request must not end the run
            # Not its traceback: what a service says in an error may hold the key, and a log keeps it.
            logger.debug("the call for request %s raised %s", request.id, type(error).__name__)
            return _unknown(request, f"the call raised {type(error).__name__}: {error}")
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            # Nobody cancelled this call from here, so the function's own inside was: the call may have been paid.
            return _unknown(request, "the call was cancelled from inside")
        if not isinstance(outcome, Completion | Failure):
            return _unknown(request, f"the call returned {type(outcome).__name__}, not a Completion or Failure")
        if outcome.request_id != request.id:
            return _unknown(request, f"the answer carries the id of another request, {outcome.request_id!r}")
        return outcome

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        return None


class _Calls:
    """The calls in flight, and the feeder that takes requests and starts calls while there is room.

    Not a task group: a generator that yields inside one lets its cancellation hit the wrong task (PEP 789). The feeder
    is a task of its own, so that a slow source never holds back answers that are there. Finished calls queue up in the
    order in which they finished, because the order of a set of tasks differs from run to run.
    """

    def __init__(
        self, call: Callable[[Request], Coroutine[Any, Any, Outcome]], source: AsyncIterator[Request], concurrency: int
    ) -> None:
        self._call = call
        self._source = source
        self._concurrency = max(concurrency, 1)
        self._running: set[asyncio.Task[Outcome | None]] = set()
        self._finished: deque[asyncio.Task[Outcome | None]] = deque()
        self._feeder: asyncio.Task[None] | None = None
        self._news = asyncio.Event()
        self._ended = False
        self._started = 0
        self._taken = 0
        self.fatal: Exception | None = None

    @property
    def busy(self) -> bool:
        return bool(self._running) or not self._ended

    async def next_finished(self) -> Outcome | None:
        """Wait until something happens; return an outcome if one is there.

        One at a time: an outcome that waits to be yielded holds its place, so that no more than ``concurrency``
        calls are ever paid for and not handed over.
        """
        if self._feeder is None and not self._ended and len(self._running) < self._concurrency:
            self._feeder = asyncio.create_task(self._feed())
            self._feeder.add_done_callback(lambda _: self._news.set())
        if not self._finished:
            await self._news.wait()
        elif self._taken % _AT_ONCE == 0:
            await asyncio.sleep(0)
        self._news.clear()
        if self._feeder is not None and (self._ended or self._feeder.done()):
            feeder, self._feeder = self._feeder, None
            if self._ended:
                await _cancelled(feeder)
            else:
                feeder.result()  # a source that was cancelled from inside must not look like one that ended
        if not self._finished:
            return None
        task = self._finished.popleft()
        self._taken += 1
        self._running.discard(task)
        return task.result()

    async def _feed(self) -> None:
        """Start calls until there is no more room; what is finished and not yet yielded takes room too."""
        try:
            while not self._ended and len(self._running) < self._concurrency:
                request = await anext(self._source, None)
                if request is None:
                    self._ended = True
                elif not self._ended:
                    task = asyncio.create_task(self._guarded(request))
                    self._running.add(task)
                    task.add_done_callback(self._note)
                    self._started += 1
                    if self._started % _AT_ONCE == 0:
                        await asyncio.sleep(0)
        except Exception as error:  # noqa: BLE001  # raised again by `results`, after what was paid for is yielded
            self._stop(error)

    async def _guarded(self, request: Request) -> Outcome | None:
        try:
            return await self._call(request)
        except BackendError as error:
            self._stop(error)  # at once: the feeder must start no further call
            return None

    def _note(self, task: asyncio.Task[Outcome | None]) -> None:
        self._finished.append(task)
        self._news.set()

    def _stop(self, error: Exception) -> None:
        self._ended = True
        if self.fatal is None:
            self.fatal = error

    async def close(self) -> None:
        """Cancel and gather what still runs."""
        async with closing(self._source):
            await _cancelled(*self._running, *([] if self._feeder is None else [self._feeder]))


@asynccontextmanager
async def closing(source: AsyncIterator[Any]) -> AsyncIterator[None]:
    """Close the iterator over the requests at the end: nobody else can reach it, and it may hold a file open."""
    try:
        yield
    finally:
        if isinstance(source, AsyncGenerator):
            await source.aclose()


async def _cancelled(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _cancelled_failure(request: Request) -> Failure:
    message = "cancelled before it was sent"
    return Failure(request_id=request.id, kind=FailureKind.CANCELLED, message=message, retryable=True)


def _unknown(request: Request, message: str) -> Failure:
    return Failure(request_id=request.id, kind=FailureKind.UNKNOWN, message=message, retryable=True)
