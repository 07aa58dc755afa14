from __future__ import annotations

import os
import signal
import subprocess
import sys

import attrs
import pytest

from qwen_dataset.app.wiring.process import is_alive, this_process

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


def test_this_process_lives() -> None:
    assert this_process() == this_process()
    assert this_process().pid == os.getpid()
    assert is_alive(this_process()) is True


@pytest.mark.parametrize("field", ["host", "boot", "pid_namespace"])
def test_another_place_cannot_be_judged(field: str) -> None:
    assert is_alive(attrs.evolve(this_process(), **{field: "elsewhere"})) is None


def test_without_a_boot_id_nothing_can_be_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qwen_dataset.app.wiring.process._boot", lambda: "")
    assert is_alive(this_process()) is None


def test_a_killed_process_is_dead_even_before_its_parent_looks() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        started = _started(child.pid)
        other = attrs.evolve(this_process(), pid=child.pid, started=started)
        assert is_alive(other) is True
        child.send_signal(signal.SIGKILL)
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert is_alive(other) is False, "a zombie"
    finally:
        child.kill()
        child.communicate()
    assert is_alive(other) is False


def test_a_pid_that_was_given_again_is_another_process() -> None:
    assert is_alive(attrs.evolve(this_process(), started="1")) is False


def _started(pid: int) -> str:
    from qwen_dataset.app.wiring import process

    return process._started(pid)
