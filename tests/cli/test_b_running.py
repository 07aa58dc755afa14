"""Folders of papers, waiting or not, lost replies, many calls at once."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.library.stage import Stage


@pytest.fixture
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    return Stage(tmp_path, monkeypatch)


def test_the_folder_of_papers_and_the_output_have_defaults(inside: Stage) -> None:
    inside.papers("data")
    inside.call("generate", "--backend", "fake").works()
    assert len(inside.samples("quantum_instruction_dataset.jsonl")) == 4


def test_data_dir_from_everywhere(inside: Stage) -> None:
    inside.papers("my papers")
    inside.generate("--data-dir", "my papers").works()
    inside.generate(output="env.jsonl", env={"DATA_DIR": "my papers"}).works()
    inside.write("qwen-dataset.toml", 'data_dir = "my papers"\n')
    inside.generate(output="toml.jsonl").works()
    assert len({(inside.home / name).read_bytes() for name in ("o.jsonl", "env.jsonl", "toml.jsonl")}) == 1
    assert inside.paid()["paid"] == 4


def test_both_papers_and_a_folder(inside: Stage) -> None:
    inside.papers()
    inside.generate("papers", "--data-dir", "papers").fails(2, "--data-dir")
    inside.nothing_was_made()
    inside.generate("papers", env={"DATA_DIR": "elsewhere"}).works()  # named papers win over a default of theirs


def test_a_folder_that_is_missing_empty_or_a_file(inside: Stage) -> None:
    inside.papers()
    (inside.home / "empty").mkdir()
    inside.call("generate", "--backend", "fake").fails(2, "data")
    inside.generate("--data-dir", "nowhere").fails(2, "nowhere")
    inside.generate("--data-dir", "empty").fails(2, "empty")
    inside.generate(env={"DATA_DIR": "nowhere"}).fails(2, "nowhere", "DATA_DIR")
    inside.nothing_was_made()


def test_submit_and_collect_later(inside: Stage) -> None:
    inside.papers()
    said = inside.generate("papers", "--no-wait", "--batch", "--completion-window", "14d").works()
    assert not (inside.home / "o.jsonl").exists()
    assert "resume" in said.out
    inside.call("resume", "--backend", "fake").works()
    assert len(inside.samples()) == 4
    assert inside.paid() == inside.paid() | {"paid": 4, "paid_twice": 0}


def test_the_window_is_no_part_of_the_job(inside: Stage) -> None:
    inside.papers()
    jobs = {
        inside.generate("papers", "--batch", "--json", *more).works().json["job"]
        for more in ((), ("--completion-window", "14d"), ("--poll", "1"), ("--concurrency", "3"))
    }
    assert len(jobs) == 1


def test_a_batch_of_ten_days_is_waited_for(inside: Stage) -> None:
    inside.papers()
    ten_days = "fake:?mode=batch&duration=864000"
    inside.generate("papers", "--completion-window", "14d", backend=ten_days).works()
    assert len(inside.samples()) == 4


def test_replies_that_were_lost(inside: Stage) -> None:
    """never: not sent again; auto: a realtime call once more; always: until it is answered or the rounds end."""
    dump = inside.dump(30)
    paid, reports = {}, {}
    for mode in ("realtime", "batch"):
        for policy in ("never", "auto", "always"):
            fault = "lose_reply" if mode == "realtime" else "missing"  # how each way loses an answer
            backend = f"fake:{mode}-{policy}.ledger?mode={mode}&{fault}=0.4&seed=1"
            args = (
                dump,
                "--max-samples",
                "1",
                "--retry-unknown",
                policy,
                "--storage",
                f"file:{mode}-{policy}",
                "--json",
            )
            said = inside.generate(*args, backend=backend, output=f"{mode}-{policy}.jsonl")
            assert said.code in {0, 1}, said.err
            reports[mode, policy] = said.json
            paid[mode, policy] = inside.paid(f"{mode}-{policy}.ledger")["paid"]
    for mode in ("realtime", "batch"):
        never = reports[mode, "never"]
        assert never["failures"] > 0, never
        assert never["possibly_paid"] == never["failures"]
        assert paid[mode, "never"] == 30
        assert paid[mode, "always"] > 30
        assert reports[mode, "always"]["failures"] < never["failures"]
    assert paid["realtime", "auto"] > 30
    assert reports["realtime", "auto"]["failures"] < reports["realtime", "never"]["failures"]
    assert paid["batch", "auto"] == 30, "a batch line is never bought again without `always`"
    inside.generate(dump, "--retry-unknown", "sometimes").fails(2, "retry-unknown", "sometimes", "never")


def test_calls_at_once(inside: Stage) -> None:
    """Twelve calls of 0.15 s: one after another they take 1.8 s."""
    dump = inside.dump(12)
    seconds = {}
    for calls in ("1", "12"):
        backend = f"fake:{calls}.ledger?mode=realtime&clock=real&latency=0.15"
        began = time.monotonic()
        args = ("--max-samples", "1", "--concurrency", calls, "--storage", f"file:jobs{calls}")
        inside.generate(dump, *args, backend=backend, output=f"{calls}.jsonl").works()
        seconds[calls] = time.monotonic() - began
    assert seconds["1"] >= 1.8
    assert seconds["1"] - seconds["12"] > 0.9, seconds
    for wrong in ("0", "-1", "many", "1.5"):
        inside.generate(dump, "--concurrency", wrong).fails(2, "concurrency", wrong)


def test_strict_and_yes_are_understood(inside: Stage) -> None:
    inside.papers()
    inside.write("papers/bad.md", b"\xff\xfe")
    inside.generate("papers", "--strict").fails(2, "bad.md")
    assert inside.paid()["paid"] == 0
    inside.generate("papers", "--yes").works(1)
    assert len(inside.samples()) == 4


def test_memory_storage_by_config_alone(inside: Stage) -> None:
    inside.papers()
    inside.write("qwen-dataset.toml", 'storage = "memory:"\nbackend = "fake:memory?seed=3"\noutput = "m.jsonl"\n')
    inside.call("generate", "papers").works()
    assert len(inside.samples("m.jsonl")) == 4
    assert sorted(inside.tree()) == ["m.jsonl", "papers/a.md", "papers/b.md", "qwen-dataset.toml"]


def test_no_wait_in_memory_would_lose_what_was_paid(inside: Stage) -> None:
    inside.papers()
    inside.generate("papers", "--batch", "--no-wait", "--storage", "memory:").works(2)
    assert inside.paid()["paid"] == 0
