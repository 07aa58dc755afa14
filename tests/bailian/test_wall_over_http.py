"""``--max-cost`` against the server's own bill: whatever goes wrong and whoever dies, the wall is never passed."""

from __future__ import annotations

import random
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.bailian.conftest import Stage
from tests.bailian.scene import CONCURRENCY, DONE, LATE, NOT_FINISHED, PART_FAILED, Child, Scene
from tests.bailian.test_faults_over_http import BATCH, CALLS, QUICK, REQUESTS, Case

pytestmark = pytest.mark.filterwarnings("ignore:unread_data")
SLOW: dict[str, Any] = {"duration": 0.5, "look_seconds": 0.0, "latency": 0.02}
# A second tier that most bounds reach and no request does: what is reserved is far from what is paid.
TIERS = ((2_000, Decimal(10), Decimal(20)), (None, Decimal(30), Decimal(50)))
PRICES = """
[[prices]]
model = "qwen-plus"
region = "{region}"
currency = "CNY"
way = ["realtime", "batch"]
tiers = [{{ up_to = 2000, input = 10, output = 20 }}, {{ up_to = 1000000, input = 30, output = 50 }}]
as_of = 2026-11-01
"""
MILLION = 1_000_000
CALLING = {"backend": "openai-chat", "faults": {"latency": 0.01}}
IN_SHORT = {"lines missing", "reply lost", "create's reply lost, visible late", "expired"}


def bill_of(scene: Scene) -> Decimal:
    """Return what the server charges, by its own books and this file's own arithmetic."""
    total = Decimal(0)
    for read, written in (tokens for kind in scene.server.bill().values() for tokens in kind):
        _, dear_in, dear_out = next(tier for tier in TIERS if tier[0] is None or read <= tier[0])
        total += (read * dear_in + written * dear_out) / MILLION
    return total


def priced(scene: Scene, limit: Decimal, *options: object) -> Scene:
    """Return the scene with a price list and a wall."""
    file = scene.folder / "prices.toml"
    file.write_text(PRICES.format(region=scene.server.base_url))
    scene.env["QWEN_DATASET_PRICES"] = str(file)
    scene.env["QWEN_DATASET_ASK_ABOVE"] = "1000"
    scene.options = (*scene.options, "--max-cost", f"{limit:f}", *options)
    return scene


def check_wall(scene: Scene, limit: Decimal, ended: Child) -> None:
    assert bill_of(scene) <= limit
    if ended.was_killed or not scene.has_job():
        return
    status = scene.status()
    assert Decimal(status["max_cost"]) == limit
    # Our own books are never below the bill.
    assert bill_of(scene) <= Decimal(status["cost"]) + Decimal(status["reserved"]) <= limit


def go_on_to_the_end(scene: Scene, limit: Decimal, ended: Child) -> None:
    """Resume below the wall, then without one; the first never pays more, the second ends."""
    for _ in range(4):
        if ended.code != NOT_FINISHED:
            break
        ended = scene.resume()
        check_wall(scene, limit, ended)
    for _ in range(12):
        ended = scene.resume("--max-cost", "none")
        if ended.code != NOT_FINISHED:
            break
    assert ended.code in {DONE, PART_FAILED}, ended.err
    status = scene.status()
    assert bill_of(scene) <= Decimal(status["cost"])
    assert status["max_cost"] is None
    assert status["unanswered"] == 0


def limits(rng: random.Random) -> Decimal:
    """Return a limit: below the first request, room for a few at their most, or for all."""
    return Decimal(rng.choice(("0.01", "0.16", "0.2", "0.31", "0.5", "1.5")))


def cases(found: dict[str, Case]) -> list[Any]:
    # No list of batches, or nothing bought at all: nothing to reckon.
    return [
        pytest.param(name, id=name, marks=[] if name in IN_SHORT else pytest.mark.long)
        for name in found
        if name not in {"wrong key", "no access"}
    ]


def run_below_the_wall(stage: Stage, name: str, case: Case, number: int, **scene: Any) -> None:
    limit = limits(random.Random(f"{name} {number}"))
    faults = {**scene.pop("faults", QUICK), **case.faults, "seed": number}
    made = stage(**scene, faults=faults, env={**case.env, "QWEN_DATASET_MAX_TOKENS": "800"})
    made = priced(made, limit)
    ended = made.generate()
    check_wall(made, limit, ended)
    go_on_to_the_end(made, limit, ended)


@pytest.mark.parametrize("name", cases(BATCH))
def test_a_fault_of_the_batch_api_below_a_wall(stage: Stage, name: str) -> None:
    case = BATCH[name]
    for number in range(2 if name in IN_SHORT else 4):
        run_below_the_wall(stage, name, case, number, parameters=case.parameters)


@pytest.mark.parametrize("name", cases(CALLS))
def test_a_fault_of_calls_below_a_wall(stage: Stage, name: str) -> None:
    case = CALLS[name]
    for number in range(2 if name in IN_SHORT else 4):
        run_below_the_wall(
            stage, name, case, number, backend="openai-chat", options=("--realtime",),
            parameters={} if case.parameters.keys() == {"requests"} else case.parameters, faults={"latency": 0.01},
        )  # fmt: skip


def kill_below_the_wall(stage: Stage, rng: random.Random, kills: int, *, lasts: float, **scene: Any) -> int:
    killed = 0
    for number in range(kills):
        limit = limits(rng)
        delays = [rng.uniform(0.05, 1.0) * lasts for _ in range(rng.choice((1, 2, 3)))]
        faults = scene["faults"] | {"seed": number}
        made = priced(stage(**scene | {"faults": faults, "env": {"QWEN_DATASET_MAX_TOKENS": "800"}}), limit)
        try:
            for delay in delays:
                ended = made.generate(after=delay)
                killed += ended.was_killed
                check_wall(made, limit, ended)
            ended = made.generate()
            check_wall(made, limit, ended)
            go_on_to_the_end(made, limit, ended)
        except BaseException as error:
            error.add_note(f"limit {limit}, killed after {delays} seconds, seed {number}")
            raise
    return killed


BATCH_SCENE = {"faults": SLOW | {"lose_create": 0.5, "late": 1.0, "late_seconds": LATE, "missing": 0.2}}
CALL_SCENE: dict[str, Any] = {
    "backend": "openai-chat",
    "options": ("--realtime",),
    "parameters": {},
    "haste": 1.0,
    "faults": {"latency": 0.05, "lose_reply": 0.05},
}


@pytest.mark.parametrize("scene", [BATCH_SCENE, CALL_SCENE], ids=["batch", "realtime"])
def test_killed_below_a_wall(stage: Stage, many: Path, scene: dict[str, Any]) -> None:
    more = {"papers": many} if scene is CALL_SCENE else {}
    rng = random.Random(7)
    # How long a run takes depends on the machine: sooner, where all of them had ended by then.
    lasts = (2.0, 1.0, 0.5, 0.25)
    assert any(kill_below_the_wall(stage, rng, 2, lasts=each, **scene, **more) for each in lasts)


@pytest.mark.long
@pytest.mark.timeout(5400)
@pytest.mark.parametrize("scene", [BATCH_SCENE, CALL_SCENE], ids=["batch", "realtime"])
def test_killed_below_a_wall_often(stage: Stage, many: Path, scene: dict[str, Any]) -> None:
    more = {"papers": many} if scene is CALL_SCENE else {}
    killed = kill_below_the_wall(stage, random.Random(11), 40, lasts=2.5, **scene, **more)
    assert killed > 0
    print(f"\n{killed} kills below a wall")  # noqa: T201 - the figures of the long run


def test_stragglers_and_a_pilot_stay_below_the_same_wall(stage: Stage) -> None:
    """Two requests ahead in realtime, a batch that expires, and its rest in realtime: one wall over all."""
    limit = Decimal("0.9")
    made = stage(
        backend="bailian",
        parameters={"requests": 8},
        options=("--batch", "--pilot", 2, "--finish", "realtime", "--after", "30m"),
        faults=QUICK | {"expire": 1, "seed": 3},
        env={"QWEN_DATASET_MAX_TOKENS": "800"},
    )
    made = priced(made, limit)
    ended = made.generate()
    assert ended.code == DONE, ended.err
    check_wall(made, limit, ended)
    paid = made.server.bill()
    assert len(paid["realtime"]) >= 2
    assert len(paid["batch"]) + len(paid["realtime"]) == REQUESTS
    assert made.server.totals()["bodies_paid_twice"] == 0


def test_an_unknown_price_and_a_wall_are_refused_before_anything_is_stored(stage: Stage) -> None:
    made = stage(faults=QUICK)
    made.options = ("--max-cost", "5")
    ended = made.generate()
    assert ended.code == 2
    assert "no price is known for qwen-plus" in ended.err
    assert made.server.totals()["paid_total"] == 0
    assert not made.has_job()


def test_what_was_bought_without_a_price_cannot_be_limited_later(stage: Stage) -> None:
    made = stage(faults=QUICK)
    assert made.generate().code == DONE
    made = priced(made, Decimal(5))
    ended = made.generate()
    assert ended.code == 2
    assert "when its price was not known" in ended.err


def test_concurrent_calls_are_reserved_before_they_are_made(stage: Stage, many: Path) -> None:
    """However many are in flight at once: what is under way counts at its most."""
    limit = Decimal("0.3")
    made = priced(stage(**CALL_SCENE, papers=many, env={"QWEN_DATASET_MAX_TOKENS": "800"}), limit)
    ended = made.generate()
    assert ended.code == NOT_FINISHED
    assert "--max-cost" in ended.err
    check_wall(made, limit, ended)
    assert len(made.server.bill()["realtime"]) >= CONCURRENCY


@pytest.mark.parametrize("vocabulary", ["qwen3.5", "qwen3"])
def test_after_a_pilot_the_estimate_of_the_input_is_within_two_percent_of_the_bill(
    stage: Stage, tmp_path: Path, vocabulary: str
) -> None:
    """qwen-plus is counted as Qwen3 does; the server bills as the newer models do, in two languages."""
    papers = write_mixed_papers(tmp_path / "papers")
    made = stage(
        backend="bailian",
        papers=papers,
        parameters={},
        options=("--batch", "--pilot", 12),
        faults=QUICK | {"tokens": vocabulary},
    )
    made = priced(made, Decimal(50))
    ended = made.generate()
    assert ended.code == DONE, ended.err
    bill = made.server.bill()
    assert len(bill["realtime"]) == 12
    assert len(bill["batch"]) > 24
    off = Decimal(ended.report["off_by"]["tokens in"])
    assert abs(off) <= Decimal("0.02"), off
    assert Decimal(ended.report["cost"]) == bill_of(made)
    read = sum(tokens for kind in bill.values() for tokens, _ in kind)
    assert read == ended.report["usage"]["prompt_tokens"]
    estimated = read / (1 + float(off))
    assert estimated == pytest.approx(read, rel=0.02)
    assert "by its measure" in made.log_of_job()


def write_mixed_papers(folder: Path) -> Path:
    """Write papers in English and Chinese, in turn, so that a pilot meets both."""
    folder.mkdir()
    for number in range(12):
        words = [f"# A study of gate {number}\n"]
        for section in range(4):
            english = f"The gate {number} of section {section} keeps its fidelity when the pulse is shaped with care. "
            chinese = f"第{number}号量子门在第{section}节里保持高保真度，只要脉冲形状选得合适，噪声就不会积累。"
            text = chinese * 12 if number % 2 else english * 8
            words.append(f"\n## Section {section}\n\n{text}$f(t) = e^{{-t/{number + 2}}}$\n")
        (folder / f"paper-{number:02d}.md").write_text("".join(words), encoding="utf-8")
    return folder


def test_nobody_at_a_terminal_and_no_yes_buys_nothing(stage: Stage) -> None:
    made = priced(stage(faults=QUICK), Decimal(50))
    made.env["QWEN_DATASET_ASK_ABOVE"] = "0.01"
    ended = made.generate()
    assert ended.code == 2
    assert "this will cost about" in ended.err
    assert "--yes" in ended.err
    assert made.server.totals()["calls"] == {}
    assert not made.has_job()
    made.options = (*made.options, "--yes")
    assert made.generate().code == DONE


def test_a_small_limit_needs_nobodys_approval(stage: Stage) -> None:
    made = priced(stage(faults=QUICK), Decimal("0.5"))
    made.env["QWEN_DATASET_ASK_ABOVE"] = "0.5"
    assert made.generate().code == DONE
