"""Whatever stands in the file, the environment or the arguments: a config, or sentences; never another exception."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.library.stage import Stage

NAMES = [
    "api_key",
    "backend",
    "base_url",
    "region",
    "model",
    "use_batch",
    "completion_window",
    "data_dir",
    "output",
    "storage",
    "job_name",
    "recipe",
    "language",
    "max_samples",
    "passage_tokens",
    "passage_overlap",
    "temperature",
    "max_tokens",
    "top_p",
    "concurrency",
    "poll",
    "rounds",
    "retry_unknown",
    "writer",
    "lang",
]
ENVIRONMENT = [
    *(f"QWEN_DATASET_{name.upper()}" for name in NAMES),
    *[
        "QIANWEN_MODEL",
        "USE_BATCH",
        "BATCH_COMPLETION_WINDOW",
        "TEMPERATURE",
        "MAX_TOKENS",
        "TOP_P",
        "OUTPUT_FILE",
        "DATA_DIR",
    ],
    *["DASHSCOPE_API_KEY", "QIANWEN_BASE_URL", "MAX_SAMPLES_PER_PAPER", "QWEN_DATASET_", "QWEN_DATASET_X"],
]
FLAGS = [
    "--completion-window",
    "--model",
    "--max-samples",
    "--passage-tokens",
    "--passage-overlap",
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
    "--retry-unknown",
    "-o",
    "--data-dir",
]
SILLY = [
    "",
    " ",
    "0",
    "-1",
    "1e400",
    "nan",
    "inf",
    "9" * 5000,
    "true",
    "\x7f",
    "24h",
    "99999999999999999999999h",
    "1" * 400 + "d",
    "½",
    "٣",
    "null",
    "a/b",
    "..",
    "~",
    "~nobody/x",
    "x" * 5000,
    "fake:?",
    "fake:?x",
    "fake:?seed=%zz",
    "http://[",
    "//",
    "https://h:99999999",
    "memory:x",
    "file:\x01",
    "fake:?a=1&a=2",
    "\u2028",
    "\ud83d",
    "C:\\x",
    "%s{0}",
    "auto",
]
LITERALS = [
    "1e400",
    "inf",
    "-nan",
    "0x10",
    "1979-05-27",
    "07:32:00",
    "1979-05-27T07:32:00Z",
    "[]",
    "[1, 'a']",
    "{a = 1}",
    "true",
    '""',
    "''",
    "0",
    "-1",
    "9" * 5000,
    "[" * 5000,
    "{a=" * 3000,
    "1e",
    "'''\nx'''",
    '"\\q"',
    "",
    "9" * 400,
    "0.7",
    '"24h"',
]


def _encodes(text: str) -> bool:
    try:
        os.fsencode(text)
    except UnicodeError:
        return False
    return True


def _plain(text: str) -> bool:
    try:
        text.encode()
    except UnicodeError:
        return False
    return True


FEW = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)

silly = st.one_of(st.sampled_from(SILLY), st.text(max_size=20))
inside_environment = silly.filter(lambda text: "\0" not in text and _encodes(text))
entry = st.tuples(st.sampled_from([*NAMES, "colour", "a.b", "[table]", '"quoted key"']), st.sampled_from(LITERALS))
tables = st.lists(entry, max_size=6).map(lambda rows: "".join(f"{name} = {value}\n" for name, value in rows).encode())
files = st.one_of(tables, st.binary(max_size=60), st.text(max_size=60).filter(_plain).map(str.encode))


def made_or_refused(make: Any, settings: dict[str, Any]) -> Any:
    from qwen_dataset import SettingError

    try:
        return make(**settings)
    except SettingError as error:
        return error


def either(**overrides: Any) -> None:
    from qwen_dataset import Config, SettingError, get_safe_config, load_config

    for load in (load_config, get_safe_config):
        made = made_or_refused(load, overrides)
        if isinstance(made, SettingError):
            assert made.problems
            for each in made.problems:
                assert each.strip()
                assert len(each.splitlines()) == 1, each
                assert len(each) < 1000, "a sentence, not the value again"
                each.encode()  # it can be printed
        else:
            assert isinstance(made, Config)
            assert 0 <= made.temperature < 2
            assert 0 < made.top_p <= 1
            assert 24 <= made.window_hours <= 336


@FEW
@given(data=files)
def test_any_file(stage: Stage, data: bytes) -> None:
    stage.write("qwen-dataset.toml", data)
    either()
    either(path=Path("qwen-dataset.toml"), backend="fake")


@FEW
@given(data=files)
def test_any_dotenv(stage: Stage, data: bytes) -> None:
    stage.write(".env", data)
    either(backend="fake")


@FEW
@given(values=st.dictionaries(st.sampled_from(ENVIRONMENT), inside_environment, max_size=6))
def test_any_environment(stage: Stage, values: dict[str, str]) -> None:
    with mock.patch.dict(os.environ, values):
        either()


anything = st.one_of(
    silly,
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.binary(max_size=5),
    st.lists(st.integers(), max_size=2),
    st.just(object()),
    st.just(Path("x")),
    st.just(10**500),
)


@FEW
@given(values=st.dictionaries(st.sampled_from(NAMES), anything, max_size=5))
def test_any_argument_of_the_library(stage: Stage, values: dict[str, Any]) -> None:
    from qwen_dataset import Config, SettingError

    either(**values)
    made = made_or_refused(Config, values)
    assert not isinstance(made, SettingError) or made.problems


@settings(FEW, max_examples=60)
@given(
    rows=st.lists(st.tuples(st.sampled_from(FLAGS), silly), max_size=5), env=st.sampled_from(ENVIRONMENT), text=silly
)
def test_any_arguments_of_the_command(stage: Stage, rows: list[tuple[str, str]], env: str, text: str) -> None:
    """The papers do not exist, so nothing can be bought whatever the settings are."""
    words = [word for row in rows for word in row]
    values = {env: text} if "\0" not in text and _encodes(text) else {}
    said = stage.call("generate", "no-such-paper.md", *words, env=values)
    assert "Traceback" not in said.err, said.err
    assert said.code == 2, said
    assert said.problems, said.err
    assert stage.paid()["paid"] == 0


@settings(FEW, max_examples=60)
@given(data=files)
def test_config_show_of_any_file(stage: Stage, data: bytes) -> None:
    stage.write("mine.toml", data)
    for more in ((), ("--json",)):
        said = stage.call("config", "show", "--config", "mine.toml", *more)
        assert "Traceback" not in said.err, said.err
        assert said.code in {0, 2}, said
        assert said.code == 0 or said.problems, said
        if more and said.code == 0:
            json.loads(said.out)


@pytest.mark.parametrize("value", ["[" * 100_000, "9" * 100_000, "{a=" * 50_000])
def test_deep_and_long_values_are_a_sentence(stage: Stage, value: str) -> None:
    """The parser of the standard library answers these with RecursionError and ValueError."""
    from qwen_dataset import SettingError, load_config

    stage.write("qwen-dataset.toml", f"top_p = 0.5\nrounds = {value}\n")
    with pytest.raises(SettingError, match=r"qwen-dataset\.toml") as caught:
        load_config(backend="fake")
    assert len(str(caught.value)) < 1000
