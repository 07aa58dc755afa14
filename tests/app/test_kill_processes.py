"""A real process on a real disk, killed by SIGKILL at random moments, then run again."""

from __future__ import annotations

import random
import signal
import time
from pathlib import Path

import pytest
from commands import Desk, until
from world import write_papers

PAPERS = [f"paper-{number:02d}" for number in range(20)]
REQUESTS = 4 * len(PAPERS)
CONCURRENCY = 2
LATENCY = 0.1
SLOW = {
    "batch": {"duration": 1.0, "requests": 30, "late": 1.0, "settle": 0.5},
    # Four seconds in all: a segment is saved every two, so that what may be lost is well below the whole.
    "realtime": {"latency": LATENCY, "concurrency": CONCURRENCY},
}
LASTS = {"batch": 2.5, "realtime": 4.5}  # seconds, about


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_papers(tmp_path_factory.mktemp("corpus") / "papers", PAPERS, sections=4)


@pytest.fixture(scope="module")
def expected(papers: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The dataset of a run that nobody disturbs; the two modes must not differ in it."""
    with Desk(tmp_path_factory.mktemp("undisturbed"), papers) as desk:
        datasets = []
        for mode in SLOW:
            ended = desk.generate(f"fake:{desk.remote}-{mode}?mode={mode}", "--force").wait()
            assert ended.code == 0, ended.err
            assert ended.report["requests"] == REQUESTS
            datasets.append(desk.output.read_bytes())
    assert datasets[0] == datasets[1] != b""
    return datasets[0]


def kill_and_run_again(folder: Path, papers: Path, mode: str, delay: float, expected: bytes) -> int:
    """Return how many payments were made twice."""
    with Desk(folder, papers) as desk:
        backend = desk.backend(mode, **SLOW[mode])
        first = desk.generate(backend)
        until(lambda: bool(desk.jobs()), "the job's folder")
        time.sleep(delay)
        first.send(signal.SIGKILL)
        first.wait()
        again = desk.generate(backend).wait()
        assert again.code == 0, again.err
        assert again.seconds < 20
        report = again.report
        sums = (report["requests"], report["completions"], report["failures"], report["unanswered"])
        assert sums == (REQUESTS, REQUESTS, 0, 0)
        assert report["candidates"] == report["samples"] + report["rejects"]
        desk.stored(report["job"]).check()
        assert desk.output.read_bytes() == expected
        paid = desk.paid()
        assert paid["paid"] >= REQUESTS
        if mode == "batch":
            assert (paid["paid_twice"], paid["paid"]) == (0, REQUESTS)
        else:
            # In flight, and answered in the two seconds (and a late wake-up) since the last segment.
            bound = CONCURRENCY + CONCURRENCY * 2.5 / LATENCY
            assert paid["paid"] - REQUESTS <= bound < REQUESTS
        return int(paid["paid"]) - REQUESTS


@pytest.mark.parametrize("mode", ["batch", "realtime"])
def test_a_process_killed_at_a_random_moment_is_finished_by_the_next(
    tmp_path: Path, papers: Path, expected: bytes, mode: str
) -> None:
    rng = random.Random(f"short {mode}")
    for third in range(3):
        delay = (third + rng.random()) / 3 * LASTS[mode]
        kill_and_run_again(tmp_path / str(third), papers, mode, delay, expected)


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("mode", ["batch", "realtime"])
def test_fifty_processes_killed_at_random_moments(tmp_path: Path, papers: Path, expected: bytes, mode: str) -> None:
    rng = random.Random(f"long {mode}")
    again = [
        kill_and_run_again(tmp_path / str(number), papers, mode, rng.uniform(0.0, 1.1 * LASTS[mode]), expected)
        for number in range(50)
    ]
    print(f"\n{mode}: 50 kills, {sum(again)} payments made again, at most {max(again)} after one kill")  # noqa: T201 - the figures of the long run
