"""Realtime through the OpenAI protocol: one call a request. Also Batch Chat, which is half the price and slower."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import orjson

from ....domain.inference import Completion, Request
from ..calls import CallFailed
from ..realtime import RealtimeBackend
from .client import Post, open_calls, open_client, read_seconds
from .errors import refusal_of, translated
from .stream import Answer
from .wire import body_of, completion_of

if TYPE_CHECKING:
    from openai import AsyncOpenAI

_STREAMED = {"stream_options": {"include_usage": True}}


class ChatBackend(RealtimeBackend):
    """Chat completions, asked one by one. Iterating ``results`` spends money.

    A call that got no reply in ``options.timeout`` seconds, or whose reply broke off, may have been paid for: it
    becomes a ``Failure`` of kind ``unknown`` and is not sent again here. Works with Bailian, Batch Chat and any server
    of the protocol.
    """

    _client: AsyncOpenAI | None = None

    async def _open(self) -> None:
        # It reads the certificates of all authorities, which takes longer than a loop may be held up.
        http = await asyncio.to_thread(open_calls, self._options)
        self._client = open_client(self._options, http, asks_key=False)
        self._post = Post(self._client, http, b"chat/completions")

    async def _close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def _send(self, request: Request) -> Completion:
        """Make one call. Raises CallFailed; spends money."""
        body = body_of(request, self._options.thinking)
        try:
            written = orjson.dumps(body)
        except orjson.JSONEncodeError as error:
            message = f"the request cannot be written as JSON, so it was not sent: {error}"
            raise CallFailed(status=400, code="invalid_request_error", message=message, sent=False) from None
        seconds = read_seconds(self._options) + self._options.connect_timeout
        try:
            async with asyncio.timeout(seconds):  # of the whole call: a server may trickle bytes for ever
                with translated(self._options.key.hide):
                    # As it is now, for it may be rotated; asked for by the SDK it would cost more.
                    self._opened.api_key = self._options.key()
                    if self._options.stream:
                        return await self._streamed(request.id, body)
                    return await self._whole(request.id, written)
        except TimeoutError:
            message = f"no whole answer came in {seconds:g} seconds"
            raise CallFailed(status=None, code="", message=message, sent=True) from None

    async def _whole(self, request_id: str, body: bytes) -> Completion:
        # Not through ``chat.completions``: making its objects, and ours of them, is most of what a call would cost.
        reply = await self._post(body)
        if not reply.is_success:
            raise refusal_of(reply, reply.text)
        return completion_of(request_id, reply.content)

    async def _streamed(self, request_id: str, body: dict[str, Any]) -> Completion:
        model, messages, rest = _parted({**_STREAMED, **body})
        answer = Answer()
        create = self._opened.chat.completions.with_streaming_response.create
        async with create(model=model, messages=messages, stream=True, extra_body=rest) as reply:
            async for piece in reply.iter_bytes():
                answer.feed(piece)
        return answer.completion(request_id)

    @property
    def _opened(self) -> AsyncOpenAI:
        assert self._client is not None  # `_caller` exists only while the client does
        return self._client


def _parted(body: dict[str, Any]) -> tuple[Any, Any, dict[str, Any]]:
    """Return model and messages, which the SDK wants by name, and what it must pass through untouched."""
    return body["model"], body["messages"], {key: body[key] for key in body if key not in {"model", "messages"}}
