"""openai-chat and batch-chat against a server that says what it is told to."""

import asyncio
import logging
import time

import attrs
import pytest
from aiohttp import web

from qwen_dataset.adapters.inference.openai_api.chat import ChatBackend
from qwen_dataset.adapters.inference.openai_api.options import BATCH_CHAT, OPENAI_CHAT
from qwen_dataset.app.codec import StoredOutcome, decode, encode_outcome
from qwen_dataset.domain.inference import Completion, Failure, FailureKind, Usage
from qwen_dataset.errors import BackendDenied, BackendUnavailable
from qwen_dataset.testing.inference_contract import Asked

pytestmark = pytest.mark.usefixtures("connections")


class _Clock:
    """Time that passes when somebody sleeps."""

    def __init__(self):
        self.at = 0.0
        self.slept = []

    def now(self):
        return self.at

    async def sleep(self, seconds):
        self.slept.append(seconds)
        self.at += seconds
        await asyncio.sleep(0)


async def _ask(options, *requests, clock=None):
    clock = clock or _Clock()
    async with ChatBackend(options, now=clock.now, sleep=clock.sleep) as backend:
        handle = await backend.submit("job/1/a", Asked(requests))
        return [outcome async for outcome in backend.results(handle, Asked(requests))]


def _one(options, request, clock=None):
    (outcome,) = asyncio.run(_ask(options, request, clock=clock))
    assert outcome.request_id == request.id
    return outcome


def test_a_call_says_what_was_asked_and_nothing_else(stub, kit):
    request = kit.request_of("Hello", temperature=0.5, extra_body={"top_k": 4, "stream": True, "model": "other"})
    outcome = _one(kit.options_of(stub.base_url), request)
    assert outcome == Completion(
        request_id=request.id, text="Hello", usage=Usage(prompt_tokens=3, completion_tokens=5), model="some-model"
    )
    (call,) = stub.calls
    assert (call.method, call.path) == ("POST", "/v1/chat/completions")
    assert call.body == {
        "model": "some-model",
        "messages": [{"role": "user", "content": "Hello"}],
        "temperature": 0.5,
        "enable_thinking": False,
        "top_k": 4,
    }
    assert call.headers["Authorization"] == "Bearer sk-test-0123456789"
    assert call.headers["User-Agent"].startswith("qwen-dataset/")


def test_nothing_of_the_environment_of_openai_is_sent(stub, kit, monkeypatch):
    for name in ("OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_ADMIN_KEY"):
        monkeypatch.setenv(name, "not-for-them")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/nowhere")
    assert isinstance(_one(kit.options_of(stub.base_url, api_key=None), kit.request_of()), Completion)
    (call,) = stub.calls
    assert call.headers["Authorization"] == "Bearer none"
    assert "not-for-them" not in str(call.headers)


def test_what_is_no_stream_says_of_itself_what_the_sdk_says_of_a_stream(stub, kit):
    for stream in ("no", "yes"):
        _one(kit.options_of(stub.base_url, parameters={"stream": stream}), kit.request_of())
    whole, streamed = ({name.lower(): value for name, value in call.headers.items()} for call in stub.calls)
    # Of repeating calls and of its own timeout, which are ours; of the raw reply; and the length of another body.
    for name in ("x-stainless-retry-count", "x-stainless-read-timeout", "x-stainless-raw-response", "content-length"):
        whole.pop(name, None)
        streamed.pop(name, None)
    assert whole == streamed


def test_the_key_is_asked_for_before_each_call(stub, kit):
    keys = iter(["sk-first-key", "sk-first-key", "sk-second-key", "sk-third-key"])
    options = kit.options_of(stub.base_url, api_key=lambda: next(keys), concurrency=1)  # one look at the start
    assert len(asyncio.run(_ask(options, *(kit.request_of(str(n)) for n in range(3))))) == 3
    sent = [call.headers["Authorization"] for call in stub.calls]
    assert sent == ["Bearer sk-first-key", "Bearer sk-second-key", "Bearer sk-third-key"]


@pytest.mark.parametrize("key", ["", "sk with space", "sk-\u4e2d", OSError("sk-secret")])
def test_a_key_that_cannot_be_sent_stops_the_run_and_nothing_was_sent(stub, kit, key):
    keys = iter(["sk-good-key", key])

    def read():
        found = next(keys, key)
        if isinstance(found, Exception):
            raise found
        return found

    with pytest.raises(BackendDenied, match="the API key") as caught:
        asyncio.run(_ask(kit.options_of(stub.base_url, api_key=read), kit.request_of()))
    assert "sk-" not in str(caught.value)
    assert not stub.calls


def test_a_stream_gives_the_same_answer(stub, kit):
    request = kit.request_of("Grüße, \u2028\x85 世界")
    whole = _one(kit.options_of(stub.base_url), request)
    streamed = _one(kit.options_of(stub.base_url, parameters={"stream": "yes"}), request)
    assert streamed == whole
    assert stub.calls[1].body["stream"] is True
    assert stub.calls[1].body["stream_options"] == {"include_usage": True}


def test_the_sdk_itself_repeats_nothing(stub, kit):
    stub.always(kit.says(429, {"error": {"code": "limit_requests", "message": "slowly"}}))
    outcome = _one(kit.options_of(stub.base_url, parameters={"attempts": "1"}), kit.request_of())
    assert outcome.kind is FailureKind.RATE_LIMITED
    assert outcome.retryable
    assert len(stub.calls) == 1


def test_what_was_refused_for_now_is_asked_again_when_the_service_says(stub, kit):
    refused = {"error": {"code": "limit_requests", "message": "slowly"}}
    stub.will(kit.says(429, refused, {"Retry-After": "7"}), kit.says(503, {"error": {"code": "ModelUnavailable"}}))
    clock = _Clock()
    assert isinstance(_one(kit.options_of(stub.base_url), kit.request_of(), clock), Completion)
    assert len(stub.calls) == 3
    assert 7.0 in clock.slept


INSPECTED = {"error": {"code": "data_inspection_failed", "message": "no"}}


def test_a_refusal_behind_a_part_of_the_answer_may_have_been_billed(stub, kit):
    stub.will(kit.streams({"choices": [{"index": 0, "delta": {"content": "Once upon"}}]}, INSPECTED))
    outcome = _one(kit.options_of(stub.base_url, parameters={"stream": "yes"}), kit.request_of())
    assert (outcome.kind, outcome.possibly_paid) == (FailureKind.CONTENT_FILTER, True)


@pytest.mark.parametrize(("usage", "billed"), [({"prompt_tokens": 9, "completion_tokens": 0}, True), (None, False)])
def test_a_refusal_that_comes_with_usage_may_have_been_billed(stub, kit, usage, billed):
    body = {"choices": [{"message": {"content": ""}}], "usage": usage, **INSPECTED}
    stub.will(kit.says(200, body))
    outcome = _one(kit.options_of(stub.base_url), kit.request_of())
    assert (outcome.kind, outcome.possibly_paid) == (FailureKind.CONTENT_FILTER, billed)


@pytest.mark.parametrize("code", ["data_inspection_failed", "Arrearage", "limit_requests"])
def test_a_refusal_whose_words_end_in_half_a_character_keeps_its_code(stub, kit, code):
    told = []
    for end in ("", "\ud83d"):
        stub.will(*[kit.says(400, {"error": {"code": code, "message": f"the prompt {end}"}})] * 5)
        try:
            outcome = _one(kit.options_of(stub.base_url, parameters={"attempts": "1"}), kit.request_of())
        except BackendDenied:
            told.append("stopped")
        else:
            assert outcome.message.encode()
            told.append(outcome.kind)
        stub.replies = iter(())
    assert told[0] == told[1] != FailureKind.INVALID_REQUEST


@pytest.mark.parametrize("count", ["1e30", "9" * 30, "-5", "NaN", "1e400", '"many"'])
def test_a_count_of_tokens_that_is_none_does_not_lose_the_answer(stub, kit, count):
    body = '{"choices": [{"message": {"content": "Hi"}}], "usage": {"prompt_tokens": COUNT, "completion_tokens": 5}}'
    stub.will(kit.says(200, body.replace("COUNT", count)))
    outcome = _one(kit.options_of(stub.base_url), kit.request_of())
    assert outcome.text == "Hi"
    stored = encode_outcome(outcome, backend="b", round_number=1)
    assert decode(StoredOutcome, stored, where="here").outcome == outcome


@pytest.mark.parametrize("stream", ["no", "yes"])
@pytest.mark.parametrize("fault", ["resets", "hangs_up"])
def test_a_reply_that_is_cut_off_is_possibly_paid_and_not_asked_again(stub, kit, fault, stream):
    stub.will(getattr(kit, fault))
    outcome = _one(kit.options_of(stub.base_url, parameters={"stream": stream}), kit.request_of())
    assert (outcome.kind, outcome.retryable) == (FailureKind.UNKNOWN, True)
    assert len(stub.calls) == 1


@pytest.mark.parametrize("cut", [True, False])
def test_a_stream_that_ends_before_the_answer_does_is_possibly_paid(stub, kit, cut):
    stub.will(kit.streams({"choices": [{"index": 0, "delta": {"content": "Once upon"}}]}, cut=cut))
    outcome = _one(kit.options_of(stub.base_url, parameters={"stream": "yes"}), kit.request_of())
    assert (outcome.kind, outcome.retryable) == (FailureKind.UNKNOWN, True)
    assert len(stub.calls) == 1


@pytest.mark.parametrize("stream", ["no", "yes"])
def test_a_call_that_takes_too_long_is_possibly_paid(stub, kit, stream):
    stub.will(kit.keeps_silent)
    options = attrs.evolve(kit.options_of(stub.base_url, parameters={"stream": stream}), timeout=0.1)
    outcome = _one(options, kit.request_of())
    assert (outcome.kind, outcome.retryable) == (FailureKind.UNKNOWN, True)
    assert "no answer" in outcome.message
    assert len(stub.calls) == 1


def test_a_server_that_trickles_for_ever_is_left(stub, kit):
    async def trickles(request, call):
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        while True:
            await response.write(b": still there\n\n")
            await asyncio.sleep(0.01)

    stub.will(trickles)
    options = kit.options_of(stub.base_url, parameters={"stream": "yes"})
    outcome = _one(attrs.evolve(options, timeout=0.2, connect_timeout=0.1), kit.request_of())
    assert outcome.kind is FailureKind.UNKNOWN
    assert "no whole answer" in outcome.message


def test_a_server_that_is_not_there_was_sent_nothing(kit):
    clock = _Clock()
    with pytest.raises(BackendUnavailable, match=r"no connection to 127\.0\.0\.1"):
        asyncio.run(_ask(kit.options_of("http://127.0.0.1:9/v1"), kit.request_of(), clock=clock))
    assert len(clock.slept) >= 4


def test_a_wrong_key_stops_the_run_and_is_not_shown(stub, kit, caplog):
    caplog.set_level(logging.DEBUG)
    stub.always(kit.says(401, {"error": {"code": "invalid_api_key", "message": "no: odd-form-of-key"}}))
    with pytest.raises(BackendDenied) as caught:
        asyncio.run(_ask(kit.options_of(stub.base_url, api_key=lambda: "odd-form-of-key"), kit.request_of()))
    shown = f"{caught.value!r} {caught.value.__cause__!r} {caplog.text}"
    assert "odd-form-of-key" not in shown
    assert "[key]" in str(caught.value)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"error": {"code": "data_inspection_failed", "message": "inappropriate"}}, FailureKind.CONTENT_FILTER),
        (
            {"error": {"code": "invalid_parameter_error", "message": "Range of input length"}},
            FailureKind.INVALID_REQUEST,
        ),
        ({"code": "InvalidParameter", "message": "wrong"}, FailureKind.INVALID_REQUEST),
        ("not JSON at all", FailureKind.INVALID_REQUEST),
        ("", FailureKind.INVALID_REQUEST),
        ([], FailureKind.INVALID_REQUEST),
    ],
)
def test_a_refused_request_fails_alone(stub, kit, body, kind):
    stub.will(kit.says(400, body))
    outcomes = asyncio.run(_ask(kit.options_of(stub.base_url, concurrency=1), kit.request_of("a"), kit.request_of("b")))
    assert isinstance(outcomes[0], Failure)
    assert (outcomes[0].kind, outcomes[0].retryable) == (kind, False)
    assert isinstance(outcomes[1], Completion)


def test_the_page_of_a_proxy_is_told_in_words(stub, kit):
    page = "<html><head><style>p {}</style></head><body><h1>503 Service\nUnavailable</h1></body></html>"
    stub.always(kit.says(503, page, kind="text/html"))
    outcome = _one(kit.options_of(stub.base_url, parameters={"attempts": "1"}), kit.request_of())
    assert outcome.retryable
    assert "503 Service Unavailable" in outcome.message
    assert "<" not in outcome.message


RESET = "upstream connect error or disconnect/reset before headers. reset reason: connection termination"
GATEWAYS = [*((each, f"<h1>{each} Bad</h1>") for each in (502, 504, 520, 521, 522, 523, 524)), (503, RESET)]


@pytest.mark.parametrize("stream", ["no", "yes"])
@pytest.mark.parametrize("name", [OPENAI_CHAT, BATCH_CHAT])
@pytest.mark.parametrize(("status", "page"), GATEWAYS)
def test_a_gateway_that_gave_up_says_nothing_of_the_answer(stub, kit, name, status, page, stream):
    stub.always(kit.says(status, page, kind="text/html"))
    outcome = _one(kit.options_of(stub.base_url, name=name, parameters={"stream": stream}), kit.request_of())
    assert (outcome.kind, outcome.retryable) == (FailureKind.UNKNOWN, True)
    assert len(stub.calls) == 1


@pytest.mark.parametrize("name", [OPENAI_CHAT, BATCH_CHAT])
def test_what_the_service_says_with_such_a_status_is_its_own(stub, kit, name):
    stub.will(kit.says(502, {"error": {"code": "internal_error", "message": "later"}}))
    stub.will(kit.says(503, "<h1>503 Service Unavailable</h1>", kind="text/html"))
    assert isinstance(_one(kit.options_of(stub.base_url, name=name), kit.request_of()), Completion)
    assert len(stub.calls) == 3


@pytest.mark.parametrize("body", ["", "<html>hello</html>", "{", {}, {"choices": None}, {"choices": []}, [], "null", 7])
@pytest.mark.parametrize("stream", ["no", "yes"])
def test_a_reply_without_an_answer_is_possibly_paid(stub, kit, body, stream):
    stub.will(kit.says(200, body))
    outcome = _one(kit.options_of(stub.base_url, parameters={"stream": stream}), kit.request_of())
    assert (outcome.kind, outcome.retryable) == (FailureKind.UNKNOWN, True)
    assert len(stub.calls) == 1


@pytest.mark.parametrize("status", [300, 304, 399])
def test_a_reply_that_is_no_success_is_no_answer_whatever_it_holds(stub, kit, status):
    stub.will(kit.says(status, {"choices": [{"message": {"content": "not this"}, "finish_reason": "stop"}]}))
    outcome = _one(kit.options_of(stub.base_url), kit.request_of())
    assert not isinstance(outcome, Completion) or outcome.text != "not this"


def test_an_error_inside_a_reply_is_an_error(stub, kit):
    stub.will(kit.says(200, {"choices": None, "error": {"code": "limit_requests", "message": "slowly"}}))
    assert isinstance(_one(kit.options_of(stub.base_url), kit.request_of()), Completion)
    assert len(stub.calls) == 2


def test_a_key_inside_a_reply_is_not_kept(stub, kit):
    body = {"error": {"code": "invalid_parameter_error", "message": "the header was odd-form-of-key"}}
    stub.will(kit.says(200, body))
    outcome = _one(kit.options_of(stub.base_url, api_key=lambda: "odd-form-of-key"), kit.request_of())
    assert isinstance(outcome, Failure)
    assert "odd-form-of-key" not in outcome.message


def test_a_text_that_is_no_utf8_is_refused_here(stub, kit):
    outcome = _one(kit.options_of(stub.base_url), kit.request_of("half a pair: \ud83d"))
    assert (outcome.kind, outcome.retryable) == (FailureKind.INVALID_REQUEST, False)
    assert "not sent" in outcome.message
    assert not stub.calls


def test_batch_chat_waits_for_the_services_own_word_that_time_is_up(stub, kit):
    stub.will(kit.says(500, {"error": {"code": "RequestTimeOut", "message": "Request timed out, please try again"}}))
    options = kit.options_of(stub.base_url, name=BATCH_CHAT, parameters={"attempts": "1"})
    assert (options.timeout, options.concurrency) == (3600.0, 256)
    outcome = _one(options, kit.request_of())
    assert outcome.retryable
    assert outcome.kind is not FailureKind.UNKNOWN


def test_batch_chat_that_is_full_is_asked_again(stub, kit):
    text = (
        "Too many requests. Batch requests are being throttled due to system capacity limits. Please try again later."
    )
    stub.will(kit.says(429, {"error": {"code": "insufficient_quota", "message": text}}))
    assert isinstance(_one(kit.options_of(stub.base_url, name=BATCH_CHAT), kit.request_of()), Completion)
    assert len(stub.calls) == 2


def test_one_that_is_not_open_was_sent_nothing(kit):
    async def scenario():
        backend = ChatBackend(kit.options_of())
        handle = await backend.submit("k", Asked([]))
        with pytest.raises(BackendUnavailable, match="not open"):
            _ = [outcome async for outcome in backend.results(handle, Asked([kit.request_of()]))]
        async with backend:
            pass
        await backend.__aexit__(None, None, None)

    asyncio.run(scenario())


def test_it_asks_many_at_once(stub, kit):
    async def scenario():
        started = time.monotonic()
        outcomes = await _ask(
            kit.options_of(stub.base_url, concurrency=20), *(kit.request_of(str(n)) for n in range(60))
        )
        assert time.monotonic() - started < 20
        assert all(isinstance(outcome, Completion) for outcome in outcomes)

    asyncio.run(scenario())
