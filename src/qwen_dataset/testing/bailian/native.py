"""The native endpoints, text and multimodal, in one piece or as a stream."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from .answers import Answer
from .completion import native, native_event, native_events
from .errors import bad_request, refusal
from .hashes import compatible_body, request_hash
from .models import exists, is_multimodal
from .realtime import answered
from .wire import Call, Lost, json_reply, reset
from .world import World


class Native:
    """Handlers of one server."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def text(self, request: web.Request, call: Call) -> web.StreamResponse:
        """Answer for the text models."""
        return await self._reply(request, call, multimodal=False)

    async def multimodal(self, request: web.Request, call: Call) -> web.StreamResponse:
        """Answer for the multimodal models."""
        return await self._reply(request, call, multimodal=True)

    async def _reply(self, request: web.Request, call: Call, *, multimodal: bool) -> web.StreamResponse:
        sent = call.body
        model, parameters = sent.get("model"), sent.get("parameters") or {}
        if not isinstance(parameters, dict):
            raise bad_request("'parameters' must be an object.")
        body = _compatible(sent, parameters)
        if isinstance(model, str) and exists(model, self._world.settings) and is_multimodal(model) != multimodal:
            raise bad_request("url error, please check url！")
        if parameters.get("enable_thinking") is True and not multimodal and not _as_message(parameters):
            raise bad_request("parameter.result_format must be message when enable_thinking is true.")
        what = request_hash(body)
        stream = _wants_stream(request)
        answer, broken = await answered(
            self._world, body, seconds=self._world.settings.latency, error="sse_error" if stream else None
        )
        if self._world.hits("lose_reply", what):
            raise Lost
        if stream:
            return await self._stream(request, call, answer, parameters, multimodal=multimodal, broken=broken)
        made = native(answer, rid=call.id, multimodal=multimodal, as_message=_as_message(parameters))
        return json_reply(made)

    async def _stream(
        self,
        request: web.Request,
        call: Call,
        answer: Answer,
        parameters: dict[str, Any],
        *,
        multimodal: bool,
        broken: bool,
    ) -> web.StreamResponse:
        incremental = parameters.get("incremental_output") is True
        rid = call.id
        events = list(native_events(answer, rid=rid, multimodal=multimodal, incremental=incremental))
        reply = web.StreamResponse(headers={"content-type": "text/event-stream;charset=UTF-8", "x-request-id": rid})
        await reply.prepare(request)
        cut = len(events) // 2 if broken or call.reset else len(events)
        for event in events[:cut]:
            await reply.write(event)
        if call.reset:
            reset(request)
            return reply
        if broken:
            why = refusal("internal_error")
            error = {"code": why.native, "message": why.message, "request_id": rid}
            await reply.write(native_event(cut + 1, "error", why.status, error))
        await reply.write_eof()
        return reply


def _compatible(sent: dict[str, Any], parameters: dict[str, Any]) -> dict[str, Any]:
    """Return what is asked in the form that the rest of the server reads."""
    match sent.get("input"):
        case {"messages": list(messages)}:
            pass
        case {"prompt": str(prompt)}:
            messages = [{"role": "user", "content": prompt}]
        case _:
            messages = []
    return compatible_body({"model": sent.get("model"), "input": {"messages": messages}, "parameters": parameters})


def _as_message(parameters: dict[str, Any]) -> bool:
    return parameters.get("result_format") == "message"


def _wants_stream(request: web.Request) -> bool:
    asked = request.headers.get("X-DashScope-SSE", "").lower() == "enable"
    return asked or "text/event-stream" in request.headers.get("Accept", "")
