"""Makes the helpers beside the tests importable: in pytest's importlib mode a test cannot import its neighbours."""

import sys
from pathlib import Path

import pytest

pytest.register_assert_rewrite("world", "stored", "commands")
sys.path.insert(0, str(Path(__file__).parent))

from world import World  # noqa: E402 - found by the line above


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A storage, a service and papers; processes are added by the test."""
    made = World(tmp_path)
    made.install(monkeypatch)
    return made
