"""Whole programs for tests over HTTP: the command line as its users start it, and servers of their own beside it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest

ROOT = Path(__file__).resolve().parents[2]
KEY = "sk-test0123456789abcdef"
PATIENCE_SECONDS = 60.0

_PROGRAM = "from qwen_dataset.app.cli.main import main; main()"

# At its end a program writes its peak of memory, VmHWM, and what it has imported into a file. The peak that the system
# tells a parent will not do: it holds the parent's own pages from before the exec.
_WEIGHED = """
import atexit, json, sys
from pathlib import Path
def weigh():
    kib = int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
    Path(FILE).write_text(json.dumps({"kib": kib, "modules": list(sys.modules)}))
atexit.register(weigh)
"""
_IMPORTS = """
import contextlib, importlib
for name in json.loads(Path(MODULES).read_text())["modules"]:
    with contextlib.suppress(Exception):
        importlib.import_module(name)
"""


@attrs.frozen(kw_only=True)
class Ended:
    """How a program ended: its exit code (negative: the signal) and what it printed; ``seconds`` on the wall."""

    code: int
    out: str
    err: str
    seconds: float

    def works(self, code: int = 0) -> Ended:
        """Return this, or fail where it ended otherwise or showed what nobody may see."""
        assert self.code == code, f"exit {self.code}: {self.err}"
        assert "Traceback" not in self.err, self.err
        assert KEY not in self.out + self.err
        return self

    @property
    def report(self) -> dict[str, Any]:
        """What --json printed last."""
        found: dict[str, Any] = json.loads(self.out.splitlines()[-1])
        return found


@attrs.frozen(kw_only=True)
class Weight:
    """What a program took at most, and what another takes that only imports the same modules. Megabytes."""

    peak: float
    imports: float

    @property
    def own(self) -> float:
        return self.peak - self.imports


@attrs.frozen
class Home:
    """A working folder and the few variables that programs in it see; nothing of whoever runs the tests."""

    folder: Path
    variables: dict[str, str] = attrs.field(factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        kept = ("PATH", "HOME", "TMPDIR", "VIRTUAL_ENV")
        inherited = {name: os.environ[name] for name in kept if name in os.environ}
        return {**inherited, "QWEN_DATASET_LANG": "en", "LC_ALL": "C.UTF-8", "COLUMNS": "200", **self.variables}

    def start(self, *arguments: object) -> subprocess.Popen[str]:
        """Start the command line."""
        return self._start(_PROGRAM, *arguments)

    def run(self, *arguments: object, seconds: float = PATIENCE_SECONDS) -> Ended:
        """Run the command line to its end."""
        return end_of(self.start(*arguments), seconds)

    def killed(self, *arguments: object, when: Callable[[], bool]) -> None:
        """Start the command line and kill it the moment that something is so; fail where it ends before."""
        process = self.start(*arguments)
        try:
            wait_until(lambda: when() or process.poll() is not None)
        finally:
            process.kill()
            ended = end_of(process)
        assert ended.code == -signal.SIGKILL, f"it had ended with {ended.code}: {ended.err}"

    def weighed(self, *arguments: object, seconds: float = PATIENCE_SECONDS) -> tuple[Ended, Weight]:
        """Run the command line to its end, and weigh it. Only where there is /proc."""
        whole, empty = self.folder / "whole.json", self.folder / "empty.json"
        ended = end_of(self._start(_weighed(whole) + _PROGRAM, *arguments), seconds).works()
        end_of(self._start(f"MODULES = {str(whole)!r}\n{_weighed(empty)}{_IMPORTS}")).works()
        peak, imports = (json.loads(file.read_text())["kib"] / 1024 for file in (whole, empty))
        return ended, Weight(peak=peak, imports=imports)

    def _start(self, program: str, *arguments: object) -> subprocess.Popen[str]:
        return _started([sys.executable, "-c", program, *map(str, arguments)], self.folder, self.environment)


def _weighed(file: Path) -> str:
    return f"FILE = {str(file)!r}\n{_WEIGHED}"


def _started(command: list[str], folder: Path, environment: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )


def end_of(process: subprocess.Popen[str], seconds: float = PATIENCE_SECONDS) -> Ended:
    """Wait for a program; one that takes longer is killed and the test fails."""
    began = time.monotonic()
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        raise AssertionError(f"no end in {seconds:g} seconds: {err}") from None
    return Ended(code=process.returncode, out=out, err=err, seconds=time.monotonic() - began)


def wait_until(is_so: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
    """Wait until something is so, and fail where it never is."""
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, f"it did not come to that in {seconds:g} seconds"
        time.sleep(0.01)


def get_json(url: str) -> Any:
    """Ask a server on loopback, whatever proxies are set."""
    with _DIRECT.open(url, timeout=PATIENCE_SECONDS) as reply:
        return json.loads(reply.read())


_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@attrs.frozen(kw_only=True)
class Far:
    """A local Bailian server in a process of its own."""

    base_url: str
    control_url: str
    pid: int

    def ledger(self) -> dict[str, Any]:
        found: dict[str, Any] = get_json(f"{self.control_url}/ledger")
        return found


@contextmanager
def far_server(home: Home, **settings: object) -> Iterator[Far]:
    """Run ``python -m qwen_dataset.testing.bailian`` with these settings while the block runs."""
    flags = [word for name, value in settings.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    command = [sys.executable, "-m", "qwen_dataset.testing.bailian", *flags]
    process = _started(command, home.folder, home.environment)
    try:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline() or "null")
        assert told, "the server did not start"
        yield Far(base_url=told["base_url"], control_url=told["control_url"], pid=told["pid"])
    finally:
        process.terminate()
        end_of(process)


@attrs.frozen
class LLMock:
    """llmock: a server of somebody else's, with the whole protocol of batches and no filters."""

    base_url: str
    port: int
    pid: int

    def batches(self) -> list[dict[str, Any]]:
        """Return its own list of batches, the newest first, page by page."""
        found: list[dict[str, Any]] = []
        while True:
            after = f"&after={found[-1]['id']}" if found else ""
            page = get_json(f"{self.base_url}/batches?limit=100{after}")
            found += page["data"]
            if not page["has_more"]:
                return found


@contextmanager
def llmock(folder: Path) -> Iterator[LLMock]:
    """Run llmock from PyPI, which answers with what it was asked. Skips the test where it is not installed."""
    program = Path(sys.executable).with_name("llmock")
    found = str(program) if program.exists() else shutil.which("llmock")
    if found is None:
        pytest.skip("llmock is not installed: pip install llmock")
    port = free_port()
    flags = ["--host", "127.0.0.1", "--port", str(port), "--response-style", "echo", "--log-level", "error"]
    with (folder / "llmock.log").open("wb") as log:
        process = subprocess.Popen(
            [found, "serve", *flags], cwd=folder, env=Home(folder).environment, stdin=subprocess.DEVNULL,
            stdout=log, stderr=log,
        )  # fmt: skip
    server = LLMock(f"http://127.0.0.1:{port}/v1", port, process.pid)

    def answers() -> bool:
        assert process.poll() is None, (folder / "llmock.log").read_text()
        try:
            return server.batches() == []
        except OSError:
            return False

    try:
        wait_until(answers)
        yield server
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def shared_papers() -> Path | None:
    """Return the folder of real papers in Markdown, None where it is not there."""
    folder = ROOT.parent / "shared" / "papers" / "markdown"
    return folder if folder.is_dir() else None
