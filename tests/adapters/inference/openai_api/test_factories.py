"""What is offered by name and by URL."""

import asyncio

import pytest

from qwen_dataset.adapters.inference.bailian import models
from qwen_dataset.adapters.inference.openai_api.factories import (
    open_batch_chat,
    open_http,
    open_https,
    open_openai_chat,
)
from qwen_dataset.domain.inference import Completion, Parameters
from qwen_dataset.errors import BackendDenied, BackendUnavailable, SettingError
from qwen_dataset.ports.inference import BackendSettings
from qwen_dataset.testing.inference_contract import Asked


def _settings(base_url=None, **settings):
    return BackendSettings(base_url=base_url, api_key=lambda: "sk-test-0123456789", **settings)


def _located(stub, **settings):
    return BackendSettings(location=stub.base_url.removeprefix("http://"), **settings)


@pytest.mark.parametrize(("factory", "name"), [(open_openai_chat, "openai-chat"), (open_batch_chat, "batch-chat")])
def test_an_offer_by_name_is_exact(factory, name):
    offer = factory(_settings())
    assert (offer.name, offer.realtime, offer.either, offer.remote) == (name, True, False, None)
    assert offer.backend.realm == "bailian:cn-beijing"
    where = "(Bailian, cn-beijing)" + (" (Batch Chat, half price)" if name == "batch-chat" else "")
    assert offer.destination.endswith(where)


def test_batch_chat_at_the_usual_url_of_bailian_goes_to_its_own_host_at_half_the_price():
    offer = open_batch_chat(_settings("https://dashscope.aliyuncs.com/compatible-mode/v1"))
    assert offer.destination == "batch.dashscope.aliyuncs.com (Bailian, cn-beijing) (Batch Chat, half price)"
    with pytest.raises(SettingError, match="cn-beijing only"):
        open_batch_chat(_settings("https://dashscope-intl.aliyuncs.com/compatible-mode/v1"))


def test_batch_chat_at_another_server_goes_where_it_was_told_to(stub):
    offer = open_batch_chat(_settings(stub.base_url))
    assert offer.destination == stub.base_url.removeprefix("http://").partition("/")[0]


def test_a_setting_that_cannot_work_is_said_by_the_factory():
    with pytest.raises(SettingError, match="no parameter"):
        open_openai_chat(_settings(parameters={"speed": "9"}))


def test_the_chat_behind_a_url_answers(stub):
    offer = open_http(_located(stub, realtime=True))
    assert (offer.name, offer.realtime, offer.either) == ("openai-chat", True, True)
    assert offer.backend.realm == stub.base_url

    async def scenario(requests):
        async with offer.backend as backend:
            handle = await backend.submit("k", Asked(requests))
            assert handle.backend == offer.name
            return [outcome async for outcome in backend.results(handle, Asked(requests))]

    from qwen_dataset.testing.inference_contract import requests_of

    assert all(isinstance(outcome, Completion) for outcome in asyncio.run(scenario(requests_of(3))))


@pytest.mark.parametrize("realtime", [False, None])
def test_a_url_is_asked_in_batches_unless_realtime_was_chosen(realtime):
    offer = open_https(BackendSettings(location="server.invalid/v1", realtime=realtime))
    assert (offer.name, offer.realtime, offer.either) == ("openai-batch", False, True)
    assert offer.destination == "server.invalid"


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (200, {"object": "list", "data": [{"id": "a"}, {"id": "b"}]}, " answers and lists 2 models"),
        (200, {"data": None}, " answers"),
        (200, {"data": []}, " answers"),
        (200, "<html>", " answers, but not in the form of the OpenAI protocol: look at base_url"),
        (200, [], " answers, but not in the form of the OpenAI protocol: look at base_url"),
        (404, {"error": {"message": "no"}}, " answers; it has no list of models"),
        (405, "", " answers; it has no list of models"),
    ],
)
def test_the_probe_says_what_came(stub, kit, status, body, told):
    stub.will(kit.says(status, body))
    offer = open_http(_located(stub, realtime=True))
    assert asyncio.run(offer.probe()) == f"{offer.destination}{told}"
    (call,) = stub.calls
    assert (call.method, call.path) == ("GET", "/v1/models")


def test_the_probe_raises_what_is_wrong(stub, kit):
    stub.will(kit.says(401, {"error": {"code": "invalid_api_key", "message": "wrong"}}), kit.says(503, ""))
    offer = open_http(_located(stub, realtime=True))
    with pytest.raises(BackendDenied):
        asyncio.run(offer.probe())
    with pytest.raises(BackendUnavailable):
        asyncio.run(offer.probe())


def test_advice_is_given_on_bailian_and_nowhere_else(monkeypatch):
    asked = []

    def advice(model, parameters, **how):
        asked.append((model, how["way"], how["region"]))
        return [f"about {model}"]

    monkeypatch.setattr(models, "advice", advice)
    assert open_openai_chat(_settings()).advice("qwen-plus", Parameters()) == ["about qwen-plus"]
    assert open_batch_chat(_settings()).advice("qwen-plus", Parameters()) == ["about qwen-plus"]
    assert asked == [("qwen-plus", "realtime", "cn-beijing"), ("qwen-plus", "batch-chat", "cn-beijing")]
    assert open_openai_chat(_settings("http://localhost:1/v1")).advice("llama3", Parameters()) == []


def test_the_catalogue_knows_the_ways_it_is_asked_for():
    for open_it in (open_openai_chat, open_batch_chat):
        assert open_it(_settings()).advice("no-such-model-at-all", Parameters())
