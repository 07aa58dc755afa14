"""The lines of the README that lead from a key to a finished batch, run by bash as they stand."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from qwen_dataset.testing.bailian import RunningServer
from tests.bailian.stage_http import ROOT, Home
from tests.docs.pages import READMES, blocks

ENGLISH, CHINESE = READMES
BEGINNING = "export DASHSCOPE_API_KEY="


def lines_of(readme: str) -> str | None:
    """Return the block from the key to the finished batch, None where a page has none yet."""
    found = [block for block in blocks(readme, "sh") if block.startswith(BEGINNING)]
    assert len(found) <= 1, f"{readme} has more than one"
    return found[0] if found else None


def commands(block: str) -> list[str]:
    """Return the lines without their comments, which may be in either language."""
    return [line.split("  #")[0].rstrip() for line in block.splitlines()]


@pytest.mark.bailian(key="sk-xxxxxxxxxxxxxxxx")
def test_five_lines_lead_from_a_key_to_a_finished_batch(tmp_path: Path, bailian_server: RunningServer) -> None:
    block = lines_of(ENGLISH)
    assert block is not None
    assert len(block.splitlines()) == 5
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("there is no bash")
    (tmp_path / "lines.sh").write_text(block, encoding="utf-8")
    (tmp_path / "examples").mkdir()
    (tmp_path / "examples" / "papers").symlink_to(ROOT / "examples" / "papers")
    variables = {"QWEN_DATASET_BASE_URL": bailian_server.base_url, "QWEN_DATASET_POLL": "0.2", "NO_PROXY": "127.0.0.1"}
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    # -e: ends at the first line that fails; -v: says before each line which it is.
    ended = subprocess.run(
        [bash, "-ev", "lines.sh"],
        cwd=tmp_path,
        env=Home(tmp_path, {**variables, "PATH": programs}).environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=120,
    )
    assert ended.returncode == 0, f"{ended.stderr}\n{ended.stdout}"
    assert [line for line in ended.stderr.splitlines() if line in block.splitlines()] == block.splitlines()
    assert "xxxxxxxx" not in ended.stdout
    samples = [json.loads(line) for line in (tmp_path / "bailian.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(samples) >= 10
    assert {each["metadata"]["backend"] for each in samples} == {"openai-batch"}
    ledger = bailian_server.totals()
    assert [batch["ends"] for batch in ledger["batches"]] == ["completed"]
    assert (ledger["paid_twice"], ledger["paid_realtime"]) == (0, 0)
    assert len(samples) <= ledger["paid_total"] < 100


def test_both_languages_have_the_same_lines() -> None:
    english, chinese = lines_of(ENGLISH), lines_of(CHINESE)
    assert english is not None
    if chinese is None:
        pytest.skip("the Chinese page does not have them yet")
    assert commands(chinese) == commands(english)
