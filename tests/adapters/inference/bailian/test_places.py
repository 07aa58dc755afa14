"""Hosts, regions and realms of Bailian."""

import pytest

from qwen_dataset.adapters.inference.bailian.places import (
    base_url_of,
    batch_chat_url_of,
    destination_of,
    has_batches,
    is_bailian,
    native_url_of,
    realm_of,
    region_of,
)
from qwen_dataset.errors import SettingError

BEIJING = "https://dashscope.aliyuncs.com/compatible-mode/v1"


@pytest.mark.parametrize(
    ("region", "workspace", "kind", "url"),
    [
        ("cn-beijing", None, "compatible", BEIJING),
        ("ap-southeast-1", None, "compatible", "https://dashscope-intl.aliyuncs.com/compatible-mode/v1"),
        ("us-east-1", None, "compatible", "https://dashscope-us.aliyuncs.com/compatible-mode/v1"),
        ("cn-beijing", None, "native", "https://dashscope.aliyuncs.com/api/v1"),
        ("cn-beijing", None, "batch-chat", "https://batch.dashscope.aliyuncs.com/compatible-mode/v1"),
        ("cn-beijing", "ws-1", "compatible", "https://ws-1.cn-beijing.maas.aliyuncs.com/compatible-mode/v1"),
        ("eu-central-1", "ws-1", "native", "https://ws-1.eu-central-1.maas.aliyuncs.com/api/v1"),
    ],
)
def test_each_region_and_protocol_has_its_url_and_the_url_its_realm(region, workspace, kind, url):
    assert base_url_of(region, workspace, kind=kind) == url
    assert realm_of(url) == f"bailian:{region}"
    assert region_of(url) == region
    assert is_bailian(url)


@pytest.mark.parametrize(
    ("region", "workspace", "kind", "words"),
    [
        ("cn-shanghai", None, "compatible", "cn-beijing, ap-southeast-1, us-east-1, eu-central-1"),
        ("", None, "native", "is not one of Bailian's"),
        ("eu-central-1", None, "compatible", "give workspace=ID"),
        ("cn-beijing", "a.b/c", "compatible", "'a.b/c' is not a workspace id"),
        ("cn-beijing", "", "compatible", "is not a workspace id"),
        ("ap-southeast-1", None, "batch-chat", "cn-beijing only, not in ap-southeast-1"),
        ("cn-beijing", "ws-1", "batch-chat", "leave workspace out"),
    ],
)
def test_what_a_region_does_not_have_is_said_in_one_sentence(region, workspace, kind, words):
    with pytest.raises(SettingError, match="^[^\n]+$") as caught:
        base_url_of(region, workspace, kind=kind)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("url", "realm"),
    [
        ("https://DashScope.aliyuncs.com:443/api/v1/", "bailian:cn-beijing"),
        ("https://dashscope.aliyuncs.com./compatible-mode/v1", "bailian:cn-beijing"),
        ("https://x.ap-southeast-1.maas.aliyuncs.com/compatible-mode/v1", "bailian:ap-southeast-1"),
        ("HTTP://LocalHost:80/v1/", "http://localhost/v1"),
        ("https://localhost:443", "https://localhost"),
        ("http://localhost:443/V1", "http://localhost:443/V1"),
        ("http://[::1]:8000/v1", "http://[::1]:8000/v1"),
        (" http://user:secret@host:81/v1?key=secret#secret ", "http://host:81/v1"),
        ("https://evil-dashscope.aliyuncs.com/v1", "https://evil-dashscope.aliyuncs.com/v1"),
        ("https://dashscope.aliyuncs.com.evil.org/v1", "https://dashscope.aliyuncs.com.evil.org/v1"),
    ],
)
def test_a_host_of_bailian_is_its_region_and_any_other_url_is_its_own_realm(url, realm):
    assert realm_of(url) == realm
    assert is_bailian(url) == realm.startswith("bailian:")


@pytest.mark.parametrize(
    "url", ["", "localhost:8000", "ftp://x/v1", "http://", "http://x:99999/", "http://x:0", "http://[::1/v1"]
)
def test_what_is_not_a_url_is_said_so(url):
    with pytest.raises(SettingError, match=r"is not a URL: give one like https://host:port/v1$"):
        realm_of(url)


def test_the_password_of_a_bad_url_is_not_repeated():
    with pytest.raises(SettingError) as caught:
        realm_of("ftp://user:secret@host/v1")
    assert "secret" not in str(caught.value)
    assert "ftp://host/v1" in str(caught.value)


@pytest.mark.parametrize(
    ("url", "native"),
    [
        (BEIJING, "https://dashscope.aliyuncs.com/api/v1"),
        (f"{BEIJING}/", "https://dashscope.aliyuncs.com/api/v1"),
        ("https://dashscope.aliyuncs.com", "https://dashscope.aliyuncs.com/api/v1"),
        ("http://127.0.0.1:9/compatible-mode/v1", "http://127.0.0.1:9/api/v1"),
        ("http://127.0.0.1:9/a/api/v1", "http://127.0.0.1:9/a/api/v1"),
        ("https://proxy.example/qwen/compatible-mode/v1", "https://proxy.example/qwen/api/v1"),
    ],
)
def test_dashscopes_own_protocol_is_beside_the_compatible_one(url, native):
    assert native_url_of(url) == native


@pytest.mark.parametrize(
    "url", ["http://localhost:8000/v1", "http://localhost:8000", "https://dashscope.aliyuncs.com/v1"]
)
def test_a_url_that_does_not_say_where_the_other_protocol_is_is_refused(url):
    with pytest.raises(SettingError, match="does not say where"):
        native_url_of(url)


def test_only_two_regions_have_batches():
    assert [has_batches(each) for each in ("cn-beijing", "ap-southeast-1", "us-east-1", "eu-central-1", "x")] == [
        True,
        True,
        False,
        False,
        False,
    ]


def test_a_person_reads_where_requests_go():
    assert destination_of(BEIJING) == "dashscope.aliyuncs.com (Bailian, cn-beijing)"
    assert destination_of("http://u:secret@[::1]:8000/v1") == "[::1]:8000"
    assert destination_of("https://host/v1") == "host"


@pytest.mark.parametrize(
    ("given", "used"),
    [
        (
            "https://dashscope.aliyuncs.com/compatible-mode/v1",
            "https://batch.dashscope.aliyuncs.com/compatible-mode/v1",
        ),
        ("https://dashscope.aliyuncs.com", "https://batch.dashscope.aliyuncs.com/compatible-mode/v1"),
        ("https://batch.dashscope.aliyuncs.com/other", "https://batch.dashscope.aliyuncs.com/other"),
        ("http://127.0.0.1:8000/v1", "http://127.0.0.1:8000/v1"),
    ],
)
def test_batch_chat_is_asked_at_its_own_host(given, used):
    assert batch_chat_url_of(given) == used


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("https://dashscope-intl.aliyuncs.com/compatible-mode/v1", "cn-beijing only, not in ap-southeast-1"),
        ("https://ws-1.cn-beijing.maas.aliyuncs.com/compatible-mode/v1", "leave workspace out"),
    ],
)
def test_batch_chat_is_refused_where_it_would_be_at_full_price(given, why):
    with pytest.raises(SettingError, match=why):
        batch_chat_url_of(given)
