"""The stragglers of a slow batch are finished in realtime, over HTTP: when, in which order, and what it costs."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import time
import urllib.request
from collections.abc import AsyncGenerator, AsyncIterable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from stored import StoredJob, read_job

from qwen_dataset.adapters.storage.memory import MemoryStorage
from qwen_dataset.app.api.client import Client
from qwen_dataset.app.api.reports import Report
from qwen_dataset.app.wiring import bootstrap
from qwen_dataset.app.wiring.config import Config
from qwen_dataset.domain.inference import Completion, Outcome, Request
from qwen_dataset.ports.inference import JobHandle, Offer
from qwen_dataset.ports.storage import Storage
from qwen_dataset.testing.bailian import BailianSettings, RunningServer, serve_in_thread
from qwen_dataset.testing.crash import CrashingBackend, CrashingStorage, CrashPlan, CrashSwitch, SimulatedCrash
from qwen_dataset.testing.process import another_process

pytestmark = pytest.mark.filterwarnings("ignore:unread_data")
HOUR = 3600.0
REQUESTS = 8
SLOW_BATCH = {"duration": 10 * HOUR, "look_seconds": 0.0}
ENDED = {"completed", "failed", "expired", "cancelled"}


class World:
    """A server and a storage that outlive programs; what a program waits for passes at once, on both sides."""

    def __init__(self, server: RunningServer, papers: Path, folder: Path) -> None:
        self.server, self.papers, self.folder = server, papers, folder
        self.storage: Storage = MemoryStorage()
        self.ahead = 0.0
        self.realtime_began: list[tuple[list[str], int, int]] = []
        self.switch = CrashSwitch()
        self.opened = bootstrap.backend

    def now(self) -> float:
        return time.time() + self.ahead

    async def sleep(self, seconds: float) -> None:
        self.ahead += seconds
        await asyncio.to_thread(self.server.advance, seconds)

    async def backend(self, *arguments: Any, **named: Any) -> Offer:
        offer = await self.opened(*arguments, **named)
        inner = Watched(offer.backend, self) if offer.realtime else offer.backend
        backend = CrashingBackend(inner, self.switch)
        return attrs.evolve(offer, backend=backend, sleep=self.sleep, now=self.now)

    def run(self, plan: CrashPlan | None = None, **settings: Any) -> Report | None:
        """Run a program; None if it was killed as planned."""
        self.switch = CrashSwitch(plan)
        address = f"{self.server.base_url}?settle=5&concurrency=2"
        config = Config(
            **{
                "backend": address,
                "use_batch": True,
                "max_samples": 99,
                "finish": "realtime",
                "after": "6h",
                **settings,
            }
        )
        storage = CrashingStorage(self.storage, self.switch)
        client = Client(config, storage=storage, host=another_process())
        with contextlib.suppress(SimulatedCrash, BaseExceptionGroup):
            return asyncio.run(client.generate([self.papers], self.folder / "out.jsonl", existing="replace"))
        assert self.switch.dead
        return None

    def statuses(self) -> list[str]:
        """Ask the server how its batches stand; with look_seconds=0 that moves nothing."""
        found = [batch["id"] for batch in self.server.totals()["batches"]]
        return [self._get(f"{self.server.base_url}/batches/{each}")["status"] for each in found]

    def _get(self, url: str) -> dict[str, Any]:
        with urllib.request.urlopen(url) as reply:
            answer: dict[str, Any] = json.loads(reply.read())
        return answer

    async def stored(self) -> StoredJob:
        jobs = {key.partition("/")[0] async for key in self.storage.keys()}
        (job,) = jobs
        return await read_job(self.storage, job)

    def check(self, report: Report, *, killed: bool) -> int:
        """Return how many realtime calls were paid."""
        stored, ledger = asyncio.run(self.stored()), self.server.totals()
        stored.check(report.sums)
        assert report.sums is not None
        assert report.sums.completions == REQUESTS
        of_batches = {id_ for id_ in ledger["paid"] if id_ in stored.planned}
        again = sum(times - 1 for id_, times in ledger["paid"].items() if id_ not in of_batches)
        assert all(ledger["paid"][id_] == 1 for id_ in of_batches)
        # No request was paid both ways: what was paid twice was asked twice in realtime, by a program that was killed.
        assert ledger["bodies_paid_twice"] == again
        assert killed or not again
        for statuses, stored_answers, paid_in_batches in self.realtime_began:
            assert set(statuses) <= ENDED
            assert stored_answers >= paid_in_batches
        return int(ledger["paid_realtime"])


@attrs.frozen
class Watched:
    """A realtime backend that notes how the batches stand, and what is stored, when it is asked to begin."""

    inner: Any
    world: World

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    async def results(self, handle: JobHandle, requests: AsyncIterable[Request]) -> AsyncGenerator[Outcome, None]:
        world = self.world
        statuses = await asyncio.to_thread(world.statuses)
        stored = await world.stored()
        answers = sum(isinstance(each[-1], Completion) for each in stored.outcomes.values())
        ledger = world.server.totals()
        world.realtime_began.append((statuses, answers, ledger["paid_total"] - ledger["paid_realtime"]))
        async with contextlib.aclosing(self.inner.results(handle, requests)) as outcomes:
            async for outcome in outcomes:
                yield outcome

    async def __aenter__(self) -> Watched:
        await self.inner.__aenter__()
        return self

    async def __aexit__(self, *how: Any) -> None:
        await self.inner.__aexit__(*how)


@pytest.fixture
def begin(few: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Make a new world; one at a time is alive."""
    real = bootstrap.backend
    monkeypatch.setenv("DASHSCOPE_API_KEY", "sk-test0123456789abcdef")
    with contextlib.ExitStack() as alive:

        def made(**faults: Any) -> World:
            alive.close()
            server = alive.enter_context(serve_in_thread(BailianSettings.from_params(SLOW_BATCH | faults)))
            world = World(server, few, tmp_path)
            world.opened = real
            monkeypatch.setattr(bootstrap, "backend", world.backend)
            return world

        yield made


def test_stragglers_are_finished_in_realtime_after_their_batch(begin: Any) -> None:
    world = begin()
    report = world.run()
    assert report is not None
    in_realtime = world.check(report, killed=False)
    assert 0 < in_realtime < REQUESTS
    assert world.server.totals()["calls"]["cancel"] == 1
    assert len(world.realtime_began) == 1
    assert 6 * HOUR <= world.ahead < 9 * HOUR


def test_a_batch_that_is_done_in_time_is_not_touched(begin: Any) -> None:
    world = begin(duration=3 * HOUR)
    report = world.run()
    assert report is not None
    assert world.check(report, killed=False) == 0
    assert "cancel" not in world.server.totals()["calls"]


def test_a_batch_that_stands_still_is_finished_in_realtime(begin: Any) -> None:
    """Without a time: nothing has moved for so long that nobody believes in it any more."""
    world = begin(duration=2000 * HOUR)
    report = world.run(after=None, completion_window="14d")
    assert report is not None
    assert world.check(report, killed=False) == REQUESTS
    assert len(world.realtime_began) == 1


def test_several_batches_are_ended_before_realtime_begins(begin: Any) -> None:
    world = begin()
    report = world.run(backend=f"{world.server.base_url}?settle=5&concurrency=2&requests=3")
    assert report is not None
    assert 0 < world.check(report, killed=False) < REQUESTS
    assert len(world.server.totals()["batches"]) == 3


FAULTS: dict[str, dict[str, Any]] = {
    "none": {},
    "the cancel's reply is lost": {"reset": 2, "on": "cancel"},
    "cancel refused for now": {"error_503": 2, "on": "cancel"},
    "replies lost and late": {"lose_create": 1, "late": 1.0, "late_seconds": 4.0},
    "the download breaks off": {"truncate_download": 2, "truncate_clean": 2},
    "what did not run is absent": {"unrun": "absent"},
}


@pytest.mark.long
@pytest.mark.parametrize("faults", FAULTS.values(), ids=FAULTS.keys())
def test_faults_on_the_way_to_realtime(begin: Any, faults: dict[str, Any]) -> None:
    world = begin(**faults)
    report = world.run()
    assert report is not None
    assert 0 < world.check(report, killed=False) < REQUESTS


def kill_and_run_again(begin: Any, plans: list[CrashPlan], **faults: Any) -> None:
    for plan in plans:
        world = begin(**faults)
        assert world.run(plan) is None
        where = world.switch.log[-1]
        try:
            before_realtime = not world.realtime_began
            report = world.run()
            assert report is not None
            world.check(report, killed=not before_realtime)
        except BaseException as error:
            error.add_note(f"killed at {plan}: {where}")
            raise


def plans_from_the_cancel_on(begin: Any, **faults: Any) -> list[CrashPlan]:
    """Return every crash from shortly before the cancel to the end."""
    world = begin(**faults)
    assert world.run() is not None
    steps = [line for line in world.switch.log if line.endswith(" before")]
    cancel = next(at for at, line in enumerate(steps, 1) if line.startswith("backend.cancel"))
    return [CrashPlan(at, when) for at in range(cancel - 2, len(steps) - 3) for when in ("before", "after")]


def test_killed_between_the_cancel_and_the_end(begin: Any) -> None:
    plans = plans_from_the_cancel_on(begin)
    kill_and_run_again(begin, plans[2:6] + random.Random(3).sample(plans[6:], 8))


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("faults", FAULTS.values(), ids=FAULTS.keys())
def test_killed_at_every_step_from_the_cancel_on(begin: Any, faults: dict[str, Any]) -> None:
    kill_and_run_again(begin, plans_from_the_cancel_on(begin, **faults), **faults)
