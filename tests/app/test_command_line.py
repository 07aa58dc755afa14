"""What all commands share: how they are typed, the language they speak, settings, the shell's completion, the log."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import shutil
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import attrs
import click
import pytest
from click.testing import CliRunner, Result
from rich.cells import cell_len

from qwen_dataset.app.api.reports import Report, Route
from qwen_dataset.app.cli import chinese, language, logs, session, settings_commands, show, times
from qwen_dataset.app.cli.main import main
from qwen_dataset.app.dataset.sums import Tally
from qwen_dataset.app.wiring.config import Config
from qwen_dataset.app.wiring.settings import SETTINGS
from qwen_dataset.app.wiring.sources import resolve
from qwen_dataset.domain.jobs import Way
from qwen_dataset.errors import (
    JobUnfinished,
    QwenDatasetError,
    ReadError,
    SettingError,
    StorageError,
    StorageFull,
    StorageUnavailable,
)

TEXT = (
    "# Traps\n\n## Method\n\n" + " ".join(f"Run {n} held {n + 3} ions at {n * 7} millikelvin." for n in range(9)) + "\n"
)
KEY = "sk-0123456789abcdef"


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in list(os.environ):
        if name.startswith(("LC_", "QWEN_DATASET_", "QIANWEN_", "DASHSCOPE_")) or name in ("LANG", "COLUMNS"):
            monkeypatch.delenv(name)
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    language.forget()
    yield
    language.forget()
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.md").write_text(TEXT, encoding="utf-8")
    return tmp_path


@pytest.fixture
def marked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Chinese in which every sentence is seen to have been translated whole."""
    monkeypatch.setattr(chinese, "translate", lambda text: f"«{text}»")


def call(*arguments: str, code: int = 0, **options: str | None) -> Result:
    result = CliRunner().invoke(main, arguments, **options)  # type: ignore[arg-type]
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result


def generate(*more: str, code: int = 0) -> Result:
    return call("generate", "--backend", "fake", *more, code=code)


def at_a_terminal(monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    def prompt(question: str, **_: object) -> str:
        click.echo(question, err=True)
        return answer

    monkeypatch.setattr(session.click, "prompt", prompt)
    terminal = type("Terminal", (), {"isatty": lambda self: True})
    monkeypatch.setattr(session.sys, "stdin", terminal())
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda self: True)


# --- how a command is typed


@pytest.mark.parametrize(
    ("command", "lines"), [((), 26), (("generate",), 60), (("resume",), 50), (("config", "init"), 24)]
)
def test_help_fits_the_screen(command: tuple[str, ...], lines: int) -> None:
    shown = call(*command, "--help").output.splitlines()
    assert len(shown) <= lines
    assert max(map(len, shown)) <= 80


def test_the_main_help_names_every_command() -> None:
    shown = call("--help").output
    for name in main.list_commands(click.Context(main)):
        assert re.search(rf"^  {name} ", shown, re.MULTILINE), name


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--bogus"], "no such option '--bogus'; see `qwen-dataset --help`"),
        (
            ["generate", "--max-sample", "1"],
            "no such option '--max-sample' (did you mean '--max-cost', '--max-samples'?)",
        ),
        (["stew"], "no such command 'stew'"),
        (["cancel"], "missing argument 'JOB'; see `qwen-dataset cancel --help`"),
        (["status", "a", "b"], "unexpected extra argument (b)"),
        (["status", "a", KEY], "unexpected extra argument (***)"),
        (["generate", "--temperature"], "option '--temperature' requires an argument"),
        (["completion", "tcsh"], "'tcsh' is not one of"),
    ],
)
def test_a_mistyped_command_is_one_sentence(here: Path, arguments: list[str], sentence: str) -> None:
    result = call(*arguments, code=2)
    assert result.stderr.startswith("qwen-dataset: ")
    assert sentence in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert result.stdout == ""


def test_without_a_command_the_help_is_shown() -> None:
    assert "Commands:" in CliRunner().invoke(main, []).output


def test_ctrl_c_outside_a_run_is_one_word(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("qwen_dataset.app.cli.papers.read_papers", interrupted)
    assert call("papers", code=130).stderr.split() == ["qwen-dataset:", "interrupted"]


def test_a_character_that_the_terminal_lacks_does_not_end_the_run(here: Path) -> None:
    (here / "data" / "b.md").write_text("# 双势阱\n\n隧穿效应在双势阱中被测量。\n", encoding="utf-8")
    environment = os.environ | {"PYTHONIOENCODING": "latin-1"}
    program = [sys.executable, "-c", "from qwen_dataset.__main__ import run; run()", "papers", "data/b.md"]
    done = subprocess.run(program, capture_output=True, env=environment, check=True, text=True)
    assert r"\u53cc" in done.stdout


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (OSError(28, "No space left on device"), 2, "cannot be written: No space left"),
        (BrokenPipeError(), 0, ""),
        (BrokenPipeError(32, "Broken pipe"), 0, ""),
    ],
)
def test_output_that_cannot_be_written_is_no_traceback(
    here: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: OSError,
    code: int,
    words: str,
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("qwen_dataset.app.cli.papers.read_papers", fails)
    monkeypatch.setattr(sys, "stdout", sys.stdout)
    with pytest.raises(SystemExit) as ended:
        main.main(["papers"])
    assert ended.value.code == code
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (SettingError.of(["one", "two"]), 2),
        (JobUnfinished("later"), 3),
        (StorageFull("no room"), 3),
        (StorageUnavailable("gone"), 3),
        (StorageError("no permission"), 2),
        (ReadError("no paper"), 2),
    ],
)
def test_an_error_ends_with_its_code(capsys: pytest.CaptureFixture[str], error: QwenDatasetError, code: int) -> None:
    async def work(_: asyncio.Event) -> None:
        raise error

    with pytest.raises(SystemExit) as ended:
        session.run(work)
    assert ended.value.code == code
    told = capsys.readouterr().err.splitlines()
    assert told == [f"qwen-dataset: {line}" for line in str(error).splitlines()]


@pytest.mark.parametrize("times", [1, 2])
def test_the_first_signal_stops_and_the_second_ends(capsys: pytest.CaptureFixture[str], times: int) -> None:
    async def work(stop: asyncio.Event) -> None:
        for _ in range(times):
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.sleep(0)
        await stop.wait()
        if times > 1:
            await asyncio.sleep(60)
        message = "stopped early"
        raise JobUnfinished(message)

    with pytest.raises(SystemExit) as ended:
        session.run(work)
    assert ended.value.code == 130
    first, last = capsys.readouterr().err.splitlines()
    assert first.startswith("stopping: what is in flight")
    assert (
        last
        == f"qwen-dataset: {'stopped early' if times == 1 else 'stopped at once; everything stored so far is kept'}"
    )


@pytest.mark.parametrize("command", [["generate"], ["resume"], ["batch", "create", "--prompt", "x"]])
def test_standard_output_is_no_output(here: Path, command: list[str]) -> None:
    assert "never standard output" in call(*command, "-o", "-", code=2).stderr
    assert sorted(path.name for path in here.iterdir()) == ["data"]


def test_a_terminal_that_hangs_up_stops_a_run_and_does_not_hurry_it(capsys: pytest.CaptureFixture[str]) -> None:
    # As in a terminal, also where this whole run of tests was started under nohup.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

    async def work(stop: asyncio.Event) -> None:
        os.kill(os.getpid(), signal.SIGHUP)
        await stop.wait()
        os.kill(os.getpid(), signal.SIGHUP)
        await asyncio.sleep(0.01)
        message = "stopped early"
        raise JobUnfinished(message)

    with pytest.raises(SystemExit) as ended:
        session.run(work)
    assert ended.value.code == 130
    assert capsys.readouterr().err.splitlines()[-1] == "qwen-dataset: stopped early"


def test_a_hang_up_that_nohup_has_ignored_stays_ignored() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)

    async def work(stop: asyncio.Event) -> bool:
        os.kill(os.getpid(), signal.SIGHUP)
        await asyncio.sleep(0.01)
        return stop.is_set()

    assert session.run(work) is False
    assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN


def test_the_second_ctrl_c_tells_how_to_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    async def work(stop: asyncio.Event) -> None:
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.sleep(0)
        await asyncio.sleep(60)

    with pytest.raises(SystemExit) as ended:
        session.run(work, hint=lambda _: "go on with: qwen-dataset resume j")
    assert ended.value.code == 130
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.endswith("stored so far is kept; go on with: qwen-dataset resume j")


SHELL = 'qwen-dataset() { "$PYTHON" -c "from qwen_dataset.__main__ import run; run()" "$@"; }; '


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        ("qwen-dataset status >&-", 0, ""),
        ("qwen-dataset generate data --backend fake -o o.jsonl 2>/dev/full", 0, "1 samples"),
        ("qwen-dataset generate data --backend fake -o o.jsonl 2>&-", 0, "1 samples"),
        ("qwen-dataset generate data --backend fake -o o.jsonl >&- 2>&- <&-", 0, ""),
        ("{ qwen-dataset generate data --backend fake -o o.jsonl 2>&1; echo $? >code; } | :; cat code", 0, "0"),
        ("{ qwen-dataset papers data; echo $? >code; } | :; cat code", 0, "0"),
        ("{ qwen-dataset --help; echo $? >code; } | :; cat code", 0, "0"),
        ("qwen-dataset papers data >/dev/full", 2, "the output cannot be written: No space left on device"),
    ],
)
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_streams_that_cannot_be_written(here: Path, line: str, code: int, words: str) -> None:
    done = subprocess.run(
        ["bash", "-c", SHELL + line],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHON": sys.executable},
    )
    assert done.returncode == code, done
    assert words in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr
    if "generate" in line:
        assert (here / "o.jsonl").stat().st_size


# --- its language


@pytest.mark.parametrize("arguments", [["--lang", "zh", "status"], ["status", "--lang", "zh"], ["status", "--lang=ZH"]])
def test_lang_may_stand_before_and_behind_the_command(here: Path, marked: None, arguments: list[str]) -> None:
    assert call(*arguments).stdout == "«no jobs in file:batch_jobs»\n"


def test_lang_may_stand_behind_the_commands_of_a_group(here: Path, marked: None) -> None:
    for arguments in (["batch", "--lang", "zh", "list"], ["batch", "list", "--lang", "zh"]):
        assert call(*arguments).stdout == "«no batches in file:batch_jobs»\n"


@pytest.mark.parametrize(
    ("environment", "chinese_spoken"),
    [
        ({}, False),
        ({"LANG": "zh_CN.UTF-8"}, True),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, False),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "zh_TW"}, True),
        ({"LANG": "zh_CN.UTF-8", "LC_MESSAGES": "", "LC_ALL": ""}, True),
        ({"LANG": "zh_CN.UTF-8", "QWEN_DATASET_LANG": "en"}, False),
        ({"LANG": "en_US.UTF-8", "QWEN_DATASET_LANG": "zh"}, True),
    ],
)
@pytest.mark.parametrize("arguments", [["status"], ["papers"], ["nonsense"]])
def test_the_language_is_that_of_setting_and_locale(
    here: Path,
    marked: None,
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
    chinese_spoken: bool,
    arguments: list[str],
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert ("«" in CliRunner().invoke(main, arguments).output) is chinese_spoken


def test_a_settings_file_may_choose_the_language(here: Path, marked: None) -> None:
    (here / "own.toml").write_text('lang = "zh"\n', encoding="utf-8")
    assert call("status", "--config", "own.toml").stdout.startswith("«")
    assert not call("status").stdout.startswith("«")


@pytest.mark.parametrize("arguments", [["--lang", "fr", "status"], ["config", "show", "--lang", "fr"], ["papers"]])
def test_a_wrong_language_is_told_with_everything_else(here: Path, arguments: list[str]) -> None:
    result = CliRunner().invoke(main, arguments, env={"QWEN_DATASET_LANG": "fr", "QWEN_DATASET_STORAGE": "ftp:x"})
    assert result.exit_code == 2
    assert "lang is 'fr'" in result.stderr
    assert ("there is no storage 'ftp'" in result.stderr) is ("papers" not in arguments)


def test_a_wrong_language_is_told_by_a_command_without_settings(here: Path) -> None:
    for arguments in (["completion", "bash", "--lang", "fr"], ["--lang", "fr", "config", "init"]):
        assert "lang is 'fr' (--lang)" in call(*arguments, code=2).stderr
    assert not (here / "qwen-dataset.toml").exists()


def test_every_sentence_of_a_run_is_translated_whole_and_data_is_not(here: Path, marked: None) -> None:
    result = generate("--lang", "zh")
    goes_on = False  # in the next line, beside the same label
    for line in result.output.splitlines():
        assert line.startswith("      ") if goes_on else line.lstrip().startswith("«"), line
        goes_on = not line.endswith("»")
    assert not goes_on
    assert "«" not in generate("--lang", "zh", "--json").output
    assert "«" not in call("generate", "--lang", "zh", "--help").output
    assert call("resume", "x", "--lang", "zh", code=2).stderr.startswith("qwen-dataset: «there is no job")


def test_chinese_leaves_what_it_does_not_know() -> None:
    assert chinese.translate("a line of nobody's") == "a line of nobody's"


# --- settings


def test_only_settings_that_a_command_needs_can_stop_it(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = generate("--batch", "--no-wait").stdout.split()[1]
    for name, value in (("TEMPERATURE", "hot"), ("MAX_TOKENS", "0"), ("OUTPUT_FILE", "")):
        monkeypatch.setenv(name, value)
    call("status")
    call("rejects")
    call("papers")
    call("cancel", job)
    monkeypatch.setenv("QWEN_DATASET_WRITER", "x")
    told = generate(code=2).stderr
    assert "temperature is 'hot' (environment TEMPERATURE)" in told
    assert "max_tokens is '0'" in told
    assert "there is no writer 'x'; known: jsonl (environment QWEN_DATASET_WRITER)" in told
    assert len(told.splitlines()) == 3


def test_contradictions_are_told_with_wrong_settings(here: Path) -> None:
    told = generate("data", "--data-dir", "x", "--batch", "--realtime", "--top-p", "7", code=2).stderr.splitlines()
    assert len(told) == 3
    assert any("--batch and --realtime" in line for line in told)
    assert any("--data-dir" in line for line in told)
    assert "--force and --merge" in generate("--force", "--merge", code=2).stderr
    assert "name PAPERS or give --data-dir" in generate("data", "--data-dir", "data", code=2).stderr


def test_a_key_in_the_place_of_a_name_is_not_shown(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DASHSCOPE_API_KEY", "plain-secret-word")
    told = call("generate", "--backend", "plain-secret-word", code=2).stderr
    assert "plain-secret-word" not in told


def test_the_configured_folder_is_read_where_no_papers_are_named(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "1 papers read" in generate().stderr
    assert (here / "quantum_instruction_dataset.jsonl").exists()
    (here / "data").rename(here / "other")
    monkeypatch.setenv("DATA_DIR", "gone")
    for verb in ("generate", "papers"):
        assert "the folder gone (environment DATA_DIR) does not exist; name papers" in call(verb, code=2).stderr
    assert "1 papers read" in call("papers", "--data-dir", "other").stderr


def test_a_job_that_ends_with_the_command_is_not_left_behind(here: Path) -> None:
    told = generate("--batch", "--no-wait", "--storage", "memory:", code=2).stderr
    assert "leave out --no-wait" in told
    assert not (here / ".qwen-dataset-fake.jsonl").exists()


def test_config_show_tells_value_and_source(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "qwen-dataset.toml").write_text('top_p = 0.5\nlang = "auto"\n', encoding="utf-8")
    (here / ".env").write_text("MAX_TOKENS=77\n", encoding="utf-8")
    monkeypatch.setenv("DASHSCOPE_API_KEY", KEY)
    long_one = "双势阱" * 30 + ".jsonl"
    monkeypatch.setenv("OUTPUT_FILE", long_one)
    monkeypatch.setenv("QWEN_DATASET_COMPLETION_WINDOW", "48h")
    shown = call("config", "show").stdout
    lines = shown.splitlines()
    assert re.search(r"^top_p +0\.5 +qwen-dataset\.toml line 1$", shown, re.MULTILINE)
    assert re.search(r"^max_tokens +77 +\.env line 1 MAX_TOKENS$", shown, re.MULTILINE)
    assert re.search(r"^api_key +\*\*\*\s+environment DASHSCOPE_API_KEY$", shown, re.MULTILINE)
    assert re.search(r"^completion_window +48h\n {19}environment QWEN_DATASET_COMPLETION_WINDOW$", shown, re.MULTILINE)
    assert re.search(r"^model +qwen-plus +default$", shown, re.MULTILINE)
    assert KEY not in shown
    assert long_one in "".join(line.strip().removeprefix("output").strip() for line in lines)
    assert max(len(line) + len(re.findall(r"[\u4e00-\u9fff]", line)) for line in lines) <= 80
    assert {line.split()[0] for line in lines} >= {setting.name for setting in SETTINGS}


def test_a_long_value_with_a_long_source_takes_several_lines(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QWEN_DATASET_COMPLETION_WINDOW", "48h")
    (here / "qwen-dataset.toml").write_text(f'job_name = "{"j" * 61}"\n', encoding="utf-8")
    shown = call("config", "show").stdout
    assert re.search(r"^job_name +j{61}\n +qwen-dataset\.toml line 1$", shown, re.MULTILINE)


def test_config_show_as_json(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QIANWEN_API_KEY", KEY)
    monkeypatch.setenv("USE_BATCH", "yes")
    found = json.loads(call("config", "show", "--json").stdout)
    assert found["api_key"] == {"value": "***", "source": "environment QIANWEN_API_KEY"}
    assert found["use_batch"]["value"] is True
    assert found["backend"] == {"value": None, "source": "default"}
    assert found["output"]["value"] == "quantum_instruction_dataset.jsonl"
    assert list(found) == [setting.name for setting in SETTINGS]


def test_config_show_prints_what_it_can_and_then_every_problem(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "own.toml").write_text('top_p = 7\ncolour = "red"\nrecipe = "stew"\n', encoding="utf-8")
    monkeypatch.setenv("TEMPERATURE", "hot")
    result = call("config", "show", "--config", "own.toml", code=2)
    assert "model              qwen-plus" in result.stdout
    told = result.stderr.splitlines()
    assert len(told) == 4
    for words in ("colour", "top_p is 7 (own.toml line 1)", "'hot'", "there is no recipe 'stew'"):
        assert any(words in line for line in told), words


def test_config_show_shows_a_wrong_value_where_it_stands(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPERATURE", "hot (very)")
    monkeypatch.setenv("DASHSCOPE_API_KEY", "two words")
    (here / "qwen-dataset.toml").write_text(f'model = "{"m " * 99}"\nbackend = "sk-{"a" * 30}"\n', encoding="utf-8")
    shown = call("config", "show", code=2).stdout
    assert re.search(r"^temperature +'hot \(very\)' +environment TEMPERATURE$", shown, re.MULTILINE)
    assert re.search(r"^api_key +\*\*\*\s+environment DASHSCOPE_API_KEY$", shown, re.MULTILINE)
    assert re.search(r"^backend +\*\*\* +qwen-dataset\.toml line 2$", shown, re.MULTILINE)
    assert re.search(r"^model +'m m ", shown, re.MULTILINE)
    assert "…'" in shown
    assert "sk-aaa" not in shown
    result = call("config", "show", "--json", code=2)
    found = json.loads(result.stdout)
    assert found["temperature"] == {"value": "'hot (very)'", "source": "environment TEMPERATURE"}
    assert [f"qwen-dataset: {problem}" for problem in found["problems"]] == result.stderr.splitlines()


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_sources_of_config_show_stand_in_one_column(here: Path, lang: str) -> None:
    environment = {"QWEN_DATASET_COMPLETION_WINDOW": "48h", "MAX_TOKENS": "7", "DATA_DIR": "论文"}
    shown = CliRunner().invoke(main, ["config", "show", "--lang", lang], env=environment).stdout
    sources = ("default", "environment", "--lang", "默认值", "环境变量")
    places = set()
    for line in shown.splitlines():
        places |= {cell_len(line[: line.index(f"  {word}") + 2]) for word in sources if f"  {word}" in line}
    assert places == {19, 54}  # what is too long for the column stands on a line of its own
    assert max(map(cell_len, shown.splitlines())) <= 80


def test_config_init_writes_a_file_that_changes_nothing(here: Path) -> None:
    before = resolve()
    assert "qwen-dataset.toml written" in call("config", "init").stdout
    text = (here / "qwen-dataset.toml").read_text(encoding="utf-8")
    assert tomllib.loads(text) == {}
    assert resolve() == before
    for setting in SETTINGS:
        assert re.search(rf"^#.* {setting.name}\b", text, re.MULTILINE)
        assert all(variable in text for variable in setting.variables)
    told = call("config", "init", code=2).stderr
    assert "--force" in told
    (here / "qwen-dataset.toml").write_text("x", encoding="utf-8")
    call("config", "init", "--force")
    assert (here / "qwen-dataset.toml").read_text(encoding="utf-8") == text
    assert "cannot be written" in call("config", "init", "no/such/x.toml", code=2).stderr


def test_switched_on_the_defaults_of_the_file_are_the_defaults(here: Path) -> None:
    call("config", "init", "all.toml")
    lines = (here / "all.toml").read_text(encoding="utf-8").splitlines()
    assert all(line.startswith("#") for line in lines if line)
    (here / "all.toml").write_text("\n".join(line[1:] for line in lines), encoding="utf-8")
    resolved = resolve(path=Path("all.toml"))
    assert resolved.problems == ()
    assert resolved.config() == Config()
    on = {name for name, chosen in resolved.values.items() if chosen.source != "default"}
    assert on == {setting.name for setting in SETTINGS} - {"api_key", *settings_commands._EXAMPLES}


def test_what_has_no_default_is_shown_by_an_example_that_can_be_used(here: Path) -> None:
    call("config", "init", "all.toml")
    found = re.findall(r"^## Not set; to set it: (.*)$", (here / "all.toml").read_text("utf-8"), re.MULTILINE)
    (here / "all.toml").write_text("\n".join(found), encoding="utf-8")
    resolved = resolve(path=Path("all.toml"))
    assert resolved.problems == ()
    unset = {setting.name for setting in SETTINGS if setting.default is None and not setting.choices}
    assert {name for name, chosen in resolved.values.items() if chosen.source != "default"} == unset - {"api_key"}


# --- the shell's completion


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("re", {"resume", "rebuild", "rejects"}),
        ("generate --max-s", {"--max-samples"}),
        ("config s", {"show"}),
        ("generate --language ", {"auto", "zh", "en"}),
        ("generate --retry-unknown a", {"auto", "always"}),
        ("status --lang z", {"zh"}),
        ("generate --backend f", {"fake"}),
        ("status --storage f", {"file"}),
        ("generate --recipe i", {"instruct"}),
        ("generate --data-dir da", {"da"}),
        ("generate -o o", {"o"}),
        ("resume -o o", {"o"}),
    ],
)
def test_the_shell_completes_commands_and_options(here: Path, words: str, found: set[str]) -> None:
    line = f"qwen-dataset {words}"
    environment = {"_QWEN_DATASET_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))}
    shown = call(env=environment).stdout
    assert {each.partition(",")[2] for each in shown.splitlines()} == found


def test_the_shell_completes_options_of_the_command_itself(here: Path) -> None:
    environment = {"_QWEN_DATASET_COMPLETE": "bash_complete", "COMP_WORDS": "qwen-dataset --", "COMP_CWORD": "1"}
    assert "plain,--version" in call(env=environment).stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_that_the_shell_understands(here: Path, shell: str) -> None:
    script = call("completion", shell).stdout
    assert f"_QWEN_DATASET_COMPLETE={shell}_complete" in script
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=script, text=True, check=True, stdin=None, capture_output=True)


# --- what leaves the machine, and whether it may


@pytest.mark.parametrize(
    ("more", "sentences"),
    [
        ((), ["up to 100 requests go one by one, in realtime", "requests for qwen-plus go one by one to: the fake"]),
        (("--batch",), ["requests for qwen-plus go as a batch to: the fake"]),
        (("--realtime", "--model", "m"), ["requests for m go one by one to: the fake"]),
    ],
)
def test_it_says_where_requests_go_before_it_says_what_came(
    here: Path, more: tuple[str, ...], sentences: list[str]
) -> None:
    told = generate(*more).stderr
    lines = told.splitlines()
    about = [line for line in lines if "requests go" in line or "requests for" in line]
    assert len(about) == len(sentences)
    for line, words in zip(about, sentences, strict=True):
        assert line.startswith(words)
        assert lines.index(line) < next(n for n, each in enumerate(lines) if each.startswith("job "))
    assert generate("--quiet", *more).output == ""
    assert generate("--json", *more).stderr == ""


def test_many_requests_are_said_to_go_as_a_batch_for_their_number() -> None:
    route = Route(way=Way.BATCH, by_size=True, backend="named", destination="", model="m")
    first, second = show.describe_route(route)
    assert first.startswith("more than 100 requests go as a batch, at half the price; --realtime")
    assert second == "requests for m go as a batch to: named"


def test_paying_again_is_asked_for_at_a_terminal(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generate("--job-name", "one", "-q")
    ledger = here / ".qwen-dataset-fake.jsonl"
    paid = ledger.read_bytes()
    fresh = ("--fresh", "--job-name", "two", "-o", "two.jsonl", "-q")
    with monkeypatch.context() as patch:
        at_a_terminal(patch, "no")
        told = generate(*fresh, code=2).stderr
        assert "Pay again for what is answered? [y/N]" in told
        assert "you said no" in told
        assert ledger.read_bytes() == paid
        at_a_terminal(patch, "是")
        session.confirm("sure?", yes=False)  # no run, which would draw a bar
    generate(*fresh)
    assert len(ledger.read_bytes()) > len(paid)


def test_yes_asks_nothing(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(session.click, "prompt", lambda question, **_: asked.append(question) or "no")
    generate("--fresh", "--yes", "--job-name", "x", "-q")
    assert asked == []


# --- the report


def test_a_merge_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    sums = Tally().sums(possibly_paid=0)
    report = Report(job_id="j", recipe="instruct", output=Path("o.jsonl"), sums=sums, kept=7, known=2)
    show.show_report(report, storage="file:x", json=False, quiet=False)
    show.show_report(attrs.evolve(report, recipe="prompts"), storage="file:x", json=False, quiet=False)
    said = capsys.readouterr().out
    assert "merged      7 lines kept, 2 samples were among them\n" in said
    assert "dataset     o.jsonl (0 samples)\n" in said
    assert "answers     o.jsonl (0 answers)\n" in said
    show.show_report(report, storage="file:x", json=True, quiet=True)
    record = json.loads(capsys.readouterr().out)
    assert (record["kept"], record["known"]) == (7, 2)


def test_answers_that_stay_in_the_job_have_no_file(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report(job_id="j", recipe="prompts", output=None, sums=Tally().sums(possibly_paid=0))
    show.show_report(report, storage="file:x", json=False, quiet=False)
    assert "None" not in capsys.readouterr().out
    show.show_report(report, storage="file:x", json=True, quiet=False)
    assert json.loads(capsys.readouterr().out)["output"] is None


def test_a_job_of_prompts_is_resumed_and_rebuilt_with_answers(here: Path) -> None:
    options = ("--backend", "fake", "-o", "a.jsonl", "--job-name", "asked")
    call("batch", "create", "--prompt", "Why?", "--prompt", "How?", *options)
    assert "answers     a.jsonl (2 answers)" in call("resume", "asked", "-o", "a.jsonl").stdout
    assert "answers     b.jsonl (2 answers)" in call("rebuild", "asked", "-o", "b.jsonl").stdout


# --- the log of a run


def log_of(folder: Path) -> str:
    (found,) = folder.glob("batch_jobs/*/log/*.log")
    assert re.fullmatch(rf"\d{{8}}T\d{{6}}Z-{os.getpid()}\.log", found.name)
    return found.read_text(encoding="utf-8")


def test_a_run_is_logged_in_its_job_from_before_the_job_was_known(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DASHSCOPE_API_KEY", "a-key-of-no-shape")
    level = logging.getLogger("qwen_dataset").level
    job = generate("--quiet").output
    text = log_of(here)
    assert job == ""
    for words in ("INFO", "1 papers read", "requests for qwen-plus go", "round 1 done", "1 completions + 0 failures"):
        assert words in text
    assert "a-key-of-no-shape" not in text
    assert logging.getLogger("qwen_dataset").level == level
    assert not any(isinstance(each, logs.JobLog) for each in logging.getLogger("qwen_dataset").handlers)


def test_the_log_is_no_part_of_the_job(here: Path) -> None:
    generate("-q")
    first = (here / "quantum_instruction_dataset.jsonl").read_bytes()
    call("rebuild", "instruct", "-q")
    assert (here / "quantum_instruction_dataset.jsonl").read_bytes() == first
    assert len(call("status").stdout.splitlines()) == 1
    assert "nothing to delete" in call("prune").stdout
    job = next((here / "batch_jobs").iterdir())
    call("prune", job.name, "--yes")
    assert not list((here / "batch_jobs").rglob("*.log"))


def test_no_local_folder_no_log(here: Path) -> None:
    generate("--storage", "memory:", "-q")
    assert not list(here.rglob("*.log"))


def test_a_log_that_cannot_be_written_is_no_error(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Path.mkdir

    def mkdir(self: Path, *args: object, **more: object) -> None:
        if self.name == "log":
            raise PermissionError(13, "Permission denied")
        real(self, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Path, "mkdir", mkdir)
    assert "1 samples" in generate().stdout
    assert not list(here.rglob("*.log"))


def test_a_log_that_cannot_be_written_any_more_is_no_error(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    class Full:
        def write(self, _: str) -> None:
            raise OSError(28, "No space left on device")

        def close(self) -> None:
            raise OSError(28, "No space left on device")

    logger = logging.getLogger("qwen_dataset.test")
    with logs.JobLog(Config(storage=f"file:{here}/jobs")) as log:
        logger.info("before %s", KEY)
        log.begin("j-1")
        log.begin("j-2")
        logger.warning("kept")
        assert log._file is not None
        log._file.close()
        log._file = Full()  # type: ignore[assignment]
        logger.warning("dropped")
        logger.warning("dropped as well")
    (found,) = here.glob("jobs/*/log/*.log")
    assert found.parent.parent.name == "j-1"
    text = found.read_text(encoding="utf-8")
    assert "before ***" in text
    assert "kept" in text
    assert "dropped" not in text
    assert capsys.readouterr().err == ""


def test_a_record_that_cannot_be_formatted_does_not_end_the_run(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", False)
    with logs.JobLog(Config()) as log:
        log.emit(logging.LogRecord("qwen_dataset.x", logging.INFO, __file__, 1, "%d", ("x",), None))
        log.begin("j")
    assert "%d" not in log_of(here)


def test_a_storage_that_is_none_has_no_log_and_is_told_by_who_opens_it() -> None:
    config = Config(storage="file:user:secret@host")
    with logs.JobLog(config) as log:
        log.begin("j")


def test_what_is_logged_as_an_error_is_shown_without_a_key() -> None:
    record = logging.LogRecord("x", logging.ERROR, __file__, 1, "the key %s", (KEY,), None)
    assert session._WithoutKeys("%(levelname)s: %(message)s").format(record) == "ERROR: the key ***"


def test_a_run_that_fails_takes_its_bar_away_first(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped: list[str] = []
    monkeypatch.setattr(show.Display, "stop", lambda self: stopped.append("bar"))
    monkeypatch.setattr(language, "complain", lambda sentence: stopped.append("sentence"))
    generate("nowhere", code=2)
    assert stopped[:2] == ["bar", "sentence"]


def test_a_damaged_job_stands_in_the_list_and_stops_nobody(here: Path) -> None:
    generate("-q")
    (job,) = (here / "batch_jobs").iterdir()
    next((job / "events").iterdir()).write_text("{", encoding="utf-8")
    assert call("status").stdout.startswith(f"{job.name}  damaged  ")
    assert json.loads(call("status", "--json").stdout)["phase"] == "damaged"


def test_no_paper_for_the_text_is_one_sentence(here: Path) -> None:
    (here / "data" / "a.md").unlink()
    assert "no paper was found in data" in call("papers", "--text", code=2).stderr


def test_a_job_that_another_one_stands_in_the_way_of_says_how_to_go_on(here: Path) -> None:
    first = generate("--batch", "--no-wait", "-o", "one.jsonl").stdout.split()[1]
    told = generate("--batch", "--job-name", "second", "-o", "two.jsonl", code=3).stderr
    assert f"qwen-dataset resume {first} or qwen-dataset cancel {first}" in told


def test_an_event_that_never_was_has_no_time() -> None:
    assert times.when(0) == "-"


# --- switches, and what batches leave open


@pytest.mark.parametrize("command", [("generate",), ("resume",), ("batch", "create")])
def test_how_a_batch_is_finished_is_an_option_wherever_it_may_be_finished(command: tuple[str, ...]) -> None:
    shown = call(*command, "--help").output
    assert all(f"  {flag} " in shown for flag in ("--finish no|realtime", "--after TIME", "--clean-remote"))


@pytest.mark.parametrize(
    ("toml", "flags", "expected"),
    [
        ("", (), False),
        ("", ("--thinking",), True),
        ("enable_thinking = true", (), True),
        ("enable_thinking = true", ("--no-thinking",), False),
    ],
)
def test_a_switch_that_is_not_given_leaves_the_setting_as_it_is(
    here: Path, toml: str, flags: tuple[str, ...], expected: bool
) -> None:
    (here / "qwen-dataset.toml").write_text(toml, encoding="utf-8")
    generate(*flags, "--quiet")
    (spec,) = here.glob("batch_jobs/*/spec.json")
    assert ("enable_thinking" in spec.read_text("utf-8")) is expected


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--after", "6h"), "after is set, and finish is not"),
        (("--finish", "realtime", "--realtime"), "finish is for batches, and everything is asked in realtime"),
        (("--finish", "later"), "finish is 'later' (--finish); it must be realtime or no"),
        (("--finish", "realtime", "--after", "5m"), "after is '5m' (--after); it must be stalled, or a whole number"),
    ],
)
def test_what_cannot_be_finished_so_is_told(here: Path, flags: tuple[str, ...], words: str) -> None:
    assert words in generate(*flags, code=2).stderr
