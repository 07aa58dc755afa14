"""Realtime through the OpenAI protocol: one call a request. Also Batch Chat, which is half the price and slower."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import attrs
import orjson

from ....domain.inference import Completion, Outcome, Request
from ....errors import BackendUnavailable
from ..calls import Admissions, CallFailed, RealtimeCaller
from ..concurrent import REALTIME_LIMITS, ConcurrentBackend
from .client import open_client, read_seconds
from .errors import translated
from .options import BATCH_CHAT, Options
from .stream import Answer
from .wire import body_of, completion_of

if TYPE_CHECKING:
    from openai import AsyncOpenAI

_STREAMED = {"stream_options": {"include_usage": True}}


class ChatBackend(ConcurrentBackend):
    """Chat completions, asked one by one. Iterating ``results`` spends money.

    A call that got no reply in ``options.timeout`` seconds, or whose reply broke off, may have been paid for: it
    becomes a ``Failure`` of kind ``unknown`` and is not sent again here. Works with Bailian, Batch Chat and any server
    of the protocol. ``now`` and ``sleep`` (seconds) are those of the pauses between calls.
    """

    def __init__(
        self,
        options: Options,
        *,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        limits = attrs.evolve(
            REALTIME_LIMITS,
            requests=options.requests,
            submission_bytes=options.submission_bytes,
            line_bytes=options.line_bytes,
            concurrency=options.concurrency,
        )
        super().__init__(self._complete, realm=options.realm, name=options.name, limits=limits)
        self._options = options
        self._now = now
        self._sleep = sleep
        self._client: AsyncOpenAI | None = None
        self._caller: RealtimeCaller | None = None

    async def __aenter__(self) -> Self:
        options = self._options
        self._client = open_client(options)
        admissions = Admissions(
            concurrency=options.concurrency,
            region=None if options.name == BATCH_CHAT else options.region,  # the documented rates are not Batch Chat's
            rpm=options.rpm,
            tpm=options.tpm,
            ramp_seconds=options.ramp,
            now=self._now,
            sleep=self._sleep,
        )
        self._caller = RealtimeCaller(self._send, admissions, attempts=options.attempts, sleep=self._sleep)
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        client, self._client, self._caller = self._client, None, None
        if client is not None:
            await client.close()

    async def _complete(self, request: Request) -> Outcome:
        if self._caller is None:
            raise BackendUnavailable(f"{self._options.name} is not open")
        return await self._caller(request)

    async def _send(self, request: Request) -> Completion:
        """Make one call. Raises CallFailed; spends money."""
        body = body_of(request, self._options.thinking)
        try:
            orjson.dumps(body)
        except orjson.JSONEncodeError as error:
            message = f"the request cannot be written as JSON, so it was not sent: {error}"
            raise CallFailed(status=400, code="invalid_request_error", message=message, sent=False) from None
        seconds = read_seconds(self._options) + self._options.connect_timeout
        try:
            async with asyncio.timeout(seconds):  # of the whole call: a server may trickle bytes for ever
                with translated(self._options.key.hide):
                    return await (self._streamed if self._options.stream else self._whole)(request.id, body)
        except TimeoutError:
            message = f"no whole answer came in {seconds:g} seconds"
            raise CallFailed(status=None, code="", message=message, sent=True) from None

    async def _whole(self, request_id: str, body: dict[str, Any]) -> Completion:
        model, messages, rest = _parted(body)
        create = self._opened.chat.completions.with_raw_response.create
        reply = await create(model=model, messages=messages, extra_body=rest)
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
