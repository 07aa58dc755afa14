"""Where a setting comes from: five layers, each over the one before; every problem at once, each with its source."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.library.stage import Stage

KEY = "sk-nobody0123456789"


def load(**overrides: Any) -> Any:
    from qwen_dataset import load_config

    return load_config(**({"backend": "fake"} | overrides))


def problems(**overrides: Any) -> tuple[str, ...]:
    from qwen_dataset import SettingError

    with pytest.raises(SettingError) as caught:
        load(**overrides)
    found = caught.value.problems
    assert isinstance(found, tuple)
    assert found
    assert all(isinstance(each, str) and each and "\n" not in each for each in found), found
    assert all(each in str(caught.value) for each in found)
    return found


def test_defaults_of_the_issue(stage: Stage) -> None:
    config = load()
    assert config.model == config.qianwen_model == "qwen-plus"
    assert config.completion_window == config.batch_completion_window == "24h"
    assert Path(config.data_dir) == Path("data")
    assert config.max_samples == config.max_samples_per_paper == 4
    assert Path(config.output) == Path(config.output_file) == Path("quantum_instruction_dataset.jsonl")
    assert (config.temperature, config.max_tokens, config.top_p) == (0.7, 2000, 0.9)
    assert config.use_batch is None
    assert config.storage == "file:batch_jobs"
    assert (config.recipe, config.language, config.rounds) == ("instruct", "auto", 3)
    with pytest.raises(AttributeError):
        config.model = "other"


def test_each_layer_wins_over_the_one_before(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load().model == "qwen-plus"
    stage.write("qwen-dataset.toml", 'model = "toml"\ntemperature = 0.1\nmax_tokens = 1\nuse_batch = true\n')
    assert load().model == "toml"
    stage.write(".env", "QIANWEN_MODEL=dotenv\nTEMPERATURE=0.2\n")
    assert (load().model, load().temperature, load().max_tokens) == ("dotenv", 0.2, 1)
    monkeypatch.setenv("QIANWEN_MODEL", "environment")
    assert (load().model, load().temperature) == ("environment", 0.2)
    assert load(model="argument").model == "argument"
    assert load().use_batch is True
    monkeypatch.setenv("USE_BATCH", "false")
    assert load().use_batch is False


def test_every_familiar_name_is_read(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    names = {
        "DASHSCOPE_API_KEY": KEY,
        "QIANWEN_MODEL": "qwen-max",
        "QIANWEN_BASE_URL": "https://example.com/v1",
        "USE_BATCH": "True",
        "BATCH_COMPLETION_WINDOW": "14d",
        "DATA_DIR": "my papers",
        "MAX_SAMPLES_PER_PAPER": "9",
        "OUTPUT_FILE": "out.jsonl",
        "TEMPERATURE": "0",
        "MAX_TOKENS": "55",
        "TOP_P": "1",
        "QWEN_DATASET_BACKEND": "fake",
        "QWEN_DATASET_CONCURRENCY": "3",
        "QWEN_DATASET_RETRY_UNKNOWN": "never",
        "QWEN_DATASET_ROUNDS": "2",
        "QWEN_DATASET_JOB_NAME": "named",
        "QWEN_DATASET_LANGUAGE": "zh",
        "QWEN_DATASET_POLL": "2.5",
    }
    for name, value in names.items():
        monkeypatch.setenv(name, value)
    from qwen_dataset import load_config

    config = load_config()
    assert (config.model, config.base_url, config.use_batch) == ("qwen-max", "https://example.com/v1", True)
    assert (config.completion_window, config.window_hours) == ("14d", 336)
    assert (str(config.data_dir), config.max_samples, str(config.output)) == ("my papers", 9, "out.jsonl")
    assert (config.temperature, config.max_tokens, config.top_p) == (0, 55, 1)
    assert (config.backend, config.concurrency, config.rounds, config.poll) == ("fake", 3, 2, 2.5)
    assert (config.job_name, config.language) == ("named", "zh")
    assert config.api_key() == KEY if callable(config.api_key) else str(config.api_key) == KEY
    assert config.qianwen_base_url == "https://example.com/v1"


def test_both_key_names_and_a_callable(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    from qwen_dataset import Config, load_config

    monkeypatch.setenv("QIANWEN_API_KEY", KEY)
    assert load_config().api_key == KEY
    assert load_config().qianwen_api_key == load_config().dashscope_api_key == KEY
    keys = iter(["sk-monday0123456789", "sk-tuesday0123456789"])
    turning = Config(api_key=lambda: next(keys), backend="fake")
    assert callable(turning.api_key)
    assert [turning.current_key(), turning.current_key()] == ["sk-monday0123456789", "sk-tuesday0123456789"]


def test_three_states_of_use_batch(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    for text, meant in {
        "true": True,
        "1": True,
        "YES": True,
        "on": True,
        "False": False,
        "0": False,
        "no": False,
    }.items():
        monkeypatch.setenv("USE_BATCH", text)
        assert load().use_batch is meant, text
    monkeypatch.setenv("USE_BATCH", "")
    assert load().use_batch is None, "an empty text is not set"
    for text in ("maybe", "2", "truee"):
        monkeypatch.setenv("USE_BATCH", text)
        (sentence,) = problems()
        assert "USE_BATCH" in sentence
        assert text in sentence


def test_no_key_and_no_backend(stage: Stage) -> None:
    from qwen_dataset import SettingError, get_safe_config, load_config

    with pytest.raises(SettingError) as caught:
        load_config()
    assert "DASHSCOPE_API_KEY" in str(caught.value)
    assert "fake" in str(caught.value)
    assert get_safe_config().api_key is None
    assert get_safe_config().model == "qwen-plus"


def test_the_safe_config_never_holds_a_key(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    from qwen_dataset import get_safe_config

    monkeypatch.setenv("DASHSCOPE_API_KEY", KEY)
    stage.write(".env", f"QIANWEN_API_KEY={KEY}\nQIANWEN_MODEL=qwen-max\n")
    config = get_safe_config()
    assert config.api_key is None
    assert config.model == "qwen-max"
    assert config.current_key() is None
    assert KEY not in repr(config)


def test_every_problem_of_every_layer_at_once_with_its_source(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.write("qwen-dataset.toml", '# ours\nmax_tokens = 0\ncolour = "red"\n\ntemprature = 0.5\nrounds = "many"\n')
    stage.write(".env", "# theirs\nSOMEBODY_ELSE=fine\nTOP_P=0\nBATCH_COMPLETION_WINDOW=1w\n")
    monkeypatch.setenv("TEMPERATURE", "hot")
    monkeypatch.setenv("QWEN_DATASET_CONCURENCY", "3")
    found = problems(max_samples=0, language="fr")
    wanted = [
        ("max_tokens", "0", "qwen-dataset.toml", "2"),
        ("colour", "qwen-dataset.toml", "3"),
        ("temprature", "temperature", "qwen-dataset.toml", "5"),
        ("rounds", "many", "qwen-dataset.toml", "6"),
        ("TOP_P", "0", ".env", "3"),
        ("BATCH_COMPLETION_WINDOW", "1w", ".env", "4"),
        ("TEMPERATURE", "hot"),
        ("QWEN_DATASET_CONCURENCY", "CONCURRENCY"),
        ("max", "samples", "0"),
        ("language", "fr", "zh"),
    ]
    for words in wanted:
        assert any(all(word.lower() in each.lower() for word in words) for each in found), (words, found)
    assert len(found) == len(wanted), found
    assert len(set(found)) == len(found)


def test_a_config_made_by_hand_checks_everything_too(stage: Stage) -> None:
    from qwen_dataset import Config, SettingError

    with pytest.raises(SettingError) as caught:
        Config(temperature=2, top_p=0, max_tokens=-1, completion_window="23h", language="fr", poll=0, rounds=0)
    assert len(caught.value.problems) == 7, caught.value.problems
    for good in ({"temperature": 1.999}, {"temperature": 0}, {"top_p": 1}, {"completion_window": "336h"}):
        Config(**good)
    for bad in ({"temperature": 2}, {"top_p": 1.0001}, {"top_p": float("nan")}, {"completion_window": "15d"}):
        with pytest.raises(SettingError, match=next(iter(bad)).split("_")[-1]):
            Config(**bad)


def test_a_wrong_value_that_is_overruled_is_at_most_a_sentence(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    from qwen_dataset import SettingError

    monkeypatch.setenv("TEMPERATURE", "hot")
    try:
        found = load(temperature=0.5).temperature
    except SettingError as error:
        found = str(error)
    assert found == 0.5 or "TEMPERATURE" in found


def test_unknown_overrides_are_named(stage: Stage) -> None:
    from qwen_dataset import QwenDatasetError

    with pytest.raises((QwenDatasetError, TypeError), match="temprature"):
        load(temprature=0.5)


def test_an_explicit_file(stage: Stage) -> None:
    stage.write("qwen-dataset.toml", 'model = "here"\n')
    stage.write("other/mine.toml", 'model = "there"\n')
    assert load(path="other/mine.toml").model == "there"
    assert load(path=Path("other/mine.toml")).model == "there"
    stage.write("bad.toml", b"\xff\xfe\x00binary")
    for name in ("missing.toml", "other", "bad.toml"):
        (sentence,) = problems(path=name)
        assert name in sentence
