"""Values to plain ones and back, by hand: what is stored for every request and paper.

The converter's own way takes several times as long. A property test holds both equal, byte for byte.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..domain.inference import Completion, Failure, FailureKind, Message, Outcome, Usage
from ..domain.papers import Block, BlockKind, Section
from ..domain.recipes.base import Draft
from ..domain.samples import Origin

Plain = dict[str, Any]

_NO_USAGE = Usage()


def message_to(message: Message) -> Plain:
    return {"role": message.role, "content": message.content}


def message_of(plain: Plain) -> Message:
    return Message(text(plain["role"]), text(plain["content"]))


def origin_to(origin: Origin) -> Plain:
    plain: Plain = {}
    if origin.paper_id is not None:
        plain["paper_id"] = origin.paper_id
    if origin.section:
        plain["section"] = list(origin.section)
    if origin.start:
        plain["start"] = origin.start
    if origin.end:
        plain["end"] = origin.end
    if origin.kind:
        plain["kind"] = origin.kind
    if origin.language:
        plain["language"] = origin.language
    if origin.label is not None:
        plain["label"] = origin.label
    return plain


def origin_of(plain: Plain) -> Origin:
    get = plain.get
    return Origin(
        paper_id=get("paper_id"),
        section=tuple(get("section", ())),
        start=int(get("start", 0)),
        end=int(get("end", 0)),
        kind=text(get("kind", "")),
        language=text(get("language", "")),
        label=get("label"),
    )


def draft_to(draft: Draft) -> Plain:
    return {"messages": [message_to(each) for each in draft.messages], "origin": origin_to(draft.origin)}


def draft_of(plain: Plain) -> Draft:
    return Draft(messages=tuple([message_of(each) for each in plain["messages"]]), origin=origin_of(plain["origin"]))


def outcome_to(outcome: Outcome) -> Plain:
    return completion_to(outcome) if isinstance(outcome, Completion) else failure_to(outcome)


def completion_to(outcome: Completion) -> Plain:
    plain: Plain = {"request_id": outcome.request_id, "text": outcome.text}
    if outcome.finish_reason != "stop":
        plain["finish_reason"] = outcome.finish_reason
    usage = usage_to(outcome.usage)
    if usage:
        plain["usage"] = usage
    if outcome.reasoning is not None:
        plain["reasoning"] = outcome.reasoning
    if outcome.model is not None:
        plain["model"] = outcome.model
    plain["is"] = "completion"
    return plain


def failure_to(outcome: Failure) -> Plain:
    plain: Plain = {
        "request_id": outcome.request_id,
        "kind": outcome.kind.value,
        "message": outcome.message,
        "retryable": outcome.retryable,
    }
    if outcome.possibly_paid:
        plain["possibly_paid"] = outcome.possibly_paid
    plain["is"] = "failure"
    return plain


def outcome_of(plain: Plain) -> Outcome:
    if plain["is"] == "completion":
        return completion_of(plain)
    if plain["is"] == "failure":
        return failure_of(plain)
    raise KeyError(plain["is"])


def completion_of(plain: Plain) -> Completion:
    get = plain.get
    return Completion(
        request_id=text(plain["request_id"]),
        text=text(plain["text"]),
        finish_reason=text(get("finish_reason", "stop")),
        usage=usage_of(plain["usage"]) if "usage" in plain else _NO_USAGE,
        reasoning=get("reasoning"),
        model=get("model"),
    )


def failure_of(plain: Plain) -> Failure:
    return Failure(
        request_id=text(plain["request_id"]),
        kind=FailureKind(plain["kind"]),
        message=text(plain["message"]),
        retryable=bool(plain["retryable"]),
        possibly_paid=bool(plain.get("possibly_paid", False)),
    )


def usage_to(usage: Usage) -> Plain:
    plain: Plain = {}
    if usage.prompt_tokens:
        plain["prompt_tokens"] = usage.prompt_tokens
    if usage.completion_tokens:
        plain["completion_tokens"] = usage.completion_tokens
    if usage.reasoning_tokens:
        plain["reasoning_tokens"] = usage.reasoning_tokens
    return plain


def usage_of(plain: Plain) -> Usage:
    get = plain.get
    return Usage(
        prompt_tokens=int(get("prompt_tokens", 0)),
        completion_tokens=int(get("completion_tokens", 0)),
        reasoning_tokens=int(get("reasoning_tokens", 0)),
    )


def section_to(section: Section) -> Plain:
    plain: Plain = {"path": list(section.path), "start": section.start, "end": section.end}
    if section.blocks:
        plain["blocks"] = [block_to(each) for each in section.blocks]
    return plain


def section_of(plain: Plain) -> Section:
    return Section(
        path=tuple(plain["path"]),
        start=int(plain["start"]),
        end=int(plain["end"]),
        blocks=tuple([block_of(each) for each in plain.get("blocks", ())]),
    )


def block_to(block: Block) -> Plain:
    plain: Plain = {"start": block.start, "end": block.end}
    if block.kind is not BlockKind.PARAGRAPH:
        plain["kind"] = block.kind.value
    return plain


def block_of(plain: Plain) -> Block:
    kind = plain.get("kind")
    return Block(int(plain["start"]), int(plain["end"]), BlockKind.PARAGRAPH if kind is None else BlockKind(kind))


def text(value: Any) -> str:
    """Return a value that must be a text. Raises TypeError."""
    if type(value) is not str:
        message = f"{value!r} is no text"
        raise TypeError(message)
    return value


BOTH_WAYS: tuple[tuple[type, Callable[[Any], Plain], Callable[[Plain], Any]], ...] = (
    (Message, message_to, message_of),
    (Origin, origin_to, origin_of),
    (Draft, draft_to, draft_of),
    (Usage, usage_to, usage_of),
    (Section, section_to, section_of),
    (Block, block_to, block_of),
)
"""The types that need nothing of the converter."""
