"""What the README says is run; both languages say the same."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BOTH = ("README.md", "README.zh-CN.md")


def commands(readme: str) -> list[str]:
    """Return the commands of the console blocks, without their comments."""
    text = (ROOT / readme).read_text(encoding="utf-8")
    blocks = re.findall(r"```console\n(.*?)```", text, flags=re.DOTALL)
    lines = [line[2:] for block in blocks for line in block.splitlines() if line.startswith("$ ")]
    return [line.split("    #")[0].strip() for line in lines]


def test_both_languages_name_the_same_commands() -> None:
    assert commands(BOTH[0]) == commands(BOTH[1])


def test_make_has_what_the_readme_promises() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = [command.split()[1] for command in commands(BOTH[0]) if command.startswith("make ")]
    assert named == ["demo", "test"]
    assert all(f"\n{target}:" in makefile for target in named)


def test_the_commands_do_what_is_shown(tmp_path: Path) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    run = [command for command in commands(BOTH[0]) if command.startswith(("qwen-dataset ", "python "))]
    assert len(run) >= 4
    said = {}
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    for command in run:
        ended = subprocess.run(
            command,
            shell=True,
            cwd=tmp_path,
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        said[command] = ended
        assert "Traceback" not in ended.stderr, ended.stderr
        assert ended.returncode in (0, 1), ended.stderr
    first = said[run[0]]
    shown = (ROOT / BOTH[0]).read_text(encoding="utf-8")
    for line in (first.stderr + first.stdout).splitlines():
        if line.startswith(("job instruct", "requests    ", "candidates  ", "5 papers")):
            assert line in shown, "the README shows what the command prints"


def test_the_demo_shows_three_samples(tmp_path: Path) -> None:
    (tmp_path / "examples").mkdir()
    (tmp_path / "examples" / "papers").symlink_to(ROOT / "examples" / "papers")
    demo = tmp_path / "examples" / "demo.py"
    demo.write_bytes((ROOT / "examples" / "demo.py").read_bytes())
    ended = subprocess.run([sys.executable, str(demo)], capture_output=True, text=True, check=True)
    assert ended.stdout.count("--- sample ") == 3
    assert str(tmp_path / "demo_output" / "dataset.jsonl") in ended.stdout
    assert (tmp_path / "demo_output" / "dataset.jsonl").exists()


@pytest.mark.parametrize("readme", BOTH)
def test_every_link_leads_somewhere(readme: str) -> None:
    text = (ROOT / readme).read_text(encoding="utf-8")
    targets = [target for target in re.findall(r"\]\(([^)]+)\)", text) if "://" not in target]
    assert targets
    assert all((ROOT / target).exists() for target in targets)
