from __future__ import annotations

import copy
import datetime as dt
import pickle
from pathlib import Path

import pytest

from qwen_dataset.app.wiring.secrets import Secret, holds_key, one_line, quoted, real_keys, redact

KEY = "sk-0123456789abcdef0123456789abcdef"


def test_a_secret_is_the_text_where_it_is_sent_and_stars_where_it_is_looked_at() -> None:
    secret = Secret(KEY)
    assert f"Bearer {secret}" == f"Bearer {KEY}"
    assert secret == KEY
    assert {"Authorization": secret}["Authorization"].encode() == KEY.encode()
    assert repr(secret) == "'***'"
    assert KEY not in repr([secret, {"key": secret}])


def test_a_copy_of_a_secret_is_as_silent() -> None:
    for twin in (copy.copy(Secret(KEY)), copy.deepcopy(Secret(KEY)), pickle.loads(pickle.dumps(Secret(KEY)))):
        assert (twin, repr(twin)) == (KEY, "'***'")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"the key {KEY} is wrong", "the key *** is wrong"),
        (f"{KEY}{KEY}", "***"),
        ("sk-abcd1234", "***"),
        ("api_sk-abcd1234, sk-ws-AbCd_12-34.", "api_***, ***."),
        (f"key{KEY}", "key***"),
        ("sk-short", "sk-short"),
        ("task-list-2024 on disk-number-7", "task-list-2024 on disk-number-7"),
        ("", ""),
    ],
)
def test_what_looks_like_a_key_is_blanked_out(text: str, told: str) -> None:
    assert redact(text) == told


def test_given_keys_are_blanked_out_whatever_they_look_like() -> None:
    assert redact("my.key, my.key.long and a+b", "my.key", "my.key.long", "a+b", "") == "***, *** and ***"


def test_only_what_is_surely_a_key_is_refused() -> None:
    assert holds_key(f"https://host/{KEY}")
    assert holds_key("a very.own-key", "very.own-key")
    assert not holds_key("sk-learn-results/task-0123456789abcdef0123456789abcdef.jsonl")
    assert not holds_key("fake:?seed=7", "fake"), "a stand-in may be a word"
    assert real_keys(["fake", "1234567", "12345678", ""]) == ["12345678"]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("hot", "'hot'"),
        ("", "''"),
        ("two\nlines\t\x1b[31m", r"'two\nlines\t\x1b[31m'"),
        ("量子", "'量子'"),
        ("\ud800", r"'\ud800'"),
        ("x" * 60, f"'{'x' * 60}'"),
        ("x" * 61, f"'{'x' * 60}…'"),
        (Secret("anything"), "'***'"),
        (KEY, "'***'"),
        (Path("a b"), "'a b'"),
        (3, "3"),
        (-2.5, "-2.5"),
        (float("nan"), "nan"),
        (True, "true"),
        (None, "None"),
        pytest.param(10**5000, "a number of more than 60 digits", id="5001 digits"),
        (-(10**60), "a number of more than 60 digits"),
        ({"key": KEY}, "a table"),
        ([KEY], "a list"),
        ((1,), "a list"),
        (dt.date(2025, 1, 2), "a date or time"),
        (dt.time(1, 2), "a date or time"),
        (b"bytes", "of the type bytes"),
    ],
)
def test_a_value_is_quoted_on_one_line(value: object, shown: str) -> None:
    assert quoted(value) == shown


def test_a_key_is_found_before_the_value_is_cut_short() -> None:
    assert quoted("x" * 55 + "very.own-key", "very.own-key") == f"'{'x' * 55}***'"


def test_one_line_leaves_what_is_plain_as_it_is() -> None:
    assert one_line("C:\\papers\\量子.md") == "C:\\papers\\量子.md"
    assert one_line("a\nb\x1b") == r"a\nb\x1b"
    assert one_line(f"/home/{KEY}") == "/home/***"
