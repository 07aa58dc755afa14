"""`prune` shows what would go, asks, and deletes that and nothing else."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import click
import pytest

from qwen_dataset.app.api.client import Client
from qwen_dataset.app.api.pruning import Pruner
from qwen_dataset.app.engine import prune as engine
from qwen_dataset.app.wiring.config import Config
from qwen_dataset.errors import JobBusy, JobUnfinished
from tests.library.stage import Said, Stage


@pytest.fixture
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    return Stage(tmp_path, monkeypatch)


def ask(inside: Stage, *prompts: str, name: str, wait: bool = True, backend: str = "fake") -> str:
    """Make a job of these prompts and return its id."""
    texts = [part for prompt in prompts for part in ("--prompt", prompt)]
    waiting = ["--wait"] if wait else []
    said = inside.call("batch", "create", *texts, *waiting, "--job-name", name, "--backend", backend, "--json")
    found: str = said.json["id"]
    return found


def prune(inside: Stage, *args: str, answer: str | None = None) -> Said:
    return inside.call("prune", *args, stdin=answer)


def stored(inside: Stage) -> dict[str, bytes]:
    return inside.tree("batch_jobs")


def leave_over(inside: Stage, job: str) -> str:
    """Put a segment there that no event names, as a process does that dies while it writes."""
    name = f"batch_jobs/{job}/segments/{'0' * 16}-00000001.jsonl"
    inside.write(name, "{}\n")
    return name


def test_nothing_to_delete_is_said_and_nothing_is_made(inside: Stage) -> None:
    for args in ((), ("--yes",), ("--older-than", "0h", "--yes")):
        assert "nothing to delete in file:batch_jobs" in prune(inside, *args).works().out
    assert prune(inside, "--json").works().out == ""
    assert stored(inside) == {}


def test_leftovers_go_and_the_job_stays_whole(inside: Stage) -> None:
    job = ask(inside, "one", name="talk")
    before = stored(inside)
    name = leave_over(inside, job)
    said = prune(inside, "--yes").works()
    assert said.out.splitlines() == [
        f"{job}: 1 objects that nothing needs",
        "to delete: 1 objects of 1 jobs",
        "deleted 1 objects of 1 jobs",
    ]
    after = stored(inside)
    assert name not in after
    assert {key for key in before if "/lease/" not in key} <= set(after)
    assert "1 completions" in inside.call("rebuild", job, "-o", "again.jsonl").works().out


@pytest.mark.parametrize("answer", ["n\n", "\n", "perhaps\n", "yess\n"])
def test_only_a_yes_deletes(inside: Stage, answer: str) -> None:
    name = leave_over(inside, ask(inside, "one", name="talk"))
    said = prune(inside, answer=answer).works()
    assert said.out.endswith("nothing was deleted\n")
    assert "Delete it? [y/N]" in said.err
    assert name in stored(inside)


@pytest.mark.parametrize("answer", ["y\n", "Yes\n", "是\n"])
def test_a_yes_deletes(inside: Stage, answer: str) -> None:
    name = leave_over(inside, ask(inside, "one", name="talk"))
    prune(inside, answer=answer).works()
    assert name not in stored(inside)


def test_where_nobody_answers_nothing_is_deleted(inside: Stage) -> None:
    name = leave_over(inside, ask(inside, "one", name="talk"))
    said = prune(inside, answer="").fails(2, "nothing was deleted", "--yes")
    assert "1 objects that nothing needs" in said.out
    assert name in stored(inside)


def test_ctrl_c_at_the_question_is_an_interruption(inside: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    name = leave_over(inside, ask(inside, "one", name="talk"))

    def interrupted(*_: object, **__: object) -> str:
        monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
        raise click.Abort

    monkeypatch.setattr(click, "prompt", interrupted)
    prune(inside).works(130)
    assert name in stored(inside)


def test_a_whole_job_goes_with_its_answers_logs_and_folder(inside: Stage) -> None:
    job, other = ask(inside, "one", "two", name="talk"), ask(inside, "three", name="other")
    assert list((inside.home / "batch_jobs" / job / "log").iterdir())
    said = prune(inside, "talk", "--yes").works()
    assert f"{job}: the whole job, " in said.out
    assert "with 2 paid answers" in said.out
    assert "2 paid answers go with it; to have them again may cost as much again" in said.out
    assert [path.name for path in (inside.home / "batch_jobs").iterdir()] == [other]
    assert len(inside.samples(f"{job}.jsonl")) == 2, "what was written for a person stays"
    (inside.home / f"{job}.jsonl").unlink()
    assert ask(inside, "one", "two", name="talk") == job
    assert len(inside.samples(f"{job}.jsonl")) == 2


def test_what_a_person_put_beside_a_job_stays(inside: Stage) -> None:
    job = ask(inside, "one", name="talk")
    for name in ("log/notes.log", "mine.txt"):
        inside.write(f"batch_jobs/{job}/{name}", "mine")
    prune(inside, "talk", "--yes").works()
    assert sorted(stored(inside)) == [f"batch_jobs/{job}/log/notes.log", f"batch_jobs/{job}/mine.txt"]


def test_copies_and_calls_that_may_have_been_paid_are_told(inside: Stage) -> None:
    ask(inside, "one", name="first")
    job = ask(inside, "one", "two", name="second")
    lost = ask(inside, "three", name="lost", backend="fake:?missing=1")
    said = prune(inside, "second", "lost", answer="n\n").works()
    assert f"{job}: the whole job, " in said.out
    assert "with 1 paid answers, 1 copied from other jobs" in said.out
    assert any(line.startswith(lost) and "1 calls that may have been paid" in line for line in said.out.splitlines())


def test_a_job_that_is_named_twice_goes_once(inside: Stage) -> None:
    job = ask(inside, "one", name="talk")
    assert "of 1 jobs" in prune(inside, "talk", job, job[:-3], answer="n\n").works().out


def test_old_jobs_go_whole_and_young_ones_stay(inside: Stage) -> None:
    done, going = ask(inside, "one", name="done"), ask(inside, "two", name="going", wait=False)
    leave_over(inside, done)
    assert done in prune(inside, "--older-than", "0h", answer="n\n").works().out
    said = prune(inside, "--older-than", "1d", answer="n\n").works()
    assert "the whole job" not in said.out
    said = prune(inside, "--older-than", "0h", "--yes").works()
    assert said.out.count(done) == 1, "what goes whole is not listed for its leftovers as well"
    assert list(inside.specs()) == [going]


def test_bad_input_is_told_at_once(inside: Stage) -> None:
    job = ask(inside, "one", name="going", wait=False)
    for age in ("30", "d", "-1d", "1w", "", "٣d", "1" * 9 + "d"):
        prune(inside, "--older-than", age).fails(2, "--older-than", "30d")
    prune(inside, "x", "--older-than", "month", "--storage", "nowhere:x").works(2)
    prune(inside, "x", "--older-than", "1d").fails(2, "not both")
    prune(inside, "ghost").fails(2, "ghost")
    prune(inside, "going", "--yes").fails(2, "not finished", f"qwen-dataset cancel {job}")
    assert list(inside.specs()) == [job]


def test_json_asks_nothing_and_tells_what_was_deleted(inside: Stage) -> None:
    job = ask(inside, "one", name="talk")
    said = prune(inside, "talk", "--json", answer="y\n").fails(2, "nothing was deleted", "--yes")
    assert said.json == said.json | {"job_id": job, "kind": "job", "paid_answers": 1, "deleted": False}
    assert list(inside.specs()) == [job]
    said = prune(inside, "talk", "--json", "--yes").works()
    assert said.json == said.json | {"job_id": job, "deleted": True}
    assert inside.specs() == {}


def test_a_job_that_cannot_be_deleted_does_not_keep_the_others(inside: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    busy, free = ask(inside, "one", name="busy"), ask(inside, "two", name="free")
    real = engine.delete

    async def delete(storage: Any, found: engine.Prunable, host: Any) -> None:
        if found.job_id == busy:
            raise JobBusy(f"job {busy} is in use")
        await real(storage, found, host)

    monkeypatch.setattr(engine, "delete", delete)
    said = prune(inside, "busy", "free", "--yes", "--json").fails(3, f"job {busy} is in use")
    told = [json.loads(line) for line in said.out.splitlines()]
    assert [(each["job_id"], each["deleted"]) for each in told] == [(free, True), (busy, False)]
    assert list(inside.specs()) == [busy]
    assert list((inside.home / "batch_jobs" / busy / "log").iterdir()), "the log of a job that stays, stays"
    said = prune(inside, "busy", "--yes").fails(3, f"job {busy} is in use")
    assert "deleted 0 objects of 0 jobs" in said.out


def test_a_deletion_is_stopped_cleanly_and_the_next_one_goes_on(inside: Stage) -> None:
    job = ask(inside, "one", name="talk")
    notices: list[str] = []

    async def work() -> None:
        client = Client(Config())
        pruner = Pruner(client, notices.append)
        found = await pruner.find(["talk"])
        client.stop.set()
        await pruner.delete(found)

    with pytest.raises(JobUnfinished, match="interrupted"):
        asyncio.run(work())
    if inside.specs():
        prune(inside, "talk", "--yes").works()
    else:
        assert job in prune(inside, "--yes").works().out
    assert stored(inside) == {}


def test_a_storage_that_is_no_folder_has_no_logs(inside: Stage) -> None:
    assert "nothing to delete in memory:" in prune(inside, "--storage", "memory:").works().out

    async def work() -> dict[str, str]:
        client = Client(Config(storage="memory:", backend="fake:memory"))
        report = await client.run_prompts(["one"])
        pruner = Pruner(client)
        return await pruner.delete(await pruner.find([report.job_id]))

    assert asyncio.run(work()) == {}
