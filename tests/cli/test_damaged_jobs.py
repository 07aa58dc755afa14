"""Job folders that were cut, lost a part or gained one: one sentence with file and way out, and no second payment."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

WAY_OUT = re.compile(
    r"\b(restore|delete|remove|move|copy it|copy the|generate|run [^;]*again|start|--fresh|--job-name|new job|repair)\b"
)


def _event(number: int) -> Callable[[Path], Path]:
    return lambda job: job / "events" / f"{number:012d}.json"


def _first(pattern: str) -> Callable[[Path], Path]:
    return lambda job: min(job.glob(pattern))


def _last_event(job: Path) -> Path:
    return max((job / "events").iterdir())


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:20])


def _garbage(path: Path) -> None:
    path.write_bytes(b"\x00garbage\xff\n")


def _gone(path: Path) -> None:
    path.unlink()


def _job(cli: Any) -> Path:
    cli.generate(cli.papers(), "-q").works()
    (job,) = [path for path in (cli.home / "batch_jobs").iterdir() if path.is_dir()]
    return job


DAMAGES = {
    "event cut": (_event(3), _cut),
    "event gone": (_event(3), _gone),
    "segment garbage": (_first("segments/*.jsonl"), _garbage),
    "requests gone": (_first("requests/*.jsonl"), _gone),
}
MORE = {
    "event garbage": (_event(2), _garbage),
    "first event gone": (_event(1), _gone),
    "last event empty": (_last_event, lambda path: path.write_bytes(b"")),
    "last event a list": (_last_event, lambda path: path.write_bytes(b"[]")),
    "last event of a later version": (
        _last_event,
        lambda path: path.write_bytes(b'{"format": 99}'),
    ),
    "last event of an unknown kind": (_last_event, lambda path: path.write_bytes(b'{"format": 1, "kind": "odd"}')),
    "segment gone": (_first("segments/*.jsonl"), _gone),
    "segment empty": (_first("segments/*.jsonl"), lambda path: path.write_bytes(b"")),
    "segment cut": (_first("segments/*.jsonl"), lambda path: path.write_bytes(path.read_bytes()[:-200])),
    "requests cut": (_first("requests/*.jsonl"), lambda path: path.write_bytes(path.read_bytes()[:-200])),
    "requests garbage": (_first("requests/*.jsonl"), _garbage),
    "corpus gone": (_first("corpus/*"), _gone),
    "corpus garbage": (_first("corpus/*"), _garbage),
    "a folder for a file": (_first("requests/*.jsonl"), lambda path: (path.unlink(), path.mkdir())),
}
QUICK = ["event cut", "requests gone", "segment empty"]
REST = [pytest.param(name, marks=pytest.mark.long) for name in DAMAGES | MORE if name not in QUICK]
CASES = [*QUICK, *REST]


@pytest.mark.parametrize("name", CASES)
def test_a_damaged_job_says_which_file_and_what_to_do(cli: Any, name: str) -> None:
    job = _job(cli)
    dataset = (cli.home / "o.jsonl").read_bytes()
    where, damage = (DAMAGES | MORE)[name]
    kept = cli.home / "kept"
    shutil.copytree(cli.home / "batch_jobs", kept)
    damage(where(job))
    said = cli.run("rebuild", job.name)
    assert (cli.home / "o.jsonl").read_bytes() == dataset, "a good dataset was replaced by less"
    said.fails(2, job.name)
    assert WAY_OUT.search(said.complaint), f"no way out: {said.complaint}"
    assert "?;" not in said.complaint
    shutil.rmtree(cli.home / "batch_jobs")
    shutil.move(kept, cli.home / "batch_jobs")
    cli.finishes("papers", samples=4)


@pytest.mark.parametrize(
    "name", ["requests gone", *(pytest.param(n, marks=pytest.mark.long) for n in ("event cut", "segment empty")), *REST]
)
@pytest.mark.parametrize(
    "command", ["resume", *(pytest.param(n, marks=pytest.mark.long) for n in ("generate", "rejects"))]
)
def test_a_damaged_job_never_sends_people_in_circles(cli: Any, name: str, command: str) -> None:
    """`go on with: resume` is no advice where resume cannot work; a broken folder is exit 2, not `not finished`."""
    job = _job(cli)
    where, damage = (DAMAGES | MORE)[name]
    damage(where(job))
    said = cli.generate("papers", "-q") if command == "generate" else cli.run(command)
    said.clean()
    assert said.code in {0, 2}, f"exit {said.code}: {said.err}"
    if said.code:
        assert "qwen-dataset resume" not in said.complaint, said.complaint
    assert cli.paid()["paid_twice"] == 0


@pytest.mark.parametrize("damage", ["event cut", pytest.param("event gone", marks=pytest.mark.long)])
def test_one_damaged_job_does_not_hide_the_others(cli: Any, damage: str) -> None:
    job = _job(cli)
    cli.generate("papers", "--job-name", "healthy", output="h.jsonl").works()
    where, hurt = DAMAGES[damage]
    hurt(where(job))
    said = cli.run("status").clean()
    assert "healthy" in said.out
    assert job.name in said.out + said.err
    cli.run("rejects", "healthy").works()
    cli.run("rebuild", "healthy").works()


def test_a_stray_file_in_a_job_folder_is_ignored(cli: Any) -> None:
    job = _job(cli)
    for room in ("events", "lease", "segments", "requests", "corpus"):
        (job / room).mkdir(exist_ok=True)
        (job / room / ".DS_Store").write_bytes(b"\x00\x01")
        (job / room / "notes.txt").write_text("mine")
    (job.parent / "README.txt").write_text("my jobs")
    cli.run("status").works()
    cli.finishes("papers", samples=4)


def test_a_job_without_events_is_planned_again(cli: Any) -> None:
    """A kill between the spec and the first event leaves exactly this."""
    job = _job(cli)
    (cli.home / "o.jsonl").unlink()
    for path in job.iterdir():
        if path.name != "spec.json":
            shutil.rmtree(path)
    shown = cli.run("status").works()
    assert "1970" not in shown.out
    said = cli.run("resume")
    said.fails(2, "generate")
    cli.finishes("papers", samples=4)


@pytest.mark.parametrize("content", ["torn", "foreign"])
@pytest.mark.long
def test_a_damaged_file_of_the_fake_is_one_sentence(cli: Any, check: Any, content: str) -> None:
    cli.papers()
    if content == "foreign":
        cli.write(check.ledger, "my diary\n")
        cli.generate("papers", "-q").fails(2, check.ledger)
        assert (cli.home / check.ledger).read_text() == "my diary\n"
        return
    cli.generate("papers", "--no-wait").works()
    with (cli.home / check.ledger).open("ab") as file:
        file.write(b'{"op":"cre')  # what a kill in the middle of an append leaves
    cli.finishes("papers", samples=4)
