"""What is asked of a model and what comes back: Request, Completion, Failure."""

from __future__ import annotations

import copy
import functools
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import attrs

from .characters import is_utf8
from .identity import bytes_id, canonical, quoted


@attrs.frozen
class Message:
    """One turn of a conversation; ``role`` is system, user or assistant."""

    role: str
    content: str


@attrs.frozen(kw_only=True)
class Parameters:
    """Everything besides the messages and the model that can change an answer.

    None means "not sent"; ``enable_thinking`` is always sent, because the service's default differs by model and
    thinking is billed as output. ``extra_body`` passes through as it is.
    """

    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    seed: int | None = None
    enable_thinking: bool = False
    thinking_budget: int | None = None
    response_format: Mapping[str, Any] | None = attrs.field(default=None, converter=copy.deepcopy, hash=False)
    extra_body: Mapping[str, Any] = attrs.field(factory=dict, converter=copy.deepcopy, hash=False)

    def chosen(self) -> dict[str, Any]:
        """Return what differs from the defaults: a parameter added in a later version leaves old ids as they are."""
        return chosen_fields(self)

    @functools.cached_property
    def canonical(self) -> bytes:
        """The form of ``chosen`` that an id is made of."""
        return canonical(self.chosen()).encode("utf-8", "surrogatepass")


def chosen_fields(value: attrs.AttrsInstance) -> dict[str, Any]:
    """Return the fields of a flat attrs value that differ from their defaults, by name."""
    fields = attrs.fields(type(value))
    plain = type(value)()
    return {f.name: getattr(value, f.name) for f in fields if getattr(value, f.name) != getattr(plain, f.name)}


class _Remembers:
    """What a request remembers beside its fields.

    Not ``cached_property``: attrs looks for those the slow way, and every request of a job is asked for both.
    """

    __slots__ = ("_id", "_said")
    _id: str | None
    _said: list[tuple[bytes, bytes]] | None

    def __attrs_pre_init__(self) -> None:
        # To ask for what was never set takes five times as long as this. Copies that run no ``__init__`` have neither.
        _put_id(self, None)
        _put_said(self, None)


# Past the ``__setattr__`` of a frozen class, in half the time that ``object.__setattr__`` takes.
_put_id, _put_said = (vars(_Remembers)[name].__set__ for name in ("_id", "_said"))


@attrs.frozen(kw_only=True)
class Request(_Remembers):
    """One call. ``id`` hashes exactly the fields, so equal requests are equal everywhere.

    ``index`` tells apart requests of one job whose content is equal: two equal prompts are index 0 and 1, two answers
    and two payments.
    """

    messages: tuple[Message, ...]
    model: str
    parameters: Parameters = Parameters()
    index: int = 0

    def take_id(self, ident: str) -> None:
        """Take over the id of a request that was read from where it was written together with it."""
        _put_id(self, ident)

    @property
    def id(self) -> str:
        """What names the request, and nothing else does."""
        found: str | None = getattr(self, "_id", None)
        if found is None:
            # By hand what ``content_id`` makes of the four fields.
            said = b",".join([b"[%b,%b]" % each for each in self._texts()])
            model, parameters = quoted(self.model), self.parameters.canonical
            found = bytes_id(
                b'{"index":%d,"messages":[%b],"model":%b,"parameters":%b}' % (self.index, said, model, parameters)
            )
            self.take_id(found)
        return found

    def messages_json(self) -> bytes:
        """Return what is said as JSON, a list of objects with ``role`` and ``content``.

        Raises ValueError for a text with half a character, which no UTF-8 can hold.
        """
        said = b",".join([b'{"role":%b,"content":%b}' % each for each in self._texts()])
        # Nobody asks twice, and it is as long as the texts.
        _put_said(self, None)
        # Halves of characters begin with this byte, and else only some of Korean.
        if b"\xed" in said and not is_utf8(said):
            raise ValueError("a text holds half a character (a lone surrogate)")
        return b"[%b]" % said

    def _texts(self) -> list[tuple[bytes, bytes]]:
        """Return role and content of each message as JSON: the id is made of them, and so are the lines."""
        found = getattr(self, "_said", None)
        if found is None:
            found = [(quoted(each.role), quoted(each.content)) for each in self.messages]
            _put_said(self, found)
        return found


@attrs.define
class WrittenRequest:
    """A request as it stands in a plan, for whoever sends it as it is: what it says is JSON already.

    Not frozen: one is made of each request of a batch, and that takes twice as long.
    """

    id: str
    model: str
    parameters: Parameters
    _messages: bytes

    def messages_json(self) -> bytes:
        """Return what ``Request.messages_json`` does."""
        return self._messages


AnyRequest = Request | WrittenRequest
"""Either has ``id``, ``model``, ``parameters`` and ``messages_json()``."""


@attrs.frozen(kw_only=True)
class Usage:
    """Tokens as the service counted them. ``reasoning_tokens`` are part of ``completion_tokens``."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    reasoning_tokens: int = 0


class FailureKind(StrEnum):
    """Why a request has no completion. The words are ours, the same for every backend."""

    RATE_LIMITED = "rate_limited"  # refused for now; not paid
    SERVER_ERROR = "server_error"  # the service's own fault; not paid
    TIMEOUT = "timeout"  # the service gave up; not paid
    EXPIRED = "expired"  # the batch's window closed before this line ran; not paid
    CANCELLED = "cancelled"  # a person cancelled before this line ran; not paid
    REJECTED = "rejected"  # the whole submission was refused; not paid
    NOT_SENT = "not_sent"  # never left this machine; not paid
    TOO_LARGE = "too_large"  # larger than the backend's line limit; not sent
    CONTENT_FILTER = "content_filter"  # refused for its content; not paid
    INVALID_REQUEST = "invalid_request"  # refused as malformed; not paid
    UNKNOWN = "unknown"  # sent, no answer to be had: possibly paid


@attrs.frozen(kw_only=True)
class Completion:
    """A raw answer. ``text`` is what the model wrote; ``reasoning`` is kept apart from it."""

    request_id: str
    text: str
    finish_reason: str = "stop"
    usage: Usage = Usage()
    reasoning: str | None = None
    model: str | None = None


@attrs.frozen(kw_only=True)
class Failure:
    """No answer, and why. ``retryable``: the same request may be sent again without a person's decision.

    ``possibly_paid``: it was refused after something of it had been read or written, which may have been billed. What
    is ``unknown`` may be paid in any case.
    """

    request_id: str
    kind: FailureKind
    message: str
    retryable: bool
    possibly_paid: bool = False


Outcome = Completion | Failure
