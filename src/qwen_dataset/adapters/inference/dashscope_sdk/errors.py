"""What the DashScope SDK raises, translated in one place.

The SDK returns HTTP errors instead of raising them, so what it raises is either its own refusal of the arguments,
before anything is sent, or trouble on the way. Whether anything was sent, ``link`` knows better than any exception.
"""

from __future__ import annotations

import logging
import ssl
from contextlib import contextmanager
from contextvars import ContextVar
from enum import Enum
from typing import TYPE_CHECKING

from ..calls import CallFailed

if TYPE_CHECKING:
    from collections.abc import Iterator


class Meaning(Enum):
    """What an exception of the SDK says about one call."""

    ARGUMENTS = "the SDK refused the arguments, before it sent them"
    KEY = "there is no key"
    STATUS = "the service answered with an error; the exception carries it"
    TRANSPORT = "no answer came"


EXCEPTIONS: dict[str, Meaning] = {
    # dashscope.common.error
    "DashScopeException": Meaning.TRANSPORT,
    "AuthenticationError": Meaning.KEY,
    "InvalidParameter": Meaning.ARGUMENTS,
    "InvalidTask": Meaning.ARGUMENTS,
    "UnsupportedModel": Meaning.ARGUMENTS,
    "UnsupportedTask": Meaning.ARGUMENTS,
    "ModelRequired": Meaning.ARGUMENTS,
    "InvalidModel": Meaning.ARGUMENTS,
    "InvalidInput": Meaning.ARGUMENTS,
    "InvalidFileFormat": Meaning.ARGUMENTS,
    "UnsupportedApiProtocol": Meaning.ARGUMENTS,
    "NotImplemented": Meaning.ARGUMENTS,
    "MultiInputsWithBinaryNotSupported": Meaning.ARGUMENTS,
    "UnexpectedMessageReceived": Meaning.TRANSPORT,
    "UnsupportedData": Meaning.ARGUMENTS,
    "AssistantError": Meaning.STATUS,
    "RequestFailure": Meaning.STATUS,
    "UnknownMessageReceived": Meaning.TRANSPORT,
    "InputDataRequired": Meaning.ARGUMENTS,
    "InputRequired": Meaning.ARGUMENTS,
    "UnsupportedDataType": Meaning.ARGUMENTS,
    "ServiceUnavailableError": Meaning.STATUS,
    "UnsupportedHTTPMethod": Meaning.ARGUMENTS,
    "AsyncTaskCreateFailed": Meaning.TRANSPORT,
    "UploadFileException": Meaning.ARGUMENTS,
    "TimeoutException": Meaning.TRANSPORT,
    # dashscope.v2.errors, where the name is not one of the above
    "DashScopeError": Meaning.STATUS,
    "APIConnectionError": Meaning.TRANSPORT,
    "APITimeoutError": Meaning.TRANSPORT,
    "APIStatusError": Meaning.STATUS,
    "BadRequestError": Meaning.STATUS,
    "PermissionDeniedError": Meaning.STATUS,
    "NotFoundError": Meaning.STATUS,
    "RequestTooLargeError": Meaning.STATUS,
    "RateLimitError": Meaning.STATUS,
    "InternalServerError": Meaning.STATUS,
    "GatewayTimeoutError": Meaning.STATUS,
    "ContentFilterError": Meaning.STATUS,
    "SdkError": Meaning.ARGUMENTS,
}
"""Every exception class of the SDK that a call could meet, by name; a test fails when the SDK has one more."""

_UNSENDABLE = (ValueError, TypeError)  # raised while the body is made: a lone surrogate, a value that JSON has not


def call_failed(error: Exception, *, sent: bool, host: str) -> CallFailed:
    """Translate what a call raised. ``sent`` says whether any of it may have reached the service.

    The sentence names the error, never its text where that may hold an address with a password, or a key.
    """
    if isinstance(error, CallFailed):
        return error
    name = type(error).__name__
    meaning = EXCEPTIONS.get(name, Meaning.TRANSPORT) if type(error).__module__.startswith("dashscope.") else None
    status, code = _status_of(error) if meaning is not None else (None, "")
    if meaning is Meaning.KEY and status is None and not sent:
        return CallFailed(status=401, code="InvalidApiKey", message="the key is empty", sent=False)
    if meaning in {Meaning.STATUS, Meaning.KEY} and (status is not None or code):
        return CallFailed(status=status, code=code, message=f"{host} answered {name}", sent=sent)
    if sent:
        return CallFailed(message=f"{host} gave no whole reply ({name})", sent=True)
    if meaning is Meaning.ARGUMENTS or (meaning is None and _is_unsendable(error)):
        message = f"the DashScope SDK could not send this request ({name})"
        return CallFailed(status=400, code="InvalidParameter", message=message, sent=False)
    return CallFailed(message=f"{host} cannot be reached ({_why(error)})", sent=False)


def _is_unsendable(error: Exception) -> bool:
    # An SSL error is a ValueError too, and says nothing about the request.
    return isinstance(error, _UNSENDABLE) and not isinstance(error, OSError)


def _status_of(error: Exception) -> tuple[int | None, str]:
    """Return what the service answered, as far as the exception carries it."""
    raw = getattr(error, "status_code", None) or getattr(error, "http_code", None)
    code = getattr(error, "code", None) or getattr(error, "name", None)
    if raw is None and type(error).__name__ == "ServiceUnavailableError":
        raw = 503
    return raw if isinstance(raw, int) else None, code if isinstance(code, str) else ""


def _why(error: Exception) -> str:
    """Say in a few words why there is no connection. aiohttp wraps the error of the system, which is the clear one."""
    cause = getattr(error, "certificate_error", None) or getattr(error, "os_error", None) or error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {cause.verify_message}; name your own authority's file with ca="
    strerror = getattr(cause, "strerror", None)
    return f"{type(error).__name__}: {strerror}" if isinstance(strerror, str) and strerror else type(error).__name__


_asking: ContextVar[bool] = ContextVar("_asking", default=False)


class _Quiet(logging.Filter):
    """Drops what the SDK logs about calls of ours, and nothing about anybody else's."""

    def filter(self, record: logging.LogRecord) -> bool:  # noqa: ARG002  # the base class's shape
        return not _asking.get()


_QUIET = _Quiet()


def quieten() -> None:
    """Keep the SDK's records of our calls out of every log; doing it again changes nothing.

    It logs each error with a traceback and the service's own words, which may hold a key, before it hands the error
    over; what is worth telling is told in the outcome.
    """
    logging.getLogger("dashscope").addFilter(_QUIET)


@contextmanager
def asking() -> Iterator[None]:
    """Mark what happens inside as a call of ours."""
    token = _asking.set(True)
    try:
        yield
    finally:
        _asking.reset(token)
