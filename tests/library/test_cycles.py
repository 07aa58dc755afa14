"""How often Python searches for cycles while a run is under way: seldom, and afterwards as before."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from qwen_dataset import Client, Config, Report, Watch

DEFAULT = (700, 10, 10)


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    before = gc.get_threshold()
    gc.set_threshold(*DEFAULT)
    yield
    gc.set_threshold(*before)


def client(folder: Path, name: str = "") -> Client:
    return Client(Config(storage=f"file:{folder / f'jobs{name}'}", backend="fake"))


def run(folder: Path, *, then: BaseException | None = None) -> tuple[Report, list[int]]:
    """Run two prompts, and return how often was searched meanwhile."""
    seen: list[int] = []

    def look(_: object) -> None:
        seen.append(gc.get_threshold()[0])
        if then is not None:
            raise then

    report = asyncio.run(client(folder).run_prompts(["What is a qubit?", "And a qutrit?"], watch=Watch(on_route=look)))
    return report, seen


def test_seldom_while_a_run_is_under_way_and_as_before_when_it_has_ended(tmp_path: Path) -> None:
    report, seen = run(tmp_path)
    assert seen == [10_000]
    assert gc.get_threshold() == DEFAULT
    asyncio.run(client(tmp_path).rebuild(report.job_id, tmp_path / "again.jsonl"))
    assert gc.get_threshold() == DEFAULT


def test_as_before_also_when_it_fails(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        run(tmp_path, then=ZeroDivisionError())
    assert gc.get_threshold() == DEFAULT


@pytest.mark.parametrize("chosen", [(50, 5, 5), (200_000, 10, 10), (0, 10, 10)])
def test_who_chose_how_often_is_obeyed(tmp_path: Path, chosen: tuple[int, int, int]) -> None:
    gc.set_threshold(*chosen)
    _, seen = run(tmp_path)
    assert seen == [chosen[0]]
    assert gc.get_threshold() == chosen


def test_who_chooses_during_a_run_is_obeyed_too(tmp_path: Path) -> None:
    def choose(_: object) -> None:
        gc.set_threshold(3_000, 10, 10)

    asyncio.run(client(tmp_path).run_prompts(["What is a qubit?"], watch=Watch(on_route=choose)))
    assert gc.get_threshold() == (3_000, 10, 10)


def test_of_several_runs_the_last_one_to_end_puts_it_back(tmp_path: Path) -> None:
    """In one loop, begun and ended in another order than a stack has."""
    seen: list[tuple[str, int]] = []

    async def ask(name: str, prompts: int) -> None:
        watch = Watch(on_route=lambda _: seen.append((name, gc.get_threshold()[0])))
        await client(tmp_path, name).run_prompts([f"What is qubit {number}?" for number in range(prompts)], watch=watch)
        seen.append((f"{name} ended", gc.get_threshold()[0]))

    async def both() -> None:
        await asyncio.gather(ask("long", 300), ask("short", 1))

    asyncio.run(both())
    assert {times for _, times in seen[:-1]} == {10_000}
    assert len(seen) == 4
    assert gc.get_threshold() == DEFAULT
