"""`batch` with the service's own ids: offline with the fake, and over HTTP."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.library.stage import Said, Stage

REMOTE = "remote.jsonl"
FAKE = f"fake:{REMOTE}"


@pytest.fixture
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    return Stage(tmp_path, monkeypatch)


def batch(inside: Stage, *args: str, backend: str = FAKE, **options: Any) -> Said:
    return inside.call("batch", *args, "--backend", backend, **options)


def made(inside: Stage, *prompts: str, name: str = "demo", backend: str = FAKE) -> str:
    """A job of the storage; returns its id."""
    texts = [part for prompt in prompts for part in ("--prompt", prompt)]
    said = batch(inside, "create", *texts, "--job-name", name, "--json", backend=backend).works()
    found: str = said.json["id"]
    return found


def by_hand(inside: Stage, *lines: dict[str, Any] | str, name: str = "by hand") -> str:
    """A batch that no job of the storage knows; returns its id."""
    from qwen_dataset import QianWenBatchInference

    at = QianWenBatchInference(model="qwen-plus", backend=FAKE)
    usual = at.create_batch_requests(["a", "b", "c"])
    path = inside.write("in.jsonl", "".join(json.dumps(line) + "\n" for line in lines or usual))

    async def work() -> str:
        created = await at.create_batch_job(await at.upload_file(path), job_name=name)
        found: str = created["id"]
        return found

    return asyncio.run(work())


def ended(inside: Stage, batch_id: str, **options: Any) -> dict[str, Any]:
    for _ in range(60):
        found: dict[str, Any] = batch(inside, "status", batch_id, "--json", **options).works().json
        if found["status"] not in ("validating", "in_progress", "cancelling", "finalizing"):
            return found
    raise AssertionError(f"{batch_id} never ends")


def test_a_batch_of_a_job_is_shown_with_its_job(inside: Stage) -> None:
    job = made(inside, "one", "two")
    said = batch(inside, "status", "batch_000001").works()
    assert said.out.startswith("batch       batch_000001\nstatus      validating\n")
    assert f"of job      {job}\n" in said.out
    assert said.out.endswith(f"look again  qwen-dataset batch status batch_000001 --backend {FAKE}\n")
    found = ended(inside, "batch_000001")
    assert found["job"] == job
    assert found["request_counts"] == {"total": 2, "completed": 2, "failed": 0}
    assert f"qwen-dataset batch download batch_000001 --backend {FAKE}" in batch(inside, "status", "batch_000001").out


def test_the_job_is_not_named_where_the_storage_does_not_know_it(inside: Stage) -> None:
    made(inside, "one")
    said = batch(inside, "status", "batch_000001", "--storage", "file:elsewhere").works()
    assert "of job" not in said.out
    assert batch(inside, "status", "batch_000001", "--storage", "file:elsewhere", "--json").json["job"] is None


def test_a_job_whose_name_looks_like_a_batch_is_a_job(inside: Stage) -> None:
    job = made(inside, "one", name="batch_000001")
    assert batch(inside, "status", "batch_000001").works().out.startswith(f"job         {job}\n")


def test_downloads_answers_and_errors_beside(inside: Stage) -> None:
    batch_id = by_hand(inside)
    early = batch(inside, "download", batch_id)
    early.fails(3, batch_id, "try again later")
    assert not list(inside.home.glob("batch_*"))
    assert ended(inside, batch_id)["output_file_id"]
    said = batch(inside, "download", batch_id).works()
    assert said.out.endswith(f"output      {batch_id}.jsonl\n")
    lines = inside.samples(f"{batch_id}.jsonl")
    assert {line["custom_id"] for line in lines} == {"request-1", "request-2", "request-3"}
    batch(inside, "download", batch_id).fails(2, "--force", f"{batch_id}.jsonl")
    batch(inside, "download", batch_id, "--merge").fails(2, "--merge")
    assert batch(inside, "download", batch_id, "--force", "--json").works().json["output"] == f"{batch_id}.jsonl"
    assert inside.paid(REMOTE)["paid"] == 3, "looking and downloading are free"
    told = batch(inside, "status", batch_id, "--download", "-o", "as.jsonl", "--json").works()
    assert (told.json["output"], told.json["error_output"]) == ("as.jsonl", None)


def test_failed_lines_go_to_a_file_of_errors(inside: Stage) -> None:
    faulty = f"{FAKE}?fail=0.5&seed=2"
    batch(inside, "create", *(part for n in range(12) for part in ("--prompt", f"p{n}")), backend=faulty).works()
    found = ended(inside, "batch_000001")
    said = batch(inside, "download", "batch_000001", "-o", "out.jsonl").works(1)
    assert "errors      out.jsonl.errors.jsonl" in said.out
    counts = found["request_counts"]
    assert 0 < counts["failed"] == len(inside.samples("out.jsonl.errors.jsonl"))
    assert counts["completed"] == len(inside.samples("out.jsonl"))


def test_an_answer_that_the_service_counts_and_does_not_hand_out_is_told(inside: Stage) -> None:
    lossy = f"{FAKE}?missing=0.5&seed=2"
    batch(inside, "create", *(part for n in range(12) for part in ("--prompt", f"p{n}")), backend=lossy).works()
    ended(inside, "batch_000001")
    assert "answers that the service counts" in batch(inside, "download", "batch_000001").works(1).err


def test_a_failed_batch_tells_its_reasons_by_line(inside: Stage) -> None:
    from qwen_dataset import QianWenBatchInference

    (good,) = QianWenBatchInference(model="qwen-plus", backend=FAKE).create_batch_requests(["a"])
    bad = [good | {"custom_id": str(n), "url": "/v1/wrong"} for n in range(12)]
    many = [good | {"custom_id": f"m{n}", "url": f"/v1/{n}"} for n in range(25)]
    batch_id = by_hand(inside, good, *bad, good)
    assert ended(inside, batch_id)["errors"]["data"][0]["line"] == 2
    said = batch(inside, "status", batch_id).works()
    assert "line 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, …: url_not_found: The provided url '/v1/wrong'" in said.out
    assert "line 14: duplicate_custom_id: " in said.out
    batch(inside, "download", batch_id).works(1)
    assert "第 14 行：duplicate_custom_id" in batch(inside, "status", batch_id, "--lang", "zh").out
    other = by_hand(inside, *many)
    ended(inside, other)
    assert "… and 5 more reasons; --json tells all" in batch(inside, "status", other).works().out
    empty = by_hand(inside, "")
    ended(inside, empty)
    assert "line 1: invalid_json_line" in batch(inside, "status", empty).works().out


def test_cancel_stops_a_batch_at_the_service(inside: Stage) -> None:
    batch_id = by_hand(inside)
    said = batch(inside, "cancel", batch_id).works()
    assert "status      cancelling" in said.out
    assert ended(inside, batch_id)["status"] == "cancelled"
    assert batch(inside, "cancel", batch_id, "--quiet").works().out == ""
    assert batch(inside, "cancel", batch_id, "--json").works().json["status"] == "cancelled"


def test_the_list_is_local_unless_asked_and_takes_the_services_filters(inside: Stage) -> None:
    first, second = by_hand(inside, name="first"), by_hand(inside, name="second")
    assert "no batches in" in batch(inside, "list").works().out
    ended(inside, first)

    def listed(*args: str) -> list[str]:
        said = batch(inside, "list", "--remote", "--json", *args).works()
        return [json.loads(line)["id"] for line in said.out.splitlines()]

    assert listed() == [second, first]
    assert listed("--name", "sec") == [second]
    assert listed("--status", "failed,completed") == [each for each in listed() if ended(inside, each)["completed_at"]]
    assert listed("--input-file-id", "file-batch-000001") == [first]
    assert listed("--after", second) == [first]
    assert listed("--created-after", "2026-01-01") == []
    assert listed("--created-before", "2026-01-01T10:00+08:00") == [second, first]
    said = batch(inside, "list", "--remote", "--limit", "1").works()
    line, more = said.out.splitlines()
    assert re.fullmatch(rf"completed    \S+( \S+)?  +3/3            {second}  second", line)
    assert more == f"… and there are more; --after {second} lists those that follow"
    assert "has no such batches" in batch(inside, "list", "--remote", "--name", "ghost").works().out
    chinese = batch(inside, "list", "--remote", "--lang", "zh").works().out
    assert all(line.split()[0] == "已完成" for line in chinese.splitlines())


def test_filters_that_cannot_be_are_told(inside: Stage) -> None:
    batch(inside, "list", "--status", "failed", "--created-after", "x").fails(
        2, "--status, --created-after", "--remote"
    )
    both = batch(inside, "list", "--remote", "--created-after", "x", "--created-before", "9999-99-99")
    both.fails(2, "--created-after is 'x'", "--created-before", sentences=2)


def test_a_backend_without_batches_is_one_sentence(inside: Stage) -> None:
    for args in (("list", "--remote"), ("status", "batch_1"), ("cancel", "batch_1"), ("download", "batch_1")):
        batch(inside, *args, backend="fake:?mode=realtime").fails(2, "no batches of its own")


def test_a_batch_that_is_not_there_is_one_sentence(inside: Stage) -> None:
    for verb in ("status", "cancel", "download"):
        batch(inside, verb, "batch_9").fails(2, "batch_9")
        batch(inside, verb, "ghost").fails(2, "there is no job 'ghost'")


def test_a_service_that_does_not_answer_is_not_finished(inside: Stage) -> None:
    batch_id = by_hand(inside)
    batch(inside, "status", batch_id, backend=f"{FAKE}?unavailable=1").fails(3, "did not answer")


def test_a_local_job_is_downloaded_as_by_status(inside: Stage) -> None:
    job = made(inside, "one", "two")
    inside.call("batch", "download", job).fails(3, "not finished")
    while inside.call("batch", "status", job, "--json").works().json["status"] != "completed":
        pass
    said = inside.call("batch", "download", "demo", "-o", "out.jsonl").works()
    assert "answers     out.jsonl (2 answers)" in said.out
    assert [line["id"] for line in inside.samples("out.jsonl")] == ["0", "1"]


def test_the_same_commands_over_http(inside: Stage, bailian_server: Any) -> None:
    def over_http(*args: str) -> Said:
        return batch(inside, *args, "--base-url", bailian_server.base_url, backend="openai-batch")

    job = over_http("create", "--prompt", "one", "--prompt", "two", "--job-name", "demo", "--json").works().json["id"]
    (remote,) = over_http("list", "--remote", "--json").works().out.splitlines()
    batch_id = json.loads(remote)["id"]
    assert batch_id.startswith("batch_")
    shown = over_http("status", batch_id, "--json").works().json
    assert shown["job"] == job
    while shown["status"] != "completed":
        shown = over_http("status", batch_id, "--json").works().json
    over_http("download", batch_id, "-o", "out.jsonl").works()
    assert len(inside.samples("out.jsonl")) == 2
    assert over_http("cancel", batch_id, "--json").works().json["status"] == "completed"
    assert batch_id in over_http("list", "--remote", "--status", "completed", "--created-after", "2020-01-01").out
    over_http("status", "batch_00000000-0000-0000-0000-000000000000").fails(2)
    assert over_http("list", "--remote", "--status", "failed").works().out == "the service has no such batches\n"


def _cancelled_by_hand(inside: Stage, *, after: int = 0) -> str:
    job = made(inside, "one", "two")
    for _ in range(after):
        batch(inside, "status", "batch_000001").works()
    batch(inside, "cancel", "batch_000001").works()
    return job


def test_a_job_whose_batch_was_cancelled_by_hand_says_so_and_how_to_go_on(inside: Stage) -> None:
    job = _cancelled_by_hand(inside)
    assert ended(inside, "batch_000001")["status"] == "cancelled"
    said = inside.call("batch", "status", job).works()
    assert "status      cancelled\n" in said.out
    assert said.out.endswith(
        f"the batch has ended at the service without an answer\ngo on with  qwen-dataset resume {job}\n"
    )
    early = inside.call("batch", "download", job)
    early.fails(3, f"go on with: qwen-dataset resume {job}")
    assert not inside.home.joinpath(f"{job}.jsonl").exists()
    # The first one takes note that somebody stopped it, the second one is a person's word to ask anew.
    inside.call("resume", job, "-o", "answers.jsonl").works(3)
    inside.call("resume", job, "-o", "answers.jsonl").works()
    assert len(inside.samples("answers.jsonl")) == 2
    assert "status      completed\n" in inside.call("batch", "status", job).works().out


def test_a_job_whose_batch_is_being_cancelled_says_the_service_s_word(inside: Stage) -> None:
    job = _cancelled_by_hand(inside)
    words = {inside.call("batch", "status", job, "--json").works().json["status"] for _ in range(60)}
    assert words <= {"cancelling", "cancelled"}
    assert "cancelled" in words
