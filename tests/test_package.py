"""What importing the package costs and shows."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

import qwen_dataset

ROOT = Path(__file__).resolve().parents[1]


def test_all_names_what_is_there() -> None:
    assert all(hasattr(qwen_dataset, name) for name in qwen_dataset.__all__)
    assert qwen_dataset.__all__ == sorted(qwen_dataset.__all__)
    assert set(qwen_dataset.__all__) <= set(dir(qwen_dataset))
    lazy = {name for names in qwen_dataset._HOMES.values() for name in names}
    assert lazy | {"__version__"} == set(qwen_dataset.__all__)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = qwen_dataset.Nothing


def test_the_public_names_have_the_types_that_are_promised() -> None:
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "tests/typing"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout
    assert "no issues found in 2 source files" in checked.stdout


@pytest.mark.parametrize(
    ("statement", "kept_out"),
    [
        ("import qwen_dataset", ("openai", "dashscope", "attrs", "cattrs", "click", "rich", "yaml", "orjson")),
        (
            "from qwen_dataset import BatchInferenceManager, load_config, get_safe_config",
            ("openai", "dashscope", "click", "rich", "yaml", "markdown_it", "pytest", "hypothesis"),
        ),
        ("from qwen_dataset import Config", ("openai", "dashscope", "cattrs", "click", "orjson", "dotenv")),
    ],
)
def test_importing_loads_no_sdk_and_nothing_heavy(statement: str, kept_out: tuple[str, ...]) -> None:
    program = f"import sys\n{statement}\nprint(*[m for m in {kept_out} if m in sys.modules])"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert said.strip() == ""


def test_help_loads_no_converter_and_no_reader() -> None:
    program = (
        "import contextlib, sys\n"
        "from qwen_dataset.app.cli.main import main\n"
        "with contextlib.suppress(SystemExit):\n"
        "    main(['--help'])\n"
        "print('loaded:', *[m for m in ('cattrs', 'rich', 'yaml', 'markdown_it', 'sqlite3') if m in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert said.splitlines()[-1] == "loaded:"


def test_the_command_spends_no_time_on_a_last_search_for_cycles_and_keeps_its_exit_code() -> None:
    program = (
        "import atexit, gc, sys\n"
        "from qwen_dataset.__main__ import run\n"
        "class Cycle:\n"
        "    def __del__(self): print('searched', flush=True)\n"
        "def found():\n"
        "    cycle = Cycle(); cycle.itself = cycle\n"
        "atexit.register(lambda: print(gc.get_freeze_count() > 10_000, gc.get_threshold()[0] > 10_000, flush=True))\n"
        "sys.argv[1:] = ['no-such-command']\n"
        "gc.collect()\n"
        "found()\n"
        "run()\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert ended.stdout == "True True\n"


def test_what_is_installed_as_the_command_is_the_module_that_python_runs() -> None:
    (script,) = metadata.entry_points(group="console_scripts", name="qwen-dataset")
    assert script.value == "qwen_dataset.__main__:run"
    said = subprocess.run(
        [sys.executable, "-m", "qwen_dataset", "--version"], capture_output=True, text=True, check=True
    ).stdout
    assert said == f"qwen-dataset, version {qwen_dataset.__version__}\n"
