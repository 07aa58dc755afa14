"""What importing the package costs and shows."""

from __future__ import annotations

import subprocess
import sys

import qwen_dataset


def test_all_names_what_is_there() -> None:
    assert all(hasattr(qwen_dataset, name) for name in qwen_dataset.__all__)
    assert qwen_dataset.__all__ == sorted(qwen_dataset.__all__)


def test_importing_it_loads_nothing_heavy() -> None:
    heavy = ("attrs", "cattrs", "click", "rich", "yaml")
    program = f"import sys, qwen_dataset; print(*[m for m in {heavy} if m in sys.modules])"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert said.strip() == ""


def test_help_loads_no_converter_and_no_reader() -> None:
    program = (
        "import sys\n"
        "from qwen_dataset.app.cli.main import main\n"
        "main(['--help'], standalone_mode=False)\n"
        "print('loaded:', *[m for m in ('cattrs', 'rich', 'yaml', 'markdown_it', 'sqlite3') if m in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert said.splitlines()[-1] == "loaded:"
