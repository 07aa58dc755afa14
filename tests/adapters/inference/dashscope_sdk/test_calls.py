"""What a call sends, what becomes of its reply, and that it is never sent twice."""

import asyncio
import gc
import json
import logging
import socket
import ssl
import warnings
from datetime import UTC, datetime, timedelta
from importlib.metadata import version

import attrs
import pytest

from qwen_dataset.adapters.inference.bailian import models
from qwen_dataset.adapters.inference.dashscope_sdk import adapter
from qwen_dataset.adapters.inference.openai_api.wire import Dialect
from qwen_dataset.domain.inference import Completion, Failure, FailureKind, Usage
from qwen_dataset.errors import BackendDenied, BackendUnavailable


def test_a_call_says_everything_in_the_native_shape_with_the_key_of_now(native, service):
    request = native.request_of(
        "why?",
        temperature=0.5,
        top_p=0.9,
        max_tokens=100,
        seed=7,
        enable_thinking=True,
        thinking_budget=50,
        response_format={"type": "json_object"},
        extra_body={"top_k": 3, "seed": 8, "timeout": 5},
    )
    outcome = native.asked(native.backend_at(service.url, workspace="ws-1"), request)
    (call,) = service.calls
    assert call.path == native.TEXT_PATH
    assert call.body == {
        "model": "unheard-of",
        "input": {"messages": [{"role": "user", "content": "why?"}]},
        "parameters": {
            "temperature": 0.5,
            "top_p": 0.9,
            "max_tokens": 100,
            "seed": 8,
            "enable_thinking": True,
            "thinking_budget": 50,
            "response_format": {"type": "json_object"},
            "top_k": 3,
            "timeout": 5,  # a person's own parameter, not ours
            "result_format": "message",
        },
    }
    assert call.headers["Authorization"] == f"Bearer {native.KEY}"
    assert call.headers["X-DashScope-WorkSpace"] == "ws-1"
    assert "qwen-dataset/" in call.headers["User-Agent"]
    assert outcome == Completion(
        request_id=request.id, text="why?", usage=Usage(prompt_tokens=7, completion_tokens=5), model="unheard-of"
    )


def test_thinking_is_off_unless_asked_and_its_budget_goes_with_it(native, service):
    native.asked(native.backend_at(service.url), native.request_of(thinking_budget=50))
    assert service.calls[0].body["parameters"] == {"enable_thinking": False, "result_format": "message"}


def test_a_server_that_knows_no_thinking_is_told_nothing_of_it(native, service):
    native.asked(native.backend_at(service.url, thinking=Dialect.NONE))
    assert service.calls[0].body["parameters"] == {"result_format": "message"}


def test_a_key_that_was_rotated_is_used_from_the_next_call_on(native, service):
    held = ["sk-of-settings"]
    backend = native.backend_at(service.url, key=lambda: held[0], concurrency=1)

    async def rotated():
        async with backend:
            await native.outcomes_of(backend, native.request_of("a"))
            held[0] = "sk-second-key"
            await native.outcomes_of(backend, native.request_of("b"))

    asyncio.run(rotated())
    assert [call.headers["Authorization"] for call in service.calls] == [
        "Bearer sk-of-settings",
        "Bearer sk-second-key",
    ]


def test_reasoning_is_kept_apart_and_counted(native, service):
    body = native.message("so", reasoning_content="because")
    body["usage"]["output_tokens_details"] = {"reasoning_tokens": 3}
    service.script = [native.answers(body)]
    outcome = native.asked(native.backend_at(service.url))
    assert (outcome.text, outcome.reasoning, outcome.usage.reasoning_tokens) == ("so", "because", 3)


@pytest.mark.parametrize(
    "body",
    [
        {"output": {"text": "so", "finish_reason": "stop"}, "usage": {"input_tokens": 1}},
        {"output": {"choices": [{"finish_reason": "stop", "message": {"content": "so"}}]}},
        {
            "output": {
                "choices": [{"finish_reason": "stop", "message": {"role": "assistant", "content": [{"text": "so"}]}}]
            }
        },
        {"output": {"choices": [{"finish_reason": "null", "message": {"role": "a", "content": "so"}}]}, "usage": None},
        {
            "output": {"choices": [{"message": {"content": "s"}, "role": 1}, {}], "text": "x"},
            "usage": {"input_tokens": "2"},
        },
    ],
    ids=["text format", "no role", "list of parts", "null finish reason", "odd usage"],
)
def test_every_shape_of_an_answer_is_understood_also_where_the_sdk_stumbles(native, service, body):
    service.script = [native.answers(body)]
    outcome = native.asked(native.backend_at(service.url))
    assert isinstance(outcome, Completion)
    assert outcome.text in {"so", "s"}
    assert outcome.finish_reason == "stop"


def test_an_answer_under_another_content_type_is_not_lost(native, service):
    service.script = [native.answers(native.message("so"), content_type="text/plain")]
    assert native.asked(native.backend_at(service.url)).text == "so"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"output": None},
        {"output": {}},
        {"output": {"choices": None}},
        {"code": "NeverHeardOf", "message": "what"},
        [],
        "no json",
        '{"output": {"text": "cut',
    ],
)
def test_a_reply_without_an_answer_may_have_been_paid_and_is_not_asked_again(native, service, body):
    service.script = [native.answers(body)]
    outcome = native.asked(native.backend_at(service.url))
    assert isinstance(outcome, Failure)
    assert (outcome.kind, outcome.retryable) == (FailureKind.UNKNOWN, True)
    assert len(service.calls) == 1


def test_an_error_inside_a_200_is_judged_by_its_code(native, service):
    service.script = [native.answers({"code": "DataInspectionFailed", "message": "no"})]
    assert native.asked(native.backend_at(service.url)).kind is FailureKind.CONTENT_FILTER


@pytest.mark.parametrize("fault", ["breaks_before_the_reply", "breaks_inside_the_reply"])
def test_a_call_whose_connection_breaks_is_sent_once_and_unknown(native, service, fault):
    service.script = [getattr(native, fault)]
    outcome = native.asked(native.backend_at(service.url))
    assert isinstance(outcome, Failure)
    assert (outcome.kind, outcome.retryable) == (FailureKind.UNKNOWN, True)
    assert len(service.calls) == 1


def test_left_alone_the_sdk_sends_such_a_call_twice(native, service):
    """Why there is a ``Link``. If this fails, the SDK has changed for the better; before 2.0 it did not do this."""
    import aiohttp

    async def scenario():
        async with aiohttp.ClientSession() as session:
            await adapter.load_endpoints()["text"].call(
                model="m", messages=[{"role": "user", "content": "a"}], api_key="k", session=session,
                base_address=f"{service.url}/api/v1",
            )  # fmt: skip

    service.script = [native.breaks_before_the_reply, native.breaks_before_the_reply]
    logging.getLogger("dashscope").disabled = True
    try:
        with pytest.raises(aiohttp.ClientConnectionError):
            asyncio.run(scenario())
    finally:
        logging.getLogger("dashscope").disabled = False
    assert len(service.calls) == (1 if version("dashscope").startswith("1.") else 2)


@pytest.mark.parametrize("stream", [False, True])
def test_a_call_that_takes_too_long_is_sent_once_and_unknown(native, service, stream):
    service.script = [native.never_answers]
    outcome = native.asked(native.backend_at(service.url, timeout=0.4, stream=stream))
    assert isinstance(outcome, Failure)
    assert outcome.kind is FailureKind.UNKNOWN
    assert len(service.calls) == 1


def test_where_nobody_listens_nothing_was_sent(native):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(BackendUnavailable, match=f"127.0.0.1:{port} cannot be reached"):
        native.asked(native.backend_at(f"http://127.0.0.1:{port}", attempts=2))


def test_a_connection_that_does_not_come_about_in_time_was_not_sent(native):
    with socket.socket() as deaf:  # accepts, and never shakes hands
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        backend = native.backend_at(f"https://127.0.0.1:{deaf.getsockname()[1]}", attempts=1, connect_timeout=0.1)
        with pytest.raises(BackendUnavailable, match="cannot be reached"):
            native.asked(backend)


def test_what_was_refused_for_now_is_asked_again_after_what_the_service_asked_to_wait(native, service):
    throttled = {"code": "Throttling.RateQuota", "message": "Requests rate limit exceeded"}
    service.script = [
        native.answers(throttled, 429, **{"Retry-After": "7"}),
        native.answers("<html>Service <b>unavailable</b></html>", 503, content_type="text/html"),
    ]
    slept = native.Slept()
    outcome = native.asked(native.backend_at(service.url, sleep=slept))
    assert isinstance(outcome, Completion)
    assert len(service.calls) == 3
    assert any(seconds >= 6.5 for seconds in slept.seconds)


RESET = "upstream connect error or disconnect/reset before headers. reset reason: connection termination"


@pytest.mark.parametrize(
    ("status", "page"), [*((each, "Bad Gateway") for each in (502, 504, 520, 521, 522, 523, 524)), (503, RESET)]
)
def test_a_gateway_that_gave_up_leaves_it_unknown(native, service, status, page):
    service.script = [native.answers(page, status, content_type="text/plain")]
    outcome = native.asked(native.backend_at(service.url))
    assert (outcome.kind, outcome.retryable) == (FailureKind.UNKNOWN, True)
    assert len(service.calls) == 1


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (
            400,
            {"code": "DataInspectionFailed", "message": "may contain inappropriate content"},
            FailureKind.CONTENT_FILTER,
        ),
        (400, {"error": {"code": "invalid_parameter_error", "message": "Range of seed"}}, FailureKind.INVALID_REQUEST),
        (400, {"message": "no code at all"}, FailureKind.INVALID_REQUEST),
        (400, [], FailureKind.INVALID_REQUEST),
    ],
)
def test_an_error_status_is_definite_whatever_shape_its_body_has(native, service, status, body, kind):
    service.script = [native.answers(body, status)]
    outcome = native.asked(native.backend_at(service.url))
    assert isinstance(outcome, Failure)
    assert outcome.kind is kind
    assert len(service.calls) == 1


def test_a_redirect_is_not_followed(native, service):
    service.script = [native.answers({}, 302, Location="/elsewhere")]
    native.asked(native.backend_at(service.url, attempts=1))
    assert [call.path for call in service.calls] == [native.TEXT_PATH]


def test_a_wrong_key_stops_everything_and_is_not_shown(native, service):
    body = {"code": "InvalidApiKey", "message": f"Invalid API-key provided: {native.KEY}"}
    service.script = [native.answers(body, 401)]
    with pytest.raises(BackendDenied) as caught:
        native.asked(native.backend_at(service.url))
    assert "key" in str(caught.value)
    assert native.KEY not in str(caught.value)


def test_an_empty_key_stops_everything_before_anything_is_sent(native, service):
    held = [native.KEY]
    backend = native.backend_at(service.url, key=lambda: held[0])
    held[0] = ""
    with pytest.raises(BackendDenied):
        native.asked(backend)
    assert service.calls == []


# --- which endpoint


def known(**fields):
    """Return a catalogue that knows one model."""
    model = attrs.evolve(models.find("qwen-plus"), **fields)
    return lambda name: model


def test_a_multimodal_model_is_asked_with_parts_at_its_own_endpoint(native, service, monkeypatch):
    service.script = [native.answers(native.message([{"text": "so"}, {"text": "!"}]))]
    outcome = native.asked(native.backend_at(service.url), native.request_of("why?", model="qwen3.6-plus"))
    (call,) = service.calls
    assert call.path == native.PARTS_PATH
    assert call.body["input"]["messages"] == [{"role": "user", "content": [{"text": "why?"}]}]
    assert call.body["parameters"] == {"enable_thinking": False, "result_format": "message"}
    assert outcome.text == "so!"


def test_an_unknown_model_is_tried_at_the_other_endpoint_once_and_that_is_remembered(native, service):
    service.script = [native.answers(native.URL_ERROR, 400)]
    backend = native.backend_at(service.url)

    async def scenario():
        async with backend:
            return [await native.outcomes_of(backend, native.request_of(prompt)) for prompt in ("a", "b")]

    outcomes = asyncio.run(scenario())
    assert [call.path for call in service.calls] == [native.TEXT_PATH, native.PARTS_PATH, native.PARTS_PATH]
    assert [outcome.text for (outcome,) in outcomes] == ["a", "b"]


def test_the_other_endpoint_is_remembered_also_where_it_refused_for_another_reason(native, service):
    invalid = {"code": "InvalidParameter", "message": "Range of seed"}
    service.script = [native.answers(native.URL_ERROR, 400), native.answers(invalid, 400)]
    backend = native.backend_at(service.url, concurrency=1)

    async def scenario():
        async with backend:
            return await native.outcomes_of(backend, native.request_of("a"), native.request_of("b"))

    first, second = asyncio.run(scenario())
    assert (first.kind, second.text) == (FailureKind.INVALID_REQUEST, "b")
    assert [call.path for call in service.calls] == [native.TEXT_PATH, native.PARTS_PATH, native.PARTS_PATH]


def test_where_both_endpoints_refuse_the_model_it_is_asked_once_at_each(native, service):
    service.script = [native.answers(native.URL_ERROR, 400)] * 2
    outcome = native.asked(native.backend_at(service.url))
    assert outcome.kind is FailureKind.INVALID_REQUEST
    assert len(service.calls) == 2


def test_a_text_that_is_the_path_of_a_file_stays_text(native, service, tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("what the service must not see")
    for text in (str(secret), f"file://{secret}", "file:///not/there", "oss://bucket/key"):
        outcome = native.asked(native.backend_at(service.url), native.request_of(text, model="qwen3.6-plus"))
        assert outcome.text == text
    for call in service.calls:
        assert call.path == native.PARTS_PATH
        assert "X-DashScope-OssResourceResolve" not in call.headers
        assert "must not see" not in json.dumps(call.body)


# --- what cannot be sent


@pytest.mark.parametrize(
    "request_of",
    [
        {"extra_body": {"base_address": "http://elsewhere", "headers": {"a": "b"}}},
        {"model": "bailian-v1"},
    ],
)
def test_what_cannot_be_sent_fails_alone_and_is_not_sent(native, service, request_of):
    outcome = native.asked(native.backend_at(service.url), native.request_of(**request_of))
    assert isinstance(outcome, Failure)
    assert (outcome.kind, outcome.retryable) == (FailureKind.INVALID_REQUEST, False)
    assert service.calls == []


def test_half_a_character_is_refused_or_sent_as_the_sdk_writes_it(native, service):
    """From 2.0 on the SDK writes UTF-8, which cannot hold it; before, it escaped what is not ASCII."""
    outcome = native.asked(native.backend_at(service.url), native.request_of(prompt="a lone surrogate \ud800"))
    if isinstance(outcome, Completion):
        assert len(service.calls) == 1
    else:
        assert (outcome.kind, outcome.retryable) == (FailureKind.INVALID_REQUEST, False)
        assert service.calls == []


# --- streams


def streamed(native, service, *pieces, **how):
    service.script = [native.events(*pieces, **how)]
    return native.asked(native.backend_at(service.url, stream=True, attempts=1))


def test_a_stream_is_put_together(native, service):
    pieces = [native.event(reasoning_content="be"), native.event("s"), ":sign of life\n", native.event("o", "stop")]
    outcome = streamed(native, service, *pieces)
    assert (outcome.text, outcome.reasoning, outcome.finish_reason) == ("so", "be", "stop")
    assert outcome.usage == Usage(prompt_tokens=7, completion_tokens=5)
    parameters = service.calls[0].body["parameters"]
    assert parameters["incremental_output"] is True
    assert service.calls[0].headers["X-DashScope-SSE"] == "enable"


def test_a_model_that_thinks_in_streams_only_is_streamed_when_it_shall_think(native, service, monkeypatch):
    monkeypatch.setattr(models, "find", known(stream_only_thinking=True, family="text"))
    service.script = [native.events(native.event("so", "stop"))]
    backend = native.backend_at(service.url)
    assert native.asked(backend, native.request_of(enable_thinking=True)).text == "so"
    assert native.asked(backend, native.request_of("plain")).text == "plain"
    assert ["incremental_output" in call.body["parameters"] for call in service.calls] == [True, False]


@pytest.mark.parametrize("cut", [False, True])
def test_a_stream_that_ends_before_the_answer_is_unknown(native, service, cut):
    outcome = streamed(native, service, native.event("s"), cut=cut)
    assert isinstance(outcome, Failure)
    assert outcome.kind is FailureKind.UNKNOWN
    assert len(service.calls) == 1


def error_event(code, message="no"):
    return f"id:1\nevent:error\n:HTTP_STATUS/400\ndata:{json.dumps({'code': code, 'message': message})}\n\n"


@pytest.mark.parametrize(
    ("before", "code", "kind"),
    [
        (False, "Throttling.RateQuota", FailureKind.RATE_LIMITED),
        (True, "Throttling.RateQuota", FailureKind.UNKNOWN),
        (True, "DataInspectionFailed", FailureKind.CONTENT_FILTER),
        (False, "NeverHeardOf", FailureKind.UNKNOWN),
    ],
)
def test_an_error_inside_a_stream_is_paid_for_only_if_something_was_written(native, service, before, code, kind):
    pieces = [native.event("s")] if before else []
    outcome = streamed(native, service, *pieces, error_event(code))
    assert outcome.kind is kind
    assert len(service.calls) == 1


def test_a_stream_that_cannot_be_read_is_unknown(native, service):
    for data in ("data:{cut\n\n", "event:error\ndata:{}\n\n", "data:[]\n\n", 'data:{"output": 5}\n\n'):
        assert streamed(native, service, data).kind is FailureKind.UNKNOWN


def test_a_stream_that_trickles_for_ever_ends(native, service):
    async def trickles(request, asked):
        from aiohttp import web

        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        while True:
            await response.write(b":sign of life\n\n")
            await asyncio.sleep(0.01)

    service.script = [trickles]
    backend = native.backend_at(service.url, stream=True, timeout=0.3, connect_timeout=0.3)
    assert native.asked(backend).kind is FailureKind.UNKNOWN


# --- connections, logs, probe


def test_nothing_stays_open_and_nothing_is_logged_by_the_sdk(native, service, caplog):
    service.script = [native.breaks_before_the_reply, native.answers({"code": "X", "message": native.KEY}, 400)]
    caplog.set_level(logging.DEBUG, logger="dashscope")
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        backend = native.backend_at(service.url)
        native.asked(backend)
        native.asked(backend, native.request_of("again"))
        del backend
        gc.collect()
    assert [str(each.message) for each in warned] == []
    assert [record for record in caplog.records if record.name in {"dashscope", "asyncio"}] == []
    logging.getLogger("dashscope").warning("of somebody else's call")
    assert [record.message for record in caplog.records] == ["of somebody else's call"]


def test_one_pool_serves_all_calls_and_keeps_its_connections(native, service, monkeypatch):
    opened = []
    monkeypatch.setattr(adapter, "open_pool", lambda _open=adapter.open_pool, **how: opened.append(how) or _open(**how))

    async def scenario():
        async with native.backend_at(service.url, concurrency=3) as backend:
            await native.outcomes_of(backend, *[native.request_of(str(n)) for n in range(20)])

    asyncio.run(scenario())
    assert [how["concurrency"] for how in opened] == [3]
    assert len(service.calls) == 20


def test_a_backend_that_is_not_open_says_so_and_leaving_it_twice_is_no_error(native, service):
    async def scenario():
        backend = native.backend_at(service.url)
        await backend.__aexit__(None, None, None)
        await native.outcomes_of(backend, native.request_of())

    with pytest.raises(BackendUnavailable, match="not open"):
        asyncio.run(scenario())


def test_an_sdk_that_goes_its_own_way_is_not_used_any_further(native, service):
    class Stranger:
        async def call(self, **_):
            return {"status_code": 200, **native.message("so")}

    backend = native.backend_at(service.url)
    backend._endpoints = {"text": Stranger()}
    with pytest.raises(BackendDenied, match="upgrade"):
        native.asked(backend)


def test_an_error_that_the_sdk_returns_is_an_error(native, service):
    class Returning:
        async def call(self, session, **_):
            return {"status_code": 400, "code": "InvalidParameter", "message": f"with {native.KEY}"}

    backend = native.backend_at(service.url)
    backend._endpoints = {"text": Returning()}
    outcome = native.asked(backend)
    assert outcome.kind is FailureKind.INVALID_REQUEST
    assert native.KEY not in outcome.message


def test_a_proxy_is_asked_in_place_of_the_host(native, service):
    outcome = native.asked(native.backend_at("http://bailian.invalid", proxy=service.url))
    assert isinstance(outcome, Completion)
    assert service.calls[0].url == f"http://bailian.invalid{native.TEXT_PATH}"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """A certificate of our own for 127.0.0.1: the paths of its PEM and of its key."""
    from ipaddress import ip_address

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now, day = datetime.now(UTC), timedelta(days=1)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now - day, now + day)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("authority")
    (folder / "ca.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    )
    return folder / "ca.pem", folder / "key.pem"


def test_an_authority_of_ones_own_is_trusted_when_it_is_named(native, authority):
    ca, key = authority
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(ca, key)
    with native.serving(ssl_context=context) as service:
        assert native.asked(native.backend_at(service.url, ca=str(ca))).text == "why?"
        with pytest.raises(BackendUnavailable, match=r"not trusted.*ca="):
            native.asked(native.backend_at(service.url, attempts=1))
    assert len(service.calls) == 1


def test_a_link_sends_nothing_a_second_time(native, service):
    from qwen_dataset.adapters.inference.calls import CallFailed

    async def scenario():
        async with native.backend_at(service.url) as backend:
            link = backend._link(backend._pool)
            async with await link.session.post(f"{service.url}{native.TEXT_PATH}", json=ECHOED):
                pass
            with pytest.raises(CallFailed) as caught:
                await link.session.post(f"{service.url}{native.TEXT_PATH}", json=ECHOED)
            await link.close()
            return caught.value

    failed = asyncio.run(scenario())
    assert (failed.status, failed.sent) == (None, True)
    assert len(service.calls) == 1


ECHOED = {"input": {"messages": [{"role": "user", "content": "a"}]}}


def test_an_event_without_an_answer_adds_nothing(native, service):
    empty = 'data:{"output": {"choices": []}, "usage": {"input_tokens": 9}}\n\n'
    assert streamed(native, service, empty, native.event("so", "stop")).text == "so"


def test_what_goes_wrong_behind_a_whole_answer_does_not_take_it_away(native, service):
    for trouble in ('data:{"usage": {"input_tokens": 4}}\n\n', "event:error\ndata:{}\n\n"):
        assert streamed(native, service, native.event("so", "stop"), trouble).text == "so"
    assert streamed(native, service, native.event("so", "stop"), cut=True).text == "so"


def test_an_error_status_whose_words_got_lost_is_definite_all_the_same(native, service):
    async def breaks(request, asked):
        from aiohttp import web

        response = web.StreamResponse(status=400, headers={"Content-Type": "application/json", "Content-Length": "500"})
        await response.prepare(request)
        request.transport.close()
        return response

    service.script = [breaks]
    assert native.asked(native.backend_at(service.url)).kind is FailureKind.INVALID_REQUEST
    assert len(service.calls) == 1


def test_an_error_status_told_as_an_event_is_understood(native, service):
    body = 'event:error\ndata:{"code": "DataInspectionFailed", "message": "no"}\n\n'
    service.script = [native.answers(body, 400, content_type="text/event-stream")]
    assert native.asked(native.backend_at(service.url, stream=True)).kind is FailureKind.CONTENT_FILTER
