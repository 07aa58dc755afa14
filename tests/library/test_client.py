"""The verbs, async and blocking: the same words, the same sums, the same files."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any

import pytest

from tests.library.stage import Stage

SLOW = "fake:?mode=batch&clock=real&duration=1"


def config(backend: str = "fake", **more: Any) -> Any:
    from qwen_dataset import Config

    return Config(**({"backend": backend, "poll": 0.2} | more))


def sums_hold(sums: Any) -> None:
    assert sums.requests == sums.completions + sums.failures + sums.unanswered
    assert sums.candidates == sums.samples + sums.rejects


def test_generate_in_one_line(stage: Stage) -> None:
    from qwen_dataset import Client, Watch

    stage.papers()
    seen: list[Any] = []
    watch = Watch(on_read=seen.append, on_progress=seen.append)
    report = asyncio.run(Client(config()).generate(["papers"], output="o.jsonl", watch=watch))
    sums_hold(report.sums)
    assert report.sums.requests == report.sums.samples == 4
    assert len(stage.samples()) == 4
    assert str(report.output).endswith("o.jsonl")
    assert report.job_id in stage.specs()
    assert seen, "progress is told to the callback"


def test_blocking_says_the_same_also_inside_a_running_loop(stage: Stage) -> None:
    from qwen_dataset import BlockingClient

    stage.papers()

    def work(output: str) -> Any:
        with BlockingClient(config()) as client:
            return client.generate(["papers"], output=output)

    first = work("one.jsonl")

    async def notebook() -> Any:
        return work("two.jsonl")

    second = asyncio.run(notebook())
    assert first.job_id == second.job_id
    assert (stage.home / "one.jsonl").read_bytes() == (stage.home / "two.jsonl").read_bytes()
    assert stage.paid()["paid"] == 4


def test_blocking_without_a_with_block(stage: Stage) -> None:
    from qwen_dataset import BlockingClient

    client = BlockingClient(config())
    assert client.run_prompts(["one"]).sums.completions == 1
    assert client.run_prompts(["two"]).sums.completions == 1
    assert len(list(client.list_jobs())) == 2


def test_submit_status_collect(stage: Stage) -> None:
    from qwen_dataset import BlockingClient

    stage.papers()
    with BlockingClient(config(SLOW)) as client:
        ticket = client.submit(["papers"], output="o.jsonl")
        assert ticket.sums is None, "only submitted"
        assert not (stage.home / "o.jsonl").exists()
        early = client.collect(ticket.job_id, wait=False)
        assert early.sums is None or early.sums.unanswered == 4
        client.status(ticket.job_id)
        done = client.collect(ticket.job_id)
        assert done.job_id == ticket.job_id
        sums_hold(done.sums)
        assert done.sums.samples == len(stage.samples()) == 4
        assert client.collect(ticket.job_id).sums == done.sums
        assert ticket.job_id in repr(list(client.list_jobs()))
    assert stage.paid() == stage.paid() | {"paid": 4, "paid_twice": 0}


def test_prompts_submit_answers_and_collect(stage: Stage) -> None:
    from qwen_dataset import Client

    prompts = [f"Prompt {n} " + "x " * n for n in range(12)]

    async def main() -> list[Any]:
        client = Client(config("fake:?mode=batch&shuffle=yes&fail=0.3&fail_kinds=invalid_request&seed=5"))
        ticket = await client.submit_prompts(prompts, output="answers.jsonl")
        report = await client.collect(ticket.job_id)
        assert report.sums.requests == 12
        assert report.sums.completions + report.sums.failures == 12
        assert report.sums.failures > 0
        return [answer async for answer in client.answers(ticket.job_id)]

    answers = asyncio.run(main())
    assert len(answers) == 12
    lines = [json.loads(line) for line in (stage.home / "answers.jsonl").read_text().splitlines()]
    assert len(lines) == 12
    assert all(("output" in line) != (line.get("error") is not None) for line in lines), lines[0]


def test_run_prompts_writes_answers_in_input_order(stage: Stage) -> None:
    from qwen_dataset import BlockingClient

    prompts = ["short", "a much longer prompt " * 20, "mid " * 20]
    with BlockingClient(config("fake:?shuffle=yes&mode=batch")) as client:
        report = client.run_prompts(prompts, output="answers.jsonl")
    lines = [json.loads(line) for line in (stage.home / "answers.jsonl").read_text().splitlines()]
    tokens = [line["usage"]["prompt_tokens"] for line in lines]
    assert tokens[0] < tokens[2] < tokens[1]
    assert report.sums.completions == 3


@pytest.mark.parametrize("existing", ["refuse", "replace", "merge", "wrong"])
def test_an_existing_output(stage: Stage, existing: str) -> None:
    from qwen_dataset import BlockingClient, QwenDatasetError

    stage.papers()
    stage.write("o.jsonl", "precious\n")
    with BlockingClient(config()) as client:
        if existing == "replace":
            client.generate(["papers"], output="o.jsonl", existing=existing)
            assert len(stage.samples()) == 4
            return
        with pytest.raises((QwenDatasetError, ValueError)) as caught:
            client.generate(["papers"], output="o.jsonl", existing=existing)
    assert ("o.jsonl" if existing != "wrong" else "existing") in str(caught.value)
    assert (stage.home / "o.jsonl").read_text() == "precious\n"
    assert stage.paid()["paid"] == 0, "it was known before anything was bought"


def test_fresh_needs_a_name_and_pays_once_more(stage: Stage) -> None:
    from qwen_dataset import BlockingClient, QwenDatasetError

    with BlockingClient(config()) as client:
        client.run_prompts(["one", "two"])
        with pytest.raises(QwenDatasetError, match="name"):
            client.run_prompts(["one", "two"], fresh=True)
    assert stage.paid()["paid"] == 2
    for _ in range(2):
        with BlockingClient(config(job_name="again")) as client:
            client.run_prompts(["one", "two"], fresh=True)
        assert stage.paid()["paid"] == 4, "the same fresh job again is the same job"


def test_cancel_then_resume(stage: Stage) -> None:
    from qwen_dataset import BlockingClient

    prompts = ["one", "two", "three"]
    with BlockingClient(config("fake:?mode=batch&clock=real&duration=4")) as client:
        ticket = client.submit_prompts(prompts, output="a.jsonl")
        client.cancel(ticket.job_id)
        client.cancel(ticket.job_id)
    with BlockingClient(config("fake:?mode=batch")) as client:
        report = client.resume(ticket.job_id, output="a.jsonl")
    assert report.sums.completions == 3
    assert stage.paid()["paid_twice"] == 0
    assert len((stage.home / "a.jsonl").read_text().splitlines()) == 3


def test_rebuild_is_free(stage: Stage) -> None:
    from qwen_dataset import BlockingClient

    stage.papers()
    with BlockingClient(config("fake:?lie=0.5&seed=2")) as client:
        made = client.generate(["papers"], output="o.jsonl")
        rejects = client.rejects(made.job_id)
        before = stage.paid()
        again = client.rebuild(made.job_id, output="again.jsonl")
        assert len(list(rejects)) == made.sums.rejects
    assert again.sums == made.sums
    assert stage.paid() == before
    assert (stage.home / "again.jsonl").read_bytes() == (stage.home / "o.jsonl").read_bytes()


def test_jobs_that_are_not_there(stage: Stage) -> None:
    from qwen_dataset import BlockingClient, QwenDatasetError

    with BlockingClient(config()) as client:
        assert list(client.list_jobs()) == []
        for verb in (client.collect, client.resume, client.rebuild, client.cancel, client.status):
            with pytest.raises(QwenDatasetError) as caught:
                verb("ghost")
            assert "ghost" in str(caught.value)


def test_strict_and_unreadable_papers(stage: Stage) -> None:
    from qwen_dataset import BlockingClient, QwenDatasetError

    stage.papers()
    stage.write("papers/broken.md", b"\xff\xfe\xff")
    with BlockingClient(config()) as client:
        with pytest.raises(QwenDatasetError, match="broken"):
            client.generate(["papers"], output="o.jsonl", strict=True)
        assert stage.paid()["paid"] == 0
        assert client.generate(["papers"], output="o.jsonl").sums.samples == 4
        with pytest.raises(QwenDatasetError):
            client.generate([], output="none.jsonl")


def test_a_watcher_that_raises_is_the_callers_error_and_nothing_is_lost(stage: Stage) -> None:
    from qwen_dataset import BlockingClient, Watch

    stage.papers()

    def bad(_: Any) -> None:
        raise ZeroDivisionError("mine")

    with BlockingClient(config()) as client:
        for watch in (Watch(on_read=bad), Watch(on_progress=bad), Watch(on_sample=bad)):
            with contextlib.suppress(ZeroDivisionError):
                client.generate(["papers"], output="o.jsonl", watch=watch)
        client.generate(["papers"], output="o.jsonl")
    assert len(stage.samples()) == 4
    assert stage.paid() == stage.paid() | {"paid": 4, "paid_twice": 0}


def test_many_blocking_clients_leave_no_thread(stage: Stage) -> None:
    import threading

    from qwen_dataset import BlockingClient

    before = threading.active_count()  # a pool may grow to its size, whatever the number of clients
    for n in range(15):
        with BlockingClient(config()) as client:
            client.run_prompts([f"p{n}"])
    assert threading.active_count() < before + 12
