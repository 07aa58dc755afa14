"""A job's cost before it is run: the same sum as one request at a time, in few numbers."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwen_dataset.domain.estimates import Compared, Cost, Estimate, Output, Sizes
from qwen_dataset.domain.pricing import Price, PriceWay, Tier

REALTIME = Price(
    model="m",
    region="r",
    way=PriceWay.REALTIME,
    currency="CNY",
    tiers=(
        Tier(up_to=1000, input=Decimal(1), output=Decimal(2), thinking_output=Decimal(5)),
        Tier(up_to=50_000, input=Decimal(4), output=Decimal(8)),
    ),
    as_of="2026-05-26",
    source="P",
    cached_input=Decimal("0.2"),
)
BATCH = attrs.evolve(
    REALTIME,
    way=PriceWay.BATCH,
    cached_input=None,
    tiers=tuple(
        attrs.evolve(
            tier,
            input=tier.input / 2,
            output=tier.output / 2,
            thinking_output=tier.thinking_output and tier.thinking_output / 2,
        )
        for tier in REALTIME.tiers
    ),
)


def estimate(sizes: Iterable[int], *, expected: int | None = 100, most: int | None = 200, shared: int = 0) -> Estimate:
    found = Sizes([1000, 50_000])
    for size in sizes:
        found.add(size)
    output = Output(expected=None if expected is None else Decimal(expected), most=most)
    return Estimate(sizes=found.found(), output=output, shared_tokens=shared)


@given(st.lists(st.integers(0, 50_000), min_size=1, max_size=50), st.integers(0, 3000), st.booleans())
def test_the_sum_is_that_of_one_request_at_a_time(sizes: list[int], out: int, thinking: bool) -> None:
    found = estimate(sizes, expected=out, most=out).cost(REALTIME, thinking=thinking)
    each = [REALTIME.cost(prompt_tokens=size, completion_tokens=out, thinking=thinking) for size in sizes]
    inputs = [REALTIME.cost(prompt_tokens=size, completion_tokens=0) for size in sizes]
    assert found.expected == sum(amount for amount in each if amount is not None)
    assert found.least == sum(amount for amount in inputs if amount is not None)
    assert found.most is None or (found.expected is not None and found.most >= found.expected)


def test_memory_does_not_grow_with_the_number_of_requests() -> None:
    found = Sizes([128_000])
    for size in range(200_000):
        found.add(size)
    assert len(found.found()) < 800
    assert sum(size.requests for size in found.found()) == 200_000


def test_both_sides_of_a_boundary_are_billed_by_their_own_tier() -> None:
    assert estimate([1000], expected=0).cost(REALTIME).expected == Decimal("0.001")
    assert estimate([1001], expected=0).cost(REALTIME).expected == Decimal("0.004004")
    assert estimate([1000, 1001], expected=0).cost(REALTIME).expected == Decimal("0.005004")


def test_what_is_larger_than_any_known_price_leaves_the_whole_unknown() -> None:
    assert estimate([10, 50_001, 60_000]).cost(REALTIME) == Cost(unpriced=2)


def test_without_an_expectation_or_a_bound_only_the_rest_is_said() -> None:
    found = estimate([1000], expected=None, most=None)
    assert found.cost(REALTIME) == Cost(least=Decimal("0.001"), expected=None, most=None)
    assert (found.completion_tokens, found.most_completion_tokens) == (None, None)


def test_the_most_is_the_ceiling_of_a_count_that_is_off() -> None:
    # 1000 tokens may be 1050, and so in the dearer tier; a margin beyond the last tier leaves it unknown.
    assert estimate([1000], most=100).cost(REALTIME).most == (1050 * Decimal(4) + 100 * 8) / 1_000_000
    assert estimate([50_000], most=0).cost(REALTIME).most is None
    assert estimate([50_000], most=0).cost(REALTIME).least == Decimal("0.2")


def test_thinking_costs_its_own_price_where_there_is_one() -> None:
    assert estimate([1000, 2000], expected=10).cost(REALTIME, thinking=True).expected == Decimal("0.00913")


@pytest.mark.parametrize(("hits", "cheaper"), [(624, "batch"), (626, "cached")])
def test_above_62_5_percent_of_cached_input_realtime_is_cheaper_than_batch(hits: int, cheaper: str) -> None:
    found = estimate([1000] * 1000, expected=0, shared=hits * 1000)
    assert found.hit_share == Decimal(hits) / 1000
    batch, cached = found.cost(BATCH).expected, found.cost(REALTIME, cached=True).expected
    assert batch is not None
    assert cached is not None
    assert ("batch" if batch < cached else "cached") == cheaper


def test_at_62_5_percent_both_cost_the_same_input() -> None:
    found = estimate([1000] * 1000, expected=0, shared=625_000)
    assert found.cost(BATCH).expected == found.cost(REALTIME, cached=True).expected
    assert found.cost(REALTIME, cached=True).most == found.cost(REALTIME).most, "nobody promises a hit"


def test_batch_costs_half_of_every_figure() -> None:
    found = estimate([5, 800, 1200, 40_000], expected=77)
    for thinking in (False, True):
        half, full = found.cost(BATCH, thinking=thinking), found.cost(REALTIME, thinking=thinking)
        assert [2 * each for each in (half.least, half.expected, half.most) if each is not None] == [
            full.least,
            full.expected,
            full.most,
        ]


def test_a_measured_ratio_scales_the_input_and_moves_it_to_its_tier() -> None:
    before = estimate([980] * 10, expected=0)
    after = before.corrected(measured_prompt_tokens=1050, counted_prompt_tokens=1000)
    assert (before.prompt_tokens, after.prompt_tokens) == (9800, 10_290)
    assert before.cost(REALTIME).expected == Decimal("0.0098")
    assert after.cost(REALTIME).expected == Decimal("0.04116"), "1029 tokens are in the second tier"
    assert after.corrected(1050, 1000) == after, "both measures are of the uncorrected count"
    assert before.corrected(0, 1000) == before.corrected(1000, 0) == before


@given(st.lists(st.integers(1, 20_000), min_size=1, max_size=40), st.integers(900, 1150))
def test_a_correction_is_within_two_percent_of_the_bill(sizes: list[int], promille: int) -> None:
    """The bill is made one request at a time by a vocabulary that counts everything by the same ratio."""
    flat = attrs.evolve(REALTIME, tiers=(Tier(input=Decimal(3), output=Decimal(1)),))
    billed = [Decimal(size) * promille / 1000 for size in sizes]
    corrected = estimate(sizes, expected=0).corrected(promille * 20, 20_000)
    bill = sum(billed, Decimal(0)) * 3 / 1_000_000
    found = corrected.cost(flat).expected
    assert found is not None
    assert abs(found - bill) <= bill * Decimal("0.02")


def test_a_share_that_is_no_decimal_leaves_no_trace_in_the_sum() -> None:
    """Of 3 * 1,000 and 3 * 4,000 tokens a share of 7 / 15; both parts are billed by one tier."""
    flat = attrs.evolve(REALTIME, tiers=(Tier(input=Decimal(1), output=Decimal(2)),), cached_input=Decimal("0.16"))
    found = estimate([1000] * 3 + [4000] * 3, shared=7000, expected=None).cost(flat, cached=True).least
    assert found == Decimal("0.00912")


def test_nothing_is_off_from_an_estimate_of_nothing() -> None:
    assert Compared(what="cost", estimated=Decimal(4), actual=Decimal(5)).off == Decimal("0.25")
    assert Compared(what="cost", estimated=Decimal(0), actual=Decimal(1)).off is None
