"""The wall: what is reserved before it is spent, what was charged, and that neither passes the limit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import attrs
import pytest

from qwen_dataset.adapters.storage.memory import MemoryStorage
from qwen_dataset.app.engine.budget import Budget
from qwen_dataset.app.engine.job import request_cancel
from qwen_dataset.app.engine.pace import Pace, Until
from qwen_dataset.domain.choices import RetryUnknown
from qwen_dataset.domain.events import CostLimited
from qwen_dataset.domain.inference import Completion, FailureKind, Outcome, Parameters, Request, Usage
from qwen_dataset.domain.jobs import JobState, Phase
from qwen_dataset.domain.pricing import Price, PriceWay, Tier, money
from qwen_dataset.domain.spending import Meter, OutputBound, meter
from qwen_dataset.errors import BackendRejected, BackendUnavailable, CostLimitReached, StorageUnavailable
from tests.app.engine.bench import LIMITS, HandClock, Scripted, a_job, failing, process, runner
from tests.app.engine.test_runner_money import Died, Ran

# One token in costs a millionth, one out as much; an answer has ten tokens at most.
PRICE = Price(
    model="m",
    region="test",
    way=PriceWay.BATCH,
    currency="CNY",
    tiers=(Tier(input=Decimal(1), output=Decimal(1)),),
    as_of="2026-11-01",
    source="test",
)
METER = meter(PRICE, Parameters(max_tokens=10), OutputBound(), thinks=False)
assert isinstance(METER, Meter)
MICRO = Decimal(1).scaleb(-6)
TEXTS = ["a", "b", "c", "d", "e", "f", "g", "h"]
MOST = (1 + 16 + 64 + 10) * MICRO  # of a request with one letter
COST = (20 + 5) * MICRO


def paid(request: Request) -> Outcome:
    return Completion(request_id=request.id, text="yes", usage=Usage(prompt_tokens=20, completion_tokens=5))


def unpaid(request: Request) -> Outcome:
    return failing(FailureKind.CONTENT_FILTER, retryable=False)(request)


def play(
    backend: Scripted,
    storage: MemoryStorage,
    limit: Decimal | None,
    *,
    at_risk: int = 0,
    number: int = 1,
    texts: list[str] | None = None,
    price: Meter | None = METER,
    notice: Callable[[str], None] = lambda _: None,
    watch: Callable[[JobState], None] = lambda _: None,
    **run: Any,
) -> Ran:
    """Own the job, limit it, run it; ``watch`` sees the state whenever something is submitted."""
    hands = HandClock()

    async def scenario() -> Ran:
        error: BaseException | None = None
        async with a_job(texts or TEXTS, storage=storage, clock=hands, number=number) as job:
            if limit is not None and job.state.cost_limit != limit:
                await job.ledger.append(CostLimited(limit=limit, currency="CNY"))
            backend.before_submit = lambda _: watch(job.state)
            pace = run.pop("pace", Pace())
            try:
                budget = Budget(meter=price, at_risk=at_risk)
                await runner(job, backend, hands, pace=pace, budget=budget, notice=notice).run(**run)
            except CostLimitReached as caught:
                error = caught
            return Ran(job.state, job.index.counts(), error)

    return asyncio.run(scenario())


@pytest.fixture
def storage() -> MemoryStorage:
    return MemoryStorage()


def test_without_a_wall_everything_is_asked_and_reckoned(storage: MemoryStorage) -> None:
    ran = play(Scripted(paid), storage, None)
    assert ran.state.phase is Phase.FINISHED
    assert ran.state.settled == ran.state.committed == 8 * COST
    assert ran.state.currency == "CNY"
    assert not ran.state.unpriced


def test_a_shard_is_reserved_at_its_most_before_it_is_submitted(storage: MemoryStorage) -> None:
    seen: list[Decimal] = []
    play(Scripted(paid), storage, None, watch=lambda state: seen.append(state.committed))
    assert seen == [3 * MOST, 6 * MOST, 8 * MOST]


def test_the_wall_is_never_passed_and_what_comes_back_makes_room(storage: MemoryStorage) -> None:
    """Room for four at their most; what they really cost lets all eight through, in several submissions."""
    limit = 4 * MOST
    seen: list[Decimal] = []
    backend = Scripted(paid)
    ran = play(backend, storage, limit, watch=lambda state: seen.append(state.committed))
    assert ran.error is None
    assert ran.state.phase is Phase.FINISHED
    assert max(seen) <= limit
    assert [len(texts) for texts in backend.submitted()] == [3, 1, 2, 2]


def test_a_run_that_reaches_the_wall_says_so_and_keeps_everything(storage: MemoryStorage) -> None:
    limit = MOST + 4 * COST
    ran = play(Scripted(paid), storage, limit)
    assert isinstance(ran.error, CostLimitReached)
    assert "5 of 8 requests are answered and kept, 3 are left" in str(ran.error)
    assert "--max-cost" in str(ran.error)
    assert ran.state.completed == 5
    assert ran.state.committed == 5 * COST <= limit
    assert ran.state.phase is Phase.RUNNING


def test_a_higher_wall_goes_on_and_pays_nothing_twice(storage: MemoryStorage) -> None:
    backend = Scripted(paid)
    play(backend, storage, MOST + 4 * COST)
    ran = play(backend, storage, Decimal(1), number=2)
    assert ran.state.phase is Phase.FINISHED
    assert sorted(backend.asked()) == TEXTS


def test_the_wall_of_an_earlier_run_stands_when_nobody_says_otherwise(storage: MemoryStorage) -> None:
    play(Scripted(paid), storage, MOST + 4 * COST)
    ran = play(Scripted(paid), storage, None, number=2)
    assert isinstance(ran.error, CostLimitReached)


def test_a_wall_below_the_first_request_submits_nothing(storage: MemoryStorage) -> None:
    backend = Scripted(paid)
    ran = play(backend, storage, MOST - MICRO)
    assert isinstance(ran.error, CostLimitReached)
    assert backend.submitted() == []


def test_an_unbilled_refusal_of_one_request_costs_nothing(storage: MemoryStorage) -> None:
    ran = play(Scripted(unpaid), storage, None)
    assert ran.state.committed == 0


def test_a_refused_submission_costs_nothing(storage: MemoryStorage) -> None:
    backend = Scripted(paid, submits=[BackendRejected("no")])
    ran = play(backend, storage, 3 * MOST)
    assert ran.error is None
    assert ran.state.committed == 8 * COST


def test_what_came_without_usage_keeps_its_most(storage: MemoryStorage) -> None:
    def bare(request: Request) -> Outcome:
        return Completion(request_id=request.id, text="yes")

    ran = play(Scripted(bare), storage, None)
    assert ran.state.committed == 8 * MOST


@pytest.mark.parametrize("retryable", [True, False])
def test_an_unknown_request_keeps_its_most_and_the_next_try_is_reserved_anew(
    storage: MemoryStorage, retryable: bool
) -> None:
    tries: dict[str, int] = {}

    def lost_once(request: Request) -> Outcome:
        tries[request.id] = tries.get(request.id, 0) + 1
        if tries[request.id] == 1:
            return failing(FailureKind.UNKNOWN, retryable=retryable)(request)
        return paid(request)

    seen: list[Decimal] = []
    pace = Pace(retry_unknown=RetryUnknown.ALWAYS)
    ran = play(Scripted(lost_once), storage, None, pace=pace, watch=lambda state: seen.append(state.committed))
    assert ran.state.committed == 8 * MOST + 8 * COST
    assert seen[3] == 8 * MOST + 3 * MOST


def test_a_lost_submission_keeps_its_most(storage: MemoryStorage) -> None:
    """Nobody can tell whether it was bought: its requests are unknown, and so is what they cost."""
    limits = attrs.evolve(LIMITS, findable_seconds=0.0)
    backend = Scripted(paid, submits=[BackendUnavailable("no reply")], limits=limits)
    ran = play(backend, storage, None)
    assert ran.state.committed == 3 * MOST + 5 * COST


def test_missing_outcomes_keep_their_most(storage: MemoryStorage) -> None:
    ran = play(Scripted(lambda _: None), storage, None)
    assert ran.state.committed == 8 * MOST


def test_a_run_that_dies_in_realtime_leaves_its_doubt_behind(storage: MemoryStorage) -> None:
    """Calls under way may be paid: the next run reckons with them before it makes another call."""

    def dies(request: Request) -> Outcome | BaseException:
        return Died() if request.messages[0].content == "b" else paid(request)

    with pytest.raises(Died):
        play(Scripted(dies), storage, None, at_risk=2)
    seen: list[Decimal] = []
    ran = play(Scripted(paid), storage, None, at_risk=2, number=2, watch=lambda state: seen.append(state.committed))
    assert ran.state.phase is Phase.FINISHED
    assert ran.state.committed == 8 * COST + 2 * MOST
    assert ran.state.settled == ran.state.committed


def test_a_doubt_that_uses_up_the_wall_stops_before_the_next_call(storage: MemoryStorage) -> None:
    def dies(request: Request) -> Outcome | BaseException:
        return Died() if request.messages[0].content == "b" else paid(request)

    limit = 3 * MOST
    with pytest.raises(Died):
        play(Scripted(dies), storage, limit, at_risk=2)
    backend = Scripted(paid)
    ran = play(backend, storage, limit, at_risk=2, number=2)
    assert isinstance(ran.error, CostLimitReached)
    assert backend.asked() == []
    again = play(backend, storage, limit, at_risk=2, number=3)
    # No call was made in between, so nothing new is in doubt.
    assert again.state.committed == ran.state.committed
    assert again.state.at_most == limit < again.state.committed
    assert again.error is not None
    assert f"{again.state.committed:f}" in str(again.error), "what must be allowed for it to go on"
    assert play(backend, storage, Decimal(1), at_risk=2, number=4).state.phase is Phase.FINISHED


def test_a_batch_that_is_read_again_leaves_no_doubt(storage: MemoryStorage) -> None:
    def dies(request: Request) -> Outcome | BaseException:
        return Died() if request.messages[0].content == "b" else paid(request)

    with pytest.raises(Died):
        play(Scripted(dies), storage, None)
    ran = play(Scripted(paid), storage, None, number=2)
    assert ran.state.committed == 8 * COST


def dies_at_b(request: Request) -> Outcome | BaseException:
    return Died() if request.messages[0].content == "b" else paid(request)


def test_a_job_that_is_cancelled_after_a_crash_keeps_its_doubt(storage: MemoryStorage) -> None:
    with pytest.raises(Died):
        play(Scripted(dies_at_b), storage, None, at_risk=2)
    hands = HandClock()

    async def cancel() -> JobState:
        async with a_job(TEXTS, storage=storage, clock=hands, number=2) as job:
            await request_cancel(storage, job.id, process=process(3))
            await runner(job, Scripted(paid), hands, budget=Budget(meter=METER, at_risk=2)).cancel()
            return job.state

    state = asyncio.run(cancel())
    assert state.phase is Phase.STOPPED
    # One answer was saved before the run died; two more calls may have been paid.
    assert state.committed == COST + 2 * MOST


def test_the_doubt_is_that_of_the_run_that_died(storage: MemoryStorage) -> None:
    """However few calls the next run makes at once."""
    with pytest.raises(Died):
        play(Scripted(dies_at_b), storage, None, at_risk=2)
    ran = play(Scripted(paid), storage, None, at_risk=1, number=2)
    assert ran.state.committed == 8 * COST + 2 * MOST


def test_a_run_that_knows_no_price_settles_at_what_was_reserved(storage: MemoryStorage) -> None:
    play(Scripted(paid), storage, None, until=Until.SUBMITTED)
    ran = play(Scripted(paid), storage, None, price=None, number=2)
    assert ran.state.phase is Phase.FINISHED
    assert ran.state.committed == 8 * MOST


def test_a_run_that_knows_no_price_keeps_the_doubt_of_one_that_died(storage: MemoryStorage) -> None:
    with pytest.raises(Died):
        play(Scripted(dies_at_b), storage, None, at_risk=2)
    ran = play(Scripted(paid), storage, None, price=None, number=2)
    # The shard of three that was under way: once more at its most.
    assert ran.state.committed >= 3 * MOST + 2 * MOST


def test_a_request_that_no_price_holds_for_makes_the_job_unpriced(storage: MemoryStorage) -> None:
    narrow = attrs.evolve(PRICE, tiers=(Tier(up_to=1000, input=Decimal(1), output=Decimal(1)),))
    found = meter(narrow, Parameters(max_tokens=10), OutputBound(), thinks=False)
    ran = play(Scripted(paid), storage, None, texts=["a", "x" * 3000], price=found)
    assert ran.state.unpriced


def test_what_was_refused_in_the_middle_of_an_answer_keeps_its_most(storage: MemoryStorage) -> None:
    def cut_off(request: Request) -> Outcome:
        failure = failing(FailureKind.CONTENT_FILTER, retryable=False)(request)
        return attrs.evolve(failure, possibly_paid=True)

    ran = play(Scripted(cut_off), storage, None)
    assert ran.state.committed == 8 * MOST


def test_a_person_is_told_that_the_wall_holds_requests_back(storage: MemoryStorage) -> None:
    told: list[str] = []
    play(Scripted(paid), storage, 4 * MOST, notice=told.append)
    assert told[0].startswith("the limit of 0.000364 CNY has room for 4 requests at a time")
    assert "4 wait until these are answered" in told[0]


def test_without_a_wall_nobody_is_told_anything(storage: MemoryStorage) -> None:
    told: list[str] = []
    play(Scripted(paid), storage, None, notice=told.append)
    assert told == []


class Hiccup(MemoryStorage):
    """Loses its first segment."""

    lost = False

    async def put(self, key: str, data: Any, *, if_absent: bool = False) -> None:
        if "/segments/" in key and not self.lost:
            self.lost = True
            raise StorageUnavailable("no reply")
        await super().put(key, data, if_absent=if_absent)


def test_answers_that_are_saved_at_the_second_try_are_charged_once() -> None:
    storage = Hiccup()
    with pytest.raises(StorageUnavailable):
        play(Scripted(paid), storage, None)
    ran = play(Scripted(paid), storage, None, number=2)
    assert ran.state.committed == 8 * COST


def test_a_backend_that_is_away_leaves_no_doubt(storage: MemoryStorage) -> None:
    """It raises when the calls that it had begun are answered: nothing is under way."""
    failed = False

    def away_once(request: Request) -> Outcome | BaseException:
        nonlocal failed
        if request.messages[0].content == "b" and not failed:
            failed = True
            return BackendUnavailable("away")
        return paid(request)

    ran = play(Scripted(away_once), storage, None, at_risk=2)
    assert ran.state.committed == 8 * COST


def test_a_wall_holds_over_submissions_that_nobody_waits_for(storage: MemoryStorage) -> None:
    backend = Scripted(paid)
    ran = play(backend, storage, 4 * MOST, until=Until.SUBMITTED)
    assert sum(map(len, backend.submitted())) == 4
    assert ran.state.committed == 4 * MOST
    ran = play(backend, storage, None, number=2)
    assert ran.state.phase is Phase.FINISHED
    assert sorted(backend.asked()) == TEXTS


def test_a_request_without_a_known_price_is_never_sent_below_a_wall(storage: MemoryStorage) -> None:
    texts = ["a", "x" * 3_000]
    narrow = attrs.evolve(PRICE, tiers=(Tier(up_to=1000, input=Decimal(1), output=Decimal(1)),))
    found = meter(narrow, Parameters(max_tokens=10), OutputBound(), thinks=False)
    assert isinstance(found, Meter)
    backend, hands = Scripted(paid), HandClock()

    async def scenario() -> None:
        async with a_job(texts, storage=storage, clock=hands) as job:
            await job.ledger.append(CostLimited(limit=Decimal(1000), currency="CNY"))
            with pytest.raises(CostLimitReached):
                await runner(job, backend, hands, budget=Budget(meter=found)).run()

    asyncio.run(scenario())
    assert backend.asked() == ["a"]


@pytest.mark.parametrize(
    ("amount", "shown"),
    [("0", "0.00 CNY"), ("50", "50.00 CNY"), ("1.001", "1.01 CNY"), ("0.0000251", "0.0000251 CNY"),
     ("0.00012341", "0.0001235 CNY"), ("0.99999", "1.00 CNY"), ("0.5", "0.50 CNY"), ("12.3", "12.30 CNY")],
)  # fmt: skip
def test_an_amount_is_never_shown_smaller_than_it_is(amount: str, shown: str) -> None:
    assert money(Decimal(amount), "CNY") == shown


def test_thousands_are_parted_where_that_is_asked_for() -> None:
    assert money(Decimal("1234567.891"), "CNY", grouped=True) == "1,234,567.90 CNY"
    assert money(Decimal("1234567.891"), "CNY") == "1234567.90 CNY"
    assert money(Decimal("0.5"), "", grouped=True) == "0.50"
