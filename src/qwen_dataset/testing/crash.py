"""A program killed before or after any awaited step of its ports; and a storage whose replies get lost. Public API.

Run the program once with ``CrashSwitch()`` around both ports to learn ``switch.steps``, then once for each step and
each side of it, and run it again after each crash on the same inner storage and backend::

    switch = CrashSwitch(CrashPlan(at=17, when="after"))
    with contextlib.suppress(SimulatedCrash):
        asyncio.run(program(CrashingStorage(storage, switch), CrashingBackend(backend, switch)))
    asyncio.run(program(storage, backend))

Inside a task group the crash arrives in a ``BaseExceptionGroup``, as any exception does; ``switch.dead`` says that it
came.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable
from types import TracebackType
from typing import Any, Literal, Self, TypeVar

import attrs

from ..domain.inference import AnyRequest, Outcome, Request
from ..errors import StorageError, StorageUnavailable
from ..ports.inference import GivesWritten, InferenceBackend, JobHandle, KnowsIds, Limits, Progress
from ..ports.storage import Storage

_T = TypeVar("_T")
_END: Any = object()


class SimulatedCrash(BaseException):
    """The process was killed here. Not an ``Exception``: a program must not be able to handle its own death."""


@attrs.frozen
class CrashPlan:
    """Crash at step number ``at`` (the first is 1), before it is performed or after, when its reply never arrives."""

    at: int = attrs.field(validator=attrs.validators.ge(1))
    when: Literal["before", "after"] = attrs.field(validator=attrs.validators.in_(("before", "after")))


class CrashSwitch:
    """Counts the steps of everything wrapped with it, and kills at the planned one.

    A step is each await of get, put, delete, submit, poll and cancel, and each item asked of keys, stream and results
    (also the ask that finds the end). Opening and closing a backend are none.

    - ``steps``: how many were begun. After a run without a crash, the plans worth trying are 1 to ``steps``.
    - ``log``: one line as each step begins (``storage.put jobs/x/spec.json before``) and one when it was performed
      (``... after``), also when its answer was an error. After a crash the last line is where it happened.
    - ``dead``: the crash has come. From then on every call through the wrappers raises ``SimulatedCrash`` at once, so
      a ``finally:`` cannot do what a killed process could not.
    """

    def __init__(self, plan: CrashPlan | None = None) -> None:
        self.steps = 0
        self.log: list[str] = []
        self.dead = False
        self._plan = plan
        self._open: set[AsyncGenerator[Any, None]] = set()

    def check(self) -> None:
        """Raise ``SimulatedCrash`` if the crash has come."""
        if self.dead:
            raise SimulatedCrash("the process was killed before this call")

    async def step(self, name: str, perform: Callable[[], Awaitable[_T]]) -> _T:
        """Perform one step, or crash at it."""
        self.check()
        self.steps += 1
        number = self.steps
        await self._reached(number, name, "before")
        try:
            result = await perform()
        except Exception:
            # An answer as well: KeyExists says that the step was performed.
            await self._reached(number, name, "after")
            raise
        await self._reached(number, name, "after")
        return result

    async def items(self, name: str, inner: AsyncGenerator[_T, None]) -> AsyncGenerator[_T, None]:
        """Yield from ``inner``, each ask being a step. ``inner`` is closed with the crash, wherever that happens."""
        self._open.add(inner)
        try:
            while (item := await self.step(name, lambda: anext(inner, _END))) is not _END:
                yield item
        finally:
            self._open.discard(inner)
            await inner.aclose()

    async def guarded(self, source: AsyncIterable[_T]) -> AsyncGenerator[_T, None]:
        """Yield from what the program gives to a port, until its death: no inner call may go on reading after it."""
        async for item in source:
            self.check()
            yield item

    async def _reached(self, number: int, name: str, when: str) -> None:
        # Dead: another task was killed while this step was under way, so nobody is there to take its reply.
        self.check()
        self.log.append(f"{name} {when}")
        if self._plan is None or (number, when) != (self._plan.at, self._plan.when):
            return
        self.dead = True
        for generator in list(self._open):
            # One that another task is waiting in cannot be closed from here; it ends when that task gets its turn.
            with contextlib.suppress(RuntimeError):
                await generator.aclose()
        raise SimulatedCrash(f"killed at step {number}: {name} {when}")


class CrashingStorage:
    """A storage whose every step may be the program's last. The inner one keeps what was stored."""

    def __init__(self, storage: Storage, switch: CrashSwitch) -> None:
        self._inner = storage
        self._switch = switch

    async def get(self, key: str) -> bytes:
        return await self._switch.step(f"storage.get {key}", lambda: self._inner.get(key))

    def stream(self, key: str) -> AsyncGenerator[bytes, None]:
        self._switch.check()
        return self._switch.items(f"storage.stream {key}", self._inner.stream(key))

    async def put(self, key: str, data: bytes | AsyncIterable[bytes], *, if_absent: bool = False) -> None:
        guarded = self._switch.guarded(data) if isinstance(data, AsyncIterable) else data
        await self._switch.step(f"storage.put {key}", lambda: self._inner.put(key, guarded, if_absent=if_absent))

    def keys(self, prefix: str = "") -> AsyncIterator[str]:
        self._switch.check()
        return self._switch.items(f"storage.keys {prefix}".rstrip(), _generator(self._inner.keys(prefix)))

    async def delete(self, key: str) -> None:
        await self._switch.step(f"storage.delete {key}", lambda: self._inner.delete(key))


class CrashingBackend:
    """A backend whose every step may be the program's last. The inner one stands for the service, which lives on.

    With a realtime backend the calls in flight die with the program: the inner generator is closed, and no request is
    taken from the program any more. Leaving the context closes the inner backend also after a crash, as the system
    closes the sockets of a killed process.
    """

    def __init__(self, backend: InferenceBackend, switch: CrashSwitch) -> None:
        self._inner = backend
        self._switch = switch

    @property
    def limits(self) -> Limits:
        return self._inner.limits

    @property
    def realm(self) -> str:
        return self._inner.realm

    async def submit(self, key: str, requests: AsyncIterable[Request]) -> JobHandle:
        guarded = _repeatable(requests, self._switch)
        return await self._switch.step(f"backend.submit {key}", lambda: self._inner.submit(key, guarded))

    async def poll(self, handle: JobHandle) -> Progress:
        return await self._switch.step(f"backend.poll {handle.key}", lambda: self._inner.poll(handle))

    def results(self, handle: JobHandle, requests: AsyncIterable[Request]) -> AsyncGenerator[Outcome, None]:
        self._switch.check()
        inner = self._inner.results(handle, _repeatable(requests, self._switch))
        return self._switch.items(f"backend.results {handle.key}", inner)

    async def cancel(self, handle: JobHandle) -> JobHandle:
        return await self._switch.step(f"backend.cancel {handle.key}", lambda: self._inner.cancel(handle))

    async def __aenter__(self) -> Self:
        self._switch.check()
        await self._inner.__aenter__()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._inner.__aexit__(exc_type, exc, traceback)


class LossyStorage:
    """A storage whose calls sometimes get no reply: ``StorageUnavailable``.

    ``should_lose(verb, key)`` True: the call is performed and its reply, good or bad, is lost; the caller cannot know
    that. ``should_drop(verb, key)`` True: it never arrives and is not performed. Verbs are ``get``, ``stream``,
    ``put``, ``keys`` (with the prefix as key) and ``delete``. Both are asked once for each call, ``should_drop``
    first, so ``lambda verb, key: rng.random() < 0.1`` is repeatable with a seeded ``rng``.
    """

    def __init__(
        self,
        storage: Storage,
        should_lose: Callable[[str, str], bool],
        should_drop: Callable[[str, str], bool] | None = None,
    ) -> None:
        self._inner = storage
        self._should_lose = should_lose
        self._should_drop = should_drop

    async def get(self, key: str) -> bytes:
        return await self._call("get", key, lambda: self._inner.get(key))

    async def stream(self, key: str) -> AsyncGenerator[bytes, None]:
        await self._call("stream", key, _nothing)
        async with contextlib.aclosing(self._inner.stream(key)) as pieces:
            async for piece in pieces:
                yield piece

    async def put(self, key: str, data: bytes | AsyncIterable[bytes], *, if_absent: bool = False) -> None:
        await self._call("put", key, lambda: self._inner.put(key, data, if_absent=if_absent))

    async def keys(self, prefix: str = "") -> AsyncIterator[str]:
        await self._call("keys", prefix, _nothing)
        async for key in self._inner.keys(prefix):
            yield key

    async def delete(self, key: str) -> None:
        await self._call("delete", key, lambda: self._inner.delete(key))

    async def _call(self, verb: str, key: str, perform: Callable[[], Awaitable[_T]]) -> _T:
        if self._should_drop is not None and self._should_drop(verb, key):
            raise StorageUnavailable(f"simulated: {verb} {key!r} never arrived")
        lose = self._should_lose(verb, key)
        try:
            result = await perform()
        except StorageError as error:
            if not lose:
                raise
            raise StorageUnavailable(f"simulated: the reply to {verb} {key!r} was lost") from error
        if lose:
            raise StorageUnavailable(f"simulated: the reply to {verb} {key!r} was lost")
        return result


class _Repeatable:
    """Requests that stop with the program, and may be iterated again where the original may."""

    def __init__(self, source: AsyncIterable[Request], switch: CrashSwitch) -> None:
        self._source = source
        self._switch = switch

    def __aiter__(self) -> AsyncIterator[Request]:
        return self._switch.guarded(self._source)


class _Stored(_Repeatable):
    """The same of requests that give their ids, and themselves as they are stored: as a job's do."""

    def ids(self) -> AsyncGenerator[str, None]:
        assert isinstance(self._source, KnowsIds)
        return self._switch.guarded(self._source.ids())

    def written(self) -> AsyncGenerator[AnyRequest, None]:
        assert isinstance(self._source, GivesWritten)
        return self._switch.guarded(self._source.written())


def _repeatable(source: AsyncIterable[Request], switch: CrashSwitch) -> _Repeatable:
    is_stored = isinstance(source, KnowsIds) and isinstance(source, GivesWritten)
    return _Stored(source, switch) if is_stored else _Repeatable(source, switch)


async def _generator(source: AsyncIterator[_T]) -> AsyncGenerator[_T, None]:
    try:
        async for item in source:
            yield item
    finally:
        # The port promises an iterator; most adapters return a generator, which may hold a folder open.
        if isinstance(source, AsyncGenerator):
            await source.aclose()


async def _nothing() -> None:
    return None
