"""The example plugins, installed as a stranger's packages: from their folders, into a folder of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder into which pip has installed both; nothing is fetched."""
    work = tmp_path_factory.mktemp("plugins")
    projects = Path(shutil.copytree(ROOT / "examples" / "plugins", work / "projects"))
    options = ["--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check", "--no-cache-dir"]
    sources = [str(projects / name) for name in ("echo-backend", "sqlite-storage")]
    command = [sys.executable, "-m", "pip", "install", "--quiet", *options, "--target", str(work / "site"), *sources]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return work / "site"


@pytest.fixture
def run(installed: Path, tmp_path: Path) -> Run:
    """Run Python in a folder of its own, with what is installed on its path."""

    def call(*arguments: str, plugins: bool = True) -> subprocess.CompletedProcess[str]:
        # Settings of whoever runs the tests must not decide which backend is asked.
        kept = ("PATH", "HOME", "TMPDIR", "SYSTEMROOT", "VIRTUAL_ENV")
        environment = {name: os.environ[name] for name in kept if name in os.environ}
        if plugins:
            environment["PYTHONPATH"] = str(installed)
        return subprocess.run(
            [sys.executable, *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )

    return call
