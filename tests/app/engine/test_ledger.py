from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import attrs
import pytest

from qwen_dataset.adapters.storage.memory import MemoryStorage
from qwen_dataset.app.codec import FORMAT, Envelope, encode
from qwen_dataset.app.engine.layout import Layout
from qwen_dataset.app.engine.ledger import Ledger
from qwen_dataset.app.engine.patience import PatientStorage
from qwen_dataset.domain.events import (
    Event,
    Exporting,
    Finished,
    Opened,
    PlanWritten,
    RoundFinished,
    RoundOpened,
    RoundWithdrawn,
    Stopped,
)
from qwen_dataset.domain.jobs import Phase
from qwen_dataset.errors import LeaseLost, LedgerCorrupt, StorageUnavailable
from qwen_dataset.testing.crash import LossyStorage

LAYOUT = Layout("job")
PLAN = PlanWritten(requests=2, chunks=1, papers=1, corpus_chunks=1)


@attrs.define
class FakeLease:
    nonce: str
    lost: bool = False

    async def verify(self) -> None:
        if self.lost:
            raise LeaseLost("gone")


def owner(storage: object, nonce: str = "one", *, lost: bool = False) -> Ledger:
    ledger = Ledger(storage, LAYOUT)  # type: ignore[arg-type]
    ledger.own(FakeLease(nonce, lost), lambda: 12.5)  # type: ignore[arg-type]
    return ledger


async def write(storage: MemoryStorage, number: int, event: Event, nonce: str, serial: int = 1) -> None:
    await storage.put(LAYOUT.event(number), encode(Envelope(nonce=nonce, serial=serial, at=1.0, event=event)))


def test_what_is_appended_is_loaded_in_order() -> None:
    async def go() -> None:
        storage = MemoryStorage()
        ledger = owner(storage)
        for event in (Opened(nonce="one", backend="b"), PLAN, RoundOpened(round=1, pending=2)):
            await ledger.append(event)
        heard: list[Event] = []

        async def listen(event: Event) -> None:
            heard.append(event)

        other = Ledger(storage, LAYOUT, listener=listen)
        await other.load()
        assert other.state == ledger.state
        assert other.state.phase is Phase.RUNNING
        assert [type(event).__name__ for event in heard] == ["Opened", "PlanWritten", "RoundOpened"]
        assert other.last_at == 12.5
        assert sorted(storage._objects) == [LAYOUT.event(n) for n in (1, 2, 3)]
        await other.load()
        assert len(heard) == 3

    asyncio.run(go())


def test_the_end_is_when_it_came_to_rest_and_stays_when_somebody_opens_it_again() -> None:
    async def go() -> None:
        storage = MemoryStorage()
        ledger = Ledger(storage, LAYOUT)
        times = iter(range(1, 100))
        ledger.own(FakeLease("one"), lambda: float(next(times)))  # type: ignore[arg-type]
        ended = []
        opened = Opened(nonce="one", backend="b")
        for event in (
            opened,
            PLAN,
            Stopped(reason="a person"),
            opened,
            Exporting(output="o", digest="d"),
            RoundOpened(round=1, pending=0),
            RoundWithdrawn(round=1, because_of="other"),
            RoundOpened(round=1, pending=0),
            RoundFinished(round=1),
            Finished(),
            opened,
            Exporting(output="o", digest="d"),
        ):
            await ledger.append(event)
            ended.append(ledger.ended_at)
        assert ended == [0, 0, 3, 3, 3, 0, 0, 0, 0, 10, 10, 10]
        other = Ledger(storage, LAYOUT)
        await other.load()
        assert (other.first_at, other.ended_at, other.last_at) == (1, 10, 12)

    asyncio.run(go())


def test_the_end_that_a_former_owner_writes_late_does_not_count() -> None:
    async def go() -> None:
        storage = MemoryStorage()
        for number, event in enumerate((Opened(nonce="one", backend="b"), PLAN), start=1):
            await write(storage, number, event, "one", number)
        await write(storage, 3, Opened(nonce="two", backend="b"), "two")
        await write(storage, 4, Stopped(reason="late"), "one")
        ledger = Ledger(storage, LAYOUT)
        await ledger.load()
        assert (ledger.state.phase, ledger.ended_at) == (Phase.PLANNED, 0)

    asyncio.run(go())


def test_an_event_written_twice_by_a_lost_reply_counts_once() -> None:
    async def go() -> None:
        inner = MemoryStorage()
        lost: list[str] = []

        def lose(verb: str, key: str) -> bool:
            lost.append(key)
            return verb == "put" and len(lost) == 2

        async def no_sleep(_: float) -> None:
            return None

        ledger = owner(PatientStorage(LossyStorage(inner, lose), no_sleep))
        await ledger.append(Opened(nonce="one", backend="b"))
        await ledger.append(PLAN)
        await ledger.append(RoundOpened(round=1, pending=2))
        assert len(inner._objects) == 3
        assert ledger.state.round == 1

    asyncio.run(go())


def test_two_equal_events_of_one_writer_are_two_events() -> None:
    async def go() -> None:
        storage = MemoryStorage()
        ledger = owner(storage)
        await ledger.append(Opened(nonce="one", backend="b"))
        await asyncio.gather(*(ledger.append(Exporting(output="o", digest=str(n))) for n in range(5)))
        assert ledger.state.exported == frozenset("01234")
        assert len(storage._objects) == 6

    asyncio.run(go())


def test_another_writers_event_is_a_conflict_and_the_lease_decides() -> None:
    async def go() -> None:
        storage = MemoryStorage()
        ledger = owner(storage, lost=True)
        await ledger.append(Opened(nonce="one", backend="b"))
        await write(storage, 2, Opened(nonce="two", backend="b"), "two")
        with pytest.raises(LeaseLost):
            await ledger.append(PLAN)
        assert len(storage._objects) == 2

    asyncio.run(go())


def test_a_stale_owners_late_event_is_refused_and_ours_follows_it(caplog: pytest.LogCaptureFixture) -> None:
    async def go() -> None:
        storage = MemoryStorage()
        ledger = owner(storage)
        await ledger.append(Opened(nonce="one", backend="b"))
        await write(storage, 2, PLAN, "stale")
        with caplog.at_level(logging.WARNING):
            await ledger.append(attrs.evolve(PLAN, requests=7))
        assert ledger.state.requests == 7
        again = Ledger(storage, LAYOUT)
        await again.load()
        assert again.state == ledger.state

    asyncio.run(go())
    assert "former owner" in caplog.text


def test_an_event_before_any_owner_does_not_count() -> None:
    async def go() -> None:
        storage = MemoryStorage()
        await write(storage, 1, PLAN, "nobody")
        ledger = Ledger(storage, LAYOUT)
        await ledger.load()
        assert ledger.state.phase is Phase.NEW

    asyncio.run(go())


def test_an_event_that_cannot_follow_is_not_written() -> None:
    async def go() -> None:
        storage = MemoryStorage()
        ledger = owner(storage)
        await ledger.append(Opened(nonce="one", backend="b"))
        with pytest.raises(LedgerCorrupt, match="RoundOpened cannot follow"):
            await ledger.append(RoundOpened(round=1, pending=1))
        assert len(storage._objects) == 1
        await ledger.append(PLAN)
        assert len(storage._objects) == 2

    asyncio.run(go())


def test_a_missing_event_is_named() -> None:
    async def go() -> None:
        storage = MemoryStorage()
        await write(storage, 1, Opened(nonce="one", backend="b"), "one")
        await write(storage, 3, PLAN, "one", 3)
        with pytest.raises(LedgerCorrupt, match="job/events/000000000002.json is missing; restore it"):
            await Ledger(storage, LAYOUT).load()

    asyncio.run(go())


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"nonce": 1}', b'{"nonce":"a","serial":1,"at":1,"event":{}}'])
def test_a_damaged_event_is_named(data: bytes) -> None:
    async def go() -> None:
        storage = MemoryStorage()
        await storage.put(LAYOUT.event(1), data)
        with pytest.raises(LedgerCorrupt, match="job/events/000000000001.json cannot be read"):
            await Ledger(storage, LAYOUT).load()

    asyncio.run(go())


def test_a_newer_format_is_not_guessed() -> None:
    async def go() -> None:
        storage = MemoryStorage()
        newer = Envelope(nonce="a", serial=1, at=1.0, event=Opened(nonce="a", backend="b"), format=FORMAT + 1)
        await storage.put(LAYOUT.event(1), encode(newer))
        with pytest.raises(LedgerCorrupt, match="newer version"):
            await Ledger(storage, LAYOUT).load()

    asyncio.run(go())


def test_a_storage_that_stays_away_is_an_error_after_the_last_try() -> None:
    async def go() -> None:
        waits: list[float] = []

        async def sleep(seconds: float) -> None:
            waits.append(seconds)

        away = LossyStorage(MemoryStorage(), lambda *_: False, lambda *_: True)
        patient = PatientStorage(away, sleep, attempts=4)
        for ask in (patient.get("a"), patient.put("a", b""), patient.delete("a")):
            with pytest.raises(StorageUnavailable):
                await ask
        with pytest.raises(StorageUnavailable):
            assert [key async for key in patient.keys()]
        assert waits == [0.5, 1.0, 2.0] * 4

    asyncio.run(go())


@pytest.mark.parametrize("minutes", [30, 90])
def test_a_storage_that_has_answered_may_be_away_for_an_hour(minutes: int) -> None:
    async def go() -> list[bytes]:
        now, away_until, found = 0.0, 0.0, []

        async def sleep(seconds: float) -> None:
            nonlocal now
            now += seconds

        storage = LossyStorage(MemoryStorage(), lambda *_: False, lambda *_: now < away_until)
        patient = PatientStorage(storage, sleep)
        await patient.put("a", b"1")
        for ask in (lambda: patient.get("a"), lambda: _first(patient.keys())):
            away_until = now + minutes * 60
            found.append(await ask())
        return found

    async def _first(keys: AsyncIterator[str]) -> str:
        return await anext(keys)

    if minutes > 60:
        with pytest.raises(StorageUnavailable):
            asyncio.run(go())
    else:
        assert asyncio.run(go()) == [b"1", "a"]
