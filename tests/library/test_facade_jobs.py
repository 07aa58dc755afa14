"""Jobs of the familiar manager by their id: where they stand, what they gave, in the words scripts wait for."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import attrs
import pytest

from qwen_dataset.errors import JobBusy, JobNotFound, JobOverlap, JobUnfinished
from tests.library.stage import LEDGER, Stage, contents

KEY = "sk-nobody0123456789"
BATCH = "fake:?mode=batch"
ROWS = [{"id": f"row-{number}", "prompt": f"Explain{' qubit' * (number + 1)}"} for number in range(6)]


def manager(backend: str = BATCH, storage: str = "file:batch_jobs", **more: Any) -> Any:
    from qwen_dataset import BatchInferenceManager

    return BatchInferenceManager(KEY, model="qwen-plus", backend=backend, storage=storage, **more)


def submit(desk: Any, prompts: Any = ROWS, **more: Any) -> str:
    found = asyncio.run(desk.run_batch_inference(prompts=prompts, wait_for_completion=False, **more))
    job_id = found["job_id"]
    assert isinstance(job_id, str)
    return job_id


def status(desk: Any, job_id: str) -> dict[str, Any]:
    found = asyncio.run(desk.get_job_status(job_id))
    assert isinstance(found, dict)
    return found


def results(desk: Any, job_id: str) -> dict[str, Any]:
    found = asyncio.run(desk.get_job_results(job_id))
    assert isinstance(found, dict)
    return found


def ids(result: dict[str, Any]) -> list[str]:
    return [line["custom_id"] for line in result["results"]]


def later(monkeypatch: pytest.MonkeyPatch, seconds: float = 100) -> None:
    """Let the clock of every job be ahead from now on."""
    from qwen_dataset.app.wiring import bootstrap

    before = bootstrap.host().clock
    monkeypatch.setattr(bootstrap, "Clock", lambda: attrs.evolve(before, now=lambda: before.now() + seconds))


def test_who_looks_again_and_again_sees_it_complete_and_fetches_it(stage: Stage) -> None:
    job_id = submit(manager(), job_name="watched")
    words: list[str] = []
    for _ in range(60):
        found = status(manager(), job_id)
        assert (found["job_id"], found["job_name"], found["request_count"]) == (job_id, "watched", 6)
        words.append(found["status"])
        if found["status"] == "completed":
            break
    assert words[-1] == "completed"
    assert set(words) <= {"in_progress", "finalizing", "completed"}
    order = ["in_progress", "finalizing", "completed"]
    assert words == sorted(words, key=order.index)
    result = results(manager(), job_id)
    assert (result["status"], ids(result)) == ("completed", [row["id"] for row in ROWS])
    tokens = [line["response"]["body"]["usage"]["prompt_tokens"] for line in result["results"]]
    assert tokens == sorted(set(tokens)), "each answer stands at its prompt"
    assert status(manager(), job_id)["status"] == "completed"
    assert stage.paid() == stage.paid() | {"paid": 6, "paid_twice": 0}


def test_results_may_be_had_twice_and_are_the_same_to_the_byte(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    faulty = f"{BATCH}&fail=0.5&fail_kinds=invalid_request&seed=3"
    job_id = submit(manager(faulty))
    first = results(manager(faulty), job_id)
    files = [Path(first[name]) for name in ("output_file", "error_file")]
    before = [path.read_bytes() for path in files]
    later(monkeypatch)
    assert results(manager(), job_id) == first
    assert [path.read_bytes() for path in files] == before
    assert {b'"error":null' in data for data in before} == {True, False}
    assert stage.paid()["paid"] < 6


def test_the_time_of_the_end_stays_whoever_opens_the_job_afterwards(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = manager()
    first = asyncio.run(desk.run_batch_inference(prompts=ROWS, job_name="timed"))
    later(monkeypatch)
    again = asyncio.run(manager().run_batch_inference(prompts=ROWS, job_name="timed"))
    assert again == first
    assert results(manager(), first["job_id"])["completed_at"] == first["completed_at"]
    found = stage.call("batch", "status", first["job_id"], "--json").works().json
    assert (found["created_at"], found["ended_at"]) == (first["created_at"], first["completed_at"])
    stage.call("batch", "status", first["job_id"], "--download").works()
    found = stage.call("batch", "status", first["job_id"], "--json").works().json
    assert found["ended_at"] == first["completed_at"]


def test_a_resumed_job_ends_anew(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id = submit(manager())
    asyncio.run(manager().cancel_job(job_id))
    stopped = results(manager(), job_id)
    later(monkeypatch)
    stage.call("resume", job_id, "-o", "o.jsonl").works()
    done = results(manager(), job_id)
    assert (stopped["status"], done["status"]) == ("cancelled", "completed")
    assert done["completed_at"] >= stopped["completed_at"] + 100
    assert done["error_file"] is None
    assert not list(stage.home.glob("batch_jobs/*/dataset/errors.jsonl")), "what failed before is not left there"


def test_a_cancelled_job_has_every_prompt_under_its_own_id(stage: Stage) -> None:
    job_id = submit(manager())
    assert asyncio.run(manager().cancel_job(job_id))["status"] == "cancelled"
    assert status(manager(), job_id)["status"] == "cancelled"
    for found in (results(manager(), job_id), asyncio.run(manager().run_batch_inference(prompts=ROWS))):
        assert found["status"] == "cancelled"
        assert ids(found) == [row["id"] for row in ROWS]
        assert len({line["id"] for line in found["results"]}) == 6
        assert all(line["error"] for line in found["results"] if line["response"] is None)


def test_what_was_never_submitted_keeps_its_id_and_its_request(stage: Stage) -> None:
    """A job that is stopped between its plan and its first shard has no outcome at all."""
    job_id = submit(manager())
    for event in sorted((stage.home / "batch_jobs" / job_id / "events").iterdir()):
        if int(event.stem) > 2:
            event.unlink()
    asyncio.run(manager().cancel_job(job_id))
    found = results(manager(), job_id)
    assert found["status"] == "cancelled"
    assert ids(found) == [row["id"] for row in ROWS]
    assert {line["error"]["code"] for line in found["results"]} == {"not_answered"}
    assert found["output_file"] is None
    stage.call("resume", job_id, "-o", "o.jsonl").works()
    answered = results(manager(), job_id)
    assert all(contents(answered))
    assert [line["id"] for line in answered["results"]] == [line["id"] for line in found["results"]]
    without = submit(manager(), ["a", "b"], job_name="without")
    for event in sorted((stage.home / "batch_jobs" / without / "events").iterdir()):
        if int(event.stem) > 2:
            event.unlink()
    asyncio.run(manager().cancel_job(without))
    assert ids(results(manager(), without)) == ["0", "1"]


def cancel_from_elsewhere(job_id: str) -> None:
    """Leave the request that the job's owner obeys, as `cancel` in another process does."""
    from qwen_dataset.app.engine.job import request_cancel
    from qwen_dataset.app.wiring import bootstrap

    process = bootstrap.host().process
    asyncio.run(request_cancel(bootstrap.storage("file:batch_jobs"), job_id, process=process))


@pytest.mark.parametrize("again", [True, False], ids=["the same call", "results by id"])
def test_a_wait_that_a_person_cancels_ends_with_what_there_is(stage: Stage, again: bool) -> None:
    desk = manager()
    job_id = submit(desk, job_name="waited")
    cancel_from_elsewhere(job_id)
    wait = desk.run_batch_inference(prompts=ROWS, job_name="waited") if again else desk.get_job_results(job_id)
    found = asyncio.run(wait)
    assert (found["job_id"], found["status"]) == (job_id, "cancelled")
    assert ids(found) == [row["id"] for row in ROWS]
    assert found["completed_at"] >= found["created_at"]


def test_a_wait_that_ends_for_another_reason_is_no_result(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what a person stopped is a result: who waits for the rest must not take a part for all of it."""
    from qwen_dataset.app.api.client import Client

    job_id = submit(manager())

    async def interrupted(self: Client, *_: Any, **__: Any) -> None:
        raise JobUnfinished("the service does not answer")

    monkeypatch.setattr(Client, "collect", interrupted)
    with pytest.raises(JobUnfinished, match="does not answer"):
        results(manager(), job_id)


def test_what_expired_is_called_expired_by_every_call(stage: Stage) -> None:
    expiring = f"{BATCH}&expire=1&seed=1"
    prompts = [f"Explain number {number:03}{' qubit' * (5 * number + 1)}" for number in range(20)]
    job_id = submit(manager(expiring), prompts)
    found = results(manager(expiring), job_id)
    assert found["status"] == "expired"
    assert 0 < sum(line["error"] is None for line in found["results"]) < 20
    assert {line["error"]["code"] for line in found["results"] if line["error"]} == {"expired"}
    assert status(manager(expiring), job_id)["status"] == "expired"
    (listed,) = asyncio.run(manager().list_jobs())
    assert listed["status"] in {"completed", "expired"}, "a list asks nobody and reads no answers"


def test_a_job_without_any_answer_is_failed(stage: Stage) -> None:
    refusing = f"{BATCH}&fail=1&fail_kinds=invalid_request"
    job_id = submit(manager(refusing))
    found = results(manager(refusing), job_id)
    assert (found["status"], found["output_file"], contents(found)) == ("failed", None, [None] * 6)
    assert status(manager(), job_id)["status"] == "failed"
    assert stage.paid()["paid"] == 0


def test_the_newest_job_is_listed_first_and_a_damaged_one_hides_none(stage: Stage, monkeypatch: Any) -> None:
    made = []
    for name in ("one", "two", "three"):
        made.append(submit(manager(), [name], job_name=name))
        later(monkeypatch)
    assert [job["job_id"] for job in asyncio.run(manager().list_jobs())] == made[::-1]
    assert [job["job_name"] for job in asyncio.run(manager().list_jobs(limit=1))] == ["three"]
    next((stage.home / "batch_jobs" / made[0] / "events").iterdir()).write_bytes(b"{")
    assert [job["job_id"] for job in asyncio.run(manager().list_jobs())] == [made[2], made[1]]
    assert asyncio.run(manager(storage="memory:").list_jobs()) == []


def test_a_job_that_is_not_there_is_one_sentence(stage: Stage) -> None:
    desk = manager()
    for ask in (desk.get_job_status, desk.get_job_results, desk.cancel_job):
        with pytest.raises(JobNotFound, match="nobody"):
            asyncio.run(ask("nobody"))


def test_two_managers_read_one_finished_job_at_the_same_time(stage: Stage) -> None:
    job_id = submit(manager())
    results(manager(), job_id)

    async def both() -> list[Any]:
        return await asyncio.gather(*(manager().get_job_results(job_id) for _ in range(2)))

    one, two = asyncio.run(both())
    assert one == two
    assert len(Path(one["output_file"]).read_bytes().splitlines()) == 6


def test_two_managers_that_ask_the_same_pay_once_and_the_other_may_ask_again(stage: Stage) -> None:
    async def both() -> list[Any]:
        calls = [
            manager().run_batch_inference(prompts=prompts, job_name=name)
            for prompts, name in ((ROWS, "left"), (ROWS[::-1], "right"))
        ]
        return await asyncio.gather(*calls, return_exceptions=True)

    found = asyncio.run(both())
    refused = [each for each in found if isinstance(each, BaseException)]
    assert all(isinstance(each, JobBusy | JobOverlap) for each in refused), refused
    assert any(isinstance(each, dict) for each in found)
    again = asyncio.run(manager().run_batch_inference(prompts=ROWS[::-1], job_name="right"))
    assert all(contents(again))
    assert ids(again) == [row["id"] for row in ROWS[::-1]]
    assert stage.paid(LEDGER) == stage.paid(LEDGER) | {"paid": 6, "paid_twice": 0}
