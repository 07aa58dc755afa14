"""`batch`: prompts in, answers out, in the order they came."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from tests.library.stage import Said, Stage

GOOD = {"id", "output", "reasoning", "finish_reason", "usage"}


@pytest.fixture
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    monkeypatch.setenv("QWEN_DATASET_POLL", "0.2")
    stage = Stage(tmp_path, monkeypatch)
    monkeypatch.setenv("QWEN_DATASET_BACKEND", "fake")
    return stage


def create(inside: Stage, *args: str, **options: Any) -> Said:
    return inside.call("batch", "create", *args, **options)


def users(inside: Stage, job: str = "*") -> list[str]:
    return [row["request"]["messages"][-1]["content"] for row in inside.requests(job)]


def test_a_text_file_is_one_prompt_a_line(inside: Stage) -> None:
    text = "\ufeffWhat is a qubit?\r\n\r\n   \r\n什么是量子纠缠？\r\n  keeps # and { }  \r\nlast line without an end"
    inside.write("prompts.txt", text)
    create(inside, "--input-file", "prompts.txt", "--wait", "-o", "a.jsonl").works()
    sent = users(inside)
    assert [prompt.strip() for prompt in sent] == [
        "What is a qubit?",
        "什么是量子纠缠？",
        "keeps # and { }",
        "last line without an end",
    ]
    lines = inside.samples("a.jsonl")
    assert len(lines) == 4
    for line in lines:
        assert GOOD <= set(line) <= GOOD | {"request_id"}, line
        assert isinstance(line["output"], str)
        assert line["output"]
        assert line["finish_reason"] == "stop"
        assert line["usage"]["prompt_tokens"] > 0
    assert len({line["id"] for line in lines}) == 4
    assert inside.paid()["paid"] == 4


def test_prompts_on_the_command_line(inside: Stage) -> None:
    said = create(inside, "--prompt", "one", "--prompt", "二", "--prompt", "one", "--job-name", "my_batch", "--wait")
    said.works()
    assert users(inside, "my_batch*") == ["one", "二", "one"]
    assert inside.paid() == inside.paid() | {"paid": 3, "paid_twice": 0}
    create(inside).fails(2, "--input-file", "--prompt")
    create(inside, "--prompt", "").works(2)
    create(inside, "--prompt", "x", "--input-file", "nowhere.txt").works(2)
    assert inside.paid()["paid"] == 3


def test_a_jsonl_file_with_everything(inside: Stage) -> None:
    talk = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello."},
        {"role": "user", "content": "And now? " * 60},
    ]
    rows = [
        {"prompt": "zero", "id": "z"},
        {"prompt": "with a system " * 20, "system": "You are a physicist.", "id": "with system"},
        {"messages": talk, "id": "talk/3"},
        {"prompt": "no id " * 40},
        {"id": "中文", "prompt": "八"},
    ]
    text = "\n\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    inside.write("prompts.jsonl", "\ufeff" + text + "\r\n")
    out = ("--wait", "-o", "a.jsonl", "--backend", "fake:?mode=batch&shuffle=yes")
    create(inside, "--input-file", "prompts.jsonl", *out).works()
    stored = [row["request"]["messages"] for row in inside.requests()]
    assert stored[2] == talk
    assert stored[1] == [
        {"role": "system", "content": "You are a physicist."},
        {"role": "user", "content": "with a system " * 20},
    ]
    lines = inside.samples("a.jsonl")
    ids = [line["id"] for line in lines]
    assert [ids[0], ids[1], ids[2], ids[4]] == ["z", "with system", "talk/3", "中文"]
    assert ids[3]
    assert len(set(ids)) == 5
    tokens = [line["usage"]["prompt_tokens"] for line in lines]
    assert max(tokens[0], tokens[4]) < min(tokens[1], tokens[2], tokens[3])


WRONG = [
    '{"prompt": "fine"}',
    "not json",
    "[1, 2]",
    "{}",
    '{"prompt": 5}',
    '{"prompt": "a", "messages": [{"role": "user", "content": "b"}]}',
    '{"prompt": ""}',
    '{"messages": []}',
    '{"messages": [{"role": "robot", "content": "x"}]}',
    '{"prompt": "x", "id": "twin"}',
    '{"prompt": "y", "id": "twin"}',
]


def test_every_wrong_line_is_named_at_once(inside: Stage) -> None:
    inside.write("prompts.jsonl", "\n".join(WRONG) + "\n")
    said = create(inside, "--input-file", "prompts.jsonl", "--wait", "-o", "a.jsonl").works(2)
    assert said.problems, said.err
    named = {int(number) for number in re.findall(r"prompts\.jsonl\W+line (\d+)", said.err)}
    assert named - {10} == {2, 3, 4, 5, 6, 7, 8, 9, 11}, said.err
    assert "twin" in said.err
    assert not (inside.home / "a.jsonl").exists()
    assert inside.paid()["paid"] == 0


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("empty.txt", b""),
        ("empty.jsonl", b"\n\n"),
        ("blank.txt", b" \r\n\t\n"),
        ("bytes.txt", b"fine\n\xff\xfe\n"),
        ("bytes.jsonl", b'{"prompt": "\xff"}\n'),
        ("half.jsonl", b'{"prompt": "\\ud800"}\n'),
        ("deep.jsonl", b'{"prompt":' + b"[" * 100_000),
        ("huge.jsonl", b'{"prompt": ' + b"9" * 5_000 + b"}"),
        ("prompts.docx", b"PK\x03\x04"),
        ("missing.txt", None),
    ],
)
def test_a_file_that_is_no_list_of_prompts(inside: Stage, name: str, data: bytes | None) -> None:
    if data is not None:
        inside.write(name, data)
    create(inside, "--input-file", name, "--wait", "-o", "a.jsonl").fails(2, name)
    assert inside.paid()["paid"] == 0
    assert not (inside.home / "a.jsonl").exists()


def test_failures_are_answers_with_an_error(inside: Stage) -> None:
    inside.write("p.txt", "".join(f"Prompt {n} {'x ' * n}\n" for n in range(30)))
    faulty = "fake:?mode=batch&fail=0.4&seed=3&fail_kinds=invalid_request&shuffle=yes"
    create(inside, "--input-file", "p.txt", "--wait", "-o", "a.jsonl", "--backend", faulty).works(1)
    lines = inside.samples("a.jsonl")
    assert len(lines) == 30
    bad = [line for line in lines if "error" in line]
    assert 0 < len(bad) < 30
    for line in bad:
        assert {"id", "error"} <= set(line) <= {"id", "error", "request_id"}, line
        assert set(line["error"]) == {"kind", "message", "retryable"}
        assert line["error"]["kind"] == "invalid_request"
        assert line["error"]["retryable"] is False
    tokens = [line["usage"]["prompt_tokens"] for line in lines if "error" not in line]
    assert tokens == sorted(tokens)


def test_status_sees_the_end_and_download_brings_the_answers(inside: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QWEN_DATASET_BACKEND", "fake:?mode=batch&clock=real&duration=1.5")
    said = create(inside, "--prompt", "one", "--prompt", "two", "--job-name", "my_batch", "-o", "a.jsonl").works()
    assert "my_batch" in said.out + said.err
    assert not (inside.home / "a.jsonl").exists()
    early = inside.call("batch", "status", "my_batch")
    assert early.code in {0, 3}, early
    assert "completed" not in early.out.split()
    assert inside.call("batch", "status", "my_batch", "--download").works(3).code == 3, "nothing to download yet"
    assert not (inside.home / "a.jsonl").exists() or not (inside.home / "a.jsonl").read_bytes()
    end = time.monotonic() + 15
    while time.monotonic() < end and "completed" not in inside.call("batch", "status", "my_batch").works().out:
        time.sleep(0.3)
    assert "completed" in inside.call("batch", "status", "my_batch").works().out
    inside.call("batch", "status", "my_batch", "--download").works()
    assert len(inside.samples("a.jsonl")) == 2
    before = (inside.home / "a.jsonl").read_bytes()
    inside.call("batch", "status", "my_batch", "--download").works()
    assert (inside.home / "a.jsonl").read_bytes() == before
    assert inside.paid()["paid"] == 2


def test_the_same_batch_again_pays_nothing(inside: Stage) -> None:
    for _ in range(2):
        create(inside, "--prompt", "one", "--job-name", "my_batch", "--wait", "-o", "a.jsonl").works()
    assert inside.paid()["paid"] == 1
    create(inside, "--prompt", "other", "--job-name", "my_batch", "--wait", "-o", "a.jsonl").fails(2, "a.jsonl")
    assert len(inside.samples("a.jsonl")) == 1
    assert inside.paid()["paid"] == 1


def test_list_shows_the_newest_first_and_counts(inside: Stage) -> None:
    inside.call("batch", "list").works()
    for name in ("alpha", "beta", "gamma"):
        create(inside, "--prompt", name, "--job-name", name, "--wait").works()
    text = inside.call("batch", "list").works().out
    assert all(name in text for name in ("alpha", "beta", "gamma"))
    assert text.index("gamma") < text.index("beta") < text.index("alpha")
    short = inside.call("batch", "list", "--limit", "1").works().out
    assert "gamma" in short
    assert "alpha" not in short
    assert "beta" not in short
    for limit in ("0", "-1", "many"):
        inside.call("batch", "list", "--limit", limit).fails(2, "limit")
    assert inside.call("batch", "list", "--limit", "999999999").works().out == text


def test_cancel_then_status_then_resume(inside: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QWEN_DATASET_BACKEND", "fake:?mode=batch&clock=real&duration=4")
    create(inside, "--prompt", "one", "--prompt", "two", "--job-name", "my_batch", "-o", "a.jsonl").works()
    inside.call("batch", "cancel", "my_batch").works()
    inside.call("batch", "cancel", "my_batch").works()
    text = inside.call("batch", "status", "my_batch").out
    assert "cancel" in text, text
    assert "in_progress" not in text
    monkeypatch.setenv("QWEN_DATASET_BACKEND", "fake:?mode=batch")
    inside.call("resume", "my_batch", "-o", "a.jsonl").works()
    assert len(inside.samples("a.jsonl")) == 2
    assert inside.paid()["paid_twice"] == 0


def test_jobs_that_are_not_there(inside: Stage) -> None:
    for verb in ("status", "cancel"):
        inside.call("batch", verb, "ghost").works(2)
    create(inside, "--prompt", "one", "--job-name", "my_batch", "--wait").works()
    for verb in ("status", "cancel"):
        inside.call("batch", verb, "ghost").fails(2, "ghost")


def test_batch_settings_are_checked_before_anything_is_bought(inside: Stage) -> None:
    args = ("--prompt", "x", "--completion-window", "23h", "--temperature", "2", "--job-name", "a/b")
    create(inside, *args).fails(2, "--completion-window", "--temperature", "--job-name", sentences=3)
    create(inside, "--prompt", "x", "--wait", "-o", "missing/a.jsonl").fails(2, "missing")
    inside.write("mine", "precious")
    create(inside, "--prompt", "x", "--wait", "-o", "mine").fails(2, "mine")
    assert (inside.home / "mine").read_text() == "precious"
    assert inside.paid()["paid"] == 0


def test_looking_again_and_again_sees_the_fakes_batch_end(inside: Stage) -> None:
    """The fake as everybody names it, with no parameter: the tour of the README must come to its end."""
    create(inside, "--prompt", "one", "--prompt", "two", "--job-name", "my_batch", "-o", "a.jsonl").works()
    looks = [inside.call("batch", "status", "my_batch").works().out for _ in range(10)]
    assert "completed" in looks[-1], looks[-1]
    inside.call("batch", "status", "my_batch", "--download").works()
    assert len(inside.samples("a.jsonl")) == 2
    assert inside.paid()["paid"] == 2


def test_download_is_all_that_is_needed_after_the_end(inside: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody looked before: the first call after the batch has ended brings the answers, or says what is missing."""
    monkeypatch.setenv("QWEN_DATASET_BACKEND", "fake:?mode=batch&clock=real&duration=0.5")
    create(inside, "--prompt", "one", "--prompt", "two", "--job-name", "my_batch", "-o", "a.jsonl").works()
    time.sleep(1)
    inside.call("batch", "status", "my_batch", "--download").works()
    assert len(inside.samples("a.jsonl")) == 2


def test_a_download_that_sees_every_answer_writes_them(inside: Stage) -> None:
    """At the look in which the batch ends: either it has not ended yet, or the answers are written."""
    create(inside, "--prompt", "one", "--prompt", "two", "--job-name", "my_batch", "-o", "a.jsonl").works()
    for _ in range(10):
        said = inside.call("batch", "status", "my_batch", "--download")
        if said.code == 0:
            break
        said.works(3)
        assert "0 not yet answered" not in said.out, said
    assert len(inside.samples("a.jsonl")) == 2
