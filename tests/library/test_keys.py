"""A key that was given anywhere is found nowhere: not in files, reprs, errors, logs or tracebacks with their locals."""

from __future__ import annotations

import asyncio
import copy
import logging
import traceback
from collections.abc import Callable
from typing import Any

import pytest

from tests.library.stage import Stage

CANARY = "sk-canary0123456789abcdef"
PLAIN = "CANARY.of.no.known.form.0123456789"  # a key need not begin with sk-
BOTH = [CANARY, PLAIN]


def caught(action: Callable[[], Any]) -> BaseException:
    try:
        action()
    except Exception as error:  # noqa: BLE001 - whatever it is, it holds no key
        return error
    raise AssertionError("nothing was raised")


def everything_shown(error: BaseException, *, with_locals: bool = True) -> str:
    """The worst a crash reporter does: every frame of the library with its locals, notes and causes included."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    shown = traceback.TracebackException(type(error), error, trace, capture_locals=with_locals)
    return "\n".join(["".join(shown.format()), str(error), repr(error), repr(error.args), repr(vars(error))])


def hidden(text: str, key: str, where: str) -> None:
    at = text.find(key)
    assert at < 0, f"{where}: ...{text[max(0, at - 200) : at + 60]}..."


def no_file_holds(stage: Stage, key: str, *, but: tuple[str, ...] = ()) -> None:
    for name, data in stage.tree().items():
        assert name in but or key.encode() not in data, name


@pytest.mark.parametrize("key", BOTH)
def test_reprs_and_copies(stage: Stage, key: str) -> None:
    from qwen_dataset import BatchInferenceManager, BlockingClient, Client, Config

    def give() -> str:
        return key

    for given in (key, give):
        config = Config(api_key=given, backend="fake")
        shown = [repr(config), str(config), f"{config}", f"{config!r:>10}", repr([config]), repr(copy.copy(config))]
        shown += [repr(getattr(config, name)) for name in ("api_key", "qianwen_api_key", "dashscope_api_key")]
        shown += [repr(config.parameters), repr(config.options)]
        for made in (Client(config), BlockingClient(config), BatchInferenceManager(given, backend="fake")):
            shown += [repr(made), str(made), repr(vars(made) if hasattr(made, "__dict__") else "")]
        for text in shown:
            hidden(text, key, "a repr")


@pytest.mark.parametrize("key", BOTH)
def test_errors_of_a_config_made_by_hand(stage: Stage, key: str) -> None:
    from qwen_dataset import Config

    wrong: list[dict[str, Any]] = [
        {"api_key": key, "temperature": 9, "completion_window": "1w"},
        {"api_key": lambda: key, "top_p": 7},
        {"api_key": [key]},
        {"api_key": {"key": key}},
        {"api_key": key.encode()},
        {"api_key": f"{key}\n{key}", "top_p": 3},
    ]
    for settings in wrong:
        try:
            Config(**settings)
        except Exception as error:  # noqa: BLE001 - whatever it is, it holds no key
            hidden(everything_shown(error), key, repr(list(settings)))


@pytest.mark.parametrize(
    "address",
    [
        "fake:?api_key={0}",
        "fake:?token={0}",
        "fake:?seed={0}",
        "fake:?{0}=1",
        "cloud:{0}",
        "https://user:{0}@example.com/v1",
        "https://{0}@example.com/v1",
        "https://example.com/v1?key={0}",
        "{0}",
    ],
)
def test_a_key_in_an_address_is_refused_without_being_said(stage: Stage, address: str) -> None:
    from qwen_dataset import BatchInferenceManager, BlockingClient, Config, QwenDatasetError, load_config

    text = address.format(CANARY)

    def ask(**settings: Any) -> Any:
        desk = BatchInferenceManager("sk-nobody0123456789", **settings)
        return asyncio.run(desk.run_batch_inference(prompts=["x"]))

    def blocking() -> Any:
        with BlockingClient(Config(backend=text)) as client:
            return client.run_prompts(["x"])

    tries = [lambda: ask(backend=text), lambda: ask(backend="fake", storage=text), blocking]
    tries += [lambda: ask(backend=load_config(backend=text, base_url=text).backend)]
    for action in tries:
        error = caught(action)
        assert isinstance(error, QwenDatasetError), repr(error)
        # nobody can keep an argument that was never said to be a key out of the locals
        hidden(everything_shown(error, with_locals=False), CANARY, address)
    no_file_holds(stage, CANARY)


@pytest.mark.parametrize("key", BOTH)
def test_a_manager_that_cannot_be_made_or_used_does_not_show_its_key(stage: Stage, key: str) -> None:
    from qwen_dataset import BatchInferenceManager, QwenDatasetError

    def use(given: Any, made: dict[str, Any], asked: dict[str, Any]) -> None:
        desk = BatchInferenceManager(given, **made)
        asyncio.run(desk.run_batch_inference(**({"prompts": ["x"]} | asked)))

    wrong: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({"backend": "cloud:9"}, {}),
        ({"backend": "fake", "storage": "ftp:x"}, {}),
        ({"backend": "fake", "model": ""}, {}),
        ({"backend": "fake"}, {"completion_window": "1w"}),
        ({"backend": "fake"}, {"temperature": 9}),
        ({"backend": "fake"}, {"prompts": ["good", 7]}),
        ({"backend": "fake"}, {"job_name": "a/b"}),
    ]
    for given in (key, lambda: key):
        for made, asked in wrong:
            error = caught(lambda: use(given, made, asked))  # noqa: B023 - called at once
            assert isinstance(error, QwenDatasetError), repr(error)
            hidden(everything_shown(error), key, f"{made} {asked}")


@pytest.mark.parametrize("key", BOTH)
def test_a_broken_file_is_not_quoted(stage: Stage, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from qwen_dataset import get_safe_config, load_config

    files = {
        "qwen-dataset.toml": [
            f'api_key = "{key}\n',
            f"api_key = {key}\n",
            f'api_kee = "{key}"\n',
            f'api_key = ["{key}"]\n',
            f'api_key = "{key}"\ntemperature = 9\n',
            f'[secrets]\nmine = "{key}"\n',
        ],
        ".env": [
            f'DASHSCOPE_API_KEY="{key}\n',
            f"DASHSCOPE_API_KEY {key}\n",
            f"DASHSCOPE_API_KEY: {key}\n",
            f"DASHSCOPE_API_KEY={key}\nTEMPERATURE=9\n",
            f"QWEN_DATASET_API_KEE={key}\n",
        ],
    }
    for name, texts in files.items():
        for text in texts:
            stage.write(name, text)
            for load in (load_config, get_safe_config):
                try:
                    hidden(repr(load(backend="fake")), key, text)
                except Exception as error:  # noqa: BLE001 - whatever it is, it holds no key
                    hidden(everything_shown(error), key, f"{name}: {text}")
        (stage.home / name).unlink()
    monkeypatch.setenv("DASHSCOPE_API_KEY", key)
    monkeypatch.setenv("TEMPERATURE", "hot")
    for load in (load_config, get_safe_config):
        hidden(everything_shown(caught(load)), key, "the environment")
    hidden(everything_shown(caught(lambda: load_config(api_key=key))), key, "an argument")


@pytest.mark.parametrize("source", ["argument", "callable", "environment", ".env", "qwen-dataset.toml"])
def test_whole_runs_leave_no_key(
    stage: Stage, source: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from qwen_dataset import BlockingClient, Config, load_config

    caplog.set_level(logging.DEBUG)
    if source == "environment":
        monkeypatch.setenv("DASHSCOPE_API_KEY", PLAIN)
    elif source not in {"argument", "callable"}:
        stage.write(source, f'api_key = "{PLAIN}"\n' if source.endswith("toml") else f"DASHSCOPE_API_KEY={PLAIN}\n")
    stage.papers()
    for backend in ("fake:?fail=0.5&lie=0.3", "fake:?mode=realtime&fail=0.5&seed=2", "fake:?reject=1&seed=4"):
        if source in {"argument", "callable"}:
            config = Config(api_key=PLAIN if source == "argument" else lambda: PLAIN, backend=backend)
        else:
            config = load_config(backend=backend)
        with BlockingClient(config) as client:
            for action in (
                lambda: client.generate(["papers"], output="o.jsonl", existing="replace"),
                lambda: client.run_prompts(["a", "b"], output="answers.jsonl"),
                lambda: client.generate(["nowhere"], output="o.jsonl"),
                lambda: client.collect("ghost"),
            ):
                try:
                    hidden(repr(action()), PLAIN, "a report")
                except Exception as error:  # noqa: BLE001 - whatever it is, it holds no key
                    hidden(everything_shown(error), PLAIN, repr(error))
    no_file_holds(stage, PLAIN, but=(source,))
    hidden(caplog.text, PLAIN, "the log")


def test_a_callable_that_fails_is_one_error_without_its_words(stage: Stage) -> None:
    from qwen_dataset import Config

    def vault() -> str:
        raise RuntimeError(f"the vault said {CANARY}")

    config = Config(api_key=vault, backend="fake")
    hidden(repr(config), CANARY, "repr")
    for wrong in (vault, lambda: None, lambda: 7, lambda: ""):
        made = Config(api_key=wrong, backend="fake")
        try:
            made.current_key()
        except Exception as error:  # noqa: BLE001 - whatever it is, it holds no key
            hidden(str(error), CANARY, "the error")
