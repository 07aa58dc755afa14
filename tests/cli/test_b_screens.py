"""What a person sees: help that fits a screen, Chinese where it is wanted, plain text in a pipe, completion."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from tests.library.stage import Stage

HAN = re.compile(r"[\u4e00-\u9fff]")
EVERY = [
    "generate",
    "resume",
    "rebuild",
    "cancel",
    "status",
    "rejects",
    "papers",
    "batch",
    "prune",
    "show-prompt",
    "config",
]
ISSUE = [
    "--output",
    "--batch",
    "--realtime",
    "--completion-window",
    "--model",
    "--max-samples",
    "--language",
    "--recipe",
    "--temperature",
    "--max-tokens",
    "--top-p",
    "--concurrency",
    "--poll",
    "--backend",
    "--base-url",
    "--region",
    "--storage",
    "--job-name",
    "--config",
    "--no-wait",
    "--strict",
    "--yes",
    "--fresh",
    "--retry-unknown",
    "--force",
    "--merge",
    "--data-dir",
]


@pytest.fixture
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    return Stage(tmp_path, monkeypatch)


def commands() -> Iterator[tuple[str, ...]]:
    from qwen_dataset.app.cli.main import main

    def below(command: click.Command, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        yield path
        if isinstance(command, click.Group):
            context = click.Context(command)
            for name in command.list_commands(context):
                found = command.get_command(context, name)
                assert found is not None, name
                yield from below(found, (*path, name))

    yield from below(main, ())


def width(line: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in line)


def test_every_help_fits_the_screen_and_is_english(inside: Stage) -> None:
    seen = list(commands())
    assert {path[0] for path in seen if path} >= set(EVERY)
    assert {path for path in seen if len(path) == 2} >= {
        *(("batch", name) for name in ("create", "status", "list", "cancel")),
        ("config", "show"),
        ("config", "init"),
    }
    for path in seen:
        for env in ({}, {"LC_ALL": "zh_CN.UTF-8", "COLUMNS": "200"}):
            text = inside.call(*path, "--help", env=env).works().out
            assert not HAN.search(text), path
            assert "\x1b" not in text
        text = inside.call(*path, "--help").works().out
        wide = [line for line in text.splitlines() if width(line) > 80]
        assert not wide, (path, wide)
        most = 26 if not path else 60
        assert len(text.splitlines()) <= most, f"{path}: {len(text.splitlines())} lines"
        assert inside.call(*path, "-h").works().out == text


def test_generate_takes_every_option_of_the_issue(inside: Stage) -> None:
    text = inside.call("generate", "--help").works().out
    missing = [option for option in ISSUE if not re.search(rf"{option}\b", text)]
    assert not missing, missing
    assert "auto|always|never" in text.replace(" ", "").lower() or all(
        word in text for word in ("auto", "always", "never")
    )
    create = inside.call("batch", "create", "--help").works().out
    assert all(word in create for word in ("--input-file", "--prompt", "--job-name", "--wait", "-o"))


def test_version(inside: Stage) -> None:
    from qwen_dataset import __version__

    assert __version__ in inside.call("--version").works().out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(tmp_path: Path, shell: str) -> None:
    """Sourced by the shell: words on stdout, nothing on stderr, and every command is completed."""
    program = Path(sys.executable).parent / "qwen-dataset"
    done = subprocess.run([program, "completion", shell], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
    assert "qwen-dataset" in done.stdout, done
    asked = {"bash": {"COMP_WORDS": "qwen-dataset ", "COMP_CWORD": "1"}}.get(
        shell, {"COMP_WORDS": "qwen-dataset ", "COMP_CWORD": "" if shell == "fish" else "1"}
    )
    env = os.environ | asked | {"_QWEN_DATASET_COMPLETE": f"{shell}_complete"}
    done = subprocess.run([program], env=env, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert all(name in done.stdout for name in EVERY), done
    assert not list(tmp_path.iterdir()), "asking for completion makes no file"


def spoken(inside: Stage, *more: str, env: dict[str, str] | None = None) -> str:
    """What a run that goes well says on both streams."""
    good = inside.generate("papers", *more, "--force", env=env).works()
    return good.out + good.err


def test_chinese_when_asked_or_by_locale(inside: Stage) -> None:
    inside.papers()
    chinese: list[dict[str, str]] = [
        {"LC_ALL": "zh_CN.UTF-8"},
        {"LC_ALL": "", "LANG": "zh_CN.UTF-8"},
        {"LC_ALL": "", "LC_MESSAGES": "zh_TW.UTF-8", "LANG": "en_US.UTF-8"},
        {"LC_ALL": "C.UTF-8", "QWEN_DATASET_LANG": "zh"},
    ]
    english = [
        {"LC_ALL": "en_US.UTF-8"},
        {"LC_ALL": "C", "LANG": "zh_CN.UTF-8"},
        {"LC_ALL": "", "LC_MESSAGES": "en_US.UTF-8", "LANG": "zh_CN.UTF-8"},
        {"LC_ALL": "zh_CN.UTF-8", "QWEN_DATASET_LANG": "en"},
        {"LC_ALL": ""},
    ]
    for env in chinese:
        assert HAN.search(spoken(inside, env=env)), env
    for env in english:
        assert not HAN.search(spoken(inside, env=env)), env
    assert HAN.search(spoken(inside, "--lang", "zh"))
    assert not HAN.search(spoken(inside, "--lang", "en", env={"LC_ALL": "zh_CN.UTF-8"}))
    inside.generate("papers", "--lang", "fr").fails(2, "lang", "fr")


def test_errors_are_chinese_too(inside: Stage) -> None:
    inside.papers()
    inside.write("mine", "precious")
    wrong = [
        ("generate", "nowhere.md", "--backend", "fake"),
        ("generate", "papers", "--backend", "fake", "--temperature", "9", "--top-p", "0"),
        ("generate", "papers", "--backend", "fake", "-o", "mine"),
        ("generate", "papers"),
        ("resume", "ghost"),
    ]
    english = [command for command in wrong if not HAN.search(inside.call(*command, "--lang", "zh").works(2).err)]
    assert not english, english


def test_chinese_changes_the_words_and_nothing_else(inside: Stage) -> None:
    inside.papers()
    english = inside.generate("papers", "--json").works()
    data = (inside.home / "o.jsonl").read_bytes()
    chinese = inside.generate("papers", "--json", "--lang", "zh").works()
    assert json.loads(english.out)["job"] == json.loads(chinese.out)["job"]
    assert set(english.json) == set(chinese.json)
    assert not HAN.search(chinese.out), "JSON is for programs"
    assert (inside.home / "o.jsonl").read_bytes() == data


def test_a_chinese_terminal_in_an_ascii_world(cli: Any) -> None:
    """The words cannot be shown; the run must not die of it."""
    cli.papers()
    env = {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "QWEN_DATASET_LANG": "zh"}
    said = cli.generate("papers", env=env)
    assert said.code == 0, said.err
    assert "Traceback" not in said.err
    assert len(cli.samples()) == 4


@pytest.mark.parametrize(
    "env", [{"NO_COLOR": "1"}, {"TERM": "dumb", "COLUMNS": "80"}, {"FORCE_COLOR": "1", "NO_COLOR": "1"}]
)
def test_a_pipe_gets_plain_text(cli: Any, env: dict[str, str]) -> None:
    cli.papers()
    said = cli.generate("papers", "--lang", "zh", env=env).works()
    assert "\x1b" not in said.out + said.err
    assert "\r" not in said.out + said.err
    assert all(width(line) <= 200 for line in (said.out + said.err).splitlines())


def test_every_message_has_its_words_in_both_languages(inside: Stage) -> None:
    """Placeholders that were not filled in show a translation that has fallen behind."""
    inside.papers()
    for lang in ("en", "zh"):
        for args in (
            ("generate", "papers", "-o", f"{lang}.jsonl", "--job-name", lang, "--no-wait"),
            ("generate", "papers", "-o", f"{lang}.jsonl", "--job-name", lang),
            ("batch", "create", "--prompt", lang, "--job-name", f"b{lang}", "--wait"),
            ("batch", "list"),
            ("status",),
            ("rejects",),
            ("prune",),
            ("config", "show"),
            ("resume", "ghost"),
        ):
            env = {"QWEN_DATASET_LANG": lang, "QWEN_DATASET_BACKEND": "fake"}
            said = inside.call(*args, env=env)
            text = said.out + said.err
            assert "Traceback" not in text
            assert not re.search(r"\{[a-z_]*\}|%\(|None", text), (args, text)
