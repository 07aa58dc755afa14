"""The SDK's exceptions in our words: one table, one place."""

from __future__ import annotations

import math
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Any, TypeVar

from ....errors import BackendDenied, BackendError, BackendRejected, BackendUnavailable, BackendUnreached
from ..bailian.verdicts import Action, verdict
from ..calls import CallFailed
from .wire import loads, trouble_of, unreadable

_T = TypeVar("_T")


class Meaning(Enum):
    """What an exception of the SDK says about a request."""

    REFUSED = "an answer with an error status came"
    SILENT = "no answer came; the cause says whether the request was sent"
    GARBLED = "an answer came that cannot be read"
    NOT_ASKED = "the SDK refused the call; nothing was sent"
    NEVER = "of a part of the SDK that is not used here"


SDK_ERRORS: Mapping[str, Meaning] = {
    "APIStatusError": Meaning.REFUSED,
    "BadRequestError": Meaning.REFUSED,
    "AuthenticationError": Meaning.REFUSED,
    "OAuthError": Meaning.REFUSED,
    "PermissionDeniedError": Meaning.REFUSED,
    "NotFoundError": Meaning.REFUSED,
    "ConflictError": Meaning.REFUSED,
    "UnprocessableEntityError": Meaning.REFUSED,
    "RateLimitError": Meaning.REFUSED,
    "InternalServerError": Meaning.REFUSED,
    "APIConnectionError": Meaning.SILENT,
    "APITimeoutError": Meaning.SILENT,
    "APIResponseValidationError": Meaning.GARBLED,
    "APIError": Meaning.GARBLED,  # by itself it is raised for an error inside a stream
    "OpenAIError": Meaning.NOT_ASKED,
    "MissingDependencyError": Meaning.NOT_ASKED,
    "MissingStreamClassError": Meaning.NOT_ASKED,
    "MutuallyExclusiveAuthError": Meaning.NOT_ASKED,
    "_AmbiguousModuleClientUsageError": Meaning.NOT_ASKED,
    "StreamAlreadyConsumed": Meaning.GARBLED,
    # Of parts of the SDK that are not used here: whatever raised them, it may have sent something.
    "APIRemovedInV1": Meaning.NEVER,
    "AgentFilePreparationError": Meaning.NEVER,
    "AgentFileStagingError": Meaning.NEVER,
    "AgentOutputParseError": Meaning.NEVER,
    "AgentTurnResultError": Meaning.NEVER,
    "BrowserCancelledError": Meaning.NEVER,
    "BrowserError": Meaning.NEVER,
    "ComputerUseError": Meaning.NEVER,
    "ContentFilterFinishReasonError": Meaning.NEVER,
    "DecisionsToolRunnerError": Meaning.NEVER,
    "InvalidWebhookSignatureError": Meaning.NEVER,
    "LengthFinishReasonError": Meaning.NEVER,
    "ResponsesWebSocketBufferError": Meaning.NEVER,
    "ResponsesWebSocketError": Meaning.NEVER,
    "SubjectTokenProviderError": Meaning.NEVER,
    "ToolRunnerError": Meaning.NEVER,
    "WebSocketConnectionClosedError": Meaning.NEVER,
    "WebSocketQueueFullError": Meaning.NEVER,
    "_TransientTokenExchangeError": Meaning.NEVER,
}
"""Every exception class of the SDK that a call can raise, by name: the SDK is not imported before it is used."""

# What httpx and httpx2 raise before anything of a request has left this machine.
_NOT_SENT = frozenset(
    {"ConnectError", "ConnectTimeout", "PoolTimeout", "ProxyError", "UnsupportedProtocol", "InvalidURL"}
)
_TRANSPORTS = frozenset({"httpx", "httpx2", "anyio", "ssl"})
_UNCERTAIN = frozenset({408, 409, 429})  # of the calls of the Batch API: ask again
_KEY = re.compile(r"\bsk-[\w-]{6,}|(?<=Bearer )\S+")
_TAGS = re.compile(r"<(script|style)\b.*?</\1>|<[^>]*>", re.DOTALL | re.IGNORECASE)
_SHOWN = 300


def scrubbed(text: str) -> str:
    """Return a text without what looks like a key: a service may repeat it in an error."""
    return _KEY.sub("[key]", text)


@contextmanager
def translated(hide: Callable[[str], str] = scrubbed) -> Iterator[None]:
    """Raise what the SDK raises inside as ``CallFailed``; ``hide`` takes keys out of what it, or a reply, says.

    Any other exception goes through as it is.
    """
    try:
        yield
    except Exception as error:
        failed = error if isinstance(error, CallFailed) else failure_of(error)
        if failed is None:
            raise
        # Not from it: the SDK's exceptions hold the request with its headers.
        raise CallFailed(
            status=failed.status,
            code=failed.code,
            message=scrubbed(hide(failed.message)),
            retry_after=failed.retry_after,
            sent=failed.sent,
            begun=failed.begun,
        ) from None


def failure_of(error: Exception) -> CallFailed | None:
    """Return what an exception of the SDK or of its transport says; None where it is neither."""
    meaning = meaning_of(error)
    if meaning is Meaning.REFUSED:
        refused: Any = error
        return refusal_of(refused.response, refused.body)
    if meaning is Meaning.SILENT:
        return _silence(error.__cause__ or error, request=getattr(error, "request", None))
    if meaning is Meaning.GARBLED:
        return unreadable("the reply cannot be read", getattr(error, "body", None) or "")
    if meaning is not None:
        message = f"the SDK refused the call: {error}"
        return CallFailed(status=None, code="", message=message, retry_after=None, sent=meaning is Meaning.NEVER)
    if isinstance(error, OSError) or type(error).__module__.partition(".")[0] in _TRANSPORTS:
        return _silence(error, request=_request_of(error))
    return None


def meaning_of(error: Exception) -> Meaning | None:
    """Return what the table says of an exception, or of the nearest class above it; None where it is not the SDK's."""
    for kind in type(error).__mro__:
        if kind.__module__.partition(".")[0] == "openai" and kind.__name__ in SDK_ERRORS:
            return SDK_ERRORS[kind.__name__]
    return None


async def ask(call: Awaitable[_T], *, hide: Callable[[str], str] = scrubbed) -> _T:
    """Await one call of the SDK that is no chat. Raises BackendUnavailable, BackendRejected or BackendDenied."""
    try:
        with translated(hide):
            return await call
    except CallFailed as failed:
        raise backend_error(failed) from None


def backend_error(failed: CallFailed, *, is_bailian: bool = True) -> BackendError:
    """Return the error of the port: what to mend, a definite no (4xx), or no definite answer (all else)."""
    message = failed.told(is_bailian=is_bailian)
    if failed.status is None and not failed.code:
        return BackendUnreached(message) if failed.sent is False else BackendUnavailable(message)
    found = verdict(failed.status, failed.code, failed.message)
    if found.action is Action.STOP:
        return BackendDenied(message)
    status = failed.status or 0
    if found.action is Action.RETRY or status >= 500 or status in _UNCERTAIN:
        return BackendUnavailable(message)
    return BackendRejected(message)


def retry_after_of(headers: Mapping[str, str], *, now: Callable[[], datetime] | None = None) -> float | None:
    """Return the seconds that ``Retry-After`` asks to wait, written as a number or a date; None where it does not."""
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000.0
    said = headers.get("retry-after")
    seconds = _number(said)
    if seconds is not None or said is None:
        return seconds
    try:
        moment = parsedate_to_datetime(said)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max((moment - (now() if now else datetime.now(UTC))).total_seconds(), 0.0)


def refusal_of(response: Any, body: Any = None) -> CallFailed:
    """Return what a reply with an error status says, also where a proxy wrote it; ``body`` is what was read of it."""
    status = int(response.status_code)
    try:
        text = response.text
        body = loads(text)
    except (ValueError, RuntimeError):  # a page, or a body that was not read
        text = body if isinstance(body, str) else ""
        body = {"error": " ".join(_TAGS.sub(" ", text).split())[:_SHOWN]}
    told = trouble_of(body, status)
    code, message = (told.code, told.message) if told is not None else ("", "")
    return CallFailed(
        status=status, code=code, message=message, retry_after=retry_after_of(response.headers), sent=True
    )


def _silence(cause: BaseException, *, request: Any) -> CallFailed:
    sent = not any(kind.__name__ in _NOT_SENT for kind in type(cause).__mro__)
    url = getattr(request, "url", None)
    host = " the server" if url is None else f" {url.host}:{url.port}" if url.port else f" {url.host}"
    why = f"{type(cause).__name__}: {cause}".rstrip(": ")
    if "CERTIFICATE_VERIFY_FAILED" in why:
        why += "; for a certificate authority of your own give ca=FILE"
    message = f"no answer came from{host} ({why})" if sent else f"no connection to{host} ({why})"
    return CallFailed(status=None, code="", message=message, retry_after=None, sent=sent)


def _request_of(error: Exception) -> Any:
    try:
        return getattr(error, "request", None)
    except RuntimeError:  # the transport's word for "there is none"
        return None


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return max(value, 0.0) if math.isfinite(value) else None
