"""Chat, Batch Chat and the native endpoints: forms, streams, refusals."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from qwen_dataset.adapters.inference.fake.author import draft
from qwen_dataset.domain.inference import Message, Request
from qwen_dataset.testing.bailian import BailianServer, BailianSettings, request_hash
from tests.testing.bailian.asking import Asker, ask, chat_body

QUESTION = Request(messages=(Message("user", "What is a qubit?"),), model="qwen-plus")


def chunks(content: bytes) -> list[Any]:
    assert content.endswith(b"data: [DONE]\n\n")
    return [json.loads(one[6:]) for one in content.decode().split("\n\n") if one.startswith("data: {")]


def test_the_answers_are_the_fake_s_by_every_way(asker: Asker) -> None:
    expected = draft(QUESTION, seed=0).text
    chat = asker.chat().json
    assert chat["object"] == "chat.completion"
    assert chat["choices"][0]["message"] == {"role": "assistant", "content": expected}
    held = ask("POST", f"{asker.server.batch_chat_url}/chat/completions", chat_body()).json
    assert held["choices"][0]["message"]["content"] == expected
    native = asker.native("qwen-plus", result_format="message").json
    assert native["output"]["choices"][0]["message"]["content"] == expected
    assert asker.native("qwen-plus").json["output"] == {"finish_reason": "stop", "text": expected}
    multimodal = asker.native("qwen3.6-plus", kind="multimodal", enable_thinking=False).json
    assert multimodal["output"]["choices"][0]["message"]["content"] == [{"text": expected}]
    asker.server.configure(answer_seed=3, seed=99)
    assert asker.chat().json["choices"][0]["message"]["content"] == draft(QUESTION, seed=3).text


@pytest.mark.bailian(answers="echo")
def test_echo(asker: Asker) -> None:
    assert asker.chat(text="x" * 1000).json["choices"][0]["message"]["content"] == "x" * 400


def test_who_thinks_unasked(asker: Asker) -> None:
    def thought(model: str, **more: Any) -> bool:
        body = {"model": model, "messages": [{"role": "user", "content": "Why?"}], **more}
        message = asker.post("/chat/completions", body).json["choices"][0]["message"]
        return "reasoning_content" in message

    assert thought("qwen3.7-plus")
    assert not thought("qwen3.7-plus", enable_thinking=False)
    assert not thought("qwen-plus")
    assert thought("qwen-plus", enable_thinking=True)
    assert thought("deepseek-r1", enable_thinking=False)
    assert not thought("qwen-long")
    usage = asker.chat(enable_thinking=True).json["usage"]
    assert usage["completion_tokens_details"] == {"reasoning_tokens": 20}
    assert usage["prompt_tokens_details"] == {"cached_tokens": 0}


def test_a_compatible_stream(asker: Asker) -> None:
    reply = asker.chat(stream=True, enable_thinking=True, stream_options={"include_usage": True})
    assert reply.headers["content-type"].startswith("text/event-stream")
    events = chunks(reply.content)
    deltas = [event["choices"][0]["delta"] for event in events if event["choices"]]
    assert deltas[0]["role"] == "assistant"
    assert "".join(delta.get("content") or "" for delta in deltas) == draft(QUESTION, seed=0).text
    assert "".join(delta.get("reasoning_content") or "" for delta in deltas).startswith("The question is read")
    assert events[-1]["usage"]["total_tokens"] > 0
    assert events[-2]["choices"][0]["finish_reason"] == "stop"
    assert all(event["choices"] for event in chunks(asker.chat(stream=True, stream_options=3).content)), (
        "usage only when asked for"
    )


@pytest.mark.parametrize("incremental", [True, False])
def test_a_native_stream(asker: Asker, incremental: bool) -> None:
    headers = {"X-DashScope-SSE": "enable"}
    reply = asker.native("qwen-plus", headers=headers, result_format="message", incremental_output=incremental)
    blocks = reply.content.decode().strip().split("\n\n")
    assert blocks[0].startswith("id:1\nevent:result\n:HTTP_STATUS/200\ndata:{")
    bodies = [json.loads(block.split("data:", 1)[1]) for block in blocks]
    choices = [body["output"]["choices"][0] for body in bodies]
    assert [choice["finish_reason"] for choice in choices] == ["null"] * (len(choices) - 1) + ["stop"]
    said = [choice["message"]["content"] for choice in choices]
    assert ("".join(said) if incremental else said[-1]) == draft(QUESTION, seed=0).text


def test_streams_that_break_off_with_an_error(asker: Asker) -> None:
    asker.server.configure(sse_error=2)
    *_, last = asker.chat(stream=True).content.decode().strip().split("\n\n")
    assert json.loads(last.removeprefix("data: "))["error"]["code"] == "internal_error"
    native = asker.native("qwen-plus", headers={"Accept": "text/event-stream"}, result_format="message")
    *_, last = native.content.decode().strip().split("\n\n")
    assert native.status == 200
    assert "\nevent:error\n:HTTP_STATUS/500\n" in last
    assert json.loads(last.split("data:", 1)[1])["code"] == "InternalError"
    assert asker.server.totals()["paid_realtime"] == 0


@pytest.mark.parametrize(
    ("more", "status", "code"),
    [
        ({"model": None}, 400, "invalid_request_error"),
        ({"model": "no-such-model"}, 404, "model_not_found"),
        ({"messages": []}, 400, "invalid_parameter_error"),
        ({"messages": "hi"}, 400, "invalid_parameter_error"),
        ({"messages": [{"role": "wizard", "content": "hi"}]}, 400, "invalid_parameter_error"),
        ({"messages": [{"role": ["user"], "content": "hi"}]}, 400, "invalid_parameter_error"),
        ({"messages": [{"role": "user"}]}, 400, "invalid_parameter_error"),
        ({"messages": [{"role": "user", "content": ["hi"]}]}, 400, "invalid_parameter_error"),
        ({"model": "qwen-max", "enable_thinking": True}, 400, "invalid_parameter_error"),
        ({"response_format": {"type": "xml"}}, 400, "invalid_parameter_error"),
        ({"response_format": {"type": ["x"]}}, 400, "invalid_parameter_error"),
        ({"response_format": "json"}, 400, "invalid_parameter_error"),
        ({"response_format": {"type": "json_object"}}, 400, "invalid_parameter_error"),
    ],
)
def test_calls_that_are_refused(asker: Asker, more: dict[str, Any], status: int, code: str) -> None:
    reply = asker.post("/chat/completions", {**chat_body(), **more})
    assert (reply.status, reply.json["error"]["code"]) == (status, code)
    assert reply.json["id"] == f"chatcmpl-{reply.headers['x-request-id']}"
    assert asker.server.totals()["paid_total"] == 0


def test_schemas_need_no_word_and_parts_are_read(asker: Asker) -> None:
    assert asker.chat(response_format={"type": "json_schema", "json_schema": {}}).status == 200
    parts = [{"role": "user", "content": [{"type": "text", "text": "as JSON"}]}]
    body = chat_body(response_format={"type": "json_object"}) | {"messages": parts}
    assert asker.post("/chat/completions", body).status == 200


def test_bodies_that_are_no_json(asker: Asker) -> None:
    for data in (b"{", b"[]", b""):
        reply = ask("POST", f"{asker.server.base_url}/chat/completions", data=data)
        assert (reply.status, reply.json["error"]["code"]) == (400, "invalid_parameter_error")


@pytest.mark.parametrize(("model", "kind"), [("qwen3.7-plus", "text"), ("qwen-plus", "multimodal")])
def test_the_wrong_native_endpoint(asker: Asker, model: str, kind: str) -> None:
    reply = asker.native(model, kind=kind)
    assert (reply.status, reply.json["code"]) == (400, "InvalidParameter")
    assert reply.json["message"] == "url error, please check url！"


def test_native_refusals_and_prompts(asker: Asker) -> None:
    url = f"{asker.server.native_url}/services/aigc/text-generation/generation"
    assert ask("POST", url, {"model": "qwen-plus", "input": {"prompt": "Why?"}}).status == 200
    assert ask("POST", url, {"model": "qwen-plus", "input": 3}).json["code"] == "InvalidParameter"
    assert ask("POST", url, {"model": "qwen-plus", "parameters": 3}).json["code"] == "InvalidParameter"
    assert ask("POST", url, {"model": "no-such-model", "input": {"prompt": "Why?"}}).json["code"] == "ModelNotFound"
    assert "result_format" in asker.native("qwen-plus", enable_thinking=True).json["message"]
    thinks = asker.native("qwen-plus", enable_thinking=True, result_format="message").json
    assert thinks["output"]["choices"][0]["message"]["reasoning_content"]
    assert thinks["usage"]["output_tokens_details"] == {"reasoning_tokens": 20}
    assert asker.native("qwen-max", enable_thinking=True, result_format="message").json["code"] == (
        "InvalidParameter.NotSupportEnableThinking"
    )


@pytest.mark.bailian(key="sk-right")
def test_the_key(asker: Asker) -> None:
    url = f"{asker.server.base_url}/batches"
    for headers in ({}, {"Authorization": "Bearer sk-wrong"}):
        reply = ask("GET", url, headers=headers)
        assert (reply.status, reply.json["error"]["code"]) == (401, "invalid_api_key")
    assert ask("GET", url, headers={"Authorization": "Bearer sk-right"}).status == 200
    native = asker.native("qwen-plus")
    assert native.status == 401
    assert native.json["code"] == "InvalidApiKey"
    asker.server.configure(key="sk-new")
    assert ask("GET", url, headers={"Authorization": "Bearer sk-right"}).status == 401
    assert "sk-new" not in repr(asker.server.settings)


@pytest.mark.bailian(rpm=120, latency=10, hold=10, speed=1000)
def test_calls_in_a_minute_second_by_second(asker: Asker) -> None:
    asker.server.configure(speed=0.001)
    asker.server.configure(latency=0)
    assert [asker.chat().status for _ in range(3)] == [200, 200, 429]
    asker.server.advance(1)
    assert asker.chat().status == 200


@pytest.mark.bailian(rpm=1)
def test_a_minute_has_no_more_calls_than_that(asker: Asker) -> None:
    assert asker.chat().status == 200
    asker.server.advance(30)
    assert asker.chat().status == 429
    asker.server.advance(31)
    assert asker.chat().status == 200


def test_the_same_question_has_one_hash_whichever_way() -> None:
    body = chat_body(temperature=0.5)
    flat = {"temperature": 0.5, "enable_thinking": False, "result_format": "message"}
    native = {"model": "qwen-plus", "input": {"messages": body["messages"]}, "parameters": flat}
    parts = {**native, "input": {"messages": [{"role": "user", "content": [{"text": "What is a qubit?"}]}]}}
    assert request_hash(body) == request_hash({**body, "stream": True}) == request_hash(native) == request_hash(parts)
    assert request_hash(body) != request_hash({**body, "temperature": 0.6})


def test_a_call_that_its_client_left_is_paid_and_does_not_hold_the_server_up() -> None:
    async def scenario() -> dict[str, int]:
        async with BailianServer(BailianSettings(hold=3600)) as server:
            host, port = server.base_url.removeprefix("http://").split("/")[0].split(":")
            _, writer = await asyncio.open_connection(host, int(port))
            content = json.dumps(chat_body()).encode()
            path = "/batch-chat/compatible-mode/v1/chat/completions"
            writer.write(
                f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(content)}\r\n\r\n".encode() + content
            )
            while not server.ledger.paid():
                await asyncio.sleep(0.01)
            writer.close()
        return server.ledger.paid()

    assert list(asyncio.run(asyncio.wait_for(scenario(), 5)).values()) == [1]
