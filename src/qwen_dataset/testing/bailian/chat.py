"""Chat and Batch Chat, in one piece or as a stream."""

from __future__ import annotations

from aiohttp import web

from .answers import Answer
from .completion import compatible, compatible_events, data
from .errors import refusal
from .hashes import request_hash
from .realtime import answered
from .wire import Call, Lost, json_reply, reset
from .world import World


class Chat:
    """Handlers of one server."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def chat(self, request: web.Request, call: Call) -> web.StreamResponse:
        """Answer at once."""
        return await self._reply(request, call, self._world.settings.latency)

    async def batch_chat(self, request: web.Request, call: Call) -> web.StreamResponse:
        """Hold the call until it is done."""
        return await self._reply(request, call, self._world.settings.hold)

    async def _reply(self, request: web.Request, call: Call, seconds: float) -> web.StreamResponse:
        body = call.body
        what = request_hash(body)
        stream = body.get("stream") is True
        error = "sse_error" if stream else "choices_null"
        answer, broken = await answered(self._world, body, seconds=seconds, error=error)
        if self._world.hits("lose_reply", what):
            raise Lost
        created = int(self._world.clock.now())
        if stream:
            return await self._stream(request, call, answer, created, broken=broken)
        if broken:
            why = refusal("internal_error")
            return json_reply({"id": f"chatcmpl-{call.id}", "choices": None, "error": why.compatible()})
        role = not self._world.hits("no_role", what)
        return json_reply(compatible(answer, rid=call.id, created=created, details=True, role=role))

    async def _stream(
        self, request: web.Request, call: Call, answer: Answer, created: int, *, broken: bool
    ) -> web.StreamResponse:
        options = call.body.get("stream_options")
        with_usage = isinstance(options, dict) and bool(options.get("include_usage"))
        reply = web.StreamResponse(headers={"content-type": "text/event-stream;charset=UTF-8", "x-request-id": call.id})
        await reply.prepare(request)
        events = list(compatible_events(answer, rid=call.id, created=created, with_usage=with_usage))
        cut = broken or call.reset
        for event in events[: len(events) // 2] if cut else events:
            await reply.write(event)
        if call.reset:
            reset(request)
            return reply
        await reply.write(data({"error": refusal("internal_error").compatible()}) if broken else b"data: [DONE]\n\n")
        await reply.write_eof()
        return reply
