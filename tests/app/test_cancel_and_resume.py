"""Stopping on purpose and going on: in every phase, from the same and from another process."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from commands import Desk, until
from world import KillAt, Meanwhile, Program, World, write_papers

from qwen_dataset.adapters.inference.fake.settings import FakeSettings
from qwen_dataset.app.api.client import Report
from qwen_dataset.domain.events import RoundOpened
from qwen_dataset.domain.inference import Completion, FailureKind
from qwen_dataset.domain.jobs import Phase
from qwen_dataset.errors import JobBusy, JobUnfinished, SettingError

MODES = ["batch", "realtime"]
CONCURRENCY = 2
PAPERS = ["alpha", "beta", "gamma"]
REQUESTS = 9
LIMITS: dict[str, Any] = {"segment_outcomes": 2, "requests": 5}


@pytest.fixture(autouse=True)
def _papers(world: World) -> None:
    write_papers(world.papers, PAPERS)


def start(world: World, mode: str, **more: Any) -> Program:
    return world.program(FakeSettings(mode=mode, concurrency=CONCURRENCY), **{**LIMITS, **more})


def cancel(world: World, mode: str) -> None:
    asyncio.run(start(world, mode).client().cancel(world.job()))


def completions(world: World) -> set[str]:
    """Return the ids that have an answer in the job's stored segments."""
    outcomes = world.stored(world.job()).outcomes
    return {ident for ident, found in outcomes.items() if isinstance(found[-1], Completion)}


def check_stopped(world: World, mode: str, *, kept: int, lost: int = 0) -> None:
    """Assert that the job rests with what it had, says so, and goes on when it is resumed.

    ``lost``: calls that may have been in flight when a process died.
    """
    state = world.state()
    answered = completions(world)
    assert state.phase is Phase.STOPPED
    assert state.stop_reason == "a person cancelled it"
    assert (state.completed, len(answered)) == (kept, kept)
    assert answered <= set(world.service.paid())
    assert world.service.paid().total() <= kept + lost, "what was paid for is kept"
    for _ in range(2):
        with pytest.raises(JobUnfinished, match="a person cancelled it, and only resume goes on"):
            start(world, mode).generate()
    assert world.state() == attrs.evolve(state, owner=world.state().owner, backend=world.state().backend)
    check_finished(world, start(world, mode).resume(), lost=lost)


def check_finished(world: World, report: Report, *, lost: int = 0) -> None:
    assert report.sums is not None
    assert (report.sums.requests, report.sums.completions) == (REQUESTS, REQUESTS)
    world.stored(report.job_id).check(report.sums)
    assert world.state().phase is Phase.FINISHED
    assert len(world.service.paid()) == REQUESTS
    assert world.paid_twice() <= lost
    assert world.output.exists()


# Where the owner dies: right after this was stored or done.
DEATHS = {
    "planned": ("storage.put", "events/000000000003.json"),
    "round opened": ("storage.put", "events/000000000005.json"),
    "round cleared": ("storage.put", "events/000000000006.json"),
    "shard planned": ("storage.put", "events/000000000007.json"),
    "submitted": ("backend.submit", ""),
    "submission noted": ("storage.put", "events/000000000008.json"),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("phase", DEATHS)
def test_a_job_whose_owner_is_dead_is_cancelled_by_another_process(world: World, mode: str, phase: str) -> None:
    start(world, mode, switch=KillAt(*DEATHS[phase])).killed()
    cancel(world, mode)
    check_stopped(world, mode, kept=0)


def test_cancelling_a_half_stored_batch_fetches_what_has_been_paid(world: World) -> None:
    start(world, "batch", switch=KillAt("storage.put", "events/000000000011.json")).killed()
    assert len(completions(world)) == 2
    cancel(world, "batch")
    check_stopped(world, "batch", kept=REQUESTS)  # the batches had ended


def test_cancelling_half_done_calls_keeps_what_was_stored(world: World) -> None:
    start(world, "realtime", switch=KillAt("storage.put", "events/000000000011.json")).killed()
    cancel(world, "realtime")
    check_stopped(world, "realtime", kept=2, lost=CONCURRENCY)


def test_a_batch_that_nobody_noted_is_found_before_it_is_cancelled(world: World) -> None:
    """It cannot be seen at first; given up unseen, it would run and be paid for nothing."""
    slow = FakeSettings(duration=6000.0, late=1.0)
    world.program(slow, switch=KillAt("backend.submit"), **LIMITS).killed()
    asyncio.run(world.program(slow, **LIMITS).client().cancel(world.job()))
    assert world.service.totals()["jobs"] == 1
    check_stopped(world, "batch", kept=len(completions(world)))


@pytest.mark.parametrize("mode", MODES)
def test_a_finished_job_cannot_be_cancelled_any_more(world: World, mode: str) -> None:
    start(world, mode).generate()
    before = world.state()
    cancel(world, mode)
    assert world.state() == before
    check_finished(world, start(world, mode).generate())
    check_finished(world, start(world, mode).resume())


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("after", [1, 3, 5, 11])
def test_a_living_owner_obeys_a_cancel_from_another_process(world: World, mode: str, after: int) -> None:
    other = start(world, mode)

    async def ask() -> None:
        with pytest.raises(JobBusy, match="process 2 on here.*it was asked to cancel and will do so at its next poll"):
            await other.client().cancel("instruct")

    world.wrap_backend = lambda backend: Meanwhile(backend, ask, after)
    owner = start(world, mode)
    world.wrap_backend = lambda backend: backend
    if (mode, after) == ("realtime", 11):
        owner.generate()  # there were not as many outcomes
        assert world.state().phase is Phase.FINISHED
        return
    with pytest.raises(JobUnfinished, match="was cancelled; what had been answered is kept"):
        owner.generate()
    kept = len(completions(world))
    if mode == "realtime":
        # Noticed when a segment is stored; the calls that had begun by then are awaited.
        assert after <= kept <= after + LIMITS["segment_outcomes"] + CONCURRENCY
        assert kept < REQUESTS
    else:
        # Polled before a line had run, while some had, and when the batches had ended.
        assert kept == REQUESTS if after == 11 else kept < REQUESTS
    check_stopped(world, mode, kept=kept)


def test_a_cancel_is_noticed_where_segments_are_saved_by_the_clock(world: World) -> None:
    """Slow calls never fill a segment of 100; a shard of them must not be paid to its end for that."""
    other = start(world, "realtime")

    async def ask() -> None:
        with pytest.raises(JobBusy):
            await other.client().cancel("instruct")

    world.wrap_backend = lambda backend: Meanwhile(backend, ask, 2)
    owner = start(world, "realtime", requests=1000, segment_outcomes=1000, segment_seconds=0.001)
    world.wrap_backend = lambda backend: backend
    with pytest.raises(JobUnfinished, match="was cancelled"):
        owner.generate()
    kept = len(completions(world))
    assert kept < REQUESTS
    check_stopped(world, "realtime", kept=kept)


@pytest.mark.parametrize("mode", MODES)
def test_a_cancel_that_its_owner_did_not_live_to_see_is_obeyed_by_the_next(world: World, mode: str) -> None:
    owner = start(world, mode, switch=KillAt("storage.put", "events/000000000008.json"))
    owner.killed()
    world.dead.clear()  # nobody has noticed yet
    with pytest.raises(JobBusy, match=f"process {owner.pid} on here"):
        cancel(world, mode)
    owner.die()
    with pytest.raises(JobUnfinished, match="was cancelled"):
        start(world, mode).generate()
    check_stopped(world, mode, kept=0)


def test_realtime_has_nothing_to_submit_ahead(world: World) -> None:
    with pytest.raises(SettingError, match="--no-wait"):
        start(world, "realtime").generate(wait=False)
    assert world.service.paid().total() == 0


def test_submitted_without_waiting_and_collected_by_another_process(world: World) -> None:
    mode = "batch"
    submitted = start(world, mode).generate(wait=False)
    assert submitted.sums is None
    assert not world.output.exists()
    assert world.state().phase is Phase.RUNNING
    again = start(world, mode).generate(wait=False)
    assert again.sums is None
    assert world.service.paid().total() == REQUESTS
    check_finished(world, start(world, mode).resume())


@pytest.mark.parametrize("by", ["the same process", "another process"])
def test_submitted_without_waiting_then_cancelled(world: World, by: str) -> None:
    mode = "batch"
    program = start(world, mode)
    program.generate(wait=False)
    canceller = program if by == "the same process" else start(world, mode)
    asyncio.run(canceller.client().cancel(world.job()))
    check_stopped(world, mode, kept=0)


def rounds(world: World) -> int:
    return sum(isinstance(event, RoundOpened) for event in world.stored(world.job()).events)


@pytest.mark.parametrize("mode", MODES)
def test_resume_asks_once_more_for_what_may_succeed(world: World, mode: str) -> None:
    failing = FakeSettings(mode=mode, fail=1.0)
    for opened in (3, 4, 5):
        program = world.program(failing)
        report = program.generate() if opened == 3 else program.resume()
        assert report.sums is not None
        assert report.sums.failures == REQUESTS
        assert rounds(world) == opened
    # The same command alone asks nothing again.
    world.program(failing).generate()
    assert rounds(world) == 5
    check_finished(world, world.program(FakeSettings(mode=mode)).resume())


@pytest.mark.parametrize("mode", MODES)
def test_resume_buys_nothing_where_all_failures_are_final(world: World, mode: str) -> None:
    final = FakeSettings(mode=mode, fail=0.5, fail_kinds=(FailureKind.CONTENT_FILTER,))
    first = world.program(final).generate()
    assert first.sums is not None
    assert 0 < first.sums.failures < REQUESTS
    before = (rounds(world), world.service.paid(), world.service.totals(), world.output.read_bytes())
    again = world.program(FakeSettings(mode=mode)).resume()
    assert again.sums == first.sums
    assert before == (rounds(world), world.service.paid(), world.service.totals(), world.output.read_bytes())


def test_a_batch_line_without_a_result_is_never_sent_again(world: World) -> None:
    first = world.program(FakeSettings(missing=1.0)).generate()
    assert first.sums is not None
    assert first.sums.failures_by_kind == {"unknown": REQUESTS}
    assert world.state().possibly_paid == REQUESTS
    for _ in range(2):
        world.program(FakeSettings()).resume()
    assert rounds(world) == 1
    assert (world.service.paid().total(), world.paid_twice()) == (REQUESTS, 0)


def test_a_realtime_call_without_a_reply_is_sent_once_more(world: World) -> None:
    program = world.program(FakeSettings(mode="realtime", lose_reply=1.0))
    report = program.generate()
    assert report.sums is not None
    assert report.sums.failures_by_kind == {"unknown": REQUESTS}
    assert world.service.paid().total() == 2 * REQUESTS
    assert world.state().possibly_paid == 2 * REQUESTS
    world.program(FakeSettings(mode="realtime")).resume()
    assert world.service.paid().total() == 2 * REQUESTS


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with Desk(tmp_path / "desk", write_papers(tmp_path / "corpus", PAPERS)) as made:
        yield made


def test_the_commands_of_two_processes(desk: Desk) -> None:
    backend = desk.backend("batch", duration=4)
    owner = desk.generate(backend)
    until(lambda: desk.remote_has("create"), "the submission")
    (job,) = desk.jobs()
    asked = desk.run("cancel", job)
    assert asked.code == 3
    assert f"process {owner.pid} on" in asked.err
    stopped = owner.wait()
    assert stopped.code == 3
    assert f"go on with: qwen-dataset resume {job}" in stopped.err
    assert desk.remote_has("cancel")
    refused = desk.generate(backend).wait()
    assert refused.code == 3
    assert f"qwen-dataset resume {job}" in refused.err
    resumed = desk.run("resume", job, "--backend", desk.backend("batch", duration=0.3), "--json")
    assert resumed.code == 0, resumed.err
    assert resumed.report["completions"] == REQUESTS
    assert (desk.paid()["paid"], desk.paid()["paid_twice"]) == (REQUESTS, 0)
