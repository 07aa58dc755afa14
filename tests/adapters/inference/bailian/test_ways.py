"""What is known of asking a model in a region in one way: offered or why not, how much, how fast."""

from __future__ import annotations

from datetime import date

import pytest

from qwen_dataset.adapters.inference.bailian import ways
from qwen_dataset.adapters.inference.openai_api import options
from qwen_dataset.domain.pricing import PriceWay
from qwen_dataset.domain.ways import Standing, Thinks, WayFacts

TODAY = date(2026, 11, 22)
BEIJING, SINGAPORE = "cn-beijing", "ap-southeast-1"


def facts(model: str, region: str, way: str, *, thinking: bool = False, today: date = TODAY) -> WayFacts:
    return ways.facts(model, region, PriceWay(way), thinking=thinking, today=today)


@pytest.mark.parametrize(
    ("model", "region", "way", "standing", "words"),
    [
        ("qwen-plus", BEIJING, "batch", Standing.OFFERED, ""),
        ("qwen-plus", BEIJING, "batch-chat", Standing.OFFERED, ""),
        ("qwen-plus", SINGAPORE, "batch", Standing.OFFERED, ""),
        ("qwen-plus", SINGAPORE, "batch-chat", Standing.REFUSED, "does not exist in ap-southeast-1"),
        ("qwen-plus", "us-east-1", "batch", Standing.REFUSED, "does not exist in us-east-1"),
        ("qwen-plus", "us-east-1", "realtime", Standing.OFFERED, ""),
        ("qwen3.8-flash", SINGAPORE, "batch", Standing.REFUSED, "no longer offered"),
        ("qwen3.6-plus", SINGAPORE, "batch", Standing.REFUSED, "in no list"),
        ("qwen3.5-flash", SINGAPORE, "batch", Standing.DISPUTED, "sources differ"),
        ("qwen-turbo", BEIJING, "realtime", Standing.DISPUTED, "was retired on 2026-07-13"),
        ("qwen3-max", BEIJING, "batch", Standing.REFUSED, "was retired on 2026-10-10"),
        ("nobody", BEIJING, "batch", Standing.UNKNOWN, "not in the catalogue"),
        ("qwen-plus", "http://localhost:8000/v1", "batch", Standing.UNKNOWN, ""),
    ],
)
def test_whether_a_way_is_offered_and_why_not(
    model: str, region: str, way: str, standing: Standing, words: str
) -> None:
    found = facts(model, region, way)
    assert found.standing is standing
    assert words in found.why
    assert bool(words) is bool(found.why)


def test_a_model_that_is_still_to_be_retired_is_offered_and_says_so() -> None:
    before = facts("qwen3-max", BEIJING, "batch", today=date(2026, 9, 1))
    assert before.standing is Standing.OFFERED
    assert "is to be retired on 2026-10-10" in before.why


@pytest.mark.parametrize(
    ("model", "thinking", "words"),
    [
        ("qwen-max", True, "cannot think"),
        ("qwen3.7-max-preview", False, "always thinks"),
        ("qwq-32b-preview", False, "always thinks"),
    ],
)
def test_a_model_thinks_as_it_can(model: str, thinking: bool, words: str) -> None:
    found = facts(model, BEIJING, "realtime", thinking=thinking, today=date(2026, 1, 1))
    assert found.standing is Standing.REFUSED
    assert words in found.why


def test_a_model_that_streams_its_thoughts_cannot_think_in_batches() -> None:
    found = facts("qwen3-32b", BEIJING, "batch", thinking=True, today=date(2026, 1, 1))
    assert found.standing is Standing.REFUSED
    assert "streamed" in found.why


def test_batches_take_at_most_256k_of_the_newer_models() -> None:
    assert facts("qwen3.7-plus", BEIJING, "batch").most_input == 256_000
    assert facts("qwen3.7-plus", BEIJING, "batch-chat").most_input == 256_000
    assert facts("qwen3.7-plus", BEIJING, "realtime").most_input == 1_000_000
    assert facts("qwen-plus", BEIJING, "batch").most_input == 997_952
    assert facts("qwen3-max", BEIJING, "batch").most_input == 262_144


def test_rates_are_those_of_realtime_only() -> None:
    realtime = facts("qwen-plus", BEIJING, "realtime")
    assert (realtime.requests_a_minute, realtime.tokens_a_minute) == (30_000, 5_000_000)
    batch = facts("qwen-plus", BEIJING, "batch")
    assert (batch.requests_a_minute, batch.tokens_a_minute) == (None, None)
    assert batch.measured_seconds == (596.0, 9129.0)
    assert facts("qwen3.7-plus", BEIJING, "realtime").requests_a_minute is None


def test_what_a_model_thinks_at_most_is_known_of_few() -> None:
    assert facts("qwen3.8-max", BEIJING, "batch", thinking=True).most_thinking == 262_144
    assert facts("qwen3.7-plus", BEIJING, "batch", thinking=True).most_thinking == 32_768
    assert facts("qwen-plus", BEIJING, "batch", thinking=True).most_thinking is None
    assert facts("qwen-plus", BEIJING, "batch").thinks is Thinks.CAN


def test_calls_in_flight_are_as_many_as_our_adapter_has() -> None:
    assert facts("qwen-plus", BEIJING, "batch-chat").concurrency == options._CONCURRENCY["batch-chat"]


def test_a_base_url_is_a_region_of_its_own_unless_it_is_bailians() -> None:
    assert ways.region_of("https://dashscope.aliyuncs.com/compatible-mode/v1") == BEIJING
    assert ways.region_of("HTTP://LocalHost:8000/v1/") == "http://localhost:8000/v1"
    assert ways.realm_of(BEIJING) == "bailian:cn-beijing"
    assert ways.realm_of("http://localhost:8000/v1") == "http://localhost:8000/v1"
