"""What a seed means: papers, jobs, processes, and everything that goes wrong."""

from __future__ import annotations

import random

import attrs

from qwen_dataset.adapters.inference.fake.settings import FakeSettings
from qwen_dataset.adapters.readers.markdown import read_markdown
from qwen_dataset.domain.papers import Paper
from tests.simulation.ports import Weather
from tests.simulation.scheduler import Trap

_TOPICS = ("Gradient clipping", "Label smoothing", "Weight decay")
_TEXT = (
    "{topic} number {number} keeps the loss of model {number} below a threshold of {number}.5 during training. Without"
    " it, the loss of this network can diverge within {number}00 steps. The value was chosen once on a held-out set of"
    " {number}000 samples. Smaller models are less sensitive to it than larger ones."
)


def _paper(number: int, sections: int) -> Paper:
    parts = [f"# Paper {number} about training"]
    for section, topic in enumerate(_TOPICS[:sections]):
        parts += [f"## {topic}", _TEXT.format(topic=topic, number=10 * number + section + 1)]
    return read_markdown("\n\n".join(parts).encode(), source=f"paper{number}.md")


PAPERS = {f"paper{number}.md": _paper(number, sections) for number, sections in enumerate((1, 2, 3, 1), 1)}

# Where a trap snaps: anywhere, or where the order of steps matters most.
_PLACES = (
    ("", 250),
    ("", 60),
    ("events/", 40),
    ("/lease", 12),
    ("submit", 6),
    ("submit", 2),
    ("request", 12),
    ("results", 12),
    ("segments/", 10),
    ("shards/", 6),
    ("poll", 8),
    ("cancel", 8),
    ("woke", 10),
    ("spec.json", 6),
)

_DUELS = (
    ("get .*/events/", 12),
    ("request", 4),
    ("submit", 4),
    ("/lease", 40),
    ("events/", 24),
    ("shards/", 6),
    ("segments/", 6),
    ("results", 6),
    ("woke", 10),
)


@attrs.frozen(kw_only=True)
class Actor:
    """A process to start: what it does, to which job, when, where, and what befalls it."""

    verb: str  # generate, submit, resume or cancel
    job: int
    start: float
    host: str
    weight: float
    skew: float
    traps: tuple[Trap, ...]


@attrs.frozen(kw_only=True)
class Scenario:
    """Everything drawn for a schedule but its interleaving. ``jobs``: the papers of each.

    ``finish``: what a batch has not done within the time that every process is told is finished in realtime.
    """

    seed: int
    settings: FakeSettings
    weather: Weather
    jobs: tuple[tuple[str, ...], ...]
    actors: tuple[Actor, ...]
    segment: int
    rounds: int
    reruns: int
    finish: bool = False

    @property
    def realtime_settings(self) -> FakeSettings:
        """The service as it answers one call at a time, where ``settings`` are those of batches."""
        batch = self.settings
        return FakeSettings(
            mode="realtime", seed=batch.seed, fail=batch.fail, unavailable=batch.unavailable, latency=1.0, concurrency=2
        )


def draw(seed: int) -> Scenario:
    """Return what this seed means."""
    rng = random.Random(f"scenario {seed}")
    jobs = _jobs(rng)
    actors = [_actor(rng, "generate" if rng.random() < 0.85 else "submit", job) for job in range(len(jobs))]
    for _ in range(rng.choice((0, 1, 1, 2)) if len(jobs) > 1 else rng.choice((1, 1, 2))):
        verb = rng.choices(("generate", "resume", "submit", "cancel"), (5, 3, 1, 2))[0]
        actors.append(_actor(rng, verb, rng.randrange(len(jobs))))
    reruns = rng.choice((0, 1, 2))
    drama = rng.random()
    if drama < 0.4:
        job = rng.randrange(len(jobs))
        actors = [actor for actor in actors if actor.job != job]
        actors += _duel(rng, job) if drama < 0.2 else _slow_reader(rng, job) if drama < 0.25 else [_torn(rng, job)]
        reruns = 0 if 0.2 <= drama < 0.25 else max(reruns, 1)
    settings = _settings(rng)
    if 0.25 <= drama < 0.4 and settings.mode == "batch":
        settings = attrs.evolve(settings, late=1.0)
    stormy = rng.random() < 0.4
    # Drawn apart, so that a seed's schedule without it is what it always was.
    slow = random.Random(f"finish {seed}")
    finish = settings.mode == "batch" and slow.random() < 0.3
    if finish:
        settings = attrs.evolve(settings, duration=slow.choice((300.0, 2500.0, 7200.0)))
    return Scenario(
        seed=seed,
        settings=settings,
        weather=Weather(
            lost=rng.choice((0.02, 0.1, 0.5)) if stormy else 0.0,
            dropped=rng.choice((0.02, 0.1)) if stormy else 0.0,
            backend=rng.choice((0.0, 0.1, 0.3)),
            torn_listing=rng.choice((0.0, 0.05, 0.3)),
        ),
        jobs=jobs,
        actors=tuple(actors),
        segment=rng.choice((1, 1, 2, 3)),
        rounds=rng.choice((1, 2, 3)),
        reruns=reruns,
        finish=finish,
    )


def rerun(rng: random.Random, actor: Actor) -> Actor:
    """Return the process that comes after one that died or gave up, somewhat later."""
    verb = "generate" if actor.verb == "submit" or rng.random() < 0.5 else actor.verb
    host = actor.host if rng.random() < 0.6 else rng.choice(("east", "west"))
    return attrs.evolve(_actor(rng, verb, actor.job), host=host, start=rng.choice((0.0, 1.0, rng.random() * 90)))


def _jobs(rng: random.Random) -> tuple[tuple[str, ...], ...]:
    names = sorted(PAPERS)
    jobs: list[tuple[str, ...]] = []
    for _ in range(rng.choices((1, 2, 3), (8, 10, 2))[0]):
        corpus = tuple(sorted(rng.sample(names, rng.choice((1, 2, 2, 3)))))
        if corpus not in jobs:
            jobs.append(corpus)
    return tuple(jobs)


def _actor(rng: random.Random, verb: str, job: int) -> Actor:
    traps = []
    if rng.random() < 0.45:
        traps.append(_trap(rng, "crash"))
    if rng.random() < 0.35:
        traps.append(_trap(rng, "pause"))
    if rng.random() < 0.05:
        traps.append(_trap(rng, "stop"))
    return Actor(
        verb=verb,
        job=job,
        start=rng.choice((0.0, 0.0, rng.random() * 5, rng.random() * 120)),
        host=rng.choice(("east", "west")),
        weight=rng.choice((1.0, 1.0, 0.15)),
        skew=rng.choice((0.0, rng.random() * 1000)),
        traps=tuple(traps),
    )


def _duel(rng: random.Random, job: int) -> list[Actor]:
    """Return an owner that is paused beyond its lease, and one on another host that waits for just that."""

    def pause() -> Trap:
        where, most = rng.choice(_DUELS)
        return Trap(where, rng.randint(1, most), "pause", seconds=rng.uniform(90.0, 200.0))

    owner = attrs.evolve(_actor(rng, "generate", job), host="east", start=0.0, traps=(pause(),))
    verb = rng.choice(("generate", "generate", "resume", "cancel"))
    traps = (pause(),) if rng.random() < 0.6 else ()
    rival = attrs.evolve(_actor(rng, verb, job), host="west", start=rng.uniform(1.0, 40.0), traps=traps)
    third = attrs.evolve(_actor(rng, "generate", job), host="north", start=rng.uniform(30.0, 150.0), traps=())
    return [owner, rival, third][: rng.choice((2, 3))]


def _slow_reader(rng: random.Random, job: int) -> list[Actor]:
    """Return an owner that dies, one that takes over and is paused while it reads, and one that takes over from it."""
    death = Trap("submit .* after", 1, "crash")
    pause = Trap("get .*/events/", rng.randint(1, 8), "pause", seconds=rng.uniform(100.0, 200.0))
    owner = attrs.evolve(_actor(rng, "generate", job), host="east", start=0.0, traps=(death,))
    second = attrs.evolve(_actor(rng, "generate", job), host="west", start=rng.uniform(5.0, 20.0), traps=(pause,))
    third = attrs.evolve(_actor(rng, "generate", job), host="north", start=rng.uniform(90.0, 150.0), traps=())
    return [owner, second, third]


def _torn(rng: random.Random, job: int) -> Actor:
    """Return a process that dies around a submission; the next one begins before the dust has settled."""
    trap = Trap("submit .* after", rng.randint(1, 3), "crash")
    return attrs.evolve(_actor(rng, "generate", job), host="east", traps=(trap,))


def _trap(rng: random.Random, act: str) -> Trap:
    where, most = rng.choice(_PLACES)
    return Trap(where, rng.randint(1, most), act, seconds=rng.uniform(20.0, 200.0))


def _settings(rng: random.Random) -> FakeSettings:
    faults: dict[str, float] = {}
    if rng.random() < 0.5:
        names = ("fail", "missing", "duplicate", "stray", "unavailable", "delay")
        faults = {name: rng.choice((0.1, 0.3)) for name in rng.sample(names, rng.choice((1, 2, 6)))}
    common = {"seed": rng.randrange(3), "requests": rng.choice((1, 2, 3))}
    if rng.random() < 0.4:
        if faults and rng.random() < 0.3:
            faults["lose_reply"] = 0.2
        latency = rng.choice((0.0, 1.0, 20.0))
        return FakeSettings(
            mode="realtime", latency=latency, concurrency=rng.choice((1, 2, 3)), **common, **_known(faults)
        )
    for name in ("reject", "expire", "lose_submit"):
        if rng.random() < 0.2:
            faults[name] = 0.4
    if rng.random() < 0.5:
        faults["late"] = rng.choice((0.5, 1.0))
    return FakeSettings(mode="batch", duration=rng.choice((10.0, 60.0, 300.0)), settle=60.0, **common, **faults)


def _known(faults: dict[str, float]) -> dict[str, float]:
    return {name: chance for name, chance in faults.items() if name not in ("missing", "duplicate", "stray")}
