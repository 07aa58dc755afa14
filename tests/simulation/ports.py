"""The two ports as a simulated process has them: every awaited step is a gate, and replies get lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from types import TracebackType
from typing import Any, Self, TypeVar

import attrs

from qwen_dataset.adapters.inference.fake.backend import FakeBackend
from qwen_dataset.adapters.inference.fake.settings import FakeSettings
from qwen_dataset.domain.inference import Outcome, Request
from qwen_dataset.errors import BackendError, BackendUnavailable, StorageError, StorageUnavailable
from qwen_dataset.ports.inference import JobHandle, Limits, Progress
from tests.simulation.books import Books, SimService, newest_lease
from tests.simulation.scheduler import Scheduler, SimProcess

_T = TypeVar("_T")
_END: Any = object()


@attrs.frozen(kw_only=True)
class Weather:
    """How often a call gets no reply (it was performed) or never arrives, and how often a listing is interrupted."""

    lost: float = 0.0
    dropped: float = 0.0
    backend: float = 0.0
    torn_listing: float = 0.05
    quick_read: float = 0.5


class SimStorage:
    """The shared storage, seen by one process."""

    def __init__(self, books: Books, process: SimProcess, weather: Weather) -> None:
        self._books = books
        self._inner = books.storage
        self._scheduler = books.scheduler
        self._process = process
        self._weather = weather

    async def get(self, key: str) -> bytes:
        return await self._step("get", key, lambda: self._inner.get(key))

    async def stream(self, key: str) -> AsyncGenerator[bytes, None]:
        yield await self._step("stream", key, lambda: self._inner.get(key))

    async def put(self, key: str, data: bytes | AsyncIterable[bytes], *, if_absent: bool = False) -> None:
        if not isinstance(data, bytes):
            data = b"".join([piece async for piece in data])
        whole = data

        async def perform() -> None:
            await self._inner.put(key, whole, if_absent=if_absent)
            if "/lease/" in key:
                self._books.note_lease(key, self._process)

        await self._step("put", key, perform)

    async def keys(self, prefix: str = "") -> AsyncIterator[str]:
        self._process.looked.pop(asyncio.current_task(), None)
        await self._scheduler.gate(self._process, f"keys {prefix} before")
        if self._chance(self._weather.dropped):
            raise StorageUnavailable(f"simulated: keys {prefix!r} never arrived")
        async for key in self._inner.keys(prefix):
            if self._chance(self._weather.torn_listing):
                await self._scheduler.gate(self._process, f"keys {prefix} at {key}")
            yield key
        if prefix.endswith("/lease"):
            await self._note_lease(prefix.partition("/")[0])
        await self._reply("keys", prefix)

    async def delete(self, key: str) -> None:
        await self._step("delete", key, lambda: self._inner.delete(key))

    async def _step(self, verb: str, key: str, perform: Callable[[], Awaitable[_T]]) -> _T:
        self._process.looked.pop(asyncio.current_task(), None)
        await self._scheduler.gate(self._process, f"{verb} {key} before")
        if self._chance(self._weather.dropped):
            raise StorageUnavailable(f"simulated: {verb} {key!r} never arrived")
        try:
            result = await perform()
        except StorageError:
            await self._reply(verb, key)
            raise
        await self._reply(verb, key)
        return result

    async def _reply(self, verb: str, key: str) -> None:
        writes = verb in ("put", "delete")
        if writes or not self._chance(self._weather.quick_read):
            await self._scheduler.gate(self._process, f"{verb} {key} after")
        if self._chance(self._weather.lost):
            raise StorageUnavailable(f"simulated: the reply to {verb} {key!r} was lost")

    async def _note_lease(self, job: str) -> None:
        record = await newest_lease(self._inner, job)
        if record is not None and record.process.pid == self._process.number and not record.released:
            self._process.looked[asyncio.current_task()] = job

    def _chance(self, chance: float) -> bool:
        return chance > 0.0 and self._scheduler.rng.random() < chance


@attrs.frozen
class _FakeClock:
    now: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]


class SimBackend:
    """The fake, seen by one process."""

    def __init__(
        self, settings: FakeSettings, books: Books, process: SimProcess, weather: Weather, segment: int
    ) -> None:
        self._scheduler = books.scheduler
        self._process = process
        self._weather = weather
        self._service = SimService(books, process)
        clock = _FakeClock(lambda: self._scheduler.now, self.sleep)
        self._inner = FakeBackend(settings, service=self._service, clock=clock)  # type: ignore[arg-type]
        self._realtime = settings.mode == "realtime"
        self.limits: Limits = attrs.evolve(self._inner.limits, segment_outcomes=segment)
        self.realm = self._inner.realm

    async def sleep(self, seconds: float) -> None:
        await self._scheduler.sleep(self._process, seconds)

    async def submit(self, key: str, requests: AsyncIterable[Request]) -> JobHandle:
        job = key.partition("/")[0]
        self._service.submitting = (job, self._process.looked.get(asyncio.current_task()) == job)
        given = _Gated(requests, self._scheduler, self._process)
        return await self._step("submit", key, lambda: self._inner.submit(key, given))

    async def poll(self, handle: JobHandle) -> Progress:
        return await self._step("poll", handle.key, lambda: self._inner.poll(handle))

    async def results(self, handle: JobHandle, requests: AsyncIterable[Request]) -> AsyncGenerator[Outcome, None]:
        given = _Gated(requests, self._scheduler, self._process)
        async with aclosing(self._inner.results(handle, given)) as outcomes:
            while True:
                await self._scheduler.gate(self._process, f"results {handle.key} before")
                outcome = await anext(outcomes, _END)
                await self._scheduler.gate(self._process, f"results {handle.key} after")
                if not self._realtime and self._chance():
                    raise BackendUnavailable("simulated: the result file could not be read to its end")
                if outcome is _END:
                    return
                yield outcome

    async def cancel(self, handle: JobHandle) -> JobHandle:
        return await self._step("cancel", handle.key, lambda: self._inner.cancel(handle))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        return None

    async def _step(self, verb: str, key: str, perform: Callable[[], Awaitable[_T]]) -> _T:
        await self._scheduler.gate(self._process, f"{verb} {key} before")
        try:
            result = await perform()
        except BackendError:
            await self._scheduler.gate(self._process, f"{verb} {key} after")
            raise
        await self._scheduler.gate(self._process, f"{verb} {key} after")
        if self._chance():
            raise BackendUnavailable(f"simulated: the reply to {verb} was lost")
        return result

    def _chance(self) -> bool:
        return self._weather.backend > 0.0 and self._scheduler.rng.random() < self._weather.backend


@attrs.frozen
class _Gated:
    """Requests that a process hands over one by one, until its death."""

    source: AsyncIterable[Request]
    scheduler: Scheduler
    process: SimProcess

    async def __aiter__(self) -> AsyncIterator[Request]:
        async for request in self.source:
            await self.scheduler.gate(self.process, "request")
            yield request
