"""Realtime calls through the DashScope SDK: what ``--realtime`` means with the provider ``bailian``.

Each call goes through ``AioGeneration``, or ``AioMultiModalConversation`` for models that take more than text. The
SDK's retries, its shared connections, its global key and its log are kept out of it; see ``link`` and ``errors``.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ....domain.inference import Completion, Request
from ....errors import BackendDenied, BackendError, SettingError
from ....ports.inference import BackendSettings, Offer
from ..bailian import models, places
from ..bailian.verdicts import Action, verdict
from ..calls import CallFailed
from ..openai_api.advice import advice
from ..openai_api.errors import backend_error, scrubbed
from ..openai_api.options import DASHSCOPE, Options, user_agent
from ..realtime import RealtimeBackend
from .errors import asking, call_failed, quieten
from .link import Link, open_pool, tls_context
from .wire import MULTIMODAL, TEXT, Pieces, answer_of, arguments_of

if TYPE_CHECKING:
    import aiohttp

INSTALL = 'pip install "qwen-dataset[dashscope]"'
_WRONG_ENDPOINT = "url error"  # what either endpoint says, with a 400 and for free, to a model of the other
_NO_MODEL = frozenset({"modelnotfound", "model_not_found"})
_PROBE_SECONDS = 30.0
_GARBLED = "Unknown"  # the code that the SDK itself gives to what it cannot read


def open_dashscope(settings: BackendSettings) -> Offer:
    """Build the backend of ``dashscope:?parameters`` (see ``Options``). Imports the SDK; spends nothing.

    The base URL may be that of the compatible API: the native one beside it is used. Raises SettingError, also where
    the SDK is not installed.
    """
    options = Options.from_settings(settings, name=DASHSCOPE)
    try:
        base_url = places.native_url_of(options.base_url)
    except SettingError as error:
        raise SettingError(f"{error}; a server without it is reached with --backend openai-chat") from None
    backend = DashScopeBackend(options, base_url=base_url, endpoints=load_endpoints())
    return Offer(
        backend=backend,
        name=DASHSCOPE,
        realtime=True,
        destination=options.destination,
        probe=backend.probe,
        advice=partial(advice, options),
        switches_thinking=options.switches_thinking,
    )


def load_endpoints() -> dict[str, Any]:
    """Import the SDK, which takes half a second, and return what makes a call, by the family of the model.

    Raises SettingError where the SDK is missing or lacks them.
    """
    try:
        from dashscope import AioGeneration, AioMultiModalConversation  # noqa: PLC0415
    except ImportError:
        message = f"realtime calls to Bailian need the DashScope SDK: {INSTALL}; or use --backend openai-chat"
        raise SettingError(message) from None
    quieten()

    class Conversation(AioMultiModalConversation):
        """The SDK's, without its look at the texts: one that is the path of a file would be replaced by that file."""

        @classmethod
        def _preprocess_messages(cls, *_: Any, **__: Any) -> bool:
            return False

    return {TEXT: AioGeneration, MULTIMODAL: Conversation}


class DashScopeBackend(RealtimeBackend):
    """One paid call a request, on connections of its own that are open while it is entered.

    ``base_url`` is that of the native API; ``endpoints`` are what ``load_endpoints`` returned.
    """

    def __init__(
        self,
        options: Options,
        *,
        base_url: str,
        endpoints: Mapping[str, Any],
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        super().__init__(options, now=now, sleep=sleep)
        self._base_url = base_url
        self._host = urlsplit(base_url).netloc
        self._endpoints = endpoints
        self._context = tls_context(options.ca)
        self._user_agent = user_agent()
        self._families: dict[str, str] = {}
        self._pool: aiohttp.TCPConnector | None = None

    async def _open(self) -> None:
        self._pool = open_pool(concurrency=self._options.concurrency, context=self._context)

    async def _close(self) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.close()

    async def _send(self, request: Request) -> Completion:
        """Make the call, and the same at the other endpoint where the first one does not have the model.

        That refusal is free. Which endpoint it is, is remembered: the catalogue need not know the model, or be right.
        """
        model = request.model
        known = models.find(model)
        family = self._families.get(model) or (TEXT if known is None else known.family)
        try:
            return await self._ask(request, family)
        except CallFailed as refused:
            if not _is_wrong_endpoint(refused):
                raise
        other = MULTIMODAL if family == TEXT else TEXT
        try:
            completion = await self._ask(request, other)
        except CallFailed as refused:
            if not _is_wrong_endpoint(refused):
                self._families[model] = other
            raise
        self._families[model] = other
        return completion

    async def _ask(self, request: Request, family: str) -> Completion:
        """Make one call of the SDK. Raises ``CallFailed`` for whatever goes wrong with it."""
        options = self._options
        assert self._pool is not None  # `_caller` exists only while the pool does
        stream = options.stream or _thinks_in_streams_only(request)
        arguments = arguments_of(request, family=family, dialect=options.thinking, stream=stream)
        arguments |= {
            "api_key": options.key(),
            "base_address": self._base_url,
            "request_timeout": options.timeout,
            "user_agent": self._user_agent,
            "workspace": options.workspace,
        }
        link = self._link(self._pool)
        try:
            async with asyncio.timeout(options.timeout + options.connect_timeout):  # a stream may trickle for ever
                with asking():
                    reply = await self._endpoints[family].call(session=link.session, **arguments)
                    completion = await self._streamed(request, reply) if stream else self._whole(request, reply)
            if not link.used:
                raise BackendDenied(f"the DashScope SDK that is installed does not suit; {INSTALL} --upgrade")
            return completion
        except (CallFailed, BackendError):
            raise
        except Exception as error:  # noqa: BLE001  # the table says what it means
            failed = call_failed(error, sent=link.sent, host=self._host)
            body = link.body()
            if not body:
                raise failed from None
            # The SDK could not read what came, and was paid for. It is not lost because a role or a header is missing.
            return self._whole(request, {"status_code": 200, **body})
        finally:
            await link.close()

    def _link(self, pool: aiohttp.BaseConnector) -> Link:
        options = self._options
        return Link(
            pool,
            host=self._host,
            connect_timeout=options.connect_timeout,
            hide=options.key.hide,
            proxy=options.proxy,
        )

    def _whole(self, request: Request, reply: Mapping[str, Any]) -> Completion:
        if reply.get("status_code") != 200:
            raise self._refused(reply, status=reply.get("status_code"))
        return answer_of(request, reply)

    async def _streamed(self, request: Request, replies: AsyncIterator[Mapping[str, Any]]) -> Completion:
        """Read a stream to its end, also behind an error: left in the middle, the SDK would leave it open."""
        pieces, failed = Pieces(), None
        try:
            async for reply in replies:
                if reply.get("status_code") == 200:
                    pieces.add(request, reply)
                elif failed is None:
                    failed = self._broken(reply, begun=pieces.begun)
        except Exception:
            if not pieces.whole:
                raise  # else the service had said that this was all, and what came behind it does not matter
        if failed is not None:
            raise failed
        return pieces.answer(request)

    def _broken(self, reply: Mapping[str, Any], *, begun: bool) -> CallFailed:
        """Translate an error inside a stream. The HTTP status was 200; the one that the SDK gives is a guess."""
        failed = self._refused(reply, status=200)
        again = verdict(200, failed.code, failed.message).action is Action.RETRY
        if failed.code == _GARBLED or (begun and again):
            # What was written until then may be billed, so it is not quietly asked again.
            return CallFailed(message=f"the stream broke off: {failed.message}", sent=True)
        failed.begun = begun
        return failed

    def _refused(self, reply: Mapping[str, Any], *, status: int | None) -> CallFailed:
        code, message = str(reply.get("code") or ""), str(reply.get("message") or "")
        return CallFailed(status=status, code=code, message=scrubbed(self._options.key.hide(message)), sent=True)

    async def probe(self) -> str:
        """Send a request without a model, which no service answers, and say what came of it. Spends nothing.

        Raises BackendDenied for a key that is refused, BackendUnavailable where nobody answers, and BackendRejected
        where somebody else does.
        """
        import aiohttp  # noqa: PLC0415  # comes with the SDK

        headers = {"Authorization": f"Bearer {self._options.key()}"}
        timeout = aiohttp.ClientTimeout(total=_PROBE_SECONDS)
        url = f"{self._base_url}/services/aigc/text-generation/generation"
        async with open_pool(concurrency=1, context=self._context) as pool:
            link = self._link(pool)
            try:
                await link.session.post(url, json={}, headers=headers, timeout=timeout)
            except CallFailed as failed:
                if not _takes_the_key(failed):
                    raise backend_error(failed, is_bailian=self._options.is_bailian) from None
            finally:
                await link.close()
        return f"{self._options.destination} answers and takes the key"


def _thinks_in_streams_only(request: Request) -> bool:
    known = models.find(request.model)
    return known is not None and known.stream_only_thinking and request.parameters.enable_thinking


def _is_wrong_endpoint(error: CallFailed) -> bool:
    return error.status == 400 and _WRONG_ENDPOINT in error.message.lower()


def _takes_the_key(error: CallFailed) -> bool:
    """Say whether this is how a service that took the key refuses a request without a model."""
    invalid = error.status == 400 and verdict(error.status, error.code, error.message).action is Action.FAIL
    return bool(error.code) and (invalid or error.code.lower() in _NO_MODEL)
