"""An event loop whose time is a number and whose every choice is drawn from a seed.

The loop asks its selector to wait when no callback is ready: that is the moment when every task of every simulated
process stands at a gate or sleeps. There the scheduler chooses what happens next: one gate opens, or time passes. No
thread, no wall clock and no order of a set takes part, so a seed is a schedule.
"""

from __future__ import annotations

import asyncio
import random
import re
import selectors
from typing import Any

import attrs

from qwen_dataset.testing.crash import SimulatedCrash

MOST_STEPS = 40_000
MOST_SECONDS = 100_000.0
_TIME_PASSES = 0.1  # the chance that time goes on although somebody could
_MOMENT = 2.0


class Stuck(Exception):
    """A schedule did not come to its end."""


@attrs.define(eq=False)
class Trap:
    """Something that befalls a process at its ``countdown``-th gate whose label ``where`` (a pattern) is found in."""

    where: str
    countdown: int
    act: str  # crash, pause or stop
    seconds: float = 0.0


@attrs.define(eq=False)
class SimProcess:
    """One simulated process: dead or alive, on a host, sometimes held for a while."""

    number: int
    host: str
    weight: float = 1.0
    skew: float = 0.0
    traps: list[Trap] = attrs.field(factory=list)
    dead: bool = False
    ended: bool = False
    held_until: float = 0.0
    stop: asyncio.Event = attrs.field(factory=asyncio.Event)
    fate: str = ""
    # What each of its tasks did last on the storage: the job whose lease it saw as its own, or "".
    looked: dict[asyncio.Task[Any] | None, str] = attrs.field(factory=dict)


@attrs.frozen(eq=False)
class _Gate:
    process: SimProcess
    label: str
    opened: asyncio.Future[None]


class _Selector(selectors.SelectSelector):
    def __init__(self, scheduler: Scheduler) -> None:
        super().__init__()
        self._scheduler = scheduler

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout > 0:
            self._scheduler.idle(timeout)
        return []


class SimLoop(asyncio.SelectorEventLoop):
    """A loop on the scheduler's time."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        super().__init__(_Selector(scheduler))

    def time(self) -> float:
        return self._scheduler.now


class Scheduler:
    """Opens gates and lets time pass, as the seed says. ``log`` has a line for each step that was taken."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.now = 0.0
        self.steps = 0
        self.log: list[str] = []
        self.errors: list[BaseException] = []
        self._gates: list[_Gate] = []
        self._asleep: dict[asyncio.Future[None], SimProcess] = {}

    def loop(self) -> SimLoop:
        loop = SimLoop(self)
        loop.set_exception_handler(self._unhandled)
        return loop

    def note(self, process: SimProcess, text: str) -> None:
        self.log.append(f"{self.steps} {self.now:.3f} p{process.number} {text}")

    async def gate(self, process: SimProcess, label: str) -> None:
        """Wait until the scheduler lets this process go on. Raises SimulatedCrash once it is dead."""
        self.check(process)
        for trap in process.traps:
            if re.search(trap.where, label):
                trap.countdown -= 1
                if trap.countdown == 0:
                    self._spring(process, trap, label)
        gate = _Gate(process, label, asyncio.get_running_loop().create_future())
        self._gates.append(gate)
        try:
            await gate.opened
        finally:
            if gate in self._gates:
                self._gates.remove(gate)
        self.check(process)

    async def sleep(self, process: SimProcess, seconds: float) -> None:
        """Wait seconds of virtual time; then the process must be let go on as after any other step."""
        self.check(process)
        loop = asyncio.get_running_loop()
        over: asyncio.Future[None] = loop.create_future()
        timer = loop.call_later(max(seconds, 0.0), _resolve, over)
        self._asleep[over] = process
        try:
            await over
        finally:
            timer.cancel()
            del self._asleep[over]
        await self.gate(process, "woke")

    def check(self, process: SimProcess) -> None:
        if process.dead:
            raise SimulatedCrash(f"process {process.number} is dead")

    def kill(self, process: SimProcess) -> None:
        """End a process at this step: whatever it waits for, it never learns of it."""
        process.dead = True
        waiting = [gate.opened for gate in self._gates if gate.process is process]
        waiting += [over for over, sleeper in self._asleep.items() if sleeper is process]
        for future in waiting:
            if not future.done():
                future.set_exception(SimulatedCrash(f"process {process.number} was killed"))

    def idle(self, timeout: float | None) -> None:
        """Nothing can go on by itself: open a gate, or let time pass."""
        self.steps += 1
        if self.steps > MOST_STEPS or self.now > MOST_SECONDS:
            raise Stuck(f"after {self.steps} steps and {self.now:.0f} seconds it is not over")
        open_to = [gate for gate in self._gates if gate.process.held_until <= self.now and not gate.opened.done()]
        if not open_to:
            ends = [gate.process.held_until for gate in self._gates if not gate.opened.done()]
            ends += [] if timeout is None else [self.now + timeout]
            if not ends:
                raise Stuck("nobody can go on, and nothing will change with time")
            self.now = min(ends)
        elif self.rng.random() < _TIME_PASSES:
            self.now += min(self.rng.random() * _MOMENT, _MOMENT if timeout is None else timeout)
        else:
            gate = self._choose(open_to)
            self._gates.remove(gate)
            self.note(gate.process, gate.label)
            gate.opened.set_result(None)

    def _choose(self, gates: list[_Gate]) -> _Gate:
        if len(gates) == 1:
            return gates[0]
        return self.rng.choices(gates, [gate.process.weight for gate in gates])[0]

    def _spring(self, process: SimProcess, trap: Trap, label: str) -> None:
        self.note(process, f"{trap.act.upper()} at {label}")
        match trap.act:
            case "crash":
                process.fate = "crash"
                self.kill(process)
                self.check(process)
            case "pause":
                process.held_until = self.now + trap.seconds
            case "stop":
                process.stop.set()

    def _unhandled(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if not isinstance(error, SimulatedCrash):
            self.errors.append(error or RuntimeError(context["message"]))


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
