"""A server of the OpenAI protocol in a thread, on a free port of this machine: it says what a test tells it to say."""

import asyncio
import itertools
import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import attrs
import orjson
import pytest
from aiohttp import web

from qwen_dataset.adapters.inference.openai_api import fast
from qwen_dataset.adapters.inference.openai_api.options import OPENAI_CHAT, Options
from qwen_dataset.domain.inference import Message, Parameters, Request
from qwen_dataset.ports.inference import BackendSettings


@attrs.frozen
class Call:
    """What came in."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any


Reply = Callable[[web.Request, Call], Awaitable[web.StreamResponse]]


def says(status: int, body: Any, headers: dict[str, str] | None = None, kind: str = "application/json") -> Reply:
    """Answer with this; what is no text is written as JSON."""
    text = body if isinstance(body, str | bytes) else json.dumps(body)
    data = text.encode() if isinstance(text, str) else text

    async def reply(request: web.Request, call: Call) -> web.StreamResponse:
        return web.Response(status=status, body=data, headers=headers, content_type=kind)

    return reply


def answer_to(call: Call, text: str | None = None) -> dict[str, Any]:
    said = call.body["messages"][-1]["content"] if text is None else text
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": call.body["model"],
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": said}}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8},
    }


async def echoes(request: web.Request, call: Call) -> web.StreamResponse:
    """Say the last message again, in pieces where a stream is wanted."""
    if not call.body.get("stream"):
        return web.json_response(answer_to(call))
    body = answer_to(call)
    text = body["choices"][0]["message"]["content"]
    chunks = [{"model": body["model"], "choices": [{"index": 0, "delta": {"content": part}}]} for part in text]
    chunks += [
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
        {"choices": [], "usage": body["usage"]},
    ]
    return await streams(*chunks, b"data: [DONE]\n\n")(request, call)


def streams(*chunks: Any, cut: bool = False) -> Reply:
    """Answer with events, and end the connection in the middle where ``cut``."""

    async def reply(request: web.Request, call: Call) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        for chunk in chunks:
            data = (
                chunk
                if isinstance(chunk, bytes)
                else b"data: " + json.dumps(chunk, ensure_ascii=False).encode() + b"\n\n"
            )
            await response.write(data)
        if cut:
            request.transport.abort()
        return response

    return reply


async def resets(request: web.Request, call: Call) -> web.StreamResponse:
    """Promise an answer and end the connection in the middle of it."""
    response = web.StreamResponse(headers={"content-length": "1000", "content-type": "application/json"})
    await response.prepare(request)
    await response.write(b'{"choices": [')
    request.transport.abort()
    return response


async def hangs_up(request: web.Request, call: Call) -> web.StreamResponse:
    """End the connection without a word."""
    request.transport.abort()
    return web.Response()


async def keeps_silent(request: web.Request, call: Call) -> web.StreamResponse:
    """Answer nothing until the client leaves."""
    await asyncio.sleep(30)
    return web.Response()


class Stub:
    """Answers each call with the next of ``replies``, then with ``default``; ``calls`` is what came in."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.replies: Iterator[Reply] = iter(())
        self.default: Reply = echoes
        self.base_url = ""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def will(self, *replies: Reply) -> None:
        self.replies = itertools.chain(self.replies, replies)

    def always(self, reply: Reply) -> None:
        self.default = reply

    def start(self) -> None:
        self._thread.start()
        self._run(self._start())

    def stop(self) -> None:
        self._run(self._runner.cleanup())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def _run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _start(self) -> None:
        app = web.Application(client_max_size=10_000_000)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        port = self._runner.addresses[0][1]
        self.base_url = f"http://127.0.0.1:{port}/v1"

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        call = Call(request.method, request.path, dict(request.headers), orjson.loads(raw) if raw else None)
        self.calls.append(call)
        return await next(self.replies, self.default)(request, call)


def request_of(prompt: str = "Say hello.", *, model: str = "some-model", **parameters: Any) -> Request:
    return Request(messages=(Message("user", prompt),), model=model, parameters=Parameters(**parameters))


def options_of(base_url: str = "http://127.0.0.1:9/v1", *, name: str = OPENAI_CHAT, **settings: Any) -> Options:
    """Return options as an address gives them; ``parameters`` are the address's."""
    key = settings.pop("api_key", lambda: "sk-test-0123456789")
    return Options.from_settings(BackendSettings(base_url=base_url, api_key=key, **settings), name=name)


class Kit:
    """What the tests of this folder share."""

    says = staticmethod(says)
    answer_to = staticmethod(answer_to)
    echoes = staticmethod(echoes)
    streams = staticmethod(streams)
    resets = staticmethod(resets)
    hangs_up = staticmethod(hangs_up)
    keeps_silent = staticmethod(keeps_silent)
    request_of = staticmethod(request_of)
    options_of = staticmethod(options_of)
    Stub = Stub


@pytest.fixture(scope="session")
def kit() -> type[Kit]:
    return Kit


@pytest.fixture
def stub() -> Iterator[Stub]:
    server = Stub()
    server.start()
    yield server
    server.stop()


@pytest.fixture(params=["aiohttp", "httpx"])
def connections(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Have calls made by aiohttp, and then as where that is not installed."""
    monkeypatch.setattr(fast, "is_usable", lambda: request.param == "aiohttp")
    return str(request.param)
