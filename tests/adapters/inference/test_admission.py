"""When calls may start, in virtual time: within every limit, slower when refused, and never slower than that."""

import asyncio
import math
import random
import selectors
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qwen_dataset.adapters.inference.admission import Admission
from qwen_dataset.adapters.inference.pacing import Meter, Slope


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time jumps to the next timer instead of waiting for it."""

    def __init__(self):
        self.at = 0.0
        super().__init__(_Jumping(self))

    def time(self):
        return self.at


class _Jumping(selectors.SelectSelector):
    def __init__(self, owner):
        super().__init__()
        self._owner = owner

    def select(self, timeout=None):
        if timeout is None:
            raise AssertionError("everybody waits and nothing will ever happen")
        self._owner.at += max(timeout, 0.0)
        return super().select(0)


def virtual(scenario):
    """Run a coroutine function in virtual time; no task may be left over."""

    async def watched():
        result = await scenario()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not left
        return result

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(watched())


def now():
    return asyncio.get_running_loop().time()


def admission(**settings):
    return Admission(**{"concurrency": 10_000, "now": now, **settings})


async def call(gate, starts, *, tokens=0, seconds=0.1):
    async with gate.enter(tokens) as ticket:
        starts.append((now(), tokens))
        await asyncio.sleep(seconds)
        ticket.done(tokens)


async def calls(gate, number, *, tokens=0, seconds=0.1):
    starts = []
    await asyncio.gather(*(call(gate, starts, tokens=tokens, seconds=seconds) for _ in range(number)))
    return starts


def most_in_a_minute(starts):
    """Return the largest sum of costs within any 60 seconds (a hair less, for the rounding of floats)."""
    worst = total = first = 0
    for at, cost in starts:
        total += cost
        while starts[first][0] <= at - 60.0 + 1e-6:
            total -= starts[first][1]
            first += 1
        worst = max(worst, total)
    return worst


@settings(max_examples=25, deadline=None)
@given(
    concurrency=st.integers(1, 40),
    rpm=st.none() | st.integers(1, 900),
    tpm=st.none() | st.integers(50, 5_000),
    seed=st.integers(0, 10**6),
)
def test_no_limit_is_ever_passed_whatever_calls_come_and_however_long_they_take(concurrency, rpm, tpm, seed):
    dice = random.Random(seed)
    in_flight = 0
    starts = []

    async def one(gate):
        nonlocal in_flight
        await asyncio.sleep(dice.uniform(0, 30))
        tokens = dice.randint(0, 50)
        async with gate.enter(tokens) as ticket:
            in_flight += 1
            assert in_flight <= concurrency
            assert gate.in_flight == in_flight
            starts.append((now(), tokens))
            await asyncio.sleep(dice.choice([0.0, 0.01, 1.0, dice.uniform(0, 90)]))
            if dice.random() < 0.1:
                ticket.refused(dice.choice([None, 0.0, 3.0]))
            else:
                ticket.done(tokens)
            in_flight -= 1

    async def scenario():
        gate = admission(concurrency=concurrency, rpm=rpm, tpm=tpm)
        await asyncio.gather(*(one(gate) for _ in range(60)))
        assert (gate.in_flight, gate.waiting) == (0, 0)

    virtual(scenario)
    assert len(starts) == 60
    if rpm is not None:
        assert most_in_a_minute([(at, 1) for at, _ in starts]) <= rpm
    if tpm is not None:
        assert most_in_a_minute(starts) <= tpm


@pytest.mark.parametrize("rpm", [1, 2, 59, 60, 61, 600, 1_200])
def test_the_whole_rate_is_used_and_not_a_call_more(rpm):
    async def scenario():
        return await calls(admission(rpm=rpm), rpm * 3)

    starts = virtual(scenario)
    assert most_in_a_minute([(at, 1) for at, _ in starts]) == rpm
    assert starts[-1][0] <= 180.0 + 1.0


@pytest.mark.parametrize("rpm", [60, 600, 1_234])
def test_at_most_one_seconds_share_starts_at_once(rpm):
    async def scenario():
        return await calls(admission(rpm=rpm), rpm)

    starts = [at for at, _ in virtual(scenario)]
    share = math.ceil(rpm / 60)
    assert sum(at < 0.001 for at in starts) == share
    for at in starts:
        assert sum(at <= other < at + 1.0 for other in starts) <= 2 * share


def test_tokens_are_counted_by_the_minute_like_calls():
    async def scenario():
        return await calls(admission(tpm=6_000), 360, tokens=50)

    starts = virtual(scenario)
    assert most_in_a_minute(starts) == 6_000
    assert 170.0 < starts[-1][0] <= 181.0


def test_one_call_that_is_larger_than_a_whole_minute_passes_alone():
    async def scenario():
        gate, starts = admission(tpm=600), []
        async with asyncio.TaskGroup() as group:
            for tokens in (5, 1_000, 5):
                group.create_task(call(gate, starts, tokens=tokens))
        return starts

    starts = virtual(scenario)
    assert [tokens for _, tokens in starts] == [5, 1_000, 5]
    assert starts[1][0] == pytest.approx(60.0, abs=0.01)
    assert starts[2][0] >= 120.0


def test_what_an_answer_took_beyond_the_estimate_is_made_up_for():
    async def scenario():
        gate = admission(tpm=600)
        async with gate.enter(5) as ticket:
            ticket.done(305)
        started = now()
        async with gate.enter(5):
            return now() - started

    assert virtual(scenario) == pytest.approx(30.0, abs=0.1)


@pytest.mark.parametrize("used", [None, 0, 5])
def test_an_answer_within_the_estimate_or_of_unknown_length_costs_nothing_more(used):
    async def scenario():
        gate = admission(tpm=600)
        async with gate.enter(5) as ticket:
            ticket.done(used)
        async with gate.enter(5):
            return now()

    assert virtual(scenario) == 0.0


@pytest.mark.parametrize("concurrency", [64, 1_000, 10_000])
def test_nothing_is_held_back_where_nothing_limits(concurrency):
    async def scenario():
        gate = admission(concurrency=concurrency)
        starts = await calls(gate, concurrency * 2, seconds=1.0)
        return starts, now()

    starts, ended = virtual(scenario)
    assert [sum(at == when for at, _ in starts) for when in (0.0, 1.0)] == [concurrency, concurrency]
    assert ended == 2.0


def test_calls_start_in_the_order_in_which_they_asked():
    order = []

    async def scenario():
        gate = admission(concurrency=3, rpm=120)

        async def one(number):
            async with gate.enter():
                order.append(number)
                await asyncio.sleep(0.2)

        await asyncio.gather(*(one(number) for number in range(50)))

    virtual(scenario)
    assert order == list(range(50))


def test_one_who_comes_later_does_not_overtake_one_who_waits_for_tokens():
    order = []

    async def scenario():
        gate = admission(tpm=6_000)

        async def one(tokens):
            async with gate.enter(tokens):
                order.append(tokens)

        await asyncio.gather(one(100), one(90), one(1), one(2))

    virtual(scenario)
    assert order == [100, 90, 1, 2]


def _started_within(starts, begin, end):
    return sum(begin <= at < end for at in starts)


def test_a_wave_of_refusals_halves_the_rate_once_and_all_of_it_comes_back_within_a_minute():
    starts = []

    async def scenario():
        gate = admission(concurrency=1_000, rpm=6_000)

        async def refused():
            async with gate.enter() as ticket:
                await asyncio.sleep(2.0)
                ticket.refused()

        async def good():
            async with gate.enter() as ticket:
                starts.append(now())
                ticket.done()

        async with asyncio.TaskGroup() as group:
            for _ in range(100):
                group.create_task(refused())
            await asyncio.sleep(5.0)
            # The last refusal came at 2 s; the gate starts again at 3 s.
            for _ in range(8_000):
                group.create_task(good())

    virtual(scenario)
    assert 100 <= _started_within(starts, 5.0, 6.0) + 1 <= 160  # half of 100 a second, and one second's burst
    assert 45 <= _started_within(starts, 6.0, 7.0) <= 60
    rates = [_started_within(starts, at, at + 5.0) / 5 for at in range(6, 50, 5)]
    assert rates == sorted(rates)
    assert _started_within(starts, 62.0, 72.0) >= 900


def test_half_of_the_calls_in_flight_are_allowed_after_a_refusal_and_each_new_wave_halves_again():
    async def wave(gate, size, answered):
        peak = 0

        async def one(number):
            nonlocal peak
            async with gate.enter() as ticket:
                peak = max(peak, gate.in_flight)
                await asyncio.sleep(0.01)
                if number in answered:
                    ticket.done()
                else:
                    ticket.refused(0.0)

        await asyncio.gather(*(one(number) for number in range(size)))
        return peak

    async def scenario():
        gate = admission(concurrency=1_000)
        first = await wave(gate, 64, answered=())
        second = await wave(gate, 32, answered=())
        third = await wave(gate, 64, answered=range(64))
        await asyncio.sleep(60.0)
        return first, second, third, await wave(gate, 2_000, answered=range(2_000))

    assert virtual(scenario) == (64, 32, 16, 1_000)


def test_what_the_service_asks_to_wait_is_waited_and_not_more():
    async def scenario():
        gate = admission(concurrency=100)
        async with gate.enter() as ticket:
            ticket.refused(7.5)
        starts = await calls(gate, 3)
        return [at for at, _ in starts]

    starts = virtual(scenario)
    assert 7.5 <= starts[0] <= 7.501


def test_a_longer_wait_that_is_asked_for_while_waiting_counts():
    async def scenario():
        gate, starts = admission(concurrency=100), []
        async with gate.enter() as first, gate.enter() as second:
            first.refused(2.0)
        waiting = asyncio.create_task(call(gate, starts))
        await asyncio.sleep(1.0)
        second.refused(20.0)
        await waiting
        return starts[0][0]

    assert 21.0 <= virtual(scenario) <= 21.001


@pytest.mark.parametrize(("asked", "waited"), [(-5.0, 0.0), (math.nan, 1.0), (math.inf, 1.0), (1e9, 3600.0)])
def test_nonsense_in_retry_after_stops_nothing_for_ever(asked, waited):
    async def scenario():
        gate = admission()
        async with gate.enter() as ticket:
            ticket.refused(asked)
        async with gate.enter():
            return now()

    assert virtual(scenario) == pytest.approx(waited, abs=0.002)


def test_refusals_without_a_wait_pause_longer_each_time_until_a_call_comes_through():
    async def scenario():
        gate, pauses = admission(), []
        for outcome in "rrrrrrrdr":
            async with gate.enter() as ticket:
                before = now()
                if outcome == "d":
                    ticket.done()
                else:
                    ticket.refused()
            async with gate.enter():
                pauses.append(round(now() - before))
        return pauses

    assert virtual(scenario) == [1, 2, 4, 8, 16, 16, 16, 0, 1]


def test_a_ramp_lets_calls_come_up_step_by_step():
    peaks = []

    async def scenario():
        gate = admission(concurrency=256, ramp_seconds=16.0)
        tasks = [asyncio.create_task(call(gate, [], seconds=0.25)) for _ in range(8_000)]
        for _ in range(20):
            await asyncio.sleep(1.0)
            peaks.append(gate.in_flight)
        await asyncio.gather(*tasks)

    virtual(scenario)
    assert peaks[0] <= 2
    assert peaks[7] <= 17
    assert peaks == sorted(peaks)
    assert peaks[-1] == 256


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), concurrency=st.integers(1, 5), rpm=st.none() | st.just(300))
def test_cancelling_whoever_waits_or_runs_leaks_nothing(seed, concurrency, rpm):
    dice = random.Random(seed)

    async def scenario():
        gate = admission(concurrency=concurrency, rpm=rpm)
        tasks = [asyncio.create_task(call(gate, [], seconds=dice.uniform(0, 2))) for _ in range(40)]
        for task in dice.sample(tasks, 25):
            await asyncio.sleep(dice.choice([0.0, 0.0, 0.05]))
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(result is None or isinstance(result, asyncio.CancelledError) for result in results)
        assert sum(result is None for result in results) >= 15
        assert (gate.in_flight, gate.waiting) == (0, 0)
        assert len(await calls(gate, concurrency)) == concurrency

    virtual(scenario)


def test_whoever_is_first_and_cancelled_while_its_turn_is_told_hands_it_on():
    async def scenario():
        gate, starts = admission(concurrency=1), []
        async with gate.enter():
            waiting = [asyncio.create_task(call(gate, starts)) for _ in range(3)]
            await asyncio.sleep(0.1)
            waiting[0].cancel()
            await asyncio.sleep(0)  # the turn of the second is told, and it has not run yet
            waiting[1].cancel()
        await waiting[2]
        return starts, gate.waiting

    starts, left = virtual(scenario)
    assert (len(starts), left) == (1, 0)


def test_an_error_inside_a_call_gives_its_room_back():
    async def scenario():
        gate = admission(concurrency=1)
        with pytest.raises(RuntimeError, match="inside"):
            async with gate.enter():
                raise RuntimeError("inside")
        assert gate.in_flight == 0

    virtual(scenario)


def test_a_clock_that_cannot_sleep_is_heard_of():
    async def broken(seconds):
        raise OSError("no clock")

    async def scenario():
        gate = admission(rpm=1, sleep=broken)
        async with gate.enter():
            pass
        with pytest.raises(OSError, match="no clock"):
            async with gate.enter():
                pass
        assert (gate.in_flight, gate.waiting) == (0, 0)

    virtual(scenario)


def _steps_in(work):
    """Return how many functions are called meanwhile: what is quadratic shows there whatever else the machine does."""
    steps = 0

    def count(frame, event, argument):
        nonlocal steps
        steps += 1

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return steps


def test_ten_thousand_who_wait_cost_as_much_each_as_a_thousand():
    def steps_for(number):
        async def scenario():
            await calls(admission(concurrency=16, rpm=number * 30), number, seconds=0.01)

        return _steps_in(lambda: virtual(scenario))

    assert steps_for(10_000) < 15 * steps_for(1_000)


def test_cancelling_ten_thousand_who_wait_costs_as_much_each_as_a_thousand():
    def steps_for(number):
        async def scenario():
            gate = admission(concurrency=1)
            async with gate.enter():
                waiting = [asyncio.create_task(call(gate, [])) for _ in range(number)]
                await asyncio.sleep(0)
                assert gate.waiting == number
                for task in reversed(waiting):
                    task.cancel()
                await asyncio.gather(*waiting, return_exceptions=True)
                assert gate.waiting == 0

        return _steps_in(lambda: virtual(scenario))

    assert steps_for(10_000) < 15 * steps_for(1_000)


def test_it_works_with_the_real_clock_too():
    async def scenario():
        gate = Admission(concurrency=2, rpm=60_000)
        async with gate.enter(), gate.enter():
            later = asyncio.create_task(gate.enter().__aenter__())
            await asyncio.sleep(0)
            assert not later.done()
        assert (await later) is not None

    asyncio.run(scenario())


def test_a_slope_rises_by_steps_and_says_when_the_next_one_is():
    slope = Slope(lowest=0.01)
    assert (slope.share(0.0), slope.next_step(0.0)) == (1.0, math.inf)
    slope.fall(to=0.0, now=10.0, full_at=20.0)
    assert slope.share(9.0) == slope.share(10.9) == pytest.approx(0.01)
    assert slope.next_step(10.25) == pytest.approx(0.75)
    assert slope.share(15.0) == pytest.approx(0.1)
    assert slope.next_step(19.5) == pytest.approx(0.5)
    assert slope.share(20.0) == 1.0


def test_a_clock_that_runs_backwards_gives_nothing_away():
    meter = Meter(60)
    assert meter.delay(100.0, 1, 1.0) == 0.0
    meter.take(100.0, 1)
    assert meter.delay(50.0, 1, 1.0) == pytest.approx(1.0)
