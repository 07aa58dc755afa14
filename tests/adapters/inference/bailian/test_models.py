"""The catalogue of models, and what it advises."""

import re
import tomllib
from datetime import date
from importlib import resources

import pytest

from qwen_dataset.adapters.inference.bailian.models import advice, find, names
from qwen_dataset.domain.inference import Parameters

TODAY = date(2026, 11, 22)
BEFORE = date(2026, 6, 1)


def _words(text):
    return text.split()


NAMED = _words("""
qwen3.8-max qwen3.8-flash qwen3.7-max qwen3.7-plus qwen3.7-flash qwen3.7-max-preview qwen3.6-plus qwen3.6-flash
qwen3.6-max-preview qwen3.5-plus qwen3.5-flash qwen3.5-omni-plus qwen3.5-omni-flash qwen3-max qwen3-max-preview
qwen3-max-2025-09-23 qwen3-coder-plus qwen3-32b qwen3-vl-plus qwen3-vl-flash qwen-vl-ocr qwen-vl-ocr-latest
qwen-plus qwen-plus-latest qwen-flash qwen-max qwen-max-latest qwen-turbo qwen-turbo-latest qwen-long
qwen-long-latest qwen-vl-max qwen-vl-plus qwen-vl-max-latest qwen-vl-plus-latest qwen-omni-turbo qwq-plus
qwq-32b-preview qvq-max deepseek-r1 deepseek-v3 deepseek-v3.1 deepseek-v3.2 deepseek-v3.2-exp deepseek-v4-pro
deepseek-v4-flash batch-test-model
""")

BATCH_IN_BEIJING = _words("""
qwen3.8-max qwen3.7-max qwen3-max qwen3.7-plus qwen3.6-plus qwen3.5-plus qwen-plus qwen-plus-latest qwen3.8-flash
qwen3.7-flash qwen3.6-flash qwen3.5-flash qwen-flash qwen-long qwen-long-latest deepseek-r1 deepseek-v3.2
deepseek-v3 qwen3-vl-plus qwen3-vl-flash qwen-vl-ocr qwen-vl-ocr-latest qwen3.5-omni-plus qwen3.5-omni-flash
batch-test-model
""")

BATCH_CHAT = _words("""
qwen3.8-max qwen3.8-flash qwen3.7-max qwen3.7-plus qwen3.6-plus qwen3.7-flash qwen3.6-flash qwen3.5-plus
qwen3.5-flash qwen-plus qwen-flash qwen3-vl-plus qwen3.5-omni-plus
""")

THINKING = Parameters(enable_thinking=True)
MULTIMODAL = re.compile(r"qwen3\.8-.*|qwen3\.[567]-(plus|flash)|.*-(vl|omni)-.*|qvq-max|.*-ocr.*")


def _raw():
    text = resources.files("qwen_dataset.adapters.inference.bailian").joinpath("models.toml").read_text("utf-8")
    return tomllib.loads(text)


def _told(model, **how):
    format_ = how.pop("response_format", None)
    parameters = Parameters(
        enable_thinking=how.pop("thinking", False), response_format=None if format_ is None else {"type": format_}
    )
    return " | ".join(advice(model, parameters, **{"region": "cn-beijing", "way": "realtime", "today": TODAY, **how}))


@pytest.mark.parametrize("name", NAMED)
def test_every_model_people_know_is_there(name):
    assert find(name).name == name
    assert name in names()


def test_each_fact_has_a_source_with_a_date():
    raw = _raw()
    for source in raw["sources"].values():
        assert re.fullmatch(r"20\d\d-\d\d(-\d\d)?", source["date"])
        assert source["title"]
    assert set(raw["sources"]) == set(re.findall(r'source = "([^"]+)"', str(_text())))


def _text():
    return resources.files("qwen_dataset.adapters.inference.bailian").joinpath("models.toml").read_text("utf-8")


def test_the_data_holds_no_word_that_the_loader_would_pass_over():
    known = "family thinking batch batch_chat structured context retired rates inherits note url prices"
    words = {
        "family": "value source",
        "thinking": "default stream_only source",
        "structured": "json_object json_schema source",
        "context": "tokens input max_output source",
        "retired": "date disputed source note",
        "batch_chat": "state source note",
    }
    for model in _raw()["models"].values():
        assert set(model) <= set(known.split())
        for key, allowed in words.items():
            assert set(model.get(key, {})) <= set(allowed.split())
        for listing in model.get("batch", {}).values():
            assert set(listing) <= {"state", "source", "note"}
        for rates in model.get("rates", {}).values():
            assert set(rates) <= {"rpm", "tpm", "source", "note"}


def test_every_value_is_one_of_the_words_that_are_known():
    for model in map(find, names()):
        assert model.family in {"text", "multimodal"}
        assert model.thinking in {"on", "off", "always", "none"}
        for listing in [*model.batch.values(), *([model.batch_chat] if model.batch_chat else [])]:
            assert listing.state in {"listed", "former", "disputed"}
        assert model.structured is None or model.structured.json_object in {None, "any", "plain"}
        assert model.structured is None or model.structured.json_schema in {None, "listed", "former"}


def test_the_lists_of_batches_are_those_of_the_service():
    models = [find(name) for name in names()]
    listed = {m.name for m in models if m.batch.get("cn-beijing") and m.batch["cn-beijing"].state == "listed"}
    assert listed == set(BATCH_IN_BEIJING)
    chat = {m.name for m in models if m.batch_chat and m.batch_chat.state == "listed"}
    assert chat == set(BATCH_CHAT)
    singapore = {
        m.name for m in models if m.batch.get("ap-southeast-1") and m.batch["ap-southeast-1"].state == "listed"
    }
    assert singapore == {"qwen3.7-plus", "qwen-max", "qwen-plus", "qwen-flash", "batch-test-model"}


def test_multimodal_models_are_those_that_refuse_the_text_endpoint():
    assert {name for name in names() if find(name).family == "multimodal"} == set(filter(MULTIMODAL.fullmatch, names()))


@pytest.mark.parametrize(
    ("name", "thinking", "switchable"),
    [
        ("qwen3.8-max", "on", True),
        ("qwen3.5-flash", "on", True),
        ("qwen3-max", "off", True),
        ("qwen-plus", "off", True),
        ("qwen-flash", "off", True),
        ("qwen-turbo", "off", True),
        ("qwen3.7-max-preview", "always", False),
        ("qwq-plus", "always", False),
        ("deepseek-r1", "always", False),
        ("deepseek-v4-flash", "on", True),
        ("deepseek-v3.2", "off", True),
        ("deepseek-v3.1", "off", True),
        ("qwen-max", "none", False),
        ("qwen-long", "none", False),
        ("deepseek-v3", "none", False),
        ("batch-test-model", "none", False),
    ],
)
def test_what_thinks_by_itself(name, thinking, switchable):
    assert (find(name).thinking, find(name).thinking_switchable) == (thinking, switchable)


def test_sizes_and_rates_are_those_of_the_service():
    model = find("qwen-plus")
    assert (model.context, model.max_input, model.max_output) == (1_000_000, 997_952, 32_768)
    assert (model.rates["cn-beijing"].rpm, model.rates["cn-beijing"].tpm) == (30_000, 5_000_000)
    assert (model.rates["ap-southeast-1"].rpm, model.rates["ap-southeast-1"].tpm) == (600, 1_000_000)
    assert find("qwen3.8-max").rates["cn-beijing"].rpm is None
    assert find("qwen3.7-plus").rates == {}
    assert model.rates["cn-beijing"].fact.source == "RL"
    assert model.facts["context"].date == "2026-10"
    assert find("batch-test-model").url == "/v1/chat/ds-test"
    assert find("qwen3-235b-a22b").stream_only_thinking


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("qwen-plus-2025-07-28", "qwen-plus"),
        ("qwen-max-0125", "qwen-max"),
        ("qwen-flash-latest", "qwen-flash"),
        ("deepseek-r1-0528", "deepseek-r1"),
        ("qwen3.5-plus-2026-02-15", "qwen3.5-plus"),
    ],
)
def test_a_dated_name_is_what_its_family_is_but_in_no_list_and_of_unknown_rates(name, family):
    model = find(name)
    assert (model.name, model.known_as) == (name, family)
    assert (model.family, model.thinking, model.context) == (
        find(family).family,
        find(family).thinking,
        find(family).context,
    )
    assert (model.batch, model.batch_chat, model.rates) == ({}, None, {})
    assert f"what is known is that of {family}" in _told(name)


@pytest.mark.parametrize("name", ["", "gpt-5", "qwen-plus-20251", "qwen-plus-x", "Qwen-Plus-2025-07-28", "nix-latest"])
def test_an_unknown_model_passes_with_one_warning(name):
    assert find(name) is None
    assert len(advice(name, THINKING, region="cn-beijing", way="batch", today=TODAY)) == 1
    assert "is not in the catalogue" in _told(name)


def test_a_latest_name_of_the_catalogue_is_itself():
    assert find("qwen-plus-latest").known_as == "qwen-plus-latest"
    assert find("qwen-plus-latest").rates["cn-beijing"].rpm == 15_000
    assert find("qwen-plus-latest").context == find("qwen-plus").context
    assert _told("qwen-plus-latest", way="batch") == ""


def test_of_another_server_nothing_is_said():
    assert advice("nix", THINKING, region=None, way="batch", today=TODAY) == []
    assert advice("qwen-max", THINKING, region=None, way="realtime", today=TODAY) == []


@pytest.mark.parametrize("name", ["qwen-plus", "qwen3.7-plus", "qwen3.8-max", "qwen-flash"])
@pytest.mark.parametrize("way", ["realtime", "batch", "batch-chat"])
def test_where_all_is_well_nothing_is_said(name, way):
    assert _told(name, way=way, response_format="json_object") == ""


def test_a_model_that_is_retired_or_will_be_is_told_with_its_date():
    assert "qwq-plus was retired on 2026-07-13 (the date may shift; Notice 731" in _told("qwq-plus", thinking=True)
    assert "qwq-plus is to be retired on 2026-07-13" in _told("qwq-plus", today=BEFORE, thinking=True)
    assert "was retired on 2026-07-13" in _told("qwq-plus", today=date(2026, 7, 13), thinking=True)
    assert "sources differ, so it may still answer" in _told("qwen-max")
    assert "sources differ" not in _told("qwen3-max")
    assert "was retired" in _told("deepseek-r1")


@pytest.mark.parametrize(
    ("name", "how", "words"),
    [
        ("qwen-plus", {"way": "batch", "region": "us-east-1"}, "the Batch API does not exist in us-east-1"),
        ("qwen-plus", {"way": "batch-chat", "region": "ap-southeast-1"}, "Batch Chat does not exist in ap-southeast-1"),
        (
            "qwen3.6-plus",
            {"way": "batch", "region": "ap-southeast-1"},
            "is in no list of models of the Batch API in ap-",
        ),
        ("qwen-turbo", {"way": "batch"}, "is no longer offered by the Batch API in cn-beijing"),
        ("qwen3.8-flash", {"way": "batch", "region": "ap-southeast-1"}, "refused with model_not_found on 2026-08-31"),
        ("qwen3.5-flash", {"way": "batch", "region": "ap-southeast-1"}, "sources differ on whether the Batch API"),
        ("qwen-long", {"way": "batch-chat"}, "is in no list of models of Batch Chat in cn-beijing"),
        ("deepseek-v3.2", {"way": "batch-chat"}, "no longer offered by Batch Chat"),
        ("deepseek-v4-pro", {"way": "batch"}, "is in no list"),
        ("deepseek-r1", {}, "always thinks, and bills its thoughts as output"),
        ("qwen-long", {"thinking": True}, "cannot think"),
        ("qwen3-32b", {"thinking": True}, "thinks in streamed calls only"),
        ("qwen-plus", {"thinking": True, "response_format": "json_object"}, "without thinking only"),
        ("qwen-plus", {"response_format": "json_schema"}, "no longer listed as having response format json_schema"),
        ("deepseek-v3", {"response_format": "json_object"}, "in no list of models that have response format json_obj"),
        ("qwen-long", {"response_format": "json_schema"}, "in no list of models that have response format json_sch"),
        ("deepseek-v3.2", {"response_format": "json_object"}, "in no list of models that have response format"),
        ("batch-test-model", {"way": "batch"}, "batch-test-model is free"),
    ],
)
def test_what_cannot_be_done_is_said(name, how, words):
    assert words in _told(name, **how)


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("deepseek-r1", {"thinking": True}),
        ("qwen-long", {}),
        ("qwen3-32b", {}),
        ("qwen3.8-max", {"thinking": True, "response_format": "json_object"}),
        ("qwen3.8-max", {"thinking": True, "response_format": "json_schema"}),
        ("qwen-plus", {"response_format": "text"}),
    ],
)
def test_what_can_be_done_is_not_warned_of(name, how):
    told = _told(name, today=BEFORE, **how)
    assert not re.search("think|response format", told)


def test_each_warning_is_one_line():
    for name in [*names(), "nix", "qwen-plus-2025-07-28"]:
        for way in ("batch", "realtime", "batch-chat"):
            for sentence in advice(name, THINKING, region="ap-southeast-1", way=way, today=TODAY):
                assert sentence
                assert "\n" not in sentence
