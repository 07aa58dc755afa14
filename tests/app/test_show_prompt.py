"""`show-prompt` shows what `generate` then sends, to the letter, and asks nobody."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from qwen_dataset.app.engine.id_lists import decode_ids
from qwen_dataset.domain.inference import Message, Parameters, Request
from tests.library.stage import Stage

SETTINGS = ("--model", "qwen-max", "--temperature", "0.31", "--max-tokens", "777", "--top-p", "0.83")


@pytest.fixture
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    stage = Stage(tmp_path, monkeypatch)
    stage.papers()
    return stage


def nothing_was_made(inside: Stage) -> None:
    assert sorted(inside.tree()) == ["papers/a.md", "papers/b.md"]


def test_a_person_reads_the_first_request_to_the_letter(inside: Stage) -> None:
    said = inside.call("show-prompt", "papers", *SETTINGS).works()
    nothing_was_made(inside)
    inside.generate("papers", *SETTINGS).works()
    request = inside.requests()[0]["request"]
    head, system, user = said.out.split("\n=== ")
    assert system == f"system ===\n{request['messages'][0]['content']}\n"
    assert user == f"user ===\n{request['messages'][1]['content']}\n"
    assert head.splitlines() == [
        f"request     1 of 4, id {request_id(inside)}",
        "section     Method",
        "model       qwen-max",
        "parameters  enable_thinking false, temperature 0.31, top_p 0.83, max_tokens 777",
    ]


def request_id(inside: Stage) -> str:
    (ids,) = (inside.home / "batch_jobs").glob("*/requests/*.ids")
    return decode_ids(ids.read_bytes(), where="x")[0]


def test_json_is_every_request_as_it_is_hashed_and_sent(inside: Stage) -> None:
    said = inside.call("show-prompt", "papers", "--all", "--json", "--max-samples", "3").works()
    nothing_was_made(inside)
    shown = [json.loads(line) for line in said.out.splitlines()]
    inside.generate("papers", "--max-samples", "3").works()
    stored = [row["request"] for row in inside.requests()]
    (ids,) = (inside.home / "batch_jobs").glob("*/requests/*.ids")
    assert [each["id"] for each in shown] == decode_ids(ids.read_bytes(), where="x")
    assert [each["messages"] for each in shown] == [each["messages"] for each in stored]
    assert [each["model"] for each in shown] == [each["model"] for each in stored]
    assert [each["parameters"] for each in shown] == [
        each["parameters"] | {"enable_thinking": False} for each in stored
    ]
    for each in shown:
        again = Request(
            messages=tuple(Message(**message) for message in each["messages"]),
            model=each["model"],
            parameters=Parameters(**each["parameters"]),
            index=each["index"],
        )
        assert again.id == each["id"], "what is shown is all that is hashed"


def test_json_without_all_is_one_object(inside: Stage) -> None:
    shown = inside.call("show-prompt", "papers/b.md", "--json", "--language", "en").works().json
    inside.generate("papers/b.md", "--language", "en").works()
    assert shown["messages"] == inside.requests()[0]["request"]["messages"]


def test_all_numbers_the_requests(inside: Stage) -> None:
    said = inside.call("show-prompt", "papers/b.md", "papers/a.md", "--all").works()
    heads = [line for line in said.out.splitlines() if line.startswith("request     ")]
    assert [head.split(",")[0] for head in heads] == [f"request     {n}" for n in range(1, 5)]
    assert "能级劈裂随势垒高度呈指数衰减" in said.out


def test_no_key_and_no_backend_are_needed_and_a_wrong_one_does_not_matter(inside: Stage) -> None:
    wrong = {"QWEN_DATASET_BACKEND": "nobody:?x", "DASHSCOPE_API_KEY": "a b", "QWEN_DATASET_STORAGE": ""}
    assert inside.call("show-prompt", "papers/a.md", env=wrong).works().out.startswith("request     1 of 2, ")
    nothing_was_made(inside)


def test_many_requests_are_not_made_to_be_counted(inside: Stage) -> None:
    for count, told in ((100, "1 of 100"), (101, "1 of more than 100"), (150, "1 of more than 100")):
        dump = inside.dump(count)
        said = inside.call("show-prompt", dump, "--max-samples", "1").works()
        assert said.out.startswith(f"request     {told}, id "), said.out[:80]


def test_bad_input_is_a_sentence(inside: Stage) -> None:
    inside.write("refs.md", "# List\n\n## References\n\n- Somebody, 2020.\n")
    inside.call("show-prompt", "refs.md").fails(2, "nothing to ask about")
    inside.call("show-prompt", "nowhere.md").fails(2, "nowhere.md does not exist")
    inside.call("show-prompt", "papers", "--recipe", "prompts").fails(2, "takes prompts, not papers")
    inside.call("show-prompt", "papers", "--temperature", "2", "--max-samples", "0").fails(2, sentences=2)
    inside.call("show-prompt").fails(2, "papers")
