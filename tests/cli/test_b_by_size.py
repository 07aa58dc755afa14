"""Batch or realtime: by flag, by USE_BATCH, by size; contradictions are one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.library.stage import Stage


@pytest.fixture
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    return Stage(tmp_path, monkeypatch)


def way(inside: Stage, name: str) -> str:
    (found,) = (spec["way"] for job, spec in inside.specs().items() if job.startswith(name))
    return str(found)


def test_a_hundred_go_at_once_and_one_more_goes_as_a_batch(inside: Stage) -> None:
    for count, meant, other in ((100, "realtime", "batch"), (101, "batch", "realtime")):
        dump = inside.dump(count, f"d{count}.jsonl")
        said = inside.generate(dump, "--max-samples", "1", "--job-name", f"n{count}", output=f"{count}.jsonl").works()
        assert way(inside, f"n{count}") == meant
        why = [line for line in said.err.splitlines() if meant in line.lower() and "100" in line]
        assert why, f"it says which way and why:\n{said.err}"
        assert f"--{other}" in said.err, "and how to have it the other way"
        assert len(inside.samples(f"{count}.jsonl")) == count


def test_flags_and_use_batch(inside: Stage) -> None:
    inside.papers()
    inside.dump(101)
    cases = [
        (("--batch",), "papers", {}, "batch"),
        (("--realtime",), "dump.jsonl", {}, "realtime"),
        ((), "papers", {"USE_BATCH": "true"}, "batch"),
        ((), "dump.jsonl", {"USE_BATCH": "false"}, "realtime"),
        (("--realtime",), "papers", {"USE_BATCH": "true"}, "realtime"),
        (("--batch",), "papers", {"USE_BATCH": "0"}, "batch"),
        ((), "papers", {"USE_BATCH": ""}, "realtime"),
    ]
    for number, (flags, papers, env, meant) in enumerate(cases):
        args = (papers, "--max-samples", "1", "--job-name", f"case{number}x", *flags)
        inside.generate(*args, output=f"{number}.jsonl", env=env).works()
        assert way(inside, f"case{number}x") == meant, (flags, env)


def test_contradictions(inside: Stage) -> None:
    inside.papers()
    inside.generate("papers", "--batch", "--realtime").fails(2, "--batch", "--realtime")
    inside.generate("papers", env={"USE_BATCH": "perhaps"}).fails(2, "USE_BATCH", "perhaps")
    inside.generate("papers", "--realtime", backend="fake:?mode=batch").fails(2, "realtime", "batch")
    inside.generate("papers", "--batch", backend="fake:?mode=realtime").fails(2, "realtime", "batch")
    inside.generate("papers", backend="fake:?mode=batch", env={"USE_BATCH": "false"}).fails(2, "USE_BATCH", "batch")
    inside.nothing_was_made()


def test_an_exact_backend_asks_nobody_about_size(inside: Stage) -> None:
    inside.papers()
    inside.generate("papers", "--job-name", "exact", backend="fake:?mode=batch").works()
    assert way(inside, "exact") == "batch"


def test_the_answer_is_the_same_the_next_time(inside: Stage) -> None:
    """Which way is in the job's spec: a second run must come to the same job, and pay nothing."""
    dump = inside.dump(101)
    one = inside.generate(dump, "--max-samples", "1", "--json").works().json
    two = inside.generate(dump, "--max-samples", "1", "--json").works().json
    assert one["job"] == two["job"]
    assert inside.paid()["paid"] == 101


def test_it_says_where_it_goes_before_anything_leaves(inside: Stage) -> None:
    inside.papers()
    said = inside.generate("papers", "--no-wait", "--batch").works()
    assert "fake" in said.err
    assert "leaves" in said.err or "this machine" in said.err, said.err


def test_prompts_go_by_size_as_well(inside: Stage) -> None:
    for count, meant in ((100, "realtime"), (101, "batch")):
        inside.write("p.txt", "".join(f"Prompt {n} of {count}\n" for n in range(count)))
        inside.call(
            "batch", "create", "--input-file", "p.txt", "--job-name", f"p{count}x", "--backend", "fake", "--wait"
        )
        found = way(inside, f"p{count}x")
        assert found in {meant, "batch"}, "`batch` may always mean batch"
    assert inside.paid()["paid"] == 201
