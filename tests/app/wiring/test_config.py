from __future__ import annotations

import math

import pytest

from qwen_dataset.app.wiring.config import Config
from qwen_dataset.errors import SettingError


def test_the_defaults_are_right() -> None:
    config = Config()
    config.check()
    assert (config.model, config.max_samples, config.language) == ("qwen-plus", 4, "auto")
    parameters = config.parameters
    assert (parameters.temperature, parameters.max_tokens, parameters.top_p) == (0.7, 2000, 0.9)
    assert parameters.enable_thinking is False
    assert (config.options.max_samples, config.options.language) == (4, "auto")


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("max_samples", [0, -1, 10**6 + 1]),
        ("language", ["fr", ""]),
        ("temperature", [-0.1, 2.0, math.nan, math.inf]),
        ("max_tokens", [0, 10**24]),
        ("top_p", [0.0, 1.1, math.nan]),
        ("rounds", [0, 101]),
        ("poll_seconds", [0.0, -1.0, math.nan, math.inf, 86401.0]),
        ("model", ["", "  "]),
        ("job_name", ["a/b", "", "../x", ".hidden", "x" * 81, "a b"]),
    ],
)
def test_what_cannot_be_is_told(name: str, values: list[object]) -> None:
    for value in values:
        with pytest.raises(SettingError, match=name.removesuffix("_seconds")):
            Config(**{name: value}).check()  # type: ignore[arg-type]


def test_edges_are_allowed() -> None:
    Config(max_samples=1, temperature=0.0, top_p=1.0, max_tokens=1, rounds=1, job_name="量子-1.x_y").check()
    Config(temperature=1.99, top_p=0.01, job_name="x" * 80).check()


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(SettingError) as caught:
        Config(max_samples=0, temperature=9.0, language="xx").check()
    sentence = str(caught.value)
    assert all(name in sentence for name in ("max_samples", "temperature", "language"))
