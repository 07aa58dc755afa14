"""The provider ``bailian``: which way one address goes."""

import sys

import pytest

from qwen_dataset.adapters.inference.bailian.provider import open_bailian
from qwen_dataset.errors import SettingError
from qwen_dataset.ports.inference import BackendSettings


def opened(**changes):
    return open_bailian(BackendSettings(**{"api_key": lambda: "sk-0123456789", **changes}))


@pytest.mark.parametrize(("realtime", "name"), [(True, "dashscope"), (False, "openai-batch"), (None, "openai-batch")])
def test_realtime_goes_through_the_sdk_and_all_else_in_batches(realtime, name):
    offer = opened(realtime=realtime)
    assert (offer.name, offer.realtime, offer.either) == (name, bool(realtime), True)
    assert offer.backend.realm == "bailian:cn-beijing"


@pytest.mark.parametrize("realtime", [True, False])
def test_parameters_of_the_other_way_are_accepted(realtime):
    parameters = {"rpm": "60", "stream": "no", "settle": "30", "lookup": "none", "requests": "100"}
    assert opened(realtime=realtime, parameters=parameters).realtime is realtime


def test_a_parameter_that_neither_way_has_is_refused():
    with pytest.raises(SettingError, match="did you mean timeout"):
        opened(realtime=True, parameters={"timeuot": "60"})


def test_where_there_are_no_batches_and_nobody_chose_it_is_realtime_alone():
    for place in ({"region": "us-east-1"}, {"base_url": "https://dashscope-us.aliyuncs.com/compatible-mode/v1"}):
        offer = opened(**place)
        assert (offer.name, offer.either) == ("dashscope", False)
        assert offer.backend.realm == "bailian:us-east-1"


def test_batches_where_there_are_none_are_refused():
    with pytest.raises(SettingError, match="no batches in us-east-1"):
        opened(realtime=False, region="us-east-1")


def test_a_server_of_ones_own_is_asked_in_batches_unless_realtime_was_chosen():
    base_url = "http://127.0.0.1:9/compatible-mode/v1"
    assert opened(base_url=base_url).name == "openai-batch"
    assert opened(base_url=base_url, realtime=True).backend.realm == opened(base_url=base_url).backend.realm


def test_without_the_sdk_realtime_says_what_to_install_and_batches_go_on(monkeypatch):
    monkeypatch.setitem(sys.modules, "dashscope", None)
    with pytest.raises(SettingError, match=r"qwen-dataset\[dashscope\].*--backend openai-chat"):
        opened(realtime=True)
    assert opened(realtime=False).name == "openai-batch"


def test_a_key_is_needed():
    with pytest.raises(SettingError, match="DASHSCOPE_API_KEY"):
        opened(api_key=None)
