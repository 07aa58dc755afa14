"""What one request costs: by its tier, never above the ceiling, and unknown where nobody knows."""

from __future__ import annotations

from decimal import Decimal

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwen_dataset.domain.pricing import Price, PriceList, PriceWay, Tier

TIERS = (
    Tier(up_to=1000, input=Decimal("0.8"), output=Decimal(2), thinking_output=Decimal(8)),
    Tier(up_to=2000, input=Decimal("2.4"), output=Decimal(20), thinking_output=Decimal(24)),
)
PRICE = Price(
    model="m", region="r", way=PriceWay.REALTIME, currency="CNY", tiers=TIERS, as_of="2026-05-26", source="P",
    cached_input=Decimal("0.2"),
)  # fmt: skip


def price(*tiers: Tier) -> Price:
    return attrs.evolve(PRICE, tiers=tiers)


@pytest.mark.parametrize(
    ("prompt", "thinking", "expected"),
    [
        (1, False, "0.0000208"),
        (1000, False, "0.00082"),
        (1001, False, "0.0026024"),
        (1000, True, "0.00088"),
        (2000, False, "0.005"),
        (2000, True, "0.00504"),
    ],
)
def test_the_tier_is_that_of_the_request_and_all_its_tokens_use_it(prompt: int, thinking: bool, expected: str) -> None:
    assert PRICE.cost(prompt_tokens=prompt, completion_tokens=10, thinking=thinking) == Decimal(expected)


def test_above_the_last_tier_nothing_is_known() -> None:
    assert PRICE.largest == 2000
    assert PRICE.tier_of(2001) is None
    assert PRICE.cost(prompt_tokens=2001, completion_tokens=0) is None
    assert PRICE.ceiling(prompt_tokens=2001, completion_tokens=0, thinking=False) is None
    endless = price(*TIERS, Tier(input=Decimal(5), output=Decimal(5)))
    assert endless.largest is None
    assert endless.cost(prompt_tokens=10**9, completion_tokens=0) == 5000


def test_thinking_without_a_price_of_its_own_is_ordinary_output() -> None:
    plain = price(Tier(input=Decimal(1), output=Decimal(3)))
    assert plain.cost(prompt_tokens=0, completion_tokens=1_000_000, thinking=True) == 3
    assert plain.ceiling(prompt_tokens=0, completion_tokens=1_000_000, thinking=True) == 3


def test_what_the_cache_had_costs_its_share_and_no_more_than_the_input_is_in_it() -> None:
    assert PRICE.cost(prompt_tokens=1000, completion_tokens=0, cached_tokens=500) == Decimal("0.00048")
    all_of_it = PRICE.cost(prompt_tokens=1000, completion_tokens=0, cached_tokens=1000)
    assert all_of_it == PRICE.cost(prompt_tokens=1000, completion_tokens=0, cached_tokens=99_999) == Decimal("0.00016")
    without = attrs.evolve(PRICE, cached_input=None)
    assert without.cost(prompt_tokens=1000, completion_tokens=0, cached_tokens=1000) == Decimal("0.0008")


def test_a_service_that_counts_below_zero_gives_no_money_back() -> None:
    assert PRICE.cost(prompt_tokens=-5, completion_tokens=-5, cached_tokens=-5) == 0
    assert PRICE.ceiling(prompt_tokens=-5, completion_tokens=-5, thinking=True) == 0


def test_the_ceiling_looks_at_every_tier_that_is_reached_since_a_higher_one_may_be_cheaper() -> None:
    odd = price(
        Tier(up_to=100, input=Decimal(1), output=Decimal(50)),
        Tier(up_to=200, input=Decimal(3), output=Decimal(1)),
        Tier(input=Decimal(9000), output=Decimal(9000)),
    )
    small = odd.cost(prompt_tokens=100, completion_tokens=1000)
    assert odd.ceiling(prompt_tokens=200, completion_tokens=1000, thinking=False) == small == Decimal("0.0501")
    assert odd.ceiling(prompt_tokens=201, completion_tokens=0, thinking=False) == Decimal("1.809")


amounts = st.decimals(min_value=0, max_value=1000, places=3, allow_nan=False, allow_infinity=False)
tiers = st.builds(
    lambda bounds, rows, ends: price(
        *(
            Tier(
                up_to=None if number == len(bounds) - 1 and not ends else bound,
                input=rows[number][0],
                output=rows[number][1],
                thinking_output=rows[number][2],
            )
            for number, bound in enumerate(bounds)
        )
    ),
    st.lists(st.integers(1, 500), min_size=1, max_size=4, unique=True).map(sorted),
    st.lists(st.tuples(amounts, amounts, st.none() | amounts), min_size=4, max_size=4),
    st.booleans(),
)


@given(tiers, st.integers(0, 600), st.integers(0, 600), st.data())
def test_no_request_within_the_bounds_costs_more_than_the_ceiling(
    any_price: Price, prompt: int, completion: int, data: st.DataObject
) -> None:
    thinking = data.draw(st.booleans())
    most = any_price.ceiling(prompt_tokens=prompt, completion_tokens=completion, thinking=thinking)
    cost = any_price.cost(
        prompt_tokens=data.draw(st.integers(0, prompt)),
        completion_tokens=data.draw(st.integers(0, completion)),
        thinking=data.draw(st.booleans()) and thinking,
        cached_tokens=data.draw(st.integers(0, 600)),
    )
    if most is None:
        assert any_price.tier_of(prompt) is None
    else:
        assert cost is not None
        assert cost <= most


@pytest.mark.parametrize(
    "bad",
    [
        (),
        (TIERS[1], TIERS[0]),
        (TIERS[0], TIERS[0]),
        (Tier(input=Decimal(1), output=Decimal(1)), TIERS[1]),
        (attrs.evolve(TIERS[0], up_to=0), TIERS[1]),
    ],
)
def test_tiers_that_are_not_in_order_are_refused(bad: tuple[Tier, ...]) -> None:
    with pytest.raises(ValueError, match="each with a larger up_to"):
        price(*bad)


@pytest.mark.parametrize("bad", ["-1", "NaN", "Infinity"])
def test_an_amount_that_is_none_is_refused(bad: str) -> None:
    with pytest.raises(ValueError, match="must be a number of at least 0"):
        Tier(input=Decimal(bad), output=Decimal(1))
    with pytest.raises(ValueError, match="must be a number of at least 0"):
        attrs.evolve(PRICE, cached_input=Decimal(bad))
    with pytest.raises(ValueError, match="a share of the input price"):
        attrs.evolve(PRICE, cached_input=Decimal("1.01"))


def test_a_list_finds_exactly_what_was_asked_for_and_the_later_price_counts() -> None:
    listed = PriceList.of([PRICE, attrs.evolve(PRICE, way=PriceWay.BATCH)])
    assert len(listed) == 2
    assert listed.find("m", "r", "realtime") is listed.find("m", "r", PriceWay.REALTIME) is not None
    assert listed.find("m-latest", "r", "realtime") is None
    assert listed.find("m-2026-01-01", "r", "realtime") is None
    assert listed.find("m", "elsewhere", "realtime") is None
    assert listed.find("m", "r", "batch-chat") is None
    mine = attrs.evolve(PRICE, source="mine")
    merged = listed.merge(PriceList.of([mine]))
    assert merged.find("m", "r", "realtime") == mine
    assert merged.find("m", "r", "batch") == attrs.evolve(PRICE, way=PriceWay.BATCH)
    assert listed.find("m", "r", "realtime") == PRICE
    assert {each.way for each in merged} == {PriceWay.REALTIME, PriceWay.BATCH}
