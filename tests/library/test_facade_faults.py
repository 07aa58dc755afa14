"""Whatever the service does: one line per prompt, at its place, and what was paid is never paid again."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.library.stage import Stage

KEY = "sk-nobody0123456789"
FAULTS = [
    "fail=0.4",
    "delay=0.3",
    "expire=0.5",
    "reject=0.5",
    "lose_submit=0.6",
    "lose_reply=0.4",
    "unavailable=0.3",
    "late=0.3",
    "missing=0.3",
    "duplicate=0.4",
    "stray=0.4",
    "truncate=0.4",
    "broken_json=0.5",
    "fence=0.5",
    "prose=0.5",
    "empty=0.4",
    "lie=0.5",
]
MANY = "fail=0.2&missing=0.1&duplicate=0.3&stray=0.3&lose_submit=0.3&unavailable=0.2&expire=0.2&shuffle=yes"


def ask(backend: str, prompts: list[str]) -> dict[str, Any]:
    from qwen_dataset import BatchInferenceManager

    desk = BatchInferenceManager(KEY, backend=backend)
    found = asyncio.run(desk.run_batch_inference(prompts=prompts, job_name="faulty"))
    assert isinstance(found, dict)
    return found


def checked(result: dict[str, Any], count: int) -> None:
    """One line per prompt, in order (the prompts count more tokens one by one), each an answer or an error."""
    lines = result["results"]
    assert result["request_count"] == len(lines) == count
    assert len({line["custom_id"] for line in lines}) == count
    for line in lines:
        assert (line["response"] is None) != (line["error"] is None), line
        assert line["error"] is None or line["error"]["message"]
    tokens = [line["response"]["body"]["usage"]["prompt_tokens"] for line in lines if line["response"]]
    assert tokens == sorted(set(tokens)), "an answer stands where its prompt stood"
    for name, good in (("output_file", True), ("error_file", False)):
        wanted = [line["custom_id"] for line in lines if (line["error"] is None) == good]
        if wanted:
            written = Path(result[name]).read_text(encoding="utf-8").splitlines()
            assert [json.loads(line)["custom_id"] for line in written] == wanted


def prompts(count: int) -> list[str]:
    return [f"Explain number {n:05}: " + "qubit " * (5 * n + 1) for n in range(count)]


def faulty(stage: Stage, backend: str, *, repays: bool) -> None:
    result = ask(backend, prompts(24))
    checked(result, 24)
    first = stage.paid()
    assert repays or first["paid_twice"] == 0, first
    assert result["status"] in {"completed", "expired", "failed"}
    again = ask(backend, prompts(24))
    checked(again, 24)
    assert again["job_id"] == result["job_id"]
    for old, new in zip(result["results"], again["results"], strict=True):
        assert old["response"] is None or old == new, "an answer that was bought stays"


@pytest.mark.parametrize("mode", ["batch", "realtime"])
def test_many_faults_at_once(stage: Stage, mode: str) -> None:
    faulty(stage, f"fake:?mode={mode}&seed=5&requests=7&{MANY}", repays=False)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("mode", ["batch", "realtime"])
def test_each_fault_alone(stage: Stage, mode: str, fault: str, seed: int) -> None:
    repays = fault.startswith("lose_reply") and mode == "realtime"
    faulty(stage, f"fake:?mode={mode}&seed={seed}&requests=9&{fault}", repays=repays)
