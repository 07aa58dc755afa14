"""resume, rebuild, rejects, cancel, status: unknown, ambiguous and shortened names, and no job at all."""

from __future__ import annotations

import json
from typing import Any

import pytest

NAMED = ["resume", "rebuild", "rejects", "cancel", "status"]


@pytest.mark.parametrize("command", ["resume", pytest.param("rejects", marks=pytest.mark.long)])
def test_no_job_at_all_says_how_to_make_one(cli: Any, command: str) -> None:
    cli.run(command).fails(2, "batch_jobs", "generate")
    assert not (cli.home / "batch_jobs").exists()


@pytest.mark.long
def test_no_job_at_all_is_not_an_error_for_status(cli: Any) -> None:
    cli.run("status").works()
    assert cli.run("status", "--json").works().out.strip() in {"", "[]"}
    assert not (cli.home / "batch_jobs").exists()


@pytest.mark.parametrize(
    "command", ["rebuild", *(pytest.param(n, marks=pytest.mark.long) for n in NAMED if n != "rebuild")]
)
def test_an_unknown_name(cli: Any, command: str) -> None:
    cli.run(command, "ghost").fails(2, "ghost", "status")


@pytest.mark.long
@pytest.mark.parametrize("name", ["", "..", "../papers", "/", "*", "a/b", "\n", "x" * 5000, "名字"])
@pytest.mark.parametrize("command", NAMED)
def test_a_silly_name(cli: Any, command: str, name: str) -> None:
    cli.generate(cli.papers()).works()
    cli.generate("papers", "--job-name", "other", output="other.jsonl").works()
    cli.run(command, name).fails(2)


def test_prefixes_ambiguity_and_the_newest(cli: Any) -> None:
    folder = cli.papers()
    cli.generate(folder, "--job-name", "alpha").works()
    cli.generate(folder, "--job-name", "albert", output="albert.jsonl").works()
    for command in ("resume", "cancel"):
        cli.run(command, "al").fails(2, "alpha", "albert")
    assert json.loads(cli.run("status", "alp", "--json").works().out)["job"].startswith("alpha-")
    assert cli.run("rebuild", "albert", "--json").works().json["job"].startswith("albert-")
    assert cli.run("resume", "--json").works().json["job"].startswith("albert-")
    assert cli.paid()["paid"] == 4


@pytest.mark.long
def test_an_exact_name_wins_over_a_longer_one(cli: Any) -> None:
    folder = cli.papers()
    name = cli.generate(folder, "--job-name", "run", "--json").works().json["job"]
    cli.generate(folder, "--job-name", f"{name}2", output="b.jsonl").works()
    assert json.loads(cli.run("status", name, "--json").works().out)["job"] == name


@pytest.mark.long
def test_submit_exit_collect_in_three_processes(cli: Any) -> None:
    folder = cli.papers()
    first = cli.generate(folder, "--no-wait").works()
    assert "qwen-dataset resume" in first.out
    assert not (cli.home / "o.jsonl").exists()
    report = cli.run("resume", "--json").works().json
    assert report["samples"] == len(cli.samples()) == 4
    assert cli.paid() == {"jobs": 1, "paid": 4, "paid_twice": 0, "ids_paid_twice": []}


@pytest.mark.long
def test_cancel_keeps_everything_and_resume_goes_on(cli: Any) -> None:
    folder = cli.papers()
    slow = "fake:?clock=real&duration=30"
    cli.generate(folder, "--no-wait", backend=slow).works()
    said = cli.run("cancel", "instruct").works()
    assert "resume" in said.out + said.err
    cli.run("cancel", "instruct").works()
    stopped = cli.run("status", "--json").works().json
    assert stopped["requests"] == stopped["completions"] + stopped["failures"] + stopped["unanswered"]
    cli.run("resume", "--backend", "fake", "--json").works()
    assert len(cli.samples()) == 4
    assert cli.paid()["paid_twice"] == 0


@pytest.mark.long
def test_cancel_of_a_finished_job_changes_nothing(cli: Any) -> None:
    cli.generate(cli.papers()).works()
    cli.run("cancel", "instruct").works()
    assert cli.run("status", "--json").works().json["completions"] == 4
    assert len(cli.samples()) == 4


@pytest.mark.long
def test_requests_under_way_elsewhere_are_never_bought_again(cli: Any) -> None:
    folder = cli.papers()
    slow = "fake:?clock=real&duration=600"
    name = cli.generate(folder, "--job-name", "first", "--no-wait", "--json", backend=slow).works().json["job"]
    cli.generate(folder, "--job-name", "second", output="second.jsonl").fails(3, name)
    assert cli.paid()["paid"] == 4


@pytest.mark.long
def test_rebuild_of_a_finished_job_is_free_and_equal(cli: Any) -> None:
    cli.generate(cli.papers()).works()
    before = (cli.home / "o.jsonl").read_bytes()
    (cli.home / ".qwen-dataset-fake.jsonl").unlink()
    cli.run("rebuild", "instruct", "-o", "again.jsonl").works()
    assert (cli.home / "again.jsonl").read_bytes() == before
    assert not (cli.home / ".qwen-dataset-fake.jsonl").exists()


@pytest.mark.long
def test_another_realm_is_refused_for_a_stored_job(cli: Any) -> None:
    cli.generate(cli.papers(), "--no-wait").works()
    cli.run("resume", "--backend", "fake:?seed=9").fails(2, "fake:9")


@pytest.mark.long
@pytest.mark.parametrize("command", ["resume", "rebuild"])
def test_a_bad_output_for_an_old_job(cli: Any, command: str) -> None:
    cli.generate(cli.papers()).works()
    cli.run(command, "instruct", "-o", "missing/o.jsonl").fails(2, "missing")
    cli.write("mine", "precious")
    cli.run(command, "instruct", "-o", "mine").fails(2, "mine", "--force")
    assert (cli.home / "mine").read_text() == "precious"
