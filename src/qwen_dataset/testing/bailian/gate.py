"""What every call passes: the books, the key, the rates, the faults that any call can meet, and the headers."""

from __future__ import annotations

import hmac
import time
import uuid
from collections import deque
from collections.abc import Awaitable, Callable

from aiohttp import web

from .errors import Page, Refusal, refusal, written
from .hashes import request_hash
from .wire import Call, Lost, body_of, json_reply, reset
from .world import World

Handler = Callable[[web.Request, Call], Awaitable[web.StreamResponse]]

_CALLS = frozenset({"chat", "batch_chat", "native"})
_RATES = {
    "upload": (3, 1.0),
    "create": (1000, 60.0),
    "retrieve": (1000, 60.0),
    "cancel": (1000, 60.0),
    "list": (100, 60.0),
    **dict.fromkeys(("retrieve_file", "list_files", "delete_file"), (10, 1.0)),
}
_POOLED = dict.fromkeys(("retrieve_file", "list_files", "delete_file"), "files")


class Gate:
    """Stands before the handlers of one server."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._starts: dict[str, deque[float]] = {}

    def before(self, name: str, handler: Handler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """Return the handler of an endpoint behind the gate."""

        async def guarded(request: web.Request) -> web.StreamResponse:
            return await self._answered(name, request, handler)

        return guarded

    async def _answered(self, name: str, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Pass a call on, and put a refusal into the form that its endpoint has."""
        began = time.monotonic()
        call = Call(id=str(uuid.uuid4()))
        self._world.ledger.calls[name] += 1
        try:
            reply = await self._passed(name, request, call, handler)
        except Refusal as why:
            reply = _refused(name, call, why)
        except (Lost, ConnectionError):  # the latter: the client has gone
            reset(request)
            return web.Response()
        if reply.prepared:
            return reply
        reply.headers["x-request-id"] = call.id
        reply.headers["req-cost-time"] = str(int((time.monotonic() - began) * 1000))
        reply.headers["server"] = "istio-envoy"
        return await _half(request, reply) if call.reset else reply

    async def _passed(self, name: str, request: web.Request, call: Call, handler: Handler) -> web.StreamResponse:
        self._check_key(request)
        self._check_rates(name)
        what = name
        if name in _CALLS:
            call.body = await body_of(request)
            what = request_hash(call.body)
        if name in self._world.settings.on:
            await self._meet_faults(call, what)
        return await handler(request, call)

    def _check_key(self, request: web.Request) -> None:
        key = self._world.settings.key
        sent = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
        if key is not None and not hmac.compare_digest(sent.encode(), key.encode()):
            raise refusal("invalid_api_key")

    def _check_rates(self, name: str) -> None:
        settings = self._world.settings
        if settings.rates and name in _RATES and not self._starts_in_time(_POOLED.get(name, name), *_RATES[name]):
            raise refusal("limit_requests")
        if settings.rpm is not None and name in _CALLS:
            in_second = self._starts_in_time("second", max(settings.rpm // 60, 1), 1.0)
            if not in_second or not self._starts_in_time("minute", settings.rpm, 60.0):
                raise refusal("limit_requests")

    def _starts_in_time(self, name: str, most: int, seconds: float) -> bool:
        now, starts = self._world.clock.now(), self._starts.setdefault(name, deque())
        while starts and starts[0] <= now - seconds:
            starts.popleft()
        if len(starts) >= most:
            return False
        starts.append(now)
        return True

    async def _meet_faults(self, call: Call, what: str) -> None:
        world = self._world
        if world.hits("throttle", what):
            raise refusal("limit_requests")
        if world.hits("throttle_after", what):
            why = refusal("limit_requests")
            why.headers["Retry-After"] = f"{world.settings.retry_after:g}"
            raise why
        for fault, why in (
            ("error_500", refusal("internal_error")),
            ("error_503", refusal("ModelUnavailable")),
            ("arrears", refusal("Arrearage")),
            ("other", written(world.settings.other_error)),
        ):
            if world.hits(fault, what):
                raise why
        if world.hits("slow", what):
            await world.clock.sleep(world.settings.slow_seconds)
        call.reset = world.hits("reset", what)


def _refused(name: str, call: Call, why: Refusal) -> web.Response:
    if isinstance(why, Page):
        return web.Response(text=why.html(), status=why.status, content_type="text/html")
    if name == "native":
        body: dict[str, object] = {"code": why.native, "message": why.message, "request_id": call.id}
    elif name in _CALLS:
        body = {"error": why.compatible(), "id": f"chatcmpl-{call.id}"}
    else:
        body = {"error": why.compatible(), "request_id": call.id}
    reply = json_reply(body, why.status)
    reply.headers.update(why.headers)
    return reply


async def _half(request: web.Request, whole: web.StreamResponse) -> web.StreamResponse:
    """Send the head and half of the body, then break the connection."""
    body = whole.body if isinstance(whole, web.Response) and isinstance(whole.body, bytes) else b""
    reply = web.StreamResponse(status=whole.status, headers=whole.headers)
    reply.content_length = len(body)
    await reply.prepare(request)
    await reply.write(body[: len(body) // 2])
    reset(request)
    return reply
