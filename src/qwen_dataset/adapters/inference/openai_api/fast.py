"""The connections of many calls at once, by aiohttp: a fifth of the CPU that httpx's own cost a call.

httpx looks through all its connections before and after each call, so that each call costs more the more there are;
aiohttp does not. Only what carries bytes is exchanged: proxies, redirects, certificates and exceptions remain httpx's,
so that nothing above can tell the difference. Cookies are not kept.
"""

from __future__ import annotations

import base64
import functools
import io
import logging
import ssl
from collections.abc import AsyncIterator
from importlib.metadata import version
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ..reply_heads import head_bounds
from ..turns import Turns

if TYPE_CHECKING:
    import aiohttp

_log = logging.getLogger(__name__)

# Many servers hang up after 5 idle seconds. What is sent in that very moment is lost and counts as possibly paid.
_IDLE_SECONDS = 4.0
_WARNED_BYTES = 1 << 20  # of a body in one piece: from there on aiohttp wants a file
_AT_ONCE = 2  # replies that are read between two turns of the event loop: as many as calls are started
_STREAM = b"text/event-stream"
_PROXIES = frozenset({"http", "https"})


@functools.cache
def is_usable() -> bool:
    """Whether aiohttp is there, as new as the extra ``realtime`` has it; imports it.

    It may have come with something else, and then of any version: what misses the names of an error must not be
    noticed by that error.
    """
    try:
        _kinds()
    except ImportError:
        return False
    except AttributeError:
        _log.warning("the installed aiohttp %s is too old for realtime calls, so they go by httpx", version("aiohttp"))
        return False
    return True


@functools.cache
def fast_client(base: type[Any], library: ModuleType) -> type[Any]:
    """Return a class like ``base``, a client of httpx or httpx2 (``library``), whose connections are aiohttp's.

    It is for bodies that are held in memory.
    """
    transport = type("FastTransport", (_Transport, library.AsyncBaseTransport), {"library": library})

    class FastClient(base):  # type: ignore[misc]  # known only when it runs
        _built: Any = None

        def build_request(self, method: str, url: Any, **given: Any) -> Any:
            """Build a request like the last one where only the body differs, as between the calls of a job."""
            content = given.pop("content", None)
            same = (method, url, given)
            if type(content) is not bytes or self._built is None or self._built[0] != same:
                built = super().build_request(method, url, content=content, **given)
                headers = built.headers.copy()
                for name in {"content-length", "cookie"} - library.Headers(given.get("headers")).keys():
                    headers.pop(name, None)
                self._built = (same, built.url, headers, dict(built.extensions))
                return built
            _, known, headers, extensions = self._built
            more = {"cookies": self.cookies} if self.cookies else {}
            return library.Request(method, known, headers=headers, content=content, extensions=extensions, **more)

        def _init_transport(self, **chosen: Any) -> Any:
            return transport(_context(library, chosen))

        def _init_proxy_transport(self, proxy: Any, **chosen: Any) -> Any:
            if proxy.url.scheme not in _PROXIES:
                return super()._init_proxy_transport(proxy, **chosen)
            return transport(_context(library, chosen), proxy)

    return FastClient


def _context(library: ModuleType, chosen: dict[str, Any]) -> ssl.SSLContext:
    made: ssl.SSLContext = library.create_ssl_context(
        **{name: chosen[name] for name in ("verify", "cert", "trust_env") if name in chosen}
    )
    return made


class _Transport:
    """Sends a request once, and gives the whole reply, or a stream where it is one of events."""

    library: Any

    def __init__(self, context: ssl.SSLContext, proxy: Any = None) -> None:
        self._context = context
        self._proxy = {} if proxy is None else {"proxy": str(proxy.url)}
        self._password = _password(proxy)
        self._session: aiohttp.ClientSession | None = None
        self._turns = Turns(_AT_ONCE)

    async def handle_async_request(self, request: Any) -> Any:
        library = self.library
        content = await request.aread()
        if self._session is None:
            self._session = _session(self._context)
        try:
            reply = await self._session.request(request.method, **self._asked(request, content))
            is_stream = _is_stream(reply)
            body = None
            if not is_stream:
                body = await reply.read()
                await self._turns.take()
        except Exception as error:
            if (known := _translated(library, error)) is None:
                raise
            raise known from error
        given = {"stream": _events(library)(reply)} if is_stream else {"content": body}
        # As it came: some gateways write it in an encoding of their own.
        reason = (reply.reason or "").encode("utf-8", "surrogateescape")
        extensions = {"http_version": b"HTTP/1.1", "reason_phrase": reason}
        # Gateways set cookies that no API asks for, and a jar costs as much as all else of building a request.
        headers = [each for each in reply.raw_headers if each[0].lower() != b"set-cookie"]
        return library.Response(reply.status, headers=headers, request=request, extensions=extensions, **given)

    def _asked(self, request: Any, content: bytes) -> dict[str, Any]:
        """Return what the session is told; the proxy's password goes where the proxy, and nobody else, sees it."""
        headers = request.headers.multi_items()
        timeouts = request.extensions.get("timeout", {})
        asked: dict[str, Any] = {
            "url": _address(str(request.url)),
            "headers": headers,
            "data": content if len(content) < _WARNED_BYTES else io.BytesIO(content),
            "allow_redirects": False,
            "timeout": _timeout(timeouts.get("connect"), timeouts.get("read")),
            **self._proxy,
        }
        if self._password and request.url.scheme == "https":
            asked["proxy_headers"] = self._password
        elif self._password:
            headers += self._password.items()
        return asked

    async def aclose(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()


class _Events:
    """The body of a reply that comes piece by piece."""

    library: Any

    def __init__(self, reply: aiohttp.ClientResponse) -> None:
        self._reply = reply

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self._reply.content.iter_any():
                yield piece
        except Exception as error:
            if (known := _translated(self.library, error)) is None:
                raise
            raise known from error

    async def aclose(self) -> None:
        self._reply.close()


@functools.cache
def _events(library: ModuleType) -> type[Any]:
    return type("Events", (_Events, library.AsyncByteStream), {"library": library})


def _session(context: ssl.SSLContext) -> aiohttp.ClientSession:
    import aiohttp  # noqa: PLC0415  # an extra

    # No bound on connections: how many calls there are is decided before they come here.
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ssl=context, keepalive_timeout=_IDLE_SECONDS),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,  # httpx does that
        skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
        **head_bounds(),
    )


@functools.lru_cache(maxsize=64)
def _address(url: str) -> Any:
    from yarl import URL  # noqa: PLC0415  # comes with aiohttp

    return URL(url, encoded=True)


@functools.lru_cache(maxsize=64)
def _timeout(connect: float | None, read: float | None) -> aiohttp.ClientTimeout:
    import aiohttp  # noqa: PLC0415  # an extra

    # httpx gives the connection its time, and TLS on top of it the same once more.
    both = None if connect is None else 2 * connect
    return aiohttp.ClientTimeout(connect=both, sock_connect=connect, sock_read=read)


def _password(proxy: Any) -> dict[str, str]:
    """Return the header that shows a proxy of httpx who asks; empty where nobody must be shown."""
    if proxy is None or proxy.auth is None:
        return {}
    return {"Proxy-Authorization": "Basic " + base64.b64encode(":".join(proxy.auth).encode()).decode()}


def _is_stream(reply: aiohttp.ClientResponse) -> bool:
    return any(name.lower() == b"content-type" and value.startswith(_STREAM) for name, value in reply.raw_headers)


def _translated(library: Any, error: Exception) -> Exception | None:
    """Return the exception of httpx for one of aiohttp, None for any other.

    What says that nothing was sent must be raised only where that is so: such a call is repeated.
    """
    name = next((name for kind, name in _kinds() if isinstance(error, kind)), None)
    return None if name is None else getattr(library, name)(str(error))


@functools.cache
def _kinds() -> tuple[tuple[type[Exception], str], ...]:
    """Return what aiohttp's exceptions are to httpx. The first that fits: some are kinds of others."""
    import aiohttp  # noqa: PLC0415  # an extra

    return (
        (aiohttp.ConnectionTimeoutError, "ConnectTimeout"),
        (aiohttp.ClientProxyConnectionError, "ProxyError"),
        (aiohttp.ClientHttpProxyError, "ProxyError"),
        (aiohttp.ClientConnectorError, "ConnectError"),
        (aiohttp.NonHttpUrlClientError, "UnsupportedProtocol"),
        (aiohttp.InvalidURL, "UnsupportedProtocol"),
        (aiohttp.ServerTimeoutError, "ReadTimeout"),
        (aiohttp.ServerDisconnectedError, "RemoteProtocolError"),
        (aiohttp.ClientResponseError, "RemoteProtocolError"),
        (aiohttp.ClientPayloadError, "RemoteProtocolError"),
        (aiohttp.ClientError, "ReadError"),
    )
