"""What PAPERS may be, and how a reading is interrupted."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.app.wiring import strange_readers


def titles(out: str) -> list[str]:
    *papers, _totals = map(json.loads, out.splitlines())
    return [paper["source"] for paper in papers]


def test_patterns_lists_and_packed_files_are_papers(cli: Any, check: Any) -> None:
    cli.papers("papers/deep")
    cli.write("c.md.gz", gzip.compress(check.english.replace("Tunnelling", "Waves").encode()))
    cli.write("list.txt", "# mine\n\npapers/**/b.md\n")
    said = cli.run("papers", "papers/*/a.*", "c.md.gz", "--files-from", "list.txt", "--json").works()
    assert titles(said.out) == ["papers/deep/a.md", "c.md.gz", "papers/deep/b.md"]
    said = cli.generate("--files-from", "list.txt", "--json").works()
    assert said.json["reading"]["papers"] == 1
    cli.run("show-prompt", "--files-from", "list.txt").works()


@pytest.mark.parametrize(
    ("arguments", "given", "found"),
    [
        (["-"], b'{"id": 1, "text": "Some words stand here."}\n', ["stdin#1"]),
        (["-"], b"# A title\n\nSome words stand here.\n", ["stdin"]),
        (["--files-from", "-"], b"papers/a.md\npapers/b.md\n", ["a.md", "b.md"]),
    ],
)
def test_standard_input_is_a_paper_a_dump_or_a_list(
    cli: Any, arguments: list[str], given: bytes, found: list[str]
) -> None:
    cli.papers()
    command = cli.command("papers", *arguments, "--json")
    done = subprocess.run(command, cwd=cli.home, env=cli.environment(), input=given, capture_output=True, check=True)
    assert titles(done.stdout.decode()) == found


def test_what_cannot_be_meant_is_one_sentence(cli: Any) -> None:
    folder = cli.papers()
    cli.run("papers", "*.pdf").fails(2, "no file fits *.pdf")
    cli.run("papers", "--files-from", "no.txt").fails(2, "the list of papers no.txt cannot be read")
    cli.run("papers", "-", "--files-from", "-").fails(2, "standard input cannot be both")
    cli.run("show-prompt").fails(2, "name PAPERS, or a list of them with --files-from")
    cli.run("papers", folder, env={"QWEN_DATASET_READ_TIMEOUT": "soon"}).fails(2, "read_timeout is 'soon'")
    cli.run("papers", "https://example.org/a.pdf").fails(2, "there is no storage 'https'")


def test_twins_in_two_formats_are_told(cli: Any, check: Any) -> None:
    folder = cli.papers()
    record = {"id": "x", "title": "Tunnelling in Double Wells", "text": check.english.partition("\n\n")[2]}
    cli.write(f"{folder}/z.jsonl", json.dumps(record))
    said = cli.run("papers", folder).works()
    assert "note: papers/z.jsonl#x looks like the same paper as papers/a.md in another format; both are" in said.err


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="the end of another process cannot be waited for")
@pytest.mark.parametrize("command", ["generate", pytest.param("papers", marks=pytest.mark.long)])
def test_ctrl_c_in_the_middle_of_a_paper_ends_everything(cli: Any, command: str, tmp_path: Path) -> None:
    """To the whole group, as a terminal sends it. The paper writes down which process reads it, and never ends."""
    strange_readers.put(tmp_path / "site")
    cli.write("p/a.strange", f"note-pid {tmp_path}/pid")
    os.mkfifo(tmp_path / "pid")
    more = ["--backend", "fake", "-o", "o.jsonl"] if command == "generate" else []
    environment = cli.environment(PYTHONPATH=os.pathsep.join([str(tmp_path / "site"), *sys.path]))
    process = subprocess.Popen(
        cli.command(command, "p", *more), cwd=cli.home, env=environment, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    reader = os.pidfd_open(int((tmp_path / "pid").read_text()))
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert b"Traceback" not in out + err
    import select

    assert select.select([reader], [], [], 60)[0], "the process that reads has ended"
    os.close(reader)
    assert not (cli.home / "batch_jobs").exists()
