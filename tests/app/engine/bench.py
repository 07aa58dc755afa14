"""A job on memory storage with plain requests, and a backend that does what a test tells it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable
from typing import Any, Self

import attrs

from qwen_dataset.adapters.storage.memory import MemoryStorage
from qwen_dataset.app.engine.budget import UNPRICED, Budget
from qwen_dataset.app.engine.clock import Clock
from qwen_dataset.app.engine.finishing import Finisher
from qwen_dataset.app.engine.harvest import Clean
from qwen_dataset.app.engine.job import Host, Job, own_job
from qwen_dataset.app.engine.lease import Process
from qwen_dataset.app.engine.pace import Pace
from qwen_dataset.app.engine.pilot import Judge, Pilot, nobody_judges
from qwen_dataset.app.engine.planner import UnwrittenPlan, write_plan
from qwen_dataset.app.engine.runner import Runner
from qwen_dataset.app.engine.tracker import RunProgress
from qwen_dataset.domain.inference import Completion, Failure, FailureKind, Message, Outcome, Request
from qwen_dataset.domain.jobs import JobSpec, Phase, Way
from qwen_dataset.domain.recipes.base import Draft
from qwen_dataset.domain.samples import Origin
from qwen_dataset.ports.inference import JobHandle, Limits, Progress
from qwen_dataset.ports.storage import Storage

LIMITS = Limits(requests=3, segment_outcomes=2, segment_seconds=1000.0, settle_seconds=7.0)


@attrs.define
class HandClock:
    """Time that moves only when somebody sleeps; remembers every sleep."""

    time: float = 1000.0
    slept: list[float] = attrs.field(factory=list)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds
        await asyncio.sleep(0)

    @property
    def clock(self) -> Clock:
        async def never(_: float) -> None:
            # Leases are renewed and segments saved by time in the background; here only when a test says so.
            await asyncio.Event().wait()

        return Clock(now=lambda: self.time, monotonic=lambda: self.time, sleep=never)


def process(number: int = 1, host: str = "here") -> Process:
    return Process(host=host, boot="b", pid_namespace="n", pid=number, started=f"{number}")


def host(clock: Clock, number: int = 1, *, alive: Callable[[Process], bool | None] = lambda _: False) -> Host:
    return Host(process=process(number), is_alive=alive, clock=clock)


def spec(name: str = "job", corpus: str = "c", realm: str = "test") -> JobSpec:
    return JobSpec(
        name=name, recipe="prompts", prompt_version="1", model="m", realm=realm, way=Way.BATCH, corpus=corpus
    )


def drafts(texts: list[str]) -> list[Draft]:
    return [Draft(messages=(Message("user", text),), origin=Origin(kind="prompt")) for text in texts]


def request_of(text: str, index: int = 0) -> Request:
    return Request(messages=(Message("user", text),), model="m", index=index)


@contextlib.asynccontextmanager
async def a_job(
    texts: list[str],
    *,
    storage: Storage | None = None,
    clock: HandClock | None = None,
    name: str = "job",
    number: int = 1,
) -> AsyncIterator[Job]:
    """Own a planned job whose requests ask these texts."""
    made = spec(name, corpus="-".join(texts))
    hands = clock or HandClock()
    async with own_job(
        storage or MemoryStorage(),
        made,
        job_id=made.job_id,
        host=host(hands.clock, number),
        backend="scripted",
    ) as job:
        if job.state.phase is Phase.NEW:
            with UnwrittenPlan(made.model, made.parameters) as plan:
                for draft in drafts(texts):
                    plan.add(draft)
                await write_plan(job, plan)
        yield job


def done(request: Request) -> Outcome:
    return Completion(request_id=request.id, text=f"answer to {request.messages[0].content}")


def failing(kind: FailureKind, *, retryable: bool) -> Callable[[Request], Outcome]:
    return lambda request: Failure(request_id=request.id, kind=kind, message="because", retryable=retryable)


@attrs.define
class Scripted:
    """A backend whose answers are given by ``answer``; what is asked of it is written down in ``calls``.

    ``submits`` and ``polls`` hold what the next calls raise or return; an empty list means success.
    """

    answer: Callable[[Request], Outcome | BaseException | None] = done
    limits: Limits = LIMITS
    realm: str = "test"
    submits: list[BaseException | None] = attrs.field(factory=list)
    polls: list[BaseException | Progress] = attrs.field(factory=list)
    calls: list[tuple[Any, ...]] = attrs.field(factory=list)
    cancel_errors: list[BaseException] = attrs.field(factory=list)
    before_submit: Callable[[str], None] = lambda _: None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    async def submit(self, key: str, requests: AsyncIterable[Request]) -> JobHandle:
        self.before_submit(key)
        texts = [request.messages[0].content async for request in requests]
        self.calls.append(("submit", key, texts))
        error = self.submits.pop(0) if self.submits else None
        if error is not None:
            raise error
        return JobHandle(backend="scripted", key=key, token="t")

    async def poll(self, handle: JobHandle) -> Progress:
        self.calls.append(("poll", handle.token))
        answer = self.polls.pop(0) if self.polls else Progress(ready=True)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    async def results(self, handle: JobHandle, requests: AsyncIterable[Request]) -> AsyncGenerator[Outcome, None]:
        async for request in requests:
            self.calls.append(("ask", handle.token, request.messages[0].content))
            outcome: Outcome | BaseException | None
            if handle.token == "cancelled":
                outcome = failing(FailureKind.CANCELLED, retryable=True)(request)
            else:
                outcome = self.answer(request)
            if isinstance(outcome, BaseException):
                raise outcome
            if outcome is not None:
                yield outcome

    async def cancel(self, handle: JobHandle) -> JobHandle:
        self.calls.append(("cancel", handle.token))
        if self.cancel_errors:
            raise self.cancel_errors.pop(0)
        return attrs.evolve(handle, token="cancelled")

    def asked(self) -> list[str]:
        return [call[2] for call in self.calls if call[0] == "ask"]

    def submitted(self) -> list[list[str]]:
        return [call[2] for call in self.calls if call[0] == "submit"]


def runner(
    job: Job,
    backend: Scripted,
    hands: HandClock,
    *,
    pace: Pace | None = None,
    stop: asyncio.Event | None = None,
    finisher: Finisher | None = None,
    clean: Clean | None = None,
    budget: Budget = UNPRICED,
    pilot: Pilot | None = None,
    judge: Judge = nobody_judges,
    notice: Callable[[str], None] = lambda _: None,
    on_progress: Callable[[RunProgress], None] = lambda _: None,
) -> Runner:
    return Runner(
        job,
        backend,
        backend_name="scripted",
        pace=pace or Pace(),
        sleep=hands.sleep,
        now=lambda: hands.time,
        stop=stop or asyncio.Event(),
        finisher=finisher,
        clean=clean,
        budget=budget,
        pilot=pilot,
        judge=judge,
        notice=notice,
        on_progress=on_progress,
    )
