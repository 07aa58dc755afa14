"""Two processes on one job, and one process that is asked to stop."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from commands import Desk, until
from world import write_papers

PAPERS = ["alpha", "beta", "gamma"]
REQUESTS = 4 * len(PAPERS)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with Desk(tmp_path / "desk", write_papers(tmp_path / "papers", PAPERS, sections=4)) as made:
        yield made


def check_all_paid_once(desk: Desk, report: dict[str, object]) -> None:
    assert (report["requests"], report["completions"], report["unanswered"]) == (REQUESTS, REQUESTS, 0)
    desk.stored(str(report["job"])).check()
    assert desk.paid() == {"jobs": desk.paid()["jobs"], "paid": REQUESTS, "paid_twice": 0, "ids_paid_twice": []}


def test_the_second_process_says_who_has_the_job_and_takes_over_when_the_first_is_killed(desk: Desk) -> None:
    """A dead owner on this machine is recognised: nobody waits for the 60 seconds of a lease."""
    backend = desk.backend("batch", duration=6)
    owner = desk.generate(backend)
    until(lambda: desk.remote_has("create"), "the submission")

    second = desk.generate(backend).wait()
    assert second.code == 3
    assert f"is being worked on by process {owner.pid} on {socket.gethostname()}" in second.err
    (job,) = desk.jobs()
    resuming = desk.run("resume", job)
    assert resuming.code == 3
    assert f"process {owner.pid} on {socket.gethostname()}" in resuming.err
    assert owner.process.poll() is None, "the owner was to be at work all the time"

    # Its parent has not noticed yet, so a zombie is all that is left of it: it has no job any more.
    owner.send(signal.SIGKILL)
    heir = desk.generate(backend).wait()
    assert heir.code == 0, heir.err
    assert heir.seconds < 20
    check_all_paid_once(desk, heir.report)
    assert desk.paid()["jobs"] == 1


def test_the_owner_is_not_disturbed_by_others_who_ask(desk: Desk) -> None:
    # Long enough for two processes to start on a busy machine.
    backend = desk.backend("realtime", latency=1.2, concurrency=4)
    owner = desk.generate(backend)
    until(lambda: desk.remote_has("call"), "the first call")
    others = [desk.generate(backend), desk.start("rebuild", desk.jobs()[0])]
    assert [other.wait().code for other in others] == [3, 3]
    ended = owner.wait()
    assert ended.code == 0, ended.err
    check_all_paid_once(desk, ended.report)


@pytest.mark.parametrize("mode", ["batch", "realtime"])
def test_an_interrupted_run_keeps_what_was_paid_and_prints_how_to_go_on(desk: Desk, mode: str) -> None:
    parameters = {"duration": 2.0} if mode == "batch" else {"latency": 0.6, "concurrency": 3}
    running = desk.generate(desk.backend(mode, **parameters))
    operation, times = ("create", 1) if mode == "batch" else ("call", 4)
    until(lambda: desk.remote_has(operation, times), "the first payments")
    running.send(signal.SIGINT)
    stopped = running.wait(20)
    (job,) = desk.jobs()
    assert stopped.code == 130
    assert f"qwen-dataset resume {job}" in stopped.err
    assert stopped.out == ""
    assert not desk.output.exists()
    if mode == "realtime":
        # The three of the second wave were in flight: awaited and stored, and no fourth was begun.
        calls = desk.paid()["paid"]
        assert 4 <= calls <= 6
        assert len(desk.stored(job).outcomes) == calls

    finished = desk.run("resume", job, "--json")
    assert finished.code == 0, finished.err
    check_all_paid_once(desk, finished.report)
    assert desk.paid()["jobs"] == (1 if mode == "batch" else 0)
    assert len(desk.output.read_bytes().splitlines()) == finished.report["samples"]


def test_sigterm_stops_as_cleanly_as_ctrl_c(desk: Desk) -> None:
    backend = desk.backend("realtime", latency=0.5, concurrency=2)
    running = desk.generate(backend)
    until(lambda: desk.remote_has("call", 2), "the first calls")
    running.send(signal.SIGTERM)
    stopped = running.wait(20)
    assert stopped.code == 130
    assert f"qwen-dataset resume {desk.jobs()[0]}" in stopped.err
    assert len(desk.stored(desk.jobs()[0]).outcomes) == desk.paid()["paid"]


def test_a_second_ctrl_c_does_not_wait_for_the_calls_in_flight(desk: Desk) -> None:
    running = desk.generate(desk.backend("realtime", latency=300, concurrency=2))
    until(lambda: desk.remote_has("call", 2), "the first calls")
    running.send(signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):
        running.process.wait(1.0)  # the first one waits for what is paid
    running.send(signal.SIGINT)
    stopped = running.wait(10)
    assert stopped.code == 130
    assert "stopped at once" in stopped.err
    # The lease was given back, so the next process need not look whether this one lives.
    (job,) = desk.jobs()
    (lease,) = (desk.folder / "batch_jobs" / job / "lease").iterdir()
    assert orjson.loads(lease.read_bytes())["released"] is True


def test_the_books_of_the_fake_can_be_read_by_a_person(desk: Desk) -> None:
    assert desk.generate(f"fake:{desk.remote}?mode=batch").wait().code == 0
    module = "qwen_dataset.adapters.inference.fake.service"
    printed = subprocess.run([sys.executable, "-m", module, desk.remote], capture_output=True, text=True, check=True)
    assert orjson.loads(printed.stdout) == {"jobs": 1, "paid": REQUESTS, "paid_twice": 0, "ids_paid_twice": []}
