"""What a request may cost at most is never less than what any service can bill for it."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwen_dataset.domain.inference import Completion, Failure, FailureKind, Message, Parameters, Request, Usage
from qwen_dataset.domain.pricing import Price, PriceWay, Tier
from qwen_dataset.domain.spending import Meter, OutputBound, meter, most_input


def price(*tiers: Tier) -> Price:
    return Price(
        model="m",
        region="here",
        way=PriceWay.BATCH,
        currency="CNY",
        tiers=tiers or (Tier(input=Decimal(1), output=Decimal(2)),),
        as_of="2026-11-01",
        source="test",
    )


def request(*contents: str, parameters: Parameters = Parameters()) -> Request:  # noqa: B008
    return Request(messages=tuple(Message("user", each) for each in contents), model="m", parameters=parameters)


def made(parameters: Parameters, bound: OutputBound = OutputBound(), *, thinks: bool = False) -> Meter:  # noqa: B008
    found = meter(price(), parameters, bound, thinks=thinks)
    assert isinstance(found, Meter), found
    return found


@given(st.lists(st.text(max_size=200), min_size=1, max_size=4))
def test_the_bound_of_the_input_is_its_bytes_and_the_templates_tokens(contents: list[str]) -> None:
    size = sum(len(each.encode("utf-8", "surrogatepass")) for each in contents)
    # ChatML: five tokens a message, three for the answer's opening, and about twenty for a system message of its own.
    assert most_input(request(*contents)) >= size + 5 * len(contents) + 23


def test_a_schema_counts_as_input() -> None:
    schema = {"type": "json_schema", "json_schema": {"name": "x" * 500, "schema": {}}}
    plain = most_input(request("a"))
    assert most_input(request("a", parameters=Parameters(response_format=schema))) >= plain + 500


def test_tools_that_pass_through_count_as_input() -> None:
    tools = [{"type": "function", "function": {"name": "f" * 300}}]
    bound = most_input(request("a", parameters=Parameters(extra_body={"tools": tools})))
    assert bound >= most_input(request("a")) + 300


def test_the_answer_is_bounded_by_max_tokens_and_thinking_comes_on_top() -> None:
    assert made(Parameters(max_tokens=100)).output == 100
    thinking = Parameters(max_tokens=100, enable_thinking=True, thinking_budget=50)
    assert made(thinking, thinks=True).output == 150


def test_what_is_not_set_is_the_models_own_maximum() -> None:
    bound = OutputBound(answer=8192, thinking=32_768)
    assert made(Parameters(), bound).output == 8192
    assert made(Parameters(enable_thinking=True), bound, thinks=True).output == 8192 + 32_768


def test_a_model_that_always_thinks_is_bounded_with_its_thinking() -> None:
    assert made(Parameters(max_tokens=10), OutputBound(thinking=1000), thinks=True).output == 1010


def test_several_answers_cost_several_times() -> None:
    one, three = made(Parameters(max_tokens=100)), made(Parameters(max_tokens=100, extra_body={"n": 3}))
    difference = three.most(request("a")) - one.most(request("a"))  # type: ignore[operator]
    assert difference == Decimal(2 * 100 * 2) / 1_000_000


@pytest.mark.parametrize(
    ("parameters", "thinks", "told"),
    [
        (Parameters(), False, "max_tokens"),
        (Parameters(max_tokens=10, enable_thinking=True), True, "thinking_budget"),
        (Parameters(max_tokens=10, extra_body={"enable_search": True}), False, "enable_search"),
        (Parameters(max_tokens=10, extra_body={"chat_template_kwargs": {}}), False, "chat_template_kwargs"),
        (Parameters(max_tokens=10, extra_body={"n": "3"}), False, "'n'"),
        (Parameters(max_tokens=10, extra_body={"max_completion_tokens": 9}), False, "max_completion_tokens"),
    ],
)
def test_what_nobody_can_bound_is_said(parameters: Parameters, thinks: bool, told: str) -> None:
    found = meter(price(), parameters, OutputBound(), thinks=thinks)
    assert isinstance(found, str)
    assert told in found


def test_the_most_reckons_with_the_dearest_tier_below_the_bound() -> None:
    # The first tier's output is dearer than the second's: a request just below its edge costs more than one above.
    tiers = (
        Tier(up_to=100, input=Decimal(1), output=Decimal(1000)),
        Tier(input=Decimal(2), output=Decimal(1)),
    )
    found = meter(price(*tiers), Parameters(max_tokens=1000), OutputBound(), thinks=False)
    assert isinstance(found, Meter)
    assert found.most(request("x" * 5000)) >= Decimal(1000 * 1000) / 1_000_000  # type: ignore[operator]


def test_above_the_last_tier_nobody_can_say() -> None:
    tiers = (Tier(up_to=100, input=Decimal(1), output=Decimal(1)),)
    found = meter(price(*tiers), Parameters(max_tokens=1), OutputBound(), thinks=False)
    assert isinstance(found, Meter)
    assert found.most(request("x" * 5000)) is None


def test_the_cost_is_that_of_the_usage_that_was_read() -> None:
    answer = Completion(request_id="a", text="", usage=Usage(prompt_tokens=1_000_000, completion_tokens=500_000))
    assert made(Parameters(max_tokens=1)).cost(answer) == Decimal(2)


def test_an_answer_whose_output_was_not_counted_has_no_known_cost() -> None:
    usage = Usage(prompt_tokens=100)
    assert made(Parameters(max_tokens=1)).cost(Completion(request_id="a", text="said", usage=usage)) is None
    assert made(Parameters(max_tokens=1)).cost(Completion(request_id="a", text="", usage=usage)) == Decimal("0.0001")


def test_thinking_that_nobody_asked_for_is_charged_as_thinking() -> None:
    tier = Tier(input=Decimal(1), output=Decimal(2), thinking_output=Decimal(8))
    found = meter(price(tier), Parameters(max_tokens=10), OutputBound(), thinks=False)
    assert isinstance(found, Meter)
    usage = Usage(prompt_tokens=1, completion_tokens=1_000_000, reasoning_tokens=5)
    cost = found.cost(Completion(request_id="a", text="x", usage=usage))
    assert cost is not None
    assert cost > 8


def test_without_usage_the_cost_is_not_known() -> None:
    meter_ = made(Parameters(max_tokens=1))
    assert meter_.cost(Completion(request_id="a", text="said")) is None
    failed = Failure(request_id="a", kind=FailureKind.UNKNOWN, message="", retryable=False)
    assert meter_.cost(failed) is None


@given(st.integers(0, 4000), st.integers(0, 60), st.lists(st.integers(1, 300), min_size=1, max_size=4), st.data())
def test_no_usage_within_the_bounds_costs_more_than_the_most(
    tokens: int, written: int, edges: list[int], data: st.DataObject
) -> None:
    """Whatever the tiers, whatever a service counts as long as it is no more tokens than bytes."""
    amounts = st.integers(0, 100).map(Decimal)
    bounds = [*sorted(set(edges)), None]
    tiers = [Tier(up_to=up_to, input=data.draw(amounts), output=data.draw(amounts)) for up_to in bounds]
    asked = request("x" * tokens)
    found = meter(price(*tiers), Parameters(max_tokens=60), OutputBound(), thinks=False)
    assert isinstance(found, Meter)
    counted = data.draw(st.integers(1, most_input(asked)))
    usage = Usage(prompt_tokens=counted, completion_tokens=written)
    cost = found.cost(Completion(request_id=asked.id, text="", usage=usage))
    most = found.most(asked)
    assert cost is not None
    assert most is not None
    assert cost <= most
