"""An output that is already there: refused, replaced or merged; and paying again on purpose."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.library.stage import CHINESE, METHOD, THIRD, Stage


@pytest.fixture
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    return Stage(tmp_path, monkeypatch)


def test_another_jobs_output_is_refused_before_anything_is_bought(inside: Stage) -> None:
    inside.papers()
    inside.write("o.jsonl", "precious\n")
    inside.generate("papers").fails(2, "o.jsonl", "--force", "--merge")
    assert (inside.home / "o.jsonl").read_text() == "precious\n"
    assert inside.paid()["paid"] == 0
    inside.generate("papers", "--force").works()
    assert len(inside.samples()) == 4
    inside.generate("papers").works()
    assert inside.paid()["paid"] == 4


def test_force_and_merge_exclude_each_other(inside: Stage) -> None:
    inside.papers()
    inside.generate("papers", "--force", "--merge").fails(2, "--force", "--merge")
    inside.nothing_was_made()


def test_merge_keeps_every_old_line_and_adds_only_what_is_new(inside: Stage) -> None:
    inside.write("a.md", METHOD)
    inside.write("b.md", CHINESE)
    inside.write("c.md", THIRD)
    inside.generate("a.md", "b.md").works()
    old = (inside.home / "o.jsonl").read_bytes()
    said = inside.generate("b.md", "c.md", "--merge").works()
    new = (inside.home / "o.jsonl").read_bytes()
    assert new.startswith(old), "the old lines stand where they stood"
    added = [json.loads(line) for line in new[len(old) :].splitlines()]
    assert added, said.out
    assert {sample["metadata"]["paper"]["source"].split("/")[-1] for sample in added} == {"c.md"}
    inside.generate("b.md", "c.md", "--merge").works()
    assert (inside.home / "o.jsonl").read_bytes() == new, "twice is the same file"
    inside.generate("a.md", "b.md", "--merge").works()
    assert (inside.home / "o.jsonl").read_bytes() == new
    ids = [sample["metadata"]["sample_id"] for sample in inside.samples()]
    assert len(ids) == len(set(ids))
    assert inside.paid()["paid"] == len(ids)


@pytest.mark.parametrize("ending", [b"", b"\n\n", b"\r\n"])
def test_merge_into_a_file_that_somebody_edited(inside: Stage, ending: bytes) -> None:
    """No newline at the end must not glue two samples; other line ends are left as they are."""
    inside.write("a.md", METHOD)
    inside.write("c.md", THIRD)
    inside.generate("a.md").works()
    lines = (inside.home / "o.jsonl").read_bytes().splitlines()
    edited = (b"\r\n" if ending == b"\r\n" else b"\n").join(lines) + ending
    inside.write("o.jsonl", edited)
    inside.generate("c.md", "--merge").works()
    data = (inside.home / "o.jsonl").read_bytes()
    assert data.startswith(edited.removesuffix(b"\n\n"))  # whether an empty line is a line is free
    found = [json.loads(line) for line in data.splitlines() if line.strip()]
    assert len(found) > len(lines)
    assert [json.loads(line) for line in lines] == found[: len(lines)]


def test_merge_into_nothing_is_an_ordinary_run(inside: Stage) -> None:
    inside.papers()
    inside.generate("papers", "--merge").works()
    inside.generate("papers", output="p.jsonl").works()
    assert (inside.home / "o.jsonl").read_bytes() == (inside.home / "p.jsonl").read_bytes()


@pytest.mark.parametrize(
    "content",
    [b"precious\n", b'{"a": 1}\n', b"[1]\n", b'{"instruction": "half', b"\xff\xfe\x00", b'{"id":"1","output":"x"}\n'],
)
def test_merge_refuses_what_is_no_dataset(inside: Stage, content: bytes) -> None:
    inside.papers()
    inside.write("o.jsonl", content)
    inside.generate("papers", "--merge").fails(2, "o.jsonl")
    assert (inside.home / "o.jsonl").read_bytes() == content
    assert inside.paid()["paid"] == 0


def test_merge_keeps_a_strangers_samples(inside: Stage) -> None:
    """A line of another tool, with its fields in another order, is a sample as well."""
    inside.papers()
    mine = '{"output": "42",  "metadata": {}, "instruction": "What is six by seven?", "input": ""}\n'
    inside.write("o.jsonl", mine)
    inside.generate("papers", "--merge").works()
    assert (inside.home / "o.jsonl").read_text(encoding="utf-8").startswith(mine)
    assert len(inside.samples()) == 5


def test_a_merge_that_fails_leaves_the_old_file(inside: Stage) -> None:
    inside.write("a.md", METHOD)
    inside.write("c.md", THIRD)
    inside.generate("a.md").works()
    old = (inside.home / "o.jsonl").read_bytes()
    inside.generate("c.md", "--merge", backend="fake:?fail=1&fail_kinds=invalid_request").works(1)
    assert (inside.home / "o.jsonl").read_bytes() == old
    left = [name for name in inside.tree() if name.startswith(("o.jsonl", ".o.jsonl"))]
    assert left == ["o.jsonl"], left


def test_fresh_pays_once_more_and_only_once(inside: Stage) -> None:
    inside.papers()
    inside.generate("papers").works()
    inside.generate("papers", "--fresh", output="p.jsonl").fails(2, "fresh", "--job-name")
    assert inside.paid()["paid"] == 4
    for _ in range(2):
        inside.generate("papers", "--fresh", "--job-name", "again", output="p.jsonl").works()
        assert inside.paid()["paid"] == 8
    assert len(inside.samples("p.jsonl")) == 4
    inside.generate("papers", "--fresh", "--job-name", "third", output="q.jsonl").works()
    assert inside.paid()["paid"] == 12


def test_fresh_wants_a_name_of_its_own(inside: Stage) -> None:
    inside.papers()
    inside.generate("papers", "--job-name", "taken").works()
    inside.generate("papers", "--fresh", "--job-name", "taken", output="p.jsonl").fails(2, "taken")
    inside.generate("papers/a.md", "--fresh", "--job-name", "taken", output="p.jsonl").fails(2, "taken")
    assert inside.paid()["paid"] == 4
    assert not (inside.home / "p.jsonl").exists()


def test_a_fresh_job_is_reused_by_later_ones(inside: Stage) -> None:
    inside.papers()
    inside.generate("papers", "--fresh", "--job-name", "first").works()
    inside.generate("papers", "--job-name", "second", output="p.jsonl").works()
    assert inside.paid()["paid"] == 4
