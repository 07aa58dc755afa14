"""The prices that come with the package are those of the documents: each tier, at its boundary, and nothing else."""

from __future__ import annotations

from decimal import Decimal

import pytest

from qwen_dataset.adapters.inference.bailian import catalogue
from qwen_dataset.adapters.inference.bailian.prices import listed_prices
from qwen_dataset.domain.pricing import PriceWay

BEIJING, SINGAPORE = "cn-beijing", "ap-southeast-1"
MILLION = 1_000_000

# Model, realtime "up to: input / output (thinking)" of each tier, then the same in batches; "" where there is none.
CNY = [
    ("qwen3.8-max", "12/36", "256k 6/18"),
    ("qwen3.8-flash", "0.8/2.7", "256k 0.4/1.35"),
    ("qwen3.7-max", "1m 12/36", "256k 6/18"),
    ("qwen3.7-plus", "256k 2/8", "256k 1/4"),
    ("qwen3.7-flash", "32k 0.2/0.8, 256k 0.6/2.4, 1m 1.2/4.8", "32k 0.1/0.4, 256k 0.3/1.2"),
    ("qwen3.6-plus", "256k 2/12, 1m 8/48", "256k 1/6"),
    ("qwen3.6-flash", "256k 1.2/7.2, 1m 4.8/28.8", "256k 0.6/3.6"),
    ("qwen3.6-max-preview", "128k 9/54, 256k 15/90", ""),
    ("qwen3.5-plus", "128k 0.8/4.8, 256k 2/12, 1m 4/24", "128k 0.4/2.4, 256k 1/6"),
    ("qwen3.5-flash", "128k 0.2/2, 256k 0.8/8, 1m 1.2/12", "128k 0.1/1, 256k 0.4/4"),
    ("qwen3-max", "32k 2.5/10, 128k 4/16, 262144 7/28", "32k 1.25/5, 128k 2/8, 262144 3.5/14"),
    ("qwen-max", "2.4/9.6", "1.2/4.8"),
    ("qwen-plus", "128k 0.8/2/8, 256k 2.4/20/24, 1m 4.8/48/64", "128k 0.4/1/4, 256k 1.2/10/12, 1m 2.4/24/32"),
    ("qwen-flash", "128k 0.15/1.5, 256k 0.6/6, 1m 1.2/12", "128k 0.075/0.75, 256k 0.3/3, 1m 0.6/6"),
    ("qwen-turbo", "0.3/0.6/3", "0.15/0.3/1.5"),
    ("qwen-long", "0.5/2", "0.25/1"),
    ("deepseek-r1", "4/16", "2/8"),
    ("deepseek-v3", "2/8", "1/4"),
    ("deepseek-v3.1", "4/12", ""),
    ("deepseek-v3.2", "2/3", "1/1.5"),
    ("deepseek-v4-pro", "12/24", ""),
    ("deepseek-v4-flash", "1/2", ""),
]
USD = [
    ("qwen3.8-max", "2/6", ""),
    ("qwen3.8-flash", "0.15/0.47", ""),
    ("qwen3.7-max", "1m 2.5/7.5", ""),
    ("qwen3.7-plus", "256k 0.4/1.6, 1m 1.2/4.8", "256k 0.2/0.8"),
    ("qwen3.6-plus", "256k 0.5/3, 1m 2/6", ""),
    ("qwen3.6-flash", "256k 0.25/1.5, 1m 1/4", ""),
    ("qwen3.5-plus", "256k 0.4/2.4, 1m 0.5/3", ""),
    ("qwen3.5-flash", "1m 0.1/0.4", "256k 0.05/0.2"),
    ("qwen3-max", "32k 1.2/6, 128k 2.4/12, 262144 3/15", ""),
    ("qwen-max", "1.6/6.4", "0.8/3.2"),
    ("qwen-plus", "256k 0.4/1.2/4, 1m 1.2/3.6/12", "256k 0.2/0.6/2, 1m 0.6/1.8/6"),
    ("qwen-flash", "256k 0.05/0.4, 1m 0.25/2", "256k 0.025/0.2, 1m 0.125/1"),
    ("qwen-turbo", "0.05/0.2/0.5", "0.025/0.1/0.25"),
]
BATCH_CHAT = {
    *("qwen3.8-max", "qwen3.8-flash", "qwen3.7-max", "qwen3.7-plus", "qwen3.6-plus", "qwen3.7-flash"),
    *("qwen3.6-flash", "qwen3.5-plus", "qwen3.5-flash", "qwen-plus", "qwen-flash"),
}
DERIVED_BATCHES = {"qwen3.7-plus", "qwen3.6-plus", "qwen3.5-plus", "deepseek-v3.2"}
GOLDEN = [(BEIJING, "CNY", *row) for row in CNY] + [(SINGAPORE, "USD", *row) for row in USD]
Tiers = list[tuple[int | None, list[Decimal]]]


def tiers_of(text: str) -> Tiers:
    found: Tiers = []
    for part in filter(None, text.split(", ")):
        *bound, amounts = part.split()
        up_to = int(bound[0].replace("k", "000").replace("m", "000000")) if bound else None
        found.append((up_to, [Decimal(amount) for amount in amounts.split("/")]))
    return found


@pytest.mark.parametrize(("region", "currency", "model", "realtime", "batch"), GOLDEN)
@pytest.mark.parametrize("way", [PriceWay.REALTIME, PriceWay.BATCH])
def test_each_tier_costs_what_the_documents_say(
    region: str, currency: str, model: str, realtime: str, batch: str, way: PriceWay
) -> None:
    wanted = tiers_of(realtime if way is PriceWay.REALTIME else batch)
    price = listed_prices().find(model, region, way)
    if not wanted:
        assert price is None
        return
    assert price is not None
    assert (price.currency, price.largest) == (currency, wanted[-1][0])
    least = 1
    for up_to, (read, written, *thinking) in wanted:
        for prompt in (least, up_to or 10**7):
            total = prompt * read + MILLION * written
            assert price.cost(prompt_tokens=prompt, completion_tokens=MILLION) == total / MILLION
            total = prompt * read + MILLION * (thinking or [written])[0]
            assert price.cost(prompt_tokens=prompt, completion_tokens=MILLION, thinking=True) == total / MILLION
        least = (up_to or 0) + 1
    if price.largest is not None:
        assert price.cost(prompt_tokens=price.largest + 1, completion_tokens=0) is None


def test_there_is_nothing_else() -> None:
    named = {(model, region) for region, _, model, _, _ in GOLDEN}
    assert {(price.model, price.region) for price in listed_prices()} == named


def test_each_price_has_a_day_and_a_source() -> None:
    for price in listed_prices():
        assert price.as_of[:4] == "2026", price
        assert "[" in price.source, price


@pytest.mark.parametrize("way", [PriceWay.BATCH, PriceWay.BATCH_CHAT])
def test_batches_cost_half_of_realtime_in_every_tier_that_can_be_asked_so(way: PriceWay) -> None:
    for price in listed_prices():
        if price.way is not way:
            continue
        full = listed_prices().find(price.model, price.region, PriceWay.REALTIME)
        assert full is not None
        for tier in price.tiers:
            assert tier.up_to is None or tier.up_to <= 262_144 or not price.model.startswith("qwen3"), price
            mine = full.tier_of(tier.up_to or 10**7)
            assert mine is not None
            assert (tier.input * 2, tier.output * 2) == (mine.input, mine.output)
            assert (tier.thinking_output or 0) * 2 == (mine.thinking_output or 0)
        assert price.cached_input is None, "batch and cache discounts never combine"


def test_batch_chat_has_a_price_where_it_is_listed_in_beijing_only() -> None:
    found = {price.model: price.region for price in listed_prices() if price.way is PriceWay.BATCH_CHAT}
    assert found.keys() == BATCH_CHAT
    assert set(found.values()) == {BEIJING}


def test_the_cap_of_256k_is_that_of_the_models_from_3_5_on() -> None:
    for price in listed_prices():
        if price.way is not PriceWay.REALTIME:
            is_capped = price.model.startswith(("qwen3.5", "qwen3.6", "qwen3.7", "qwen3.8"))
            assert (price.largest == 256_000) is is_capped, price


def test_half_prices_and_the_lists_of_models_say_the_same() -> None:
    prices = listed_prices()
    for name in catalogue.names():
        model = catalogue.find(name)
        assert model is not None
        for region in (BEIJING, SINGAPORE):
            listing = model.batch.get(region)
            has_price = prices.find(name, region, PriceWay.BATCH) is not None
            if has_price:
                assert listing is not None, f"{name} has a price for batches in {region}, and stands in no list"
            elif listing is not None and listing.state == "listed":
                assert prices.find(name, region, PriceWay.REALTIME) is None, f"{name} lacks a price for batches"
        chat = model.batch_chat
        has_chat = prices.find(name, BEIJING, PriceWay.BATCH_CHAT) is not None
        assert not has_chat or (chat is not None and chat.state == "listed")


def test_what_was_computed_says_so() -> None:
    for price in listed_prices():
        derived = price.region == SINGAPORE or price.model == "qwen3.7-plus"
        if price.model == "qwen3.7-plus" and price.region == SINGAPORE and price.way is PriceWay.REALTIME:
            derived = False  # printed in USD by a third party
        if price.way is PriceWay.BATCH:
            derived |= price.model in DERIVED_BATCHES
        assert price.is_derived is derived, price


def test_cached_input_costs_a_fifth_where_a_discount_is_known() -> None:
    for price in listed_prices():
        known = price.way is PriceWay.REALTIME and not price.model.startswith("deepseek")
        assert price.cached_input == (Decimal("0.2") if known else None)
        assert price.cache_source.startswith("computed from Live measurements") is known


@pytest.mark.parametrize(
    ("model", "region", "way"),
    [
        ("qwen-plus-latest", BEIJING, "realtime"),
        ("qwen-plus-2025-07-28", BEIJING, "realtime"),
        ("qwen3.7-flash", SINGAPORE, "realtime"),
        ("qwen3.8-flash", SINGAPORE, "batch"),
        ("qwen-plus", "us-east-1", "realtime"),
        ("qwen-plus", "http://localhost:8000/v1", "realtime"),
        ("batch-test-model", BEIJING, "batch"),
        ("nobody", BEIJING, "realtime"),
    ],
)
def test_what_no_source_says_is_not_known(model: str, region: str, way: str) -> None:
    assert listed_prices().find(model, region, way) is None
