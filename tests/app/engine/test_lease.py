from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import attrs
import pytest

from qwen_dataset.adapters.storage.memory import MemoryStorage
from qwen_dataset.app.codec import decode, encode
from qwen_dataset.app.engine.clock import Clock
from qwen_dataset.app.engine.layout import Layout
from qwen_dataset.app.engine.lease import EXPIRE_SECONDS, RENEW_SECONDS, Lease, LeaseRecord, Process
from qwen_dataset.errors import JobBusy, LeaseLost, StorageUnavailable
from qwen_dataset.testing.crash import LossyStorage
from tests.app.engine.bench import process

LAYOUT = Layout("job")


@attrs.define
class World:
    """One storage and one clock; leases of several processes on them."""

    storage: MemoryStorage = attrs.field(factory=MemoryStorage)
    time: float = 0.0
    on_sleep: Callable[[], object] = lambda: None

    async def sleep(self, seconds: float) -> None:
        self.time += seconds
        result = self.on_sleep()
        if asyncio.iscoroutine(result):
            await result
        await asyncio.sleep(0)

    def lease(self, number: int = 1, *, alive: bool | None = True, storage: object = None) -> Lease:
        clock = Clock(now=lambda: self.time, monotonic=lambda: self.time, sleep=self.sleep)
        return Lease(
            storage or self.storage,  # type: ignore[arg-type]
            LAYOUT,
            process=process(number),
            is_alive=lambda _: alive,
            clock=clock,
        )

    def numbers(self) -> list[int]:
        return [int(key.split("/")[-1].split(".")[0]) for key in sorted(self.storage._objects)]

    async def record(self, number: int) -> LeaseRecord:
        return decode(LeaseRecord, await self.storage.get(LAYOUT.lease(number)), where="")

    async def put(self, number: int, *, nonce: str = "other", released: bool = False) -> None:
        record = LeaseRecord(process=process(9), nonce=nonce, released=released)
        await self.storage.put(LAYOUT.lease(number), encode(record))


def test_the_first_taker_gets_number_one() -> None:
    async def go() -> None:
        world = World()
        lease = world.lease()
        await lease.acquire()
        assert world.numbers() == [1]
        assert (await world.record(1)).nonce == lease.nonce
        assert (await world.record(1)).process == process(1)
        await lease.check()
        await lease.verify()

    asyncio.run(go())


def test_a_living_owner_is_named_and_keeps_the_lease() -> None:
    async def go() -> None:
        world = World()
        await world.lease(7).acquire()
        with pytest.raises(JobBusy, match="process 7 on here"):
            await world.lease(8, alive=True).acquire()
        assert world.numbers() == [1]
        assert world.time == 0

    asyncio.run(go())


def test_a_dead_owner_is_taken_over_at_once_and_its_number_removed() -> None:
    async def go() -> None:
        world = World()
        first, second = world.lease(1), world.lease(2, alive=False)
        await first.acquire()
        await second.acquire()
        assert world.time == 0
        assert world.numbers() == [2]
        with pytest.raises(LeaseLost):
            await first.verify()
        await second.verify()

    asyncio.run(go())


def test_a_released_lease_is_free_and_numbers_never_go_back() -> None:
    async def go() -> None:
        world = World()
        first, second = world.lease(1), world.lease(2)
        await first.acquire()
        await first.release()
        assert world.numbers() == [2]
        assert (await world.record(2)).released
        await second.acquire()
        assert world.numbers() == [3]

    asyncio.run(go())


def test_an_owner_that_cannot_be_checked_is_watched_for_sixty_seconds() -> None:
    async def go() -> None:
        world = World()
        await world.lease(1).acquire()
        second = world.lease(2, alive=None)
        await second.acquire()
        assert EXPIRE_SECONDS <= world.time < EXPIRE_SECONDS + 5
        assert world.numbers() == [2]

    asyncio.run(go())


def test_an_owner_that_renews_while_watched_keeps_the_lease() -> None:
    async def go() -> None:
        world = World()
        first = world.lease(1)
        await first.acquire()

        async def renew() -> None:
            if world.time > 40 and world.numbers() == [1]:
                await first._renew()

        world.on_sleep = renew
        with pytest.raises(JobBusy):
            await world.lease(2, alive=None).acquire()
        assert world.time < EXPIRE_SECONDS
        await first.verify()

    asyncio.run(go())


def test_keep_renews_well_within_the_limit_and_leaves_one_object() -> None:
    async def go() -> None:
        world = World()
        lease = world.lease()
        await lease.acquire()
        keeper = asyncio.create_task(lease.keep())
        while world.time < 100:
            await asyncio.sleep(0)
        keeper.cancel()
        assert world.numbers()[0] >= 100 / RENEW_SECONDS - 1
        assert len(world.numbers()) == 1
        await lease.verify()

    asyncio.run(go())
    assert RENEW_SECONDS * 3 <= EXPIRE_SECONDS


def test_check_is_free_while_fresh_and_renews_when_old() -> None:
    async def go() -> None:
        world = World()
        lease = world.lease()
        await lease.acquire()
        world.time = 2 * RENEW_SECONDS
        await lease.check()
        assert world.numbers() == [1]
        world.time = 2 * RENEW_SECONDS + 0.1
        await lease.check()
        assert world.numbers() == [2]
        await lease.check()
        assert world.numbers() == [2]

    asyncio.run(go())


def test_an_owner_that_slept_through_a_takeover_notices() -> None:
    async def go() -> None:
        world = World()
        first, second = world.lease(1), world.lease(2, alive=None)
        await first.acquire()
        await second.acquire()
        with pytest.raises(LeaseLost, match="taken job job over"):
            await first.check()
        with pytest.raises(LeaseLost):
            await first.check()
        assert world.numbers() == [2]

    asyncio.run(go())


def test_a_sleeper_whose_next_number_was_deleted_meanwhile_does_not_win() -> None:
    async def go() -> None:
        world = World()
        first, second = world.lease(1), world.lease(2, alive=False)
        await first.acquire()
        await second.acquire()  # number 2
        await second._renew()  # number 3, 2 is gone
        world.time = 100
        with pytest.raises(LeaseLost):
            await first.check()
        assert world.numbers() == [3]
        await second.verify()

    asyncio.run(go())


def test_a_taker_that_was_overtaken_between_listing_and_creating_does_not_win() -> None:
    async def go() -> None:
        world = World()
        await world.put(5)
        taker = world.lease(2, alive=False)
        newest = taker._newest_number
        overtaken = []

        async def listed() -> int:
            number = await newest()
            if not overtaken:
                overtaken.append(True)
                await world.put(8, nonce="faster")
            return number

        taker._newest_number = listed  # type: ignore[method-assign]
        with pytest.raises(JobBusy, match="process 9"):
            await taker.acquire()
        assert 6 not in world.numbers()
        assert 8 in world.numbers()

    asyncio.run(go())


def test_two_takers_of_one_dead_owner_one_wins() -> None:
    async def go() -> None:
        world = World()
        await world.put(1)
        takers = [world.lease(n, alive=False) for n in range(2, 6)]
        ends = await asyncio.gather(*(taker.acquire() for taker in takers), return_exceptions=True)
        # The second finds the first as owner; to it that one is dead as well (alive=False), so it takes over in turn:
        # what counts is that only the last can verify.
        holding = 0
        for taker, end in zip(takers, ends, strict=True):
            if end is None:
                try:
                    await taker.verify()
                    holding += 1
                except LeaseLost:
                    pass
        assert holding == 1

    asyncio.run(go())


def test_a_lost_reply_to_the_own_create_is_not_another_owner() -> None:
    async def go() -> None:
        world = World()

        class Repeating(LossyStorage):
            async def put(self, key: str, data: object, *, if_absent: bool = False) -> None:
                try:
                    await super().put(key, data, if_absent=if_absent)  # type: ignore[arg-type]
                except StorageUnavailable:
                    await world.storage.put(key, data, if_absent=if_absent)  # type: ignore[arg-type]

        lease = world.lease(storage=Repeating(world.storage, lambda verb, _: verb == "put"))
        await lease.acquire()
        await lease._renew()
        assert world.numbers() == [2]
        await lease.verify()

    asyncio.run(go())


def test_renewals_at_the_same_moment_do_not_remove_the_lease() -> None:
    async def go() -> None:
        world = World()

        class Slow:
            def __getattr__(self, name: str) -> object:
                return getattr(world.storage, name)

            async def put(self, key: str, data: bytes, *, if_absent: bool = False) -> None:
                await asyncio.sleep(0)
                await world.storage.put(key, data, if_absent=if_absent)

        lease = world.lease(storage=Slow())
        await lease.acquire()
        await asyncio.gather(lease._renew(), lease._renew())
        assert world.numbers() == [2]
        await lease.verify()

    asyncio.run(go())


def test_a_storage_without_a_reply_does_not_end_the_keeper() -> None:
    async def go() -> None:
        world = World()
        lost: list[str] = []

        def lose(verb: str, key: str) -> bool:
            lost.append(key)
            return 2 <= len(lost) <= 3

        lease = world.lease(
            storage=LossyStorage(world.storage, lambda *_: False, lambda v, k: v == "put" and lose(v, k))
        )
        await lease.acquire()
        keeper = asyncio.create_task(lease.keep())
        while world.time < 6 * RENEW_SECONDS:
            await asyncio.sleep(0)
        assert not keeper.done()
        keeper.cancel()
        await lease.verify()

    asyncio.run(go())


@attrs.define
class Distant:
    """A storage far away: every call takes a few turns of the loop, before and behind it."""

    inner: MemoryStorage
    turns: int = 5

    async def _travel(self) -> None:
        for _ in range(self.turns):
            await asyncio.sleep(0)

    async def get(self, key: str) -> bytes:
        await self._travel()
        return await self.inner.get(key)

    async def put(self, key: str, data: bytes, *, if_absent: bool = False) -> None:
        await self._travel()
        await self.inner.put(key, data, if_absent=if_absent)
        await self._travel()

    async def keys(self, prefix: str = "") -> AsyncIterator[str]:
        await self._travel()
        found = [key async for key in self.inner.keys(prefix)]
        await self._travel()
        for key in found:
            yield key

    async def delete(self, key: str) -> None:
        await self._travel()
        await self.inner.delete(key)


@pytest.mark.parametrize("moment", range(40))
def test_whoever_renews_and_verifies_at_once_still_has_the_lease(moment: int) -> None:
    async def go() -> None:
        world = World()
        lease = world.lease(storage=Distant(world.storage))
        await lease.acquire()
        renewing = asyncio.create_task(lease._renew())
        for _ in range(moment):
            await asyncio.sleep(0)
        await lease.verify()
        await renewing
        await lease.verify()

    asyncio.run(go())


@pytest.mark.parametrize("moment", range(40))
def test_a_renewal_that_is_cut_short_is_released_all_the_same(moment: int) -> None:
    async def go() -> None:
        world = World()
        lease = world.lease(storage=Distant(world.storage))
        await lease.acquire()
        renewing = asyncio.create_task(lease._renew())
        for _ in range(moment):
            await asyncio.sleep(0)
        renewing.cancel()
        await asyncio.gather(renewing, return_exceptions=True)
        await lease.release()
        await world.lease(2, alive=True).acquire()
        assert len(world.numbers()) == 1

    asyncio.run(go())


def test_releasing_what_was_lost_changes_nothing() -> None:
    async def go() -> None:
        world = World()
        first, second = world.lease(1), world.lease(2, alive=False)
        await world.lease(3).release()
        await first.acquire()
        await second.acquire()
        with pytest.raises(LeaseLost):
            await first.verify()
        await first.release()
        assert world.numbers() == [2]
        # Not noticed yet: the create-only put says it.
        third = world.lease(3, alive=False)
        await third.acquire()
        await second.release()
        assert world.numbers() == [3]
        assert not (await world.record(3)).released

    asyncio.run(go())


def test_a_process_says_which_it_is() -> None:
    assert str(Process(host="h", boot="b", pid_namespace="p", pid=5, started="1")) == "process 5 on h"
