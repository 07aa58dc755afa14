"""The crash injector: it counts, it kills where it was told, and the dead do nothing any more."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable
from typing import Self

import pytest

from qwen_dataset.adapters.storage.memory import MemoryStorage
from qwen_dataset.domain.inference import Completion, Message, Outcome, Request
from qwen_dataset.errors import KeyExists, KeyNotFound, StorageUnavailable
from qwen_dataset.ports.inference import InferenceBackend, JobHandle, Limits, Progress
from qwen_dataset.ports.storage import Storage
from qwen_dataset.testing.crash import (
    CrashingBackend,
    CrashingStorage,
    CrashPlan,
    CrashSwitch,
    LossyStorage,
    SimulatedCrash,
)

REQUESTS = [Request(messages=(Message("user", str(number)),), model="m") for number in range(4)]
HANDLE = JobHandle(backend="spy", key="k", token="t")


class SpyBackend:
    """Answers at once; writes down what it was asked. ``started`` are the calls that a realtime service bills."""

    def __init__(self, gate: asyncio.Event | None = None) -> None:
        self.calls: list[str] = []
        self.started: list[str] = []
        self.begun = asyncio.Event()
        self.gate = gate

    limits = Limits()
    realm = "spy"

    async def submit(self, key: str, requests: AsyncIterable[Request]) -> JobHandle:
        # Twice: the port permits it.
        ids = [[request.id async for request in requests] for _ in range(2)]
        assert ids[0] == ids[1]
        self.calls.append(f"submit {key} {len(ids[0])}")
        return HANDLE

    async def poll(self, handle: JobHandle) -> Progress:
        self.calls.append("poll")
        return Progress(ready=True)

    async def results(self, handle: JobHandle, requests: AsyncIterable[Request]) -> AsyncGenerator[Outcome, None]:
        try:
            async for request in requests:
                self.started.append(request.id)
                self.begun.set()
                if self.gate is not None:
                    await self.gate.wait()
                yield Completion(request_id=request.id, text="x")
        finally:
            self.calls.append("results closed")

    async def cancel(self, handle: JobHandle) -> JobHandle:
        self.calls.append("cancel")
        return handle

    async def __aenter__(self) -> Self:
        self.calls.append("enter")
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.calls.append("exit")


class Requests:
    """An iterable that may be iterated again."""

    async def __aiter__(self) -> AsyncIterator[Request]:
        for request in REQUESTS:
            yield request


async def program(storage: Storage, backend: InferenceBackend) -> None:
    """A small program that uses every verb of both ports."""
    async with backend:
        await storage.put("jobs/plan", b"plan")
        handle = await backend.submit("k", Requests())
        await storage.put("jobs/handle", handle.key.encode(), if_absent=True)
        await backend.poll(handle)
        number = 0
        async with contextlib.aclosing(backend.results(handle, Requests())) as outcomes:
            async for outcome in outcomes:
                number += 1
                await storage.put(f"out/{number}", outcome.request_id.encode())
        handle = await backend.cancel(handle)
        await storage.put("copy", storage.stream("out/1"))
        keys = [key async for key in storage.keys("out")]
        await storage.delete(keys[0])
        await storage.get(keys[1])


def _run(plan: CrashPlan | None) -> tuple[CrashSwitch, MemoryStorage, SpyBackend]:
    switch, storage, backend = CrashSwitch(plan), MemoryStorage(), SpyBackend()
    with contextlib.suppress(SimulatedCrash):
        asyncio.run(program(CrashingStorage(storage, switch), CrashingBackend(backend, switch)))
    return switch, storage, backend


def _stored(storage: MemoryStorage) -> list[str]:
    async def listed() -> list[str]:
        return [key async for key in storage.keys("")]

    return asyncio.run(listed())


STEPS = [
    "storage.put jobs/plan",
    "backend.submit k",
    "storage.put jobs/handle",
    "backend.poll k",
    *(step for number in range(1, 5) for step in ("backend.results k", f"storage.put out/{number}")),
    "backend.results k",
    "backend.cancel k",
    "storage.put copy",
    *["storage.stream out/1"] * 2,
    *["storage.keys out"] * 5,
    "storage.delete out/1",
    "storage.get out/2",
]


def test_a_run_without_a_plan_does_everything_and_counts_the_steps() -> None:
    switch, storage, backend = _run(None)
    assert [line.removesuffix(" before") for line in switch.log if line.endswith(" before")] == STEPS
    assert switch.steps == len(STEPS)
    assert len(switch.log) == 2 * len(STEPS)
    assert not switch.dead
    assert _stored(storage) == ["copy", "jobs/handle", "jobs/plan", "out/2", "out/3", "out/4"]
    assert backend.calls == ["enter", "submit k 4", "poll", "results closed", "cancel", "exit"]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("at", range(1, len(STEPS) + 1))
def test_a_crash_comes_exactly_where_it_was_planned(at: int, when: str) -> None:
    switch, storage, backend = _run(CrashPlan(at, when))  # type: ignore[arg-type]
    assert switch.dead
    assert switch.log[-1] == f"{STEPS[at - 1]} {when}"
    # A stream that is read by a put is inside the put: the put has begun, and is not performed.
    performed = STEPS[: at - 1] + [STEPS[at - 1]] * (when == "after")
    inside = STEPS.index("storage.put copy")
    if inside + 1 < at <= inside + 3:
        performed.remove("storage.put copy")
    if at == inside + 1 and when == "after":
        performed = STEPS[: inside + 3]
    expected = [name.removeprefix("storage.put ") for name in performed if name.startswith("storage.put ")]
    if "storage.delete out/1" in performed:
        expected.remove("out/1")
    assert _stored(storage) == sorted(expected)
    assert ("submit k 4" in backend.calls) == ("backend.submit k" in performed)
    assert ("cancel" in backend.calls) == ("backend.cancel k" in performed)
    assert len(backend.started) == min(4, performed.count("backend.results k"))
    assert backend.calls[-1] == "exit", "the service's side is closed for the test"


def test_an_error_that_answers_a_step_counts_as_performed() -> None:
    async def check() -> None:
        inner = MemoryStorage()
        await inner.put("a", b"old")
        alive = CrashSwitch()
        with pytest.raises(KeyExists):
            await CrashingStorage(inner, alive).put("a", b"new", if_absent=True)
        assert alive.log == ["storage.put a before", "storage.put a after"]
        with pytest.raises(SimulatedCrash, match=r"killed at step 1: storage\.put a after"):
            await CrashingStorage(inner, CrashSwitch(CrashPlan(1, "after"))).put("a", b"new", if_absent=True)

    asyncio.run(check())


def test_after_the_crash_every_call_raises_at_once_and_does_nothing() -> None:
    async def check() -> None:
        inner, spy = MemoryStorage(), SpyBackend()
        await inner.put("old", b"1")
        switch = CrashSwitch(CrashPlan(1, "before"))
        storage, backend = CrashingStorage(inner, switch), CrashingBackend(spy, switch)
        with pytest.raises(SimulatedCrash):
            await storage.get("old")
        calls: list[Callable[[], object]] = [
            lambda: storage.get("old"),
            lambda: storage.put("new", b"x"),
            lambda: storage.put("new", _pieces(), if_absent=True),
            lambda: storage.delete("old"),
            storage.keys,
            lambda: storage.stream("old"),
            lambda: backend.submit("k", Requests()),
            lambda: backend.poll(HANDLE),
            lambda: backend.results(HANDLE, Requests()),
            lambda: backend.cancel(HANDLE),
            backend.__aenter__,
        ]

        async def made(call: Callable[[], object]) -> None:
            answer = call()
            assert isinstance(answer, Awaitable)
            await answer

        for call in calls:
            with pytest.raises(SimulatedCrash):
                await made(call)
        assert [key async for key in inner.keys("")] == ["old"]
        assert spy.calls == []
        assert switch.steps == 1
        assert (backend.realm, backend.limits) == ("spy", Limits())

    asyncio.run(check())


async def _pieces() -> AsyncIterator[bytes]:
    yield b"x"


def test_a_program_cannot_tidy_up_after_its_death() -> None:
    async def tidy(storage: Storage) -> None:
        try:
            await storage.put("lease", b"mine")
            await storage.put("work", b"x")
        except Exception:  # noqa: BLE001 - what a careless program does
            handled.append(storage)
        finally:
            await storage.delete("lease")

    handled: list[Storage] = []
    inner = MemoryStorage()
    with pytest.raises(SimulatedCrash):
        asyncio.run(tidy(CrashingStorage(inner, CrashSwitch(CrashPlan(2, "after")))))
    assert _stored(inner) == ["lease", "work"]
    assert handled == []


def test_a_crash_elsewhere_closes_open_results_before_it_is_even_felt() -> None:
    """A realtime backend would go on spending while the dead program unwinds."""

    async def check() -> None:
        spy, switch = SpyBackend(), CrashSwitch(CrashPlan(2, "before"))
        storage, backend = CrashingStorage(MemoryStorage(), switch), CrashingBackend(spy, switch)
        outcomes = backend.results(HANDLE, Requests())
        await anext(outcomes)
        with pytest.raises(SimulatedCrash):
            await storage.put("a", b"x")
        assert spy.calls == ["results closed"]
        assert len(spy.started) == 1
        with pytest.raises(SimulatedCrash):
            await anext(outcomes)

    asyncio.run(check())


def test_a_reply_that_comes_after_the_crash_reaches_nobody_and_no_further_request_is_taken() -> None:
    async def check() -> None:
        gate = asyncio.Event()
        spy, switch = SpyBackend(gate), CrashSwitch(CrashPlan(2, "after"))
        storage, backend = CrashingStorage(MemoryStorage(), switch), CrashingBackend(spy, switch)
        got: list[Outcome] = []

        async def collect() -> None:
            got.extend([outcome async for outcome in backend.results(HANDLE, Requests())])

        collecting = asyncio.create_task(collect())
        await spy.begun.wait()
        # The call is in flight, so its generator cannot be closed from here.
        with pytest.raises(SimulatedCrash):
            await storage.put("a", b"x")
        gate.set()
        with pytest.raises(SimulatedCrash):
            await collecting
        assert got == []
        assert len(spy.started) == 1
        assert spy.calls == ["results closed"]
        assert switch.log[-1] == "storage.put a after"

    asyncio.run(check())


def test_a_write_under_way_takes_no_data_from_a_dead_program() -> None:
    async def check() -> None:
        switch, inner = CrashSwitch(CrashPlan(2, "before")), MemoryStorage()
        storage = CrashingStorage(inner, switch)

        async def dying() -> AsyncIterator[bytes]:
            yield b"1"
            with contextlib.suppress(SimulatedCrash):
                await storage.get("anything")
            yield b"2"

        with pytest.raises(SimulatedCrash):
            await storage.put("a", dying())
        assert [key async for key in inner.keys("")] == []

    asyncio.run(check())


def test_a_listing_given_up_early_is_closed_and_one_that_is_no_generator_is_listed_too() -> None:
    class Listing:
        def __init__(self) -> None:
            self.left = ["a", "b"]

        def __aiter__(self) -> Listing:
            return self

        async def __anext__(self) -> str:
            if not self.left:
                raise StopAsyncIteration
            return self.left.pop(0)

    class Odd(MemoryStorage):
        def keys(self, prefix: str = "") -> AsyncIterator[str]:
            return Listing()

    async def check() -> None:
        assert [key async for key in CrashingStorage(Odd(), CrashSwitch()).keys("")] == ["a", "b"]
        closed = []

        class Watched(MemoryStorage):
            async def keys(self, prefix: str = "") -> AsyncIterator[str]:
                try:
                    yield "a"
                finally:
                    closed.append(prefix)

        listing = CrashingStorage(Watched(), CrashSwitch()).keys("p")
        assert isinstance(listing, AsyncGenerator)
        await anext(listing)
        await listing.aclose()
        assert closed == ["p"]

    asyncio.run(check())


def test_in_a_task_group_the_switch_tells_that_the_crash_came() -> None:
    async def check(switch: CrashSwitch) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(CrashingStorage(MemoryStorage(), switch).put("a", b"x"))

    switch = CrashSwitch(CrashPlan(1, "before"))
    with pytest.raises(BaseExceptionGroup) as caught:
        asyncio.run(check(switch))
    assert caught.value.subgroup(SimulatedCrash) is not None
    assert switch.dead


@pytest.mark.parametrize(("at", "when"), [(0, "before"), (-1, "after"), (1, "during")])
def test_a_plan_that_can_never_come_is_refused(at: int, when: str) -> None:
    with pytest.raises(ValueError, match=r"'at'|'when'"):
        CrashPlan(at, when)  # type: ignore[arg-type]


# ---- lost replies --------------------------------------------------------------------------------------------------


def test_a_lost_reply_is_performed_and_a_dropped_call_is_not() -> None:
    async def check() -> None:
        inner = MemoryStorage()
        await inner.put("old", b"1")
        losing = LossyStorage(inner, lambda verb, key: verb in {"put", "delete"})
        dropping = LossyStorage(inner, lambda verb, key: False, lambda verb, key: verb in {"put", "delete"})
        with pytest.raises(StorageUnavailable, match="reply to put 'a' was lost"):
            await losing.put("a", b"x", if_absent=True)
        with pytest.raises(StorageUnavailable, match="put 'b' never arrived"):
            await dropping.put("b", b"x")
        with pytest.raises(StorageUnavailable):
            await dropping.delete("old")
        assert [key async for key in dropping.keys("")] == ["a", "old"]
        with pytest.raises(StorageUnavailable):
            await losing.delete("old")
        assert [key async for key in losing.keys("")] == ["a"]
        assert await losing.get("a") == b"x"
        assert [piece async for piece in losing.stream("a")] == [b"x"]

    asyncio.run(check())


def test_a_lost_refusal_is_lost_as_well_and_a_kept_one_comes_through() -> None:
    async def check() -> None:
        inner = MemoryStorage()
        await inner.put("a", b"1")
        with pytest.raises(StorageUnavailable):
            await LossyStorage(inner, lambda verb, key: True).put("a", b"2", if_absent=True)
        with pytest.raises(KeyExists):
            await LossyStorage(inner, lambda verb, key: False).put("a", b"2", if_absent=True)
        with pytest.raises(KeyNotFound):
            await LossyStorage(inner, lambda verb, key: False).get("b")
        assert await inner.get("a") == b"1"

    asyncio.run(check())


def test_reads_and_listings_can_be_lost_too() -> None:
    async def check() -> None:
        asked = []

        def lose(verb: str, key: str) -> bool:
            asked.append((verb, key))
            return True

        storage = LossyStorage(MemoryStorage(), lose)
        for call in (
            lambda: storage.get("a"),
            lambda: anext(storage.stream("b")),
            lambda: anext(storage.keys("c")),
        ):
            with pytest.raises(StorageUnavailable):
                await call()
        assert asked == [("get", "a"), ("stream", "b"), ("keys", "c")]

    asyncio.run(check())


def test_the_same_seed_loses_the_same_replies() -> None:
    async def outcome(seed: int) -> list[bool]:
        rng = random.Random(seed)
        storage = LossyStorage(MemoryStorage(), lambda verb, key: rng.random() < 0.5)
        lost = []
        for number in range(40):
            try:
                await storage.put(str(number), b"")
                lost.append(False)
            except StorageUnavailable:
                lost.append(True)
        return lost

    first, again, other = (asyncio.run(outcome(seed)) for seed in (1, 1, 2))
    assert first == again != other
    assert 5 < sum(first) < 35
