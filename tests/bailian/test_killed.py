"""The real process, killed at any step and at any moment, then run again: what does the server's ledger say?"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from tests.bailian.conftest import Stage
from tests.bailian.scene import CONCURRENCY, DONE, LATE, NOT_FINISHED, SETTLE, Scene

# aiohttp's own, when a part of an upload ends at the edge of a packet.
pytestmark = pytest.mark.filterwarnings("ignore:unread_data")
REQUESTS = 8
STORAGES = ("file", "s3")
S3_LATER = ("file", pytest.param("s3", marks=pytest.mark.long))
# Each look moves a batch on by 15 of its seconds: two looks and it is done.
QUICK: dict[str, Any] = {"duration": 25.0}
# Half a second of real time, looks or not: there are moments to be killed at.
SLOW: dict[str, Any] = {"duration": 0.5, "look_seconds": 0.0, "latency": 0.02}
HARD: dict[str, dict[str, Any]] = {
    "quiet": {},
    "replies lost": {"lose_create": 2, "lose_upload": 2},
    "late": {"late": 1.0, "late_seconds": LATE},
    "replies lost and late": {"lose_create": 0.6, "lose_upload": 0.4, "late": 1.0, "late_seconds": LATE},
}


@pytest.fixture(scope="module")
def expected() -> list[tuple[str, str, str]]:
    """The samples of the first run that ended; all others must have the same."""
    return []


def finish(scene: Scene, expected: list[tuple[str, str, str]]) -> None:
    """Run again, until done, and compare the books."""
    ended = scene.generate()
    if ended.code == NOT_FINISHED:
        # Only on S3: a renewal of the lease whose reply is under way is taken for a rival's, see test_own_lease.py.
        ended = scene.generate()
    assert ended.code == DONE, ended.err
    books = scene.check()
    books.check_batch()
    assert len(books.planned) == len(books.completed) == REQUESTS
    report = ended.report
    assert (report["requests"], report["completions"]) == (REQUESTS, REQUESTS)
    assert report["candidates"] == report["samples"] + report["rejects"]
    if not expected:
        expected += scene.samples()
    assert scene.samples() == expected != []


def kill_at_steps(stage: Stage, plans: list[tuple[int, str]], expected: list[Any], **scene: Any) -> int:
    """Return how many of the kills were in time."""
    killed = 0
    for number, (at, when) in enumerate(plans):
        made = stage(**scene | {"faults": {"seed": number, **scene["faults"]}})
        first = made.generate(at=at, when=when)
        killed += first.was_killed
        where = made.log.read_text().splitlines()[-1] if made.log.exists() else "before any step"
        try:
            assert first.was_killed or first.code == DONE, first.err
            finish(made, expected)
        except BaseException as error:
            error.add_note(f"killed {when} step {at} with seed {number}: {where}")
            raise
    return killed


def kill_at_moments(
    stage: Stage, rng: random.Random, kills: int, expected: list[Any], *, lasts: float, **scene: Any
) -> int:
    """Kill once or twice at random moments, as often as said; return how many processes died."""
    killed = 0
    for number in range(kills):
        made = stage(**scene | {"faults": {"seed": number, **scene["faults"]}})
        delays = [rng.uniform(0.05, 1.05) * lasts for _ in range(rng.choice((1, 1, 2)))]
        try:
            for delay in delays:
                first = made.generate(after=delay)
                killed += first.was_killed
                assert first.was_killed or first.code == DONE, first.err
            finish(made, expected)
        except BaseException as error:
            error.add_note(f"killed after {delays} seconds, seed {number}")
            raise
    return killed


def interesting(steps: list[str]) -> list[tuple[int, str]]:
    """Return each kill that can leave something else behind than its neighbours: looks at a storage change nothing."""
    acts = ("storage.put", "storage.delete", "backend.submit", "backend.results", "http.POST")
    return [(at, when) for at, name in enumerate(steps, 1) if name.startswith(acts) for when in ("before", "after")]


@pytest.mark.parametrize("storage", S3_LATER)
def test_killed_around_each_submission(stage: Stage, expected: list[Any], storage: str) -> None:
    """The steps at which money is spent, and those beside them, each with replies lost and batches late."""
    scene = {"storage": storage, "faults": QUICK, "parameters": {"requests": 8}}
    whole = stage(**scene)
    assert whole.generate().code == DONE
    steps = whole.steps()
    create = next(at for at, name in enumerate(steps, 1) if name.startswith("http.POST") and "batches" in name)
    submitted = next(at for at, name in enumerate(steps, 1) if at > create and name.startswith("storage.put"))
    plans = [(create - 1, "after"), (create, "before"), (create, "after"), (submitted, "before"), (submitted, "after")]
    scene |= {"faults": QUICK | {"late": 1.0, "late_seconds": LATE}}
    assert kill_at_steps(stage, plans if storage == "file" else plans[2:4], expected, **scene) >= 2


@pytest.mark.parametrize("storage", S3_LATER)
def test_killed_at_some_steps(stage: Stage, expected: list[Any], storage: str) -> None:
    scene = {"storage": storage, "faults": QUICK}
    whole = stage(**scene)
    assert whole.generate().code == DONE
    plans = random.Random(storage).sample(interesting(whole.steps()), 4 if storage == "file" else 2)
    assert kill_at_steps(stage, plans, expected, **scene) > 0


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("hard", [pytest.param("quiet", marks=pytest.mark.long), "replies lost and late"])
def test_killed_at_some_moments(stage: Stage, expected: list[Any], storage: str, hard: str) -> None:
    rng = random.Random(f"{storage} {hard}")
    lasts = 1.2 if hard == "quiet" else 3.0  # seconds, about
    kill_at_moments(stage, rng, 1, expected, lasts=lasts, storage=storage, faults=SLOW | HARD[hard])


SEGMENT = 100
REALTIME = ("openai-chat", "dashscope", "batch-chat")


def kill_realtime(stage: Stage, many: Path, backend: str, rng: random.Random, kills: int, storage: str) -> int:
    """Return how many calls were paid again, over all kills."""
    scene = {
        "storage": storage,
        "backend": backend,
        "options": ("--realtime",),
        "parameters": {},
        "papers": many,
        "haste": 1.0,
    }
    # Five milliseconds a call at least: about a second for all.
    scene |= {"faults": {"latency": 0.01, "answers": "echo"}}
    again = 0
    for _ in range(kills):
        made = stage(**scene)
        delay = rng.uniform(0.4, 2.5)
        first = made.generate(after=delay)
        ended = made.generate()
        try:
            assert ended.code in {0, 1}, ended.err
            books = made.check()
            assert len(books.completed) == len(books.planned) == 320
            again += books.check_realtime(at_most=(CONCURRENCY + SEGMENT) * first.was_killed)
        except BaseException as error:
            error.add_note(f"{backend} killed after {delay:.3f} seconds")
            raise
    return again


@pytest.mark.parametrize(
    "backend", ["dashscope", *(pytest.param(each, marks=pytest.mark.long) for each in REALTIME[::2])]
)
def test_killed_in_realtime(stage: Stage, many: Path, backend: str) -> None:
    kill_realtime(stage, many, backend, random.Random(backend), 1, "file")


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("backend", REALTIME)
@pytest.mark.parametrize("storage", STORAGES)
def test_killed_in_realtime_often(stage: Stage, many: Path, backend: str, storage: str) -> None:
    again = kill_realtime(stage, many, backend, random.Random(f"{backend} {storage}"), 15, storage)
    print(f"\n{backend} on {storage}: 15 kills, {again} calls paid again")  # noqa: T201 - the figures of the long run


@pytest.mark.long
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("hard", HARD)
def test_killed_at_every_step(stage: Stage, expected: list[Any], storage: str, hard: str) -> None:
    scene = {"storage": storage, "faults": QUICK | HARD[hard]}
    whole = stage(**scene)
    assert whole.generate().code == DONE
    plans = [(at, when) for at in range(1, len(whole.steps()) + 1) for when in ("before", "during", "after")]
    killed = kill_at_steps(stage, plans, expected, **scene)
    print(f"\n{hard} on {storage}: {killed} kills at {len(plans)} moments")  # noqa: T201 - the figures of the long run


@pytest.mark.long
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("hard", HARD)
def test_killed_at_random_moments(stage: Stage, expected: list[Any], storage: str, hard: str) -> None:
    rng = random.Random(f"long {storage} {hard}")
    scene = {"storage": storage, "faults": SLOW | HARD[hard]}
    lasts = stage(**scene).generate().seconds
    killed = kill_at_moments(stage, rng, 25, expected, lasts=lasts, **scene)
    print(f"\n{hard} on {storage}: {killed} kills, settle {SETTLE}")  # noqa: T201 - the figures of the long run
