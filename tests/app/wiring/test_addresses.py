from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qwen_dataset.app.wiring.addresses import Address
from qwen_dataset.errors import SettingError


@pytest.mark.parametrize(
    ("text", "scheme", "location", "parameters"),
    [
        ("fake", "fake", "", {}),
        ("memory:", "memory", "", {}),
        ("fake:?seed=7&fail=0.1", "fake", "", {"seed": "7", "fail": "0.1"}),
        ("fake:a/b.jsonl?mode=realtime", "fake", "a/b.jsonl", {"mode": "realtime"}),
        ("file:jobs", "file", "jobs", {}),
        ("file:///srv/jobs", "file", "/srv/jobs", {}),
        ("file:/srv/jobs", "file", "/srv/jobs", {}),
        ("file:a?x=", "file", "a", {"x": ""}),
        ("file:a~b/~", "file", "a~b/~", {}),
        ("s3://bucket/a/b?region=eu%201", "s3", "bucket/a/b", {"region": "eu 1"}),
        (
            "db://host:5432/jobs@v2?max_tokens=3&tokenizer=q",
            "db",
            "host:5432/jobs@v2",
            {"max_tokens": "3", "tokenizer": "q"},
        ),
        ("file:///a/b:c@d", "file", "/a/b:c@d", {}),
        ("ssh://me@host/jobs", "ssh", "me@host/jobs", {}),
        ("fake:论文/a%20b", "fake", "论文/a%20b", {}),
        ("", "", "", {}),
    ],
)
def test_addresses_are_taken_apart(text: str, scheme: str, location: str, parameters: dict[str, str]) -> None:
    assert Address.parse(text, setting="x") == Address(scheme, location, parameters)


def test_the_persons_own_folder_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    assert Address.parse("file:~/jobs", setting="x").folder == Path("/home/ada/jobs")
    assert Address.parse("fake:~/jobs", setting="x").location == "~/jobs"
    with pytest.raises(SettingError, match="file:~nobody-here/x names the folder of a user who is not known"):
        Address.parse("file:~nobody-here/x", setting="the storage")


def test_only_files_have_a_folder() -> None:
    assert Address.parse("file:a/b", setting="x").folder == Path("a/b")
    assert Address.parse("memory:", setting="x").folder is None


@pytest.mark.parametrize("text", ["fake:?seed", "fake:?=&", "fake:?a=1&b", "fake:?hunter2"])
def test_parameters_that_cannot_be_read_are_not_quoted(text: str) -> None:
    with pytest.raises(SettingError, match="^the backend 'fake' cannot be read: after `\\?` write name=value"):
        Address.parse(text, setting="the backend")


def test_a_parameter_given_twice_is_named() -> None:
    with pytest.raises(SettingError, match="'seed' twice"):
        Address.parse("fake:?seed=1&seed=2", setting="the backend")


def test_a_file_on_another_computer_is_refused() -> None:
    with pytest.raises(
        SettingError, match=r"file://host/jobs names a computer; write file:host/jobs or file:///host/jobs"
    ):
        Address.parse("file://host/jobs", setting="the storage")


@pytest.mark.parametrize("text", ["fa\x00ke", "file:a\nb", "fake:?a=\x1b[0m", "fake:?a=%0A"])
def test_control_characters_are_refused(text: str) -> None:
    with pytest.raises(SettingError, match="control character"):
        Address.parse(text, setting="the storage")


@pytest.mark.parametrize(
    "name",
    [
        *(
            "key",
            "KEY",
            "api_key",
            "API-Key",
            "apiKey",
            "api%5Fkey",
            "access_key",
            "access_key_id",
            "secret_access_key",
        ),
        *("token", "Token", "access_token", "aws_session_token", "secret", "client-secret", "password", "passwd"),
        *("passphrase", "pwd", "credential", "credentials", "signature"),
    ],
)
def test_a_parameter_that_holds_a_key_is_refused_without_its_value(name: str) -> None:
    with pytest.raises(SettingError, match="never holds a key.*set the key in the environment") as told:
        Address.parse(f"fake:?seed=1&{name}=hunter2", setting="the backend")
    assert "hunter2" not in str(told.value)


@pytest.mark.parametrize(
    "text",
    [
        "s3://user:hunter2@host/path",
        "s3:user:hunter2@host",
        "redis://:hunter2@host",
        "https://user:hunter2/more@host",
        "https://user%3Ahunter2@host",
        "https://user:hunter2?more@host",
        "file://user:hunter2@host/jobs",
        "https://user:hunter2@host?seed",
    ],
)
def test_a_password_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(SettingError) as told:
        Address.parse(text, setting="the storage")
    assert "hunter2" not in str(told.value)


TEXT = st.text(st.characters(exclude_categories=["Cc", "Cs"]))


@settings(max_examples=300)
@given(st.text() | st.text(alphabet="fakeile:/?&=@~.%7C0k", max_size=30))
def test_whatever_is_written_is_read_or_refused_in_one_line(text: str) -> None:
    try:
        said = Address.parse(text, setting="the storage").scheme
    except SettingError as error:
        said = str(error)
    assert text.startswith(said) or (said.startswith("the storage") and "\n" not in said)


@given(st.dictionaries(st.from_regex(r"[a-jl-su-z]{1,9}", fullmatch=True).filter(lambda n: "pas" not in n), TEXT))
def test_parameters_come_back_as_they_were_written(parameters: dict[str, str]) -> None:
    query = "&".join(f"{name}={quote(value)}" for name, value in parameters.items())
    assert Address.parse(f"fake:x?{query}", setting="x").parameters == parameters
