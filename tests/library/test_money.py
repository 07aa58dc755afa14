"""Limits, approval and pilots from Python, offline: a backend of one's own with a price of one's own."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import pytest

from qwen_dataset import (
    Client,
    Completion,
    ConcurrentBackend,
    Config,
    CostLimitReached,
    Forecast,
    JobUnfinished,
    NotApproved,
    Offer,
    PilotFailed,
    PilotReport,
    Report,
    Request,
    SettingError,
    Usage,
    Watch,
)
from qwen_dataset.app.cli.approval import _doubt
from qwen_dataset.app.cli.describe import describe_cost
from qwen_dataset.domain.pricing import money

PRICES = """
[[prices]]
model = "qwen-plus"
region = "desk"
currency = "EUR"
input = 1000
output = 2000
as_of = 2026-11-01
"""


@attrs.define
class Desk:
    """A folder with papers, and a backend that counts what it was asked."""

    folder: Path
    asked: list[str] = attrs.field(factory=list)
    written: int = 100
    after: tuple[int, asyncio.Event] | None = None
    text: str = '{"instruction": "What is %s?", "input": "", "output": "It.", "evidence": ["The gate is kept cold"]}'

    async def answer(self, request: Request) -> Completion:
        self.asked.append(request.id)
        if self.after is not None and len(self.asked) >= self.after[0]:
            self.after[1].set()
        usage = Usage(prompt_tokens=1000, completion_tokens=self.written)
        return Completion(request_id=request.id, text=self.text.replace("%s", request.id), usage=usage)

    def client(self, **settings: Any) -> Client:
        prices = self.folder / "prices.toml"
        prices.write_text(PRICES)
        offer = Offer(backend=ConcurrentBackend(self.answer, realm="desk", concurrency=1), name="desk", realtime=True)
        config = Config(storage=f"file:{self.folder / 'jobs'}", prices=prices, **{"max_tokens": 500, **settings})
        return Client(config, backend=offer)

    def generate(self, watch: Watch | None = None, **settings: Any) -> Report:
        client = self.client(**settings)
        return asyncio.run(client.generate([self.folder / "papers"], self.folder / "out.jsonl", watch=watch))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    folder = tmp_path / "papers"
    folder.mkdir()
    for number in range(6):
        text = f"The gate is kept cold in experiment {number}. " + "Its pulses are shaped with great care. " * 12
        (folder / f"p{number}.md").write_text(f"# Paper {number}\n\n## Methods\n\n{text}\n")
    return Desk(tmp_path)


# 1000 tokens in at 1000 the million and 100 out at 2000.
EACH = Decimal("1.2")


def test_a_report_says_what_was_paid_and_how_far_the_estimate_was_off(desk: Desk) -> None:
    report = desk.generate()
    assert len(desk.asked) == 6
    assert (report.charged, report.currency) == (6 * EACH, "EUR")
    off = {each.what: each.off for each in report.compared}
    assert off.keys() == {"tokens in", "tokens out", "cost"}
    assert off["tokens out"] == Decimal(100) / 400 - 1


def test_a_limit_stops_and_a_higher_one_goes_on(desk: Desk) -> None:
    with pytest.raises(CostLimitReached, match="resume it with a higher --max-cost"):
        desk.generate(max_cost=8)
    paid = len(desk.asked)
    assert 0 < paid < 6
    assert paid * EACH <= 8
    with pytest.raises(CostLimitReached):
        desk.generate()
    assert len(desk.asked) == paid
    report = desk.generate(max_cost=100)
    assert len(desk.asked) == len(set(desk.asked)) == 6
    assert report.charged == 6 * EACH


def test_the_samples_below_a_limit_can_be_had(desk: Desk) -> None:
    with pytest.raises(CostLimitReached):
        desk.generate(max_cost=8)
    report = asyncio.run(desk.client().rebuild())
    assert report.sums is not None
    assert report.sums.completions == len(desk.asked)
    assert report.sums.unanswered == 6 - len(desk.asked)


def test_a_limit_below_what_is_spent_is_refused(desk: Desk) -> None:
    desk.generate()
    with pytest.raises(SettingError, match="below what the job has spent"):
        desk.generate(max_cost=1)


@pytest.mark.parametrize("wrong", [0, -1, "many", float("nan"), True])
def test_what_is_no_amount_is_refused(wrong: object) -> None:
    with pytest.raises(SettingError, match="max_cost is"):
        Config(max_cost=wrong)  # type: ignore[arg-type]


def test_an_amount_is_kept_exactly() -> None:
    assert Config(max_cost="0.10").max_cost == Decimal("0.10")
    assert Config(max_cost=0.1).max_cost == Decimal("0.1")


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"model": "another"}, "no price is known for another in desk"),
        ({"extra_body": {"enable_search": True}}, "enable_search"),
        ({"enable_thinking": True}, "thinking_budget"),
    ],
)
def test_a_limit_that_cannot_be_kept_is_refused_before_anything_is_stored(
    desk: Desk, settings: dict[str, Any], told: str
) -> None:
    with pytest.raises(SettingError, match=told):
        desk.generate(max_cost=50, **settings)
    assert desk.asked == []
    assert not list((desk.folder / "jobs").glob("*"))


def test_a_forecast_is_told_and_asked_for_before_anything_is_planned(desk: Desk) -> None:
    told: list[Forecast] = []

    def refuse(forecast: Forecast) -> bool:
        assert told == [forecast]
        return False

    with pytest.raises(NotApproved):
        desk.generate(Watch(on_forecast=told.append, approve=refuse))
    assert desk.asked == []
    assert not list((desk.folder / "jobs").glob("*"))
    (forecast,) = told
    assert (forecast.requests, forecast.currency, forecast.is_billed) == (6, "EUR", True)
    assert forecast.cost is not None
    assert forecast.cost.most is not None
    assert forecast.likely is not None
    assert forecast.likely <= forecast.cost.most


def test_where_nothing_bounds_what_is_written_the_least_is_told_and_how_to_bound_it(desk: Desk) -> None:
    told: list[Forecast] = []
    with pytest.raises(NotApproved):
        desk.generate(Watch(on_forecast=told.append, approve=lambda _: False), enable_thinking=True)
    (forecast,) = told
    assert forecast.cost is not None
    assert forecast.cost.least is not None
    least = money(forecast.cost.least, "EUR")
    assert describe_cost(forecast) == [
        (f"cost        at least {least}", 0),
        ("how much it writes is not known: set thinking_budget", 12),
    ]
    assert _doubt(Config(), forecast) == (
        f"this will cost at least {least}, and how much it writes is not known without thinking_budget"
    )
    unknown = attrs.evolve(forecast, cost=None)
    assert describe_cost(unknown) == [("cost        not known: no list has a price of qwen-plus there", 0)]
    assert _doubt(Config(), unknown) == "nobody knows what this costs"


def test_a_job_that_goes_on_is_not_asked_for_again(desk: Desk) -> None:
    with pytest.raises(CostLimitReached):
        desk.generate(max_cost=8)

    def never(_: Forecast) -> bool:
        raise AssertionError("it was approved when it began")

    desk.generate(Watch(approve=never), max_cost=100)
    assert len(desk.asked) == 6


def test_a_pilot_is_told_and_the_rest_follows(desk: Desk) -> None:
    told: list[PilotReport] = []
    report = desk.generate(Watch(on_pilot=told.append), pilot=2)
    assert len(desk.asked) == 6
    (pilot,) = told
    assert (pilot.requests, pilot.samples, pilot.rest) == (2, 2, 4)
    assert pilot.share == 1.0
    assert (pilot.cost, pilot.cost_per_sample) == (2 * EACH, EACH)
    assert pilot.estimate is not None
    assert pilot.estimate.prompt_tokens == pytest.approx(6000, rel=0.05)
    assert pilot.estimate.completion_tokens == 600
    assert pilot.rest_cost == pytest.approx(4 * EACH, rel=Decimal("0.05"))
    off = {each.what: each.off for each in report.compared}
    assert off["tokens in"] is not None
    assert abs(off["tokens in"]) < Decimal("0.05")


def test_a_poor_pilot_stops_the_job_until_a_person_resumes_it(desk: Desk) -> None:
    desk.text = "I would rather not."
    told: list[PilotReport] = []
    with pytest.raises(PilotFailed, match="of 2 requests of the pilot 0 gave a sample, 0%, and --pilot-min-yield"):
        desk.generate(Watch(on_pilot=told.append), pilot=2, pilot_min_yield=0.5)
    assert len(desk.asked) == 2
    assert told[0].rejects == 2
    asyncio.run(desk.client().resume())
    assert len(desk.asked) == 6


def test_a_pilot_by_whose_measure_the_rest_is_much_dearer_is_asked_for_again(desk: Desk) -> None:
    """The default says 400 tokens an answer; here each has 100,000."""
    asked: list[Decimal | None] = []

    def once(forecast: Forecast) -> bool:
        asked.append(forecast.likely)
        return len(asked) == 1

    desk.written = 100_000
    with pytest.raises(PilotFailed, match="a person said no"):
        desk.generate(Watch(approve=once), pilot=2, max_tokens=200_000)
    assert len(desk.asked) == 2
    assert asked[0] is not None
    assert asked[1] is not None
    assert asked[1] > 10 * asked[0]


def test_an_interrupted_pilot_is_judged_by_whoever_goes_on(desk: Desk) -> None:
    desk.text = "I would rather not."

    async def scenario() -> None:
        client = desk.client(pilot=4, pilot_min_yield=0.9, concurrency=1)
        desk.after = (1, client.stop)
        with pytest.raises(JobUnfinished):
            await client.generate([desk.folder / "papers"], desk.folder / "out.jsonl")
        desk.after = None
        with pytest.raises(PilotFailed):
            await desk.client().resume()

    asyncio.run(scenario())
    assert len(desk.asked) == 4


def test_a_pilot_of_prompts_counts_answers(desk: Desk) -> None:
    told: list[PilotReport] = []

    async def scenario() -> None:
        client = desk.client(pilot=1, pilot_min_yield=1.0)
        await client.run_prompts(["one", "two", "three"], watch=Watch(on_pilot=told.append))

    asyncio.run(scenario())
    assert len(desk.asked) == 3
    assert (told[0].requests, told[0].samples, told[0].estimate) == (1, 1, None)


def test_the_fake_reckons_at_list_prices_and_keeps_a_limit(desk: Desk) -> None:
    """So that a limit can be tried in CI, offline and for nothing."""
    told: list[Forecast] = []
    config = Config(
        backend="fake:memory", use_batch=True, max_cost="0.002", storage="memory:", max_tokens=500, poll=0.1
    )

    async def scenario() -> None:
        client = Client(config)
        with pytest.raises(CostLimitReached) as caught:
            await client.generate(
                [desk.folder / "papers"], desk.folder / "out.jsonl", watch=Watch(on_forecast=told.append)
            )
        assert "CNY" in str(caught.value)

    asyncio.run(scenario())
    assert told[0].is_play
    assert not told[0].is_billed
