"""Real processes: the command line on a folder of its own, with a paid service that lives in a file beside it."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import orjson
from stored import StoredJob, read_job

from qwen_dataset.adapters.inference.fake.service import FakeService
from qwen_dataset.adapters.storage.file import FileStorage

PROGRAM = (sys.executable, "-c", "from qwen_dataset.app.cli.main import main; main()")
PATIENCE_SECONDS = 60.0


@attrs.frozen
class Ended:
    """How a process ended: its exit code (negative: the signal), what it printed, and how long it took."""

    code: int
    out: str
    err: str
    seconds: float

    @property
    def report(self) -> dict[str, Any]:
        """What --json printed."""
        found: dict[str, Any] = orjson.loads(self.out.splitlines()[-1])
        return found


@attrs.define
class Running:
    """A process under way, killed at the end of the test whatever happens."""

    process: subprocess.Popen[str]
    began: float = attrs.Factory(time.monotonic)

    @property
    def pid(self) -> int:
        return self.process.pid

    def send(self, number: int) -> None:
        self.process.send_signal(number)

    def wait(self, seconds: float = PATIENCE_SECONDS) -> Ended:
        out, err = self.process.communicate(timeout=seconds)
        return Ended(self.process.returncode, out, err, time.monotonic() - self.began)


class Desk:
    """A folder with papers, a storage, an output and the fake's remote file."""

    def __init__(self, folder: Path, papers: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.papers = papers
        self.output = folder / "out.jsonl"
        self.remote = folder / "remote.jsonl"
        self._running: list[Running] = []

    def __enter__(self) -> Desk:
        return self

    def __exit__(self, *_: object) -> None:
        for running in self._running:
            running.process.kill()  # nothing happens to one that has ended
            if running.process.stdout is not None and not running.process.stdout.closed:
                running.process.communicate()

    def backend(self, mode: str, **parameters: object) -> str:
        """Return the fake's address, on real time and on this desk's remote file."""
        query = "&".join(f"{name}={value}" for name, value in parameters.items())
        return f"fake:{self.remote}?mode={mode}&clock=real&{query}"

    def start(self, *arguments: object) -> Running:
        process = subprocess.Popen(
            [*PROGRAM, *map(str, arguments)],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
            start_new_session=True,
        )
        self._running.append(Running(process))
        return self._running[-1]

    def run(self, *arguments: object) -> Ended:
        return self.start(*arguments).wait()

    def generate(self, backend: str, *more: object, papers: Path | None = None, output: Path | None = None) -> Running:
        """Start ``generate`` with a JSON report."""
        chosen = (papers or self.papers, "--output", output or self.output)
        return self.start("generate", *chosen, "--backend", backend, "--max-samples", 9, "--json", *more)

    def paid(self) -> dict[str, Any]:
        """Read the fake's own books."""
        return FakeService(self.remote).totals()

    def stored(self, job_id: str) -> StoredJob:
        """Read a job's objects back."""
        return asyncio.run(read_job(FileStorage(self.folder / "batch_jobs"), job_id))

    def jobs(self) -> list[str]:
        """Name the jobs that have a folder."""
        return sorted(path.name for path in self.folder.glob("batch_jobs/*"))

    def remote_has(self, operation: str, times: int = 1) -> bool:
        """Say whether the service has recorded so many operations: create, call, cancel."""
        return self.remote.is_file() and self.remote.read_bytes().count(b'"op":"%s"' % operation.encode()) >= times


def until(holds: Callable[[], bool], what: str) -> None:
    """Wait for something that another process does."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < end, f"{what} did not happen"
        time.sleep(0.005)
