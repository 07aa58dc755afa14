"""Ctrl-C, closed pipes, plain terminals, quiet and JSON."""

from __future__ import annotations

import json
import re
import shlex
import signal
import time
from typing import Any

import pytest

SLOW = "fake:?clock=real&duration=30"


def _interrupted(cli: Any, *more: str, backend: str = SLOW) -> tuple[int, str]:
    process = cli.start("generate", "papers", "--backend", backend, "-o", "o.jsonl", "--poll", "1", "--batch", *more)
    ledger = cli.home / ".qwen-dataset-fake.jsonl"
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and not (ledger.exists() and ledger.stat().st_size):
        time.sleep(0.05)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    words = process.communicate(timeout=20)[1].decode()
    return process.returncode, words


def _resume_line(words: str) -> list[str]:
    found = re.findall(r"qwen-dataset (resume [^\n`]*)", words)
    assert found, words
    return shlex.split(found[-1])


def test_ctrl_c_while_waiting_stops_and_prints_a_resume_command_that_works(cli: Any) -> None:
    cli.papers()
    code, words = _interrupted(cli)
    assert code == 130
    assert "Traceback" not in words
    cli.run(*_resume_line(words), "--backend", "fake", timeout=90).works()
    assert len(cli.samples()) == 4
    assert cli.paid()["paid_twice"] == 0


@pytest.mark.long
def test_the_resume_command_finds_a_job_in_another_storage(cli: Any) -> None:
    cli.papers()
    code, words = _interrupted(cli, "--storage", "file:my jobs", backend="fake:?clock=real&duration=4")
    assert code == 130
    cli.run(*_resume_line(words)).works()
    assert len(cli.samples()) == 4


def test_the_collect_command_of_no_wait_finds_a_job_in_another_storage(cli: Any) -> None:
    said = cli.generate(cli.papers(), "--no-wait", "--storage", "file:jobs2").works()
    cli.run(*_resume_line(said.out)).works()
    assert len(cli.samples()) == 4


@pytest.mark.long
def test_the_hint_at_the_rejects_finds_a_job_in_another_storage(cli: Any) -> None:
    said = cli.generate(cli.papers(), "--storage", "file:jobs2", backend="fake:?lie=1").works()
    found = re.findall(r"qwen-dataset (rejects [^\n`]*)", said.out)
    assert found, said.out
    assert cli.run(*shlex.split(found[-1])).works().out


@pytest.mark.long
def test_ctrl_c_in_realtime_keeps_what_was_answered(cli: Any) -> None:
    cli.papers()
    backend = "fake:?mode=realtime&clock=real&latency=2&concurrency=1"
    process = cli.start("generate", "papers", "--backend", backend, "-o", "o.jsonl")
    ledger = cli.home / ".qwen-dataset-fake.jsonl"
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and not (ledger.exists() and ledger.stat().st_size):
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    words = process.communicate(timeout=30)[1].decode()
    assert process.returncode == 130, words
    assert "Traceback" not in words
    cli.generate("papers", backend="fake:?mode=realtime").works()
    assert cli.paid()["paid_twice"] <= 1


@pytest.mark.parametrize(
    "args",
    [
        ("papers", "many", "--text"),
        pytest.param(("papers", "many", "--json"), marks=pytest.mark.long),
        pytest.param(("papers", "many"), marks=pytest.mark.long),
    ],
)
def test_a_reader_that_leaves_early_is_no_error_of_ours(cli: Any, check: Any, args: tuple[str, ...]) -> None:
    for number in range(60):
        cli.write(f"many/{number}.md", f"# Paper {number}\n\n" + check.english * 10)
    process = cli.start(*args)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.read(10)
    process.stdout.close()
    with process.stderr:
        words = process.stderr.read().decode()
    process.wait(timeout=30)
    assert "Traceback" not in words
    assert "Exception ignored" not in words
    assert "Broken" not in words


@pytest.mark.parametrize("stream", ["stderr", pytest.param("stdout", marks=pytest.mark.long)])
def test_nothing_is_lost_when_nobody_listens(cli: Any, stream: str) -> None:
    """`generate ... | head -1`: no stack, and what was begun can be finished without paying twice."""
    cli.papers()
    process = cli.start("generate", "papers", "--backend", "fake", "-o", "o.jsonl", "--batch")
    getattr(process, stream).close()
    other = process.stderr if stream == "stdout" else process.stdout
    with other:
        words = other.read().decode()
    process.wait(timeout=30)
    assert "Traceback" not in words
    cli.finishes("papers", samples=4)


@pytest.mark.parametrize(
    "env", [{"NO_COLOR": "1", "TERM": "dumb", "COLUMNS": "40"}, pytest.param({"COLUMNS": "1"}, marks=pytest.mark.long)]
)
def test_plain_terminals_get_plain_whole_lines(cli: Any, check: Any, env: dict[str, str]) -> None:
    said = cli.generate(cli.papers(), env=env).works()
    assert "\x1b" not in said.out + said.err
    assert "\r" not in said.out + said.err
    check.printed(said.out)
    status = cli.run("status", env=env).works()
    assert "\x1b" not in status.out
    assert len(status.out.splitlines()) == 1


@pytest.mark.long
def test_an_ascii_world_still_works(cli: Any) -> None:
    world = {"LC_ALL": "C", "LANG": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    cli.papers()
    cli.generate("papers", env=world).works()
    assert any("双" in sample["instruction"] + sample["output"] for sample in cli.samples())
    cli.run("papers", "papers", env=world).works()
    done = cli.run("papers", "papers/b.md", "--text", env=world).works()
    assert "双势阱" in done.out, "the text is printed exactly"


def test_quiet_prints_nothing_on_success(cli: Any) -> None:
    cli.papers()
    for args in (("generate", "papers", "--backend", "fake", "-o", "o.jsonl"), ("rebuild", "instruct")):
        said = cli.run(*args, "--quiet").works()
        assert said.out == ""
        assert said.err == ""


@pytest.mark.long
def test_quiet_still_prints_errors(cli: Any) -> None:
    said = cli.generate("nowhere", "--quiet").fails(2, "nowhere")
    assert len(said.err.splitlines()) == 1


@pytest.mark.parametrize("backend", ["fake:?fail=1", "fake:?lie=1", pytest.param("fake", marks=pytest.mark.long)])
def test_json_is_one_object_on_stdout_and_nothing_else(cli: Any, check: Any, backend: str) -> None:
    said = cli.generate(cli.papers(), "--json", backend=backend).works(1 if "fail" in backend else 0)
    assert len(said.out.splitlines()) == 1
    report = json.loads(said.out)
    check.sums(report)
    assert sum(report["failures_by_kind"].values()) == report["failures"]
    assert sum(report["rejects_by_reason"].values()) == report["rejects"]


@pytest.mark.long
@pytest.mark.parametrize("command", ["resume", "rebuild", "status", "cancel", "rejects", "papers"])
def test_every_command_speaks_json(cli: Any, command: str) -> None:
    cli.generate(cli.papers(), "-q", backend="fake:?lie=0.5&seed=2").works()
    name = {"papers": ("papers",), "rejects": (), "status": ()}.get(command, ("instruct",))
    said = cli.run(command, *name, "--json").works()
    for line in said.out.splitlines():
        assert isinstance(json.loads(line), dict)


@pytest.mark.long
def test_errors_never_reach_the_json(cli: Any) -> None:
    assert cli.generate("nowhere", "--json").fails(2, "nowhere").out == ""
