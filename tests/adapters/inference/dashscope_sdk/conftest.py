"""A small native service in a thread, as the fixture ``native``: it keeps what it was asked and answers as told."""

import asyncio
import json
import sys
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import attrs
import pytest
from aiohttp import web

from qwen_dataset.adapters.inference.dashscope_sdk.adapter import DashScopeBackend, load_endpoints
from qwen_dataset.adapters.inference.openai_api.options import DASHSCOPE, Options
from qwen_dataset.domain.inference import Message, Outcome, Parameters, Request
from qwen_dataset.ports.inference import BackendSettings
from qwen_dataset.testing.inference_contract import Asked

TEXT_PATH = "/api/v1/services/aigc/text-generation/generation"
PARTS_PATH = "/api/v1/services/aigc/multimodal-generation/generation"
KEY = "sk-0123456789abcdef"
URL_ERROR = {"code": "InvalidParameter", "message": "url error, please check url！", "request_id": "r"}

Reply = Callable[[web.Request, dict[str, Any]], Awaitable[web.StreamResponse]]


@attrs.frozen(kw_only=True)
class Call:
    """What the service was asked."""

    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]
    url: str


def message(content: Any, **more: Any) -> dict[str, Any]:
    choice = {"finish_reason": "stop", "message": {"role": "assistant", "content": content, **more}}
    usage = {"input_tokens": 7, "output_tokens": 5, "total_tokens": 12}
    return {"output": {"choices": [choice]}, "usage": usage, "request_id": "r-1"}


def answers(body: Any, status: int = 200, *, content_type: str = "application/json", **headers: str) -> Reply:
    async def reply(request: web.Request, asked: dict[str, Any]) -> web.Response:
        text = body if isinstance(body, str) else json.dumps(body)
        return web.Response(text=text, status=status, content_type=content_type, headers=headers)

    return reply


def events(*pieces: str, cut: bool = False) -> Reply:
    """Stream lines as the service does; ``cut``: the connection breaks at their end."""

    async def reply(request: web.Request, asked: dict[str, Any]) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for piece in pieces:
            await response.write(piece.encode())
        if cut:
            request.transport.close()  # what was written still arrives, the end of the body does not
        return response

    return reply


def event(content: str = "", reason: str = "null", **more: Any) -> str:
    found = message(content, **more)
    found["output"]["choices"][0]["finish_reason"] = reason
    return f"id:1\nevent:result\n:HTTP_STATUS/200\ndata:{json.dumps(found)}\n\n"


async def breaks_before_the_reply(request: web.Request, asked: dict[str, Any]) -> web.StreamResponse:
    request.transport.abort()
    return web.Response()


async def breaks_inside_the_reply(request: web.Request, asked: dict[str, Any]) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "500"})
    await response.prepare(request)
    await response.write(b'{"output": {"choi')
    request.transport.abort()
    return response


async def never_answers(request: web.Request, asked: dict[str, Any]) -> web.StreamResponse:
    await asyncio.sleep(3600)
    return web.Response()


async def echoes(request: web.Request, asked: dict[str, Any]) -> web.StreamResponse:
    """The default: say the last message again, in the shape of the endpoint."""
    return web.json_response(message(asked["input"]["messages"][-1]["content"]))


class Service:
    """``script`` holds the next replies; when it is empty, messages are echoed."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.script: list[Reply] = []
        self.paid: dict[str, Counter[str]] = {}
        self.url = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        asked = json.loads(await request.read() or b"{}")
        self.calls.append(Call(path=request.path, headers=request.headers, body=asked, url=str(request.url)))
        reply = self.script.pop(0) if self.script else echoes
        if reply is echoes:
            paid = self.paid.setdefault(request.path.split("/")[1], Counter())
            paid[json.dumps(asked["input"])] += 1
        return await reply(request, asked)


@contextmanager
def serving(**site: Any):
    """Serve in a thread, so that each test may run a loop of its own."""
    service, loop, ready = Service(), asyncio.new_event_loop(), threading.Event()

    async def start() -> web.AppRunner:
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", service.handle)
        runner = web.AppRunner(app, shutdown_timeout=0)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, **site).start()
        scheme = "https" if site else "http"
        service.url = f"{scheme}://127.0.0.1:{runner.addresses[0][1]}"
        return runner

    def run() -> None:
        asyncio.set_event_loop(loop)
        runner = loop.run_until_complete(start())
        ready.set()
        loop.run_forever()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(runner.cleanup())
        loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    ready.wait(10)
    try:
        yield service
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)


class Slept:
    """A sleep that does not wait, and knows what it was asked."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def now(self) -> float:
        return 1000.0 + sum(self.seconds)

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)
        await asyncio.sleep(0)


def backend_at(url: str, *, key: Callable[[], str] = lambda: KEY, sleep: Slept | None = None, **changes: Any):
    """Return a backend at this address; ``changes`` are of its options."""
    sleep = sleep or Slept()
    settings = BackendSettings(api_key=key, base_url=f"{url}/api/v1")
    options = attrs.evolve(Options.from_settings(settings, name=DASHSCOPE), **changes)
    return DashScopeBackend(options, base_url=f"{url}/api/v1", endpoints=load_endpoints(), now=sleep.now, sleep=sleep)


def request_of(prompt: str = "why?", *, model: str = "unheard-of", **parameters: Any) -> Request:
    return Request(messages=(Message("user", prompt),), model=model, parameters=Parameters(**parameters))


async def outcomes_of(backend: DashScopeBackend, *requests: Request) -> list[Outcome]:
    handle = await backend.submit("job/1/a", Asked(requests))
    return [outcome async for outcome in backend.results(handle, Asked(requests))]


def asked(backend: DashScopeBackend, request: Request | None = None) -> Outcome:
    """Ask one request, in a loop of its own."""

    async def scenario() -> Outcome:
        async with backend:
            (outcome,) = await outcomes_of(backend, request or request_of())
            return outcome

    return asyncio.run(scenario())


@pytest.fixture(scope="session")
def native() -> ModuleType:
    """This module: in pytest's importlib mode tests cannot import their neighbours."""
    return sys.modules[__name__]


@pytest.fixture
def service():
    with serving() as found:
        yield found
