"""What an error of the service means: ask again, this request failed, or stop the run.

One table for every adapter. The codes of both protocols stand beside each other (``InvalidApiKey`` is the native one,
``invalid_api_key`` the OpenAI-compatible one), because gateways mix them; where one code means two things, the
message's text decides, so rows with a text stand before those without.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import Enum
from http import HTTPStatus

import attrs

from ....domain.inference import FailureKind


class Action(Enum):
    """What to do about an error. What was answered by an error status was not paid for."""

    RETRY = "retry"  # refused for now: the same request may be asked again
    FAIL = "fail"  # this request only
    STOP = "stop"  # no request passes until a person mends something


@attrs.frozen(kw_only=True)
class Verdict:
    """What an error means. ``slow_down``: the service asks for fewer calls.

    ``retryable`` says whether a line of a batch that failed so is asked again in a later round. It is true for most
    of ``STOP`` too: that round stops the run instead of spending, and goes on when the account is in order again.
    """

    action: Action
    kind: FailureKind
    retryable: bool
    slow_down: bool = False


def _words(text: str) -> frozenset[str]:
    return frozenset(text.lower().split())


def _pattern(text: str | None) -> re.Pattern[str] | None:
    return None if text is None else re.compile(text, re.IGNORECASE)


def _numbers(numbers: Iterable[int]) -> frozenset[int]:
    return frozenset(numbers)


@attrs.frozen
class _Row:
    """One error: any of ``codes`` (space-separated; empty: any code) with ``text`` (a pattern) in its message."""

    codes: frozenset[str] = attrs.field(converter=_words)
    verdict: Verdict
    text: re.Pattern[str] | None = attrs.field(default=None, converter=_pattern)
    statuses: frozenset[int] = attrs.field(default=(), converter=_numbers, kw_only=True)
    mend: str = attrs.field(default="", kw_only=True)


_SLOWER = Verdict(action=Action.RETRY, kind=FailureKind.RATE_LIMITED, retryable=True, slow_down=True)
_AGAIN = Verdict(action=Action.RETRY, kind=FailureKind.SERVER_ERROR, retryable=True)
_TIMED_OUT = Verdict(action=Action.RETRY, kind=FailureKind.TIMEOUT, retryable=True)
_EXPIRED = Verdict(action=Action.RETRY, kind=FailureKind.EXPIRED, retryable=True)
_CANCELLED = Verdict(action=Action.RETRY, kind=FailureKind.CANCELLED, retryable=True)
_INVALID = Verdict(action=Action.FAIL, kind=FailureKind.INVALID_REQUEST, retryable=False)
_TOO_LARGE = Verdict(action=Action.FAIL, kind=FailureKind.TOO_LARGE, retryable=False)
_FILTERED = Verdict(action=Action.FAIL, kind=FailureKind.CONTENT_FILTER, retryable=False)
POSSIBLY_PAID = Verdict(action=Action.FAIL, kind=FailureKind.UNKNOWN, retryable=True)
_MEND = Verdict(action=Action.STOP, kind=FailureKind.REJECTED, retryable=True)
_NAME = Verdict(action=Action.STOP, kind=FailureKind.REJECTED, retryable=False)  # another name is another job

_BROKE_OFF = r"please retry the request"

_KEY = "check the API key (DASHSCOPE_API_KEY) and that it belongs to this region, then resume"
_ACCOUNT = "settle the account in Bailian's console, then resume"
_FREE = "the free quota is used up: buy, or switch off 'free tier only' in Bailian's console, then resume"
_FILES = "delete files that are no longer needed at the service, then resume"
_MODEL = "check the model's name, and that this region and this way of calling offer it"
_ACCESS = "ask for access to the model in Bailian's console, or use another (a retired model answers so too)"
_WORKSPACE = "check the workspace id and the base URL, then resume"

_ELSEWHERE: Mapping[str, str] = {
    _KEY: "check the key and the address of the server, then resume",
    _ACCOUNT: "settle the account at the service, then resume",
    _FREE: "the quota is used up: ask the service for more, then resume",
    _MODEL: "check the model's name, and that this server offers it",
    _ACCESS: "ask the service for access to the model, or use another",
    _WORKSPACE: "check the key and the address of the server, then resume",
}
"""What to do about the same at a server that is not Bailian."""

_TABLE = (
    # One code, two meanings: the text decides.
    _Row("", _MEND, r"free allocated quota exceeded", mend=_FREE),
    _Row("", _MEND, r"check your plan and billing", mend=_ACCOUNT),  # insufficient_quota as OpenAI means it
    # Structured output that broke off, also in a batch's line, where no status may stand beside it.
    _Row("InvalidParameter invalid_parameter_error invalid_request_error", _AGAIN, _BROKE_OFF),
    _Row("", _AGAIN, _BROKE_OFF, statuses=(400,)),
    _Row("", _MEND, r"account is in good standing", mend=_ACCOUNT),
    _Row("", _MEND, r"upload file (capacity|number) exceed", mend=_FILES),
    _Row("", _SLOWER, r"throttled due to system capacity limits"),
    _Row("", _FILTERED, r"may contain inappropriate content"),
    _Row("", _NAME, r"\bmodel\b.*(does not exist|not found)", statuses=(404,), mend=_MODEL),  # vLLM, Ollama
    _Row("InternalError InternalError.Algo internal_error", _INVALID, r"role must be in \["),
    _Row("InternalError InternalError.Algo internal_error", _INVALID, r"expecting '.*' delimiter"),
    # The request itself.
    _Row("DataInspectionFailed data_inspection_failed content_filter content_policy_violation", _FILTERED),
    _Row("BadRequest.TooLarge", _TOO_LARGE),
    _Row("BadRequest.EmptyInput BadRequest.EmptyModel BadRequest.IllegalInput", _INVALID),
    _Row("InvalidParameter invalid_parameter_error invalid_request_error", _INVALID),
    _Row("InvalidParameter.NotSupportEnableThinking Conflict NotFound", _INVALID),
    _Row("mismatched_model duplicate_custom_id url_not_found mismatched_test_url", _INVALID),
    # The key, the account, the names: the same for every request.
    _Row("InvalidApiKey invalid_api_key", _MEND, mend=_KEY),
    _Row("NotAuthorized WorkSpaceNotFound Workspace.AccessDenied", _MEND, mend=_WORKSPACE),
    _Row("Arrearage CommodityNotPurchased PrepaidBillOverdue PostpaidBillOverdue", _MEND, mend=_ACCOUNT),
    _Row("AllocationQuota.FreeTierOnly", _MEND, mend=_FREE),
    _Row("AccessDenied access_denied AccessDenied.Unpurchased Model.AccessDenied", _MEND, mend=_ACCESS),
    _Row("Endpoint.AccessDenied", _NAME, mend=_ACCESS),
    _Row("ModelNotFound model_not_found model_not_supported", _NAME, mend=_MODEL),
    # Too fast, or the service's own fault.
    _Row("Throttling Throttling.RateQuota Throttling.BurstRate Throttling.AllocationQuota", _SLOWER),
    _Row("LimitRequests limit_requests limit_burst_rate insufficient_quota rate_limit_exceeded", _SLOWER),
    _Row("RequestTimeOut request_timeout InternalError.Timeout", _TIMED_OUT),
    _Row("InternalError internal_error InternalError.Algo InternalError.FileUpload InternalError.Upload", _AGAIN),
    _Row("SystemError ModelServiceFailed ModelServingError ModelUnavailable", _AGAIN),
    # Lines of a batch that never ran, in the words of servers that say so line by line.
    _Row("batch_expired expired", _EXPIRED),
    _Row("batch_cancelled cancelled", _CANCELLED),
    # A code that is not known: the HTTP status.
    _Row("", _TIMED_OUT, statuses=(408, 504)),
    _Row("", _SLOWER, statuses=(429,)),
    _Row("", _MEND, statuses=(401,), mend=_KEY),
    _Row("", _MEND, statuses=(402,), mend=_ACCOUNT),
    _Row("", _TOO_LARGE, statuses=(413,)),
    _Row("", _INVALID, statuses=range(400, 500)),
    _Row("", _AGAIN, statuses=range(500, 600)),
    _Row("", POSSIBLY_PAID, statuses=range(200, 300)),
)
_NO_STATUS = _Row("", _AGAIN)
"""A line of a batch that failed for a reason nobody has recorded: not billed, so it may be asked again."""

_GATEWAYS = frozenset({502, 504, *range(520, 525)})
_UPSTREAM = re.compile(r"upstream connect error|reset reason|disconnect/reset before headers", re.IGNORECASE)

_PREFIX = re.compile(r"<(\d{3})>\s*([\w.]+)\s*:\s*")
_ALGO = "internalerror.algo."
_SECRET = re.compile(r"\b(sk-|Bearer\s+)[\w.*-]{6,}", re.IGNORECASE)
_LONGEST_MESSAGE = 400


def verdict(status: int | None, code: str | None, message: str | None) -> Verdict:
    """Return what an error means; never raises, whatever the service said.

    ``status`` is the HTTP status, None where there is none (a line of a batch). A code that is not known is judged by
    its status: 408, 429 and 5xx may be asked again, other 4xx may not. An unknown error inside a 2xx reply is
    ``unknown``: the answer may have been paid for.
    """
    return _row(status, code, message).verdict


def gateway_gave_up(status: int | None, code: str | None, message: str | None) -> bool:
    """Whether an answer to a call is a gateway's, after the service may have got the call, and run it, and billed it.

    A service that refuses says so with a code; 502, 504 and 520 to 524 without one are a gateway's, and so is 503 in
    the words of Envoy. For replies to calls only: what a line of a batch says is the service's own.
    """
    if code:
        return False
    return status in _GATEWAYS or (status == HTTPStatus.SERVICE_UNAVAILABLE and bool(_UPSTREAM.search(message or "")))


def sentence(status: int | None, code: str | None, message: str | None, *, is_bailian: bool = True) -> str:
    """Return one sentence for a person: what the service said, and what to do where the run stops for it.

    What looks like a key is left out, and a long message is cut. Where it was not Bailian, nothing of Bailian's is
    named in what to do.
    """
    words = " ".join(str(message or "").split())
    words = words if len(words) <= _LONGEST_MESSAGE else words[: _LONGEST_MESSAGE - 1] + "…"
    number = f"HTTP {status}" if status else ""
    label = " ".join(part for part in (number, str(code or "")) if part)
    told = f"the service answered {label}" if label else ""
    said = ": ".join(part for part in (told, words) if part) or "no reply came"
    mend = _row(status, code, message).mend
    mend = mend if is_bailian else _ELSEWHERE.get(mend, mend)
    return _SECRET.sub(r"\1…", f"{said.rstrip('. ')}; {mend}" if mend else said)


def _row(status: int | None, code: str | None, message: str | None) -> _Row:
    message, code = str(message or ""), str(code or "")  # a server may send a number, or an object
    codes = _codes(code, message)
    status = _status(status, code, message)
    for row in _TABLE:
        if row.codes and row.codes.isdisjoint(codes):
            continue
        if row.statuses and status not in row.statuses:
            continue
        if row.text is None or row.text.search(message):
            return row
    return _NO_STATUS


def _codes(code: str, message: str) -> set[str]:
    """Return the words to look up: ``invalid_parameter_error`` often wraps a more telling code.

    ``<400> InternalError.Algo.DataInspectionFailed: …`` is a native code inside a compatible one's message.
    """
    outer = "".join(code.lower().split())  # "NOT AUTHORIZED"
    inner = _PREFIX.match(message)
    return {word.removeprefix(_ALGO) for word in (outer, inner[2].lower() if inner else "") if word}


def _status(status: int | None, code: str, message: str) -> int | None:
    """Return the status of the error itself: some gateways put it into the code, or before the message."""
    if status is not None and status >= HTTPStatus.BAD_REQUEST:
        return status
    inner = _PREFIX.match(message)
    for word in (code, inner[1] if inner else ""):
        if re.fullmatch(r"[45]\d\d", word.strip()):
            return int(word)
    return status
