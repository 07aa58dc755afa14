"""Every block of the page about testing is a file that runs; what the page names exists."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import attrs
import pytest

from qwen_dataset.adapters.inference.fake.settings import FakeSettings
from qwen_dataset.testing import plugin, strategies
from qwen_dataset.testing.bailian import BailianSettings

PAGE = Path(__file__).resolve().parents[2] / "docs" / "testing.md"
TEXT = PAGE.read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n# (\S+\.py)\n(.*?)^```", TEXT, flags=re.DOTALL | re.MULTILINE)
TESTS = [name for name, _ in BLOCKS if name.startswith("test_")]


def test_every_block_has_a_file_of_its_own() -> None:
    names = [name for name, _ in BLOCKS]
    assert len(set(names)) == len(names) == TEXT.count("```python")
    assert len(TESTS) >= 6


@pytest.mark.parametrize("name", TESTS)
def test_the_block_runs_as_it_stands(tmp_path: Path, name: str) -> None:
    for file, content in BLOCKS:
        (tmp_path / file).write_text(content, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "--strict-markers", "-p", "no:cacheprovider", name]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
    assert ended.returncode == 0, ended.stdout[-4000:] + ended.stderr
    assert re.search(r"\d+ passed", ended.stdout)


def _tabled(after: str) -> set[str]:
    """Return the names in the first column of the first table after a text."""
    table = TEXT.split(after, 1)[1].split("\n\n| ", 1)[1].split("\n\n", 1)[0]
    return {name for row in table.splitlines()[2:] for name in re.findall(r"`(\w+)`", row.split("|")[1])}


def test_the_fixtures_that_the_page_names_are_those_that_exist() -> None:
    kind = type(plugin.fake_backend)
    assert _tabled("Now these fixtures exist:") == {name for name, value in vars(plugin).items() if type(value) is kind}


def test_the_faults_that_the_page_names_exist() -> None:
    assert _tabled("most\nuseful ones:") <= set(attrs.fields_dict(FakeSettings))


def test_the_settings_of_the_server_that_the_page_names_exist() -> None:
    assert _tabled("The settings one needs most:") <= set(attrs.fields_dict(BailianSettings))


def test_the_strategies_that_the_page_names_are_all_there_are() -> None:
    public = {
        name
        for name, value in vars(strategies).items()
        if getattr(value, "__module__", "") == strategies.__name__ and not name.startswith("_")
    }
    told = TEXT.split("## Random papers")[1]
    assert all(re.search(rf"\b{name}\b", told) for name in public)
    assert {"papers", "passages", "outcomes", "storage_keys"} <= public


def test_every_link_leads_somewhere() -> None:
    targets = [target for target in re.findall(r"\]\(([^)]+)\)", TEXT) if "://" not in target]
    assert targets
    assert all((PAGE.parent / target).exists() for target in targets)
