"""Requests and answers as the OpenAI protocol writes them, in every form that servers have been seen to use."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

import orjson

from ....domain.inference import AnyRequest, Completion, Request, Usage
from ..bailian import models
from ..calls import CallFailed

TEST_MODEL = "batch-test-model"
"""Bailian's free model for trying a batch; it knows no parameter."""

_OURS = frozenset({"model", "messages", "stream", "stream_options"})  # what extra_body may not replace
_SAMPLING = ("temperature", "top_p", "max_tokens", "seed")
_THOUGHTS = re.compile(r"\s*<think>(.*?)(?:</think>\s*|\Z)", re.DOTALL)
_LEAST_ERROR = 400
_MAY_COUNT_THOUGHTS = frozenset({"completion_tokens_details", "output_tokens_details", "reasoning_tokens"})
_SOME_ERROR = 500  # the status of an error that says neither status nor code
_NOTHING = frozenset({"", "null", "none"})
_SUCCESS = frozenset({"0", "200", "ok", "success", "succeeded"})
MOST_TOKENS = 10**12  # of one answer: what is more is a mistake, and may be more than can be stored
_SHOWN = 300  # characters of what cannot be read that a person is shown


class Dialect(StrEnum):
    """How a server wants to be told to think or not."""

    ENABLE_THINKING = "enable_thinking"  # Bailian's: at the top of the body
    CHAT_TEMPLATE_KWARGS = "chat_template_kwargs"  # vLLM, SGLang, llama.cpp: for the model's template
    NONE = "none"  # not at all: for servers that refuse what they do not know


def body_of(request: Request, dialect: Dialect = Dialect.ENABLE_THINKING) -> dict[str, Any]:
    """Return the body of a chat completion that is not streamed.

    Thinking is said explicitly wherever the model can be told, since a model may think by default and bills it as
    output. ``extra_body`` lies on top; it replaces neither model nor messages, nor makes a stream of it.
    """
    return {"model": request.model, "messages": messages_of(request), **rest_of(request, dialect)}


def messages_of(request: Request) -> list[dict[str, str]]:
    """Return what is said, as a body holds it."""
    return [{"role": message.role, "content": message.content} for message in request.messages]


def rest_of(request: AnyRequest, dialect: Dialect) -> dict[str, Any]:
    """Return what a body holds beside model and messages: it depends on the model and the parameters alone."""
    parameters = request.parameters
    body = {name: value for name in _SAMPLING if (value := getattr(parameters, name)) is not None}
    if parameters.response_format is not None:
        body["response_format"] = dict(parameters.response_format)
    body.update(_thinking(request, dialect))
    extra = {name: value for name, value in parameters.extra_body.items() if name not in _OURS}
    template = extra.get(Dialect.CHAT_TEMPLATE_KWARGS)
    if isinstance(template, Mapping):
        extra[Dialect.CHAT_TEMPLATE_KWARGS.value] = {**body.get(Dialect.CHAT_TEMPLATE_KWARGS, {}), **template}
    return {**body, **extra}


def _thinking(request: AnyRequest, dialect: Dialect) -> dict[str, Any]:
    if dialect is Dialect.NONE or request.model == TEST_MODEL:
        return {}
    parameters = request.parameters
    said: dict[str, Any] = {"enable_thinking": parameters.enable_thinking}
    known = models.find(request.model)
    if known is not None and known.thinking == "none":
        return {}
    if known is not None and known.thinking == "always":
        said = {}  # it cannot be told; a budget it does take
    if parameters.thinking_budget is not None and (parameters.enable_thinking or not said):
        said["thinking_budget"] = parameters.thinking_budget
    if dialect is Dialect.CHAT_TEMPLATE_KWARGS:
        return {dialect.value: said} if said else {}
    return said


def completion_of(request_id: str, body: Any, status: int | None = None) -> Completion:
    """Return the answer in the body of a reply, read or as text; ``status`` is the one that it came with.

    Raises CallFailed: with what the service says where the body is an error, without a status or code where there is
    neither answer nor error in it (it came, so it may have been paid).
    """
    if isinstance(body, str | bytes):
        body = parsed(body)
    trouble = trouble_of(body, status)
    choice = first_choice(body)
    if choice is None:
        raise trouble or unreadable("the reply holds no answer", body)
    message = next((part for name in ("message", "delta") if isinstance(part := choice.get(name), Mapping)), None)
    if message is None:
        message = {"content": choice.get("text")}
    text, reasoning = apart(text_in(message), reasoning_in(message))
    if trouble is not None and not text:
        trouble.begun = bool(reasoning) or usage_of(body.get("usage")).prompt_tokens > 0
        raise trouble
    return Completion(
        request_id=request_id,
        text=text,
        finish_reason=finish_reason_in(choice) or "stop",
        usage=usage_of(body.get("usage")),
        reasoning=reasoning or None,
        model=word(body.get("model")) or None,
    )


def says_trouble(error: Any) -> bool:
    """Whether an error says anything: some servers write an empty one, or a code of success, beside an answer."""
    if not error:
        return False
    code, message = "", error
    if isinstance(error, Mapping):
        code, message, _ = _parts(error)
    words = [word(each).strip().lower() for each in (code, message)]
    return words[0] not in _SUCCESS and not all(each in _NOTHING or each in _SUCCESS for each in words)


def trouble_of(body: Any, status: int | None = None) -> CallFailed | None:
    """Return the error that a body tells of, None where it tells of none.

    Known forms: ``{"error": {"code", "message"}}``, ``{"error": "text"}``, ``{"code", "message"}`` (Bailian's native
    one), ``error_code``/``error_message``, ``{"detail": …}`` (servers made with FastAPI) and ``{"message": …}``.
    """
    if not isinstance(body, Mapping):
        return None
    error: Any = body.get("error") or body
    if not says_trouble(error) and (error is body or body.get("choices")):
        return None
    code, message, kind = _parts(error) if isinstance(error, Mapping) else (word(body.get("code")), word(error), "")
    if error is body and body.get("choices"):
        return None
    told = _http_status(code)
    if told is not None or not code:
        code = kind  # vLLM writes the status as the code, and the word as the type
    inner = told or _http_status(word(body.get("status_code")))
    if not status or (status < _LEAST_ERROR and inner is not None):
        status = inner or (None if code else _SOME_ERROR)
    return CallFailed(status=status, code=code, message=message, retry_after=None, sent=True)


def _parts(error: Mapping[Any, Any]) -> tuple[str, str, str]:
    """Return the code, the message and the type of an error."""
    code = word(error.get("code")) or word(error.get("error_code"))
    message = word(error.get("message")) or word(error.get("error_message")) or word(error.get("detail"))
    return code, message, word(error.get("type"))


def parsed(text: str | bytes) -> Any:
    """Return what a body of JSON says. Raises CallFailed as ``completion_of`` does."""
    try:
        return loads(text, errors="replace")
    except ValueError:
        raise unreadable("the reply is not JSON", text) from None


def loads(text: str | bytes, *, errors: str = "strict") -> Any:
    """Return what JSON says, also where it holds half a character. Raises ValueError for what is no JSON.

    An answer that ends in the middle of a character, at the most that it may have, is written like that, and is not
    worth nothing for it. ``errors``: "replace" also takes what is no UTF-8, where nothing can be fetched again.
    """
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        if isinstance(text, bytes):
            text = text.decode("utf-8", errors)
        try:
            return json.loads(text)
        except RecursionError as error:
            raise ValueError(str(error)) from None


def unreadable(what: str, body: Any) -> CallFailed:
    """Return the error of a reply that came and cannot be used; it shows how the reply begins."""
    shown = body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body)
    shown = " ".join(shown[: 2 * _SHOWN].split())[:_SHOWN]
    message = f"{what}: {shown}" if shown else f"{what}: it is empty"
    return CallFailed(status=None, code="", message=message, retry_after=None, sent=True)


def usage_of(usage: Any) -> Usage:
    """Return the tokens that were counted; what is missing or no number counts as 0."""
    read, written, thought = counts_of(usage)
    return Usage(prompt_tokens=read, completion_tokens=written, reasoning_tokens=thought)


def counts_of(usage: Any) -> tuple[int, int, int]:
    """Return what ``usage_of`` does, as bare numbers: of what was read, was written, and was thought of that."""
    if type(usage) is dict and _MAY_COUNT_THOUGHTS.isdisjoint(usage):  # as nearly all are
        read, written = usage.get("prompt_tokens"), usage.get("completion_tokens")
        if type(read) is type(written) is int and 0 < read <= MOST_TOKENS and 0 < written <= MOST_TOKENS:
            return read, written, 0
    if not isinstance(usage, Mapping):
        return 0, 0, 0
    details = [usage.get(name) for name in ("completion_tokens_details", "output_tokens_details")]
    thought = [_count(part.get("reasoning_tokens")) for part in (*details, usage) if isinstance(part, Mapping)]
    return (
        _count(usage.get("prompt_tokens")) or _count(usage.get("input_tokens")),
        _count(usage.get("completion_tokens")) or _count(usage.get("output_tokens")),
        next((count for count in thought if count), 0),
    )


def reasoning_in(message: Mapping[str, Any]) -> str:
    """Return what the model thought, apart from what it says."""
    return _joined(message.get("reasoning_content")) or _joined(message.get("reasoning"))


def finish_reason_in(choice: Mapping[str, Any]) -> str:
    """Return why the answer ends, "" where it has not ended: Bailian also writes the word null."""
    reason = word(choice.get("finish_reason"))
    return "" if reason == "null" else reason


def first_choice(body: Any) -> Mapping[str, Any] | None:
    """Return the first of the choices in a body, None where there is none."""
    choices = body.get("choices") if isinstance(body, Mapping) else None
    if not isinstance(choices, Sequence) or isinstance(choices, str) or not choices:
        return None
    first = choices[0]
    return first if isinstance(first, Mapping) else None


def text_in(message: Mapping[str, Any]) -> str:
    """Return what the model says; the words of a refusal where it refuses."""
    content = message.get("content")
    return _joined(message.get("refusal")) if content is None else _joined(content)


def _joined(content: Any) -> str:
    """Return the text of a content, which may be one text or a list of parts."""
    if isinstance(content, str):
        return content
    if isinstance(content, Mapping):
        return _joined(content.get("text"))
    if isinstance(content, Sequence) and not isinstance(content, bytes):
        return "".join(_joined(part) for part in content)
    return ""


def apart(text: str, reasoning: str) -> tuple[str, str]:
    """Part thoughts from the answer where a local server leaves them in front of it; cut off, all of it is thought."""
    found = None if reasoning else _THOUGHTS.match(text)
    if found is None:
        return text, reasoning
    return text[found.end() :], found[1].strip()


def _count(value: Any) -> int:
    try:
        return min(max(int(value), 0), MOST_TOKENS)
    except (TypeError, ValueError, OverflowError):
        return 0


def word(value: Any) -> str:
    """Return a value as text, "" for None."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError:
        return str(value)


def _http_status(code: str) -> int | None:
    """Return a code that is an HTTP status: some servers write that."""
    return int(code) if code.isascii() and code.isdigit() and 400 <= int(code[:4]) < 600 else None
