"""`batch`: prompts in, answers out, in the Batch API's words; looking and downloading never buy."""

from __future__ import annotations

import asyncio
import json
import unicodedata
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwen_dataset.app.api import batch_words
from qwen_dataset.app.api.batch_words import batch_record, batch_status, request_counts
from qwen_dataset.app.api.client import Client
from qwen_dataset.app.api.reports import JobStatus, Watch
from qwen_dataset.app.wiring.config import Config
from qwen_dataset.domain.jobs import JobSpec, JobState, Phase, Shard, Way
from qwen_dataset.errors import JobUnfinished
from qwen_dataset.ports.inference import Progress
from tests.library.stage import Said, Stage

REMOTE = "remote.jsonl"
BATCH = f"fake:{REMOTE}?mode=batch"
FAULTY = f"{BATCH}&shuffle=yes&fail=0.4&seed=3"


@pytest.fixture
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    return Stage(tmp_path, monkeypatch)


def create(inside: Stage, *args: str, backend: str = BATCH, **options: Any) -> Said:
    """Only this names the backend: the other commands know it from the job."""
    return inside.call("batch", "create", *args, "--backend", backend, **options)


def status(inside: Stage, job: str, *args: str) -> Said:
    return inside.call("batch", "status", job, *args)


def word(inside: Stage, job: str) -> str:
    found: str = status(inside, job, "--json").works().json["status"]
    return found


def growing(count: int) -> str:
    """Prompts that each count more tokens than the one before, so that an answer shows which one it answers."""
    return "".join(f"Explain number {n:03}{' qubit' * (5 * n + 1)}\n" for n in range(count))


def paid(inside: Stage) -> dict[str, Any]:
    return inside.paid(REMOTE)


def the_job(inside: Stage) -> str:
    (job,) = inside.specs()
    return job


def test_create_says_what_to_do_next_and_buys_once(inside: Stage) -> None:
    said = create(inside, "--prompt", "one", "--prompt", "二", "--job-name", "my_batch").works()
    job = the_job(inside)
    assert said.out.splitlines()[:3] == [
        f"job         {job}",
        "status      in_progress",
        "requests    2 = 0 answered + 0 failed + 2 not yet answered",
    ]
    assert f"look again  qwen-dataset batch status {job}\n" in said.out
    assert f"at the end  qwen-dataset batch status {job} --download\n" in said.out
    assert all(len(line) <= 80 for line in said.out.splitlines())
    create(inside, "--prompt", "one", "--prompt", "二", "--job-name", "my_batch").works()
    assert paid(inside)["paid"] == 2
    assert [row["request"]["messages"][-1]["content"] for row in inside.requests()] == ["one", "二"]
    assert sorted(path.name for path in inside.home.iterdir()) == ["batch_jobs", REMOTE, f"{REMOTE}.files"], (
        "no answers"
    )


def test_who_looks_again_and_again_sees_it_go_on_and_end(inside: Stage) -> None:
    inside.write("p.txt", growing(20))
    create(inside, "--input-file", "p.txt", "--job-name", "my_batch").works()
    seen = []
    for _ in range(40):
        said = status(inside, "my_batch").works()
        seen.append(next(line.split()[1] for line in said.out.splitlines() if line.startswith("status")))
        if "the batch is completed" in said.out:
            break
        assert "completed" not in said.out
        assert ("the service is writing the answers" in said.out) == (seen[-1] == "finalizing")
    assert len(seen) > 2
    words = ["in_progress", "finalizing", "completed"]
    assert {"in_progress", "completed"} <= set(seen)
    assert seen == sorted(seen, key=words.index)
    assert "requests    20 = 20 answered + 0 failed\n" in said.out
    said = status(inside, "my_batch", "--download").works()
    assert "requests    20 = 20 completions + 0 failures" in said.out
    assert word(inside, "my_batch") == "completed"
    assert paid(inside)["paid"] == 20


def counts(inside: Stage, job: str) -> dict[str, int]:
    found: dict[str, int] = status(inside, job, "--json").works().json["request_counts"]
    return found


def test_the_counts_grow_while_it_runs(inside: Stage) -> None:
    inside.write("p.txt", growing(20))
    create(inside, "--input-file", "p.txt", "--job-name", "my_batch", backend=FAULTY).works()
    found = [counts(inside, "my_batch") for _ in range(12)]
    assert [each["completed"] for each in found] == sorted(each["completed"] for each in found)
    assert 0 < found[2]["completed"] < found[-1]["completed"]
    assert found[-1]["failed"] > 0
    assert found[-1]["completed"] + found[-1]["failed"] == found[-1]["total"] == 20


def test_download_waits_for_all_and_writes_in_the_order_of_the_prompts(inside: Stage) -> None:
    inside.write("p.txt", growing(30))
    create(inside, "--input-file", "p.txt", "--job-name", "my_batch", backend=f"{BATCH}&shuffle=yes").works()
    job = the_job(inside)
    early = status(inside, "my_batch", "--download").fails(3, "nothing was written", job, "try again later")
    assert "status      in_progress" in early.out
    assert not (inside.home / f"{job}.jsonl").exists()
    for _ in range(40):
        if status(inside, "my_batch", "--download").code == 0:
            break
    lines = inside.samples(f"{job}.jsonl")
    tokens = [line["usage"]["prompt_tokens"] for line in lines]
    assert len(set(tokens)) == 30
    assert tokens == sorted(tokens)
    assert [line["id"] for line in lines] == [str(n) for n in range(30)]
    before = (inside.home / f"{job}.jsonl").read_bytes()
    status(inside, "my_batch", "--download").works()
    status(inside, "my_batch", "--download", "-o", "b.jsonl").works()
    assert (inside.home / f"{job}.jsonl").read_bytes() == (inside.home / "b.jsonl").read_bytes() == before
    assert paid(inside) == paid(inside) | {"jobs": 1, "paid": 30, "paid_twice": 0}


def download(inside: Stage, job: str, *args: str) -> Said:
    for _ in range(40):
        said = status(inside, job, "--download", *args)
        if said.code != 3:
            return said
    raise AssertionError(said)


def test_download_writes_failures_in_their_places_and_never_asks_again(inside: Stage) -> None:
    inside.write("p.txt", growing(30))
    create(inside, "--input-file", "p.txt", "--job-name", "my_batch", "-o", "a.jsonl", backend=FAULTY).works()
    said = download(inside, "my_batch").works(1)
    lines = inside.samples("a.jsonl")
    failed = [line for line in lines if "error" in line]
    assert len(lines) == 30
    assert 0 < len(failed) < 30
    assert {line["error"]["kind"] for line in failed} <= {"rate_limited", "server_error"}
    assert all(line["error"]["retryable"] for line in failed)
    assert [line["id"] for line in lines] == [str(n) for n in range(30)]
    assert f"{len(failed)} failures" in said.out
    assert paid(inside)["jobs"] == 1, "what failed is asked again by resume, not by a look"
    said = status(inside, "my_batch").works()
    assert "status      completed" in said.out
    assert f"ask again   qwen-dataset resume {the_job(inside)}" in said.out
    for _ in range(9):
        if inside.call("resume", "my_batch").code == 0:
            break
    assert all("output" in line for line in inside.samples("a.jsonl"))
    assert paid(inside)["paid_twice"] == 0


def test_wait_asks_again_by_itself(inside: Stage) -> None:
    inside.write("p.txt", growing(20))
    args = ("--input-file", "p.txt", "--wait", "-o", "a.jsonl", "--rounds", "20")
    said = create(inside, *args, backend=FAULTY).works()
    assert paid(inside)["jobs"] > 1
    assert all("output" in line for line in inside.samples("a.jsonl"))
    assert "answers     a.jsonl (20 answers)" in said.out


def test_wait_without_a_file_name_writes_to_the_name_of_the_job(inside: Stage) -> None:
    for _ in range(2):
        said = create(inside, "--prompt", "one", "--wait").works()
        assert f"answers     {the_job(inside)}.jsonl (1 answers)" in said.out
    assert len(inside.samples(f"{the_job(inside)}.jsonl")) == 1
    assert paid(inside)["paid"] == 1


def test_create_of_what_is_answered_writes_it_without_waiting(inside: Stage) -> None:
    create(inside, "--prompt", "one", "--wait", "-o", "a.jsonl").works()
    (inside.home / "a.jsonl").unlink()
    said = create(inside, "--prompt", "one").works()
    assert "1 completions" in said.out
    assert len(inside.samples("a.jsonl")) == 1, "where it went before"
    assert paid(inside)["paid"] == 1


def test_json_is_one_object_in_the_words_of_the_batch_api(inside: Stage) -> None:
    made = create(inside, "--prompt", "中文", "--job-name", "my_batch", "--json").works()
    assert made.err == ""
    assert made.json == {
        "id": the_job(inside),
        "name": "my_batch",
        "status": "in_progress",
        "request_counts": {"completed": 0, "failed": 0, "total": 1},
        "created_at": made.json["created_at"],
        "ended_at": None,
        "model": "qwen-plus",
        "output": None,
    }
    done = create(inside, "--prompt", "中文", "--job-name", "my_batch", "--json", "--wait").works().json
    assert done["status"] == "completed"
    assert done["ended_at"] >= done["created_at"] > 1_500_000_000
    assert (done["completions"], done["failures"], done["output"]) == (1, 0, f"{the_job(inside)}.jsonl")
    assert status(inside, "my_batch", "--download", "--json").works().json["completions"] == 1


def test_quiet_says_nothing(inside: Stage) -> None:
    said = create(inside, "--prompt", "one", "--wait", "-o", "a.jsonl", "-q").works()
    assert said.out + said.err == ""
    said = inside.call("batch", "cancel", the_job(inside), "-q").works()
    assert said.out + said.err == ""


def test_cancel_then_status_then_download_then_resume(inside: Stage) -> None:
    inside.write("p.txt", growing(20))
    create(inside, "--input-file", "p.txt", "--job-name", "my_batch", "-o", "a.jsonl").works()
    for _ in range(2):
        status(inside, "my_batch").works()
    said = inside.call("batch", "cancel", "my_batch").works()
    assert "status      cancelled" in said.out
    assert inside.call("batch", "cancel", "my_batch", "--json").works().json["status"] == "cancelled"
    assert word(inside, "my_batch") == "cancelled"
    assert f"ask again   qwen-dataset resume {the_job(inside)}" in status(inside, "my_batch").works().out
    status(inside, "my_batch", "--download").works(1)
    lines = inside.samples("a.jsonl")
    kinds = {line["error"]["kind"] for line in lines if "error" in line}
    assert len(lines) == 20
    assert kinds == {"cancelled"}
    assert any("output" in line for line in lines), "what was answered before is paid, and is written"
    inside.call("resume", "my_batch").works()
    assert all("output" in line for line in inside.samples("a.jsonl"))
    assert paid(inside) == paid(inside) | {"paid": 20, "paid_twice": 0}


def test_what_expired_is_called_expired(inside: Stage) -> None:
    inside.write("p.txt", growing(20))
    expiring = f"{BATCH}&expire=1&seed=1"
    create(inside, "--input-file", "p.txt", "--job-name", "my_batch", backend=expiring).works()
    said = download(inside, "my_batch", "--json").works(1)
    assert said.json["status"] == "expired"
    assert 0 < said.json["completions"] < 20
    assert word(inside, "my_batch") == "expired"


def test_what_was_refused_as_a_whole_is_called_failed(inside: Stage) -> None:
    backend = f"{BATCH}&fail=1&fail_kinds=invalid_request"
    create(inside, "--prompt", "x", "--job-name", "my_batch", "--wait", backend=backend).works(1)
    assert word(inside, "my_batch") == "failed"
    assert inside.call("batch", "list").works().out.startswith("failed ")


def test_two_jobs_with_one_name_are_told_apart(inside: Stage) -> None:
    for prompt in ("one", "two"):
        create(inside, "--prompt", prompt, "--job-name", "my_batch").works()
    first, second = inside.specs()
    status(inside, "my_batch").fails(2, "fits 2 jobs", first, second)
    inside.call("batch", "cancel", "my_batch").fails(2, "fits 2 jobs")
    for job in (first, second):
        assert job in status(inside, job[:-4]).works().out


def test_unknown_jobs_and_jobs_in_no_batch(inside: Stage) -> None:
    for verb in ("status", "cancel"):
        inside.call("batch", verb, "ghost").fails(2, "ghost")
    inside.papers()
    inside.generate("papers", "--job-name", "single", backend="fake:?mode=realtime").works()
    status(inside, "single").fails(2, "one call at a time", "qwen-dataset status single")
    assert "no batches in file:batch_jobs" in inside.call("batch", "list").works().out


def test_a_backend_without_batches_and_use_batch(inside: Stage) -> None:
    create(inside, "--prompt", "x", backend="fake:?mode=realtime").fails(2, "realtime only")
    assert not (inside.home / "batch_jobs").exists()
    create(inside, "--prompt", "x", backend="fake", env={"USE_BATCH": "false"}).works()
    assert {spec["way"] for spec in inside.specs().values()} == {"batch"}


def test_bad_input_is_told_at_once(inside: Stage) -> None:
    create(inside, "--temperature", "9").fails(2, "--input-file", "--prompt", "--temperature", sentences=2)
    inside.write("p.txt", "one\n")
    create(inside, "--prompt", "x", "--input-file", "p.txt").fails(2, "either")
    create(inside, "--prompt", "x", "--prompt", " ").fails(2, "--prompt 2 is empty")
    inside.write("p.jsonl", '{"prompt": "x"}\n{}\n\n{"prompt": 1}\n')
    create(inside, "--input-file", "p.jsonl").fails(2, "p.jsonl line 2 ", "p.jsonl line 4 ", sentences=2)
    inside.call("batch", "status", "x", "-o", "a.jsonl").fails(2, "--download")
    inside.call("batch", "list", "--limit", "0").fails(2, "limit")
    assert not (inside.home / "batch_jobs").exists()


def test_somebody_elses_file_is_not_replaced(inside: Stage) -> None:
    inside.write("mine", "precious")
    create(inside, "--prompt", "x", "--wait", "-o", "mine").fails(2, "mine", "--force")
    assert paid(inside)["paid"] == 0
    create(inside, "--prompt", "x", "--job-name", "my_batch").works()
    assert download(inside, "my_batch", "-o", "mine").fails(2, "mine", "--force")
    assert (inside.home / "mine").read_text() == "precious"
    assert download(inside, "my_batch", "-o", "mine", "--force").works()
    assert len(inside.samples("mine")) == 1


def test_fresh_pays_again_under_a_new_name(inside: Stage) -> None:
    create(inside, "--prompt", "x", "--job-name", "first", "--wait").works()
    create(inside, "--prompt", "x", "--fresh").fails(2, "--job-name")
    create(inside, "--prompt", "x", "--job-name", "second", "--wait").works()
    assert paid(inside)["paid"] == 1
    create(inside, "--prompt", "x", "--job-name", "third", "--fresh", "--wait").works()
    assert paid(inside)["paid"] == 2


def stop_after_the_plan(config: Config) -> None:
    """Be stopped between the plan and the first submission."""

    async def work() -> None:
        client = Client(config)
        await client.submit_prompts(["one", "two"], watch=Watch(on_job=lambda *_: client.stop.set()))

    with pytest.raises(JobUnfinished):
        asyncio.run(work())


def test_what_was_never_submitted_has_to_be_resumed(inside: Stage) -> None:
    stop_after_the_plan(Config(backend=BATCH, job_name="my_batch", use_batch=True))
    said = status(inside, "my_batch").works()
    assert "status      validating" in said.out
    assert f"go on with  qwen-dataset resume {the_job(inside)}" in said.out
    status(inside, "my_batch", "--download").fails(3, "qwen-dataset resume")
    assert paid(inside)["paid"] == 0
    inside.call("resume", "my_batch", "-o", "a.jsonl").works()
    assert len(inside.samples("a.jsonl")) == 2


def columns(line: str) -> int:
    return sum(2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in line)


def test_list_is_a_line_a_job_newest_first_and_fits_the_screen(inside: Stage) -> None:
    for number, name in enumerate(("alpha", "量子" * 30, "long-" + "x" * 60)):
        create(inside, "--prompt", str(number), "--job-name", name, "--wait").works()
    (inside.home / "batch_jobs" / "broken-0123456789ab").mkdir()
    inside.write("batch_jobs/broken-0123456789ab/spec.json", "{")
    text = inside.call("batch", "list").works().out
    lines = text.splitlines()
    assert len(lines) == 4
    assert all(columns(line) <= 80 for line in lines), lines
    assert [line.split()[0] for line in lines] == ["completed", "completed", "completed", "damaged"]
    assert all("1/1" in line for line in lines[:3])
    assert ["long-xx" in lines[0], "量子量" in lines[1], "alpha-" in lines[2]] == [True] * 3
    assert lines[0].endswith("…")
    assert lines[1].endswith("…")
    named = lines[1].split()[-1].removesuffix("…")
    assert word(inside, named) == "completed", "what a line shows of a name is enough for the other commands"
    few = inside.call("batch", "list", "--limit", "1").works().out.splitlines()
    assert few == [lines[0], "… and 3 more; --limit 4 lists all"]
    assert inside.call("batch", "list", "--limit", "4").works().out == text
    records = [json.loads(line) for line in inside.call("batch", "list", "--json", "--limit", "4").out.splitlines()]
    assert [record["status"] for record in records] == ["completed"] * 3 + ["damaged"]
    assert len(inside.call("batch", "list", "--json", "--limit", "1").works().out.splitlines()) == 1


def test_list_tells_failures(inside: Stage) -> None:
    inside.write("p.txt", growing(20))
    backend = f"{BATCH}&fail=0.5&fail_kinds=invalid_request"
    create(inside, "--input-file", "p.txt", "--wait", backend=backend).works(1)
    (line,) = inside.call("batch", "list").works().out.splitlines()
    failed = sum("error" in each for each in inside.samples(f"{the_job(inside)}.jsonl"))
    assert f"{20 - failed}/20, {failed} failed" in line


# The words themselves.


def job(
    phase: Phase = Phase.RUNNING,
    *,
    remote: Progress | None = None,
    token: str | None = "t",
    in_shard: int = 10,
    **state: Any,
) -> JobStatus:
    shard = Shard(number=1, key="k", requests=in_shard, first_chunk=1, last_chunk=1, token=token)
    spec = JobSpec(name="n", recipe="prompts", prompt_version="v", model="m", realm="fake:0", way=Way.BATCH, corpus="c")
    values = {"requests": 10, "round": 1, "open": 10, "cleared": True, "shards": {1: shard} if in_shard else {}} | state
    return JobStatus(
        job_id="n-0",
        spec=spec,
        state=JobState(phase=phase, **values),
        created_at=5.9,
        updated_at=12.9,
        ended_at=9.9,
        remote=remote,
    )


READY = Progress(ready=True, completed=10, total=10)


@pytest.mark.parametrize(
    ("status", "failures", "wanted"),
    [
        (job(Phase.NEW, round=0, open=0, in_shard=0), None, "validating"),
        (job(Phase.PLANNED, round=0, open=0, in_shard=0), None, "validating"),
        (job(Phase.PLANNED, round=1, open=0, in_shard=0), None, "in_progress"),
        (job(), None, "in_progress"),
        (job(remote=Progress(ready=False, completed=8, failed=1, total=10)), None, "in_progress"),
        (job(remote=Progress(ready=False, completed=9, failed=1, total=10)), None, "finalizing"),
        (job(remote=Progress(ready=False, completed=9, total=9), in_shard=9), None, "in_progress"),
        (job(remote=READY), None, "completed"),
        (job(remote=READY, token=None), None, "in_progress"),
        (job(remote=READY, in_shard=9), None, "in_progress"),
        (job(remote=READY, cancelling=True), None, "cancelling"),
        (job(Phase.PLANNED, cancelling=True), None, "cancelling"),
        (job(Phase.STOPPED, completed=10), None, "cancelled"),
        (job(Phase.FINISHED, completed=10), None, "completed"),
        (job(Phase.FINISHED, completed=1, failed=9), {"expired": 8, "unknown": 1}, "completed"),
        (job(Phase.FINISHED, completed=1, failed=9), {"expired": 9}, "expired"),
        (job(Phase.FINISHED, failed=10), {"expired": 10}, "expired"),
        (job(Phase.FINISHED, failed=10), {"rejected": 10}, "failed"),
        (job(Phase.FINISHED, failed=10), None, "failed"),
        (job(Phase.FINISHED, completed=10), {}, "completed"),
    ],
)
def test_the_word_for_a_job(status: JobStatus, failures: dict[str, int] | None, wanted: str) -> None:
    assert batch_status(status, failures) == wanted


def test_counts_of_later_rounds_take_from_the_failures() -> None:
    running = job(round=2, open=4, completed=6, failed=4, in_shard=4, remote=Progress(ready=False, completed=3))
    assert request_counts(running) == {"completed": 9, "failed": 1, "total": 10}
    assert request_counts(attrs.evolve(running, remote=None)) == {"completed": 6, "failed": 4, "total": 10}


def test_what_was_fetched_before_a_crash_counts_once() -> None:
    half = job(open=5, completed=4, failed=1, remote=Progress(ready=True, completed=8, failed=2, total=10))
    assert request_counts(half) == {"completed": 9, "failed": 1, "total": 10}
    assert batch_words.is_ready(half)


@given(st.data())
def test_counts_never_exceed_the_total(data: st.DataObject) -> None:
    number = st.integers(0, 10)
    completed = data.draw(number)
    failed = data.draw(st.integers(0, 10 - completed))
    round_number = data.draw(st.integers(1, 3))
    still = failed if round_number > 1 else 10 - completed - failed
    remote = data.draw(st.none() | st.builds(Progress, ready=st.booleans(), completed=number, failed=number))
    found = request_counts(job(completed=completed, failed=failed, open=still, round=round_number, remote=remote))
    assert min(found.values()) >= 0
    assert found["completed"] >= completed
    assert found["completed"] + found["failed"] <= found["total"] == 10


def test_the_record_has_whole_seconds_and_an_end_only_at_the_end() -> None:
    assert batch_record(job(), "in_progress")["created_at"] == 5
    assert batch_record(job(), "in_progress")["ended_at"] is None
    assert batch_record(job(Phase.FINISHED), "failed")["ended_at"] == 9
