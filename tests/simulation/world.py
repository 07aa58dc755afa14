"""Processes that share a storage and a service: each is the library's own ``Client`` with its own ports and clock."""

from __future__ import annotations

import asyncio
import gc
import hashlib
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import attrs
import orjson

from qwen_dataset.adapters.storage import memory as memory_module
from qwen_dataset.app.api import reading as reading_module
from qwen_dataset.app.api.client import Client
from qwen_dataset.app.api.reports import Report
from qwen_dataset.app.engine import lease as lease_module
from qwen_dataset.app.engine.clock import Clock
from qwen_dataset.app.engine.job import Host
from qwen_dataset.app.engine.lease import Process
from qwen_dataset.app.wiring import bootstrap, plugins
from qwen_dataset.app.wiring.config import Config
from qwen_dataset.domain.jobs import Way
from qwen_dataset.domain.papers import Paper
from qwen_dataset.errors import QwenDatasetError
from qwen_dataset.ports.inference import Offer
from qwen_dataset.testing.crash import SimulatedCrash
from tests.simulation.books import Books
from tests.simulation.ports import SimBackend, SimStorage, Weather
from tests.simulation.scenario import PAPERS, Actor, Scenario, rerun
from tests.simulation.scheduler import Scheduler, SimProcess, Stuck

_MOST_RERUNS = 30
_CALM = Weather()
_here: ContextVar[tuple[World, SimProcess]] = ContextVar("_here")


class BrokenPromise(AssertionError):
    """A schedule showed something that must never be."""


@attrs.frozen(kw_only=True)
class Run:
    """A process that came to its end: what it was to do, and how that ended."""

    actor: Actor
    process: SimProcess
    report: Report | None = None


class World:
    """One schedule: ``run`` plays it, the rest is what remains to be judged."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.scheduler = Scheduler(scenario.seed)
        self.books = Books(self.scheduler)
        self.storage = self.books.storage
        self.weather = scenario.weather
        self.processes: list[SimProcess] = []
        self.outputs: dict[str, bytes] = {}
        self.runs: list[Run] = []
        self.nonces: dict[str, int] = {}

    def run(self) -> None:
        """Play the schedule to its end. Raises BrokenPromise when it has none or something foreign is raised."""
        loop = self.scheduler.loop()
        collecting = gc.isenabled()
        gc.disable()  # a generator closed at a moment that memory decides would be a step that no seed knows of
        try:
            loop.run_until_complete(self._play())
        except Stuck as stuck:
            raise BrokenPromise(f"the schedule hangs: {stuck}") from stuck
        finally:
            self._clear_away(loop)
            loop.close()
            if collecting:
                gc.enable()
        if self.scheduler.errors:
            raise BrokenPromise("a task ended with an error that nobody took") from self.scheduler.errors[0]

    def _clear_away(self, loop: asyncio.AbstractEventLoop) -> None:
        """End what a broken schedule left, so that nothing of it runs later."""
        for process in self.processes:
            self.scheduler.kill(process)
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        if left:
            with suppress(Stuck):
                loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))

    async def _play(self) -> None:
        await asyncio.gather(*(asyncio.create_task(self._life(actor)) for actor in self.scenario.actors))
        self.weather = _CALM
        missing = set(range(len(self.scenario.jobs)))
        for _ in range(_MOST_RERUNS):
            if not missing:
                break
            actors = [self._helper(job) for job in sorted(missing)]
            self.scheduler.rng.shuffle(actors)
            if self.scheduler.rng.random() < 0.5:
                ended = await asyncio.gather(*(asyncio.create_task(self._act(actor)) for actor in actors))
            else:
                ended = [await asyncio.create_task(self._act(actor)) for actor in actors]
            missing -= {run.actor.job for run in ended if run.report is not None and run.report.sums is not None}
        else:
            raise BrokenPromise(f"{len(missing)} jobs do not end: {[run.process.fate for run in self.runs[-6:]]}")
        if left := asyncio.all_tasks() - {asyncio.current_task()}:
            raise BrokenPromise(f"tasks are left behind: {sorted(map(repr, left))}")

    async def _life(self, actor: Actor) -> None:
        for chance in range(1 + self.scenario.reruns):
            await asyncio.sleep(actor.start)
            run = await asyncio.create_task(self._act(actor))
            if run.process.fate == "done" or chance == self.scenario.reruns:
                return
            actor = rerun(self.scheduler.rng, actor)

    def _helper(self, job: int) -> Actor:
        """Return a process that nothing befalls; once a job was planned, it may also be resumed."""
        rng = self.scheduler.rng
        planned = any(key.startswith(f"job{job}-") and "/events/" in key for key in self._keys())
        verb = "resume" if planned and self._tried(job) and rng.random() < 0.7 else "generate"
        return Actor(verb=verb, job=job, start=0.0, host=rng.choice(("east", "west")), weight=1.0, skew=0.0, traps=())

    def _tried(self, job: int) -> bool:
        # A job that a person cancelled wants to be resumed, one that was not planned to be generated.
        last = [run for run in self.runs if run.actor.job == job][-1:]
        return bool(last) and last[0].process.fate != "SettingError"

    def _keys(self) -> list[str]:
        return self.storage._sorted

    async def _act(self, actor: Actor) -> Run:
        process = SimProcess(
            number=len(self.processes),
            host=actor.host,
            weight=actor.weight,
            skew=actor.skew,
            traps=[attrs.evolve(trap) for trap in actor.traps],
        )
        self.processes.append(process)
        _here.set((self, process))
        self.scheduler.note(process, f"STARTS {actor.verb} job{actor.job} on {actor.host}")
        report = None
        try:
            report = await self._do(actor, process)
            process.fate = "done"
        except SimulatedCrash:
            process.fate = "crash"
        except QwenDatasetError as error:
            process.fate = type(error).__name__
            self._judge(actor, process, error)
        process.ended = True
        self.scheduler.note(process, f"ENDS {process.fate}")
        run = Run(actor=actor, process=process, report=report)
        self.runs.append(run)
        return run

    async def _do(self, actor: Actor, process: SimProcess) -> Report | None:
        clock = Clock(
            now=lambda: self.scheduler.now,
            monotonic=lambda: self.scheduler.now + process.skew,
            sleep=lambda seconds: self.scheduler.sleep(process, seconds),
        )
        host = Host(process=self._identity(process), is_alive=self._is_alive(process), clock=clock)
        config = Config(backend="sim", storage="sim", job_name=f"job{actor.job}", rounds=self.scenario.rounds)
        if self.scenario.finish:
            config = attrs.evolve(config, finish="realtime", after="30m")
        client = Client(config, host=host, stop=process.stop)
        papers = [Path(name) for name in self.scenario.jobs[actor.job]]
        match actor.verb:
            case "generate" | "submit":
                # Realtime has nothing to submit ahead.
                wait = actor.verb == "generate" or self.scenario.settings.mode == "realtime"
                verb = client.generate if wait else client.submit
                return await verb(papers, output_of(actor.job))
            case "resume":
                return await client.resume(f"job{actor.job}")
            case _:
                await client.cancel(f"job{actor.job}")
                return None

    @staticmethod
    def _identity(process: SimProcess) -> Process:
        return Process(host=process.host, boot="1", pid_namespace="1", pid=process.number, started="0")

    def _is_alive(self, observer: SimProcess) -> Any:
        def is_alive(other: Process) -> bool | None:
            if other.host != observer.host:
                return None
            there = self.processes[other.pid]
            return not (there.dead or there.ended)

        return is_alive

    def _judge(self, actor: Actor, process: SimProcess, error: QwenDatasetError) -> None:
        """Let through only the errors that this run may meet."""
        expected = {"JobBusy", "JobOverlap", "JobUnfinished", "LeaseLost"}
        if self.weather is not _CALM:
            expected.add("StorageUnavailable")
        if actor.verb in ("resume", "cancel"):
            expected.add("JobNotFound")
        unplanned = actor.verb in ("resume", "cancel") and "never planned" in str(error)
        # It looks at the file with an old view of the job, and would learn next that the job is another's.
        strange_file = "was not written by job" in str(error) or "was written by something else" in str(error)
        surprised = strange_file and self.books.has_lost_its_lease(process)
        if process.fate not in expected and not unplanned and not surprised:
            raise BrokenPromise(f"process {process.number} ({actor.verb}) raised {process.fate}: {error}") from error


def output_of(job: int) -> Path:
    return Path("/simulated") / f"{job}.jsonl"


async def _backend(_address: str | None, _config: Config, *, way: Way | None, window_hours: int) -> Offer:
    world, process = _here.get()
    scenario = world.scenario
    finishes = scenario.finish and way is Way.REALTIME
    settings = scenario.realtime_settings if finishes else scenario.settings
    backend = SimBackend(settings, world.books, process, world.weather, scenario.segment)
    return Offer(backend=backend, name="fake", realtime=settings.mode == "realtime", sleep=backend.sleep)


def _storage(_address: str) -> SimStorage:
    world, process = _here.get()
    return SimStorage(world.books, process, world.weather)


async def _papers_of(paths: Sequence[Path], report: Any, *_: Any, **__: Any) -> AsyncGenerator[Paper, None]:
    # Without the thread that papers are read in: no seed chooses when a thread goes on.
    for path in paths:
        report.papers += 1
        yield PAPERS[path.name]


class _Secrets:
    """Nonces that say which process drew them."""

    @staticmethod
    def token_hex(_: int) -> str:
        world, process = _here.get()
        nonce = f"{process.number:04x}{len(world.nonces):04x}"
        world.nonces[nonce] = process.number
        return nonce


class _Writer:
    """A dataset file in the world's memory."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines: list[bytes] = []

    @property
    def digest(self) -> str:
        return hashlib.sha256(b"".join(self._lines)).hexdigest()

    def write(self, record: Mapping[str, Any]) -> None:
        self._lines.append(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE))

    def commit(self) -> None:
        world, process = _here.get()
        world.scheduler.check(process)
        world.outputs[str(self._path)] = b"".join(self._lines)


@contextmanager
def _opened(path: Path) -> Iterator[_Writer]:
    yield _Writer(path)


def _digest(path: Path) -> str | None:
    data = _here.get()[0].outputs.get(str(path))
    return None if data is None else hashlib.sha256(data).hexdigest()


@contextmanager
def wired() -> Iterator[None]:
    """Let every ``Client`` built inside have the ports of the simulated process that builds it."""
    output = SimpleNamespace(open=_opened, check=lambda _: None, digest=_digest, recognise=lambda _: False)
    with (
        mock.patch.object(bootstrap, "backend", _backend),
        mock.patch.object(plugins, "open_storage", _storage),
        mock.patch.object(plugins, "output_format", return_value=output),
        mock.patch.object(reading_module, "papers_of", _papers_of),
        mock.patch.object(lease_module, "secrets", _Secrets),
        # The same few keys are judged again and again.
        mock.patch.object(memory_module, "split_key", lru_cache(10_000)(memory_module.split_key)),
        mock.patch.object(memory_module, "split_prefix", lru_cache(10_000)(memory_module.split_prefix)),
    ):
        yield
