"""The engine under a seeded scheduler: each seed is a schedule, and every promise is checked after each.

``SIM_SEED=123 pytest tests/simulation -k replay -s`` plays one again and prints its steps. ``SIM_SCHEDULES`` is the
number of schedules of the long run, ``SIM_FROM`` its first seed.
"""

from __future__ import annotations

import hashlib
import logging
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from qwen_dataset.adapters.inference.fake.settings import FakeSettings
from tests.simulation.mutants import MUTANTS, RARE, Mutant, planted
from tests.simulation.ports import Weather
from tests.simulation.promises import check
from tests.simulation.scenario import Actor, draw
from tests.simulation.scheduler import Trap
from tests.simulation.world import BrokenPromise, World, wired

_SHORT = 300
_LONG = int(os.environ.get("SIM_SCHEDULES", "10000"))
_FROM = int(os.environ.get("SIM_FROM", "0"))
_PARTS = 6
_MUTANT_SEEDS = 500


@pytest.fixture(autouse=True)
def simulated() -> Iterator[None]:
    logging.disable(logging.CRITICAL)  # a dead process says much
    with wired():
        yield
    logging.disable(logging.NOTSET)


def play(seed: int) -> tuple[World, Counter[str]]:
    """Play a schedule and check it. Raises whatever is wrong, with the seed."""
    world = World(draw(seed))
    try:
        world.run()
        return world, check(world)
    except Exception as error:
        again = f"SIM_SEED={seed} pytest tests/simulation -k replay -s"
        raise BrokenPromise(f"seed {seed}: {type(error).__name__}: {error}\nplay it again: {again}") from error


def play_many(seeds: range) -> Counter[str]:
    figures: Counter[str] = Counter()
    broken: list[BrokenPromise] = []
    for seed in seeds:
        try:
            figures += play(seed)[1]
        except BrokenPromise as error:
            broken.append(error)
    if broken:
        raise ExceptionGroup(f"{len(broken)} of {len(seeds)} schedules break a promise", broken[:5])
    return figures


def part(number: int, total: int, first: int = 0) -> range:
    return range(first + number * total // _PARTS, first + (number + 1) * total // _PARTS)


@pytest.mark.parametrize("number", range(_PARTS))
def test_every_promise_holds_whoever_dies_sleeps_or_is_not_heard(number: int) -> None:
    figures = play_many(part(number, _SHORT))
    # A simulation in which nothing happens would hold every promise.
    assert figures["ended crash"] > 10
    assert figures["ended LeaseLost"] > 2
    assert figures["ended JobOverlap"] > 2
    assert figures["paid"] > 100
    assert figures["finished in realtime"] > 2


@pytest.mark.long
@pytest.mark.parametrize("number", range(_PARTS))
def test_every_promise_holds_in_many_schedules(number: int) -> None:
    figures = play_many(part(number, _LONG, _FROM))
    # Not stdout: a worker of xdist speaks with its master there.
    sys.stderr.write(f"\nsimulation, part {number + 1} of {_PARTS}: {dict(sorted(figures.items()))}\n")


@pytest.mark.skipif("SIM_SEED" not in os.environ, reason="plays one schedule again: set SIM_SEED")
def test_replay() -> None:
    world = World(draw(int(os.environ["SIM_SEED"])))
    try:
        world.run()
        check(world)
    finally:
        sys.stdout.write("\n".join([*world.scheduler.log, str(world.scenario), ""]))


def _planted(mutant: Mutant) -> Any:
    """Return a case; what takes many schedules to be found is left to the long run."""
    return pytest.param(mutant, id=mutant.name.replace(" ", "-"), marks=pytest.mark.long if mutant.name in RARE else [])


@pytest.mark.parametrize("mutant", [_planted(mutant) for mutant in MUTANTS])
def test_a_planted_mistake_is_found(mutant: Mutant) -> None:
    with planted(mutant):
        for seed in range(_MUTANT_SEEDS):
            try:
                play(seed)
            except BrokenPromise:
                return
    pytest.fail(f"{_MUTANT_SEEDS} schedules let it live: {mutant.name}")


def test_a_late_write_of_a_former_owner_changes_nothing() -> None:
    """A list of a shard's ids arrives after a cancel and a new round have made another shard of that number."""
    pause = Trap("put .*/shards/.* before", 2, "pause", seconds=270.0)
    actors = (
        actor("generate", 0.0, "east", pause),
        actor("cancel", 5.0, "west"),
        actor("resume", 200.0, "west", Trap("poll", 9, "crash")),
    )
    for seed in range(10):
        settings = FakeSettings(seed=0, duration=400.0, requests=2, settle=60.0)
        played = attrs.evolve(
            draw(seed), settings=settings, weather=Weather(), jobs=(("paper2.md", "paper3.md"),), actors=actors,
            segment=1, rounds=3, reruns=0,
        )  # fmt: skip
        world = World(played)
        world.run()
        check(world)


def actor(verb: str, start: float, host: str, *traps: Trap) -> Actor:
    return Actor(verb=verb, job=0, start=start, host=host, weight=1.0, skew=0.0, traps=traps)


_TELL = """
import sys
sys.path.insert(0, sys.argv[1])
from tests.simulation.test_simulation import fingerprint
print(fingerprint(range(8)))
"""


def fingerprint(seeds: range) -> str:
    """Return a hash of everything that these schedules did."""
    logging.disable(logging.CRITICAL)
    said = hashlib.sha256()
    with wired():
        for seed in seeds:
            world, _ = play(seed)
            said.update("\n".join(world.scheduler.log).encode())
            said.update(b"".join(world.outputs[name] for name in sorted(world.outputs)))
    return said.hexdigest()


def test_a_seed_is_one_schedule_whatever_the_hash_seed() -> None:
    root = str(Path(__file__).parents[2])
    told = [
        subprocess.run(
            [sys.executable, "-c", _TELL, root],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    ]
    assert told[0] == told[1] != ""
