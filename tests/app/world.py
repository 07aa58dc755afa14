"""A small world in one process: papers, a storage, a paid service, and programs that may die at any step.

The whole library runs in it (``Client``, engine, curator, exporter); only the two ports are ours, so that a test can
kill a program and count what was paid. Time is the fake's: nothing is waited for.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Coroutine, Iterable
from pathlib import Path
from typing import Any, Literal

import attrs
import pytest
from stored import StoredJob, read_job

from qwen_dataset.adapters.inference.fake.backend import FakeBackend
from qwen_dataset.adapters.inference.fake.service import FakeService
from qwen_dataset.adapters.inference.fake.settings import FakeSettings
from qwen_dataset.adapters.storage.memory import MemoryStorage
from qwen_dataset.app.api.client import Client
from qwen_dataset.app.api.reports import Report
from qwen_dataset.app.engine.clock import Clock
from qwen_dataset.app.engine.job import Host
from qwen_dataset.app.engine.lease import Process
from qwen_dataset.app.wiring import bootstrap
from qwen_dataset.app.wiring.config import Config
from qwen_dataset.domain.inference import Outcome, Request
from qwen_dataset.domain.jobs import JobState, Way
from qwen_dataset.ports.inference import JobHandle, Limits, Offer, Progress
from qwen_dataset.ports.storage import Storage
from qwen_dataset.testing.crash import CrashingBackend, CrashingStorage, CrashPlan, CrashSwitch, SimulatedCrash

_NOUNS = ("kernel", "estimator", "lattice", "gradient", "sampler", "encoder", "solver", "membrane", "sensor", "cache")
_VERBS = ("reached", "lost", "kept", "doubled", "recovered", "predicted", "measured", "bounded", "reduced", "shifted")
_ADJECTIVES = ("sparse", "coupled", "robust", "coarse", "adaptive", "noisy", "frozen", "causal", "linear", "dense")
_SHORTEST_REAL_SLEEP = 15.0


def paper_text(name: str, *, sections: int = 3, sentences: int = 5) -> str:
    """Return a Markdown paper whose every sentence stands in no other paper; each section is one passage."""
    rng = random.Random(name)
    parts = [f"# The {name} report\n"]
    for section in range(1, sections + 1):
        parts.append(f"## Part {section} of {name}\n")
        lines = []
        for number in range(1, sentences + 1):
            adjective, noun, verb = rng.choice(_ADJECTIVES), rng.choice(_NOUNS), rng.choice(_VERBS)
            lines.append(
                f"In trial {section}-{number} of {name} the {adjective} {noun} {verb} {rng.randint(100, 999)} units"
                f" after {rng.randint(10, 99)} hours of {rng.choice(_NOUNS)} work."
            )
        parts.append(" ".join(lines) + "\n")
    return "\n".join(parts)


def write_papers(folder: Path, names: Iterable[str], *, sections: int = 3) -> Path:
    """Write one paper for each name into a folder and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / f"{name}.md").write_text(paper_text(name, sections=sections), encoding="utf-8")
    return folder


@attrs.frozen
class Tight:
    """A backend with narrower limits, so that few requests make several shards and segments."""

    inner: FakeBackend
    changes: dict[str, Any]

    @property
    def limits(self) -> Limits:
        return attrs.evolve(self.inner.limits, **self.changes)

    @property
    def realm(self) -> str:
        return self.inner.realm

    async def submit(self, key: str, requests: AsyncIterable[Request]) -> JobHandle:
        return await self.inner.submit(key, requests)

    async def poll(self, handle: JobHandle) -> Progress:
        return await self.inner.poll(handle)

    def results(self, handle: JobHandle, requests: AsyncIterable[Request]) -> AsyncGenerator[Outcome, None]:
        return self.inner.results(handle, requests)

    async def cancel(self, handle: JobHandle) -> JobHandle:
        return await self.inner.cancel(handle)

    async def __aenter__(self) -> Tight:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None


@attrs.define
class Meanwhile:
    """A backend beside which something happens when it has been asked ``after`` times (polls, or outcomes given)."""

    inner: Any
    act: Callable[[], Awaitable[None]]
    after: int

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    async def _count(self) -> None:
        self.after -= 1
        if self.after == 0:
            await self.act()

    async def poll(self, handle: JobHandle) -> Progress:
        progress: Progress = await self.inner.poll(handle)
        if not progress.ready:
            await self._count()
        return progress

    async def results(self, handle: JobHandle, requests: AsyncIterable[Request]) -> AsyncGenerator[Outcome, None]:
        outcomes = self.inner.results(handle, requests)
        try:
            async for outcome in outcomes:
                await self._count()
                yield outcome
        finally:
            await outcomes.aclose()

    async def __aenter__(self) -> Meanwhile:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None


class VirtualTime:
    """A host's clock. Short sleeps move it at once; long ones (renewing a lease) are never over in a short run."""

    def __init__(self) -> None:
        self.at = 1_000_000.0

    def now(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        if seconds >= _SHORTEST_REAL_SLEEP:
            await asyncio.sleep(seconds)
        self.at += seconds
        await asyncio.sleep(0)


class KillAt(CrashSwitch):
    """Kills at the ``time``-th step whose name begins with ``prefix`` and contains ``part``."""

    def __init__(
        self, prefix: str, part: str = "", *, when: Literal["before", "after"] = "after", time: int = 1
    ) -> None:
        super().__init__()
        self._wanted = (prefix, part, when)
        self._times_left = time

    async def _reached(self, number: int, name: str, when: str) -> None:
        prefix, part, wanted_when = self._wanted
        if name.startswith(prefix) and part in name and when == wanted_when:
            self._times_left -= 1
            if not self._times_left:
                self._plan = CrashPlan(number, wanted_when)
        await super()._reached(number, name, when)


class Program:
    """One process: it has a pid, runs coroutines of a ``Client``, and may be killed."""

    def __init__(self, world: World, settings: FakeSettings, *, switch: CrashSwitch | None, changes: dict[str, Any]):
        world.pids += 1
        self.world = world
        self.pid = world.pids
        self.address = f"world:{self.pid}"
        self.fake = FakeBackend(settings, service=world.service)
        self.stop = asyncio.Event()
        backend: Any = Tight(self.fake, {"segment_seconds": 60.0, **changes})
        self.storage: Storage = world.storage
        if switch is not None:
            backend, self.storage = CrashingBackend(backend, switch), CrashingStorage(world.storage, switch)
        realtime = settings.mode == "realtime"
        self.backend = world.wrap_backend(backend)
        world.offers[self.address] = lambda: Offer(
            backend=self.backend, name="fake", realtime=realtime, sleep=self.fake.clock.sleep
        )

    def client(self, **settings: Any) -> Client:
        """Return a client that runs as this process."""
        time = VirtualTime()
        process = Process(host="here", boot="1", pid_namespace="1", pid=self.pid, started=str(self.pid))
        clock = Clock(now=time.now, monotonic=time.now, sleep=time.sleep)
        host = Host(process=process, is_alive=lambda other: other.pid not in self.world.dead, clock=clock)
        config = Config(**{"backend": self.address, "poll": 5.0, **settings})
        return Client(config, storage=self.storage, host=host, stop=self.stop)

    def generate(self, papers: Path | None = None, output: Path | None = None, **options: Any) -> Report:
        """Run ``generate`` to its end."""
        return run(self.generating(papers, output, **options))

    async def generating(self, papers: Path | None = None, output: Path | None = None, **options: Any) -> Report:
        wait, settings = options.pop("wait", True), options
        client = self.client(**settings)
        verb = client.generate if wait else client.submit
        return await verb([papers or self.world.papers], output or self.world.output)

    def resume(self, job: str | None = None, output: Path | None = None, **settings: Any) -> Report:
        """Run ``resume`` to its end."""
        return run(self.client(**settings).resume(job, output))

    def killed(self, papers: Path | None = None, output: Path | None = None, **options: Any) -> None:
        """Run ``generate`` until the switch kills it, and be seen as dead."""
        with contextlib.suppress(SimulatedCrash, BaseExceptionGroup):
            self.generate(papers, output, **options)
            raise AssertionError("the program ended before it was killed")
        self.die()

    def die(self) -> None:
        """From now on other processes see that this one is gone."""
        self.world.dead.add(self.pid)


class World:
    """What outlives programs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.papers = folder / "papers"
        self.output = folder / "dataset.jsonl"
        self.pids = 0
        self.offers: dict[str, Callable[[], Offer]] = {}
        self.wrap_backend: Callable[[Any], Any] = lambda backend: backend
        self.renew()

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Make the library find this world's backends by their addresses."""

        async def backend(address: str | None, config: Config, *, way: Way | None, window_hours: int) -> Offer:
            assert address is not None
            return self.offers[address]()

        monkeypatch.setattr(bootstrap, "backend", backend)

    def renew(self) -> None:
        """Begin anew: empty storage, empty service, no output."""
        self.storage: Storage = MemoryStorage()
        self.service = FakeService()
        self.dead: set[int] = set()
        self.offers.clear()
        self.output.unlink(missing_ok=True)

    def program(self, settings: FakeSettings | None = None, *, switch: CrashSwitch | None = None, **changes: Any):
        """Start a process; ``changes`` are limits of its backend."""
        return Program(self, settings or FakeSettings(), switch=switch, changes=changes)

    def paid_twice(self) -> int:
        """Return how many payments were made for what had been paid already."""
        return sum(count - 1 for count in self.service.paid().values())

    def job(self) -> str:
        """Return the id of the only job."""
        (status,) = run(self.program().client().list_jobs())
        return str(status.job_id)

    def state(self, job_id: str | None = None) -> JobState:
        """Return where a job (the only one) stands."""
        return run(self.program().client().status(job_id or self.job())).state

    def stored(self, job_id: str) -> StoredJob:
        """Read a job's objects back, independently of the engine."""
        stored: StoredJob = run(read_job(self.storage, job_id))
        return stored


def run(work: Coroutine[Any, Any, Any] | Awaitable[Any]) -> Any:
    """Run a coroutine in a loop of its own, as a process would."""
    return asyncio.run(work)  # type: ignore[arg-type]
