"""Killed before and after every awaited step, then run again: nothing lost, nothing bought twice."""

from __future__ import annotations

import asyncio
import contextlib
import random
from typing import Any

import pytest
from stored import check_grounded, papers_below, records
from world import World, write_papers

from qwen_dataset.adapters.inference.fake.settings import FakeSettings
from qwen_dataset.adapters.storage.memory import MemoryStorage
from qwen_dataset.app.api.reports import Report
from qwen_dataset.domain.inference import FailureKind
from qwen_dataset.testing.crash import CrashPlan, CrashSwitch, SimulatedCrash

CONCURRENCY = 2
SEGMENT = 2
LIMITS = {"segment_outcomes": SEGMENT, "requests": 3}


def settings(mode: str, **more: Any) -> FakeSettings:
    return FakeSettings(mode=mode, seed=5, concurrency=CONCURRENCY, **more)


def undisturbed(world: World, fake: FakeSettings) -> tuple[list[str], bytes]:
    """Return the steps of a run without a crash, and its dataset."""
    switch = CrashSwitch()
    world.renew()
    program = world.program(fake, switch=switch, **LIMITS)
    report = program.generate()
    check_end(world, fake, report, crashes=0)
    return switch.log, world.output.read_bytes()


def crash(world: World, fake: FakeSettings, plan: CrashPlan) -> CrashSwitch:
    switch = CrashSwitch(plan)
    program = world.program(fake, switch=switch, **LIMITS)
    with contextlib.suppress(SimulatedCrash, BaseExceptionGroup):
        program.generate()
    program.die()
    return switch


def check_end(world: World, fake: FakeSettings, report: Report, *, crashes: int) -> None:
    assert report.sums is not None
    stored = world.stored(report.job_id)
    stored.check(report.sums)
    check_grounded(records(world.output), papers_below([world.papers]), stored.planned)
    again = world.paid_twice()
    if fake.mode == "batch":
        assert again == 0
    else:
        # The calls in flight at a crash, and what had been answered since the last segment was saved.
        assert again <= crashes * (CONCURRENCY + SEGMENT)


LOOKS = ("storage.keys", "storage.get", "storage.stream")


def plans(log: list[str]) -> list[CrashPlan]:
    """Return every crash worth trying: a look at the storage changes nothing, so the step after it covers its end.

    The long matrix tries the others as well.
    """
    names = [line.removesuffix(" before") for line in log if line.endswith(" before")]
    before = [
        CrashPlan(at, "before")
        for at, (name, last) in enumerate(zip(names, ["", *names[:-1]], strict=True), 1)
        if not (name == last and name.startswith(LOOKS))
    ]
    return before + [CrashPlan(at, "after") for at, name in enumerate(names, 1) if not name.startswith(LOOKS)]


def crash_at(
    world: World, fake: FakeSettings, chosen: list[CrashPlan], expected: bytes, *, resume: bool = False
) -> None:
    for plan in chosen:
        world.renew()
        switch = crash(world, fake, plan)
        assert switch.dead, f"{plan} was never reached"
        try:
            rerun = world.program(fake, **LIMITS)
            report = rerun.resume(output=world.output) if resume else rerun.generate()
            check_end(world, fake, report, crashes=1)
            assert world.output.read_bytes() == expected
        except BaseException as error:
            error.add_note(f"killed at {plan}: {switch.log[-1]}")
            raise


@pytest.mark.parametrize("mode", ["batch", "realtime"])
def test_a_run_killed_at_any_step_is_finished_by_the_next_one(world: World, mode: str) -> None:
    write_papers(world.papers, ["alpha", "beta"], sections=2)
    log, expected = undisturbed(world, settings(mode))
    assert len(log) > 100
    crash_at(world, settings(mode), plans(log), expected)


HARD_SUBMITS = {
    "visible late": {"late": 1.0, "settle": 60.0},
    "reply lost": {"lose_submit": 1.0},
    "reply lost, visible late": {"late": 1.0, "settle": 60.0, "lose_submit": 1.0},
}


@pytest.mark.parametrize("faults", HARD_SUBMITS.values(), ids=HARD_SUBMITS.keys())
def test_a_run_killed_around_a_submission_buys_no_batch_twice(world: World, faults: dict[str, float]) -> None:
    write_papers(world.papers, ["alpha", "beta"], sections=2)
    fake = settings("batch", **faults)
    log, expected = undisturbed(world, fake)
    steps = [line for line in log if line.endswith(" before")]
    submits = [at for at, line in enumerate(steps, 1) if line.startswith("backend.submit")]
    assert submits
    near = [plan for plan in plans(log) if any(plan.at - 2 <= at <= plan.at + 1 for at in submits)]
    crash_at(world, fake, near, expected)


@pytest.mark.parametrize("mode", ["batch", "realtime"])
def test_resume_finishes_a_killed_run_as_the_same_command_would(world: World, mode: str) -> None:
    write_papers(world.papers, ["alpha", "beta"], sections=2)
    log, expected = undisturbed(world, settings(mode))
    steps = [line for line in log if line.endswith(" before")]
    # Before that a job has no requests, and resume says so; after it the rest is one path with generate's.
    begun = next(at for at, line in enumerate(steps, 1) if "000000000003.json" in line)
    later = [plan for plan in plans(log) if plan.at > begun]
    crash_at(world, settings(mode), random.Random(7).sample(later, 12), expected, resume=True)


def crash_again_and_again(world: World, fake: FakeSettings, seed: int) -> Report:
    """Kill every run at a random step until one gets through."""
    rng = random.Random(seed)
    for crashes in range(40):
        plan = CrashPlan(rng.randint(1, 130), rng.choice(("before", "after")))
        switch = CrashSwitch(plan if crashes < 39 else None)
        program = world.program(fake, switch=switch, **LIMITS)
        try:
            report = program.generate()
        except (SimulatedCrash, BaseExceptionGroup):
            program.die()
        else:
            check_end(world, fake, report, crashes=crashes)
            return report
    raise AssertionError("the last run was not killed")


@pytest.mark.parametrize("mode", ["batch", "realtime"])
@pytest.mark.parametrize("seed", range(4))
def test_a_job_killed_again_and_again_ends_as_if_it_had_never_been(world: World, mode: str, seed: int) -> None:
    write_papers(world.papers, ["alpha", "beta"], sections=2)
    _, expected = undisturbed(world, settings(mode))
    world.renew()
    crash_again_and_again(world, settings(mode), seed)
    assert world.output.read_bytes() == expected


def test_with_a_slow_storage_no_more_is_unsaved_than_a_segment_and_the_calls_in_flight(world: World) -> None:
    """While one segment is being written, answers go on coming; they must not pile up beside it."""
    write_papers(world.papers, ["alpha", "beta", "gamma", "delta", "epsilon", "zeta"], sections=4)
    fake = FakeSettings(mode="realtime", concurrency=CONCURRENCY)
    limits = {"segment_outcomes": 6, "segment_seconds": 0.001}
    worst = 0

    class Slow(MemoryStorage):
        async def put(self, key: str, data: Any, *, if_absent: bool = False) -> None:
            nonlocal worst
            if "/segments/" in key:
                for _ in range(400):
                    await asyncio.sleep(0)
                    stored = b"".join([self._objects[each] for each in self._objects if "/segments/" in each])
                    worst = max(worst, world.service.paid().total() - stored.count(b'"request_id"'))
            await super().put(key, data, if_absent=if_absent)

    world.storage = Slow()
    world.program(fake, **limits).generate()
    assert 0 < worst <= 6 + CONCURRENCY


FAULTS: dict[str, dict[str, Any]] = {
    "none": {},
    "answers out of order, double and foreign": {"duplicate": 0.5, "stray": 0.5, "delay": 0.5},
    "hard to reach": {"unavailable": 0.3, "late": 1.0, "settle": 60.0, "lose_submit": 0.5},
    "failing": {"fail": 0.3},
    "failing for good": {"fail": 0.3, "fail_kinds": (FailureKind.CONTENT_FILTER, FailureKind.INVALID_REQUEST)},
    "refused": {"reject": 0.4},
    "expiring": {"expire": 0.6},
    "losing lines": {"missing": 0.3},
    "bad answers": {"lie": 0.3, "broken_json": 0.2, "truncate": 0.2, "empty": 0.2, "fence": 0.2, "prose": 0.2},
}
HARMLESS = ("none", "answers out of order, double and foreign", "hard to reach")


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("mode", ["batch", "realtime"])
@pytest.mark.parametrize("name", FAULTS)
def test_every_step_with_every_fault(world: World, mode: str, name: str) -> None:
    write_papers(world.papers, ["alpha", "beta", "gamma"], sections=2)
    fake = settings(mode, **FAULTS[name])
    log, expected = undisturbed(world, fake)
    steps = sum(line.endswith(" before") for line in log)
    chosen = [CrashPlan(at, when) for at in range(1, steps + 1) for when in ("before", "after")]
    for plan in chosen:
        world.renew()
        switch = crash(world, fake, plan)
        assert switch.dead
        try:
            report = world.program(fake, **LIMITS).generate()
            check_end(world, fake, report, crashes=1)
            # Where a request may fail, another number of tries may end otherwise; else nothing may differ.
            assert name not in HARMLESS or world.output.read_bytes() == expected
        except BaseException as error:
            error.add_note(f"killed at {plan}: {switch.log[-1]}")
            raise
    print(f"\n{mode}, {name}: {len(chosen)} crashes")  # noqa: T201 - the figures of the long run


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("mode", ["batch", "realtime"])
@pytest.mark.parametrize("name", FAULTS)
def test_killed_again_and_again_with_every_fault(world: World, mode: str, name: str) -> None:
    write_papers(world.papers, ["alpha", "beta", "gamma"], sections=2)
    for seed in range(40):
        world.renew()
        try:
            crash_again_and_again(world, settings(mode, **FAULTS[name]), seed)
        except BaseException as error:
            error.add_note(f"seed {seed}")
            raise
