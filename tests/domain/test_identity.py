"""Ids of sequences: the same however they are computed, another for each sequence."""

from __future__ import annotations

import hashlib

from hypothesis import example, given
from hypothesis import strategies as st

from qwen_dataset.domain.identity import RunningId, sequence_id

TEXTS = st.text(st.characters(), max_size=4) | st.sampled_from(["ab", "é", "\ud800", ""])


@given(st.lists(TEXTS, max_size=6))
@example([])
@example([""])
@example(["", ""])
@example(["aé", "éa"])
def test_parts_have_one_id_at_once_and_one_by_one(parts: list[str]) -> None:
    running = RunningId()
    for part in parts:
        running.add(part)
    assert sequence_id(iter(parts)) == running.hexdigest()


@given(st.lists(TEXTS, max_size=4), st.lists(TEXTS, max_size=4))
@example(["ab", "cd"], ["abcd"])
@example(["ab", "c"], ["a", "bc"])
@example([], [""])
def test_other_parts_have_another_id(some: list[str], others: list[str]) -> None:
    assert (sequence_id(some) == sequence_id(others)) == (some == others)


def test_an_id_is_that_of_lengths_and_parts() -> None:
    data = b"\0\0\0\0\0\0\0\2ab" + b"\0\0\0\0\0\0\0\2\xc3\xa9"
    assert sequence_id(["ab", "é"]) == hashlib.blake2b(data, digest_size=16).hexdigest()
    assert sequence_id(["ab", "é", "c"]) == hashlib.blake2b(data + b"\0\0\0\0\0\0\0\1c", digest_size=16).hexdigest()
