"""Lines that a job has one of a request, read straight into objects and written from them. What is odd gives None.

The converter's way takes several times as long, and so does reading a line into plain values first. A property test
holds both ways equal.
"""

from __future__ import annotations

import msgspec

from ..domain.inference import Completion, Message
from ..domain.samples import Origin

LARGEST = 2**63 - 1
_STOP = "stop"
_NONE = msgspec.Raw()
_IS_COMPLETION = b',"is":"completion"}'  # the quotation marks of a text are escaped, so this is no part of one


class RequestFields(msgspec.Struct):
    """A stored request; ``parameters`` is the JSON of them, empty where they are the default."""

    messages: tuple[Message, ...]
    model: str
    parameters: msgspec.Raw = _NONE
    index: int = 0


class _PlanLine(msgspec.Struct):
    request: RequestFields


class StoredCompletion(msgspec.Struct):
    """What ``StoredOutcome`` says of a completion, without the time that making one of those takes."""

    outcome: Completion
    backend: str
    round: int
    source: str | None = None


class _Usage(msgspec.Struct, omit_defaults=True, gc=False):
    prompt_tokens: int = 0
    completion_tokens: int = 0
    reasoning_tokens: int = 0


class _Completion(msgspec.Struct, omit_defaults=True, kw_only=True, rename={"kind": "is"}, gc=False):
    request_id: str
    text: str
    finish_reason: str = _STOP
    usage: _Usage | None = None
    reasoning: str | None = None
    model: str | None = None
    kind: str


class _OutcomeLine(msgspec.Struct, omit_defaults=True, gc=False):
    outcome: _Completion
    backend: str
    round: int
    source: str | None = None


_PLAN_LINES = msgspec.json.Decoder(_PlanLine)
_ORIGINS = msgspec.json.Decoder(Origin)
_OUTCOME_LINES = msgspec.json.Decoder(StoredCompletion)
_WRITE = msgspec.json.Encoder().encode


def request_fields(line: bytes) -> RequestFields | None:
    """Return the request in a line of a plan."""
    try:
        return _PLAN_LINES.decode(line).request
    except msgspec.MsgspecError:
        return None


def origin(written: bytes) -> Origin | None:
    """Return where a request came from."""
    try:
        return _ORIGINS.decode(written)
    except msgspec.MsgspecError:
        return None


def stored_completion(line: bytes) -> StoredCompletion | None:
    """Return what the line of a stored completion says."""
    # From the end, which is where it stands: the answer before it is a thousand times as long.
    if line.rfind(_IS_COMPLETION) < 0:
        return None
    try:
        return _OUTCOME_LINES.decode(line)
    except msgspec.MsgspecError:
        return None


def completion_line(outcome: Completion, backend: str, round_number: int, source: str | None) -> bytes | None:
    """Return the line of a completion with its newline; None where it holds what is to be looked at more closely."""
    # Words of any other kind, by somebody's own backend, would be written in a way of their own.
    words = (outcome.text, outcome.finish_reason, outcome.reasoning or "", outcome.model or "")
    if {*map(type, words)} != {str}:
        return None
    usage = outcome.usage
    read, written, thought = usage.prompt_tokens, usage.completion_tokens, usage.reasoning_tokens
    if not (0 <= read <= LARGEST and 0 <= written <= LARGEST and 0 <= thought <= LARGEST):
        return None
    line = _OutcomeLine(
        _Completion(
            request_id=outcome.request_id,
            text=outcome.text,
            # What is left out is the default itself, and not what equals it.
            finish_reason=_STOP if outcome.finish_reason == _STOP else outcome.finish_reason,
            usage=_Usage(read, written, thought) if read or written or thought else None,
            reasoning=outcome.reasoning,
            model=outcome.model,
            kind="completion",
        ),
        backend,
        round_number,
        source,
    )
    try:
        return _WRITE(line) + b"\n"
    except (UnicodeEncodeError, TypeError, ValueError):
        return None
