"""`prune` deletes what it showed and nothing that is still needed; `show-prompt` shows what would be sent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.library.stage import THIRD, Stage

SLOW = "fake:?mode=batch&clock=real&duration=3"


@pytest.fixture
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    monkeypatch.setenv("QWEN_DATASET_POLL", "0.3")
    stage = Stage(tmp_path, monkeypatch)
    monkeypatch.setenv("QWEN_DATASET_POLL", "0.3")
    return stage


def stored(inside: Stage) -> dict[str, bytes]:
    return {name: data for name, data in inside.tree("batch_jobs").items() if "/lease/" not in name}


def furnish(inside: Stage) -> None:
    """A finished job, one that reuses its answers, one with failures and one under way."""
    inside.papers()
    inside.write("c.md", THIRD)
    inside.generate("papers", "--job-name", "done").works()
    inside.generate("papers", "--job-name", "reuser", output="r.jsonl").works()
    broken = "fake:?mode=batch&fail=1&fail_kinds=invalid_request"
    inside.generate("papers/a.md", "--job-name", "failed", backend=broken, output="f.jsonl")
    inside.generate("c.md", "--job-name", "going", "--no-wait", backend=SLOW, output="g.jsonl").works()


def test_prune_of_nothing(inside: Stage) -> None:
    inside.call("prune").works()
    inside.call("prune", "--yes").works()
    assert not (inside.home / "batch_jobs").exists()


def test_prune_asks_and_without_a_yes_deletes_nothing(inside: Stage) -> None:
    furnish(inside)
    before = stored(inside)
    for answer in ("n\n", "", "\n", "perhaps\n"):
        said = inside.call("prune", stdin=answer)
        assert "Traceback" not in said.err
        assert stored(inside) == before, answer


def test_prune_deletes_what_it_showed_and_leaves_the_rest_usable(inside: Stage) -> None:
    furnish(inside)
    jobs = set(inside.specs())
    shown = inside.call("prune", stdin="n\n")
    told = shown.out + shown.err
    named = {job for job in jobs if job in told}
    outputs = {name: data for name, data in inside.tree().items() if name.endswith(".jsonl") and "/" not in name}
    paid = inside.paid()
    said = inside.call("prune", "--yes").works()
    left = set(inside.specs())
    assert jobs - left <= named, "nothing is deleted that was not shown"
    assert any(job.startswith("going") for job in left), "a job under way stays"
    for name, data in outputs.items():
        assert (inside.home / name).read_bytes() == data, name
    assert inside.paid() == paid
    assert said.out
    once = stored(inside)
    inside.call("prune", "--yes").works()
    assert stored(inside) == once, "twice is once"
    inside.call("resume", "going", "--backend", SLOW).works()
    assert inside.samples("g.jsonl")
    for job in sorted(left):
        if not job.startswith("failed"):
            inside.call("rebuild", job, "-o", f"{job}.again.jsonl").works()
    assert inside.paid()["paid_twice"] == 0
    assert inside.paid()["paid"] == paid["paid"]


def test_prune_says_yes_at_the_question(inside: Stage) -> None:
    furnish(inside)
    before = set(stored(inside))
    by_flag = inside.call("prune", stdin="y\n").works()
    after = set(stored(inside))
    assert after <= before
    assert by_flag.out
    assert set(stored(inside)) == after
    inside.call("prune", "--yes").works()
    assert set(stored(inside)) == after, "the question's yes does the same as --yes"


def test_prune_leaves_strangers_files_alone(inside: Stage) -> None:
    furnish(inside)
    inside.write("batch_jobs/notes.txt", "mine")
    inside.write("batch_jobs/my folder/data.bin", "mine")
    inside.call("prune", "--yes").works()
    assert (inside.home / "batch_jobs/notes.txt").read_text() == "mine"
    assert (inside.home / "batch_jobs/my folder/data.bin").read_text() == "mine"


def _said_exactly(text: str, content: str) -> bool:
    """The words stand in the output as they are, or as a JSON string writes them."""
    return content in text or any(
        json.dumps(content, ensure_ascii=ascii)[1:-1] in text
        for ascii in (True, False)  # noqa: A001
    )


def test_show_prompt_shows_exactly_what_is_then_sent(inside: Stage) -> None:
    inside.papers()
    settings = ("--model", "qwen-max", "--temperature", "0.31", "--max-tokens", "777", "--top-p", "0.83")
    said = inside.call("show-prompt", "papers/a.md", *settings).works()
    assert sorted(inside.tree()) == ["papers/a.md", "papers/b.md"], "nothing is made and nothing is asked"
    inside.generate("papers/a.md", *settings).works()
    first = inside.requests()[0]["request"]
    for message in first["messages"]:
        assert _said_exactly(said.out, message["content"]), message["content"][:200]
    for word in ("qwen-max", "0.31", "777", "0.83"):
        assert word in said.out, word
    assert len(inside.samples()) == 2


def test_show_prompt_of_chinese_papers_and_forced_language(inside: Stage) -> None:
    inside.papers()
    said = inside.call("show-prompt", "papers/b.md", "--language", "en", env={"COLUMNS": "40"}).works()
    inside.generate("papers/b.md", "--language", "en").works()
    for message in inside.requests()[0]["request"]["messages"]:
        assert _said_exactly(said.out, message["content"])


def test_show_prompt_as_json_is_the_request(inside: Stage) -> None:
    inside.papers()
    said = inside.call("show-prompt", "papers/a.md", "--json").works()
    inside.generate("papers/a.md").works()
    wanted = [row["request"]["messages"] for row in inside.requests()]
    lines = said.out.splitlines()
    found: list[Any] = [json.loads(line) for line in lines] if len(lines) != 1 else [json.loads(said.out)]
    text = json.dumps(found, ensure_ascii=False)
    assert json.dumps(wanted[0], ensure_ascii=False) in text


def test_show_prompt_refuses_like_the_others(inside: Stage) -> None:
    inside.papers()
    inside.write("empty.md", "")
    inside.call("show-prompt", "nowhere.md").fails(2, "nowhere.md")
    inside.call("show-prompt", "papers/a.md", "--recipe", "stew").fails(2, "stew")
    inside.call("show-prompt", "papers/a.md", "--temperature", "2", "--top-p", "0").fails(2, sentences=2)
    inside.call("show-prompt", "empty.md").works(2)
    inside.call("show-prompt").works(2)
