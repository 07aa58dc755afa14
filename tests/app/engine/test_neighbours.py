"""A job that waits for another one to give way: how long, what it notices meanwhile, and who withdraws."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import attrs
import pytest

from qwen_dataset.adapters.storage.memory import MemoryStorage
from qwen_dataset.app.engine.clock import Clock
from qwen_dataset.app.engine.job import Job
from qwen_dataset.app.engine.neighbours import clear_round
from qwen_dataset.domain.choices import RetryUnknown
from qwen_dataset.domain.events import CancelSeen, RoundCleared, RoundOpened, RoundWithdrawn
from qwen_dataset.errors import JobOverlap
from tests.app.engine.bench import LIMITS, a_job


@attrs.define
class Scene:
    """Two jobs that ask the same: ``ours`` looks, and something happens in its ``at``-th sleep.

    Reading a job of the storage takes ``look_seconds``; by ``name`` ours has the smaller id.
    """

    at: int
    act: Callable[[Scene], Awaitable[None]]
    look_seconds: float = 0.0
    name: str = "a"
    now: float = 1000.0
    sleeps: list[float] = attrs.field(factory=list)
    checkpoints: int = 0
    ours: Job = attrs.field(init=False)
    rival: Job = attrs.field(init=False)

    async def play(self) -> Scene:
        storage = SlowToList(self)
        opened = RoundOpened(round=1, pending=2, retry_unknown=RetryUnknown.AUTO)
        async with (
            a_job(["x", "y"], storage=storage, name=self.name, number=1) as ours,
            a_job(["y", "z"], storage=storage, name="b", number=2) as self.rival,
        ):
            await self.rival.ledger.append(opened)
            await ours.ledger.append(opened)
            clock = Clock(now=lambda: self.now, monotonic=lambda: self.now, sleep=self._sleep)
            self.ours = attrs.evolve(ours, clock=clock)
            await clear_round(self.ours, LIMITS, self._checkpoint)
        return self

    async def _sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += seconds
        if len(self.sleeps) == self.at:
            await self.act(self)

    async def _checkpoint(self) -> None:
        self.checkpoints += 1


class SlowToList(MemoryStorage):
    """Memory in which reading a job's spec, of which each look reads every one, takes a while."""

    def __init__(self, scene: Scene) -> None:
        super().__init__()
        self._scene = scene

    async def get(self, key: str) -> bytes:
        if key.endswith("/spec.json"):
            self._scene.now += self._scene.look_seconds
        return await super().get(key)


def play(at: int, act: Callable[[Scene], Awaitable[None]], *, look_seconds: float = 0.0) -> Scene:
    return asyncio.run(Scene(at, act, look_seconds=look_seconds).play())


async def rival_withdraws(scene: Scene) -> None:
    await scene.rival.ledger.append(RoundWithdrawn(round=1, because_of=scene.ours.id))


async def rival_clears(scene: Scene) -> None:
    await scene.rival.ledger.append(RoundCleared(round=1))


async def nothing(_: Scene) -> None:
    return None


@pytest.mark.parametrize("at", [1, 2, 19, 20])
def test_one_that_gives_way_is_seen_whenever_it_does(at: int) -> None:
    """Also in the very last wait: if both withdrew, the requests would be nobody's."""
    scene = play(at, rival_withdraws)
    assert scene.ours.state.cleared
    assert len(scene.sleeps) == at


def test_time_that_passes_unseen_is_no_reason_to_withdraw() -> None:
    """A laptop that sleeps, a paused machine, a storage that was away for an hour."""

    async def an_hour_later(scene: Scene) -> None:
        scene.now += 3600.0
        await rival_withdraws(scene)

    assert play(1, an_hour_later).ours.state.cleared


def test_one_that_was_killed_while_it_looked_is_not_waited_for_in_vain() -> None:
    scene = Scene(0, nothing)
    with pytest.raises(JobOverlap):
        asyncio.run(scene.play())
    assert scene.sleeps == [0.5] * 20
    assert not scene.ours.state.cleared
    assert scene.checkpoints > len(scene.sleeps), "nobody looked whether the lease is still ours"


def test_one_that_goes_on_is_not_waited_for() -> None:
    scene = Scene(3, rival_clears)
    with pytest.raises(JobOverlap):
        asyncio.run(scene.play())
    assert len(scene.sleeps) == 3


def test_of_two_that_look_the_one_with_the_greater_id_withdraws_at_once() -> None:
    scene = Scene(0, nothing, name="c")
    with pytest.raises(JobOverlap):
        asyncio.run(scene.play())
    assert scene.sleeps == []


def test_a_person_who_cancels_does_not_wait() -> None:
    async def cancel(scene: Scene) -> None:
        await scene.ours.ledger.append(CancelSeen(number=1))

    scene = play(2, cancel)
    assert len(scene.sleeps) == 2
    assert scene.ours.state.winding_down
    assert not scene.ours.state.cleared


@pytest.mark.parametrize(("look_seconds", "wait"), [(0.01, 0.5), (2.0, 1.0), (100.0, 5.0), (100_000.0, 5.0)])
def test_the_longer_a_look_takes_the_longer_the_other_has_for_its_own_up_to_a_bound(
    look_seconds: float, wait: float
) -> None:
    scene = Scene(0, nothing, look_seconds=look_seconds)
    with pytest.raises(JobOverlap):
        asyncio.run(scene.play())
    assert len(scene.sleeps) == 20
    assert wait <= scene.sleeps[0] <= max(0.5, min(5.0, 2 * wait))
