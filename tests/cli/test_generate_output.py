"""What a finished run leaves: grounded lines in order, equal bytes, sums that hold."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

KINDS = {
    "concept",
    "method steps",
    "algorithm",
    "derivation",
    "implementation",
    "analysis",
    "comparison",
    "application",
}
FIELDS: dict[str, type] = {
    "sample_id": str,
    "paper": dict,
    "section": str,
    "passage": dict,
    "evidence": list,
    "kind": str,
    "language": str,
    "model": str,
    "backend": str,
    "recipe": str,
    "prompt_version": str,
    "request_id": str,
    "usage": dict,
}


def _texts(cli: Any, *paths: str) -> dict[str, dict[str, Any]]:
    said = cli.run("papers", *paths, "--text", "--json")
    *papers, totals = [json.loads(line) for line in said.out.splitlines()]
    assert totals.keys() == {"totals"}
    return {paper["id"]: paper for paper in papers}


def _keys(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value) | {key for inner in value.values() for key in _keys(inner)}
    return {key for inner in value for key in _keys(inner)} if isinstance(value, list) else set()


def _typed(sample: dict[str, Any]) -> None:
    assert set(sample) == {"instruction", "input", "output", "metadata"}
    assert all(isinstance(sample[key], str) for key in ("instruction", "input", "output"))
    assert sample["instruction"].strip()
    assert sample["output"].strip()
    about = sample["metadata"]
    assert not set(FIELDS) - set(about)
    assert all(isinstance(about[key], kind) for key, kind in FIELDS.items())
    assert all(isinstance(about["paper"][key], str) for key in ("id", "title", "source"))
    assert all(type(about["passage"][key]) is int for key in ("start", "end"))
    for evidence in about["evidence"]:
        assert set(evidence) == {"quote", "start", "end"}
        assert isinstance(evidence["quote"], str)
        assert type(evidence["start"]) is int
        assert type(evidence["end"]) is int
    assert re.sub(r"[_-]", " ", about["kind"]) in KINDS | {"method"}
    assert about["language"] in {"zh", "en"}
    assert all(type(count) is int for count in about["usage"].values())
    dated = [key for key in _keys(sample) if re.search(r"time|date|created|_at$", key)]
    assert not dated, f"time stamps: {dated}"


def _ordered(samples: list[dict[str, Any]], papers: dict[str, dict[str, Any]], limit: int) -> None:
    order = {paper: place for place, paper in enumerate(papers)}
    places = [(order[s["metadata"]["paper"]["id"]], s["metadata"]["passage"]["start"]) for s in samples]
    assert places == sorted(places)
    per_paper = [place[0] for place in places]
    assert max(per_paper.count(place) for place in per_paper) <= limit


def _checked(cli: Any, check: Any, folder: str, code: int = 0, limit: int = 4) -> dict[str, Any]:
    said = cli.generate(folder).works(code)
    requests, candidates = check.printed(said.out)
    assert requests[0] == sum(requests[1:])
    assert candidates[0] == sum(candidates[1:])
    assert requests[3] == 0
    samples = cli.samples()
    assert len(samples) == candidates[1] > 0
    papers = _texts(cli, folder)
    check.grounded(samples, {paper: facts["text"] for paper, facts in papers.items()})
    for sample in samples:
        _typed(sample)
        own = papers[sample["metadata"]["paper"]["id"]]
        assert sample["metadata"]["paper"]["title"] == own["title"]
        assert sample["metadata"]["paper"]["source"] == own["source"]
        assert sample["metadata"]["language"] == own["language"]
    _ordered(samples, papers, limit)
    for key in ("sample_id", "request_id"):
        assert len({s["metadata"][key] for s in samples}) == len(samples)
    return papers


def test_two_small_papers_give_grounded_typed_ordered_samples(cli: Any, check: Any) -> None:
    _checked(cli, check, cli.papers())


def test_the_shared_papers_keep_every_promise(cli: Any, check: Any, shared: Path) -> None:
    _checked(cli, check, str(shared / "markdown"))


@pytest.mark.long
@pytest.mark.parametrize("kind", ["text", "markdown"])
def test_every_shared_kind_of_paper_keeps_every_promise(cli: Any, check: Any, shared: Path, kind: str) -> None:
    if not (shared / kind).is_dir():
        pytest.skip(f"no {kind} papers")
    unread = cli.run("papers", str(shared / kind)).code
    _checked(cli, check, str(shared / kind), code=unread)


@pytest.mark.long
def test_the_examples_keep_every_promise(cli: Any, check: Any) -> None:
    _checked(cli, check, str(Path(__file__).resolve().parents[2] / "examples" / "papers"))


@pytest.mark.long
def test_the_text_of_one_paper_is_printed_exactly_as_offsets_count(cli: Any, check: Any) -> None:
    folder = cli.papers()
    cli.generate(folder).works()
    for name in ("a.md", "b.md"):
        text = cli.run("papers", f"{folder}/{name}", "--text").works().out
        own = [s for s in cli.samples() if s["metadata"]["paper"]["source"].endswith(name)]
        assert own
        check.grounded(own, {own[0]["metadata"]["paper"]["id"]: text})


def test_two_runs_in_two_folders_give_identical_bytes(cli: Any, tmp_path: Path) -> None:
    folder = cli.papers()
    cli.generate(folder, "--storage", "file:one", output="one.jsonl").works()
    (cli.home / ".qwen-dataset-fake.jsonl").unlink()
    cli.generate(folder, "--storage", "file:two", output="two.jsonl", env={"PYTHONHASHSEED": "7"}).works()
    cli.generate(folder, "--storage", "file:two", output="three.jsonl").works()
    one, two, three = ((cli.home / f"{name}.jsonl").read_bytes() for name in ("one", "two", "three"))
    assert one == two == three
    assert one.endswith(b"\n")


@pytest.mark.long
def test_shuffled_late_and_duplicated_results_give_the_same_bytes(cli: Any) -> None:
    folder = cli.papers()
    cli.generate(folder, output="calm.jsonl").works()
    (cli.home / ".qwen-dataset-fake.jsonl").unlink()
    wild = "fake:?shuffle=1&duplicate=0.5&stray=0.5&delay=0.5"
    cli.generate(folder, "--storage", "file:wild", output="wild.jsonl", backend=wild).works()
    assert (cli.home / "calm.jsonl").read_bytes() == (cli.home / "wild.jsonl").read_bytes()


@pytest.mark.long
def test_realtime_and_batch_ask_for_the_same_samples(cli: Any) -> None:
    folder = cli.papers()
    cli.generate(folder, output="batch.jsonl").works()
    cli.generate(folder, "--storage", "file:rt", output="rt.jsonl", backend="fake:?mode=realtime").works()
    assert (cli.home / "batch.jsonl").read_bytes() == (cli.home / "rt.jsonl").read_bytes()


@pytest.mark.long
def test_max_samples_limits_and_the_same_limit_is_the_same_job(cli: Any) -> None:
    folder = cli.papers()
    report = cli.generate(folder, "--max-samples", "1", "--json").works().json
    assert report["samples"] == report["requests"] == 2
    again = cli.generate(folder, "--max-samples", "1", "--json").works().json
    assert again["job"] == report["job"]
    assert cli.paid()["paid"] == 2


def test_adding_one_paper_costs_one_paper(cli: Any) -> None:
    folder = cli.papers()
    first = cli.generate(folder, "--json").works().json
    cli.write("papers/0-new.md", "# Gap\n\nThe spin chain has a gap. The gap closes at the critical coupling.\n")
    second = cli.generate(folder, "--json", output="second.jsonl").works().json
    assert second["job"] != first["job"]
    assert second["reused"] == first["requests"]
    assert cli.paid() == {"jobs": 2, "paid": second["requests"], "paid_twice": 0, "ids_paid_twice": []}


def test_lies_become_rejects_with_reasons_and_never_samples(cli: Any, check: Any) -> None:
    folder = cli.papers()
    report = cli.generate(folder, "--json", backend="fake:?lie=1").works().json
    check.sums(report)
    assert report["rejects"] > 0
    assert sum(report["rejects_by_reason"].values()) == report["rejects"]
    check.grounded(cli.samples(), {i: p["text"] for i, p in _texts(cli, folder).items()})
    lines = [json.loads(line) for line in cli.run("rejects", "--json").works().out.splitlines()]
    assert len(lines) == report["rejects"]
    assert all(line["reason"] and line["paid"] for line in lines)
    assert "reject" in cli.run("rejects").works().out


def test_failed_requests_are_told_apart_and_end_with_one(cli: Any, check: Any) -> None:
    said = cli.generate(cli.papers(), backend="fake:?fail=1").works(1)
    requests, candidates = check.printed(said.out)
    assert requests[0] == requests[2] > 0
    assert candidates == [0, 0, 0]
    shown = cli.run("rejects").works().out
    assert "failed" in shown
    assert f"0 rejects, {requests[0]} failed requests" in shown
    # the service is well again: the failed ones are asked once more, the rest is not
    assert cli.run("resume", "--backend", "fake", "--json").works().json["completions"] == requests[0]
    assert cli.paid()["paid_twice"] == 0


def test_progress_is_true(cli: Any) -> None:
    """Issue A: true progress (requests done / failed / total, samples, elapsed, ETA)."""
    said = cli.generate(cli.papers(), backend="fake:?fail=0.5&seed=3")
    counts = re.findall(r"(\d+) done, (\d+) failed, (\d+) in all", said.err)
    assert counts
    beyond = [tuple(map(int, count)) for count in counts if int(count[0]) + int(count[1]) > int(count[2])]
    assert not beyond, f"more done and failed than there are:\n{said.err}"


@pytest.mark.long
def test_progress_names_the_samples(cli: Any) -> None:
    said = cli.generate(cli.papers()).works()
    assert re.search(r"\d+ samples?", said.err), said.err
