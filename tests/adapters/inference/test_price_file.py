"""A person's file of prices: read exactly, and every mistake told with its row."""

from __future__ import annotations

from decimal import Decimal

import pytest

from qwen_dataset.adapters.inference.price_file import read_prices
from qwen_dataset.domain.pricing import PriceList, PriceWay
from qwen_dataset.errors import SettingError

ROW = {
    "model": '"m"',
    "region": '"cn-beijing"',
    "currency": '"CNY"',
    "input": "0.1",
    "output": "0.3",
    "as_of": "2026-11-01",
}


def row(**changes: str | None) -> str:
    fields = {**ROW, **changes}
    return "[[prices]]\n" + "".join(f"{name} = {value}\n" for name, value in fields.items() if value is not None)


def read(text: str) -> PriceList:
    return read_prices(text, where="my.toml")


def problems(text: str) -> list[str]:
    with pytest.raises(SettingError) as caught:
        read(text)
    return list(caught.value.problems)


def test_amounts_are_exactly_what_is_written() -> None:
    (price,) = read(row(output='"0.30"'))
    assert price.tiers[0].input == Decimal("0.1")
    assert price.tiers[0].output == Decimal("0.30")
    assert (price.way, price.as_of, price.source) == (PriceWay.REALTIME, "2026-11-01", "my.toml")
    assert (price.is_derived, price.cached_input) == (False, None)


def test_a_price_of_nothing_is_nothing_and_a_month_is_a_day() -> None:
    (price,) = read(row(input="0e-400000", output="1e-9", as_of='"2026-11"'))
    assert (str(price.tiers[0].input), price.tiers[0].output, price.as_of) == ("0", Decimal("1e-9"), "2026-11")


def test_a_later_row_wins() -> None:
    (price,) = read(row() + row(input="7"))
    assert price.tiers[0].input == 7


def test_half_price_is_half_of_each_tier_up_to_where_it_ends() -> None:
    tiers = "[{ up_to = 100, input = 1, output = 2, thinking_output = 6 }, { input = 3, output = 4 }]"
    text = row(input=None, output=None, tiers=tiers, **{"half_price.batch": "{ up_to = 300, note = 'x' }"})
    half = read(text).find("m", "cn-beijing", "batch")
    assert half is not None
    assert [(tier.up_to, tier.input, tier.output, tier.thinking_output) for tier in half.tiers] == [
        (100, Decimal("0.5"), 1, 3),
        (300, Decimal("1.5"), 2, None),
    ]
    assert (half.note, half.as_of) == ("x", "2026-11-01")
    within = read(text.replace("300", "50")).find("m", "cn-beijing", "batch")
    assert within is not None
    assert [tier.up_to for tier in within.tiers] == [50]


def test_several_ways_may_cost_the_same() -> None:
    assert {price.way for price in read(row(way='["realtime", "batch-chat"]'))} == {"realtime", "batch-chat"}


@pytest.mark.parametrize(
    ("region", "known_as"),
    [
        ("http://LOCALHOST:8000/v1/", "http://localhost:8000/v1"),
        ("https://dashscope-intl.aliyuncs.com/compatible-mode/v1", "ap-southeast-1"),
        ("bailian:cn-beijing", "cn-beijing"),
        ("CN-Beijing", "cn-beijing"),
        ("fake:7", "fake:7"),
    ],
)
def test_another_server_is_known_by_its_base_url_or_realm(region: str, known_as: str) -> None:
    assert read(row(region=f'"{region}"')).find("m", known_as, "realtime") is not None


def test_the_cache_holds_for_realtime_rows_that_do_not_say_otherwise() -> None:
    head = '[context_cache]\ninput_share = 0.4\nsource = "S"\nderived = true\n'
    head += '[sources]\nS = { title = "T", date = "2026-01" }\n'
    text = head + row() + row(model='"own"', cached_input="0.1") + row(model='"none"', context_cache="false")
    text += row(model='"batched"', way='"batch"')
    found = {price.model: (price.cached_input, price.cache_source) for price in read(text)}
    assert found == {
        "m": (Decimal("0.4"), "computed from T [S], 2026-01"),
        "own": (Decimal("0.1"), "my.toml"),
        "none": (None, ""),
        "batched": (None, ""),
    }


def test_the_day_is_the_oldest_of_its_sources_unless_the_row_says_one() -> None:
    sources = '[sources]\nA = { title = "a", date = "2026-05-26" }\nB = { title = "b", date = 2026-10-08 }\n'
    (price,) = read(sources + row(as_of=None, source='["B", "A"]'))
    assert (price.as_of, price.source) == ("2026-05-26", "b [B], a [A]")
    (price,) = read(sources + row(source='"B"'))
    assert price.as_of == "2026-11-01"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model": None}, "model is missing"),
        ({"model": '""'}, "model is ''; it must be a text"),
        ({"region": "7"}, "region is 7; it must be a text"),
        ({"region": '"http://:0"'}, "is not a URL"),
        ({"currency": '"yuan"'}, "three capital letters"),
        ({"input": None}, "input is missing"),
        ({"input": "-1"}, "input is -1; it must be a number of at least 0"),
        ({"input": "nan"}, "at least 0"),
        ({"input": "inf"}, "at least 0"),
        ({"input": "true"}, "at least 0"),
        ({"input": '"cheap"'}, "at least 0"),
        ({"output": "[1]"}, "at least 0"),
        ({"as_of": None}, "as_of is missing: write the day"),
        ({"as_of": "7"}, "as_of is 7; it must be a text"),
        *(
            ({"as_of": f'"{bad}"'}, "a day or a month")
            for bad in ("soon", "2026", "2026-13", "2026-11-31", "2026-W01-1")
        ),
        ({"way": "[]"}, "way is an empty list"),
        ({"half_price.realtime": "{}"}, "half_price names realtime, which is the way of this row itself"),
        ({"way": "'batch'", "half_price.batch": "{}"}, "half_price names batch"),
        ({"region": '"cn-bejing"'}, "region is 'cn-bejing'; did you mean cn-beijing?"),
        *(({"input": bad}, "it must be 0, or from 1e-9 to 1e9") for bad in ("1e30", "1e-400000", "1000000001")),
        ({"way": '"bulk"'}, "one of realtime, batch, batch-chat"),
        ({"way": "[['batch']]"}, "one of realtime, batch, batch-chat"),
        ({"up_to": "0"}, "up_to is 0; it must be a whole number of tokens"),
        ({"up_to": "1.5"}, "a whole number of tokens"),
        ({"tiers": "[]"}, "both tiers and a price of its own"),
        ({"input": None, "output": None, "tiers": "[]"}, "each with a larger up_to"),
        ({"input": None, "output": None, "tiers": "[1]"}, "a list of tables"),
        ({"input": None, "output": None, "tiers": "[{ input = 1, output = 1, up = 2 }]"}, "'up' is no field of a tier"),
        ({"cached_input": "1.5"}, "a share of the input price"),
        ({"derived": '"yes"'}, "derived is 'yes'; it must be true or false"),
        ({"source": "7"}, "a text, or a list of keys of [sources]"),
        ({"half_price": "0.5"}, "half_price is 0.5; it must be a table"),
        ({"half_price.batch": "0.5"}, "half_price.'batch' must be a table"),
        ({"half_price.bulk": "{}"}, "one of realtime, batch, batch-chat"),
        ({"half_price.batch": "{ cap = 1 }"}, "'cap' is no field of half_price"),
        ({"price": "1"}, "'price' is no field of a price; there are model, region"),
    ],
)
def test_each_mistake_is_a_sentence_that_names_the_file_and_the_row(changes: dict[str, str | None], words: str) -> None:
    (told,) = problems(row(model='"fine"') + row(**changes))
    assert told.startswith("my.toml, price 2")
    assert words in told


def test_every_bad_row_is_told() -> None:
    told = problems(row(input="-1") + row() + row(output="-1", model='"other"'))
    assert [each.split(":")[0] for each in told] == ["my.toml, price 1 ('m')", "my.toml, price 3 ('other')"]


@pytest.mark.parametrize(
    "text",
    ["", "prices = 7", "prices = []", "prices = [1]", "[prices]\nmodel = 'm'", "a = [", "x" * 100, "a = " + "[" * 5000,
     "a = 1" + "0" * 5000, "sources = 7\n" + row(), "[sources]\nA = 7\n" + row(), "other = 1\n" + row(),
     "[sources]\nA = { title = 'a' }\n" + row(), "[context_cache]\nshare = 1\n" + row()],
)  # fmt: skip
def test_a_file_of_something_else_is_one_sentence(text: str) -> None:
    (told,) = problems(text)
    assert told.startswith("my.toml ")
    assert len(told) < 400


def test_a_value_of_any_length_is_told_in_few_words() -> None:
    (told,) = problems(row(model='"' + "m" * 100_000 + '"', currency='"' + "c" * 100_000 + '"'))
    assert len(told) < 400
