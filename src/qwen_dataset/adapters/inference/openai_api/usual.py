"""Answers in result lines of the usual form, as nearly all are: read, put by and read again straight into objects.

Reading a line into plain values first takes several times as long. A property test holds both ways equal.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from ....domain.inference import Completion
from .wire import MOST_TOKENS

_Word = Annotated[str, msgspec.Meta(min_length=1)]
_Count = Annotated[int, msgspec.Meta(ge=1, le=MOST_TOKENS)]
_Part = Annotated[int, msgspec.Meta(ge=0, le=MOST_TOKENS)]


class _Details(msgspec.Struct, gc=False):
    reasoning_tokens: _Part | None = None


class _Usage(msgspec.Struct, gc=False):
    prompt_tokens: _Count
    completion_tokens: _Count
    completion_tokens_details: _Details | None = None
    # Where some servers say the same. What is None here may only be missing or null.
    output_tokens_details: None = None
    reasoning_tokens: None = None


class _Message(msgspec.Struct, gc=False):
    content: str
    reasoning_content: str | None = None
    reasoning: str | None = None


class _Choice(msgspec.Struct, gc=False):
    message: _Message
    finish_reason: _Word


class _Body(msgspec.Struct, gc=False):
    choices: Annotated[list[_Choice], msgspec.Meta(min_length=1)]
    model: _Word
    usage: _Usage | None = None
    error: None = None


class _Response(msgspec.Struct, gc=False):
    status_code: Literal[200]
    body: _Body


class _Line(msgspec.Struct, gc=False):
    custom_id: _Word
    response: _Response
    error: None = None


class _Counts(msgspec.Struct, omit_defaults=True, gc=False):
    prompt_tokens: int = 0
    completion_tokens: int = 0
    reasoning_tokens: int = 0


class Answer(msgspec.Struct, omit_defaults=True, gc=False):
    """A completion, in an object that is made and written in a fraction of the time: it has the same names."""

    request_id: str
    text: str
    finish_reason: str
    usage: _Counts
    reasoning: str | None
    model: str


_LINES = msgspec.json.Decoder(_Line)
_PACK = msgspec.msgpack.Encoder().encode
_COMPLETIONS = msgspec.msgpack.Decoder(Completion)
_NO_COUNTS = _Counts()


def usual_answer(raw: bytes) -> Answer | None:
    """Return the answer in a line of the usual form; None for any other line, also for one that cannot be read."""
    try:
        line = _LINES.decode(raw)
        if not raw.isascii():
            # In what it passes over the decoder takes any byte.
            raw.decode()
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    body = line.response.body
    choice = body.choices[0]
    message, reason = choice.message, choice.finish_reason
    text, thoughts = message.content, message.reasoning_content or None
    if reason == "null" or (not thoughts and (message.reasoning or text.lstrip().startswith("<think>"))):
        return None
    usage = body.usage
    if usage is None:
        counts = _NO_COUNTS
    else:
        details = usage.completion_tokens_details
        thought = details.reasoning_tokens if details else None
        counts = _Counts(usage.prompt_tokens, usage.completion_tokens, thought or 0)
    return Answer(line.custom_id, text, reason, counts, thoughts, body.model)


def packed(answer: Answer) -> bytes:
    """Return an answer as bytes, shorter than its line."""
    return _PACK(answer)


def unpacked(data: bytes) -> Completion:
    """Return the completion whose answer was ``packed``."""
    return _COMPLETIONS.decode(data)
