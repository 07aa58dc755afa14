"""When a realtime call may start: calls in flight, requests and tokens a minute, and slower where the service says so.

Nothing here polls and no task lives on: whoever is first in the queue waits for what would let it start, the others
wait for it. All state belongs to the event loop's thread.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import attrs

from .pacing import Meter, Slope, sane_wait

_SHORTEST_SLEEP_SECONDS = 0.001
"""A clock's rounding may let a sleeper wake a hair too early; it must not spin on that hair."""

_RECOVERY_SECONDS = 50.0
_SHORTEST_RECOVERY_SECONDS = 10.0
"""All of the rate is back 50 s after the last refusal; where the service asked for a longer stop, 10 s after that."""

_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 16.0
"""How long nothing starts after a refusal without Retry-After; doubled while no call comes through in between."""


@attrs.define(eq=False)
class Ticket:
    """One call that was let in. Tell it what the service said: ``refused`` or ``done``, or nothing for other errors."""

    _admission: Admission
    _number: int
    _tokens: int

    def refused(self, retry_after: float | None = None) -> None:
        """Say that the service refused this call for its rate: fewer calls start from now on.

        The rate is halved once for all calls that were in flight together. ``retry_after`` is what the service asked
        to wait, in seconds: no call starts before that.
        """
        self._admission._refused(self._number, retry_after)  # noqa: SLF001  # a ticket is a part of its admission

    def done(self, tokens_used: int | None = None) -> None:
        """Say that this call was answered, and how many tokens it took in all, where that is known."""
        self._admission._done(self._tokens, tokens_used)  # noqa: SLF001  # a ticket is a part of its admission


class Admission:
    """Lets calls of one model start: at most ``concurrency`` in flight, ``rpm`` starts and ``tpm`` tokens a minute.

    Calls start in the order in which they asked. In any 60 seconds no more than ``rpm`` start, evenly spread except
    for what falls on one second; the same for tokens. None means no limit. ``ramp_seconds`` is how long the first
    calls take to come up to the full rate.

    After ``Ticket.refused`` half as many start, and none for a moment; the full rate comes back step by step within
    a minute of the last refusal. ``now`` and ``sleep`` are the clock, in seconds.
    """

    def __init__(
        self,
        *,
        concurrency: int,
        rpm: int | None = None,
        tpm: int | None = None,
        ramp_seconds: float = 0.0,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._concurrency = max(concurrency, 1)
        self._requests = None if rpm is None else Meter(rpm)
        self._tokens = None if tpm is None else Meter(tpm)
        self._ramp_seconds = ramp_seconds
        self._now = now
        self._sleep = sleep
        self._room = Slope(lowest=1 / self._concurrency)
        self._pace = Slope(lowest=1 / 1024)
        self._stopped_until = -math.inf
        self._pause = _FIRST_PAUSE_SECONDS
        self._in_flight = 0
        self._started = 0
        self._cut_after = 0  # the calls up to this number belong to a wave that was already answered for
        self._queue: OrderedDict[asyncio.Future[None], None] = OrderedDict()
        self._news: asyncio.Future[None] | None = None

    @property
    def in_flight(self) -> int:
        """How many calls are running."""
        return self._in_flight

    @property
    def waiting(self) -> int:
        """How many calls wait to start."""
        return len(self._queue)

    @asynccontextmanager
    async def enter(self, tokens: int = 0) -> AsyncGenerator[Ticket, None]:
        """Wait for room for a call of about ``tokens``, and hold it while the block runs; safe to cancel."""
        if self._queue or self._delay(tokens) > 0:
            await self._turn(tokens)
        try:
            yield self._start(tokens)
        finally:
            self._in_flight -= 1
            self._tell()

    def _start(self, tokens: int) -> Ticket:
        now = self._now()
        if self._started == 0 and self._ramp_seconds > 0:
            self._begin_ramp(now)
        for meter, cost in self._meters(tokens):
            meter.take(now, cost)
        self._in_flight += 1
        self._started += 1
        return Ticket(self, self._started, tokens)

    def _begin_ramp(self, now: float) -> None:
        for slope in (self._room, self._pace):
            slope.fall(to=0.0, now=now, full_at=now + self._ramp_seconds)

    def _meters(self, tokens: int) -> list[tuple[Meter, int]]:
        pairs = ((self._requests, 1), (self._tokens, tokens))
        return [(meter, cost) for meter, cost in pairs if meter is not None]

    async def _turn(self, tokens: int) -> None:
        """Wait in the queue until a call of ``tokens`` may start; it must start before anything else is awaited."""
        place = asyncio.get_running_loop().create_future()
        self._queue[place] = None
        try:
            if self._first() is not place:
                await place
            while (delay := self._delay(tokens)) > 0:
                await self._news_or(delay)
        finally:
            was_first = self._first() is place
            del self._queue[place]
            following = self._first()
            if was_first and following is not None and not following.done():
                following.set_result(None)

    def _first(self) -> asyncio.Future[None] | None:
        return next(iter(self._queue), None)

    def _delay(self, tokens: int) -> float:
        """Return how long a call must wait by what is known now; infinite where only the end of another helps."""
        now = self._now()
        delay = self._stopped_until - now
        if self._in_flight >= self._room_now(now):
            delay = max(delay, self._room.next_step(now))
        pace = self._pace.share(now)
        for meter, cost in self._meters(tokens):
            delay = max(delay, min(meter.delay(now, cost, pace), self._pace.next_step(now)))
        return delay

    def _room_now(self, now: float) -> int:
        return max(int(self._concurrency * self._room.share(now) + 1e-9), 1)

    async def _news_or(self, delay: float) -> None:
        """Wait until a call ends or the time is over, whichever comes first."""
        news = self._news = asyncio.get_running_loop().create_future()
        timer = None
        if delay < math.inf:
            timer = asyncio.ensure_future(self._sleep(max(delay, _SHORTEST_SLEEP_SECONDS)))
            timer.add_done_callback(lambda _: self._tell())
        try:
            await news
        finally:
            self._news = None
            if timer is not None:
                timer.cancel()
                await asyncio.wait([timer])
        if timer is not None and not timer.cancelled():
            timer.result()  # a clock that cannot sleep must not become a loop that spins

    def _tell(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    def _refused(self, number: int, retry_after: float | None) -> None:
        now = self._now()
        new_wave = number > self._cut_after
        if new_wave:
            self._cut_after = self._started
        self._stopped_until = max(self._stopped_until, now + self._stop_seconds(retry_after, new_wave=new_wave))
        pause = max(self._stopped_until - now, 0.0)
        full_at = now + max(_RECOVERY_SECONDS, pause + _SHORTEST_RECOVERY_SECONDS)
        room, pace = self._room.share(now), self._pace.share(now)
        if new_wave:
            # Half of what was in flight: half of a bound that was never met would slow nothing down.
            room, pace = min(room, self._in_flight / self._concurrency) / 2, pace / 2
        self._room.fall(to=room, now=now + pause, full_at=full_at)
        self._pace.fall(to=pace, now=now + pause, full_at=full_at)

    def _stop_seconds(self, retry_after: float | None, *, new_wave: bool) -> float:
        asked = sane_wait(retry_after)
        if asked is not None:
            return asked
        if not new_wave:
            return 0.0
        pause = self._pause
        self._pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
        return pause

    def _done(self, reserved: int, used: int | None) -> None:
        self._pause = _FIRST_PAUSE_SECONDS
        if used is not None and used > reserved and self._tokens is not None:
            self._tokens.take(self._now(), used - reserved)  # an answer's length is known only when it is there
