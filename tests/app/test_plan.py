"""A plan from Python: what it counts, what it expects, which ways it offers and marks, and what it leaves unknown."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwen_dataset import Client, Config, Plan, PlannedWay, PriceWay, SettingError
from qwen_dataset.app.api import counting, planning
from qwen_dataset.app.api.counting import Counted, Counting
from qwen_dataset.app.api.plan import bounds_of, make_plan
from qwen_dataset.app.api.planning import Planner
from qwen_dataset.app.engine.planner import Work
from qwen_dataset.app.wiring.prices import price_list, region_of_realm
from qwen_dataset.app.wiring.tokens import Vocabulary
from qwen_dataset.domain.inference import Message, Parameters
from qwen_dataset.domain.recipes.base import Draft
from qwen_dataset.domain.samples import Origin
from qwen_dataset.ports.inference import Limits
from tests.library.stage import Stage

BEIJING, SINGAPORE = "cn-beijing", "ap-southeast-1"
NOW = 1_795_000_000.0  # 2026-11-18
LETTERS = Vocabulary(name="letters", count=len, is_sure=True)


@pytest.fixture
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    stage = Stage(tmp_path, monkeypatch)
    stage.papers()
    return stage


@pytest.fixture
def letters(monkeypatch: pytest.MonkeyPatch) -> None:
    """A token is a letter, for every model, and a template adds nothing."""
    monkeypatch.setattr(planning, "vocabulary_of", lambda _: LETTERS)
    monkeypatch.setattr("qwen_dataset.app.api.plan.vocabulary_of", lambda _: LETTERS)
    monkeypatch.setattr(counting, "template_tokens", lambda _: 0)


def planned(config: Config, *papers: str, **more: Any) -> Plan:
    return asyncio.run(Client(config).plan(papers or ["papers"], **more))


def draft(text: str, *, system: str = "", paper: str | None = None, start: int = 0) -> Draft:
    messages = (*([Message("system", system)] if system else []), Message("user", text))
    return Draft(messages=messages, origin=Origin(paper_id=paper, start=start, end=start + 1))


def counted(drafts: Iterable[Draft], limits: Limits | None = None) -> Counted:
    found = Counting([LETTERS], limits=limits or Limits(), bounds=[100], model="m")
    found.add(Work(None, drafts), Parameters())
    return found.counted()


def plan_of(texts: Sequence[str], config: Config, **more: Any) -> Plan:
    planner = Planner(config, **more)
    planner.add(Work(None, [draft(text) for text in texts]))
    return asyncio.run(planner.plan(Client(config).storage, now=NOW))


def way(plan: Plan, region: str, name: str, *, cached: bool = False, model: str | None = None) -> PlannedWay:
    found = plan.way(region, PriceWay(name), cached=cached, model=model)
    assert found is not None
    return found


# What is counted


def test_requests_passages_and_papers_are_those_that_generate_makes(inside: Stage) -> None:
    plan = planned(Config())
    assert not inside.tree("papers").keys() ^ inside.tree().keys(), "a plan makes nothing"
    inside.generate("papers").works()
    assert plan.counted.requests == len(inside.requests()) == 4
    assert (plan.counted.papers, plan.counted.passages, plan.counted.shards) == (2, 4, 1)
    (lines,) = (inside.home / "batch_jobs").glob("*/requests/*.jsonl")
    assert plan.counted.size == lines.stat().st_size
    assert plan.reading is not None
    assert plan.reading.papers == 2


def test_our_own_output_and_jobs_are_no_papers(inside: Stage) -> None:
    config = Config(output="papers/o.jsonl", storage="file:papers/jobs")
    before = planned(config).counted
    inside.generate("papers", "--storage", "file:papers/jobs", output="papers/o.jsonl").works()
    assert planned(config).counted == before


@pytest.mark.usefixtures("letters")
def test_every_message_is_counted() -> None:
    found = counted([draft("abc", system="xy"), draft("abcd", system="xy")]).tokens["letters"]
    assert sum(size.tokens for size in found.sizes) == 11


def test_shards_are_cut_as_the_engine_cuts_them() -> None:
    few = counted([draft(str(number)) for number in range(25)], Limits(requests=10))
    assert (few.requests, few.shards, few.largest_shard) == (25, 3, 10)
    each = counted([draft("x" * 1000)]).size
    large = counted([draft("x" * 1000) for _ in range(7)], Limits(submission_bytes=3 * each))
    assert (large.shards, large.largest_shard) == (3, 3)
    assert counted([]).shards == 0


def test_what_fits_in_no_line_is_counted_apart_and_not_priced() -> None:
    found = counted([draft("x" * 500), draft("y" * 5000)], Limits(line_bytes=2000))
    assert (found.requests, found.too_large, found.shards) == (1, 1, 1)
    assert sum(size.requests for size in found.tokens["letters"].sizes) == 1


@pytest.mark.usefixtures("letters")
def test_what_begins_like_others_is_shared_by_all_but_the_first() -> None:
    shared = [draft(f"Title: {name}", system="S" * 300) for name in ("alpha", "beta", "gamma")]
    assert counted(shared).tokens["letters"].shared == 2 * (300 + len("Title: "))
    two = [draft("x", system="E" * 300), draft("x", system="Z" * 300), draft("y", system="E" * 300)]
    assert counted(two).tokens["letters"].shared == 300, "one system message a language"
    prompts = [draft("Explain qubits."), draft("Explain traps."), draft("Why?")]
    assert counted(prompts).tokens["letters"].shared == 0
    assert counted(prompts[:2]).tokens["letters"].shared == len("Explain ")
    assert counted(prompts[:1]).tokens["letters"].shared == 0


@given(st.text("ab", max_size=40), st.text("ab", max_size=40))
def test_a_common_beginning_is_found_to_the_letter(one: str, other: str) -> None:
    expected = next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    assert counting._common_length(one, other) == expected


def test_beginnings_are_few_however_many_system_messages_there_are() -> None:
    found = Counting([LETTERS], limits=Limits(), bounds=[], model="m")
    found.add(Work(None, [draft("x", system=f"{number} {'s' * 300}") for number in range(1000)]), Parameters())
    assert len(found._beginnings._found) == counting._GROUPS


@pytest.mark.usefixtures("letters")
def test_models_are_counted_with_their_own_vocabularies(inside: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = Vocabulary(name="pairs", count=lambda text: len(text) // 2, is_sure=False)

    def vocabulary(model: str) -> Vocabulary:
        return pairs if model == "qwen-flash" else LETTERS

    monkeypatch.setattr(planning, "vocabulary_of", vocabulary)
    monkeypatch.setattr("qwen_dataset.app.api.plan.vocabulary_of", vocabulary)
    plan = plan_of(["x" * 100], Config(), models=["qwen-flash", "qwen-plus"])
    assert plan.estimates["qwen-plus", False].prompt_tokens == 100
    assert plan.estimates["qwen-flash", False].prompt_tokens == 50
    assert {row.model for row in plan.ways} == {"qwen-plus", "qwen-flash"}


# What is expected


def test_a_default_is_expected_where_no_job_tells_and_never_more_than_allowed(inside: Stage) -> None:
    plan = planned(Config())
    assert (plan.estimate.completion_tokens, plan.estimate.most_completion_tokens) == (4 * 400, 4 * 2000)
    assert plan.priors["qwen-plus", False].answers == 0
    assert planned(Config(max_tokens=50)).estimate.completion_tokens == 4 * 50


def test_of_a_model_that_thinks_nothing_is_expected_before_it_was_measured(inside: Stage) -> None:
    plan = planned(Config(enable_thinking=True, thinking_budget=500))
    assert plan.estimate.completion_tokens is None
    assert plan.estimate.most_completion_tokens == 4 * 2500
    cost = way(plan, BEIJING, "batch").cost
    assert cost is not None
    assert cost.expected is None
    assert cost.most is not None
    unbounded = way(planned(Config(enable_thinking=True)), BEIJING, "batch").cost
    assert unbounded is not None
    assert unbounded.most is None, "how long qwen-plus thinks is in no source"


def as_bailian(inside: Stage) -> None:
    """Let the jobs of the fake be those of Bailian."""
    for spec in (inside.home / "batch_jobs").glob("*/spec.json"):
        told = json.loads(spec.read_text(encoding="utf-8"))
        told["spec"]["realm"] = "bailian:cn-beijing"
        spec.write_text(json.dumps(told), encoding="utf-8")


def test_an_earlier_job_of_the_same_kind_tells_how_long_answers_are(inside: Stage) -> None:
    inside.generate("papers").works()
    assert planned(Config()).priors["qwen-plus", False].answers == 0, "the fake's answers tell nothing of a model's"
    as_bailian(inside)
    outcomes = [
        json.loads(line)["outcome"]
        for path in (inside.home / "batch_jobs").glob("*/segments/*")
        for line in path.read_bytes().splitlines()
    ]
    plan = planned(Config(), "papers/a.md")
    prior = plan.priors["qwen-plus", False]
    written = [outcome["usage"]["completion_tokens"] for outcome in outcomes]
    assert (prior.tokens, prior.answers) == (Decimal(sum(written)) / 4, 4)
    assert prior.job in inside.specs()
    assert plan.estimate.completion_tokens == (sum(written) + 1) // 2
    for other in ({"model": "qwen-flash"}, {"max_tokens": 1999}, {"enable_thinking": True}):
        changed = planned(Config(**other))
        assert changed.priors[changed.model, changed.thinking].answers == 0, other


def test_a_damaged_job_and_a_storage_that_is_away_tell_nothing_and_stop_nothing(inside: Stage) -> None:
    inside.generate("papers").works()
    as_bailian(inside)
    (event,) = (inside.home / "batch_jobs").glob("*/events/000000000002.json")
    event.write_bytes(b"{")
    assert planned(Config()).priors["qwen-plus", False].answers == 0


# Ways, prices and time


@pytest.mark.usefixtures("letters")
def test_the_table_as_a_whole(inside: Stage) -> None:
    """1,000 tokens in and 400 out, ten times: qwen-plus in Beijing 0.8 / 2, in Singapore 0.4 / 1.2."""
    plan = plan_of(["x" * 1000] * 10, Config())
    rows = {
        (row.region, row.way.value, row.cached): row.cost and (row.cost.least, row.cost.expected)
        for row in plan.ways
        if not row.thinking
    }
    half = (Decimal("0.004"), Decimal("0.008"))
    # Nine of ten requests begin like the first, with all of their text: 90 % of it at a fifth.
    cached = Decimal("0.008") * (1 - Decimal("0.9") * Decimal("0.8"))
    assert rows == {
        (BEIJING, "batch", False): (half[0], half[1]),
        (BEIJING, "batch-chat", False): (half[0], half[1]),
        (BEIJING, "realtime", True): (cached, cached + Decimal("0.008")),
        (BEIJING, "realtime", False): (Decimal("0.008"), Decimal("0.016")),
        (SINGAPORE, "batch", False): (Decimal("0.002"), Decimal("0.0044")),
        (SINGAPORE, "batch-chat", False): None,
        (SINGAPORE, "realtime", True): (cached / 2, cached / 2 + Decimal("0.0048")),
        (SINGAPORE, "realtime", False): (Decimal("0.004"), Decimal("0.0088")),
    }
    assert {(row.region, row.way.value) for row in plan.ways if row.is_cheapest} == {
        (BEIJING, "batch"),
        (SINGAPORE, "batch"),
    }, "one mark for each currency"


def test_thinking_has_rows_of_its_own_where_a_model_can(inside: Stage) -> None:
    assert {row.thinking for row in planned(Config()).ways} == {True, False}
    plan = planned(Config(model="qwen-long"))
    assert {row.thinking for row in plan.ways} == {False}
    always = planned(Config(model="qwen3.7-max-preview"))
    off = way(always, BEIJING, "realtime")
    assert "always thinks" in off.not_offered
    assert any(row.thinking and not row.not_offered for row in always.ways)


@pytest.mark.usefixtures("letters")
def test_a_request_above_the_cap_of_batches_takes_that_way_away(inside: Stage) -> None:
    config = Config(model="qwen3.6-plus")
    below = plan_of(["x" * 256_000], config)
    assert way(below, BEIJING, "batch").not_offered == ""
    above = plan_of(["y" * 10, "x" * 256_001], config)
    for name in ("batch", "batch-chat"):
        assert "256,001 tokens, and at most 256,000" in way(above, BEIJING, name).not_offered
    realtime = way(above, BEIJING, "realtime")
    assert realtime.not_offered == ""
    assert realtime.cost is not None
    assert realtime.cost.least == (10 * 2 + 256_001 * 8) / Decimal(1_000_000)
    assert realtime.is_cheapest


@pytest.mark.usefixtures("letters")
def test_an_unknown_price_is_unknown_and_never_the_cheapest(inside: Stage) -> None:
    plan = plan_of(["x" * 256_001], Config(model="qwen3.7-plus"), regions=[BEIJING])
    realtime = way(plan, BEIJING, "realtime")
    assert realtime.cost is not None
    assert (realtime.cost.expected, realtime.cost.unpriced) == (None, 1)
    assert not any(row.is_cheapest for row in plan.ways)
    nobody = plan_of(["x"], Config(model="qwen-plus-latest"))
    assert all(row.price is None and row.cost is None for row in nobody.ways)


def test_a_model_or_region_without_batches_says_so(inside: Stage) -> None:
    plan = planned(Config(model="qwen3.8-flash"), regions=[BEIJING, SINGAPORE, "us-east-1"])
    assert way(plan, BEIJING, "batch").not_offered == ""
    assert "no longer offered" in way(plan, SINGAPORE, "batch").not_offered
    assert "does not exist in us-east-1" in way(plan, "us-east-1", "batch").not_offered


@pytest.mark.parametrize(
    ("requests", "deadline", "cheapest"),
    [
        (10, None, "batch"),
        (10, "6h", "batch"),  # measured: up to 2 h 32 min
        (10, "2h", "batch-chat"),  # each call at most an hour, all ten at once
        (10, "59m", "realtime"),
        (1001, "6h", "realtime"),  # nothing was measured for so many, and Batch Chat may take eleven hours
        (1001, "24h", "batch-chat"),  # a batch is over after a day, and then perhaps not done
        (1001, None, "batch"),
    ],
)
@pytest.mark.usefixtures("letters")
def test_the_cheapest_within_the_deadline_is_marked(
    inside: Stage, requests: int, deadline: str | None, cheapest: str
) -> None:
    (inside.home / "p.jsonl").write_text(
        "".join(json.dumps({"title": f"P{n}", "text": TEXT.format(n=n)}) + "\n" for n in range(requests)),
        encoding="utf-8",
    )
    config = Config(max_samples=1, concurrency=100)
    plan = planned(config, "p.jsonl", deadline=deadline, regions=[BEIJING])
    assert plan.counted.requests == requests
    (marked,) = [row for row in plan.ways if row.is_cheapest]
    assert marked.way.value == cheapest
    assert marked.fits


TEXT = (
    "The ion trap number {n} holds {n} ions at seven millikelvin. Their lifetime was measured with a laser in run {n}"
    " and it agrees with the theory."
)


def test_nothing_is_marked_where_nothing_is_done_in_time(inside: Stage) -> None:
    plan = planned(Config(model="qwen3.7-plus"), deadline="1m")
    assert not any(row.is_cheapest for row in plan.ways), "the rates of this model are not known"


@pytest.mark.parametrize("bad", ["", "6", "h", "six hours", "-1h"])
def test_a_deadline_is_minutes_hours_or_days(inside: Stage, bad: str) -> None:
    with pytest.raises(SettingError, match="such as 90m, 6h or 2d"):
        planned(Config(), deadline=bad)


@pytest.mark.usefixtures("letters")
def test_above_62_5_percent_of_hits_cached_realtime_is_cheaper_than_batch(inside: Stage) -> None:
    """The cross-over of the whole table: no output counts, and one request more or less than it takes."""
    config = Config(max_tokens=1, prices=own(inside, output=0, more="half_price.batch-chat = {}"), storage="memory:")
    cheapest = {}
    for begin in (624, 627):
        texts = [f"{'s' * begin}{number:05}{'x' * (995 - begin)}" for number in range(2000)]
        plan = plan_of(texts, config, regions=[BEIJING])
        (marked,) = [row for row in plan.ways if row.is_cheapest]
        cheapest[begin] = (marked.way.value, marked.cached)
    assert cheapest == {624: ("batch", False), 627: ("realtime", True)}


# A person's own prices, and other servers


def own(inside: Stage, *, output: object = 3, region: str = BEIJING, more: str = "") -> Path:
    return inside.write(
        "mine.toml",
        f'[[prices]]\nmodel = "qwen-plus"\nregion = "{region}"\ncurrency = "CNY"\ninput = 1\noutput = {output}\n'
        'as_of = "2026-11-01"\ncached_input = 0.2\nhalf_price.batch = {}\n' + more,
    )


@pytest.mark.usefixtures("letters")
def test_a_persons_own_prices_count_before_ours(inside: Stage) -> None:
    plan = plan_of(["x" * 1000], Config(prices=own(inside)))
    mine = way(plan, BEIJING, "batch")
    assert mine.price is not None
    assert mine.price.source == str(inside.home / "mine.toml")
    assert mine.cost is not None
    assert mine.cost.expected == Decimal("0.0011")
    ours = way(plan, BEIJING, "batch-chat").price
    assert ours is not None
    assert ours.source != mine.price.source, "what the file does not say stays"


@pytest.mark.parametrize(
    "setting",
    [{"base_url": "http://localhost:8000/v1/"}, {"backend": "http://LOCALHOST:8000/v1?stream=yes"}],
)
@pytest.mark.usefixtures("letters")
def test_another_server_has_the_prices_of_its_base_url_only(inside: Stage, setting: dict[str, str]) -> None:
    there = "http://localhost:8000/v1"
    unknown = plan_of(["x" * 1000], Config(**setting))
    assert {(row.region, row.price, row.not_offered) for row in unknown.ways} == {(there, None, "")}
    assert [row.way.value for row in unknown.ways] == ["batch", "realtime"]
    known = plan_of(["x" * 1000], Config(prices=own(inside, region=there), **setting))
    assert way(known, there, "realtime").cost is not None
    assert way(known, there, "batch").is_cheapest


def test_a_base_url_of_bailian_is_its_region(inside: Stage) -> None:
    url = "https://dashscope-intl.aliyuncs.com/compatible-mode/v1"
    assert {row.region for row in planned(Config(base_url=url)).ways} == {SINGAPORE}
    assert region_of_realm("bailian:ap-southeast-1") == SINGAPORE
    assert region_of_realm("http://localhost:8000/v1") == "http://localhost:8000/v1"


def test_regions_are_named_by_name_base_url_or_what_has_a_price(inside: Stage) -> None:
    names = [BEIJING, "https://dashscope-intl.aliyuncs.com/compatible-mode/v1", "HTTP://h:1/v1/", "fake:7"]
    plan = planned(Config(prices=own(inside, region="fake:7")), regions=names)
    assert list(dict.fromkeys(row.region for row in plan.ways)) == [BEIJING, SINGAPORE, "http://h:1/v1", "fake:7"]
    with pytest.raises(SettingError, match="'cn-bejing' is not one of Bailian's"):
        planned(Config(), regions=["cn-bejing"])
    with pytest.raises(SettingError, match="'fake:7' is not one of Bailian's"):
        planned(Config(), regions=["fake:7"])


def test_the_configured_region_comes_first(inside: Stage) -> None:
    plan = planned(Config(region="us-east-1"))
    assert list(dict.fromkeys(row.region for row in plan.ways)) == ["us-east-1", BEIJING, SINGAPORE]


def _folder(home: Path) -> Path:
    return home


def _missing(home: Path) -> Path:
    return home / "none.toml"


def _binary(home: Path) -> Path:
    (home / "b.toml").write_bytes(b"\xff\xfe\x00")
    return home / "b.toml"


def _large(home: Path) -> Path:
    (home / "l.toml").write_bytes(b"#" * 1_000_001)
    return home / "l.toml"


@pytest.mark.parametrize("make", [_folder, _missing, _binary, _large])
def test_prices_that_cannot_be_read_are_one_sentence(inside: Stage, make: Callable[[Path], Path]) -> None:
    with pytest.raises(SettingError, match="the prices cannot be read from"):
        planned(Config(prices=make(inside.home)))


def test_a_file_of_prices_from_any_editor_is_read(inside: Stage) -> None:
    text = own(inside).read_text(encoding="utf-8")
    inside.write("mine.toml", b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    found = price_list(Config(prices=inside.home / "mine.toml")).find("qwen-plus", BEIJING, "batch")
    assert found is not None
    assert found.tiers[0].output == Decimal("1.5")


# Size


def test_more_requests_take_no_more_memory() -> None:
    """Nothing is kept of a request: what is kept for 20,000 is what is kept for 2,000."""

    def kept(requests: int) -> int:
        found = Counting([LETTERS], limits=Limits(), bounds=[], model="m")
        # Of the same few sizes.
        drafts = (draft("x" * (number % 50), system="s" * 400, paper=f"{number}") for number in range(requests))
        found.add(Work(None, drafts), Parameters())
        (counter,) = found._counters.values()
        return len(counter.sizes._found) + len(found._beginnings._found)

    assert kept(20_000) == kept(2_000)


def test_a_plan_is_plain_data(inside: Stage) -> None:
    plan = planned(Config())
    again = make_plan(
        plan.counted,
        Config(),
        price_list(Config()),
        models=["qwen-plus"],
        regions=[BEIJING, SINGAPORE],
        priors={},
        today=dt.date(2026, 11, 22),
        reading=plan.reading,
    )
    assert attrs.evolve(plan) == plan == again
    assert bounds_of(price_list(Config())) >= {32_000, 128_000, 256_000, 262_144, 1_000_000}
