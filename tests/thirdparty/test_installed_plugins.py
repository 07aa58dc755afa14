"""A backend and a storage of somebody else's, installed from their own folders, do the main job by config alone."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = ROOT / "examples" / "plugins"
CONFIG = 'backend = "echo"\nstorage = "sqlite:jobs.db"\noutput = "dataset.jsonl"\n'

COMMAND = ("-m", "qwen_dataset", "generate")
LIBRARY = (
    "-c",
    """
from qwen_dataset import BlockingClient, load_config
with BlockingClient(load_config()) as client:
    client.generate(['data'], output='dataset.jsonl')
""",
)

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def configured(tmp_path: Path) -> Path:
    """Return the folder with a config file and papers, and nothing else."""
    (tmp_path / "qwen-dataset.toml").write_text(CONFIG, encoding="utf-8")
    shutil.copytree(ROOT / "examples" / "papers", tmp_path / "data")
    return tmp_path


@pytest.mark.parametrize("test", ["echo-backend/test_echo_backend.py", "sqlite-storage/test_sqlite_storage.py"])
def test_the_shipped_contract_suite_holds(run: Run, tmp_path: Path, test: str) -> None:
    shutil.copy(PLUGINS / test, tmp_path)
    ended = run("-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--strict-markers", Path(test).name)
    assert ended.returncode == 0, ended.stdout
    passed = int(ended.stdout.split(" passed")[0].split()[-1])
    assert passed >= 15, "the suite itself has run"


@pytest.mark.parametrize("way", [COMMAND, LIBRARY], ids=["command", "library"])
def test_the_main_job_runs_by_config_alone(run: Run, configured: Path, way: tuple[str, ...]) -> None:
    ended = run(*way)
    assert ended.returncode == 0, ended.stderr
    first = (configured / "dataset.jsonl").read_bytes()
    samples = [json.loads(line) for line in first.splitlines()]
    assert len(samples) >= 10
    assert {sample["metadata"]["backend"] for sample in samples} == {"echo"}
    assert all(sample["metadata"]["evidence"][0]["quote"] == sample["output"] for sample in samples)
    # All of the job is in the one file of the storage that is named.
    made = {path.name for path in configured.iterdir()}
    assert made - {"__pycache__"} == {"data", "dataset.jsonl", "jobs.db", "qwen-dataset.toml"}
    (configured / "dataset.jsonl").unlink()
    again = run(*way)
    assert again.returncode == 0, again.stderr
    assert (configured / "dataset.jsonl").read_bytes() == first, "the stored job gives the same dataset"


def test_help_looks_at_no_installed_package(run: Run) -> None:
    code = (
        "import sys; from qwen_dataset.app.cli.main import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "scan = sys.modules.get('qwen_dataset.app.wiring.registry')\n"
        "assert scan is None or not scan.installed.cache_info().misses"
    )
    ended = run("-c", code)
    assert ended.returncode == 0, ended.stderr


@pytest.mark.usefixtures("configured")
def test_without_the_packages_their_names_are_unknown(run: Run) -> None:
    ended = run(*COMMAND, plugins=False)
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
    assert "there is no storage 'sqlite'; known: file, memory" in ended.stderr
