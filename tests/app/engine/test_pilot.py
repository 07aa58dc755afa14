"""A pilot: the first requests are a round of their own, elsewhere, and the rest waits for a verdict."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from qwen_dataset.adapters.storage.memory import MemoryStorage
from qwen_dataset.app.engine.finishing import Finisher
from qwen_dataset.app.engine.job import Job
from qwen_dataset.app.engine.pace import Until
from qwen_dataset.app.engine.pilot import Pilot
from qwen_dataset.domain.inference import FailureKind, Outcome, Request
from qwen_dataset.domain.jobs import Phase
from qwen_dataset.errors import BackendUnavailable, JobUnfinished, PilotFailed
from tests.app.engine.bench import HandClock, Scripted, a_job, done, failing, runner
from tests.app.engine.test_runner_money import Died, Ran

TEXTS = ["a", "b", "c", "d", "e", "f", "g"]


class World:
    """A batch backend, a realtime one, and a judge that says what it is told to."""

    def __init__(self, answer: Any = done, *, verdict: str | None = None) -> None:
        self.storage = MemoryStorage()
        self.batch = Scripted(answer)
        self.realtime = Scripted(answer)
        self.verdict = verdict
        self.judged: list[tuple[int, int]] = []

    async def judge(self, job: Job) -> str | None:
        assert job.state.least_yield == 0.25
        self.judged.append((job.state.completed, job.state.failed))
        return self.verdict

    def play(self, pilot: int | None = 2, *, number: int = 1, hurries: bool = False, **run: Any) -> Ran:
        hands = HandClock()

        async def scenario() -> Ran:
            error: BaseException | None = None
            finisher = Finisher(
                backend=self.realtime, backend_name="realtime", sleep=hands.sleep, after_seconds=60.0, hurries=hurries
            )
            asked_ahead = None if pilot is None else Pilot(requests=pilot, elsewhere=True, least_yield=0.25)
            async with a_job(TEXTS, storage=self.storage, clock=hands, number=number) as job:
                try:
                    await runner(job, self.batch, hands, finisher=finisher, pilot=asked_ahead, judge=self.judge).run(
                        **run
                    )
                except JobUnfinished as caught:
                    error = caught
                return Ran(job.state, job.index.counts(), error)

        return asyncio.run(scenario())


def test_the_first_requests_go_one_by_one_and_the_rest_as_a_batch() -> None:
    world = World()
    ran = world.play()
    assert ran.state.phase is Phase.FINISHED
    assert world.realtime.asked() == ["a", "b"]
    assert world.batch.asked() == ["c", "d", "e", "f", "g"]
    assert world.judged == [(2, 0)]
    assert (ran.state.completed, ran.state.failed) == (7, 0)


def test_a_verdict_stops_before_the_batch_and_resume_goes_on_all_the_same() -> None:
    world = World(verdict="the pilot gave too few samples")
    ran = world.play()
    assert isinstance(ran.error, PilotFailed)
    assert "too few samples" in str(ran.error)
    assert ran.state.phase is Phase.STOPPED
    assert world.batch.submitted() == []
    assert isinstance(world.play(number=2).error, JobUnfinished)
    assert world.batch.submitted() == []
    ran = world.play(number=3, reopen=True)
    assert ran.state.phase is Phase.FINISHED
    assert world.realtime.asked() == ["a", "b"]
    assert world.batch.asked() == ["c", "d", "e", "f", "g"]


def test_what_failed_in_the_pilot_is_asked_again_after_the_rest_was_asked_once() -> None:
    tries: dict[str, int] = {}

    def fails_once(request: Request) -> Outcome:
        text = request.messages[0].content
        tries[text] = tries.get(text, 0) + 1
        if tries[text] == 1 and text in ("a", "e"):
            return failing(FailureKind.SERVER_ERROR, retryable=True)(request)
        return done(request)

    world = World(fails_once)
    ran = world.play()
    assert world.judged == [(1, 1)]
    assert world.batch.submitted() == [["c", "d", "e"], ["f", "g"], ["a", "e"]]
    assert (ran.state.completed, ran.state.failed, ran.state.unanswered) == (7, 0, 0)


def test_a_pilot_is_no_pass_over_what_is_unanswered() -> None:
    """Three rounds are asked for what fails, however many requests were asked ahead."""

    def fails(request: Request) -> Outcome:
        return failing(FailureKind.SERVER_ERROR, retryable=True)(request)

    world = World(fails)
    world.play()
    asked = world.batch.asked()
    assert [asked.count(text) for text in TEXTS] == [2, 2, 3, 3, 3, 3, 3]


def test_a_pilot_larger_than_the_job_is_the_whole_job() -> None:
    world = World()
    assert world.play(100).state.phase is Phase.FINISHED
    assert world.batch.submitted() == []
    assert world.judged == [(7, 0)]


def test_a_run_that_dies_in_the_pilot_goes_on_with_it() -> None:
    dead = False

    def dies_once(request: Request) -> Outcome | BaseException:
        nonlocal dead
        if request.messages[0].content == "b" and not dead:
            dead = True
            return Died()
        return done(request)

    world = World(dies_once)
    with pytest.raises(Died):
        world.play()
    # Also without being told again that there was to be a pilot, and what it must give.
    ran = world.play(None, number=2)
    assert ran.state.phase is Phase.FINISHED
    assert world.realtime.asked() == ["a", "b", "b"]
    assert world.batch.asked() == ["c", "d", "e", "f", "g"]
    assert world.judged == [(2, 0)]


def test_a_run_that_dies_before_the_verdict_is_judged_when_it_comes_back() -> None:
    world = World(verdict="no")
    verdict = world.judge

    async def dies(_: Job) -> str | None:
        raise Died

    world.judge = dies  # type: ignore[method-assign]
    with pytest.raises(Died):
        world.play()
    world.judge = verdict  # type: ignore[method-assign]
    assert isinstance(world.play(number=2).error, PilotFailed)
    assert world.batch.submitted() == []


def test_submitting_without_waiting_waits_for_the_pilot() -> None:
    world = World()
    ran = world.play(until=Until.SUBMITTED)
    assert ran.state.phase is Phase.RUNNING
    assert world.realtime.asked() == ["a", "b"]
    assert world.judged == [(2, 0)]
    assert world.batch.submitted() == [["c", "d", "e"], ["f", "g"]]
    assert world.batch.asked() == []


def test_a_job_that_has_begun_gets_no_pilot() -> None:
    world = World()
    world.batch.submits = [BackendUnavailable("no reply")] * 20
    assert isinstance(world.play(None).error, JobUnfinished)
    world.batch.submits = []
    assert world.play(2, number=2).state.phase is Phase.FINISHED
    assert world.realtime.asked() == []


def test_stragglers_are_finished_elsewhere_after_a_pilot_as_well() -> None:
    def sticks(request: Request) -> Outcome:
        return failing(FailureKind.EXPIRED, retryable=True)(request)

    world = World()
    world.batch.answer = sticks
    ran = world.play(hurries=True)
    assert ran.state.phase is Phase.FINISHED
    assert world.realtime.asked() == TEXTS
    assert ran.state.completed == 7
