"""What an s3:// address says, and where its keys come from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from qwen_dataset.adapters.storage._s3_credentials import KeyRing, Keys
from qwen_dataset.adapters.storage._s3_settings import PARAMETERS, S3Settings, parse
from qwen_dataset.adapters.storage.s3 import from_url
from qwen_dataset.app.wiring.plugins import open_storage
from qwen_dataset.errors import SettingError

KEYS = {"AWS_ACCESS_KEY_ID": "access", "AWS_SECRET_ACCESS_KEY": "made-up-secret"}


def settings(location: str = "lake/jobs", environ: Mapping[str, str] | None = None, **parameters: str) -> S3Settings:
    return parse(location, parameters, {"HOME": "/nowhere", **(environ or KEYS)})


def refusal(location: str = "lake/jobs", environ: Mapping[str, str] | None = None, **parameters: str) -> str:
    with pytest.raises(SettingError) as caught:
        settings(location, environ, **parameters)
    assert len(caught.value.problems) == 1
    return str(caught.value)


@pytest.mark.parametrize(
    ("location", "bucket", "prefix"),
    [
        ("lake", "lake", ""),
        ("lake/", "lake", ""),
        ("lake/jobs", "lake", "jobs"),
        ("//lake/a/b/", "lake", "a/b"),
        ("my.lake-2/论文", "my.lake-2", "论文"),
    ],
)
def test_a_location_is_a_bucket_and_a_prefix(location: str, bucket: str, prefix: str) -> None:
    found = settings(location)
    assert (found.bucket, found.prefix) == (bucket, prefix)


@pytest.mark.parametrize("location", ["", "/", "a", "-lake", "Lake", "la ke", "la..ke", "lake_2", "x" * 64, "ä" * 5])
def test_what_is_no_bucket_is_refused(location: str) -> None:
    assert "s3://bucket/prefix" in refusal(location)


@pytest.mark.parametrize("prefix", ["a//b", "../a", "a/./b", "a\\b", "/a"])
def test_a_prefix_keeps_the_rules_of_a_key(prefix: str) -> None:
    assert "prefix" in refusal(f"lake/{prefix}")


def test_an_unknown_parameter_is_answered_with_the_nearest() -> None:
    assert "has no parameter 'endpiont'; did you mean 'endpoint'?" in refusal(endpiont="x")
    told = refusal(zzz="made-up-secret")
    assert all(name in told for name in PARAMETERS)
    assert "made-up-secret" not in told


def test_without_an_endpoint_it_is_aws() -> None:
    found = settings()
    assert (found.endpoint, found.virtual_hosted, found.advisory, found.region) == (None, False, False, "us-east-1")


@pytest.mark.parametrize(
    ("given", "endpoint"),
    [
        ("https://s3.example.org", "https://s3.example.org"),
        ("s3.example.org", "https://s3.example.org"),
        ("http://127.0.0.1:8333/", "http://127.0.0.1:8333"),
        ("http://[::1]:8333", "http://[::1]:8333"),
        ("http://S3.Example.org", "http://s3.example.org"),
    ],
)
def test_an_endpoint_is_a_host(given: str, endpoint: str) -> None:
    assert settings(endpoint=given).endpoint == endpoint


@pytest.mark.parametrize(
    "endpoint",
    ["http://a b", "http://", "ftp://host", "http://host:port", "http://host:99999", "http://host/path"],
)
def test_an_endpoint_that_the_client_would_break_on_is_refused(endpoint: str) -> None:
    assert "https://host" in refusal(endpoint=endpoint)


@pytest.mark.parametrize("endpoint", ["http://-x", "http://hö.st", "http://h<st", "http://host?a=b", "http://[::1"])
def test_so_are_odd_hosts_and_queries(endpoint: str) -> None:
    assert "https://host" in refusal(endpoint=endpoint)


def test_a_password_in_an_endpoint_is_not_repeated() -> None:
    assert "made-up-secret" not in refusal(endpoint="http://me:made-up-secret@host")


def test_the_endpoint_of_the_environment_counts_where_none_is_given() -> None:
    environ = {**KEYS, "AWS_ENDPOINT_URL": "http://general:1"}
    assert settings(environ=environ).endpoint == "http://general:1"
    environ["AWS_ENDPOINT_URL_S3"] = "http://special:2"
    assert settings(environ=environ).endpoint == "http://special:2"
    assert settings(environ=environ, endpoint="http://own:3").endpoint == "http://own:3"


def test_virtual_hosted_style_puts_the_bucket_into_the_endpoint_once() -> None:
    expected = "https://lake.s3.example.org"
    assert settings(endpoint="s3.example.org", virtual_hosted="yes").endpoint == expected
    for more in ({}, {"virtual_hosted": "yes"}):
        found = settings(endpoint="lake.s3.example.org", **more)
        assert (found.endpoint, found.virtual_hosted) == (expected, True)


@pytest.mark.parametrize(
    ("host", "region"),
    [
        ("s3.oss-cn-beijing.aliyuncs.com", "cn-beijing"),
        ("oss-ap-southeast-1-internal.aliyuncs.com", "ap-southeast-1"),
    ],
)
def test_alibaba_oss_is_virtual_hosted_and_advisory_by_itself(host: str, region: str) -> None:
    found = settings(endpoint=host)
    assert (found.endpoint, found.region) == (f"https://lake.{host}", region)
    assert (found.virtual_hosted, found.advisory) == (True, True)
    chosen = settings(endpoint=host, virtual_hosted="no", create="conditional", region="cn-x")
    assert (chosen.endpoint, chosen.region) == (f"https://{host}", "cn-x")
    assert (chosen.virtual_hosted, chosen.advisory) == (False, False)


def test_words_that_are_not_known_are_refused() -> None:
    assert "virtual_hosted=maybe" in refusal(virtual_hosted="maybe")
    assert "conditional" in refusal(create="x")
    assert "region=" in refusal(region="eu central")


def test_the_region_comes_from_the_environment_or_the_profile(tmp_path: Path) -> None:
    assert settings(environ={**KEYS, "AWS_DEFAULT_REGION": "eu-1"}).region == "eu-1"
    assert settings(environ={**KEYS, "AWS_DEFAULT_REGION": "eu-1", "AWS_REGION": "eu-2"}).region == "eu-2"
    home = aws_files(tmp_path, config="[profile work]\nregion = eu-3\n[default]\nregion = eu-4\n")
    assert settings(environ={**KEYS, "HOME": home}).region == "eu-4"
    assert settings(environ={**KEYS, "HOME": home}, profile="work").region == "eu-3"


def test_a_file_of_certificates_is_read_at_once(tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    assert str(path) in refusal(ca=str(path))
    path.write_text("no certificate")
    assert str(path) in refusal(ca=str(path))
    assert str(path) in refusal(environ={**KEYS, "AWS_CA_BUNDLE": str(path)})


# ---- keys -----------------------------------------------------------------------------------------------------------


def aws_files(folder: Path, credentials: str = "", config: str = "") -> str:
    (folder / ".aws").mkdir()
    (folder / ".aws/credentials").write_text(credentials, encoding="utf-8")
    (folder / ".aws/config").write_text(config, encoding="utf-8")
    return str(folder)


def found(environ: Mapping[str, str], **more: object) -> Keys | None:
    return KeyRing(environ={"HOME": "/nowhere", **environ}, roles=False, **more).find()  # type: ignore[arg-type]


def test_keys_come_from_the_environment_first(tmp_path: Path) -> None:
    home = aws_files(tmp_path, "[default]\naws_access_key_id = f\naws_secret_access_key = s%1\naws_session_token = t\n")
    assert found({**KEYS, "HOME": home}) == Keys("access", "made-up-secret")
    assert found({**KEYS, "AWS_SESSION_TOKEN": "t"}) == Keys("access", "made-up-secret", "t")
    assert found({"HOME": home}) == Keys("f", "s%1", "t")


def test_a_profile_that_is_named_goes_first(tmp_path: Path) -> None:
    credentials = "[work]\naws_access_key_id = w\naws_secret_access_key = s\n"
    config = "[profile other]\naws_access_key_id = o\naws_secret_access_key = s\n[work]\n"
    home = aws_files(tmp_path, credentials, config)
    assert found({**KEYS, "HOME": home}, profile="work") == Keys("w", "s")
    assert found({"HOME": home, "AWS_PROFILE": "work"}) == Keys("w", "s")
    assert found({"HOME": home}, profile="other") == Keys("o", "s")
    with pytest.raises(SettingError, match="'gone' has no aws_access_key_id"):
        found({**KEYS, "HOME": home}, profile="gone")


def test_files_may_lie_elsewhere(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text("[default]\naws_access_key_id = e\naws_secret_access_key = s\n")
    assert found({"AWS_SHARED_CREDENTIALS_FILE": str(path)}) == Keys("e", "s")
    assert found({"AWS_CONFIG_FILE": str(path)}) == Keys("e", "s")


def test_a_broken_file_is_named_and_not_quoted(tmp_path: Path) -> None:
    home = aws_files(tmp_path, "made-up-secret\n")
    with pytest.raises(SettingError, match="credentials cannot be read") as caught:
        found({"HOME": home})
    assert "made-up-secret" not in str(caught.value)


@pytest.mark.parametrize("names", ["OSS_ACCESS_KEY_{}", "ALIBABA_CLOUD_ACCESS_KEY_{}"])
def test_alibabas_own_variables_count_for_alibaba_only(names: str) -> None:
    environ = {**KEYS, names.format("ID"): "ali", names.format("SECRET"): "baba"}
    assert found(environ, alibaba=True) == Keys("ali", "baba")
    assert found(environ) == Keys("access", "made-up-secret")
    assert found(KEYS, alibaba=True) == Keys("access", "made-up-secret")


@pytest.mark.parametrize("name", KEYS)
def test_half_a_pair_is_told(name: str) -> None:
    with pytest.raises(SettingError, match=f"{name} is set and AWS_.* is not; set both") as caught:
        found({name: "made-up-secret"})
    assert "made-up-secret" not in str(caught.value)


def test_without_keys_a_role_is_asked_where_there_may_be_one() -> None:
    assert found({"AWS_WEB_IDENTITY_TOKEN_FILE": "/token"}) is None
    assert KeyRing(environ={"HOME": "/nowhere"}).find() is None
    for ring in (
        KeyRing(environ={"HOME": "/nowhere"}, roles=False),
        KeyRing(environ={"HOME": "/nowhere", "AWS_EC2_METADATA_DISABLED": "true"}),
    ):
        with pytest.raises(SettingError, match="set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"):
            ring.find()
    with pytest.raises(SettingError, match="set OSS_ACCESS_KEY_ID and OSS_ACCESS_KEY_SECRET"):
        KeyRing(environ={"HOME": "/nowhere"}, roles=False, alibaba=True).find()


def test_no_repr_shows_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    storage = from_url("lake/jobs", {"endpoint": "http://127.0.0.1:1"})
    for each in (storage, storage.settings, storage.settings.keyring, storage.settings.keyring.find()):
        assert "made-up-secret" not in repr(each)
    assert repr(storage) == "S3Storage('s3://lake/jobs')"


def test_missing_keys_are_one_sentence_when_the_storage_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in KEYS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(SettingError, match="there are no keys for the storage s3"):
        open_storage("s3://lake/jobs?endpoint=http://127.0.0.1:1")
