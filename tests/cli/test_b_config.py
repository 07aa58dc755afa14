"""`config show` and `config init`, and twenty wrong settings at once."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.library.stage import Stage

KEY = "sk-nobody0123456789"
TWENTY = {
    "base_url": '"not a url"',
    "backend": '"cloud:9"',
    "storage": '"ftp:x"',
    "recipe": '"stew"',
    "writer": '"papyrus"',
    "use_batch": '"perhaps"',
    "completion_window": '"1w"',
    "job_name": '"a/b"',
    "language": '"fr"',
    "max_samples": "0",
    "temperature": "2",
    "max_tokens": "0",
    "top_p": "0",
    "concurrency": "0",
    "poll": "-1",
    "rounds": "0",
    "retry_unknown": '"sometimes"',
    "lang": '"fr"',
    "temprature": "0.5",
    "colour": '"red"',
}


@pytest.fixture
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    return Stage(tmp_path, monkeypatch)


def twenty(rows: dict[str, str]) -> str:
    return "".join(f"{name} = {value}\n" for name, value in rows.items())


def test_twenty_wrong_settings_are_twenty_sentences(inside: Stage) -> None:
    inside.papers()
    inside.write("qwen-dataset.toml", twenty(TWENTY))
    said = inside.call("generate", "papers").fails(2, sentences=20)
    for number, name in enumerate(TWENTY, 1):
        lines = [
            line
            for line in said.problems
            if f"qwen-dataset.toml line {number} " in f"{line} ".replace(":", " ").replace(")", " ")
        ]
        assert any(name in line for line in lines), (name, number, said.problems)
    assert said.out == ""
    inside.nothing_was_made()
    show = inside.call("config", "show").works(2)
    assert len(show.problems) == 20, show.err


def test_wrong_arguments_are_told_all_at_once_as_well(inside: Stage) -> None:
    inside.papers()
    args = ["--temperature", "hot", "--max-tokens", "none", "--language", "fr", "--top-p", "0", "--poll", "soon"]
    said = inside.generate("papers", *args, "--completion-window", "23h").fails(2, sentences=6)
    for flag in ("--temperature", "--max-tokens", "--language", "--top-p", "--poll", "--completion-window"):
        assert any(flag in line for line in said.problems), (flag, said.problems)
    inside.nothing_was_made()


def test_layers_mix_in_one_report(inside: Stage) -> None:
    inside.papers()
    inside.write("qwen-dataset.toml", "top_p = 9\n")
    inside.write(".env", "\nMAX_TOKENS=x\n")
    said = inside.generate("papers", "--poll", "0", env={"TEMPERATURE": "hot"}).fails(2, sentences=4)
    for words in (("qwen-dataset.toml", "1"), (".env", "2"), ("environment", "TEMPERATURE"), ("--poll",)):
        assert any(all(word in line for word in words) for line in said.problems), (words, said.problems)


def test_one_wrong_setting_in_a_real_process(cli: Any) -> None:
    """Bytes that are no text in the environment and in the file, as a real process gets them."""
    cli.papers()
    env = {"QWEN_DATASET_LANGUAGE": b"\xff\xfe".decode(errors="surrogateescape"), "PYTHONUTF8": "0", "LC_ALL": "C"}
    done = subprocess.run(
        [sys.executable, "-c", "from qwen_dataset.app.cli.main import main; main()", "generate", "papers"],
        cwd=cli.home,
        env=cli.environment(**env),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert b"Traceback" not in done.stderr
    assert b"QWEN_DATASET_LANGUAGE" in done.stderr


def test_show_names_every_source_and_masks_the_key(inside: Stage) -> None:
    inside.write("qwen-dataset.toml", '# mine\n\nmodel = "from-toml"\nrounds = 2\n')
    inside.write(".env", "TEMPERATURE=0.25\n")
    env = {"DASHSCOPE_API_KEY": KEY, "TOP_P": "0.5", "QWEN_DATASET_ROUNDS": "5"}
    said = inside.call("config", "show", env=env).works()
    lines: dict[str, str] = {}
    for line in said.out.splitlines():  # on a narrow screen a source may stand on a line of its own
        name = line.split()[0] if line[:1].strip() else list(lines)[-1]
        lines[name] = lines.get(name, "") + line
    wanted = {
        "model": ("from-toml", "qwen-dataset.toml line 3"),
        "temperature": ("0.25", ".env line 1"),
        "top_p": ("0.5", "environment TOP_P"),
        "rounds": ("5", "environment QWEN_DATASET_ROUNDS"),
        "max_tokens": ("2000", "default"),
        "api_key": ("DASHSCOPE_API_KEY", "***"),
    }
    for name, words in wanted.items():
        assert name in lines, (name, said.out)
        assert all(word in lines[name] for word in words), (words, lines[name])
    assert KEY not in said.out + said.err
    assert "0123456789" not in said.out + said.err
    for name in TWENTY:
        assert name in {"temprature", "colour"} or name in lines, name


def test_show_as_json(inside: Stage) -> None:
    said = inside.call("config", "show", "--json", env={"QIANWEN_API_KEY": KEY, "QIANWEN_MODEL": "通义"}).works()
    text = said.out
    assert KEY not in text
    found = said.json
    assert isinstance(found, dict)
    settings = found.get("settings", found)
    model = settings["model"]
    assert "通义" in str(model)
    assert "QIANWEN_MODEL" in str(model)
    assert set(TWENTY) - {"temprature", "colour"} <= set(settings)


def test_show_needs_no_key_and_no_backend(inside: Stage) -> None:
    inside.call("config", "show").works()
    inside.call("config", "show", "--json").works()
    assert not inside.tree()


def test_init_writes_a_file_that_changes_nothing_and_is_never_overwritten(inside: Stage) -> None:
    before = inside.call("config", "show", "--json").works().json
    inside.call("config", "init").works()
    text = (inside.home / "qwen-dataset.toml").read_text(encoding="utf-8")
    tomllib.loads(text)
    assert all(name in text for name in TWENTY if name not in {"temprature", "colour"})
    assert "api_key = " not in "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    after = inside.call("config", "show", "--json").works().json

    def values(shown: Any) -> Any:
        settings = shown.get("settings", shown)
        return {name: row["value"] if isinstance(row, dict) else row for name, row in settings.items()}

    assert values(before) == values(after)
    inside.write("qwen-dataset.toml", text + "# my own line\n")
    inside.call("config", "init").fails(2, "qwen-dataset.toml")
    assert (inside.home / "qwen-dataset.toml").read_text(encoding="utf-8").endswith("# my own line\n")
    uncommented = "\n".join(
        line.removeprefix("# ").removeprefix("#") if " = " in line else "" for line in text.splitlines()
    )
    tomllib.loads(uncommented)  # each commented setting is a line that can be used as it stands


def test_init_makes_no_file_with_a_key_of_the_environment(inside: Stage) -> None:
    inside.call("config", "init", env={"DASHSCOPE_API_KEY": KEY, "QIANWEN_MODEL": "qwen-max"}).works()
    assert KEY.encode() not in b"".join(inside.tree().values())


@pytest.mark.parametrize("command", [("generate", "papers", "-o", "o.jsonl", "--backend", "fake"), ("config", "show")])
def test_a_config_file_that_cannot_be_read(inside: Stage, command: tuple[str, ...]) -> None:
    inside.papers()
    inside.write("bad.toml", b"\x00\xff\xfe")
    inside.write("broken.toml", "model = \n")
    for name in ("missing.toml", "papers", "bad.toml", "broken.toml"):
        inside.call(*command, "--config", name).fails(2, name)
    inside.nothing_was_made()


def test_a_config_file_for_the_whole_run(inside: Stage) -> None:
    inside.papers()
    inside.write("run.toml", 'backend = "fake"\noutput = "named.jsonl"\nmodel = "qwen-max"\nmax_samples = 1\n')
    inside.call("generate", "papers", "--config", "run.toml").works()
    assert {sample["metadata"]["model"] for sample in inside.samples("named.jsonl")} == {"qwen-max"}
    assert len(inside.samples("named.jsonl")) == 2
    inside.call("generate", "papers", "--config", "run.toml", "--model", "qwen-turbo", "-o", "two.jsonl").works()
    assert {sample["metadata"]["model"] for sample in inside.samples("two.jsonl")} == {"qwen-turbo"}


def test_commands_that_need_little_ask_for_little(inside: Stage) -> None:
    """A wrong setting that a command does not use does not stop it."""
    inside.papers()
    inside.generate("papers").works()
    env = {"TEMPERATURE": "hot", "BATCH_COMPLETION_WINDOW": "1w"}
    inside.call("papers", "papers", env=env).works()
    inside.call("status", env=env).works()
    inside.call("generate", "--help", env=env).works()
    inside.call("--version", env=env).works()
