"""The lines of a batch's files."""

import copy
import itertools
import json
from collections import Counter

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qwen_dataset.adapters.inference.openai_api import lines
from qwen_dataset.adapters.inference.openai_api.lines import line_of, outcome_of_line, read_line
from qwen_dataset.adapters.inference.openai_api.usual import packed, unpacked, usual_answer
from qwen_dataset.adapters.inference.openai_api.wire import Dialect, body_of
from qwen_dataset.domain.inference import Completion, Failure, FailureKind, Usage
from qwen_dataset.testing.strategies import requests

RECORDED = """{"id":"153fa1be-abbc-4b52-80a6-c7ca92688fbc","custom_id":"1","response":{"status_code":200,"request_id":
"153fa1be-abbc-4b52-80a6-c7ca92688fbc","body":{"created":1776432582,"usage":{"completion_tokens":49,"prompt_tokens":26,
"total_tokens":75},"model":"qwen-flash","id":"chatcmpl-153fa1be-abbc-4b52-80a6-c7ca92688fbc","choices":[{"finish_reason":
"stop","index":0,"message":{"role":"assistant","content":"..."}}],"object":"chat.completion"}},"error":null}"""
FILTERED = {"code": "data_inspection_failed", "message": "Input data may contain inappropriate content."}
BODY = {"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]}


def test_a_line_holds_the_request_and_its_id(kit):
    request = kit.request_of("Grüße\n\u2028\u0000", enable_thinking=True)
    line = line_of(request, "/v1/chat/ds-test", Dialect.CHAT_TEMPLATE_KWARGS)
    assert line.endswith(b"}\n")
    assert line.count(b"\n") == 1
    assert json.loads(line) == {
        "custom_id": request.id,
        "method": "POST",
        "url": "/v1/chat/ds-test",
        "body": body_of(request, Dialect.CHAT_TEMPLATE_KWARGS),
    }
    assert json.loads(line_of(request))["url"] == "/v1/chat/completions"


def test_a_text_that_no_file_can_hold_is_said(kit):
    with pytest.raises(ValueError, match="cannot be written as JSON"):
        line_of(kit.request_of("\ud83d"))


def test_the_recorded_line():
    assert outcome_of_line(json.loads(RECORDED)) == (
        "1",
        Completion(request_id="1", text="...", model="qwen-flash", usage=Usage(prompt_tokens=26, completion_tokens=49)),
    )


@pytest.mark.parametrize(
    "response",
    [
        {"status_code": 200, "body": BODY},
        {"status_code": 200, "body": json.dumps(BODY)},
        {"body": BODY},
        {"status_code": None, "body": BODY},
        {"status_code": "200", "body": BODY},
        BODY,
    ],
)
def test_forms_of_a_success(response):
    for rest in ({"error": None}, {"error": {}}, {}):
        assert outcome_of_line({"custom_id": 7, "response": response, **rest})[1].text == "Hi"


def _failed(**line):
    request_id, failure = outcome_of_line({"id": "x", "custom_id": "7", **line})
    assert request_id == failure.request_id == "7"
    assert isinstance(failure, Failure)
    assert failure.message
    return failure


@pytest.mark.parametrize(
    "line",
    [
        {"response": None, "error": FILTERED},
        {"error": FILTERED},
        {"response": None, "error": {"error_code": FILTERED["code"], "error_message": FILTERED["message"]}},
        {"response": {"status_code": 400, "request_id": "r", "body": {"error": FILTERED}}, "error": None},
        {"response": {"status_code": 400, "body": json.dumps({"error": FILTERED})}},
        {"response": {"status_code": 400, "body": FILTERED}},
        {"response": {"status_code": 200, "body": {"choices": None, "error": FILTERED}}},
        {"response": {"body": {"error": FILTERED}}},
        {"response": {"status_code": 400, "body": None}, "error": FILTERED},
        {"code": FILTERED["code"], "message": FILTERED["message"]},
        {"error_code": FILTERED["code"], "error_message": FILTERED["message"]},
    ],
)
def test_forms_of_a_refusal(line):
    failure = _failed(**line)
    assert (failure.kind, failure.retryable) == (FailureKind.CONTENT_FILTER, False)
    assert "inappropriate" in failure.message


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        ({"status_code": 429, "body": {"error": {"code": "limit_requests", "message": "m"}}}, FailureKind.RATE_LIMITED),
        ({"status_code": 500, "body": "<html>oh</html>"}, FailureKind.SERVER_ERROR),
        ({"status_code": 500, "body": b"oh"}, FailureKind.SERVER_ERROR),
        ({"status_code": 503, "body": None}, FailureKind.SERVER_ERROR),
        ({"status_code": 503}, FailureKind.SERVER_ERROR),
    ],
)
def test_what_was_refused_for_now_may_go_into_the_next_round(response, kind):
    failure = _failed(response=response)
    assert (failure.kind, failure.retryable) == (kind, True)


@pytest.mark.parametrize(
    "line",
    [
        {},
        {"response": None, "error": None},
        {"response": "text"},
        {"response": {"status_code": 200, "body": None}},
        {"response": {"status_code": 200, "body": "{"}},
        {"response": {"status_code": 200, "body": {"choices": []}}},
        {"response": {}},
    ],
)
def test_a_line_without_an_answer_was_perhaps_billed_and_is_not_sent_again(line):
    failure = _failed(**line)
    assert (failure.kind, failure.retryable) == (FailureKind.UNKNOWN, False)


@pytest.mark.parametrize(
    "error",
    [
        {"code": "", "message": ""},
        {"code": None, "message": None},
        {"error_code": None, "error_message": None},
        {"code": "200", "message": "fine"},
        {"code": 200, "message": "OK"},
        {"code": 0, "message": ""},
        {"code": "OK"},
        {"code": "null", "message": "null"},
        {"type": "none of ours"},
        "",
        "null",
    ],
)
def test_an_error_that_says_nothing_beside_an_answer_is_no_error(error):
    line = {"custom_id": "7", "response": {"status_code": 200, "body": BODY}, "error": error}
    assert outcome_of_line(line)[1].text == "Hi"
    empty = {"choices": [{"message": {"content": ""}}], "error": error}
    assert outcome_of_line({"custom_id": "7", "response": {"status_code": 200, "body": empty}})[1].text == ""


@pytest.mark.parametrize("body", [{"error": {"code": "PartialOutput", "message": "m"}}, {"error": {"message": "m"}}])
@pytest.mark.parametrize("status", [200, "200"])
def test_an_error_that_is_new_inside_a_200_was_perhaps_billed(body, status):
    failure = _failed(response={"status_code": status, "body": body})
    assert (failure.kind, failure.retryable) == (FailureKind.UNKNOWN, False)
    failure = _failed(response={"status_code": status, "body": None}, error=body["error"])
    assert (failure.kind, failure.retryable) == (FailureKind.UNKNOWN, False)


@pytest.mark.parametrize(
    "line", [None, 7, [], "x", {}, {"custom_id": None}, {"custom_id": ""}, {"custom_id": True}, {"custom_id": []}]
)
def test_what_is_no_line(line):
    assert outcome_of_line(line) is None


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["code", "message"]), inner, max_size=2)
    ),
    max_leaves=5,
)
_RESPONSE = st.fixed_dictionaries(
    {},
    optional={
        "status_code": st.sampled_from([None, 200, "200", 204, 400, "429", 500]) | _JSON,
        "body": _JSON | st.fixed_dictionaries({"error": _JSON}) | st.just(BODY),
        "choices": _JSON,
        "error": _JSON,
    },
)


@given(st.dictionaries(st.sampled_from(["response", "error", "code", "message"]), _RESPONSE | _JSON, max_size=4))
def test_no_form_of_a_line_breaks_it(line):
    request_id, outcome = outcome_of_line({"custom_id": "7", **line})
    assert request_id == outcome.request_id == "7"
    assert isinstance(outcome, Completion) or outcome.kind is not FailureKind.UNKNOWN or not outcome.retryable


ODD = st.sampled_from([None, "", 0, 7, "null", [], {}, True, "x", {"content": "y"}, ["z"]])
SOME_USAGE = st.fixed_dictionaries(
    {"prompt_tokens": st.integers(-1, 9) | ODD, "completion_tokens": st.integers(0, 9) | ODD},
    optional={
        "total_tokens": st.integers(0, 9),
        "input_tokens": st.integers(0, 9),
        "completion_tokens_details": st.just({"reasoning_tokens": 3}) | ODD,
    },
)
SOME_CHOICE = st.fixed_dictionaries(
    {
        "message": st.fixed_dictionaries(
            {"content": st.sampled_from(["", "Hi", "<think>so</think>Hi", " <think> never ends"]) | ODD},
            optional={"reasoning_content": st.just("hm") | ODD, "reasoning": ODD, "refusal": ODD},
        )
        | ODD
    },
    optional={"finish_reason": st.sampled_from(["stop", "length", "null", ""]) | ODD, "delta": ODD, "text": ODD},
)
SOME_BODY = st.fixed_dictionaries(
    {"choices": st.lists(SOME_CHOICE, max_size=2) | ODD},
    optional={
        "model": st.just("qwen-plus") | ODD,
        "usage": SOME_USAGE | ODD,
        "error": st.just({"code": "c", "message": "m"}) | ODD,
        "code": ODD,
        "message": ODD,
    },
)
SOME_LINE = st.fixed_dictionaries(
    {
        "custom_id": st.just("1"),
        "response": st.fixed_dictionaries(
            {"status_code": st.sampled_from([200, 200.0, "200", 429, True, None]), "body": SOME_BODY | ODD}
        )
        | ODD,
    },
    optional={"error": st.just({"code": "c", "message": "m"}) | ODD},
)


@settings(max_examples=1000)
@given(SOME_LINE)
def test_the_short_way_for_usual_answers_gives_what_the_long_one_does(line):
    usual = lines._usual_answer("1", line)
    if usual is not None:
        assert lines._answer("1", line) == usual


def is_taken_alike(raw):
    """Return whether a line is read straight into objects, which must give what the long way does."""
    answer = usual_answer(raw)
    if answer is not None:
        completion, line = unpacked(packed(answer)), read_line(raw)
        assert (answer.request_id, completion) == outcome_of_line(line)
        assert lines._answer(answer.request_id, line) == completion  # past the way between the two
    return answer is not None


@settings(max_examples=1000)
@given(SOME_LINE, st.booleans())
def test_a_line_read_straight_into_objects_gives_what_the_long_way_does(line, ascii_only):
    is_taken_alike(json.dumps(line, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass"))


_BODY = ("response", "body")
_PLACES = (
    *(("custom_id",), ("error",), ("response",), ("response", "status_code"), _BODY),
    *((*_BODY, name) for name in ("error", "model", "usage", "choices")),
    *((*_BODY, "choices", 0, name) for name in ("finish_reason", "message")),
    *((*_BODY, "choices", 0, "message", name) for name in ("content", "reasoning_content", "reasoning")),
    *((*_BODY, "usage", name) for name in ("prompt_tokens", "completion_tokens", "completion_tokens_details")),
    (*_BODY, "usage", "completion_tokens_details", "reasoning_tokens"),
)
_VALUES = (
    None,
    "",
    "null",
    "stop",
    "x 量子",
    " <think>so</think>Hi",
    0,
    7,
    -1,
    200,
    200.0,
    True,
    [],
    {},
    {"content": "y"},
)


def changed(line, place, value):
    """Return whether a value could be put there."""
    *way, name = place
    try:
        for each in way:
            line = line[each]
        line[name] = copy.copy(value)
    except (TypeError, LookupError):
        return False
    return True


def test_a_usual_line_with_a_change_or_two_is_read_as_the_long_way_reads_it():
    """Every one and two of them, as two that are chosen at random hardly ever leave a line usual."""
    changes = list(itertools.product(_PLACES, _VALUES))
    taken, places = Counter(), set()
    for some in [*((each,) for each in changes), *itertools.combinations(changes, 2)]:
        line = json.loads(RECORDED)
        line["response"]["body"]["usage"]["completion_tokens_details"] = {"reasoning_tokens": 3}
        if all(changed(line, *each) for each in some):
            taken[len(some), is_taken_alike(json.dumps(line, ensure_ascii=len(some) == 1).encode())] += 1
            places |= {place for place, _ in some}
    # Both ways are gone by many, or nothing was compared.
    assert min(taken.values()) > 30, taken
    assert len(taken) == 4
    assert places == {*_PLACES}


@pytest.mark.parametrize(
    "change", [("stop", "null"), ("stop", ""), ("qwen-flash", ""), ('"status_code":200', '"status_code":202')]
)
def test_a_line_that_is_nearly_usual_goes_the_long_way(change):
    usual = RECORDED.replace("\n", "").replace(": ", ":")
    assert is_taken_alike(usual.encode())
    nearly = usual.replace(*change)
    assert nearly != usual
    assert not is_taken_alike(nearly.encode())


USUAL = RECORDED.replace("\n", "").replace("...", "Grüße").encode()


@settings(max_examples=1000)
@given(st.integers(0, len(USUAL) - 1), st.integers(0, len(USUAL) - 1), st.binary(max_size=2))
def test_a_damaged_line_is_taken_only_where_the_long_way_takes_it(begin, end, inserted):
    is_taken_alike(USUAL[:begin] + inserted + USUAL[end:])
    is_taken_alike(USUAL[:begin] + inserted + USUAL[begin + len(inserted) :])


@pytest.mark.parametrize(
    "raw", [b"[" * 100_000, USUAL[:-1] + b',"x":' + b"[" * 100_000, USUAL[:-1] + b',"x":"\xff"}'], ids=range(3)
)
def test_what_a_decoder_passes_over_makes_no_line_usual(raw):
    assert usual_answer(raw) is None


@pytest.mark.parametrize("thoughts", [{}, {"reasoning_content": ""}, {"reasoning_content": "Hm.", "reasoning": "Hm"}])
@pytest.mark.parametrize("text", ["...", "", "a < b, <think> is a tag"])
@pytest.mark.parametrize("counted", [None, {}, {"reasoning_tokens": None}, {"reasoning_tokens": 7, "more": 1}])
def test_a_recorded_line_goes_the_short_ways(text, thoughts, counted):
    line = json.loads(RECORDED)
    body = line["response"]["body"]
    body["choices"][0]["message"].update(content=text, **thoughts)
    body["usage"]["completion_tokens_details"] = counted
    thought = (counted or {}).get("reasoning_tokens") or 0
    assert is_taken_alike(json.dumps(line).encode())
    assert lines._usual_answer("1", line) == Completion(
        request_id="1",
        text=text,
        usage=Usage(prompt_tokens=26, completion_tokens=49, reasoning_tokens=thought),
        reasoning=thoughts.get("reasoning_content") or None,
        model="qwen-flash",
    )


@pytest.mark.parametrize("count", [0, -1, 10**12 + 1, 2**80, 1.0, True, "3"])
@pytest.mark.parametrize("name", ["prompt_tokens", "completion_tokens"])
def test_counts_out_of_their_bounds_go_the_long_way(name, count):
    line = json.loads(RECORDED)
    line["response"]["body"]["usage"][name] = count
    assert not is_taken_alike(json.dumps(line).encode())
    line["response"]["body"]["usage"] = {name: 5, "completion_tokens_details": {"reasoning_tokens": count}}
    assert not is_taken_alike(json.dumps(line).encode())


@given(st.lists(requests(), min_size=1, max_size=4), st.sampled_from(list(Dialect)))
def test_lines_written_one_after_the_other_are_those_of_each_alone(asked, dialect):
    writer = lines.LineWriter("/v1/chat/completions", dialect)
    for request in [*asked, *asked]:
        line = {"custom_id": request.id, "method": "POST", "url": "/v1/chat/completions"}
        assert writer.line_of(request) == orjson.dumps({**line, "body": body_of(request, dialect)}) + b"\n"
