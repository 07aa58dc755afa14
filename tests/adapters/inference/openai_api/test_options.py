"""What an address and the settings say of a backend, and each way to say it wrong."""

import re
from importlib.metadata import PackageNotFoundError

import attrs
import pytest

from qwen_dataset.adapters.inference.openai_api import options as options_module
from qwen_dataset.adapters.inference.openai_api.options import (
    BATCH_CHAT,
    DASHSCOPE,
    OPENAI_BATCH,
    OPENAI_CHAT,
    Key,
    Options,
    settings_of_url,
    user_agent,
)
from qwen_dataset.adapters.inference.openai_api.wire import Dialect
from qwen_dataset.errors import BackendDenied, SettingError
from qwen_dataset.ports.inference import BackendSettings

_COMPATIBLE = "aliyuncs.com/compatible-mode/v1"
_BEIJING = "bailian:cn-beijing"
KEY = "sk-0123456789abcdef"


def _settings(parameters=None, **settings):
    settings.setdefault("api_key", lambda: KEY)
    return BackendSettings(parameters=parameters or {}, **settings)


def _options(parameters=None, *, name=OPENAI_CHAT, **settings):
    return Options.from_settings(_settings(parameters, **settings), name=name)


def test_bailian_in_beijing_is_where_requests_go_unless_said_otherwise():
    options = _options()
    assert options.base_url == "https://dashscope.aliyuncs.com/compatible-mode/v1"
    assert (options.realm, options.region, options.is_bailian) == ("bailian:cn-beijing", "cn-beijing", True)
    assert options.destination == "dashscope.aliyuncs.com (Bailian, cn-beijing)"
    assert (options.timeout, options.connect_timeout, options.concurrency, options.attempts) == (600, 10, 16, 5)
    assert (options.requests, options.submission_bytes, options.line_bytes) == (50_000, 500_000_000, 1_000_000)
    assert (options.settle, options.lookup, options.stream, options.thinking) == (60, True, False, "enable_thinking")
    assert (options.url, options.window_hours) == ("/v1/chat/completions", 24)


@pytest.mark.parametrize(
    ("name", "region", "parameters", "url", "realm"),
    [
        (OPENAI_CHAT, "ap-southeast-1", {}, f"https://dashscope-intl.{_COMPATIBLE}", "bailian:ap-southeast-1"),
        (OPENAI_CHAT, "cn-beijing", {"workspace": "w"}, f"https://w.cn-beijing.maas.{_COMPATIBLE}", _BEIJING),
        (BATCH_CHAT, "cn-beijing", {}, f"https://batch.dashscope.{_COMPATIBLE}", "bailian:cn-beijing"),
        (DASHSCOPE, "cn-beijing", {}, "https://dashscope.aliyuncs.com/api/v1", "bailian:cn-beijing"),
    ],
)  # fmt: skip
def test_places_of_bailian(name, region, parameters, url, realm):
    options = _options(parameters, name=name, region=region)
    assert (options.base_url, options.realm) == (url, realm)


def test_a_server_of_ones_own_is_its_own_realm_and_needs_no_key():
    options = _options(base_url="HTTP://LocalHost:8000/v1/", api_key=None)
    assert (options.base_url, options.realm) == ("http://localhost:8000/v1", "http://localhost:8000/v1")
    assert (options.region, options.is_bailian, options.destination) == (None, False, "localhost:8000")
    assert options.key() == "none"


def test_every_parameter_can_be_said(tmp_path):
    said = {
        "workspace": "ws1", "thinking": "chat_template_kwargs", "rpm": "600", "tpm": "1000000", "ramp": "30",
        "timeout": "90.5", "connect_timeout": "2", "proxy": "http://proxy:3128", "settle": "0", "lookup": "none",
        "requests": "100", "submission_bytes": "1000", "line_bytes": "500", "url": "/v1/chat/ds-test",
        "stream": "yes", "attempts": "2", "concurrency": "8", "connections": "httpx",
    }  # fmt: skip
    options = _options(said, concurrency=99)
    parameters = {field.name for field in attrs.fields(Options) if "parse" in field.metadata}
    assert parameters == {*said, "ca"}
    assert (options.thinking, options.rpm, options.tpm) == (Dialect.CHAT_TEMPLATE_KWARGS, 600, 1_000_000)
    assert (options.ramp, options.timeout, options.connect_timeout, options.settle) == (30, 90.5, 2, 0)
    assert (options.proxy, options.lookup, options.stream, options.url) == (
        "http://proxy:3128", False, True, "/v1/chat/ds-test",
    )  # fmt: skip
    assert (options.requests, options.submission_bytes, options.line_bytes) == (100, 1000, 500)
    assert (options.attempts, options.concurrency, options.connections) == (2, 8, "httpx")


def test_the_settings_concurrency_is_taken_where_the_address_says_none():
    assert _options(concurrency=40).concurrency == 40
    assert _options(name=BATCH_CHAT).concurrency == 256


@pytest.mark.parametrize(
    ("parameter", "text"),
    [
        ("rpm", "0"), ("rpm", "many"), ("tpm", "-5"), ("ramp", "nan"), ("ramp", "inf"), ("timeout", "0.5"),
        ("connect_timeout", "0"), ("settle", "-1"), ("lookup", "maybe"), ("stream", "1"), ("thinking", "yes"),
        ("url", "v1/chat"), ("url", "//host/v1"), ("attempts", "1.5"), ("concurrency", ""), ("requests", "0"),
        ("workspace", " "), ("proxy", "proxy:3128"), ("proxy", "http://"), ("proxy", "http://h:port"),
        ("proxy", "http://h:0"), ("ca", "/no/such/file.pem"),
    ],
)  # fmt: skip
def test_a_value_that_is_not_usable_is_one_sentence(parameter, text):
    with pytest.raises(SettingError, match=rf"^openai-chat: {parameter} must be .*; '.*' is not usable$"):
        _options({parameter: text})


def test_a_password_of_a_proxy_is_not_shown():
    with pytest.raises(SettingError, match="HTTPS_PROXY") as caught:
        _options({"proxy": "http://me:secret@proxy:3128"})
    assert "secret" not in str(caught.value)


def test_a_file_that_holds_no_certificate_is_said_at_once(tmp_path):
    (tmp_path / "ca.pem").write_text("not a certificate")
    with pytest.raises(SettingError, match="PEM"):
        _options({"ca": str(tmp_path / "ca.pem")})


@pytest.mark.parametrize(
    ("parameter", "told"), [("time_out", "did you mean timeout?"), ("zzz", "known parameters: workspace, thinking")]
)
def test_an_unknown_parameter_names_the_nearest(parameter, told):
    with pytest.raises(SettingError, match="there is no parameter") as caught:
        _options({parameter: "1"})
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("localhost:8000/v1", "http:// or https://"),
        ("ftp://host/v1", "http:// or https://"),
        ("http:///v1", "and a host"),
        ("http://host:port/v1", "cannot be read"),
        ("http://me:secret@host/v1", "without a user"),
        ("http://host/v1?api-version=2", "nothing behind"),
        ("http://host/v1#top", "nothing behind"),
        ("http://host/v1/chat/completions", "without the end /chat/completions"),
        ("http://host/batches", "without the end /batches"),
    ],
)
def test_a_base_url_that_is_none_is_one_sentence(url, told):
    with pytest.raises(SettingError, match="base_url must be the URL of an API") as caught:
        _options(base_url=url)
    assert told in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "settings", "told"),
    [
        (OPENAI_CHAT, {"api_key": None}, "set DASHSCOPE_API_KEY"),
        (OPENAI_CHAT, {"api_key": lambda: " "}, "the API key is empty"),
        (OPENAI_CHAT, {"api_key": lambda: "sk-a b"}, "holds a character"),
        (OPENAI_CHAT, {"location": "somewhere"}, "followed by parameters only"),
        (OPENAI_CHAT, {"region": "moon"}, "moon"),
        (OPENAI_BATCH, {"region": "us-east-1"}, "no batches in us-east-1"),
        (BATCH_CHAT, {"region": "ap-southeast-1"}, "cn-beijing"),
        (BATCH_CHAT, {"parameters": {"timeout": "30"}}, "timeout must be 60 to 3600"),
        (BATCH_CHAT, {"parameters": {"timeout": "3601"}}, "timeout must be 60 to 3600"),
        (BATCH_CHAT, {"concurrency": 10_001}, "10000 or less"),
        (OPENAI_CHAT, {"parameters": {"workspace": "w"}, "base_url": "http://h/v1"}, "workspace is for Bailian"),
    ],
)
def test_what_cannot_work_is_said_before_anything_is_sent(name, settings, told):
    with pytest.raises(SettingError) as caught:
        _options(name=name, **settings)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_batch_chat_elsewhere_wants_a_base_url():
    options = _options(name=BATCH_CHAT, region="ap-southeast-1", base_url="http://127.0.0.1:1/v1")
    assert options.base_url == "http://127.0.0.1:1/v1"


def test_an_address_that_is_a_url_is_the_base_url():
    settings = settings_of_url(_settings({"rpm": "5"}, location="LocalHost:8000/v1/"), scheme="http")
    assert (settings.location, settings.base_url) == ("", "http://localhost:8000/v1")
    same = attrs.evolve(settings, location="localhost:8000/v1", base_url="http://localhost:8000/v1/")
    assert settings_of_url(same, scheme="http") == settings
    with pytest.raises(SettingError, match="give one of the two"):
        settings_of_url(attrs.evolve(same, base_url="http://other/v1"), scheme="http")
    with pytest.raises(SettingError, match="the backend must be the URL"):
        settings_of_url(_settings(location=""), scheme="https")


def test_services_are_told_who_asks():
    assert re.fullmatch(r"qwen-dataset/\d+\.\d+\S*", user_agent())


def test_a_copy_that_was_not_installed_says_its_name_alone(monkeypatch):
    def missing(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(options_module, "version", missing)
    assert user_agent() == "qwen-dataset"


def test_a_key_is_in_nothing_that_is_shown():
    options = _options()
    assert options.key() == KEY
    assert KEY not in f"{options!r} {options.key!r} {options.key} {attrs.asdict(options)}"
    assert options.key.hide(f"the key {KEY} is wrong") == "the key [key] is wrong"
    assert Key().hide("nothing to hide") == "nothing to hide"


def test_every_key_that_was_used_is_hidden_also_after_it_was_changed():
    keys = iter(["first-key", "first-key-longer", "third-key", "abc"])
    key = Key(lambda: next(keys))
    for _ in range(4):
        key()
    told = key.hide("first-key first-key-longer third-key abc fourth-key")
    assert told == "[key] [key] [key] abc fourth-key"


def test_a_key_that_cannot_be_read_is_said_without_what_was_in_the_way():
    def broken():
        raise OSError(f"{KEY} is not a file")

    def asked():
        raise SettingError("the function given as api_key failed")

    with pytest.raises(BackendDenied, match=r"could not be read \(OSError\)"):
        Key(broken)()
    with pytest.raises(BackendDenied, match="the function given as api_key failed"):
        Key(asked)()
    with pytest.raises(BackendDenied, match=r"could not be read \(AttributeError\)"):
        Key(lambda: None)()
