"""The native protocol's shapes: a request as arguments of the SDK's call, and an answer out of what came back.

Bailian's native API has two endpoints with the same parameters, which have the names of the compatible API's: text
models take a message's content as a string, multimodal ones as a list of parts, and each refuses the other's models.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....domain.inference import Completion, Request
from ..calls import CallFailed
from ..openai_api.wire import Dialect, body_of, completion_of, finish_reason_in, trouble_of

TEXT = "text"
MULTIMODAL = "multimodal"

_TAKEN_BY_THE_SDK = """
model messages prompt history input text voice language_type customized_model_id plugins api_key workspace stream
incremental_output result_format task_group task function is_service api_protocol http_method async_request
request_timeout ws_stream_mode is_binary_input query headers form resources base_address flattened_output
extra_url_parameters user_agent session task_id enable_encryption pre_task_id sdk_module
"""
RESERVED = frozenset(_TAKEN_BY_THE_SDK.split())
"""Arguments of the SDK's calls, and of what they call, that become no parameter of the model.

Given in ``extra_body`` they would change who is asked, with which key, or what comes back.
"""


def arguments_of(request: Request, *, family: str, dialect: Dialect, stream: bool) -> dict[str, Any]:
    """Return what to give to the SDK's call: the model, its messages, and its parameters as the compatible API's.

    Raises ``CallFailed``, before anything is sent, for an ``extra_body`` with a name that the SDK takes for itself.
    """
    parameters = body_of(request, Dialect.NONE if dialect is Dialect.NONE else Dialect.ENABLE_THINKING)
    del parameters["model"], parameters["messages"]
    taken = sorted(RESERVED.intersection(parameters))
    if taken:
        message = f"extra_body cannot set {', '.join(taken)} through the DashScope SDK; remove it, or use openai-chat"
        raise CallFailed(status=400, code="InvalidParameter", message=message, retry_after=None, sent=False)
    # Only in the message format does a thinking model answer at all.
    parameters["result_format"] = "message"
    if stream:
        parameters |= {"stream": True, "incremental_output": True}
    return {**parameters, "model": request.model, "messages": _messages(request, family)}


def _messages(request: Request, family: str) -> list[dict[str, Any]]:
    parts = family == MULTIMODAL
    return [
        {"role": message.role, "content": [{"text": message.content}] if parts else message.content}
        for message in request.messages
    ]


def answer_of(request: Request, reply: Mapping[str, Any]) -> Completion:
    """Return the answer in a whole reply, which has ``output`` and ``usage``.

    Raises ``CallFailed``: with what the service says where the reply is an error after all, without status and code
    where there is no answer in it (it came, so it may have been paid).
    """
    output = reply.get("output")
    found = output if isinstance(output, Mapping) else {}
    choices = found.get("choices")
    if not choices and isinstance(found.get("text"), str):
        choices = [found]  # the older format, in which some models answer whatever was asked for
    if not choices:
        told = {name: value for name in ("code", "message", "error") if (value := reply.get(name))}
        # Under a status of success an error that nobody knows says nothing about what is billed.
        trouble = trouble_of(told, 200)
        if trouble is not None:
            raise trouble
    return completion_of(request.id, {"choices": choices, "usage": reply.get("usage"), "model": request.model})


class Pieces:
    """An answer that comes piece by piece."""

    def __init__(self) -> None:
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._usage: Any = None
        self._finish_reason = ""

    @property
    def begun(self) -> bool:
        """Whether the model has written anything, which may be billed."""
        return bool(self._text or self._reasoning or self._finish_reason)

    @property
    def whole(self) -> bool:
        """Whether the service said that the answer ends here."""
        return bool(self._finish_reason)

    def add(self, request: Request, reply: Mapping[str, Any]) -> None:
        """Take in one event; one without an answer, such as a sign of life, adds nothing."""
        self._usage = reply.get("usage") or self._usage
        output = reply.get("output")
        choices = output.get("choices") if isinstance(output, Mapping) else None
        if not choices or not isinstance(choices[0], Mapping):
            return
        piece = answer_of(request, {"output": {"choices": choices}})
        self._text.append(piece.text)
        self._reasoning.append(piece.reasoning or "")
        self._finish_reason = finish_reason_in(choices[0]) or self._finish_reason

    def answer(self, request: Request) -> Completion:
        """Return it whole. Raises ``CallFailed`` where the stream ended before it: it may have been billed."""
        if not self.whole:
            message = "the stream ended before the answer did"
            raise CallFailed(status=None, code="", message=message, retry_after=None, sent=True)
        said = {"content": "".join(self._text), "reasoning_content": "".join(self._reasoning)}
        choice = {"finish_reason": self._finish_reason, "message": said}
        return answer_of(request, {"output": {"choices": [choice]}, "usage": self._usage})
