"""What the models say: the fake's answers to the same messages, and the refusals that lie in a request itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from ...adapters.inference.fake.author import draft, usage
from ...domain.inference import Message, Request
from .errors import Refusal, bad_request, refusal
from .models import TEST_MODEL, cannot_think, exists, thinks
from .settings import BailianSettings
from .tokens import counted

_ECHOED = 400
_REASONING = "The question is read once more, the passage is searched for what answers it, and the answer is worded."
_REASONING_TOKENS = 20
_ROLES = frozenset({"system", "user", "assistant", "tool", "developer"})


@attrs.frozen(kw_only=True)
class Answer:
    """An answer before it is written in any form. ``completion_tokens`` hold the ``reasoning_tokens``."""

    model: str
    text: str
    prompt_tokens: int
    completion_tokens: int
    reasoning: str | None = None
    reasoning_tokens: int = 0


def fault_of(body: Mapping[str, Any], settings: BailianSettings) -> Refusal | None:
    """Return why the service refuses this (compatible) body, or None."""
    model = body.get("model")
    if not isinstance(model, str) or not model:
        return refusal("invalid_request_error", "you must provide a model parameter")
    if not exists(model, settings):
        return refusal("model_not_found", f"The model `{model}` does not exist or you do not have access to it.")
    if not _messages_are_good(body.get("messages")):
        return bad_request("<400> InternalError.Algo.InvalidParameter: Field 'messages' is not as it must be.")
    if body.get("enable_thinking") is True and cannot_think(model):
        return Refusal(
            400,
            "invalid_parameter_error",
            f"The model {model} does not support enable_thinking.",
            native="InvalidParameter.NotSupportEnableThinking",
        )
    return _format_fault(body)


def answer_to(body: Mapping[str, Any], settings: BailianSettings) -> Answer:
    """Answer a (compatible) body that has no fault; the same every time."""
    model = body["model"]
    if model == TEST_MODEL:
        return Answer(model=model, text="This is a test result.", prompt_tokens=20, completion_tokens=6)
    words = tuple(Message(message["role"], _text(message["content"])) for message in body["messages"])
    request = Request(messages=words, model=model)
    text = words[-1].content[:_ECHOED]
    if settings.answers == "fake":
        text = draft(request, seed=settings.answer_seed).text
    tokens = usage(request, text) if settings.tokens == "letters" else counted(request, text, settings.tokens)
    thinking = thinks(model, body.get("enable_thinking"))
    reasoning_tokens = _REASONING_TOKENS if thinking else 0
    return Answer(
        model=model,
        text=text,
        prompt_tokens=tokens.prompt_tokens,
        completion_tokens=tokens.completion_tokens + reasoning_tokens,
        reasoning=_REASONING if thinking else None,
        reasoning_tokens=reasoning_tokens,
    )


def _messages_are_good(messages: object) -> bool:
    if not isinstance(messages, list) or not messages:
        return False
    return all(
        isinstance(message, dict)
        and str(message.get("role")) in _ROLES
        and isinstance(message.get("content"), str | list)
        and (isinstance(message["content"], str) or all(isinstance(part, dict) for part in message["content"]))
        for message in messages
    )


def _text(content: str | list[dict[str, Any]]) -> str:
    return content if isinstance(content, str) else "".join(str(part.get("text", "")) for part in content)


def _format_fault(body: Mapping[str, Any]) -> Refusal | None:
    wanted = body.get("response_format")
    if wanted is None:
        return None
    kind = str(wanted.get("type")) if isinstance(wanted, dict) else None
    if kind not in {"text", "json_object", "json_schema"}:
        return bad_request("Unknown format of response_format, response_format should be a dict, includes 'type'.")
    said = " ".join(_text(message["content"]) for message in body["messages"])
    if kind == "json_object" and "json" not in said.lower():
        return bad_request(
            "<400> InternalError.Algo.InvalidParameter: 'messages' must contain the word 'json' in some form, to use"
            " 'response_format' of type 'json_object'."
        )
    return None
