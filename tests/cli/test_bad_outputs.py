"""Outputs and storages that cannot be: one sentence, the right code, nothing lost."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

PRECIOUS = "my thesis\n"
FULL = pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")


def test_an_output_that_is_a_folder(cli: Any) -> None:
    folder = cli.papers()
    (cli.home / "out").mkdir()
    cli.generate(folder, output="out").fails(2, "out", "folder")
    cli.nothing_was_made()


def test_an_output_in_a_missing_parent(cli: Any) -> None:
    cli.generate(cli.papers(), output="missing/deep/o.jsonl").fails(2, "missing", "does not exist")
    cli.nothing_was_made()


@pytest.mark.long
def test_an_output_below_a_file(cli: Any) -> None:
    cli.write("file", "x")
    cli.generate(cli.papers(), output="file/o.jsonl").fails(2, "file")
    cli.nothing_was_made()


def test_an_existing_foreign_file_is_kept_and_nothing_is_spent(cli: Any) -> None:
    folder = cli.papers()
    foreign = cli.write("o.jsonl", PRECIOUS)
    cli.generate(folder).fails(2, "o.jsonl", "--force")
    assert foreign.read_text() == PRECIOUS
    ledger = cli.home / ".qwen-dataset-fake.jsonl"
    assert not ledger.exists() or not ledger.read_bytes(), "refused only after paying"
    cli.generate(folder, "--force").works()
    assert len(cli.samples()) == 4


@pytest.mark.long
def test_a_dataset_edited_by_hand_is_foreign(cli: Any) -> None:
    folder = cli.papers()
    cli.generate(folder).works()
    with (cli.home / "o.jsonl").open("a") as file:
        file.write("{}\n")
    cli.generate(folder).fails(2, "o.jsonl", "--force")
    cli.run("resume").fails(2, "o.jsonl", "--force")
    assert len(cli.samples()) == 5


def test_the_same_job_replaces_its_own_output(cli: Any) -> None:
    folder = cli.papers()
    cli.generate(folder).works()
    before = (cli.home / "o.jsonl").read_bytes()
    cli.generate(folder).works()
    assert (cli.home / "o.jsonl").read_bytes() == before
    (cli.home / "o.jsonl").unlink()
    cli.run("resume").works()
    assert (cli.home / "o.jsonl").read_bytes() == before
    assert cli.paid()["paid_twice"] == 0


@pytest.mark.long
def test_a_symlink_to_a_foreign_file_protects_its_target(cli: Any) -> None:
    target = cli.write("target", PRECIOUS)
    (cli.home / "o.jsonl").symlink_to("target")
    cli.generate(cli.papers()).fails(2, "o.jsonl", "--force")
    assert target.read_text() == PRECIOUS


@pytest.mark.long
def test_a_dangling_symlink_stays_a_link(cli: Any) -> None:
    (cli.home / "o.jsonl").symlink_to("target.jsonl")
    cli.generate(cli.papers()).works()
    assert (cli.home / "o.jsonl").is_symlink()
    assert len(cli.samples("target.jsonl")) == 4


@pytest.mark.long
def test_an_output_link_in_a_loop(cli: Any) -> None:
    (cli.home / "o.jsonl").symlink_to("o.jsonl")
    cli.generate(cli.papers()).fails(2, "o.jsonl")


def test_the_output_is_never_one_of_the_papers_even_by_force(cli: Any, check: Any) -> None:
    folder = cli.papers()
    cli.generate(folder, "--force", output="papers/a.md").fails(2, "a.md")
    assert (cli.home / "papers" / "a.md").read_text() == check.english


def test_an_output_beside_the_papers_does_not_change_the_next_run(cli: Any, check: Any) -> None:
    """A person works in the folder of the papers: the second run is the same job, and free."""
    cli.write("a.md", check.english)
    first = cli.generate(".", "--json").works().json
    before = (cli.home / "o.jsonl").read_bytes()
    second = cli.generate(".", "--json").works().json
    assert second["job"] == first["job"]
    assert (cli.home / "o.jsonl").read_bytes() == before
    assert second["reading"]["papers"] == 1


@FULL
def test_a_full_disk_for_the_dataset_loses_nothing(cli: Any) -> None:
    folder = cli.papers()
    cli.generate(folder, "-q", output="/dev/full").fails(3, "/dev/full", "space")
    paid = cli.paid()["paid"]
    assert cli.finishes(folder, samples=4).json["completions"] == paid
    assert cli.paid()["paid"] == paid


@FULL
@pytest.mark.parametrize(
    "args",
    [
        ("papers", "papers"),
        *(pytest.param(args, marks=pytest.mark.long) for args in [("papers", "papers", "--text"), ("--help",)]),
    ],
)
def test_a_full_disk_behind_stdout_is_one_sentence(cli: Any, args: tuple[str, ...]) -> None:
    cli.papers()
    cli.write("batch_jobs/.keep", "")
    with Path("/dev/full").open("w") as full:
        process = cli.start(*args, stdout=full)
        words = process.communicate(timeout=30)[1].decode()
    assert "Traceback" not in words
    assert process.returncode != 0
    assert len(words.splitlines()) == 1, words


@pytest.mark.parametrize(
    "command", [("generate",), *(pytest.param((name,), marks=pytest.mark.long) for name in ("status", "resume"))]
)
def test_a_storage_that_is_a_file_is_a_bad_setting(cli: Any, command: tuple[str, ...]) -> None:
    cli.papers()
    cli.write("stuff", PRECIOUS)
    more = ("papers", "--backend", "fake", "-o", "o.jsonl") if command == ("generate",) else ()
    cli.run(*command, *more, "--storage", "file:stuff").fails(2, "stuff", "folder")
    assert (cli.home / "stuff").read_text() == PRECIOUS


@pytest.mark.skipif(getattr(os, "geteuid", lambda: 0)() == 0, reason="root writes everywhere")
def test_a_storage_and_an_output_without_permission(cli: Any) -> None:
    folder = cli.papers()
    locked = cli.home / "locked"
    locked.mkdir()
    locked.chmod(0o500)
    cli.generate(folder, "--storage", "file:locked/jobs").fails(2, "locked")
    cli.generate(folder, output="locked/o.jsonl").fails(2, "locked")


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="no /proc here")
@pytest.mark.long
def test_a_storage_where_nobody_may_write(cli: Any) -> None:
    cli.generate(cli.papers(), "--storage", "file:/proc/jobs").fails(3, "/proc/jobs")


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="no /proc here")
@pytest.mark.long
def test_an_output_where_nobody_may_write_is_found_before_paying(cli: Any) -> None:
    cli.generate(cli.papers(), output="/proc/o.jsonl").fails(2, "/proc/o.jsonl")
    ledger = cli.home / ".qwen-dataset-fake.jsonl"
    assert not ledger.exists() or not ledger.read_bytes()


@pytest.mark.long
def test_names_with_spaces_chinese_and_emoji(cli: Any) -> None:
    folder = cli.papers("my papers 论文 🎉")
    output = "the data 数据 😀.jsonl"
    cli.generate(folder, "--storage", "file:my jobs 作业", output=output).works()
    assert len(cli.samples(output)) == 4
    sources = {sample["metadata"]["paper"]["source"] for sample in cli.samples(output)}
    assert all("论文 🎉" in source for source in sources)
    assert "my jobs" in " ".join(path.name for path in cli.home.iterdir())
    cli.run("rebuild", "instruct", "--storage", "file:my jobs 作业").works()


@pytest.mark.skipif(os.name != "posix", reason="names are bytes on POSIX only")
def test_a_file_name_that_is_not_utf8(cli: Any) -> None:
    folder = cli.papers()
    try:
        (cli.home / "papers" / "a.md").rename(cli.home / "papers" / os.fsdecode(b"caf\xe9.md"))
    except OSError:
        pytest.skip("this file system takes no such name")
    said = cli.generate(folder, "--json").clean()
    assert said.code in {0, 1}, said.err
    assert said.json["samples"] > 0
    cli.run("papers", folder).clean()
    cli.run("papers", folder, "--json").clean()
