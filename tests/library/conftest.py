"""A clean folder and environment for every test here: no key and no setting of the machine gets in."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.library.stage import Stage


@pytest.fixture(autouse=True)
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    home = tmp_path / "home"
    home.mkdir()
    return Stage(home, monkeypatch)
