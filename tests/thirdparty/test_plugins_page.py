"""The page about plugins shows the example files as they are, and names what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from qwen_dataset.app.wiring import plugins

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples" / "plugins"
PAGE = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
SHOWN = [
    *("echo-backend/echo_backend.py", "echo-backend/pyproject.toml", "echo-backend/test_echo_backend.py"),
    *("sqlite-storage/sqlite_storage.py", "sqlite-storage/test_sqlite_storage.py"),
]
BLOCKS = re.findall(r"^```(?:python|toml)\n(.*?)^```$", PAGE, flags=re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("name", SHOWN)
def test_the_page_shows_the_file_as_it_is(name: str) -> None:
    assert f"`{name}`" in PAGE
    assert (EXAMPLES / name).read_text(encoding="utf-8") in BLOCKS


def test_every_group_and_every_name_of_ours_is_on_the_page() -> None:
    reading = (plugins.readers, plugins.dumps, plugins.collections, plugins.projects, plugins.parts)
    every = (plugins.backends, plugins.storages, plugins.recipes, plugins.writers, *reading)
    for registry in every:
        assert f"`{registry.group}`" in PAGE
        assert all(f"`{name}`" in PAGE for name in registry.rows)


def test_the_install_lines_name_folders_that_exist() -> None:
    installed = re.findall(r"^\$ pip install (\S+)$", PAGE, flags=re.MULTILINE)
    assert sorted(installed) == ["examples/plugins/echo-backend", "examples/plugins/sqlite-storage"]
    assert all((ROOT / folder / "pyproject.toml").is_file() for folder in installed)


def test_every_link_leads_somewhere() -> None:
    targets = [target for target in re.findall(r"\]\(([^)#]+)\)", PAGE) if "://" not in target]
    assert targets
    assert all((ROOT / "docs" / target).exists() for target in targets)
