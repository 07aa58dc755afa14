"""Each fault of the service alone, and seeded mixes of them: the run ends and the books of both sides agree."""

from __future__ import annotations

import random
from typing import Any

import attrs
import pytest

from tests.bailian.conftest import Stage
from tests.bailian.scene import DONE, LATE, NOT_FINISHED, PART_FAILED, Child, Scene

# aiohttp's own, when a part of an upload ends at the edge of a packet.
pytestmark = pytest.mark.filterwarnings("ignore:unread_data")
REQUESTS = 8
SHARDS = {"requests": 5}  # two submissions
ONE_SHARD = {"requests": 8}
QUICK: dict[str, Any] = {"duration": 25.0}  # two looks and a batch is done
RESUMES = 6


@attrs.frozen
class Case:
    """Faults, and what must come of them: the first run's exit code, failures at the end, answers the service lost."""

    faults: dict[str, Any]
    code: int = DONE
    failures: int = 0
    lost: int = 0
    parameters: dict[str, Any] = SHARDS
    env: dict[str, str] = attrs.field(factory=dict)


ANY_CALL = {
    "throttled": Case({"throttle": 3}),
    "throttled, with Retry-After": Case({"throttle_after": 3}),
    "error 500": Case({"error_500": 3}),
    "error 503": Case({"error_503": 3}),
    "arrears": Case({"arrears": 1}, NOT_FINISHED),
    "free quota used up": Case({"other": 1}, NOT_FINISHED),
    "no access": Case({"other": 1, "other_error": "403:Model.AccessDenied:Model access denied."}, NOT_FINISHED),
    "wrong key": Case({"other": 1, "other_error": "401:invalid_api_key:Incorrect API key provided."}, NOT_FINISHED),
    "slow": Case({"slow": 3, "slow_seconds": 0.2}),
}
BATCH = {
    **ANY_CALL,
    "reset": Case({"reset": 3}),
    "upload's reply lost": Case({"lose_upload": 2}),
    "create's reply lost": Case({"lose_create": 2}),
    "upload processed later": Case({"processing": 1.0}),
    "visible late": Case({"late": 1.0, "late_seconds": LATE}),
    "create's reply lost, visible late": Case({"lose_create": 2, "late": 1.0, "late_seconds": LATE}),
    "invalid for good": Case({"invalid": 1}, PART_FAILED, failures=5),
    "invalid for now": Case({"invalid": 1, "invalid_code": "limit_requests"}),
    "expired": Case({"expire": 1, "seed": 3}, parameters=ONE_SHARD),
    "expired, what did not run is absent": Case({"expire": 1, "seed": 3, "unrun": "absent"}, parameters=ONE_SHARD),
    "cancelled by a person": Case({"cancel": 1, "seed": 3}, NOT_FINISHED, parameters=ONE_SHARD),
    "download broken off": Case({"truncate_download": 2}),
    "download ends early as if whole": Case({"truncate_clean": 2}),
    "lines refused": Case({"fail": 2}),
    **{
        f"lines refused, as {shape}": Case({"fail": 1, "line_shapes": shape})
        for shape in ("code", "error_code", "body")
    },
    "lines refused in the output file": Case({"fail_in_output": 2}),
    "lines missing": Case({"missing": 2}, PART_FAILED, failures=2, lost=2),
    "lines garbled": Case({"corrupt": 2}, PART_FAILED, failures=2, lost=2),
    "lines twice": Case({"duplicate": 2}),
    "strangers' lines": Case({"stray": 2}),
    "content inspected": Case({"inspect": 2}, PART_FAILED, failures=2),
    "body as text": Case({"string_body": 1.0}),
    "no role": Case({"no_role": 1.0}),
    "filters ignored": Case({"filters": "ignored", "lose_create": 1}),
    "filters refused": Case({"filters": "refused", "lose_create": 1}),
    "no lists, and told so": Case({"lists": "none"}, parameters=SHARDS | {"lookup": "none"}),
    "rates enforced": Case({"rates": True}),
}
CALLS = {
    **ANY_CALL,
    "reset": Case({"reset": 2}, lost=2),
    "reply lost": Case({"lose_reply": 2}, lost=2),
    "refused": Case({"fail": 2}),
    "content inspected": Case({"inspect": 2}, PART_FAILED, failures=2),
    "no role": Case({"no_role": 1.0}),
    "an error inside 200": Case({"choices_null": 2}),
    "a stream broken off": Case({"sse_error": 2}, parameters={"stream": "yes"}),
    "structured output aborted": Case({"abort_json": 2}, env={"QWEN_DATASET_RESPONSE_FORMAT": "json_object"}),
    "calls a minute": Case({"rpm": 240}),
    "a proxy's 502 instead of an answer that was paid": Case({"bare_502": 2}, lost=2),
    "a proxy's 503": Case({"bare_503": 2}),
}


IN_SHORT = {
    "throttled, with Retry-After", "arrears", "reset", "create's reply lost, visible late", "invalid for good",
    "expired", "cancelled by a person", "download ends early as if whole", "lines refused in the output file",
    "lines missing", "filters refused", "reply lost", "a stream broken off", "structured output aborted",
    "a proxy's 502 instead of an answer that was paid",
}  # fmt: skip


def sampled(cases: dict[str, Case]) -> list[Any]:
    """Return a few of the cases for each run, and the rest for the long one."""
    return [
        pytest.param(case, id=name, marks=[] if name in IN_SHORT else pytest.mark.long) for name, case in cases.items()
    ]


def end(scene: Scene, first: Child) -> Child:
    """Resume as long as the exit code says that it is not finished."""
    child = first
    for _ in range(RESUMES):
        if child.code != NOT_FINISHED:
            break
        assert "resume" in child.err
        child = scene.resume()
    assert child.code in {DONE, PART_FAILED}, f"exit {child.code}: {child.err}"
    return child


def check_report(child: Child, *, requests: int = REQUESTS) -> dict[str, Any]:
    report = child.report
    assert report["requests"] == requests == report["completions"] + report["failures"]
    assert report["candidates"] == report["samples"] + report["rejects"]
    assert sum(report["failures_by_kind"].values()) == report["failures"]
    if report["failures"]:
        assert child.code == PART_FAILED
    if child.code == DONE:
        assert not report["failures"]
    return report


@pytest.mark.parametrize("case", sampled(BATCH))
def test_a_fault_of_the_batch_api(stage: Stage, case: Case) -> None:
    scene = stage(faults=QUICK | case.faults, parameters=case.parameters, env=case.env)
    first = scene.generate()
    assert first.code == case.code, first.err
    child = end(scene, first)
    report = check_report(child)
    books = scene.check(report)
    books.check_batch(may_lose=bool(case.lost))
    assert report["failures"] == case.failures
    assert report["possibly_paid"] == case.lost == books.ledger["paid_total"] - report["completions"]


def test_a_service_without_lists_is_told_of_before_anything_is_bought(stage: Stage) -> None:
    """A batch whose creation got no reply could not be found again there, so nothing is created unasked."""
    scene = stage(faults=QUICK | {"lists": "none"}, parameters=SHARDS)
    for child in (scene.generate(), scene.resume()):
        assert child.code == NOT_FINISHED
        assert "lookup=none" in child.err
        assert "Traceback" not in child.err
    totals = scene.server.totals()
    assert totals["paid_total"] == totals["calls"].get("create", 0) == 0


def test_an_expired_batch_whose_results_never_come(stage: Stage) -> None:
    """What ran was paid and cannot be had; nobody can tell it from what did not run, so nothing is asked again."""
    scene = stage(faults=QUICK | {"expire_silent": 1, "seed": 3}, parameters=ONE_SHARD)
    child = end(scene, scene.generate())
    report = check_report(child)
    books = scene.check(report)
    books.check_batch(may_lose=True)
    paid = books.ledger["paid_total"]
    assert paid - report["completions"] <= report["possibly_paid"] == report["failures"]


def check_calls(scene: Scene, child: Child, case: Case, *, exact: bool = True) -> None:
    report = check_report(child)
    lost = scene.check(report).check_realtime(at_most=report["possibly_paid"])
    assert report["failures"] == case.failures
    if exact:
        assert lost == case.lost


@pytest.mark.parametrize("case", sampled(CALLS))
def test_a_fault_of_a_call(stage: Stage, case: Case) -> None:
    faults = {"latency": 0.01} | case.faults
    scene = stage(
        faults=faults, backend="openai-chat", options=("--realtime",), parameters=case.parameters, env=case.env
    )
    first = scene.generate()
    assert first.code == case.code, first.err
    check_calls(scene, end(scene, first), case)


@pytest.mark.long
@pytest.mark.parametrize("backend", ["dashscope", "batch-chat"])
@pytest.mark.parametrize("case", CALLS.values(), ids=CALLS.keys())
def test_a_fault_of_another_way_to_call(stage: Stage, backend: str, case: Case) -> None:
    scene = stage(faults={"latency": 0.01} | case.faults, backend=backend, options=("--realtime",), env=case.env)
    scene.parameters.clear()
    first = scene.generate()
    # What the native endpoint does not know cannot happen there.
    assert first.code == case.code, first.err
    check_calls(scene, end(scene, first), case, exact=backend != "dashscope" or "sse_error" not in case.faults)


# ---- mixes ----------------------------------------------------------------------------------------------------------

COMMON = ("throttle", "throttle_after", "error_500", "error_503", "slow", "reset")
BATCHES = (
    *("lose_upload", "lose_create", "processing", "late", "expire", "expire_silent", "truncate_download"),
    *("truncate_clean", "fail", "fail_in_output", "missing", "corrupt", "duplicate", "stray", "inspect", "string_body"),
    *("no_role", "cancel", "invalid"),
)
ONLY_CALLS = ("lose_reply", "fail", "inspect", "no_role", "choices_null")


def mixed(seed: int) -> tuple[str, dict[str, Any]]:
    """Draw a way to ask and four faults of any strength."""
    rng = random.Random(f"mix {seed}")
    backend = rng.choice(("openai-batch", "openai-batch", "openai-batch", "openai-chat", "dashscope", "batch-chat"))
    names = rng.sample((*COMMON, *(BATCHES if backend == "openai-batch" else ONLY_CALLS)), 4)
    faults: dict[str, Any] = {name: round(rng.uniform(0.02, 0.2), 2) for name in names}
    faults |= {"arrears": rng.choice((0, 0, 1)), "unrun": rng.choice(("error", "absent"))}
    faults |= {"filters": rng.choice(("yes", "ignored", "refused"))}
    timing = {"late_seconds": LATE, "slow_seconds": 0.1, "retry_after": 1.0}
    if faults.get("invalid"):
        timing["invalid_code"] = rng.choice(("limit_requests", "model_not_found"))
    return backend, {"seed": seed, **faults, **timing}


def run_mix(stage: Stage, seed: int) -> None:
    backend, faults = mixed(seed)
    batch = backend == "openai-batch"
    options = () if batch else ("--realtime",)
    scene = stage(
        faults=(QUICK if batch else {}) | faults,
        backend=backend,
        parameters={"requests": 3} if batch else {},
        options=options,
        haste=50.0,  # with several faults at once the patience of minutes is needed
    )
    try:
        child = end(scene, scene.generate())
        report = check_report(child)
        books = scene.check()
        if batch:
            books.check_batch(may_lose=True)
        else:
            books.check_realtime(at_most=report["possibly_paid"])
    except BaseException as error:
        error.add_note(f"seed {seed}: {backend} {faults}")
        raise


@pytest.mark.parametrize("seed", range(3))
def test_a_mix_of_faults(stage: Stage, seed: int) -> None:
    run_mix(stage, seed)


@pytest.mark.long
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("tens", range(1, 21))
def test_two_hundred_mixes_of_faults(stage: Stage, tens: int) -> None:
    for seed in range(10 * tens, 10 * tens + 10):
        run_mix(stage, seed)
