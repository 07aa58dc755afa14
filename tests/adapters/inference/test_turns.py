"""So many in a turn of the loop, in the order in which they came, whoever is cancelled meanwhile."""

import asyncio

import pytest

from qwen_dataset.adapters.inference.turns import Turns


async def _take(turns, name, passed):
    await turns.take()
    passed.append(name)


async def _turn_by_turn(turns, takers, passed):
    """Start all takers in one turn, and return how many had gone on after each of the turns that follow."""
    tasks = [asyncio.create_task(_take(turns, number, passed)) for number in range(takers)]
    counts = []
    while len(passed) < takers:
        await asyncio.sleep(0)
        counts.append(len(passed))
        assert len(counts) < 10 * takers, "somebody waits for ever"
    await asyncio.gather(*tasks)
    return counts


@pytest.mark.parametrize("takers", [1, 3, 4, 5, 100])
def test_no_more_than_so_many_go_on_between_two_turns(takers):
    passed = []
    counts = asyncio.run(_turn_by_turn(Turns(4), takers, passed))
    assert passed == list(range(takers))
    assert max(after - before for before, after in zip([0, *counts], counts, strict=False)) <= 4
    # Nor is anybody held back longer than that needs: a turn to be woken comes on top.
    assert len(counts) <= 2 * -(-takers // 4) + 1


def test_who_comes_alone_does_not_wait():
    async def scenario():
        turns = Turns(1)
        for _ in range(3):
            taking = turns.take()
            with pytest.raises(StopIteration):
                taking.send(None)
            await asyncio.sleep(0)
            await asyncio.sleep(0)

    asyncio.run(scenario())


def test_a_later_one_does_not_overtake_those_who_wait():
    async def scenario():
        turns, passed = Turns(1), []
        first = [asyncio.create_task(_take(turns, name, passed)) for name in "abc"]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        late = asyncio.create_task(_take(turns, "late", passed))
        await asyncio.gather(*first, late)
        return passed

    assert asyncio.run(scenario()) == ["a", "b", "c", "late"]


def test_who_is_cancelled_takes_nobodys_place():
    async def scenario():
        turns, passed = Turns(1), []
        tasks = {name: asyncio.create_task(_take(turns, name, passed)) for name in "abcd"}
        await asyncio.sleep(0)
        tasks["b"].cancel()
        tasks["c"].cancel()
        async with asyncio.timeout(5):
            await asyncio.gather(*tasks.values(), return_exceptions=True)
            await turns.take()
        return passed

    assert asyncio.run(scenario()) == ["a", "d"]
