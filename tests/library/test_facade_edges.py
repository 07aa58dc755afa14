"""Prompts, windows and temperatures at the edges: good ones work, bad ones are one sentence and cost nothing."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.library.stage import Stage, contents

KEY = "sk-nobody0123456789"


def ask(prompts: Any, backend: str = "fake:?mode=batch", storage: str = "memory:", **more: Any) -> dict[str, Any]:
    from qwen_dataset import BatchInferenceManager

    desk = BatchInferenceManager(KEY, model="qwen-plus", backend=backend, storage=storage)
    found = asyncio.run(desk.run_batch_inference(prompts=prompts, **more))
    assert isinstance(found, dict)
    return found


def refused(stage: Stage, prompts: Any, *words: str, **more: Any) -> None:
    from qwen_dataset import QwenDatasetError

    with pytest.raises(QwenDatasetError) as caught:
        ask(prompts, **more)
    sentence = str(caught.value)
    missing = [word for word in words if word not in sentence]
    assert not missing, f"{missing} not in: {sentence}"
    assert stage.paid()["paid"] == 0


def test_no_prompts_at_all_costs_nothing_and_is_no_crash(stage: Stage) -> None:
    refused(stage, [], "prompt")
    refused(stage, (), "prompt")


def test_bad_prompts_are_named_by_their_place(stage: Stage) -> None:
    refused(stage, ["good", "", "good"], "2")
    refused(stage, ["good", "good", " \n\t"], "3")
    for wrong in (None, 7, b"bytes", 1.5, True, object(), [["nested"]]):
        refused(stage, ["good", wrong], "2")
    refused(stage, ["good", "half a pair \ud800"], "2")


def test_one_string_is_not_a_list_of_letters(stage: Stage) -> None:
    """`prompts="Hello"` would silently buy five answers."""
    from qwen_dataset import QwenDatasetError

    refused(stage, "Hello", "prompts")
    refused(stage, {"prompt": "Hello"}, "prompts")
    for wrong in (None, 5, b"Hello"):
        with pytest.raises((QwenDatasetError, TypeError)):
            ask(wrong)
    assert stage.paid()["paid"] == 0


def test_tuples_and_generators_are_fine(stage: Stage) -> None:
    assert len(ask(("a", "b"))["results"]) == 2
    assert len(ask(f"p{n}" for n in range(3))["results"]) == 3


def test_prompts_arrive_exactly_as_given(stage: Stage) -> None:
    prompts = [
        "x" * 12_345,
        "量子纠错码的阈值定理说明了什么？" * 700,
        "tabs\tand\r\nlines\n\n and \x00 zero, \u2028 separators, 𝛼, e\u0301, \ufeff",
        '{"role": "system", "content": "not JSON for us"}',
        "{braces} %s ${HOME} \\n",
        "  spaces around  ",
    ]
    result = ask(prompts, storage="file:batch_jobs")
    assert all(contents(result))
    sent = [request["request"]["messages"][-1]["content"] for request in stage.requests()]
    assert sent == prompts


def test_window_edges(stage: Stage) -> None:
    for window in ("24h", "336h", "1d", "14d", "7d", "100h"):
        result = ask([f"in {window}"], completion_window=window)
        assert (result["completion_window"], result["status"]) == (window, "completed")
    for window in ("23h", "337h", "15d", "0d", "1w", "", "24", "h", "-24h", "2 days", "24.5h", "1e2h", "٢٤h", 24):
        spent = stage.paid()["paid"]
        from qwen_dataset import QwenDatasetError

        with pytest.raises(QwenDatasetError) as caught:
            ask(["x"], completion_window=window)
        assert "window" in str(caught.value), window
        assert stage.paid()["paid"] == spent, window


def test_temperature_edges(stage: Stage) -> None:
    for temperature in (0, 0.0, 1.999, 1):
        assert ask([f"at {temperature!r}"], temperature=temperature)["status"] == "completed"
    spent = stage.paid()["paid"]
    from qwen_dataset import QwenDatasetError

    for temperature in (2, 2.0, -0.1, float("nan"), float("inf"), -float("inf"), "hot", True):
        with pytest.raises(QwenDatasetError) as caught:
            ask(["x"], temperature=temperature)
        assert "temperature" in str(caught.value), temperature
    assert stage.paid()["paid"] == spent


def test_what_is_asked_for_is_what_is_sent(stage: Stage) -> None:
    ask(["x"], storage="file:batch_jobs", temperature=0, max_tokens=77, top_p=0.5)
    (spec,) = stage.specs().values()
    assert spec["parameters"] == spec["parameters"] | {"temperature": 0, "max_tokens": 77, "top_p": 0.5}
    assert spec["model"] == "qwen-plus"


def test_a_fourteen_day_window_waits_ten_days(stage: Stage) -> None:
    ten_days = "fake:?mode=batch&duration=864000"
    result = ask(["patience"], backend=ten_days, completion_window="14d", job_name="long")
    assert result["status"] == "completed"
    assert all(contents(result))
    assert stage.paid()["paid"] == 1


def test_bad_job_names_are_one_sentence(stage: Stage) -> None:
    for name in ("a/b", "..", "a\nb", "x" * 300, 7):
        refused(stage, ["x"], "name", job_name=name)


def test_it_runs_in_a_loop_that_already_runs(stage: Stage) -> None:
    """As a notebook does: `await` in a cell, and a second cell in the same loop."""
    from qwen_dataset import BatchInferenceManager

    async def notebook() -> list[dict[str, Any]]:
        desk = BatchInferenceManager(KEY, backend="fake")
        first = await desk.run_batch_inference(prompts=["cell one"])
        task = asyncio.create_task(desk.run_batch_inference(prompts=["cell two"]))
        return [first, await task]

    assert all(all(contents(result)) for result in asyncio.run(notebook()))


def test_one_manager_serves_one_loop_after_another(stage: Stage) -> None:
    from qwen_dataset import BatchInferenceManager

    desk = BatchInferenceManager(KEY, backend="fake")
    for prompt in ("first", "second"):
        assert all(contents(asyncio.run(desk.run_batch_inference(prompts=[prompt]))))
    assert stage.paid()["paid"] == 2


def test_a_cancelled_wait_leaves_a_job_that_the_next_call_collects(stage: Stage) -> None:
    from qwen_dataset import BatchInferenceManager

    async def impatient() -> None:
        desk = BatchInferenceManager(KEY, backend="fake:?mode=batch&clock=real&duration=2")
        await asyncio.wait_for(desk.run_batch_inference(prompts=["slow"], job_name="slow"), 1)

    with pytest.raises(TimeoutError):
        asyncio.run(impatient())
    later = BatchInferenceManager(KEY, backend="fake:?mode=batch&clock=real&duration=2")
    result = asyncio.run(later.run_batch_inference(prompts=["slow"], job_name="slow"))
    assert all(contents(result))
    assert stage.paid()["paid"] == 1


def test_a_manager_takes_no_nonsense(stage: Stage) -> None:
    from qwen_dataset import BatchInferenceManager, QwenDatasetError

    def ask_of(**settings: str) -> None:
        desk = BatchInferenceManager(KEY, **settings)
        asyncio.run(desk.run_batch_inference(prompts=["x"]))

    for settings in ({"model": ""}, {"backend": "cloud:9"}, {"storage": "ftp:x"}, {"backend": "fake:?fail=2"}):
        with pytest.raises(QwenDatasetError) as caught:
            ask_of(**({"backend": "fake"} | settings))
        assert "\n" not in str(caught.value).strip()
    with pytest.raises(QwenDatasetError):
        asyncio.run(BatchInferenceManager("", model="qwen-plus").run_batch_inference(prompts=["x"]))
    with pytest.raises(QwenDatasetError):
        asyncio.run(BatchInferenceManager(None, model="qwen-plus").run_batch_inference(prompts=["x"]))
