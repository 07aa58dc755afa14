"""Answers in the shape of the Batch API's result lines, which people's scripts read."""

from __future__ import annotations

from typing import Any

from ...domain.recipes.base import Planned
from ...domain.samples import Answer


def result_line(answer: Answer, *, model: str, created: int) -> dict[str, Any]:
    """Return an answer as a line of a Batch API output file, a failure as a line of an error file.

    ``created`` is in seconds since 1970. ``custom_id`` is the prompt's own id, else its place counted from 0.
    """
    line: dict[str, Any] = {
        **_ids(answer.request_id, answer.label, answer.position),
        "response": None,
        "error": None,
    }
    if answer.error is not None:
        line["error"] = {"code": answer.error.kind.value, "message": answer.error.message}
    else:
        body = _chat_completion(answer, model=model, created=created)
        line["response"] = {"status_code": 200, "request_id": answer.request_id, "body": body}
    return line


def missing_line(planned: Planned) -> dict[str, Any]:
    """Return the line of a prompt that was not answered before its job was stopped, under the id of any other line."""
    error = {"code": "not_answered", "message": "the job was stopped before this was answered; resume goes on with it"}
    ids = _ids(planned.request_id, planned.origin.label, planned.position)
    return {**ids, "response": None, "error": error}


def _ids(request_id: str, label: str | None, position: int) -> dict[str, str]:
    return {"id": f"batch_req_{request_id}", "custom_id": label or str(position)}


def _chat_completion(answer: Answer, *, model: str, created: int) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": answer.output}
    if answer.reasoning is not None:
        message["reasoning_content"] = answer.reasoning
    return {
        "id": f"chatcmpl-{answer.request_id}",
        "object": "chat.completion",
        "created": created,
        "model": model,
        "choices": [{"index": 0, "message": message, "finish_reason": answer.finish_reason}],
        "usage": _usage(answer),
    }


def _usage(answer: Answer) -> dict[str, Any] | None:
    if answer.usage is None:
        return None
    usage = answer.usage
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
    }
