"""The lines of the fake's files, in the shapes of the Batch API: requests as they go in, answers as they come out."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import attrs
import orjson

from ....domain.inference import FailureKind, Message, Parameters, Request
from ....ports.remote import LineError
from .lines import Line

URL = "/v1/chat/completions"
_URLS = (URL, "/v1/chat/ds-test")
_INDEX = "index"  # which of equal requests: the port tells, and a body has no place for it
_EXTRA = "extra"  # what of an extra body is called as something else in a body is
_LONGEST_ID = 256
_ERRORS_KEPT = 1_000
_PARAMETERS = frozenset(attrs.fields_dict(Parameters)) - {"extra_body"}
_BODY = _PARAMETERS | {"model", "messages"}

_REFUSALS: Mapping[FailureKind, tuple[int, str]] = {
    FailureKind.RATE_LIMITED: (429, "Throttling.RateQuota"),
    FailureKind.SERVER_ERROR: (500, "InternalError"),
    FailureKind.TIMEOUT: (504, "RequestTimeOut"),
    FailureKind.CONTENT_FILTER: (400, "data_inspection_failed"),
    FailureKind.INVALID_REQUEST: (400, "InvalidParameter"),
}
_NEVER_RAN: Mapping[FailureKind, str] = {
    FailureKind.EXPIRED: "batch_expired",
    FailureKind.CANCELLED: "batch_cancelled",
}


class _Refused(Exception):
    """Why a line is no request: the service's code, and its words."""

    def __init__(self, code: str, words: str) -> None:
        super().__init__(words)
        self.code = code


@attrs.frozen(kw_only=True)
class Asked:
    """A line of a request file, read."""

    custom_id: str
    request: Request


@attrs.frozen(kw_only=True)
class Checked:
    """What became of a file's validation: the requests' ids, or why it was refused."""

    ids: tuple[str, ...]
    errors: tuple[LineError, ...]


def request_line(request: Request) -> bytes:
    """Return the line of a request that came through the port; ``asked`` reads the same request from it."""
    parameters = attrs.asdict(request.parameters, recurse=False)
    extra = dict(parameters.pop("extra_body"))
    apart = {name: extra.pop(name) for name in _BODY & extra.keys()}
    body = {name: value for name, value in parameters.items() if value is not None}
    messages = [{"role": message.role, "content": message.content} for message in request.messages]
    line: dict[str, Any] = {
        "custom_id": request.id,
        "method": "POST",
        "url": URL,
        "body": {**extra, **body, "model": request.model, "messages": messages},
    }
    line |= {_EXTRA: apart} if apart else {}
    line |= {_INDEX: request.index} if request.index else {}
    return _dumped(line)


def asked(lines: Iterable[bytes]) -> Iterator[Asked]:
    """Yield the requests of a file that was found to be good. Equal ones are told apart by their order."""
    seen: Counter[str] = Counter()
    for raw in lines:
        if raw.strip():
            yield _asked(_object(raw), seen)


def check(lines: Iterable[bytes], *, endpoint: str, most: int, line_bytes: int) -> Checked:
    """Look at a file as a service does before it runs one: every line that is wrong is told, up to a bound."""
    checker = _Checker(endpoint=endpoint, most=most, line_bytes=line_bytes)
    for number, raw in enumerate(lines, start=1):
        if raw.strip():
            checker.look(number, raw)
    if not checker.errors and not checker.ids:
        checker.errors.append(LineError(code="empty_file", message="The file has no requests."))
    return Checked(ids=() if checker.errors else tuple(checker.ids), errors=tuple(checker.errors[:_ERRORS_KEPT]))


@attrs.define(kw_only=True)
class _Checker:
    endpoint: str
    most: int
    line_bytes: int
    ids: list[str] = attrs.Factory(list)
    errors: list[LineError] = attrs.Factory(list)
    _names: set[str] = attrs.Factory(set)
    _seen: Counter[str] = attrs.Factory(Counter)
    _first: tuple[str, bool] | None = None

    def look(self, number: int, raw: bytes) -> None:
        try:
            self._look(raw)
        except _Refused as refused:
            if len(self.errors) < _ERRORS_KEPT:
                self.errors.append(LineError(code=refused.code, message=str(refused), line=number))

    def _look(self, raw: bytes) -> None:
        if len(raw.rstrip(b"\n")) > self.line_bytes:
            raise _Refused("line_too_large", f"The line is longer than {self.line_bytes} bytes.")
        line = _object(raw)
        if line.get("url") != self.endpoint or self.endpoint not in _URLS:
            raise _Refused("url_not_found", f"The provided url {line.get('url')!r} is not supported by the Batch API.")
        found = _asked(line, self._seen)
        request = found.request
        if found.custom_id in self._names:
            raise _Refused(
                "duplicate_custom_id",
                f"The custom_id {found.custom_id!r} for this request is a duplicate of another request. The custom_id"
                " parameter must be unique for each request in a batch.",
            )
        self._names.add(found.custom_id)
        model, thinks = self._first = self._first or (request.model, request.parameters.enable_thinking)
        if request.model != model:
            raise _Refused(
                "mismatched_model",
                f"The model {request.model!r} for this request does not match the rest of the batch. Each batch must"
                " contain requests for a single model.",
            )
        if request.parameters.enable_thinking != thinks:
            raise _Refused(
                "mismatched_thinking", "The thinking mode of this request does not match the rest of the batch."
            )
        if len(self.ids) == self.most:
            raise _Refused("too_many_requests", f"The file has more than {self.most} requests.")
        self.ids.append(request.id)


def result_line(custom_id: str, line: Line, *, model: str, created: float) -> tuple[bool, bytes]:
    """Return whether a result is an answer, and its line in the output file, or in the error file."""
    error = line.get("error")
    head = {"id": f"batch_req_{line['id']}", "custom_id": custom_id}
    if error is None:
        answer = line["answer"]
        usage = {name: answer[name] for name in ("prompt_tokens", "completion_tokens")}
        message = {"role": "assistant", "content": answer["text"]}
        body = {
            "created": int(created),
            "usage": usage | {"total_tokens": sum(usage.values())},
            "model": model,
            "id": f"chatcmpl-{line['id']}",
            "choices": [{"finish_reason": answer["finish_reason"], "index": 0, "message": message}],
            "object": "chat.completion",
        }
        response = {"status_code": 200, "request_id": line["id"], "body": body}
        return True, _dumped({**head, "response": response, "error": None})
    kind = FailureKind(error["kind"])
    if kind in _NEVER_RAN:
        told = {"code": _NEVER_RAN[kind], "message": error["message"]}
        return False, _dumped({**head, "response": None, "error": told})
    status, code = _REFUSALS[kind]
    body = {"error": {"code": code, "message": error["message"], "type": code, "param": None}}
    response = {"status_code": status, "request_id": line["id"], "body": body}
    return False, _dumped({**head, "response": response, "error": None})


def _object(raw: bytes) -> Mapping[str, Any]:
    try:
        # Half a surrogate pair may stand in a passage, and only the slower reader and writer know what to do with it.
        line = json.loads(raw) if b"\\ud" in raw else orjson.loads(raw)
    except ValueError:
        line = None
    if not isinstance(line, dict):
        raise _Refused("invalid_json_line", "The line is not a JSON object.")
    return line


def _asked(line: Mapping[str, Any], seen: Counter[str]) -> Asked:
    custom_id, body = line.get("custom_id"), line.get("body")
    if not isinstance(custom_id, str) or not 0 < len(custom_id) <= _LONGEST_ID:
        raise _Refused("invalid_custom_id", f"The custom_id must be a string of 1 to {_LONGEST_ID} characters.")
    if not isinstance(body, dict) or not isinstance(body.get("model"), str):
        raise _Refused("invalid_request", "The body must be an object with a model and messages.")
    rest = {name: value for name, value in body.items() if name not in _BODY}
    if isinstance(line.get(_EXTRA), dict):
        rest |= line[_EXTRA]
    known = {name: value for name, value in body.items() if name in _PARAMETERS}
    request = Request(
        messages=_messages(body.get("messages")),
        model=body["model"],
        parameters=Parameters(**{**known, "enable_thinking": known.get("enable_thinking") is True, "extra_body": rest}),
    )
    index = line.get(_INDEX)
    if not isinstance(index, int):
        index = seen[request.id]
        seen[request.id] += 1
    request = attrs.evolve(request, index=index) if index else request
    return Asked(custom_id=custom_id, request=request)


def _messages(value: object) -> tuple[Message, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(each, dict) for each in value):
        raise _Refused("invalid_request", "The messages must be a list of objects with role and content.")
    return tuple(Message(str(each.get("role")), _said(each.get("content"))) for each in value)


def _said(content: object) -> str:
    """Return what a message says; of one in parts, its texts."""
    if isinstance(content, list):
        return "\n".join(str(part["text"]) for part in content if isinstance(part, dict) and "text" in part)
    return content if isinstance(content, str) else ""


def _dumped(line: Mapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)
    except TypeError:
        return json.dumps(line).encode() + b"\n"
