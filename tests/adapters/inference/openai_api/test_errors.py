"""The SDK's exceptions: each one is in the table, and each means what it should."""

import ast
import asyncio
import builtins
import contextlib
import importlib
from datetime import UTC, datetime
from pathlib import Path

import openai
import pytest

from qwen_dataset.adapters.inference.bailian.verdicts import gateway_gave_up
from qwen_dataset.adapters.inference.calls import CallFailed
from qwen_dataset.adapters.inference.openai_api.errors import (
    SDK_ERRORS,
    Meaning,
    ask,
    backend_error,
    failure_of,
    meaning_of,
    retry_after_of,
    scrubbed,
    translated,
)
from qwen_dataset.errors import BackendDenied, BackendRejected, BackendUnavailable, BackendUnreached

# httpx or httpx2, by the version of the SDK.
httpx2 = importlib.import_module(openai.DefaultAsyncHttpxClient.__mro__[1].__module__.partition(".")[0])
REQUEST = httpx2.Request(
    "POST", "http://some-host/v1/chat/completions", headers={"Authorization": "Bearer sk-secret99"}
)


def _classes(folder):
    """Return the bases of every class in the SDK's sources, by name."""
    found = {}
    for path in folder.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        # Types raise nothing, and the command line of older versions is no part of a call.
        if path.relative_to(folder).parts[0] in {"types", "cli"} or not ("Error" in text or "Exception" in text):
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ClassDef):
                found.setdefault(node.name, set()).update(ast.unparse(base).rpartition(".")[2] for base in node.bases)
    return found


def test_every_exception_class_of_the_sdk_is_in_the_table():
    classes = _classes(Path(openai.__file__).parent)
    known = {
        name for name, thing in vars(builtins).items() if isinstance(thing, type) and issubclass(thing, BaseException)
    }
    exceptions = set()
    while more := {name for name, bases in classes.items() if bases & (known | exceptions)} - exceptions:
        exceptions |= more
    # Older versions have fewer: only what this one has must be in the table.
    assert "RateLimitError" in exceptions
    assert not exceptions - set(SDK_ERRORS), "the SDK has new exceptions: say in errors.py what they mean"


def _subclasses(kind):
    yield kind
    for below in kind.__subclasses__():
        yield from _subclasses(below)


def test_every_exception_class_that_is_loaded_has_a_meaning_of_its_own():
    for kind in _subclasses(openai.OpenAIError):
        assert kind.__name__ in SDK_ERRORS
        assert (SDK_ERRORS[kind.__name__] is Meaning.REFUSED) == issubclass(kind, openai.APIStatusError)


def _status_error(status, body=None, headers=None):
    response = httpx2.Response(status, json=body, headers=headers, request=REQUEST)
    client = openai.OpenAI(api_key="x")
    with client:
        return client._make_status_error_from_response(response)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 418, 422, 429, 500, 503])
def test_an_error_status_is_told_with_the_services_own_words(status):
    error = _status_error(status, {"error": {"code": "some_code", "message": "some words"}}, {"Retry-After": "3"})
    failed = failure_of(error)
    assert (failed.status, failed.code, failed.message) == (status, "some_code", "some words")
    assert (failed.retry_after, failed.sent) == (3.0, True)


def test_a_reply_whose_body_was_not_read_is_told_by_its_status():
    response = httpx2.Response(503, request=REQUEST, stream=httpx2.ByteStream(b"x"))
    error = openai.InternalServerError("Error code: 503", response=response, body=None)
    failed = failure_of(error)
    assert (failed.status, failed.code) == (503, "")


@pytest.mark.parametrize("status", [502, 503, 504, 520, 524])
def test_a_gateway_that_gave_up_is_told_from_a_service_that_said_so(status):
    reset = {"error": {"message": "upstream connect error or disconnect/reset before headers", "code": status}}
    for body, expected in ((reset, True), ({"error": {"code": "RequestTimeOut"}}, False)):
        failed = failure_of(_status_error(status, body))
        assert gateway_gave_up(failed.status, failed.code, failed.message) is expected
        assert type(backend_error(failed)) is BackendUnavailable


def test_elsewhere_than_at_bailian_nothing_of_bailians_is_named():
    failed = failure_of(_status_error(401, {"error": {"message": "no"}}))
    assert "DASHSCOPE_API_KEY" in str(backend_error(failed))
    error = backend_error(failed, is_bailian=False)
    assert type(error) is BackendDenied
    assert str(error) == "the service answered HTTP 401: no; check the key and the address of the server, then resume"


@pytest.mark.parametrize(
    ("cause", "sent"),
    [
        (httpx2.ConnectError("refused"), False),
        (httpx2.ConnectTimeout("slow"), False),
        (httpx2.PoolTimeout("full"), False),
        (httpx2.ProxyError("407 Proxy Authentication Required"), False),
        (httpx2.UnsupportedProtocol("gopher"), False),
        (httpx2.ReadTimeout("slow"), True),
        (httpx2.WriteTimeout("slow"), True),
        (httpx2.ReadError("reset"), True),
        (httpx2.WriteError("reset"), True),
        (httpx2.RemoteProtocolError("Server disconnected"), True),
        (httpx2.DecodingError("bad gzip"), True),
        (ConnectionResetError("reset"), True),
        (None, True),
    ],
)
def test_without_an_answer_the_cause_says_whether_it_was_sent(cause, sent):
    for kind in (openai.APIConnectionError, openai.APITimeoutError):
        error = kind(request=REQUEST)
        error.__cause__ = cause
        failed = failure_of(error)
        assert (failed.status, failed.code, failed.sent) == (None, "", sent)
        assert "some-host" in failed.message
        assert "secret99" not in failed.message
    if cause is not None:
        assert failure_of(cause).sent is sent


def test_a_certificate_that_is_not_trusted_says_what_to_do():
    failed = failure_of(httpx2.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed"))
    assert "ca=FILE" in failed.message


def test_what_the_sdk_says_of_itself():
    response = httpx2.Response(200, text="hm", request=REQUEST)
    garbled = failure_of(openai.APIResponseValidationError(response, body="hm"))
    assert (garbled.sent, garbled.status) == (True, None)
    assert "hm" in garbled.message
    assert failure_of(openai.OpenAIError("no")).sent is False
    assert failure_of(openai.LengthFinishReasonError(completion=openai.BaseModel.construct(usage=None))).sent is True


def test_a_new_exception_means_what_the_class_above_it_means():
    class New(openai.RateLimitError):
        pass

    assert meaning_of(New("x", response=httpx2.Response(429, request=REQUEST), body=None)) is Meaning.REFUSED


@pytest.mark.parametrize("error", [ValueError("x"), BackendDenied("x"), KeyError("x")])
def test_what_is_not_the_sdks_goes_through(error):
    assert failure_of(error) is None
    with pytest.raises(type(error)) as caught, translated():
        raise error
    assert caught.value is error


def test_a_key_is_in_no_part_of_what_is_raised():
    error = _status_error(
        400, {"error": {"code": "c", "message": "Incorrect key sk-secret99abc, header Bearer my.own-key"}}
    )
    with pytest.raises(CallFailed) as caught, translated(lambda text: text.replace("Incorrect", "[hidden]")):
        raise error
    assert caught.value.message == "[hidden] key [key], header Bearer [key]"
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    assert scrubbed("task-force risk-management") == "task-force risk-management"


def test_a_key_inside_a_reply_is_taken_out_too():
    with pytest.raises(CallFailed) as caught, translated():
        raise CallFailed(status=400, code="c", message="sk-secret99abc", retry_after=3.0, sent=True)
    failed = caught.value
    assert (failed.status, failed.code, failed.message) == (400, "c", "[key]")
    assert (failed.retry_after, failed.sent) == (3.0, True)


async def _raise(error):
    raise error


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (401, "invalid_api_key", BackendDenied),
        (400, "Arrearage", BackendDenied),
        (400, "BadRequest.TooLarge", BackendRejected),
        (404, "NotFound", BackendRejected),
        (405, "", BackendRejected),
        (422, "", BackendRejected),
        (408, "", BackendUnavailable),
        (409, "Conflict", BackendUnavailable),
        (429, "limit_requests", BackendUnavailable),
        (500, "internal_error", BackendUnavailable),
        (501, "", BackendUnavailable),
        (503, "", BackendUnavailable),
    ],
)
def test_ask_tells_a_definite_no_from_no_answer(status, code, expected):
    error = _status_error(status, {"error": {"code": code, "message": "words"}})
    with pytest.raises(expected) as caught:
        asyncio.run(ask(_raise(error)))
    assert type(caught.value) is expected
    assert "words" in str(caught.value)


def test_ask_gives_what_came():
    async def answers():
        return 7

    assert asyncio.run(ask(answers())) == 7


def test_no_answer_at_all_is_unavailable():
    with pytest.raises(BackendUnavailable, match="no answer came from some-host"):
        asyncio.run(ask(_raise(openai.APITimeoutError(request=REQUEST))))
    assert type(backend_error(CallFailed(message="x"))) is BackendUnavailable
    assert type(backend_error(CallFailed(message="x", sent=True))) is BackendUnavailable
    assert type(backend_error(CallFailed(message="x", sent=False))) is BackendUnreached


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "Sun, 22 Nov 2026 12:00:30 GMT"}, 30.0),
        ({"retry-after": "Sun, 22 Nov 2026 12:00:30 -0000"}, 30.0),
        ({"retry-after": "Sun, 22 Nov 2026 11:00:00 GMT"}, 0.0),
    ],
)
def test_forms_of_retry_after(headers, seconds):
    noon = datetime(2026, 11, 22, 12, tzinfo=UTC)
    assert retry_after_of(headers, now=lambda: noon) == seconds


def test_a_date_is_taken_by_this_machines_clock():
    with contextlib.suppress(OverflowError):
        assert retry_after_of({"retry-after": "Sun, 22 Nov 2020 12:00:30 GMT"}) == 0.0
