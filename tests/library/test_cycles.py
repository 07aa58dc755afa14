"""How often Python searches for cycles while a run is under way: seldom, and afterwards as before."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from qwen_dataset import BlockingClient, Client, Config, Watch

DEFAULT = (2_000 if sys.version_info >= (3, 13) else 700, 10)
PAPER = """# Long-lived qubits

## Results

A qubit in the second trap lived for 3.2 seconds at 4 kelvin, twice as long as in the first one, which was as cold. The
lifetime grew with the depth of the trap, and it was measured with a laser that was kept away from the qubit until its
state was read. Every measurement was repeated a thousand times, and the error bars hold two standard deviations.
"""


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    before = gc.get_threshold()
    gc.set_threshold(*DEFAULT)
    yield
    gc.set_threshold(*before)


def config(folder: Path) -> Config:
    return Config(storage=f"file:{folder / 'jobs'}", backend="fake")


def client(folder: Path) -> Client:
    return Client(config(folder))


def thresholds() -> tuple[int, ...]:
    # Some versions say 0 of the third one, whatever was chosen.
    return gc.get_threshold()[:2]


def looking(at: list[tuple[int, ...]], then: Callable[[], None] = lambda: None) -> Watch:
    """Return what looks how often is searched, and does something, while a run is under way."""

    def look(_: object) -> None:
        at.append(thresholds())
        then()

    return Watch(on_route=look, on_sample=look)


def ask(folder: Path, watch: Watch, prompts: int = 1) -> Any:
    return client(folder).run_prompts([f"What is qubit {number}?" for number in range(prompts)], watch=watch)


def test_seldom_during_each_verb_and_as_before_after_it(tmp_path: Path) -> None:
    (tmp_path / "paper.md").write_text(PAPER, encoding="utf-8")
    output = tmp_path / "out.jsonl"
    verbs: dict[str, Callable[[Watch], Any]] = {
        "generate": lambda watch: client(tmp_path).generate(tmp_path / "paper.md", output, watch=watch),
        "run_prompts": lambda watch: ask(tmp_path, watch),
        "resume": lambda watch: client(tmp_path).resume(watch=watch),
        "rebuild": lambda watch: client(tmp_path).rebuild("instruct", output, watch=watch),
    }
    for name, verb in verbs.items():
        seen: list[tuple[int, ...]] = []
        asyncio.run(verb(looking(seen)))
        assert set(seen) == {(10_000, 10)}, name
        assert thresholds() == DEFAULT, name


def test_as_before_also_when_it_fails_or_is_cancelled(tmp_path: Path) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        asyncio.run(ask(tmp_path, looking([], fail)))
    assert thresholds() == DEFAULT

    async def cancelled() -> None:
        task = asyncio.current_task()
        assert task is not None
        await ask(tmp_path, looking([], lambda: task.cancel() and None))

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancelled())
    assert thresholds() == DEFAULT


@pytest.mark.parametrize("chosen", [(50, 5), (200_000, 10), (0, 10), (DEFAULT[0], 1_000)])
def test_who_chose_how_often_is_obeyed(tmp_path: Path, chosen: tuple[int, int]) -> None:
    gc.set_threshold(*chosen)
    seen: list[tuple[int, ...]] = []
    asyncio.run(ask(tmp_path, looking(seen)))
    assert seen == [chosen]
    assert thresholds() == chosen


@pytest.mark.parametrize("chosen", [(3_000, 10), (10_000, 50)])
def test_who_chooses_during_a_run_is_obeyed_too(tmp_path: Path, chosen: tuple[int, int]) -> None:
    asyncio.run(ask(tmp_path, looking([], lambda: gc.set_threshold(*chosen))))
    assert thresholds() == chosen


def test_of_several_runs_the_last_one_to_end_puts_it_back(tmp_path: Path) -> None:
    """The one that begins first ends first, in another order than a stack has."""
    seen: list[tuple[str, tuple[int, ...]]] = []

    async def run(name: str, prompts: int) -> None:
        await ask(tmp_path / name, looking([]), prompts)
        seen.append((name, thresholds()))

    async def both() -> None:
        await asyncio.gather(run("short", 1), run("long", 300))

    asyncio.run(both())
    assert seen == [("short", (10_000, 10)), ("long", DEFAULT)]


def test_runs_in_several_threads_are_counted_together(tmp_path: Path) -> None:
    seen: list[tuple[int, ...]] = []

    def inner() -> None:
        BlockingClient(config(tmp_path / "inner")).run_prompts(["And a qutrit?"], watch=looking(seen))
        seen.append(thresholds())

    BlockingClient(config(tmp_path / "outer")).run_prompts(["What is a qubit?"], watch=looking(seen, inner))
    assert seen == [(10_000, 10)] * 3
    assert thresholds() == DEFAULT
