"""The connections under the SDK: one pool of our own, and around each call a ``Link`` that sends at most once.

The SDK sends a call again when its connection breaks before a reply came (``send_with_retry_async``). A POST may be
running, and be billed, by then. So each call is given a session of its own on the shared pool, whose middleware
raises what the SDK does not take for a broken connection, and sends nothing a second time.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..calls import CallFailed
from ..openai_api.errors import retry_after_of, scrubbed
from ..openai_api.wire import trouble_of
from ..reply_heads import head_bounds
from .errors import call_failed

if TYPE_CHECKING:
    import aiohttp

_STREAM = "text/event-stream"
_SHOWN = 300  # characters of a page that is no error of the API's


def tls_context(ca: str | None) -> ssl.SSLContext:
    """Return what decides whom to trust: the system's authorities, the SDK's bundle, and a person's own file.

    Reads files, so it belongs into the factory.
    """
    import certifi  # noqa: PLC0415  # comes with the SDK

    context = ssl.create_default_context()
    context.load_verify_locations(cafile=certifi.where())
    if ca is not None:
        context.load_verify_locations(cafile=ca)
    return context


def open_pool(*, concurrency: int, context: ssl.SSLContext) -> aiohttp.TCPConnector:
    """Open the connections for so many calls at once; ``await pool.close()`` them. Works inside one event loop."""
    import aiohttp  # noqa: PLC0415  # comes with the SDK

    return aiohttp.TCPConnector(limit=concurrency, ssl=context)


class Link:
    """What one call of the SDK goes through: ``session`` sends once, and the link knows what became of it.

    ``host`` names the service in sentences; ``hide`` takes the key out of what the service says; ``proxy`` None takes
    proxies, and their passwords, from the environment. ``used``: whether the call came here at all; ``sent``: whether
    anything of it may have reached the service. Close it: the session is its own, the pool is not.
    """

    def __init__(
        self,
        pool: aiohttp.BaseConnector,
        *,
        host: str,
        connect_timeout: float,
        hide: Callable[[str], str],
        proxy: str | None = None,
    ) -> None:
        import aiohttp  # noqa: PLC0415

        self.used = False
        self.sent = False
        self._host = host
        self._hide = hide
        self._connect_timeout = connect_timeout
        self._connecting: asyncio.Timeout | None = None
        self._response: aiohttp.ClientResponse | None = None
        self._body = b""
        trace = aiohttp.TraceConfig()
        trace.on_connection_create_end.append(self._connected)
        trace.on_connection_reuseconn.append(self._connected)
        self.session = aiohttp.ClientSession(
            connector=pool,
            connector_owner=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            proxy=proxy,
            trust_env=True,
            trace_configs=[trace],
            middlewares=(self._once,),
            **head_bounds(),
        )

    async def _once(self, request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        """Send the request, the first time. Raises ``CallFailed`` where no reply came, and for an error status.

        That too is said in the words of the body, whatever shape it has; a redirect is an error like any other,
        since the SDK would take the page that stands there for an answer.
        """
        if self.used:
            raise CallFailed(message=f"{self._host} gave no reply", sent=self.sent)
        self.used = True
        try:
            async with asyncio.timeout(self._connect_timeout) as self._connecting:
                response = await send(request)
            self._response = response
            if response.status != 200 or response.content_type != _STREAM:
                self._body = await response.read()  # the response keeps it for the SDK
        except Exception as error:  # noqa: BLE001  # the table says what it means
            if self._response is None or self._response.status == 200:
                raise call_failed(error, sent=self.sent, host=self._host) from None
        # An error status is definite, also where its words got lost.
        if self._response.status != 200:
            raise self._refusal(self._response)
        return self._response

    async def _connected(self, *_: Any) -> None:
        """Note that from now on anything may have been sent."""
        self.sent = True
        if self._connecting is not None:
            self._connecting.reschedule(None)

    def _refusal(self, response: aiohttp.ClientResponse) -> CallFailed:
        """Read an error's body: the native shape, the compatible one, or a proxy's page."""
        text = self._body.decode("utf-8", "replace")
        told = trouble_of(
            _parsed(text.rpartition("data:")[2] if response.content_type == _STREAM else text), response.status
        )
        page = " ".join(text.split())[:_SHOWN]
        message = told.message if told else page or response.reason or ""
        return CallFailed(
            status=response.status,
            code=told.code if told else "",
            message=scrubbed(self._hide(message)),
            retry_after=retry_after_of(response.headers),
            sent=True,
        )

    def body(self) -> dict[str, Any]:
        """Return the reply as it came; empty where there is none, or it is a stream, or no object."""
        found = _parsed(self._body.decode("utf-8", "replace"))
        return found if isinstance(found, dict) else {}

    async def close(self) -> None:
        """Give the connection back to the pool; one whose reply was not read to its end is closed."""
        if self._response is not None:
            self._response.release()
        await self.session.close()


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
