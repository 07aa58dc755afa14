"""The lines of a batch's files: what is asked, and every form in which an answer has been seen or promised."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from ....domain.inference import AnyRequest, Completion, Failure, FailureKind, Outcome, Parameters, Request
from ..bailian.verdicts import sentence, verdict
from ..calls import CallFailed
from .wire import (
    Dialect,
    completion_of,
    loads,
    parsed,
    rest_of,
    says_trouble,
    trouble_of,
    unreadable,
    usage_of,
    word,
)

CHAT_URL = "/v1/chat/completions"

_STATUS_DIGITS = 3


def line_of(request: Request, url: str = CHAT_URL, dialect: Dialect = Dialect.ENABLE_THINKING) -> bytes:
    """Return the line of one request, with its line end. ``custom_id`` is the request's id.

    Raises ValueError for a text that no file of UTF-8 can hold.
    """
    return LineWriter(url, dialect).line_of(request)


class LineWriter:
    """Writes the lines of one file. What they have in common is written once and not for each of them."""

    def __init__(self, url: str = CHAT_URL, dialect: Dialect = Dialect.ENABLE_THINKING) -> None:
        self._url = url
        self._dialect = dialect
        self._common: tuple[str, Parameters, bytes, bytes] | None = None

    def line_of(self, request: AnyRequest) -> bytes:
        """Return the line of one request, as ``line_of`` does."""
        try:
            before, behind = self._around(request)
            messages = request.messages_json()
        except (orjson.JSONEncodeError, ValueError) as error:
            raise ValueError(f"request {request.id} cannot be written as JSON: {error}") from None
        return b'{"custom_id":"%b",%b%b%b}}\n' % (request.id.encode("ascii"), before, messages, behind)

    def _around(self, request: AnyRequest) -> tuple[bytes, bytes]:
        """Return what stands before the messages and behind them."""
        known = self._common
        # By identity: the requests of a job share their parameters, and what is equal may be written differently.
        if known is None or known[1] is not request.parameters or known[0] != request.model:
            rest = orjson.dumps(rest_of(request, self._dialect))[1:-1]
            head = {"method": "POST", "url": self._url, "body": {"model": request.model}}
            before = orjson.dumps(head)[1:-2] + b',"messages":'
            known = (request.model, request.parameters, before, b"," + rest if rest else b"")
            self._common = known
        return known[2], known[3]


def read_line(raw: bytes) -> Any:
    """Return what a line of a result file says, None where it is no JSON in UTF-8."""
    try:
        return loads(raw)
    except ValueError:
        return None


def outcome_of_line(line: Any) -> tuple[str, Outcome] | None:
    """Return the request's id and its outcome, as a line of an output or error file tells it.

    None for what is no line of a result: without an id nobody can say whose it is. Never raises. A line that ran and
    whose answer cannot be read is UNKNOWN, for it may have been billed; a line with an error was not. Whatever is
    UNKNOWN is not retryable.
    """
    request_id = id_in(line)
    if request_id is None:
        return None
    usual = _usual_answer(request_id, line)
    if usual is not None:
        return request_id, usual
    try:
        return request_id, _answer(request_id, line)
    except CallFailed as failed:
        return request_id, _failure(request_id, failed)


def id_in(line: Any) -> str | None:
    """Return the id of the request that a line is about, None for what is no line of a result."""
    if type(line) is not dict and not isinstance(line, Mapping):
        return None
    custom_id = line.get("custom_id")
    if type(custom_id) is str:
        return custom_id or None
    return str(custom_id) if isinstance(custom_id, str | int) and not isinstance(custom_id, bool) else None


def tells_of_a_completion(line: Any) -> bool:
    """Whether ``outcome_of_line`` tells of one."""
    told = outcome_of_line(line)
    return told is not None and isinstance(told[1], Completion)


def _usual_answer(request_id: str, line: Mapping[str, Any]) -> Completion | None:
    """Return the answer in a line of the usual form, as nearly all are; None for any other: see ``_answer``."""
    try:  # what is no object of JSON cannot be asked for a name
        response = line["response"]
        body = response["body"]
        choice = body["choices"][0]
        message = choice["message"]
        text, reason, model = message["content"], choice["finish_reason"], body["model"]
        is_refused = response["status_code"] != 200 or line.get("error") is not None or body.get("error")
    except (LookupError, TypeError):
        return None
    if is_refused or not (type(text) is type(reason) is type(model) is str and reason and model) or reason == "null":
        return None
    thoughts = message.get("reasoning_content") or None
    if type(thoughts) is not str and (thoughts or message.get("reasoning") or text.lstrip().startswith("<think>")):
        return None
    usage = usage_of(body.get("usage"))
    return Completion(
        request_id=request_id, text=text, finish_reason=reason, usage=usage, reasoning=thoughts, model=model
    )


def _answer(request_id: str, line: Mapping[str, Any]) -> Outcome:
    """Return the completion. Raises CallFailed."""
    response = line.get("response")
    status = _status_of(response.get("status_code")) if isinstance(response, Mapping) else None
    if says_trouble(line.get("error")):
        raise trouble_of({"error": line["error"]}, status) or unreadable("the line holds no answer", line)
    if not isinstance(response, Mapping):
        raise trouble_of(line) or unreadable("the line holds no answer", line)
    body = response.get("body", response)
    if isinstance(body, str | bytes) and not (status is not None and status >= 400):
        body = parsed(body)
    if status is None or status < 400:
        return completion_of(request_id, body, status)
    raise _refused(body, status)


def _status_of(value: Any) -> int | None:
    """Return an HTTP status, also one that is written as text."""
    told = word(value).strip()
    return int(told) if len(told) == _STATUS_DIGITS and told.isascii() and told.isdigit() else None


def _refused(body: Any, status: int) -> CallFailed:
    """Return the error of a line that has an error status, also where its body says nothing."""
    if isinstance(body, str | bytes):
        try:
            body = loads(body, errors="replace")
        except ValueError:
            body = {"error": body if isinstance(body, str) else ""}
    told = trouble_of(body, status)
    return told or CallFailed(status=status, code="", message="", retry_after=None, sent=True)


def _failure(request_id: str, failed: CallFailed) -> Failure:
    if failed.status is None and not failed.code:
        return Failure(request_id=request_id, kind=FailureKind.UNKNOWN, message=failed.message, retryable=False)
    found = verdict(failed.status, failed.code, failed.message)
    message = sentence(failed.status, failed.code, failed.message)
    retryable = found.retryable and found.kind is not FailureKind.UNKNOWN  # which nobody sends again unasked
    return Failure(
        request_id=request_id, kind=found.kind, message=message, retryable=retryable, possibly_paid=failed.begun
    )
