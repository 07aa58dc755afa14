"""One call, asked again or not: what was refused was not paid, what got no reply may have been."""

import asyncio
import math
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qwen_dataset.adapters.inference.admission import Admission
from qwen_dataset.adapters.inference.calls import Admissions, CallFailed, RealtimeCaller, estimated_tokens
from qwen_dataset.domain.inference import Completion, Failure, FailureKind, Message, Request, Usage
from qwen_dataset.errors import BackendDenied, BackendUnavailable

REQUEST = Request(messages=(Message("user", "hello"),), model="qwen-plus")
ANSWER = Completion(request_id=REQUEST.id, text="hi", usage=Usage(prompt_tokens=5, completion_tokens=7))

BUSY = CallFailed(429, "limit_requests", "Requests rate limit exceeded.")
ILL = CallFailed(500, "internal_error", "An internal error has occurred.")
NO_REPLY = CallFailed(message="the reply did not come in 600 s", sent=True)
NOT_KNOWN = CallFailed(message="the connection broke")
UNREACHABLE = CallFailed(message="host:1 cannot be reached", sent=False)
BAD = CallFailed(400, "invalid_parameter_error", "Range of max_tokens should be [1, 8192]")
WRONG_KEY = CallFailed(401, "invalid_api_key", "Incorrect API key provided: sk-0123456789abcdef.")


class Service:
    """Says one thing after another, and the last one for ever; notes what it was asked, and when."""

    def __init__(self, *said, attempts=5):
        self.said = list(said)
        self.asked = []
        self.waits = []
        self.gate = Gate()
        self.caller = RealtimeCaller(self.send, lambda model: self.gate, attempts=attempts, sleep=self.sleep)

    async def send(self, request):
        assert self.gate.inside == 1
        self.asked.append(request)
        said = self.said.pop(0) if len(self.said) > 1 else self.said[0]
        if isinstance(said, BaseException):
            raise said
        return said

    async def sleep(self, seconds):
        assert self.gate.inside == 0  # who waits holds back nobody else
        self.waits.append(seconds)

    def run(self):
        return asyncio.run(self.caller(REQUEST))


class Gate:
    """An admission that lets everybody in and notes what it is told."""

    def __init__(self):
        self.inside = 0
        self.told = []
        self.tokens = []

    def enter(self, tokens):
        self.tokens.append(tokens)
        return self

    async def __aenter__(self):
        self.inside += 1
        return self

    async def __aexit__(self, *_):
        self.inside -= 1

    def refused(self, retry_after):
        self.told.append(("refused", retry_after))

    def done(self, tokens):
        self.told.append(("done", tokens))


def failed(status, code="", message="", **more):
    return CallFailed(status=status, code=code, message=message, **more)


def test_an_answer_is_handed_on_and_its_tokens_are_counted():
    service = Service(ANSWER)
    assert service.run() is ANSWER
    assert service.asked == [REQUEST]
    assert service.gate.told == [("done", 12)]
    assert service.gate.tokens == [1]


def test_an_answer_without_usage_tells_no_tokens():
    service = Service(Completion(request_id=REQUEST.id, text="hi"))
    service.run()
    assert service.gate.told == [("done", None)]


@pytest.mark.parametrize("error", [BUSY, ILL, failed(503), failed(408), failed(504, "request_timeout"), UNREACHABLE])
def test_what_was_refused_or_never_sent_is_asked_again_with_growing_waits(error):
    service = Service(error, error, error, ANSWER)
    assert service.run() is ANSWER
    assert len(service.asked) == 4
    assert service.waits == [1.0, 2.0, 4.0]


GATEWAYS = [
    *(
        failed(status, message="<h1>Bad gateway</h1>", retry_after=3.0)
        for status in (502, 504, 520, 521, 522, 523, 524)
    ),
    failed(503, message="upstream connect error or disconnect/reset before headers. reset reason: connection timeout"),
    failed(503, message="Reset reason: connection termination"),
]


@pytest.mark.parametrize("error", GATEWAYS, ids=lambda error: f"{error.status} {error.message[:8]}")
def test_what_only_a_gateway_answered_may_be_paid_for_and_is_asked_once(error):
    service = Service(error, ANSWER)
    outcome = service.run()
    assert outcome == Failure(request_id=REQUEST.id, kind=FailureKind.UNKNOWN, message=str(error), retryable=True)
    assert len(service.asked) == 1
    assert service.gate.told == []


def test_elsewhere_than_at_bailian_nothing_of_bailians_is_named():
    service = Service(WRONG_KEY)
    service.caller = RealtimeCaller(service.send, lambda model: service.gate, is_bailian=False)
    with pytest.raises(BackendDenied, match="check the key and the address") as caught:
        service.run()
    assert "DASHSCOPE" not in str(caught.value)
    assert "region" not in str(caught.value)


def test_waits_stop_growing():
    service = Service(ILL, attempts=9)
    service.run()
    assert service.waits == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]


def test_what_the_service_asks_to_wait_is_waited_instead():
    service = Service(failed(429, retry_after=17.5), failed(503, retry_after=0.0), ILL, ANSWER)
    assert service.run() is ANSWER
    assert service.waits == [17.5, 0.0, 4.0]
    assert service.gate.told == [("refused", 17.5), ("refused", 0.0), ("done", 12)]


@pytest.mark.parametrize(("asked", "waited"), [(-5.0, 0.0), (math.nan, 1.0), (math.inf, 1.0), (1e9, 3600.0)])
def test_nonsense_in_retry_after_is_not_slept(asked, waited):
    service = Service(failed(429, retry_after=asked), ANSWER)
    assert service.run() is ANSWER
    assert service.waits == [waited]


@pytest.mark.parametrize(
    ("error", "told"),
    [(BUSY, [("refused", None)]), (ILL, []), (BAD, []), (NO_REPLY, []), (failed(400, retry_after=9), [])],
)
def test_only_a_call_for_fewer_calls_slows_the_others_down(error, told):
    service = Service(error, attempts=1)
    service.run()
    assert service.gate.told == told


@pytest.mark.parametrize("attempts", [1, 2, 5])
@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (BUSY, FailureKind.RATE_LIMITED),
        (ILL, FailureKind.SERVER_ERROR),
        (failed(504, "RequestTimeOut"), FailureKind.TIMEOUT),
        (failed(502, "internal_error"), FailureKind.SERVER_ERROR),
        (failed(503, message="no healthy upstream"), FailureKind.SERVER_ERROR),
        (failed(400, "x", "Please retry the request."), FailureKind.SERVER_ERROR),
    ],
)
def test_after_the_last_attempt_it_is_a_failure_for_a_later_round(error, kind, attempts):
    service = Service(error, attempts=attempts)
    outcome = service.run()
    assert outcome == Failure(request_id=REQUEST.id, kind=kind, message=str(error), retryable=True)
    assert len(service.asked) == attempts
    assert len(service.waits) == attempts - 1


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (BAD, FailureKind.INVALID_REQUEST),
        (failed(400, "data_inspection_failed"), FailureKind.CONTENT_FILTER),
        (failed(413), FailureKind.TOO_LARGE),
        (failed(403), FailureKind.INVALID_REQUEST),
    ],
)
def test_what_is_wrong_with_this_request_is_asked_once(error, kind):
    service = Service(error, ANSWER)
    outcome = service.run()
    assert (outcome.kind, outcome.retryable, outcome.message) == (kind, False, str(error))
    assert len(service.asked) == 1


@pytest.mark.parametrize(
    "error", [NO_REPLY, NOT_KNOWN, CallFailed(), failed(200, "brand_new"), CallFailed(code="brand_new", sent=True)]
)
def test_what_may_have_been_paid_is_never_asked_again(error):
    service = Service(error, ANSWER)
    outcome = service.run()
    assert (outcome.kind, outcome.retryable) == (FailureKind.UNKNOWN, True)
    assert len(service.asked) == 1
    assert service.waits == []


def test_what_may_have_been_paid_after_a_refusal_is_not_asked_again_either():
    service = Service(BUSY, ILL, NO_REPLY, ANSWER)
    assert service.run().kind is FailureKind.UNKNOWN
    assert len(service.asked) == 3


def test_a_known_error_inside_an_answer_is_what_it_is():
    service = Service(failed(200, "limit_requests"), failed(None, "internal_error", sent=True), ANSWER)
    assert service.run() is ANSWER
    assert service.gate.told[0] == ("refused", None)


@pytest.mark.parametrize(
    "error",
    [WRONG_KEY, failed(400, "Arrearage"), failed(404, "model_not_found"), failed(404), failed(405, "x", "Not allowed")],
)
def test_what_no_request_can_pass_stops_everything(error):
    service = Service(error, ANSWER)
    with pytest.raises(BackendDenied, match="^the service answered HTTP 4") as caught:
        service.run()
    assert len(service.asked) == 1
    assert caught.value.__suppress_context__
    assert "0123456789" not in str(caught.value)


def test_no_connection_in_all_attempts_is_an_outage_and_not_this_requests_fault():
    service = Service(UNREACHABLE, attempts=3)
    with pytest.raises(BackendUnavailable, match="^host:1 cannot be reached$"):
        service.run()
    assert len(service.asked) == 3


def test_any_other_error_of_send_goes_through_and_gives_its_room_back():
    service = Service(ZeroDivisionError("a bug"))
    with pytest.raises(ZeroDivisionError):
        service.run()
    assert service.gate.inside == 0


@pytest.mark.parametrize("attempts", [0, -3])
def test_one_attempt_is_the_least(attempts):
    service = Service(ILL, attempts=attempts)
    assert service.run().kind is FailureKind.SERVER_ERROR
    assert len(service.asked) == 1


@settings(max_examples=200, deadline=None)
@given(
    said=st.lists(st.sampled_from([BUSY, ILL, NO_REPLY, NOT_KNOWN, UNREACHABLE, BAD, WRONG_KEY, ANSWER]), min_size=1)
)
def test_whatever_happens_at_most_one_call_may_have_been_paid_and_it_is_the_last(said):
    service = Service(*said, ILL)
    with suppress(BackendDenied, BackendUnavailable):
        service.run()
    happened = [*said, ILL, ILL, ILL, ILL][: len(service.asked)]
    assert len(service.asked) <= 5
    assert not {id(NO_REPLY), id(NOT_KNOWN), id(ANSWER)} & {id(each) for each in happened[:-1]}


def test_cancelling_a_call_gives_its_room_back():
    async def scenario():
        gate = Admission(concurrency=1)
        never = asyncio.Event()

        async def send(request):
            await never.wait()

        task = asyncio.create_task(RealtimeCaller(send, lambda model: gate)(REQUEST))
        await asyncio.sleep(0)
        assert gate.in_flight == 1
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (gate.in_flight, gate.waiting) == (0, 0)

    asyncio.run(scenario())


def test_the_words_of_an_error_are_kept_and_its_text_is_a_sentence_without_a_key():
    error = CallFailed(429, "limit_requests", "slow, sk-0123456789abcdef", 3.0, True)
    assert (error.status, error.code, error.retry_after, error.sent) == (429, "limit_requests", 3.0, True)
    assert str(error) == "the service answered HTTP 429 limit_requests: slow, sk-…"


@pytest.mark.parametrize(
    ("contents", "tokens"),
    [(["a" * 400], 100), (["梯" * 300], 200), (["a" * 4, "梯" * 3, ""], 3), ([""], 0), (["é" * 3 + "a" * 8], 4)],
)
def test_tokens_are_estimated_by_characters(contents, tokens):
    request = Request(messages=tuple(Message("user", content) for content in contents), model="m")
    assert estimated_tokens(request) == tokens


class _Made:
    def __init__(self, **settings):
        self.settings = settings


@pytest.mark.parametrize(
    ("model", "settings", "rates"),
    [
        ("qwen-plus", {"region": "cn-beijing"}, (30_000, 5_000_000)),
        ("qwen-plus", {"region": "ap-southeast-1"}, (600, 1_000_000)),
        ("qwen-plus", {"region": "us-east-1"}, (None, None)),
        ("qwen-plus", {}, (None, None)),
        ("qwen-plus", {"rpm": 7}, (7, None)),
        ("qwen-plus", {"region": "cn-beijing", "rpm": 7}, (7, 5_000_000)),
        ("qwen-plus", {"region": "cn-beijing", "tpm": 8}, (30_000, 8)),
        ("qwen3.8-max", {"region": "cn-beijing"}, (None, 5_000_000)),
        ("nix", {"region": "cn-beijing", "tpm": 8}, (None, 8)),
    ],
)
def test_each_model_has_the_rates_of_the_catalogue_unless_told_otherwise(model, settings, rates, monkeypatch):
    monkeypatch.setattr("qwen_dataset.adapters.inference.calls.Admission", _Made)
    made = Admissions(concurrency=9, ramp_seconds=3.0, **settings)(model).settings
    assert (made["rpm"], made["tpm"]) == rates
    assert (made["concurrency"], made["ramp_seconds"]) == (9, 3.0)


def test_each_model_has_one_admission():
    admissions = Admissions(concurrency=3)
    assert admissions("a") is admissions("a")
    assert admissions("a") is not admissions("b")
