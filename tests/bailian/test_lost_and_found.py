"""A create whose reply is lost, and on top of it what nobody expects: found again, or unknown; never bought twice."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from qwen_dataset.app.api.reports import Report
from qwen_dataset.domain.inference import Completion, Failure
from qwen_dataset.errors import BackendDenied, JobUnfinished
from qwen_dataset.testing.crash import CrashPlan
from tests.bailian import test_hybrid_over_http as hybrid
from tests.bailian.conftest import Stage
from tests.bailian.scene import POSSIBLY_PAID, Books
from tests.bailian.test_faults_over_http import QUICK, REQUESTS, SHARDS, check_report, end
from tests.bailian.test_hybrid_over_http import HOUR, World

pytestmark = pytest.mark.filterwarnings("ignore:unread_data")
begin = hybrid.begin  # the fixture
LOST = {"lose_create": 2}  # of both submissions
RUNS = 6


# ---- the command line -----------------------------------------------------------------------------------------------


def short(**faults: Any) -> Any:
    return pytest.param(faults, id=" ".join(f"{name}={often}" for name, often in faults.items()))


def long(**faults: Any) -> Any:
    return pytest.param(*short(**faults).values, id=short(**faults).id, marks=pytest.mark.long)


@pytest.mark.parametrize(
    "faults",
    [
        long(error_beside=3),
        long(error_beside=1.0),
        long(odd_code=2),
        short(error_beside=3, odd_code=2),
        short(gone_410=2),
        long(gone_410=2, truncate_clean=1),
        long(gone_410=2, late=1.0, late_seconds=0.4),
    ],
)
def test_results_that_are_not_as_they_should_be(stage: Stage, faults: dict[str, Any]) -> None:
    scene = stage(faults=QUICK | LOST | faults, parameters=SHARDS)
    child = end(scene, scene.generate())
    books = scene.check(check_report(child))
    books.check_batch()
    assert len(books.ledger["batches"]) <= 2 + books.ledger["batches"][0]["fates"].get("odd", 0)


@pytest.mark.parametrize("faults", [long(filters="ignored"), long(filters="refused"), long(filters="yes")])
def test_a_service_that_shows_no_metadata(stage: Stage, faults: dict[str, Any]) -> None:
    """The batches are told by their files."""
    scene = stage(faults=QUICK | LOST | {"drop_metadata": True} | faults, parameters=SHARDS)
    child = end(scene, scene.generate())
    scene.check(check_report(child)).check_batch()


# ---- the library, to the second -------------------------------------------------------------------------------------


def after_each_create(world: World, **faults: Any) -> None:
    """Let something happen when a batch may have been created, and nobody knows yet."""
    sleep, creates = world.sleep, 0

    async def slept(seconds: float) -> None:
        nonlocal creates
        if world.server.ledger.calls["create"] > creates:
            creates = world.server.ledger.calls["create"]
            world.server.configure(**dict.fromkeys(faults, 0))
            world.server.configure(**faults)
        await sleep(seconds)

    world.sleep = slept  # type: ignore[method-assign]


def run(world: World, **settings: Any) -> Report:
    """Run the same command again as long as it says that something is left."""
    address = f"{world.server.base_url}?settle=5&concurrency=2&requests=5"
    for _ in range(RUNS):
        try:
            report = world.run(backend=address, **settings)
        except (BackendDenied, JobUnfinished):
            continue
        assert report is not None
        return report
    raise AssertionError("it does not come to an end")


def books_of(world: World, report: Report) -> Books:
    stored = asyncio.run(world.stored())
    stored.check(report.sums)
    assert report.sums is not None
    assert report.sums.requests == REQUESTS
    final = {id_: found[-1] for id_, found in stored.outcomes.items()}
    return Books(
        status={"possibly_paid": report.sums.possibly_paid},
        planned=set(stored.planned),
        completed={id_ for id_, outcome in final.items() if isinstance(outcome, Completion)},
        unknown={
            id_
            for id_, found in stored.outcomes.items()
            if any(isinstance(each, Failure) and each.kind in POSSIBLY_PAID for each in found)
        },
        final=final,
        ledger=world.server.totals(),
    )


IN_SHORT = {"list_refused=1", "list_error_200=3"}


@pytest.mark.parametrize(
    "faults",
    [
        pytest.param({name: often}, id=word, marks=() if word in IN_SHORT else pytest.mark.long)
        for name in ("list_refused", "list_missing", "list_error_200")
        for often in (1, 3)
        for word in (f"{name}={often}",)
    ],
)
def test_the_list_fails_when_the_batch_is_looked_for(begin: Any, faults: dict[str, Any]) -> None:
    world = begin(**LOST)
    after_each_create(world, **faults)
    books = books_of(world, run(world, finish=None, after=None))
    books.check_batch()
    assert len(books.ledger["batches"]) == 2
    assert sum(books.ledger["faults"][name] for name in faults) >= min(faults.values())


@pytest.mark.long
@pytest.mark.parametrize("often", [1, 2, 1.0])
def test_a_cancel_that_is_refused_on_the_way_to_realtime(begin: Any, often: float) -> None:
    """Realtime waits for the batches to end, be it by themselves; with 1.0 the service refuses three times in a row."""
    world = begin(**LOST, refuse_cancel=often)
    report = run(world)
    assert world.check(report, killed=False) <= REQUESTS
    assert len(world.server.totals()["batches"]) == 2
    assert world.server.totals()["calls"]["cancel"] >= 2


# ---- a person in the console ----------------------------------------------------------------------------------------


def cancel_in_the_console(world: World, *, at: float) -> None:
    """Let a person cancel all batches when so many seconds are over."""
    sleep = world.sleep

    async def slept(seconds: float) -> None:
        until = world.ahead + seconds
        if world.ahead < at <= until:
            await sleep(at - world.ahead)
            for batch in world.server.totals()["batches"]:
                world.server.cancel(batch["id"])
        await sleep(until - world.ahead)

    world.sleep = slept  # type: ignore[method-assign]


@pytest.mark.parametrize("hours", [3.0, pytest.param(5.4, marks=pytest.mark.long)])
@pytest.mark.parametrize("requests", [8, pytest.param(5, marks=pytest.mark.long)])
def test_a_person_who_cancels_in_the_console_stops_the_job(begin: Any, hours: float, requests: int) -> None:
    """Who cancelled a batch does not want its rest bought in realtime, at twice the price, when the time comes."""
    world = begin()
    cancel_in_the_console(world, at=hours * HOUR)
    check_stopped(world, backend=f"{world.server.base_url}?settle=5&concurrency=2&requests={requests}")


def check_stopped(world: World, **settings: Any) -> None:
    """Assert that runs stop, one as the next, with all that was paid and nothing in realtime."""
    for sentence in ("was cancelled; what had been answered is kept", "was stopped: a person cancelled it"):
        with pytest.raises(JobUnfinished, match=sentence):
            world.run(**settings)
    stored, ledger = asyncio.run(world.stored()), world.server.totals()
    completed = {id_ for id_, found in stored.outcomes.items() if isinstance(found[-1], Completion)}
    assert completed == set(ledger["paid"])
    assert 0 < len(completed) < REQUESTS
    assert (ledger["paid_twice"], ledger["paid_realtime"], world.realtime_began) == (0, 0, [])
    assert "cancel" not in ledger["calls"]


@pytest.mark.long
def test_a_person_who_cancels_overnight_and_looks_in_the_morning(begin: Any) -> None:
    """The program was gone when the person cancelled, and is started again when the hours are over."""
    world = begin()
    assert world.run() is not None  # for the log of its steps
    steps = [line for line in world.switch.log if line.endswith(" before")]
    first_poll = next(at for at, line in enumerate(steps, 1) if line.startswith("backend.poll"))

    world = begin()
    assert world.run(CrashPlan(first_poll, "before")) is None
    asyncio.run(world.sleep(3 * HOUR))
    for batch in world.server.totals()["batches"]:
        world.server.cancel(batch["id"])
    asyncio.run(world.sleep(5 * HOUR))
    check_stopped(world)
