"""Bodies and answers, in every form that is documented, recorded or merely possible."""

import json
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwen_dataset.adapters.inference.bailian import models
from qwen_dataset.adapters.inference.calls import CallFailed
from qwen_dataset.adapters.inference.openai_api.wire import Dialect, body_of, completion_of, trouble_of, usage_of
from qwen_dataset.domain.inference import Completion, Usage

OFF = {"enable_thinking": False}
BOTH = {"enable_thinking": True, "thinking_budget": 9}


def test_sampling_is_sent_where_it_was_chosen(kit):
    schema = {"type": "json_object"}
    request = kit.request_of(temperature=0.0, top_p=0.9, max_tokens=5, seed=0, response_format=schema)
    assert body_of(request) == {
        "model": "some-model",
        "messages": [{"role": "user", "content": "Say hello."}],
        "temperature": 0.0, "top_p": 0.9, "max_tokens": 5, "seed": 0,
        "response_format": schema,
        "enable_thinking": False,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("model", "parameters", "dialect", "said"),
    [
        ("qwen3.7-plus", {}, "enable_thinking", {"enable_thinking": False}),
        ("qwen3.7-plus", {"enable_thinking": True}, "enable_thinking", {"enable_thinking": True}),
        ("unheard-of", BOTH, "enable_thinking", BOTH),
        ("unheard-of", {"thinking_budget": 9}, "enable_thinking", {"enable_thinking": False}),
        ("unheard-of", {"thinking_budget": 9}, "chat_template_kwargs", {"chat_template_kwargs": OFF}),
        ("unheard-of", {"enable_thinking": True}, "none", {}),
        ("batch-test-model", {"enable_thinking": True}, "enable_thinking", {}),
        ("qwen-long", {}, "enable_thinking", {}),
        ("qwen-long", {"enable_thinking": True}, "chat_template_kwargs", {}),
        ("deepseek-r1", {}, "enable_thinking", {}),
        ("deepseek-r1", {"thinking_budget": 9}, "enable_thinking", {"thinking_budget": 9}),
        ("deepseek-r1", {}, "chat_template_kwargs", {}),
    ],
)  # fmt: skip
def test_thinking_is_said_wherever_a_model_can_be_told(kit, model, parameters, dialect, said):
    body = body_of(kit.request_of(model=model, **parameters), Dialect(dialect))
    assert {name: value for name, value in body.items() if name not in {"model", "messages"}} == said


def test_the_catalogue_says_what_the_cases_above_rely_on():
    assert models.find("qwen3.7-plus").thinking == "on"
    assert models.find("qwen-long").thinking == "none"
    assert models.find("deepseek-r1").thinking == "always"
    assert models.find("unheard-of") is None


def test_extra_body_lies_on_top_and_replaces_neither_question_nor_model(kit):
    extra = {
        "model": "other", "messages": [], "stream": True, "stream_options": {}, "temperature": 1.5, "top_k": 3,
        "chat_template_kwargs": {"custom": 1},
    }  # fmt: skip
    body = body_of(kit.request_of(temperature=0.1, extra_body=extra), Dialect.CHAT_TEMPLATE_KWARGS)
    assert body["model"] == "some-model"
    assert body["messages"]
    assert "stream" not in body
    assert "stream_options" not in body
    assert (body["temperature"], body["top_k"]) == (1.5, 3)
    assert body["chat_template_kwargs"] == {"enable_thinking": False, "custom": 1}


def _body(message=None, **rest):
    choice = {"index": 0, "finish_reason": "stop", "message": {"content": "Hi"} if message is None else message}
    return {"model": "m", "choices": [choice], **rest}


@pytest.mark.parametrize(
    ("message", "text", "reasoning"),
    [
        ({"content": "Hi"}, "Hi", None),
        ({"role": "assistant", "content": None}, "", None),
        ({}, "", None),
        ({"content": None, "tool_calls": [{"function": {"name": "f"}}]}, "", None),
        ({"content": None, "refusal": "No."}, "No.", None),
        ({"content": [{"type": "text", "text": "a"}, "b", {"type": "image"}, None, 7, {"text": ["c"]}]}, "abc", None),
        ({"content": {"text": "a"}}, "a", None),
        ({"content": 7}, "", None),
        ({"content": b"bytes"}, "", None),
        ({"content": "Hi", "reasoning_content": "Hm"}, "Hi", "Hm"),
        ({"content": "Hi", "reasoning": "Hm"}, "Hi", "Hm"),
        ({"content": "Hi", "reasoning_content": ""}, "Hi", None),
        ({"content": "\n<think>\nHm\n</think>\n\nHi"}, "Hi", "Hm"),
        ({"content": "<think>cut off"}, "", "cut off"),
        ({"content": "<think></think>Hi"}, "Hi", None),
        ({"content": "<think>a</think>Hi", "reasoning": "Hm"}, "<think>a</think>Hi", "Hm"),
        ({"content": "see <think>a</think>"}, "see <think>a</think>", None),
    ],
)
def test_forms_of_a_message(message, text, reasoning):
    answer = completion_of("id", _body(message))
    assert (answer.request_id, answer.text, answer.reasoning, answer.model) == ("id", text, reasoning, "m")


@pytest.mark.parametrize(
    ("choice", "text", "reason"),
    [
        ({"message": {"content": "Hi"}, "finish_reason": "length"}, "Hi", "length"),
        ({"message": {"content": "Hi"}, "finish_reason": None}, "Hi", "stop"),
        ({"message": {"content": "Hi"}, "finish_reason": "null"}, "Hi", "stop"),
        ({"message": {"content": "Hi"}, "finish_reason": 3}, "Hi", "3"),
        ({"text": "Hi"}, "Hi", "stop"),
        ({"delta": {"content": "Hi"}}, "Hi", "stop"),
        ({"message": None}, "", "stop"),
        ({"message": {"content": None}, "finish_reason": "content_filter"}, "", "content_filter"),
    ],
)
def test_forms_of_a_choice(choice, text, reason):
    answer = completion_of("id", {"choices": [choice]})
    assert (answer.text, answer.finish_reason, answer.model) == (text, reason, None)


@pytest.mark.parametrize(
    ("usage", "counts"),
    [
        (None, (0, 0, 0)), ("many", (0, 0, 0)), ({}, (0, 0, 0)),
        ({"prompt_tokens": 2, "completion_tokens": 3}, (2, 3, 0)),
        ({"input_tokens": 2, "output_tokens": 3, "output_tokens_details": {"reasoning_tokens": 1}}, (2, 3, 1)),
        ({"completion_tokens": 3, "completion_tokens_details": {"reasoning_tokens": 2}}, (0, 3, 2)),
        ({"completion_tokens": 3, "completion_tokens_details": None, "reasoning_tokens": 2}, (0, 3, 2)),
        ({"prompt_tokens": "7", "completion_tokens": 3.0}, (7, 3, 0)),
        ({"prompt_tokens": None, "completion_tokens": -3}, (0, 0, 0)),
        ({"prompt_tokens": float("inf"), "completion_tokens": "x"}, (0, 0, 0)),
    ],
)  # fmt: skip
def test_forms_of_usage(usage, counts):
    prompt, completion, reasoning = counts
    assert usage_of(usage) == Usage(prompt_tokens=prompt, completion_tokens=completion, reasoning_tokens=reasoning)


COUNT = st.sampled_from([0, 1, -1, 7, 10**12, 10**12 + 1, True, None, 3.0, "7", {}, {"reasoning_tokens": 2}])
COUNTED = ["prompt_tokens", "completion_tokens", "total_tokens", "input_tokens", "output_tokens", "reasoning_tokens",
           "prompt_tokens_details", "completion_tokens_details", "output_tokens_details"]  # fmt: skip


@given(st.dictionaries(st.sampled_from(COUNTED[:3]), COUNT), st.dictionaries(st.sampled_from(COUNTED), COUNT))
def test_the_short_way_to_count_gives_what_the_long_one_does(usual, more):
    usage = {**usual, **more}
    assert usage_of(usage) == usage_of(MappingProxyType(usage))  # what is no dict goes the long way


@pytest.mark.parametrize(
    ("body", "status", "code", "message"),
    [
        ({"error": {"code": "c", "message": "m"}}, None, "c", "m"),
        ({"error": {"code": None, "message": "m", "type": "t"}}, None, "t", "m"),
        ({"error": {"error_code": "c", "error_message": "m"}}, None, "c", "m"),
        ({"error": {"message": "m", "code": 429, "type": "rate"}}, 429, "rate", "m"),
        ({"error": {"message": "m", "code": "404"}}, 404, "", "m"),
        ({"error": {"message": "m"}}, 500, "", "m"),
        ({"error": "m"}, 500, "", "m"),
        ({"error": "m", "code": "c"}, None, "c", "m"),
        ({"error": ["m"]}, 500, "", '["m"]'),
        ({"code": "c", "message": "m", "request_id": "r"}, None, "c", "m"),
        ({"object": "error", "message": "m", "type": "BadRequestError", "code": 400}, 400, "BadRequestError", "m"),
        ({"code": "c", "status_code": 429}, 429, "c", ""),
        ({"detail": "Not Found"}, 500, "", "Not Found"),
        ({"detail": [{"loc": ["body"], "msg": "m"}]}, 500, "", '[{"loc":["body"],"msg":"m"}]'),
        ({"choices": None, "error": {"code": "c", "message": "m"}}, None, "c", "m"),
        ({"choices": None, "code": "c", "message": "m"}, None, "c", "m"),
    ],
)
def test_forms_of_an_error(body, status, code, message):
    failed = trouble_of(body)
    assert (failed.status, failed.code, failed.message, failed.sent) == (status, code, message, True)
    with pytest.raises(CallFailed) as caught:
        completion_of("id", body)
    assert (caught.value.code, caught.value.message) == (code, message)
    assert trouble_of(body, 418).status == 418


@pytest.mark.parametrize(
    "body", [None, 7, [], {}, {"id": "x"}, {"type": "ping"}, _body(), _body(error=None), _body(error={})]
)
def test_what_tells_of_no_error(body):
    assert trouble_of(body) is None


def test_an_error_beside_an_answer_loses_against_the_answer():
    assert completion_of("id", _body(error={"code": "c"})).text == "Hi"
    with pytest.raises(CallFailed):
        completion_of("id", _body({"content": ""}, error={"code": "c"}))


@pytest.mark.parametrize("body", ["", b"", "{", b"\xff", "<html>", {"choices": "x"}, {"choices": [7]}, {"choices": {}}])
def test_what_is_no_answer_was_perhaps_paid(body):
    with pytest.raises(CallFailed) as caught:
        completion_of("id", body)
    failed = caught.value
    assert (failed.status, failed.code, failed.sent) == (None, "", True)
    assert failed.message
    assert len(failed.message) < 400


def test_a_body_may_come_as_text():
    assert completion_of("id", json.dumps(_body())) == completion_of("id", json.dumps(_body()).encode())


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
_KEYS = st.sampled_from(
    ["message", "delta", "text", "content", "reasoning", "refusal", "finish_reason", "code", "error"]
)
_CHOICE = st.dictionaries(_KEYS, st.dictionaries(_KEYS, _JSON, max_size=3) | _JSON, max_size=4)
_TOP = st.sampled_from(["choices", "error", "usage", "model", "code", "message", "status_code", "detail", "type"])


@given(st.dictionaries(_TOP, _JSON | st.lists(_CHOICE, max_size=2) | _CHOICE, max_size=5))
def test_no_form_of_a_body_breaks_it(body):
    try:
        answer = completion_of("id", body)
    except CallFailed:
        return  # the one way to say that there is none
    assert isinstance(answer, Completion)
    assert isinstance(answer.text, str)
    assert isinstance(answer.finish_reason, str)
