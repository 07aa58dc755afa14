"""What an import costs, and that every public name is there."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.library.stage import Stage

HEAVY = ["openai", "dashscope", "httpx", "httpx2", "pydantic", "obstore"]


RUNNING = [
    *("asyncio", "cattrs", "click", "concurrent", "dotenv", "logging", "markdown_it", "multiprocessing", "orjson"),
    *("rich", "socket", "sqlite3", "ssl", "subprocess", "tempfile", "yaml"),
]
"""What only a job that runs needs, or the command."""

ENGINE = (
    *("qwen_dataset.adapters.", "qwen_dataset.app.dataset.", "qwen_dataset.app.engine.", "qwen_dataset.app.codec"),
    *("qwen_dataset.app.api.client", "qwen_dataset.domain.events", "qwen_dataset.domain.jobs", "qwen_dataset.ports."),
)


def loaded(*statements: str) -> set[str]:
    """The top-level modules that a fresh interpreter has after these statements."""
    return {name.partition(".")[0] for name in loaded_modules(*statements)}


def loaded_modules(*statements: str) -> set[str]:
    code = "\n".join([*statements, "import sys, json", "print(json.dumps(list(sys.modules)))"])
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_the_bare_import_is_nearly_free(stage: Stage) -> None:
    names = loaded("import qwen_dataset", "dir(qwen_dataset)", "qwen_dataset.__version__")
    assert not names & {*HEAVY, "cattrs", "click", "rich", "markdown_it", "asyncio", "orjson"}, names


def test_the_familiar_import_waits_for_nothing_that_only_a_run_needs(stage: Stage) -> None:
    names = loaded("from qwen_dataset import BatchInferenceManager, load_config, get_safe_config")
    assert not names & {*HEAVY, *RUNNING}, names & {*HEAVY, *RUNNING}


def test_the_familiar_import_loads_no_part_of_the_engine(stage: Stage) -> None:
    modules = loaded_modules("from qwen_dataset import BatchInferenceManager, load_config, get_safe_config")
    ours = {name for name in modules if name.startswith("qwen_dataset.")}
    assert not [name for name in ours if name.startswith(ENGINE)]
    assert "qwen_dataset.app.api.manager" in ours


def test_settings_are_read_without_an_engine(stage: Stage) -> None:
    names = loaded("from qwen_dataset import load_config", "load_config(backend='fake')")
    assert not names & {*HEAVY, *RUNNING}, names & {*HEAVY, *RUNNING}


def test_the_familiar_call_loads_no_sdk(stage: Stage) -> None:
    names = loaded(
        "from qwen_dataset import BatchInferenceManager, load_config, get_safe_config",
        "get_safe_config(); load_config(backend='fake'); BatchInferenceManager('sk-x0123456789', backend='fake')",
    )
    assert not names & {*HEAVY, "click"}, names & {*HEAVY, "click"}


def test_the_command_loads_no_sdk_for_its_help(stage: Stage) -> None:
    names = loaded(
        "from click.testing import CliRunner",
        "from qwen_dataset.app.cli.main import main",
        "assert CliRunner().invoke(main, ['generate', '--help']).exit_code == 0",
    )
    assert not names & set(HEAVY), names & set(HEAVY)


def test_every_public_name_is_there_and_documented(stage: Stage) -> None:
    import qwen_dataset

    wanted = [
        "Client",
        "BlockingClient",
        "BatchInferenceManager",
        "Config",
        "load_config",
        "get_safe_config",
        "SettingError",
        "QwenDatasetError",
        "__version__",
    ]
    assert set(qwen_dataset.__all__) >= set(wanted)
    assert len(qwen_dataset.__all__) == len(set(qwen_dataset.__all__))
    assert set(qwen_dataset.__all__) <= set(dir(qwen_dataset))
    for name in qwen_dataset.__all__:
        made = getattr(qwen_dataset, name)
        if name != "__version__" and callable(made):
            assert (made.__doc__ or "").strip(), name
    space: dict[str, object] = {}
    exec("from qwen_dataset import *", space)
    assert set(wanted) - {"__version__"} <= set(space)


def test_a_missing_name_is_an_ordinary_attribute_error(stage: Stage) -> None:
    import qwen_dataset

    with pytest.raises(AttributeError, match="NoSuchThing"):
        _ = qwen_dataset.NoSuchThing


def test_the_errors_are_one_tree(stage: Stage) -> None:
    from qwen_dataset import QwenDatasetError, SettingError

    assert issubclass(SettingError, QwenDatasetError)
    assert SettingError("one sentence").problems == ("one sentence",)
    assert str(SettingError("one sentence")) == "one sentence"
