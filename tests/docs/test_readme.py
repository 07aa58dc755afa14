"""What the README says is run and compared; both languages say the same."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from qwen_dataset.app.cli import session
from qwen_dataset.app.wiring.bootstrap import BATCH_ABOVE
from tests.docs.pages import READMES, ROOT, blocks, calls, differs, environment, read, table

ENGLISH, CHINESE = READMES
LANGUAGES = {ENGLISH: "en", CHINESE: "zh"}
PROGRAMS = list(dict.fromkeys(block for readme in READMES for block in blocks(readme, "python")))
NOT_RUN = ("make ", "pip ")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a folder that looks like a checkout to what only reads."""
    (tmp_path / "examples").mkdir()
    (tmp_path / "examples" / "papers").symlink_to(ROOT / "examples" / "papers")
    return tmp_path


def test_both_languages_show_the_same_commands() -> None:
    assert [command for command, _ in calls(ENGLISH)] == [command for command, _ in calls(CHINESE)]


def test_make_has_what_the_readme_promises() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = [command.split()[1] for command, _ in calls(ENGLISH) if command.startswith("make ")]
    assert named == ["demo", "test"]
    assert [command for command, _ in calls(ENGLISH)][:2] == ["make demo", "make test"]
    assert all(f"\n{target}:" in makefile for target in named)


def test_only_extras_that_exist_are_named_as_installable_today() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for readme in READMES:
        for extra in re.findall(r'pip install -e "\.\[(\w+)\]"', read(readme)):
            assert f"\n{extra} = [" in project


@pytest.mark.parametrize("readme", READMES)
def test_the_commands_print_what_is_shown(home: Path, readme: str) -> None:
    run = [(command, shown) for command, shown in calls(readme) if not command.startswith(NOT_RUN)]
    assert len(run) >= 12
    wrong = []
    for command, shown in run:
        ended = subprocess.run(
            command,
            shell=True,
            cwd=home,
            env=environment(QWEN_DATASET_LANG=LANGUAGES[readme]),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            check=False,
            timeout=60,
        )
        difference = differs(shown, ended.stdout.splitlines())
        if difference is not None or ended.returncode != 0:
            wrong.append(f"$ {command}  [exit code {ended.returncode}]\n{difference}")
    assert not wrong, "\n\n".join(wrong)
    line = json.loads((home / "dataset.jsonl").read_text(encoding="utf-8").splitlines()[8])
    (block,) = blocks(readme, "json")
    assert _alike(json.loads(block), line), f"the dataset's line is another one: {line}"


def _alike(shown: Any, made: Any) -> bool:
    if isinstance(shown, dict):
        return shown.keys() == made.keys() and all(_alike(shown[name], made[name]) for name in shown)
    if isinstance(shown, list):
        return len(shown) == len(made) and all(map(_alike, shown, made))
    return differs([shown], [made]) is None if isinstance(shown, str) and shown != "" else bool(shown == made)


def test_both_languages_show_the_same_programs() -> None:
    """Comments may be in either language; the rest is the same."""
    assert [ast.dump(ast.parse(block)) for block in blocks(ENGLISH, "python")] == [
        ast.dump(ast.parse(block)) for block in blocks(CHINESE, "python")
    ]


def _promised(block: str) -> list[str]:
    """Return what a program says that it prints: what follows a print, and lines of comment alone."""
    return re.findall(r"^\s*(?:print\(.*\)  )?# (.+)$", block, flags=re.MULTILINE)


@pytest.mark.parametrize("block", PROGRAMS, ids=range(len(PROGRAMS)))
def test_the_programs_print_what_they_promise(home: Path, block: str) -> None:
    """A program that stands in both languages, as it should, runs once."""
    (home / "program.py").write_text(block, encoding="utf-8")
    _prints_what_it_promises(home, block, "program.py")


def _prints_what_it_promises(home: Path, block: str, *arguments: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        cwd=home,
        env=environment(QWEN_DATASET_BACKEND="fake"),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=60,
    )
    assert ended.returncode == 0, ended.stderr
    assert _promised(block), "a program that shows nothing proves nothing"
    difference = differs(_promised(block), ended.stdout.splitlines())
    assert difference is None, difference


def test_a_blocking_program_runs_inside_a_running_loop(home: Path) -> None:
    """As in Jupyter."""
    program = next(block for block in PROGRAMS if "BlockingClient" in block)
    inside = (
        "import asyncio, sys\nasync def cell():\n    exec(sys.argv[1], {'__name__': '__main__'})\nasyncio.run(cell())"
    )
    _prints_what_it_promises(home, program, "-c", inside, program)


@pytest.mark.parametrize("readme", READMES)
def test_the_backend_in_ten_lines_is_the_example(readme: str) -> None:
    example = (ROOT / "examples" / "plugins" / "echo-backend" / "echo_backend.py").read_text(encoding="utf-8")
    body = re.search(r"    passage = .*?return Completion\(.*?\n", example, flags=re.DOTALL)
    assert body is not None
    assert body[0] in read(readme)


@pytest.mark.parametrize(("readme", "heading"), [(ENGLISH, "exit code"), (CHINESE, "退出码")])
def test_the_exit_codes_are_all_there_are(readme: str, heading: str) -> None:
    codes = [session.DONE, session.SOME_FAILED, session.BAD_INPUT, session.UNFINISHED, session.INTERRUPTED]
    assert [int(code) for code, _ in table(readme, heading)] == codes


@pytest.mark.parametrize("readme", READMES)
def test_the_readme_says_from_which_size_on_requests_go_as_a_batch(readme: str) -> None:
    assert re.search(rf"(more than|超过) {BATCH_ABOVE} ", read(readme))


def test_the_demo_shows_three_samples(home: Path) -> None:
    demo = home / "examples" / "demo.py"
    demo.write_bytes((ROOT / "examples" / "demo.py").read_bytes())
    ended = subprocess.run(
        [sys.executable, str(demo)], env=environment(), capture_output=True, text=True, encoding="utf-8", check=True
    )
    assert ended.stdout.count("--- sample ") == 3
    assert str(home / "demo_output" / "dataset.jsonl") in ended.stdout
    assert (home / "demo_output" / "dataset.jsonl").exists()
