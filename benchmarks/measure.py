"""Measures whole processes in turn: wall, CPU, peak memory of a process and its children, and ratios pair by pair."""

from __future__ import annotations

import argparse
import compileall
import contextlib
import functools
import os
import platform
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import attrs
import orjson

import qwen_dataset

HERE = Path(__file__).resolve().parent
BASELINES = HERE / "baselines"
SAMPLE_SECONDS = 0.1  # at a fifth of it looking cost a process of many threads a tenth of its own CPU
MB = 1_000_000


@attrs.frozen(kw_only=True)
class Run:
    """One run of one process with its children: seconds, CPU seconds, peak memory in bytes, what it printed."""

    wall: float
    cpu: float
    peak: int
    output: str = ""


@attrs.frozen(kw_only=True)
class Series:
    """Several runs of the same thing; figures are medians."""

    name: str
    runs: Sequence[Run]

    @property
    def wall(self) -> float:
        return statistics.median(run.wall for run in self.runs)

    @property
    def cpu(self) -> float:
        return statistics.median(run.cpu for run in self.runs)

    @property
    def peak(self) -> float:
        return statistics.median(run.peak for run in self.runs)


@functools.cache
def compile_as_installed() -> None:
    """Compile the package, these programs, and what is installed, in place, as ``pip install`` does what it installs.

    A checkout is compiled when it is first imported, and each time anew where PYTHONDONTWRITEBYTECODE is set.
    """
    for folder in (Path(qwen_dataset.__file__).parent, HERE):
        if not compileall.compile_dir(folder, quiet=1):
            raise SystemExit(f"{folder} cannot be compiled")
    # Some that others installed is for another Python, and nobody imports it.
    compileall.compile_dir(sysconfig.get_path("purelib"), quiet=2)


def run(
    command: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    source: Sequence[str] | None = None,
) -> Run:
    """Run a command to its end, which must be 0; ``source`` is a command whose output it reads, and not measured."""
    compile_as_installed()
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as complained, contextlib.ExitStack() as stack:
        feeding = None
        if source is not None:
            feeding = stack.enter_context(subprocess.Popen(source, stdout=subprocess.PIPE))
        started = time.perf_counter()
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL if feeding is None else feeding.stdout,
            stdout=said,
            stderr=complained,
            env=None if env is None else {**os.environ, **env},
            cwd=cwd,
        )
        with Peak(process.pid) as peak:
            # The usage of this process and of those that it waited for, and of no other.
            _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        output = said.read().decode()
        if process.returncode:
            complained.seek(0)
            told = complained.read().decode()[-4000:]
            raise SystemExit(f"{' '.join(command)} ended with {process.returncode}:\n{told}")
    return Run(wall=wall, cpu=usage.ru_utime + usage.ru_stime, peak=peak.bytes, output=output)


def note(text: str) -> None:
    """Say what is known so far: the tables come last, and that may be more than an hour later."""
    print(text, file=sys.stderr, flush=True)


def interleaved(runs: Mapping[str, Callable[[], Run]], *, times: int) -> dict[str, Series]:
    """Run each in turn, A B A B …, so often; say what was measured as it goes."""
    found: dict[str, list[Run]] = {name: [] for name in runs}
    for number in range(times):
        for name, make in runs.items():
            made = make()
            found[name].append(made)
            note(
                f"{number + 1}/{times} {name:24} wall {made.wall:8.2f} s  cpu {made.cpu:8.2f} s "
                f" peak {made.peak / MB:6.0f} MB"
            )
    return {name: Series(name=name, runs=each) for name, each in found.items()}


def ratios(ours: Series, other: Series, figure: str) -> float:
    """Return the median of the ratios pair by pair, so that a machine whose speed drifts is no trouble."""
    pairs = zip(ours.runs, other.runs, strict=True)
    return float(statistics.median(getattr(one, figure) / getattr(two, figure) for one, two in pairs))


@contextlib.contextmanager
def stub(*options: str) -> Iterator[str]:
    """Run the loopback service and give its base URL."""
    process = subprocess.Popen([sys.executable, str(HERE / "stub.py"), *options], stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        port = orjson.loads(process.stdout.readline())["port"]
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


@contextlib.contextmanager
def local_server(*options: str) -> Iterator[dict[str, str]]:
    """Run the project's local server and give its URLs, as it says them."""
    command = [sys.executable, "-m", "qwen_dataset.testing.bailian", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        yield orjson.loads(process.stdout.readline())
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


def told(base_url: str, path: str) -> Any:
    """Return what the loopback service says of itself."""
    with urllib.request.urlopen(f"{base_url}/{path}", timeout=60) as answer:
        return orjson.loads(answer.read())


def machine() -> str:
    """Return what was measured on, and which versions, in one sentence."""
    names = (
        "qwen-dataset",
        "openai",
        "httpx",
        "aiohttp",
        "dashscope",
        "orjson",
        "msgspec",
        "attrs",
        "cattrs",
        "obstore",
        "xxhash",
    )
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in names)
    processor = next(
        (
            line.partition(":")[2].strip()
            for line in _read("/proc/cpuinfo").splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    return f"{os.cpu_count()} cores ({processor}), {platform.system()}, Python {platform.python_version()}; {versions}"


def parser_of(description: str, *, prompts: int) -> argparse.ArgumentParser:
    """Return a command line with a number of prompts and of runs."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--prompts", type=int, default=prompts, help=f"how many are asked [{prompts}]")
    parser.add_argument("--times", type=int, default=3, help="runs of each, in turn [3]")
    return parser


def table(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as a Markdown table; the first is its head."""
    head, *others = rows
    lines = [head, ["---"] * len(head), *others]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def blocks_told(blocks: Mapping[str, int]) -> str:
    """Return blocks of an event loop as a Markdown list, the most frequent first."""
    ranked = sorted(blocks.items(), key=lambda each: (-each[1], each[0]))
    return "".join(f"- {count} × `{where}`\n" for where, count in ranked) or "- none\n"


def figures(series: Series) -> list[str]:
    """Return the cells of one row: wall, CPU, peak memory."""
    return [series.name, f"{series.wall:.2f} s", f"{series.cpu:.2f} s", f"{series.peak / MB:.0f} MB"]


class Peak:
    """Watches the memory of a process and all its descendants, some ten times a second; Linux only, else 0.

    Of a single process no peak between two looks is missed, as the system keeps its high-water mark; several together
    are counted as they are at a look.
    """

    def __init__(self, pid: int) -> None:
        self.before = self.bytes = 0
        self._mark = 0  # the most that a process held before it was watched
        self._pid = pid
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Peak:
        self.before, self._mark = _held(self._pid)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while True:
            held, most = _held(self._pid)
            self.bytes = max(self.bytes, held, most if most > self._mark else 0)
            if self._done.wait(SAMPLE_SECONDS):
                return


def _held(pid: int) -> tuple[int, int]:
    """Return the bytes that a process and its descendants hold together, and the most that one of them ever held.

    Pages that they share are counted for each.
    """
    held = most = 0
    for each in _tree(pid):
        said = dict(line.split(":", 1) for line in _read(f"/proc/{each}/status").splitlines())
        held += _bytes(said.get("VmRSS", "0 kB"))
        most = max(most, _bytes(said.get("VmHWM", "0 kB")))
    return held, most


def _tree(pid: int) -> list[int]:
    found = [pid]
    for each in found:
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{each}/task").iterdir():
                found += map(int, _read(f"{task}/children").split())
    return found


def _bytes(said: str) -> int:
    """Return the bytes of what Linux says as kilobytes."""
    return int(said.removesuffix("kB")) * 1024


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
