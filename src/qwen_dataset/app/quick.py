"""Lines that a job has one of a request, read straight into objects. What is not as we write it gives None.

The converter's way takes several times as long, and so does reading a line into plain values first. A property test
holds both ways equal.
"""

from __future__ import annotations

import msgspec

from ..domain.inference import Completion, Message
from ..domain.samples import Origin

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


_PLAN_LINES = msgspec.json.Decoder(_PlanLine)
_ORIGINS = msgspec.json.Decoder(Origin)
_OUTCOME_LINES = msgspec.json.Decoder(StoredCompletion)


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
