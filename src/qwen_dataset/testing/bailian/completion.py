"""One answer in each form the service has for it: compatible, native, and both as a stream."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from .answers import Answer

_PIECE = 40  # characters in a chunk of a stream


def compatible(answer: Answer, *, rid: str, created: int, details: bool, role: bool = True) -> dict[str, Any]:
    """Return the ``chat.completion``; result files have no ``details`` of usage."""
    message = {"role": "assistant"} if role else {}
    message["content"] = answer.text
    if answer.reasoning is not None:
        message["reasoning_content"] = answer.reasoning
    return {
        "created": created,
        "usage": _usage(answer, details=details),
        "model": answer.model,
        "id": f"chatcmpl-{rid}",
        "choices": [{"finish_reason": "stop", "index": 0, "message": message}],
        "object": "chat.completion",
    }


def native(answer: Answer, *, rid: str, multimodal: bool, as_message: bool) -> dict[str, Any]:
    """Return the body of a native reply, in the message or the text format."""
    if as_message or multimodal:
        message = _native_message(answer.text, answer.reasoning or "", multimodal=multimodal)
        if answer.reasoning is None:
            del message["reasoning_content"]
        output: dict[str, Any] = {"choices": [{"finish_reason": "stop", "message": message}]}
    else:
        output = {"finish_reason": "stop", "text": answer.text}
    return {"output": output, "usage": _native_usage(answer), "request_id": rid}


def compatible_events(answer: Answer, *, rid: str, created: int, with_usage: bool) -> Iterator[bytes]:
    """Yield the chunks of a compatible stream, without its end."""
    head = {"id": f"chatcmpl-{rid}", "object": "chat.completion.chunk", "created": created, "model": answer.model}

    def chunk(delta: Mapping[str, Any], finish: str | None = None) -> bytes:
        choices = [{"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}]
        return data({**head, "choices": choices, "usage": None})

    yield chunk({"role": "assistant", "content": ""})
    for piece in _pieces(answer.reasoning or ""):
        yield chunk({"content": None, "reasoning_content": piece})
    for piece in _pieces(answer.text):
        yield chunk({"content": piece})
    yield chunk({"content": ""}, "stop")
    if with_usage:
        yield data({**head, "choices": [], "usage": _usage(answer, details=True)})


def native_events(answer: Answer, *, rid: str, multimodal: bool, incremental: bool) -> Iterator[bytes]:
    """Yield the events of a native stream: what is new, or all so far."""
    said, thought = "", ""
    steps = [("", piece) for piece in _pieces(answer.reasoning or "")]
    steps += [(piece, "") for piece in _pieces(answer.text)]
    for number, (text, reasoning) in enumerate([*steps, ("", "")], 1):
        said, thought = said + text, thought + reasoning
        shown = (text, reasoning) if incremental else (said, thought)
        choice = {
            "finish_reason": "stop" if number > len(steps) else "null",  # the word, not the value
            "message": _native_message(*shown, multimodal=multimodal),
        }
        body = {"output": {"choices": [choice]}, "usage": _native_usage(answer), "request_id": rid}
        yield native_event(number, "result", 200, body)


def native_event(number: int, event: str, status: int, body: Mapping[str, Any]) -> bytes:
    """Write an event as the native endpoints do."""
    return f"id:{number}\nevent:{event}\n:HTTP_STATUS/{status}\n".encode() + b"data:" + orjson.dumps(body) + b"\n\n"


def data(body: Mapping[str, Any]) -> bytes:
    """Write a chunk as the compatible endpoints do."""
    return b"data: " + orjson.dumps(body) + b"\n\n"


def _pieces(text: str) -> list[str]:
    return [text[at : at + _PIECE] for at in range(0, len(text), _PIECE)]


def _native_message(text: str, reasoning: str, *, multimodal: bool) -> dict[str, Any]:
    content: Any = ([{"text": text}] if text else []) if multimodal else text
    return {"role": "assistant", "content": content, "reasoning_content": reasoning}


def _usage(answer: Answer, *, details: bool) -> dict[str, Any]:
    usage: dict[str, Any] = {
        "completion_tokens": answer.completion_tokens,
        "prompt_tokens": answer.prompt_tokens,
        "total_tokens": answer.prompt_tokens + answer.completion_tokens,
    }
    if details:
        usage["prompt_tokens_details"] = {"cached_tokens": 0}
        if answer.reasoning is not None:
            usage["completion_tokens_details"] = {"reasoning_tokens": answer.reasoning_tokens}
    return usage


def _native_usage(answer: Answer) -> dict[str, Any]:
    usage: dict[str, Any] = {
        "input_tokens": answer.prompt_tokens,
        "output_tokens": answer.completion_tokens,
        "total_tokens": answer.prompt_tokens + answer.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": 0},
    }
    if answer.reasoning is not None:
        usage["output_tokens_details"] = {"reasoning_tokens": answer.reasoning_tokens}
    return usage
