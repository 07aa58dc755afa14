"""Whatever stands in files, variables and arguments: settings or sentences come out, never a traceback or a key."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from qwen_dataset.app.wiring.config import Config
from qwen_dataset.app.wiring.settings import PREFIX, SETTINGS, contradictions
from qwen_dataset.app.wiring.sources import Resolved, resolve
from qwen_dataset.errors import SettingError

# One looks like a key, the other one is known as a key only because it was given as one.
KEYS = ("sk-planted0123456789abcdef", "gepflanzt.4711\\xyz")
PLANTED_AS_KEYS = {"DASHSCOPE_API_KEY": KEYS[0], "QIANWEN_API_KEY": KEYS[1]}

NAMES = st.sampled_from([setting.name for setting in SETTINGS])
VARIABLES = st.sampled_from([variable for setting in SETTINGS for variable in setting.variables])
LIKELY = st.sampled_from(
    [
        *("", " ", "0", "1", "2", "-1", "0.5", "nan", "1e400", "9" * 5000, "true", "auto", "zh", "never", "24h", "14d"),
        *("fake:?seed=1", "http://h/v1", "http://u:p@h", "http://[", "${HOME}", "~", "a b", "a\nb", "\x1b[31m"),
        *("\ufeff", "\ud800"),
    ]
)
WORDS = st.one_of(LIKELY, st.text(max_size=80))
# A key alone, and in the middle of something else.
PLANTED = st.builds(
    "{}{}{}".format, st.sampled_from(["", "x", "x" * 55, "http://", "\n"]), st.sampled_from(KEYS), LIKELY
)
TEXTS = st.one_of(WORDS, PLANTED)
PLAIN = st.one_of(
    TEXTS,
    st.integers(),
    st.floats(),
    st.booleans(),
    st.datetimes(),
    st.dates(),
    st.sampled_from([10**4000, None, b"bytes"]),
)
ANYTHING = st.recursive(PLAIN, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2))


def toml_of(value: Any) -> str:
    """Write a value as TOML; what TOML cannot hold is written as something else."""
    match value:
        case bool():
            return str(value).lower()
        case int():
            return hex(value) if value > 10**300 else str(value)
        case float() | dt.date():
            return str(value)
        case list():
            return f"[{', '.join(toml_of(each) for each in value)}]"
        case dict():
            return f"{{{', '.join(f'{toml_text(name)} = {toml_of(each)}' for name, each in value.items())}}}"
        case _:
            return toml_text(str(value))


def toml_text(text: str) -> str:
    return '"' + "".join(f"\\U{ord(each):08x}" if not each.isalnum() else each for each in text) + '"'


def look(
    folder: str, *, toml: str = "", dotenv: str = "", environ: dict[str, str], arguments: dict[str, Any]
) -> Resolved:
    for name, content in (("qwen-dataset.toml", toml), (".env", dotenv)):
        (Path(folder) / name).write_bytes(content.encode("utf-8", "surrogatepass"))
    return resolve(arguments, environ=environ, folder=Path(folder))


def judge(resolved: Resolved) -> None:
    told = [problem.sentence for problem in resolved.problems]
    made = outcome_of(resolved.config)
    # What settings say of each other comes on top of what each says of itself.
    values = {name: chosen.value for name, chosen in resolved.values.items()}
    between = {each.sentence for each in contradictions(values)}
    problems = made.problems if isinstance(made, SettingError) else ()
    assert told == [sentence for sentence in problems if sentence not in between]
    for sentence in told:
        assert sentence.isprintable()
        assert len(sentence) < 700
    for text in (*told, repr(made), repr(resolved), *(resolved.describe(name) for name in resolved.values)):
        # A repr doubles a backslash.
        assert not any(key in text or repr(key)[1:-1] in text for key in KEYS)


def outcome_of(make: Callable[[], Config]) -> Config | SettingError:
    """Return what comes out; anything but these two is a failure of the test."""
    try:
        return make()
    except SettingError as error:
        return error


@given(st.dictionaries(NAMES | TEXTS, ANYTHING, max_size=6), st.dictionaries(VARIABLES, TEXTS, max_size=4))
def test_typed_values_of_toml_and_any_variables(document: dict[str, Any], environ: dict[str, str]) -> None:
    toml = "\n".join(f"{toml_text(name)} = {toml_of(value)}" for name, value in document.items())
    with tempfile.TemporaryDirectory() as folder:
        judge(look(folder, toml=toml, environ=environ | PLANTED_AS_KEYS, arguments={}))


@given(
    st.lists(st.builds("{}={}".format, NAMES | TEXTS, TEXTS | st.just('"""')) | st.just("[table]") | TEXTS).map(
        "\n".join
    ),
    st.lists(st.builds("{}={}".format, VARIABLES | TEXTS, TEXTS | st.just('"')) | TEXTS).map("\r\n".join),
)
def test_any_text_in_the_files(toml: str, dotenv: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        judge(look(folder, toml=toml, dotenv=dotenv, environ=PLANTED_AS_KEYS, arguments={}))


@given(
    st.dictionaries(VARIABLES | st.builds("{}{}".format, st.just(PREFIX), TEXTS) | TEXTS, TEXTS, max_size=8),
    st.dictionaries(NAMES | TEXTS, TEXTS | ANYTHING, max_size=8),
)
def test_any_variables_and_arguments(environ: dict[str, str], arguments: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        judge(look(folder, environ=environ | PLANTED_AS_KEYS, arguments=arguments))


@given(st.dictionaries(NAMES, ANYTHING, max_size=8))
def test_any_values_in_python(values: dict[str, Any]) -> None:
    made = outcome_of(lambda: Config(**values))
    assert KEYS[0] not in repr(made)
    if isinstance(made, SettingError):
        assert made.problems
        assert made.__context__ is None
        assert all(sentence.isprintable() for sentence in made.problems)


@given(VARIABLES, PLANTED)
def test_a_key_in_any_variable_is_never_told(variable: str, text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        judge(
            look(
                folder,
                environ={variable: text, "QWEN_DATASET_API_KEY": KEYS[1], "QIANWEN_API_KEY": KEYS[0]},
                arguments={},
            )
        )
