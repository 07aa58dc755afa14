"""Merging answers to prompts: what is known stays once, an answer takes the place of its failure, and order is kept."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from qwen_dataset.app.api.client import Client
from qwen_dataset.app.api.reports import Report
from qwen_dataset.app.dataset import exporter, target
from qwen_dataset.app.wiring.config import Config
from qwen_dataset.errors import OutputError

PROMPTS = [f"prompt {number}" for number in range(8)]
HALF = "fail=0.5&fail_kinds=invalid_request&seed=3"


@pytest.fixture
def output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "answers.jsonl"


def client(faults: str = "", **settings: Any) -> Client:
    """Jobs and the fake's books are those of the folder; another seed is another realm, so it stays the same."""
    address = f"fake:remote.jsonl?mode=realtime&{faults or 'seed=3'}"
    return Client(Config(backend=address, rounds=1, **settings), storage="file:jobs")


def merge(desk: Client, output: Path, prompts: list[Any] | None = None) -> Report:
    return asyncio.run(desk.run_prompts(PROMPTS if prompts is None else prompts, output, existing="merge"))


def lines(output: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.read_bytes().splitlines()]


def failed(output: Path) -> list[str]:
    return [line["id"] for line in lines(output) if "error" in line]


def test_a_job_with_failures_merged_again_and_again_gives_the_same_bytes(output: Path) -> None:
    desk = client(HALF)
    first = merge(desk, output)
    assert first.sums is not None
    assert 0 < first.sums.failures < len(PROMPTS)
    once = output.read_bytes()
    for _ in range(3):
        again = merge(desk, output)
        assert (again.kept, again.known) == (len(PROMPTS), len(PROMPTS))
        assert output.read_bytes() == once


def test_an_answer_takes_the_place_of_the_failure_that_was_kept(output: Path) -> None:
    merge(client(HALF), output)
    before = output.read_bytes().splitlines()
    gone = failed(output)
    assert gone
    # The same prompts in a job of its own, so that their failures are asked again.
    report = merge(client(job_name="second"), output)
    assert failed(output) == []
    after = output.read_bytes().splitlines()
    kept = [line for line in before if b'"error"' not in line]
    assert after[: len(kept)] == kept, "old lines stand where they stood"
    assert [json.loads(line)["id"] for line in after[len(kept) :]] == gone, "what is new stands behind them, in order"
    assert (report.kept, report.known) == (len(kept), len(kept))
    merge(client(job_name="second"), output)
    assert output.read_bytes().splitlines() == after


def test_a_failure_does_not_stand_beside_the_answer_that_is_there(output: Path) -> None:
    merge(client(), output)
    whole = output.read_bytes()
    # Another name and fresh: it pays again, and this time half of it fails.
    desk = client(HALF, job_name="unlucky")
    report = asyncio.run(desk.run_prompts(PROMPTS, output, fresh=True, existing="merge"))
    assert report.sums is not None
    assert report.sums.failures > 0
    assert failed(output) == []
    assert output.read_bytes().startswith(whole)


def test_a_failure_of_another_question_with_the_same_id_stays(output: Path) -> None:
    merge(client("seed=3&fail=1&fail_kinds=invalid_request"), output, [{"id": "q", "prompt": "one"}])
    merge(client(), output, [{"id": "q", "prompt": "another"}])
    assert [("error" in line, line["id"]) for line in lines(output)] == [(True, "q"), (False, "q")]
    merge(client(), output, [{"id": "other name", "prompt": "one"}])
    assert len(lines(output)) == 3, "another id is another line of a person's"


def test_two_answers_to_one_question_are_two_lines(output: Path) -> None:
    merge(client(), output, ["why?"])
    (first,) = lines(output)
    output.write_text(json.dumps(first | {"output": "something else"}) + "\n", encoding="utf-8")
    for _ in range(2):
        merge(client(), output, ["why?"])
        assert [line["output"] for line in lines(output)] == ["something else", first["output"]]


def test_lines_of_other_tools_stay_byte_for_byte(output: Path) -> None:
    odd = b'{"instruction": 5, "output": {"x":1}}\n{"id": null, "error": "theirs"}\n{"id": [1],  "output": null}\r\n'
    output.write_bytes(b'{"id":"mine","request_id":"","output":"o"}\n' + odd)
    before = output.read_bytes()
    report = merge(client(), output)
    assert output.read_bytes().startswith(before)
    assert (report.kept, report.known, len(lines(output))) == (4, 0, 4 + len(PROMPTS))


def test_others_get_their_turn_while_a_large_file_is_merged(output: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lease is renewed in the same loop."""
    merge(client(), output)
    monkeypatch.setattr(target, "_BREATH", 2)
    turns = []

    async def turn(seconds: float, sleep: Any = asyncio.sleep) -> None:
        turns.append(seconds)
        await sleep(seconds)

    monkeypatch.setattr(target.asyncio, "sleep", turn)
    merge(client(), output)
    assert turns.count(0) >= len(PROMPTS), "half of the old lines and half of the new ones"


def test_a_file_that_changes_while_it_is_merged_is_left_alone(output: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    merge(client(), output, ["one"])
    desk = client()
    curate = exporter.curate_job

    def somebody_else_writes() -> None:
        output.write_bytes(b'{"id":"theirs","request_id":"r","output":"o"}\n')

    async def meanwhile(*args: Any, **more: Any) -> Any:
        async for entry in curate(*args, **more):
            somebody_else_writes()
            yield entry

    monkeypatch.setattr(exporter, "curate_job", meanwhile)
    with pytest.raises(OutputError, match="written by something else"):
        merge(desk, output, ["two"])
    assert [line["id"] for line in lines(output)] == ["theirs"]
    assert [path.name for path in output.parent.glob(".*")] == [], "no half-made file is left"
