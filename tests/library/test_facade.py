"""The familiar call: same words, same keys, answers in the order of the prompts, paid once."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.library.stage import LEDGER, Stage, contents

KEY = "sk-nobody0123456789"
WORDS = {"validating", "failed", "in_progress", "finalizing", "completed", "expired", "cancelling", "cancelled"}
ALWAYS = {"job_id", "job_name", "status", "request_count", "completion_window", "created_at"}
AFTER = {"completed_at", "results", "output_file", "error_file"}


def growing(count: int, word: str = "qubit") -> list[str]:
    """Prompts that each count more tokens than the one before: usage tells which one a line answers."""
    return [f"Explain number {n:05}: " + f"{word} " * (5 * n + 1) for n in range(count)]


def manager(backend: str = "fake:?mode=batch", storage: str = "memory:", **more: Any) -> Any:
    from qwen_dataset import BatchInferenceManager

    return BatchInferenceManager(KEY, model="qwen-plus", backend=backend, storage=storage, **more)


def ask(prompts: Any, *, by: Any = None, **more: Any) -> dict[str, Any]:
    found = asyncio.run((by or manager()).run_batch_inference(prompts=prompts, **more))
    assert isinstance(found, dict)
    return found


def moment(value: Any) -> float:
    if isinstance(value, int | float):
        return float(value)
    when = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return when.timestamp()


def test_the_exact_call_of_the_issue(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QWEN_DATASET_BACKEND", "fake")
    from qwen_dataset import BatchInferenceManager, get_safe_config, load_config

    assert load_config().qianwen_model == get_safe_config().qianwen_model == "qwen-plus"
    began = time.time()

    async def main() -> dict[str, Any]:
        desk = BatchInferenceManager(KEY, model="qwen-plus")
        return await desk.run_batch_inference(
            prompts=["What is a qubit?", "什么是量子纠缠？"],
            job_name="my_batch_job",
            completion_window="24h",
            wait_for_completion=True,
            temperature=0.7,
        )

    result = asyncio.run(main())
    assert set(result) >= ALWAYS | AFTER, sorted(result)
    assert result["job_name"] == "my_batch_job"
    assert result["status"] == "completed"
    assert result["request_count"] == 2
    assert result["completion_window"] == "24h"
    assert result["job_id"]
    assert began - 60 <= moment(result["created_at"]) <= moment(result["completed_at"])
    assert [line["error"] for line in result["results"]] == [None, None]
    assert all(contents(result)), "an answer has words"
    assert len({line["custom_id"] for line in result["results"]}) == 2
    assert all(isinstance(line["custom_id"], str) for line in result["results"])
    assert result["results"][0]["response"]["status_code"] == 200
    json.dumps(result)  # plain data, ready to be stored
    written = Path(result["output_file"]).read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["custom_id"] for line in written] == [line["custom_id"] for line in result["results"]]
    assert result["error_file"] is None or Path(result["error_file"]).exists()
    assert stage.paid()["paid"] == 2
    assert stage.requests()[0]["request"]["messages"][-1] == {"role": "user", "content": "What is a qubit?"}


def test_without_waiting_it_returns_at_once_and_the_same_call_collects(stage: Stage) -> None:
    backend = "fake:?mode=batch&clock=real&duration=1"
    desk = manager(backend, "file:batch_jobs")
    early = ask(["a", "b"], by=desk, job_name="later", wait_for_completion=False)
    assert set(early) >= ALWAYS, sorted(early)
    assert not early.get("results"), "nothing was waited for"
    assert early["status"] in WORDS - {"completed", "failed", "cancelled", "expired"}
    assert early["request_count"] == 2
    late = ask(["a", "b"], by=manager(backend, "file:batch_jobs"), job_name="later")
    assert late["job_id"] == early["job_id"]
    assert late["status"] == "completed"
    assert all(contents(late))
    assert stage.paid()["paid"] == 2


@pytest.mark.parametrize("backend", ["fake:?mode=batch&shuffle=yes&requests=4", "fake:?mode=realtime&concurrency=7"])
def test_results_stand_in_prompt_order(stage: Stage, backend: str) -> None:
    prompts = growing(25)
    result = ask(prompts, by=manager(backend))
    tokens = [line["response"]["body"]["usage"]["prompt_tokens"] for line in result["results"]]
    assert tokens == sorted(tokens)
    assert len(set(tokens)) == 25, tokens
    backwards = ask(prompts[::-1], by=manager(backend))
    assert contents(backwards) == contents(result)[::-1], "an answer belongs to its prompt, not to its place"
    assert len(set(contents(result))) > 1, "the fake answers the prompt"


def test_the_same_prompt_twice_is_two_answers_and_two_payments(stage: Stage) -> None:
    result = ask(["same", "other", "same", "same"])
    assert result["request_count"] == 4
    assert len(result["results"]) == 4
    assert len({line["custom_id"] for line in result["results"]}) == 4
    assert all(contents(result))
    assert stage.paid()["paid"] == 4
    assert stage.paid()["paid_twice"] == 0


def test_failures_stand_in_the_results_at_their_place(stage: Stage) -> None:
    prompts = growing(30)
    backend = "fake:?mode=batch&fail=0.4&seed=3&fail_kinds=invalid_request"
    result = ask(prompts, by=manager(backend, "file:batch_jobs"))
    assert result["status"] == "completed", "a batch with failed lines is completed"
    assert result["request_count"] == len(result["results"]) == 30
    failed = [line for line in result["results"] if line["error"] is not None]
    good = [line for line in result["results"] if line["error"] is None]
    assert failed
    assert good
    assert all(line["response"] is None and line["error"]["message"] for line in failed)
    tokens = [line["response"]["body"]["usage"]["prompt_tokens"] for line in good]
    assert tokens == sorted(tokens)
    errors = Path(result["error_file"]).read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["custom_id"] for line in errors] == [line["custom_id"] for line in failed]
    outputs = Path(result["output_file"]).read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["custom_id"] for line in outputs] == [line["custom_id"] for line in good]


def test_every_prompt_failed(stage: Stage) -> None:
    result = ask(["a", "b"], by=manager("fake:?mode=batch&fail=1&fail_kinds=invalid_request", "file:batch_jobs"))
    assert result["status"] in WORDS
    assert [line["response"] for line in result["results"]] == [None, None]
    assert all(line["error"] for line in result["results"])
    assert Path(result["error_file"]).exists()


def test_the_same_call_twice_pays_once_in_any_process(stage: Stage) -> None:
    prompts = growing(5)
    first = ask(prompts, by=manager("fake", "file:batch_jobs"), job_name="once", temperature=0.3)
    again = ask(prompts, by=manager("fake", "file:batch_jobs"), job_name="once", temperature=0.3)
    assert stage.paid()["paid"] == 5
    assert again["job_id"] == first["job_id"]
    assert contents(again) == contents(first)
    warmer = ask(prompts, by=manager("fake", "file:batch_jobs"), job_name="once", temperature=0.4)
    assert warmer["job_id"] != first["job_id"]
    assert stage.paid()["paid"] == 10, "another temperature is another request"


def test_the_same_name_with_other_prompts_is_another_job(stage: Stage) -> None:
    desk = manager("fake", "file:batch_jobs")
    first = ask(["one", "two"], by=desk, job_name="name")
    second = ask(["three"], by=desk, job_name="name")
    longer = ask(["one", "two", "four"], by=desk, job_name="name")
    assert first["job_name"] == second["job_name"] == "name"
    assert len({first["job_id"], second["job_id"], longer["job_id"]}) == 3
    assert len(second["results"]) == 1
    assert contents(longer)[:2] == contents(first), "what was answered is not bought again"
    assert stage.paid()["paid"] == 4


def test_two_calls_at_once_on_one_manager(stage: Stage) -> None:
    from qwen_dataset import QwenDatasetError

    async def both(first: list[str], second: list[str]) -> list[Any]:
        desk = manager("fake", "file:batch_jobs")
        calls = [desk.run_batch_inference(prompts=prompts, job_name="twin") for prompts in (first, second)]
        return await asyncio.gather(*calls, return_exceptions=True)

    one, two = asyncio.run(both(growing(6), growing(6, "photon")))
    assert not isinstance(one, BaseException), repr(one)
    assert not isinstance(two, BaseException), repr(two)
    assert (len(one["results"]), len(two["results"])) == (6, 6)
    assert one["job_id"] != two["job_id"]
    assert stage.paid()["paid"] == 12
    same = asyncio.run(both(["x", "y"], ["x", "y"]))
    broken = [each for each in same if isinstance(each, BaseException) and not isinstance(each, QwenDatasetError)]
    assert not broken, broken
    done = [contents(each) for each in same if isinstance(each, dict)]
    assert done
    assert all(each == done[0] and all(each) for each in done)
    assert stage.paid() == stage.paid() | {"paid": 14, "paid_twice": 0}


def test_it_names_itself_when_no_name_is_given(stage: Stage) -> None:
    first = ask(["p"], by=manager("fake", "file:batch_jobs"))
    again = ask(["p"], by=manager("fake", "file:batch_jobs"))
    assert first["job_name"]
    assert (again["job_id"], again["job_name"]) == (first["job_id"], first["job_name"])
    assert stage.paid()["paid"] == 1


@pytest.mark.long
def test_fifty_thousand_and_one_prompts_in_order(stage: Stage) -> None:
    prompts = [f"{n}" + " word" * (n % 50) for n in range(50_001)]
    result = ask(prompts, by=manager("fake:?shuffle=yes", "file:batch_jobs"), job_name="many")
    assert result["request_count"] == len(result["results"]) == 50_001
    assert result["status"] == "completed"
    alone = ask([prompts[0], prompts[24_983], prompts[50_000]], by=manager("fake"))
    got = contents(result)
    assert [got[0], got[24_983], got[50_000]] == contents(alone)
    paid = stage.paid(LEDGER)
    assert paid["paid"] == 50_001 + 3
    assert paid["jobs"] >= 2, "one file holds 50,000 requests"
