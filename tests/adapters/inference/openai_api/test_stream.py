"""Answers that come in pieces."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwen_dataset.adapters.inference.calls import CallFailed
from qwen_dataset.adapters.inference.openai_api.stream import Answer
from qwen_dataset.domain.inference import Completion, Usage


def _chunk(content=None, **choice):
    delta = {} if content is None else {"content": content}
    return {"model": "m", "choices": [{"index": 0, "delta": delta, **choice}]}


def _read(*events, pieces=None):
    answer = Answer()
    data = b"".join(event if isinstance(event, bytes) else _event(event) for event in events)
    for piece in pieces or [data]:
        answer.feed(piece)
    return answer.completion("id")


def _event(chunk):
    return b"data: " + json.dumps(chunk, ensure_ascii=False).encode() + b"\n\n"


def test_pieces_are_put_together():
    usage = {"prompt_tokens": 1, "completion_tokens": 2}
    thought = {"choices": [{"index": 0, "delta": {"reasoning_content": "Hm", "content": None}}]}
    answer = _read(
        b": hello\n\nid: 1\nevent: message\nretry: 5\n",
        thought, _chunk("Hel"), _chunk("lo"), _chunk(finish_reason="length"),
        {"choices": [], "usage": usage}, b"data: [DONE]\n\n",
    )  # fmt: skip
    assert answer == Completion(
        request_id="id", text="Hello", reasoning="Hm", finish_reason="length", model="m",
        usage=Usage(prompt_tokens=1, completion_tokens=2),
    )  # fmt: skip


@pytest.mark.parametrize(
    "events",
    [
        [_chunk("Hi", finish_reason="stop")],
        [_chunk("Hi"), b"data: [DONE]"],
        [b'data:{"choices":[{"delta":{"content":"Hi"}}]}\r\n\r\n', b"data: [DONE]\r\n"],
        [b'data: {"choices": [{"delta":\ndata: {"content": "Hi"}}]}\n\n', b"data: [DONE]\n\n"],
        [
            b'data: {"choices":[{"delta":{"content":"H"}}]}\n',
            b'data: {"choices":[{"delta":{"content":"i"}}]}\ndata: [DONE]',
        ],
        [
            _chunk("Hi"),
            _chunk("no", index=1),
            {"choices": [{"index": 1, "delta": {"content": "no"}}]},
            b"data: [DONE]\n",
        ],
        [b"data: 7\n\n", {"choices": None}, {"type": "ping"}, _chunk("Hi"), _chunk(delta=None, finish_reason="stop")],
        [{"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]}],
        [json.dumps({"choices": [{"message": {"content": "Hi"}}]}).encode()],
        [json.dumps({"choices": [{"message": {"content": "Hi"}}]}, indent=1).encode()],
    ],
)
def test_forms_of_a_stream(events):
    answer = _read(*events)
    assert (answer.text, answer.finish_reason) == ("Hi", "stop")


@given(st.text(), st.lists(st.integers(1, 40), max_size=8))
def test_where_the_bytes_are_parted_makes_no_difference(text, cuts):
    data = b"".join([*(_event(_chunk(letter)) for letter in text), _event(_chunk(finish_reason="stop"))])
    pieces, start = [], 0
    for cut in cuts:
        pieces.append(data[start : start + cut])
        start += cut
    answer = _read(pieces=[*pieces, data[start:]])
    assert answer.text == text


@pytest.mark.parametrize(
    "events",
    [
        [_chunk("Once")],
        [_chunk()],
        [_chunk("Once"), b'data: {"choices": [{"del'],
        [b"data: what\n\n"],
        [b""],
        [b"<html>"],
    ],
)
def test_a_stream_that_breaks_off_was_perhaps_paid(events):
    with pytest.raises(CallFailed) as caught:
        _read(*events)
    assert (caught.value.status, caught.value.code, caught.value.sent) == (None, "", True)


LIMIT = {"error": {"code": "limit_burst_rate", "message": "slowly"}}
FILTER = {"error": {"code": "data_inspection_failed", "message": "no"}}


@pytest.mark.parametrize(
    ("events", "code"),
    [
        ([LIMIT], "limit_burst_rate"),
        ([_chunk(""), LIMIT], "limit_burst_rate"),
        ([_chunk("Once"), FILTER], "data_inspection_failed"),
        ([_chunk("Once"), LIMIT], ""),
        ([{"choices": [{"delta": {"reasoning": "Hm"}}]}, LIMIT], ""),
    ],
)
def test_an_error_behind_a_part_of_the_answer_is_not_simply_asked_again(events, code):
    with pytest.raises(CallFailed) as caught:
        _read(*events)
    assert (caught.value.code, caught.value.sent) == (code, True)
    assert caught.value.status is None
