"""A job deleted while other jobs look at it: they see it or they do not, and never a damaged one."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from qwen_dataset.adapters.storage.memory import MemoryStorage
from qwen_dataset.app.api.catalogue import Catalogue
from qwen_dataset.app.engine.job import job_ids
from qwen_dataset.app.engine.prune import delete, find_jobs, find_leftovers
from qwen_dataset.domain.inference import FailureKind
from qwen_dataset.domain.jobs import JobState, Phase
from qwen_dataset.errors import SettingError
from qwen_dataset.ports.storage import Storage
from qwen_dataset.testing.crash import CrashingStorage, CrashPlan, CrashSwitch, SimulatedCrash
from tests.app.engine.bench import HandClock, Scripted, a_job, failing, host, runner, spec

OLD, NEW = ["a", "b", "c", "d", "e"], ["c", "d", "e", "f"]
OLD_ID = spec("old", corpus="-".join(OLD)).job_id


class Beside(MemoryStorage):
    """Memory in which something happens right before the ``at``-th thing that is asked of it."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = self.at = 0
        self.act: Callable[[], Awaitable[None]] | None = None

    async def turn(self) -> None:
        self.asked += 1
        if self.act is not None and self.asked == self.at:
            act, self.act = self.act, None
            await act()

    async def get(self, key: str) -> bytes:
        await self.turn()
        return await super().get(key)

    async def put(self, key: str, data: Any, *, if_absent: bool = False) -> None:
        await self.turn()
        await super().put(key, data, if_absent=if_absent)

    async def keys(self, prefix: str = "") -> AsyncIterator[str]:
        async for key in super().keys(prefix):
            await self.turn()
            yield key


async def work(storage: Storage, texts: list[str], name: str, backend: Scripted | None = None) -> JobState:
    hands = HandClock()
    async with a_job(texts, storage=storage, clock=hands, name=name) as job:
        await runner(job, backend or Scripted(), hands).run()
        return job.state


async def delete_old(storage: Storage) -> None:
    async for found in find_jobs(storage, [OLD_ID]):
        await delete(storage, found, host(HandClock().clock, 7))


async def half_delete_old(storage: Storage, steps: int) -> None:
    """Be killed after so many deletions."""
    switch = _AfterDeletions(steps)
    with contextlib.suppress(SimulatedCrash):
        await delete_old(CrashingStorage(storage, switch))


class _AfterDeletions(CrashSwitch):
    def __init__(self, deletions: int) -> None:
        super().__init__()
        self._left = deletions

    async def _reached(self, number: int, name: str, when: str) -> None:
        if f"delete {OLD_ID}" in name and "/lease/" not in name and when == "after":
            self._left -= 1
            if not self._left:
                self._plan = CrashPlan(number, "after")
        await super()._reached(number, name, when)


async def at_every_moment(
    made: Callable[[], Awaitable[Beside]],
    act: Callable[[Storage], Awaitable[None]],
    meanwhile: Callable[[Beside], Awaitable[None]],
) -> int:
    undisturbed = await made()
    undisturbed.asked = 0
    await meanwhile(undisturbed)
    moments = undisturbed.asked
    for at in range(1, moments + 1):
        storage = await made()
        storage.asked, storage.at = 0, at

        async def beside(storage: Beside = storage) -> None:
            await act(storage)

        storage.act = beside
        try:
            await meanwhile(storage)
        except BaseException as error:
            error.add_note(f"deleted before step {at} of {moments}")
            raise
    return moments


async def with_old(answer: Any = None) -> Beside:
    storage = Beside()
    await work(storage, OLD, "old", Scripted(answer=answer) if answer else None)
    return storage


async def new_job(storage: Beside) -> None:
    backend = Scripted()
    state = await work(storage, NEW, "new", backend)
    assert state.phase is Phase.FINISHED
    assert (state.completed, state.failed) == (4, 0)
    # Copied or bought, never both; "f" is nowhere else.
    assert len(backend.asked()) + state.reused == 4
    assert "f" in backend.asked()
    assert len(set(backend.asked())) == len(backend.asked())


@pytest.mark.parametrize(
    "deletions",
    [1, pytest.param(6, marks=pytest.mark.long), pytest.param(100, marks=pytest.mark.long)],
    ids=lambda n: f"{n} deletions",
)
def test_a_neighbour_that_is_deleted_meanwhile_stops_nobody(deletions: int) -> None:
    async def go() -> None:
        moments = await at_every_moment(with_old, lambda storage: half_delete_old(storage, deletions), new_job)
        assert moments > 100

    asyncio.run(go())


def test_a_neighbour_with_doubts_that_is_deleted_meanwhile_stops_nobody() -> None:
    async def new(storage: Beside) -> None:
        state = await work(storage, NEW, "new", backend := Scripted())
        assert state.completed + state.failed == 4
        assert len(backend.asked()) == state.completed
        # What the other job sent in vain fails here, or is sent when nobody knows of it any more.
        assert state.failed in (0, 3)

    async def made() -> Beside:
        return await with_old(failing(FailureKind.UNKNOWN, retryable=False))

    asyncio.run(at_every_moment(made, delete_old, new))


@pytest.mark.parametrize("deletions", [1, 6, 100])
def test_a_list_of_jobs_shows_a_job_whole_or_not_at_all(deletions: int) -> None:
    async def look(storage: Beside) -> None:
        for status in await Catalogue(storage, where="memory:").list_jobs():
            assert status.job_id == OLD_ID
            assert status.state.phase is Phase.FINISHED  # type: ignore[union-attr]

    asyncio.run(at_every_moment(with_old, lambda storage: half_delete_old(storage, deletions), look))


@pytest.mark.parametrize("deletions", [1, 2, 6, 12])
def test_a_half_deleted_job_is_not_worked_on_and_the_sentence_says_what_to_do(deletions: int) -> None:
    async def go() -> None:
        storage = await with_old()
        await half_delete_old(storage, deletions)
        assert storage._objects
        backend = Scripted()
        with pytest.raises(SettingError, match="run `qwen-dataset prune`"):
            await work(storage, OLD, "old", backend)
        assert backend.calls == []
        async for found in find_leftovers(storage, host(HandClock().clock, 7)):
            await delete(storage, found, host(HandClock().clock, 7))
        assert storage._objects == {}
        state = await work(storage, OLD, "old", backend)
        assert state.completed == len(backend.asked()) == len(OLD)

    asyncio.run(go())


def test_a_deletion_that_never_began_keeps_nobody_from_the_job() -> None:
    async def go() -> None:
        storage = await with_old()
        switch = CrashSwitch()
        await delete_old(CrashingStorage(await with_old(), switch))
        begun = [line for line in switch.log if line.endswith(" before")]
        intent = next(at for at, line in enumerate(begun, 1) if "deleting.json" in line and ".put" in line)
        with contextlib.suppress(SimulatedCrash):
            await delete_old(CrashingStorage(storage, CrashSwitch(CrashPlan(intent, "after"))))
        assert f"{OLD_ID}/deleting.json" in storage._objects
        state = await work(storage, OLD, "old", backend := Scripted())
        assert (state.completed, backend.calls) == (len(OLD), [])
        assert [each async for each in job_ids(storage)] == [OLD_ID]

    asyncio.run(go())
