"""One corpus, every way through: the datasets are the same but for the field that names the backend."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.library.stage import LEDGER, THIRD, Stage, without_backend

WAYS = ["fake:?mode=batch", "fake:?mode=realtime", "fake:?mode=batch&shuffle=yes&requests=2", "fake:?lose_submit=0.5"]


def by_library(stage: Stage, backend: str, storage: str, *, blocking: bool) -> list[str]:
    from qwen_dataset import BlockingClient, Client, Config

    config = Config(backend=backend, storage=storage, poll=0.01)

    if blocking:
        with BlockingClient(config) as client:
            client.generate(["papers"], output="o.jsonl")
    else:
        asyncio.run(Client(config).generate(["papers"], output="o.jsonl"))
    return without_backend(stage.samples())


def afresh(stage: Stage) -> None:
    import shutil

    for name in ("o.jsonl", LEDGER):
        (stage.home / name).unlink(missing_ok=True)
    shutil.rmtree(stage.home / "batch_jobs", ignore_errors=True)


@pytest.mark.parametrize("backend", [WAYS[0], *(pytest.param(way, marks=pytest.mark.long) for way in WAYS[2:])])
def test_every_way_gives_the_same_dataset(stage: Stage, backend: str) -> None:
    stage.papers()
    stage.write("papers/c.md", THIRD)
    made = {}
    for way in (backend, WAYS[1]):
        stage.generate("papers", backend=way).works()
        made[way, "command"] = without_backend(stage.samples())
        for storage in ("file:batch_jobs", "memory:"):
            for blocking in (True, False):
                afresh(stage)
                made[way, storage, blocking] = by_library(stage, way, storage, blocking=blocking)
                assert stage.paid()["paid_twice"] == 0
        afresh(stage)
    first = next(iter(made.values()))
    assert len(first) >= 5
    for name, samples in made.items():
        assert samples == first, name


def test_the_order_of_the_papers_and_another_folder_change_nothing(stage: Stage) -> None:
    stage.papers()
    stage.write("papers/c.md", THIRD)
    stage.generate("papers/c.md", "papers/a.md", "papers/b.md").works()
    one = sorted(without_backend(stage.samples()))
    stage.generate("papers/a.md", "papers/b.md", "papers/c.md", output="p.jsonl").works()
    two = sorted(without_backend(stage.samples("p.jsonl")))
    assert [json.loads(each)["output"] for each in one] == [json.loads(each)["output"] for each in two]
    assert stage.paid()["paid"] == len(one), "the same requests are not bought again"


def test_answers_to_prompts_are_the_same_too(stage: Stage) -> None:
    from qwen_dataset import BlockingClient, Config

    prompts = [f"Question {n}: " + "why " * n for n in range(9)]
    stage.write("prompts.jsonl", "".join(json.dumps({"prompt": prompt}) + "\n" for prompt in prompts))
    found = []
    for backend in WAYS[:2]:
        for storage in ("memory:", "file:batch_jobs"):
            afresh(stage)
            with BlockingClient(Config(backend=backend, storage=storage)) as client:
                client.run_prompts(prompts, output="a.jsonl", existing="replace")
            found.append((stage.home / "a.jsonl").read_bytes())
    afresh(stage)
    (stage.home / "a.jsonl").unlink()
    command = ("batch", "create", "--input-file", "prompts.jsonl", "--wait", "-o", "a.jsonl", "--backend", WAYS[0])
    stage.call(*command).works()
    lines = [json.loads(line)["output"] for line in (stage.home / "a.jsonl").read_text().splitlines()]
    assert found == [found[0]] * 4
    assert lines == [json.loads(line)["output"] for line in found[0].splitlines()]
