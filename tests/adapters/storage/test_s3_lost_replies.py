"""Written, but the reply was lost: something between us and a real S3 server swallows answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import attrs
import pytest

from qwen_dataset.adapters.storage import _s3_client
from qwen_dataset.adapters.storage.s3 import S3Storage, from_url
from qwen_dataset.app.codec import Envelope, decode
from qwen_dataset.app.engine.layout import Layout
from qwen_dataset.app.engine.ledger import Ledger
from qwen_dataset.app.engine.patience import PatientStorage
from qwen_dataset.domain.events import Opened, PlanWritten, RoundOpened
from qwen_dataset.errors import KeyExists, KeyNotFound, StorageUnavailable
from tests.loopback import Asked, Loopback, relay
from tests.s3 import S3Server, server

LAYOUT = Layout("job")
EVENTS = (
    Opened(nonce="one", backend="b"),
    PlanWritten(requests=2, chunks=1, papers=1, corpus_chunks=1),
    RoundOpened(round=1, pending=2),
)


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> S3Server:
    running = server()
    for name, value in running.environment.items():
        monkeypatch.setenv(name, value)
    return running


@pytest.fixture
def once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client repeats nothing by itself."""
    monkeypatch.setattr(_s3_client, "REPEATS", 0)


def is_trial(asked: Asked) -> bool:
    """Whether a request belongs to the trial before the first create."""
    return "/.tmp-" in asked.target


def the_nth(
    number: int, method: str = "PUT", *, among: Callable[[Asked], bool] = lambda asked: not is_trial(asked)
) -> Callable[[Asked], bool]:
    """Say of a request whether it is this one of its kind; counted from 1."""
    seen = 0

    def loses(asked: Asked) -> bool:
        nonlocal seen
        counts = asked.method == method and among(asked)
        seen += counts
        return counts and seen == number

    return loses


@contextmanager
def lossy(s3: S3Server, loses: Callable[[Asked], bool]) -> Iterator[tuple[S3Storage, S3Storage, Loopback]]:
    """Give a storage that loses replies, the same one without losses, and what is between."""
    location = s3.location()
    with relay(s3.port, loses) as between:
        storage = from_url(location, s3.parameters(endpoint=between.endpoint))
        yield storage, from_url(location, s3.parameters()), between


@attrs.define
class FakeLease:
    nonce: str

    async def verify(self) -> None: ...


async def no_sleep(_: float) -> None: ...


def test_without_losses_nothing_is_in_the_way(s3: S3Server) -> None:
    async def check(storage: S3Storage) -> None:
        await storage.put("a", b"1", if_absent=True)
        assert await storage.get("a") == b"1"
        with pytest.raises(KeyExists):
            await storage.put("a", b"2", if_absent=True)
        with pytest.raises(KeyNotFound):
            await storage.get("b")
        assert [key async for key in storage.keys()] == ["a"]
        await storage.delete("a")

    with lossy(s3, lambda _: False) as (storage, _, between):
        asyncio.run(check(storage))
        assert len(between.asked) >= 6


@pytest.mark.usefixtures("once")
@pytest.mark.parametrize("if_absent", [False, True])
def test_a_write_whose_reply_was_lost_is_unavailable_and_was_done(s3: S3Server, if_absent: bool) -> None:
    with lossy(s3, the_nth(1)) as (storage, direct, _):
        with pytest.raises(StorageUnavailable):
            asyncio.run(storage.put("a", b"1", if_absent=if_absent))
        assert asyncio.run(direct.get("a")) == b"1"


def test_the_clients_own_repetition_of_a_create_may_meet_its_own_write(s3: S3Server) -> None:
    """KeyExists for an object that is ours: allowed by the port, and no reason to say that another one won."""
    with lossy(s3, the_nth(1)) as (storage, direct, between):
        with pytest.raises(KeyExists):
            asyncio.run(storage.put("a", b"1", if_absent=True))
        assert asyncio.run(direct.get("a")) == b"1"
        assert sum(not is_trial(asked) for asked in between.asked) == 2


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
@pytest.mark.parametrize("number", [1, 2])
def test_a_trial_whose_reply_was_lost_and_repeated_finds_the_same(
    s3: S3Server, caplog: pytest.LogCaptureFixture, method: str, number: int
) -> None:
    with lossy(s3, the_nth(number, method, among=is_trial)) as (storage, direct, _):
        asyncio.run(storage.put("a", b"1", if_absent=True))
        with pytest.raises(KeyExists):
            asyncio.run(storage.put("a", b"2", if_absent=True))
        assert not storage.is_advisory
        assert asyncio.run(direct.get("a")) == b"1"
    assert not caplog.records


@pytest.mark.usefixtures("once")
@pytest.mark.parametrize("number", [1, 2])
def test_a_trial_that_gets_no_reply_creates_nothing_and_is_made_again(s3: S3Server, number: int) -> None:
    with lossy(s3, the_nth(number, among=is_trial)) as (storage, direct, between):
        with pytest.raises(StorageUnavailable):
            asyncio.run(storage.put("a", b"1", if_absent=True))
        with pytest.raises(KeyNotFound):
            asyncio.run(direct.get("a"))
        asyncio.run(storage.put("a", b"1", if_absent=True))
        made = len(between.asked)
        asyncio.run(storage.put("b", b"1", if_absent=True))
        assert len(between.asked) == made + 1
        assert not storage.is_advisory


def test_a_trial_that_cannot_be_taken_away_is_no_error(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_s3_client, "REPEATS", 0)
    with lossy(s3, the_nth(1, "DELETE", among=is_trial)) as (storage, direct, _):
        asyncio.run(storage.put("a", b"1", if_absent=True))
        assert asyncio.run(direct.get("a")) == b"1"


def test_a_read_or_delete_whose_reply_was_lost_is_repeated(s3: S3Server) -> None:
    async def check(storage: S3Storage) -> None:
        await storage.put("a", b"1")
        assert await storage.get("a") == b"1"
        await storage.delete("a")
        with pytest.raises(KeyNotFound):
            await storage.get("a")

    lost: list[str] = []

    def loses(asked: Asked) -> bool:
        first = asked.method in {"GET", "DELETE"} and asked.method not in lost
        lost.extend([asked.method] if first else [])
        return first

    with lossy(s3, loses) as (storage, _, _between):
        asyncio.run(check(storage))
    assert sorted(lost) == ["DELETE", "GET"]


@pytest.mark.usefixtures("once")
def test_a_large_create_whose_last_reply_was_lost_is_ours_when_asked_again(s3: S3Server) -> None:
    """The copy to the final name is what counts; asked again it meets itself."""
    whole = b"x" * (9 << 20)

    class Source:
        def __aiter__(self):
            return self._pieces()

        async def _pieces(self):
            yield whole

    def loses(asked: Asked) -> bool:
        done = "x-amz-copy-source" in asked.headers and not is_trial(asked) and not lost
        lost.extend([asked.target] if done else [])
        return done

    lost: list[str] = []
    with lossy(s3, loses) as (storage, direct, _):
        with pytest.raises(StorageUnavailable):
            asyncio.run(storage.put("large", Source(), if_absent=True))
        assert asyncio.run(direct.get("large")) == whole
        with pytest.raises(KeyExists):
            asyncio.run(storage.put("large", Source(), if_absent=True))


@pytest.mark.parametrize("repeats", [0, 3])
@pytest.mark.parametrize("number", [1, 2, 3])
def test_the_ledger_goes_on_and_nothing_is_doubled(
    s3: S3Server, monkeypatch: pytest.MonkeyPatch, repeats: int, number: int
) -> None:
    monkeypatch.setattr(_s3_client, "REPEATS", repeats)

    async def check(storage: S3Storage, direct: S3Storage) -> None:
        ledger = Ledger(PatientStorage(storage, no_sleep), LAYOUT)
        ledger.own(FakeLease("one"), lambda: 12.5)  # type: ignore[arg-type]
        for event in EVENTS:
            await ledger.append(event)
        keys = [key async for key in direct.keys()]
        assert keys == [LAYOUT.event(each) for each in (1, 2, 3)]
        stored = [decode(Envelope, await direct.get(key), where=key).event for key in keys]
        assert stored == list(EVENTS)
        again = Ledger(direct, LAYOUT)
        await again.load()
        assert again.state == ledger.state

    with lossy(s3, the_nth(number)) as (storage, direct, between):
        asyncio.run(check(storage, direct))
        puts = [asked for asked in between.asked if asked.method == "PUT"]
        assert [is_trial(asked) for asked in puts] == [True] * 2 + [False] * (len(EVENTS) + 1)


def test_the_ledger_of_a_service_without_conditional_creates_goes_on_as_well(s3: S3Server) -> None:
    location = s3.location()

    async def check(storage: S3Storage) -> None:
        ledger = Ledger(PatientStorage(storage, no_sleep), LAYOUT)
        ledger.own(FakeLease("one"), lambda: 12.5)  # type: ignore[arg-type]
        for event in EVENTS:
            await ledger.append(event)
        assert [key async for key in storage.keys()] == [LAYOUT.event(each) for each in (1, 2, 3)]

    with relay(s3.port, the_nth(2)) as between:
        asyncio.run(check(from_url(location, s3.parameters(endpoint=between.endpoint, create="advisory"))))
