"""What must hold after every schedule, judged from the stored bytes and the service's own books alone."""

from __future__ import annotations

from collections import Counter, defaultdict
from functools import cache
from typing import Any

import attrs
import orjson

from qwen_dataset.adapters.inference.fake.settings import FakeSettings
from qwen_dataset.app.codec import Envelope, StoredOutcome, decode
from qwen_dataset.app.engine.fates import Fate
from qwen_dataset.app.engine.id_lists import decode_ids
from qwen_dataset.app.engine.index import Index
from qwen_dataset.app.engine.job import look_at
from qwen_dataset.app.engine.layout import Layout
from qwen_dataset.app.engine.ledger import Ledger
from qwen_dataset.domain.events import Opened, RoundOpened, Stored
from qwen_dataset.domain.inference import Completion, FailureKind
from qwen_dataset.domain.jobs import JobState, Phase
from tests.simulation.books import Bought, finished
from tests.simulation.ports import Weather
from tests.simulation.scenario import Actor, Scenario
from tests.simulation.world import BrokenPromise, World, output_of

_ENDED_CLEANLY = ("done", "JobUnfinished", "JobBusy", "JobOverlap")


@attrs.define(kw_only=True)
class Story:
    """A job as its stored events tell it, added up here and not by the engine."""

    job: str
    number: int
    planned: list[str]
    events: list[Envelope]  # those that count
    refused: int = 0  # those of former owners
    history: dict[str, list[StoredOutcome]] = attrs.field(factory=dict)
    kept_by: dict[int, Counter[str]] = attrs.field(factory=dict)  # what a process may have called for and stored

    @property
    def completed(self) -> set[str]:
        return {ident for ident, told in self.history.items() if _is_completion(told[-1])}


def check(world: World) -> Counter[str]:
    """Raise BrokenPromise for the first promise that does not hold; return figures of the schedule."""
    jobs = sorted({key.partition("/")[0] for key in world.storage._sorted if key.endswith("/spec.json")})
    _expect(len(jobs) == len(world.scenario.jobs), f"{len(jobs)} jobs are stored")
    _expect(not world.books.robbed, "; ".join(world.books.robbed))
    stories = [finished(_read(world, job)) for job in jobs]
    for story in stories:
        finished(_check_job(world, story))
    figures = Counter(schedules=1, steps=world.scheduler.steps, refused_events=sum(s.refused for s in stories))
    if world.scenario.settings.mode == "batch":
        figures += _check_batch_payments(world, stories)
    if world.scenario.finish or world.scenario.settings.mode == "realtime":
        figures += _check_calls(world, stories)
    for story in stories:
        _check_dataset(world, story)
    figures.update(f"ended {run.process.fate}" for run in world.runs)
    return figures


async def _read(world: World, job: str) -> Story:
    """Read a job's events: between an Opened and the next one, only those of its nonce count."""
    layout, storage = Layout(job), world.storage
    number = int(job.removeprefix("job").partition("-")[0])
    planned: list[str] = []
    async for key in storage.keys(f"{job}/requests"):
        if key.endswith(".ids"):
            planned += decode_ids(await storage.get(key), where=key)
    story = Story(job=job, number=number, planned=planned, events=[])
    owner, place = None, 0
    realtime = world.scenario.settings.mode == "realtime"
    async for key in storage.keys(layout.events):
        place += 1
        _expect(key == layout.event(place), f"event {place} of {job} is missing")
        envelope = decode(Envelope, await storage.get(key), where=key)
        if isinstance(envelope.event, Opened):
            owner = envelope.event.nonce
        if envelope.nonce != owner:
            story.refused += 1
            continue
        story.events.append(envelope)
        if isinstance(envelope.event, RoundOpened):
            realtime = envelope.event.finishing or world.scenario.settings.mode == "realtime"
        if isinstance(envelope.event, Stored):
            await _tell(world, story, envelope, envelope.event, realtime=realtime)
    return story


async def _tell(world: World, story: Story, envelope: Envelope, event: Stored, *, realtime: bool) -> None:
    data = await world.storage.get(event.segment)  # what an event names must be there
    lines = [decode(StoredOutcome, line, where=event.segment) for line in data.splitlines()]
    named = [*event.completed, *event.retryable, *event.failed, *event.unsure, *event.unknown]
    ids = [line.outcome.request_id for line in lines]
    _expect(sorted(ids) == sorted(named), f"{event.segment} does not hold what its event names")
    _expect(sorted(i.outcome.request_id for i in lines if _is_completion(i)) == sorted(event.completed), "wrong list")
    for line in lines:
        ident = line.outcome.request_id
        told = story.history.setdefault(ident, [])
        _expect(not (told and _is_completion(told[-1])), f"{story.job} stored an outcome of {ident} after its answer")
        told.append(line)
        if realtime and line.source is None and (_is_completion(line) or _is_unknown(line)):
            story.kept_by.setdefault(world.nonces[envelope.nonce], Counter())[ident] += 1


async def _check_job(world: World, story: Story) -> None:
    """Every request has one outcome, and state, index, sums and events agree about how many have which."""
    total, answered = len(story.planned), len(story.completed)
    _expect(len(set(story.planned)) == total, f"{story.job} planned an id twice")
    _expect(set(story.history) == set(story.planned), f"{story.job} has requests without an outcome, or strangers")
    layout = Layout(story.job)
    with Index(world.storage, layout) as index:
        ledger = Ledger(world.storage, layout, listener=index.apply)
        await ledger.load()
        counts = index.counts()
    state: JobState = ledger.state
    _expect(state == (await look_at(world.storage, story.job)).state, "two readings differ")
    _expect(state.phase is Phase.FINISHED and not state.shards and not state.open, f"{story.job} is {state}")
    _expect((state.requests, state.completed, state.failed) == (total, answered, total - answered), f"sums: {state}")
    _expect(counts.get(Fate.COMPLETED, 0) == answered and sum(counts.values()) == total, f"index: {counts}")
    _expect(counts.get(Fate.UNANSWERED, 0) == 0, f"{story.job} is finished and has unanswered requests")
    reused = sum(told[-1].source is not None and _is_completion(told[-1]) for told in story.history.values())
    _expect(state.reused == reused, f"{story.job} reused {reused} and says {state.reused}")
    last = [r.report.sums for r in world.runs if r.actor.job == story.number and r.report and r.report.sums][-1]
    said = (last.requests, last.completions, last.failures, last.unanswered, last.reused)
    _expect(said == (total, answered, total - answered, 0, reused), f"{story.job} reports {last}")


def _check_batch_payments(world: World, stories: list[Story]) -> Counter[str]:
    """Batch: nothing is paid twice, and what was paid is delivered to the job that paid it."""
    service = world.books.service
    paid: dict[str, list[Bought]] = defaultdict(list)
    calls: Counter[str] = Counter()
    for bought in world.books.bought:
        if not bought.remote:
            calls.update(bought.ids)
            continue
        _expect(bought.checked, f"process {bought.process} submitted without looking at its lease")
        for ident in service.job(bought.remote).paid_ids(service.cancelled_at(bought.remote)):
            paid[ident].append(bought)
    in_batches = Counter({ident: len(each) for ident, each in paid.items()})
    _expect(in_batches + calls == service.paid(), "the books do not add up")
    by_job = {story.job: story for story in stories}
    figures = Counter(paid=sum(map(len, paid.values())))
    for ident, each in paid.items():
        # The one possibility that remains: an owner paused between its look at the lease and the create.
        stale = sum(bought.stale for bought in each)
        _expect(len(each) <= 1 + stale, f"{ident} was paid {len(each)} times ({stale} stale): {each}")
        # What a batch was paid for is stored before anything is finished elsewhere, so that does not ask for it.
        _expect(not calls[ident] or stale == len(each), f"{ident} was paid in a batch and called as well: {each}")
        figures["paid twice by a paused owner"] += len(each) > 1
        for bought in each:
            told = by_job[bought.key.partition("/")[0]].history[ident]
            delivered = any(_is_completion(line) or _is_unknown(line) for line in told)
            _expect(delivered or bought.stale, f"{ident} was paid by {bought} and its answer is lost")
    figures["finished in realtime"] = calls.total()
    figures["stale submissions"] = sum(bought.stale for bought in world.books.bought)
    return figures


def _check_calls(world: World, stories: list[Story]) -> Counter[str]:
    """Realtime: what is paid and not kept is bounded for each process, and only that is paid again."""
    scenario = world.scenario
    settings = scenario.realtime_settings if scenario.finish else scenario.settings
    limits = settings.concurrency + scenario.segment
    kept: Counter[tuple[int, str]] = Counter()
    for story in stories:
        for process, ids in story.kept_by.items():
            for ident, count in ids.items():
                kept[process, ident] += count
    called = [bought for bought in world.books.bought if not bought.remote]
    calls = Counter((bought.process, ident) for bought in called for ident in bought.ids)
    lost: Counter[str] = Counter()
    lost_by: Counter[int] = Counter()
    for (process, ident), count in calls.items():
        missing = max(count - kept[process, ident], 0)
        lost[ident] += missing
        lost_by[process] += missing
    for process, count in lost_by.items():
        fate = world.processes[process].fate
        bound = 0 if fate in _ENDED_CLEANLY else limits
        _expect(count <= bound, f"process {process} ({fate}) lost {count} paid answers, at most {bound} may be")
    paid = Counter(ident for bought in called for ident in bought.ids)
    for ident, count in paid.items():
        told = [line for story in stories for line in story.history.get(ident, ()) if line.source is None]
        unknown = sum(map(_is_unknown, told))
        _expect(count <= 1 + lost[ident] + unknown, f"{ident} was called {count} times and lost {lost[ident]} times")
    return Counter(paid=0 if scenario.finish else paid.total(), lost_calls=sum(lost.values()))


def _check_dataset(world: World, story: Story) -> None:
    """The dataset is that of an undisturbed run, without the samples whose requests failed in the end."""
    scenario = world.scenario
    whole = undisturbed(scenario.jobs[story.number], scenario.settings.mode, scenario.settings.seed)
    completed = story.completed
    wanted = b"".join(line for line in whole if _request_of(line) in completed)
    _expect(bool(whole), "an undisturbed run gives no sample, so it shows nothing")
    found = world.outputs[str(output_of(story.number))]
    _expect(found == wanted, f"the dataset of {story.job} differs from that of an undisturbed run")


@cache
def undisturbed(papers: tuple[str, ...], mode: str, seed: int) -> tuple[bytes, ...]:
    """Return the lines of the dataset that one process makes when nothing goes wrong."""
    actor = Actor(verb="generate", job=0, start=0.0, host="east", weight=1.0, skew=0.0, traps=())
    scenario = Scenario(
        seed=0,
        settings=FakeSettings(mode=mode, seed=seed),
        weather=Weather(torn_listing=0.0),
        jobs=(papers,),
        actors=(actor,),
        segment=100,
        rounds=1,
        reruns=0,
    )
    world = World(scenario)
    world.run()
    return tuple(world.outputs[str(output_of(0))].splitlines(keepends=True))


@cache
def _request_of(line: bytes) -> str:
    record: dict[str, Any] = orjson.loads(line)
    return str(record["metadata"]["request_id"])


def _is_completion(line: StoredOutcome) -> bool:
    return isinstance(line.outcome, Completion)


def _is_unknown(line: StoredOutcome) -> bool:
    return not isinstance(line.outcome, Completion) and line.outcome.kind is FailureKind.UNKNOWN


def _expect(holds: bool, otherwise: str) -> None:
    if not holds:
        raise BrokenPromise(otherwise)
