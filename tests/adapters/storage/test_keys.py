"""Which strings are keys."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qwen_dataset.adapters.storage.keys import split_key, split_prefix
from qwen_dataset.errors import InvalidKey


def test_a_key_is_split_into_its_segments() -> None:
    assert split_key("jobs/x/events/0001.json") == ("jobs", "x", "events", "0001.json")


def test_the_empty_prefix_has_no_segments() -> None:
    assert split_prefix("") == ()
    assert split_prefix("a/b") == ("a", "b")


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("", "empty"),
        ("/etc/passwd", "absolute"),
        ("a//b", "empty part"),
        ("a/../b", "'..'"),
        ("a\\b", "backslash"),
        ("a\tb", "control character"),
        ("a/.tmp-b", "unfinished"),
        ("a/\ud800", "Unicode"),
        ("论" * 86, "longer than 255 bytes"),
    ],
)
def test_the_error_says_what_is_wrong_with_the_key(key: str, why: str) -> None:
    with pytest.raises(InvalidKey) as caught:
        split_key(key)
    assert why in str(caught.value)
    assert caught.value.key == key


def test_a_name_of_exactly_255_bytes_is_a_key() -> None:
    assert split_key("论" * 85 + "/" + "x" * 255) == ("论" * 85, "x" * 255)


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="a./\\\x00\x7f\ud800论"))
def test_what_is_accepted_cannot_climb_and_has_a_utf8_form(key: str) -> None:
    try:
        segments = split_key(key)
    except InvalidKey:
        return
    assert "/".join(segments) == key
    assert all(segment not in {"", ".", ".."} and "\x00" not in segment for segment in segments)
    key.encode()
