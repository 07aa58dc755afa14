"""Every fault of the fake, alone and all together: the run ends, the sums hold, and each loss has its reason."""

from __future__ import annotations

import asyncio
import random
import re
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from commands import Desk
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stored import check_grounded, papers_below, records
from world import World, write_papers

from qwen_dataset.adapters.inference.fake.dice import Dice
from qwen_dataset.adapters.inference.fake.lies import repeated
from qwen_dataset.adapters.inference.fake.settings import FakeSettings, Lie
from qwen_dataset.app.api.client import Report
from qwen_dataset.app.dataset.curator import FailedRequest
from qwen_dataset.domain.inference import Completion, FailureKind
from qwen_dataset.domain.samples import Reject, RejectReason
from qwen_dataset.errors import JobUnfinished

MODES = ["batch", "realtime"]
FINAL_KINDS = (FailureKind.CONTENT_FILTER, FailureKind.INVALID_REQUEST)
# What may come of it besides completions and samples, by the words that `rejects` prints.
TRANSIENT = {"rate_limited", "server_error"}
ALONE: dict[str, tuple[dict[str, Any], set[str]]] = {
    "failing": ({"fail": 0.6}, TRANSIENT),
    "failing always": ({"fail": 1.0}, TRANSIENT),
    "failing for good": ({"fail": 0.5, "fail_kinds": FINAL_KINDS}, {str(kind) for kind in FINAL_KINDS}),
    "slow": ({"delay": 0.7}, set()),
    "losing lines": ({"missing": 0.5}, {"unknown"}),
    "losing replies": ({"lose_reply": 0.6}, {"unknown"}),
    "repeating": ({"duplicate": 1.0}, set()),
    "sending strangers": ({"stray": 1.0}, set()),
    "in order": ({"shuffle": False}, set()),
    "refusing": ({"reject": 0.5}, {"rejected"}),
    "refusing always": ({"reject": 1.0}, {"rejected"}),
    "hard to reach": ({"unavailable": 0.5}, set()),
    "losing the submission's reply": ({"lose_submit": 1.0}, set()),
    "visible late": ({"late": 1.0}, set()),
    "expiring": ({"expire": 1.0}, {"expired"}),
    "cutting": ({"truncate": 0.5}, {"truncated"}),
    "breaking": ({"broken_json": 0.5}, {"broken_json"}),
    "fencing": ({"fence": 1.0}, set()),
    "chatting": ({"prose": 1.0}, set()),
    "silent": ({"empty": 0.5}, {"empty_answer"}),
    "lying": ({"lie": 0.5}, {"evidence_not_found", "evidence_ambiguous", "evidence_misplaced"}),
}
ALL_AT_ONCE: dict[str, Any] = {
    **dict.fromkeys(("fail", "missing", "lose_reply", "reject", "expire", "lose_submit"), 0.15),
    **dict.fromkeys(("delay", "duplicate", "stray", "unavailable", "late", "fence", "prose"), 0.3),
    **dict.fromkeys(("truncate", "broken_json", "empty", "lie"), 0.15),
    "fail_kinds": (*FINAL_KINDS, FailureKind.RATE_LIMITED, FailureKind.TIMEOUT),
}


async def rejects_of(world: World, job: str) -> list[Reject | FailedRequest]:
    return [entry async for entry in world.program().client().rejects(job)]


def check_report(world: World, report: Report) -> list[Reject | FailedRequest]:
    """Check the sums, the samples and the rejects of a finished job; return the latter."""
    sums = report.sums
    assert sums is not None
    stored = world.stored(report.job_id)
    stored.check(sums)
    samples = records(world.output)
    assert len(samples) == sums.samples
    check_grounded(samples, papers_below([world.papers]), stored.planned)
    lost = asyncio.run(rejects_of(world, report.job_id))
    failed = {entry.failure.request_id for entry in lost if isinstance(entry, FailedRequest)}
    turned_down = [entry for entry in lost if isinstance(entry, Reject)]
    assert (len(failed), len(turned_down)) == (sums.failures, sums.rejects)
    assert not failed & {entry.request_id for entry in turned_down}
    assert Counter(entry.failure.kind for entry in lost if isinstance(entry, FailedRequest)) == sums.failures_by_kind
    assert Counter(entry.reason for entry in turned_down) == sums.rejects_by_reason
    assert all(entry.failure.message for entry in lost if isinstance(entry, FailedRequest))
    assert all(entry.detail and entry.paid and entry.paper for entry in turned_down)
    # Nothing vanishes: each request ends as a sample, a reject or a failure.
    given_ids = [sample["metadata"]["request_id"] for sample in samples]
    assert {*given_ids, *failed, *(entry.request_id for entry in turned_down)} == set(stored.planned)
    return lost


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", ALONE)
def test_one_fault_alone(world: World, mode: str, name: str) -> None:
    faults, reasons = ALONE[name]
    write_papers(world.papers, ["alpha", "beta", "gamma"])
    report = world.program(FakeSettings(mode=mode, seed=1, **faults), requests=3).generate()
    lost = check_report(world, report)
    seen = {str(entry.failure.kind if isinstance(entry, FailedRequest) else entry.reason) for entry in lost}
    if mode == "batch":
        assert world.paid_twice() == 0
    assert seen <= reasons
    # A fault may be healed by the next round, or may belong to the other mode.
    healed = name in ("failing", "refusing", "expiring", "losing replies")
    elsewhere = name in {"batch": ["losing replies"], "realtime": ["losing lines", "expiring"]}[mode]
    assert seen or healed or elsewhere or not reasons


def run_with_everything(world: World, mode: str, seed: int) -> None:
    report = None
    for _ in range(20):
        try:
            report = world.program(FakeSettings(mode=mode, seed=seed, **ALL_AT_ONCE), requests=5).generate()
            break
        except JobUnfinished:  # out of patience, as one may be; the next run goes on
            continue
    assert report is not None
    check_report(world, report)
    if mode == "batch":
        assert world.paid_twice() == 0


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("seed", range(6))
def test_all_faults_at_once(world: World, mode: str, seed: int) -> None:
    write_papers(world.papers, ["alpha", "beta", "gamma", "delta"])
    run_with_everything(world, mode, seed)


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("mode", MODES)
def test_all_faults_at_once_with_many_seeds(world: World, mode: str) -> None:
    write_papers(world.papers, [f"paper-{number}" for number in range(10)], sections=4)
    for seed in range(100, 400):
        world.renew()
        try:
            run_with_everything(world, mode, seed)
        except BaseException as error:
            error.add_note(f"seed {seed}")
            raise


@pytest.mark.parametrize("mode", MODES)
def test_a_service_that_never_answers_ends_the_run_and_a_later_one_goes_on(world: World, mode: str) -> None:
    write_papers(world.papers, ["alpha"])
    with pytest.raises(JobUnfinished, match="could not be reached 11 times in a row.*everything is kept"):
        world.program(FakeSettings(mode=mode, unavailable=1.0)).generate()
    assert world.service.paid().total() == 0
    check_report(world, world.program(FakeSettings(mode=mode)).generate())
    assert world.paid_twice() == 0


LIES = {
    Lie.INVENTED: RejectReason.EVIDENCE_NOT_FOUND,
    Lie.ALTERED: RejectReason.EVIDENCE_NOT_FOUND,
    Lie.PASSAGE: RejectReason.EVIDENCE_NOT_FOUND,
    Lie.PAPER: RejectReason.EVIDENCE_NOT_FOUND,
    Lie.TWICE: RejectReason.EVIDENCE_AMBIGUOUS,
    Lie.OFFSETS: RejectReason.EVIDENCE_MISPLACED,
}


@pytest.mark.parametrize("kind", Lie)
def test_every_lie_is_a_reject_with_its_reason(world: World, kind: Lie) -> None:
    papers = papers_below([write_papers(world.papers, [f"paper-{number}" for number in range(8)])])
    report = world.program(FakeSettings(seed=3, lie=1.0, lies=(kind,))).generate()
    lost = check_report(world, report)
    stored = world.stored(report.job_id)
    assert records(world.output) == []
    assert len(lost) == len(stored.planned) == 8 * 3
    for entry in lost:
        origin = stored.planned[entry.request_id].origin
        passage = papers[str(origin.paper_id)].text[origin.start : origin.end]
        # Where nothing stands twice the fake invents a sentence instead, as it says.
        fallback = kind is Lie.TWICE and repeated(passage) is None
        assert isinstance(entry, Reject)
        assert entry.reason == (RejectReason.EVIDENCE_NOT_FOUND if fallback else LIES[kind])
        assert entry.excerpt, "a person must see what was claimed"


@pytest.mark.parametrize("mode", MODES)
def test_among_honest_answers_exactly_the_lies_are_turned_down(world: World, mode: str) -> None:
    write_papers(world.papers, [f"paper-{number}" for number in range(20)])
    fake = FakeSettings(mode=mode, seed=11, lie=0.4)
    report = world.program(fake).generate()
    lying = {ident for ident in world.stored(report.job_id).planned if Dice(11).hits(0.4, "lie", ident, 0)}
    assert 10 < len(lying) < 50
    assert {entry.request_id for entry in check_report(world, report)} == lying


_SHARED = [f"Every report of this series repeats remark {number} about the calibration." for number in range(6)]


def _paper(rng: random.Random, name: str) -> str:
    """Write a paper whose sentences are partly its own and partly those of the others, partly twice the same."""
    parts = [f"# Notes on {name}"]
    for section in range(rng.randint(1, 5)):
        own = [
            f"Run {section}-{number} of {name} gave {rng.randint(100, 999)} counts."
            for number in range(rng.randint(4, 9))
        ]
        sentences = own + rng.choices(_SHARED, k=rng.randint(0, 4)) + rng.choices(own, k=rng.randint(0, 2))
        rng.shuffle(sentences)
        parts += [f"## Run {section}", " ".join(sentences)]
    return "\n\n".join(parts)


_chances = st.sampled_from([0.0, 0.3, 1.0])


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 10**6),
    papers=st.integers(1, 9),
    mode=st.sampled_from(MODES),
    faults=st.fixed_dictionaries(
        {
            "missing": st.sampled_from([0.0, 0.3]),
            "duplicate": _chances,
            "stray": _chances,
            "lie": st.sampled_from([0.0, 0.5]),
        }
    ),
)
def test_every_sample_belongs_to_its_own_paper(
    world: World, seed: int, papers: int, mode: str, faults: dict[str, float]
) -> None:
    """Results come shuffled, missing, double and from strangers; many passages hold the same sentences."""
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        world.renew()
        world.papers, world.output = Path(folder) / "papers", Path(folder) / "out.jsonl"
        world.papers.mkdir()
        for number in range(papers):
            (world.papers / f"{number}.md").write_text(_paper(rng, f"topic {number}"), encoding="utf-8")
        fake = FakeSettings(mode=mode, seed=seed % 97, **faults)
        report = world.program(fake, requests=7, segment_outcomes=5).generate(max_samples=rng.randint(1, 6))
        check_report(world, report)
        answered = [found[-1] for found in world.stored(report.job_id).outcomes.values()]
        if not faults["missing"]:
            assert all(isinstance(outcome, Completion) for outcome in answered)


def test_the_command_names_every_reason_and_tells_failures_from_rejects(tmp_path: Path) -> None:
    papers = write_papers(tmp_path / "papers", ["alpha", "beta", "gamma", "delta", "epsilon"], sections=4)
    with Desk(tmp_path / "desk", papers) as desk:
        faults = "fail=0.3&fail_kinds=content_filter&lie=0.3&broken_json=0.2&empty=0.2&seed=4"
        ended = desk.generate(f"fake:{desk.remote}?{faults}").wait()
        assert ended.code == 1  # some requests failed
        report = ended.report
        printed = desk.run("rejects", report["job"])
        assert printed.code == 0
        *lines, last = printed.out.splitlines()
        assert last == f"{report['rejects']} rejects, {report['failures']} failed requests"
        reasons: Counter[tuple[str, ...]] = Counter()
        for line in lines:
            # What failed for one reason is told once, with the number of the others.
            others = re.search(r" and (\d+) more\]$", line)
            reasons[tuple(line.split("  ")[:2])] += 1 + (int(others[1]) if others else 0)
        assert reasons == Counter(
            {("reject", reason): count for reason, count in report["rejects_by_reason"].items()}
            | {("failed", kind): count for kind, count in report["failures_by_kind"].items()}
        )
        assert {"broken_json", "empty_answer", "evidence_not_found"} <= set(report["rejects_by_reason"])
        assert all("[papers/" in line for line in lines if line.startswith("reject"))
