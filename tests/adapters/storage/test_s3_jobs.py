"""Whole jobs in a bucket: real processes that are killed, that race, and that collect what another one left."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from qwen_dataset.adapters.inference.fake.service import FakeService
from qwen_dataset.adapters.storage.s3 import from_url
from tests.s3 import SECRET_KEY, S3Server, server

MAIN = "from qwen_dataset.app.cli.main import main; main()"
PATIENCE_SECONDS = 60.0
PAPERS = ("alpha", "beta", "gamma")
REQUESTS = 4 * len(PAPERS)


@attrs.define
class Machine:
    """A folder and the environment of a person who has the URL and the keys, and nothing else."""

    folder: Path
    url: str
    environ: dict[str, str]
    running: list[subprocess.Popen[str]] = attrs.Factory(list)

    def start(self, *arguments: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", MAIN, *map(str, arguments), "--storage", self.url, "--json"]
        environ = {**self.environ, "HOME": str(self.folder), "PYTHONUNBUFFERED": "1"}
        process = subprocess.Popen(
            command, cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ
        )
        self.running.append(process)
        return process

    def end(self) -> None:
        for process in self.running:
            process.kill()
            process.communicate()


@attrs.frozen
class World:
    """Two machines, the fake service that they pay, and its books."""

    one: Machine
    two: Machine
    remote: Path
    papers: Path

    def backend(self, **more: object) -> str:
        query = "&".join(f"{name}={value}" for name, value in more.items())
        return f"fake:{self.remote}?mode=batch&clock=real&{query}"

    def generate(self, machine: Machine, backend: str) -> subprocess.Popen[str]:
        output = machine.folder / "out.jsonl"
        return machine.start("generate", self.papers, "-o", output, "--backend", backend, "--max-samples", 9)

    def has_created(self) -> bool:
        return self.remote.is_file() and b'"op":"create"' in self.remote.read_bytes()

    def check_paid_once(self) -> None:
        totals = FakeService(self.remote).totals()
        assert (totals["paid"], totals["paid_twice"]) == (REQUESTS, 0)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    running: S3Server = server()
    papers = tmp_path / "papers"
    papers.mkdir()
    for name in PAPERS:
        (papers / f"{name}.md").write_text(paper(name), encoding="utf-8")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "QWEN_", "DASHSCOPE_"))}
    environ, url = {**kept, **running.environment}, running.url()
    machines = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        machines.append(Machine(tmp_path / name, url, environ))
    try:
        yield World(*machines, remote=tmp_path / "remote.jsonl", papers=papers)
    finally:
        for machine in machines:
            machine.end()


def paper(name: str) -> str:
    rng = random.Random(name)
    parts = [f"# The {name} report\n"]
    for part in range(1, 5):
        lines = [
            f"In trial {part}-{number} of {name} the sensor lost {rng.randint(100, 999)} units after"
            f" {rng.randint(10, 99)} hours of lattice work."
            for number in range(1, 6)
        ]
        parts.append(f"## Part {part} of {name}\n\n{' '.join(lines)}\n")
    return "\n".join(parts)


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert "Traceback" not in err, err
    assert SECRET_KEY not in out + err
    return process.returncode, out, err


def report(out: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(out.splitlines()[-1])
    return found


def until(holds: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < end, f"{what} did not happen"
        time.sleep(0.01)


def test_a_job_that_was_killed_is_collected_elsewhere_with_the_url_and_the_keys_only(world: World) -> None:
    backend = world.backend(duration=1.5)
    first = world.generate(world.one, backend)
    until(world.has_created, "the submission")
    first.send_signal(signal.SIGKILL)
    first.wait()

    output = world.two.folder / "collected.jsonl"
    code, out, err = ended(world.two.start("resume", "--backend", backend, "-o", output))
    assert code == 0, err
    found = report(out)
    assert (found["requests"], found["completions"], found["unanswered"]) == (REQUESTS, REQUESTS, 0)
    assert len(output.read_bytes().splitlines()) == found["samples"] > 0
    world.check_paid_once()
    assert not list(world.one.folder.glob("**/events")), "the job was to be in the bucket only"


def test_of_two_processes_on_one_job_one_works_and_the_other_says_so(world: World) -> None:
    backend = world.backend(duration=1.0)
    racers = [world.generate(machine, backend) for machine in (world.one, world.two)]
    results = [ended(racer) for racer in racers]
    codes = [code for code, _, _ in results]
    # The loser finds the lease taken, or comes when the winner is through and collects the same.
    assert sorted(codes) in ([0, 0], [0, 3]), results
    for code, out, err in results:
        if code == 0:
            assert (report(out)["requests"], report(out)["completions"]) == (REQUESTS, REQUESTS)
        else:
            assert "is being worked on by" in err
    world.check_paid_once()


def test_what_is_wrong_with_the_storage_is_one_sentence_and_an_exit_code(world: World) -> None:
    world.one.environ.pop("AWS_SECRET_ACCESS_KEY")
    code, _, err = ended(world.generate(world.one, "fake"))
    assert code == 2
    assert "AWS_ACCESS_KEY_ID is set and AWS_SECRET_ACCESS_KEY is not; set both" in err

    world.two.environ["AWS_SECRET_ACCESS_KEY"] = "made-up-wrong"
    code, _, err = ended(world.generate(world.two, "fake"))
    assert code in {2, 3}
    assert "does not take the key (403 SignatureDoesNotMatch)" in err
    assert "made-up-wrong" not in err


def test_the_dataset_is_the_same_as_on_files(world: World) -> None:
    code, _, err = ended(world.generate(world.one, "fake:?seed=3"))
    assert code == 0, err
    beside = attrs.evolve(world.two, url=f"file:{world.two.folder / 'jobs'}", running=[])
    code, _, err = ended(world.generate(beside, "fake:?seed=3"))
    assert code == 0, err
    datasets = [(machine.folder / "out.jsonl").read_bytes() for machine in (world.one, world.two)]
    assert datasets[0] == datasets[1] != b""


def test_the_storage_that_is_registered_is_this_one() -> None:
    from qwen_dataset.app.wiring.plugins import storages

    assert storages.find("s3").function() is from_url
