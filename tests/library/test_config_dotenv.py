"""The forms of `.env` that people really have."""

from __future__ import annotations

from typing import Any

import pytest

from tests.library.stage import Stage


def load() -> Any:
    from qwen_dataset import load_config

    return load_config(backend="fake")


@pytest.mark.parametrize(
    ("text", "model"),
    [
        ("QIANWEN_MODEL=qwen-max", "qwen-max"),
        ("QIANWEN_MODEL=qwen-max\n", "qwen-max"),
        ("QIANWEN_MODEL = qwen-max \n", "qwen-max"),
        ('QIANWEN_MODEL="qwen-max"\n', "qwen-max"),
        ("QIANWEN_MODEL='qwen-max'\n", "qwen-max"),
        ("export QIANWEN_MODEL=qwen-max\n", "qwen-max"),
        ("QIANWEN_MODEL=qwen-max # the big one\n", "qwen-max"),
        ("# QIANWEN_MODEL=no\nQIANWEN_MODEL=qwen-max\n", "qwen-max"),
        ("QIANWEN_MODEL=no\nQIANWEN_MODEL=qwen-max\n", "qwen-max"),
        ("\ufeffQIANWEN_MODEL=qwen-max\n", "qwen-max"),
        ("QIANWEN_MODEL=qwen-max\r\nTOP_P=0.5\r\n", "qwen-max"),
        ('\ufeff\r\n# kommentar 注释\r\nexport QIANWEN_MODEL="qwen-max"\r\n', "qwen-max"),
        ("QIANWEN_MODEL=\n", "qwen-plus"),
        ('QIANWEN_MODEL=""\n', "qwen-plus"),
        ("QIANWEN_MODEL\n", "qwen-plus"),
        ("PATH=/somewhere\nAWS_SECRET='x'\nDATABASE_URL=postgres://u:p@h/d\nTEMPERATURE_UNIT=K\n", "qwen-plus"),
        ("", "qwen-plus"),
    ],
)
def test_forms(stage: Stage, text: str, model: str) -> None:
    stage.write(".env", text)
    assert load().model == model


def test_a_value_may_hold_hashes_dollars_and_spaces(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/never")
    stage.write(".env", "DATA_DIR='my #1 $HOME papers'\nOUTPUT_FILE=\"数据 集.jsonl\"\n")
    config = load()
    assert str(config.data_dir) == "my #1 $HOME papers"
    assert str(config.output) == "数据 集.jsonl"


def test_an_empty_value_in_the_environment_does_not_hide_the_file(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.write(".env", "QIANWEN_MODEL=qwen-max\n")
    monkeypatch.setenv("QIANWEN_MODEL", "")
    assert load().model == "qwen-max"


def test_reading_it_changes_nothing_in_the_environment(stage: Stage) -> None:
    import os

    stage.write(".env", "QIANWEN_MODEL=qwen-max\nSOMETHING_ELSE=1\n")
    before = dict(os.environ)
    load()
    assert dict(os.environ) == before


@pytest.mark.parametrize("line", ['QIANWEN_MODEL="never closed', "='no name'", "&&& nonsense &&&", "'"])
def test_a_broken_line_is_named(stage: Stage, line: str) -> None:
    from qwen_dataset import SettingError

    stage.write(".env", f"# first\nTOP_P=0.5\n{line}\n")
    with pytest.raises(SettingError) as caught:
        load()
    (sentence,) = caught.value.problems
    assert ".env" in sentence
    assert "3" in sentence


@pytest.mark.parametrize("data", [b"QIANWEN_MODEL=\xff\xfe\n", b"\xff\xfeQ\x00=\x001\x00"])
def test_bytes_that_are_no_text(stage: Stage, data: bytes) -> None:
    from qwen_dataset import SettingError

    stage.write(".env", data)
    with pytest.raises(SettingError, match=r"\.env"):
        load()


def test_a_folder_called_dotenv_is_somebody_elses_virtual_environment(stage: Stage) -> None:
    (stage.home / ".env").mkdir()
    assert load().model == "qwen-plus"
