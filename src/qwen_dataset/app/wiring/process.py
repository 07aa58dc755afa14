"""Which process this is, and whether another one still lives."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

from ..engine.lease import Process

_PROC = Path("/proc")


def this_process() -> Process:
    """Describe the running process."""
    pid = os.getpid()
    return Process(host=socket.gethostname(), boot=_boot(), pid_namespace=_namespace(), pid=pid, started=_started(pid))


def is_alive(process: Process) -> bool | None:
    """Say whether a process lives; None where that cannot be told from here (another host, boot or pid namespace)."""
    here = this_process()
    same_place = (here.host, here.boot, here.pid_namespace) == (process.host, process.boot, process.pid_namespace)
    if not same_place or not here.boot:
        return None
    # A pid is used again after a while; its start time tells the second user from the first.
    return _started(process.pid) == process.started


def _boot() -> str:
    if sys.platform == "darwin":
        return _run("sysctl", "-n", "kern.boottime")
    return _read(_PROC / "sys/kernel/random/boot_id")


def _namespace() -> str:
    try:
        return str((_PROC / "self/ns/pid").readlink())
    except OSError:
        return ""


def _started(pid: int) -> str:
    """Return when a process began, "" if there is none."""
    if sys.platform == "darwin":
        return _run("ps", "-o", "lstart=", "-p", str(pid))
    stat = _read(_PROC / str(pid) / "stat")
    # The name, in parentheses, may hold anything; the state follows it, and the start time is the 20th after that.
    fields = stat.rpartition(")")[2].split()
    if not fields or fields[0] in ("Z", "X"):
        # A zombie spends nothing any more: it only waits for its parent.
        return ""
    return fields[19]


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _run(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=10).stdout.strip()  # noqa: S603 - fixed programs
    except (OSError, subprocess.TimeoutExpired):
        return ""
