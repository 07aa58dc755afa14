"""A backend that needs no key and no network, and misbehaves on request.

It sees nothing but the requests, answers as a model would (see ``author``) and keeps what it did and what it
would bill in a file of its own (see ``FakeService``). Its faults are parameters (see ``FakeSettings``).
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterable
from types import TracebackType
from typing import ClassVar, NoReturn, Self

import attrs

from ....domain.inference import Failure, FailureKind, Outcome, Request
from ....errors import BackendRejected, BackendUnavailable, SettingError
from ....ports.inference import BackendSettings, JobHandle, Limits, Offer, Progress
from ..concurrent import REALTIME_LIMITS, ConcurrentBackend
from .batch_file import request_line
from .clock import Clock, RealClock, VirtualClock
from .dice import Dice
from .fate import extra_latency, failure_of
from .lines import ResultFile, failure_line, joined, outcome_of, too_large
from .progress import Timeline
from .remote import FakeBatches
from .service import FakeService
from .settings import FakeSettings
from .shelf import NewFile
from .spoil import answer

logger = logging.getLogger(__name__)

_NAME = "fake"
_IN_MEMORY = "memory"
_DEFAULT_FILE = ".qwen-dataset-fake.jsonl"
_DESTINATION = "the fake on this machine: nothing leaves it, nothing is paid"
_LOOKS = 8.0  # a batch on a virtual clock ends after about so many polls, also if nobody ever sleeps
_DETOURS = 4  # a realtime call without latency takes up to so many rounds of the loop, so that answers overtake


def open_fake(settings: BackendSettings) -> Offer:
    """Build the backend of ``fake:location?parameters``; spends nothing and needs no key.

    ``location`` is the remote side's file (default ``.qwen-dataset-fake.jsonl`` in the current folder), or ``memory``
    for one that is gone when the process ends. The parameters are those of ``FakeSettings``. Where they do not name
    ``mode`` (then the offer says ``either``), ``window`` or ``concurrency``, these follow ``settings.realtime``,
    ``settings.window_hours`` and ``settings.concurrency``. Raises ``SettingError``.
    """
    unnamed = {"mode": "realtime" if settings.realtime else "batch", "window": str(settings.window_hours * 3600)}
    if settings.concurrency is not None:
        unnamed["concurrency"] = str(settings.concurrency)
    chosen = FakeSettings.from_url_params({**unnamed, **settings.parameters})
    try:
        service = FakeService(None if settings.location == _IN_MEMORY else settings.location or _DEFAULT_FILE)
    except BackendUnavailable as error:
        raise SettingError(str(error)) from error
    backend = FakeBackend(chosen, service=service)
    batches = chosen.mode == "batch"
    return Offer(
        backend=backend,
        name=_NAME,
        realtime=not batches,
        sleep=backend.clock.sleep,
        now=backend.clock.now,
        either="mode" not in settings.parameters,
        destination=_DESTINATION,
        remote=FakeBatches(chosen, service, backend.clock, backend.maybe_unavailable) if batches else None,
        is_play=True,
    )


class FakeBackend:
    """Batch or realtime, by ``settings.mode``. Deterministic by prompt and seed.

    ``service`` is the remote side: give every process (and every restart) one on the same file. ``clock`` defaults to
    the one ``settings.clock`` names; sleep on ``backend.clock`` between polls, since a virtual clock only moves when
    somebody sleeps on it. Where nobody does, a poll of an unfinished batch takes an eighth of its time, so that it ends
    also for one who only ever looks. ``counts`` says how many ``duplicate``, ``stray`` and ``missing`` lines were met.
    """

    def __init__(
        self, settings: FakeSettings | None = None, *, service: FakeService | None = None, clock: Clock | None = None
    ) -> None:
        self._settings = settings or FakeSettings()
        self._service = service or FakeService()
        virtual = self._settings.clock == "virtual"
        self.clock: Clock = clock or (VirtualClock(self._service) if virtual else RealClock())
        self.counts: Counter[str] = Counter()
        self._asked: Counter[str] = Counter()
        self._dice = Dice(self._settings.seed)
        side = _Batch if self._settings.mode == "batch" else _Realtime
        self._side: _Batch | _Realtime = side(self._settings, self._service, self.clock, self.counts)

    @property
    def limits(self) -> Limits:
        """As the settings say; what a submission or a request has too much of is refused."""
        return self._side.limits

    @property
    def realm(self) -> str:
        """``fake:`` and the seed: the fake's answers are never reused where another backend is meant."""
        return f"{_NAME}:{self._settings.seed}"

    async def submit(self, key: str, requests: AsyncIterable[Request]) -> JobHandle:
        """Find or create the submission. A batch is paid for here (in the fake's books), realtime buys nothing.

        Raises ``BackendUnavailable`` by the faults ``unavailable`` (nothing happened) and ``lose_submit`` (the job
        exists), ``BackendRejected`` by ``reject`` and for a submission beyond the limits or with an id twice.
        """
        self.maybe_unavailable("submit", key)
        return await self._side.submit(key, requests)

    async def poll(self, handle: JobHandle) -> Progress:
        """Say how far the submission is. Raises ``BackendUnavailable`` by the fault ``unavailable``."""
        self.maybe_unavailable("poll", handle.key)
        return await self._side.poll(handle)

    def results(self, handle: JobHandle, requests: AsyncIterable[Request]) -> AsyncGenerator[Outcome, None]:
        """Yield one outcome for each request. In realtime mode this calls, and spends.

        Raises ``BackendUnavailable`` for a batch that is not ready yet.
        """
        return self._side.results(handle, requests)

    async def cancel(self, handle: JobHandle) -> JobHandle:
        """Stop the submission; lines of a batch that are done by now are still delivered. Spends nothing."""
        return await self._side.cancel(handle)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        return None

    def maybe_unavailable(self, what: str, key: str) -> None:
        """Fail by the fault ``unavailable``. Failures are recorded, so a new process does not meet the same again."""
        chance = self._settings.unavailable
        if chance <= 0.0:
            return
        name = f"unavailable {what}"
        tries = self._asked[f"{name} {key}"] + self._service.tries(name, key)
        if self._dice.hits(chance, name, key, tries):
            self._service.note_unavailable(name, key, now=self.clock.now())
            raise BackendUnavailable(f"the fake did not answer ({what})")
        self._asked[f"{name} {key}"] += 1


class _Side:
    """What both ways of asking have: limits, and submissions that may be refused."""

    _saving: ClassVar[Limits]  # the way's own limits: how much may stay unsaved

    def __init__(self, settings: FakeSettings, service: FakeService, clock: Clock, counts: Counter[str]) -> None:
        self._settings = settings
        self._service = service
        self._clock = clock
        self._counts = counts
        self._dice = Dice(settings.seed)
        self.limits = attrs.evolve(
            self._saving,
            requests=settings.requests,
            line_bytes=settings.line_bytes,
            concurrency=settings.concurrency,
            settle_seconds=settings.settle_seconds,
        )

    def _maybe_refuse(self, key: str, attempt: int) -> None:
        """Fail by the fault ``reject``."""
        if self._dice.hits(self._settings.reject, "reject", key, attempt):
            self._refuse(key, "it is not in the mood")

    def _refuse(self, key: str, why: str) -> NoReturn:
        self._service.refuse(key, why, now=self._clock.now())
        raise BackendRejected(f"the fake refused the submission: {why}")


class _Batch(_Side):
    """The batch side: the file's jobs, seen through lines that are joined by id."""

    _saving = Limits(segment_outcomes=5_000, segment_seconds=60.0)

    def __init__(self, settings: FakeSettings, service: FakeService, clock: Clock, counts: Counter[str]) -> None:
        super().__init__(settings, service, clock, counts)
        self._timelines: dict[str, Timeline] = {}

    async def submit(self, key: str, requests: AsyncIterable[Request]) -> JobHandle:
        """Look the key up, then create. As with a real service another process may come between the two."""
        found = self._service.find(key, now=self._clock.now())
        await asyncio.sleep(0)  # a reply takes its time
        if found is not None:
            return JobHandle(backend=_NAME, key=key, token=found)
        with self._service.shelf.new() as lines:
            ids = await self._accepted_ids(key, requests, lines)
            attempt = self._service.tries("submit", key)
            self._maybe_refuse(key, attempt)
            job_id = self._service.create(key, ids, settings=self._settings, now=self._clock.now(), lines=lines)
        await asyncio.sleep(0)
        if self._dice.hits(self._settings.lose_submit, "lose_submit", key, attempt):
            raise BackendUnavailable("the reply of the fake to a submission was lost")
        return JobHandle(backend=_NAME, key=key, token=job_id)

    async def _accepted_ids(self, key: str, requests: AsyncIterable[Request], lines: NewFile) -> list[str]:
        ids: dict[str, None] = {}
        async for request in requests:
            if too_large(request, self._settings.line_bytes):
                self._refuse(key, f"request {request.id} is longer than {self._settings.line_bytes} bytes")
            if request.id in ids:
                self._refuse(key, f"request {request.id} is in it twice")
            ids[request.id] = None
            lines.write(request_line(request))
            if len(ids) > self._settings.requests:
                self._refuse(key, f"it has more than {self._settings.requests} requests")
        return list(ids)

    async def poll(self, handle: JobHandle) -> Progress:
        """Count the lines that are done by now. Looking takes time on a virtual clock (see ``VirtualClock.look``)."""
        timeline = self._timelines.get(handle.token)
        if timeline is None:
            timeline = self._timelines[handle.token] = Timeline.of(self._service.job(handle.token))
        progress = timeline.at(self._clock.now(), self._service.cancelled_at(handle.token))
        if progress.ready:
            del self._timelines[handle.token]
        elif isinstance(self._clock, VirtualClock):
            await self._clock.look(handle.token, timeline.job.longest / _LOOKS)
        return progress

    async def results(self, handle: JobHandle, requests: AsyncIterable[Request]) -> AsyncGenerator[Outcome, None]:
        """Read the result file. Spends nothing, as often as it is read."""
        job = self._service.job(handle.token)
        cancelled_at = self._service.cancelled_at(job.id)
        if self._clock.now() < job.ready_at(cancelled_at):
            raise BackendUnavailable(f"the fake's batch {job.id} is not finished yet")
        file = ResultFile(job, cancelled_at=cancelled_at, decoys=self._settings.decoys)
        counts: Counter[str] = Counter()
        outcomes = joined(file, requests, counts)
        try:
            async for outcome in outcomes:
                yield outcome
        finally:
            await outcomes.aclose()
            self._counts.update(counts)
            if said := ", ".join(f"{count} {what}" for what, count in sorted(counts.items())):
                logger.warning("the result file of batch %s is not as it should be: %s", job.id, said)

    async def cancel(self, handle: JobHandle) -> JobHandle:
        """Record the cancel; the handle stays as it is, because the job itself knows."""
        self._service.cancel(handle.token, now=self._clock.now())
        await asyncio.sleep(0)
        return handle


class _Realtime(_Side):
    """The realtime side: one call a request, on ``ConcurrentBackend``."""

    _saving = REALTIME_LIMITS

    def __init__(self, settings: FakeSettings, service: FakeService, clock: Clock, counts: Counter[str]) -> None:
        super().__init__(settings, service, clock, counts)
        calls = ConcurrentBackend(self._complete, realm="", name=_NAME, limits=self.limits)
        self.poll, self.results, self.cancel = calls.poll, calls.results, calls.cancel
        self._open = calls.submit

    async def submit(self, key: str, requests: AsyncIterable[Request]) -> JobHandle:
        """Open the realtime service, or be refused by the fault ``reject``."""
        self._maybe_refuse(key, self._service.tries("submit", key))
        return await self._open(key, requests)

    async def _complete(self, request: Request) -> Outcome:
        """Answer one request. Recorded, and paid, before anything is handed over."""
        settings = self._settings
        if too_large(request, settings.line_bytes):
            return outcome_of(failure_line(request.id, FailureKind.TOO_LARGE), request)
        run, failure = self._service.call(
            request.id,
            settings=settings,
            decide=lambda run: failure_of(settings, request.id, run),
            now=self._clock.now(),
        )
        await self._wait(request, run)
        if failure is not None:
            return outcome_of(failure_line(request.id, failure), request)
        if self._dice.hits(settings.lose_reply, "lose_reply", request.id, run):
            self._counts["missing"] += 1
            message = "the reply was lost; the call may have been paid"
            return Failure(request_id=request.id, kind=FailureKind.UNKNOWN, message=message, retryable=True)
        body = answer(request, settings=settings, decoys=settings.decoys, run=run)
        return outcome_of({"id": request.id, "answer": body}, request)

    async def _wait(self, request: Request, run: int) -> None:
        seconds = self._settings.latency + extra_latency(self._settings, request.id, run)
        if seconds > 0.0:
            await self._clock.sleep(seconds)
        detours = int(self._dice.draw("detours", request.id) * _DETOURS) if self._settings.shuffle else 0
        for _ in range(1 + detours):
            await asyncio.sleep(0)
