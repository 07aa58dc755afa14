"""The SDK's client, set up so that it does nothing by itself: no retry, no key of its own, no timeout but ours."""

from __future__ import annotations

import ssl
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from . import fast
from .options import BATCH_CHAT, Options, user_agent

if TYPE_CHECKING:
    from openai import AsyncOpenAI

_NO_KEY_YET = "none"
_SPARE_CONNECTIONS = 8  # for what is asked beside the calls
_CLOSING_SECONDS = 60.0  # Batch Chat's own answer that the time is up must still arrive


def load_sdk() -> None:
    """Import what a client will need: it takes half a second, which must not pass inside a running loop."""
    import openai.resources.batches  # noqa: PLC0415
    import openai.resources.chat.completions  # noqa: PLC0415
    import openai.resources.files  # noqa: F401, PLC0415


def open_client(options: Options, http: Any = None, *, asks_key: bool = True) -> AsyncOpenAI:
    """Return a client for one event loop; ``await client.close()`` it. Asks nobody yet.

    The key is asked for before each request, and BackendDenied comes out of a call where there is none; without
    ``asks_key`` whoever calls sets ``api_key`` before each call. ``http`` is the HTTP client below it, and is closed
    with it.
    """
    import openai  # noqa: PLC0415

    async def key() -> str:
        return options.key()

    client = openai.AsyncOpenAI(
        api_key=key if asks_key else _NO_KEY_YET,
        base_url=options.base_url,
        max_retries=0,
        timeout=_timeout(options),
        default_headers={"User-Agent": user_agent()},
        http_client=http or _http_client(options),
    )
    # The environment's are of OpenAI, and not for every server that speaks its protocol.
    client.organization = client.project = None
    return client


def read_seconds(options: Options) -> float:
    """Return how long a reply is waited for."""
    return options.timeout + (_CLOSING_SECONDS if options.name == BATCH_CHAT else 0.0)


def open_calls(options: Options) -> Any:
    """Return an HTTP client for many chat calls at once, by aiohttp where that is installed; ``aclose`` it.

    For bodies that are held in memory.
    """
    import openai  # noqa: PLC0415

    base = openai.DefaultAsyncHttpxClient
    is_fast = options.connections == "auto" and fast.is_usable()
    kind = fast.fast_client(base, _library()) if is_fast else base
    return _http_client(options, kind)


def _http_client(options: Options, kind: Any = None) -> Any:
    """Return the HTTP client below the SDK: as many connections as calls, proxy and certificates as chosen.

    Without ``proxy`` it obeys HTTPS_PROXY, HTTP_PROXY and NO_PROXY.
    """
    import openai  # noqa: PLC0415

    chosen: dict[str, Any] = {}
    connections = options.concurrency + _SPARE_CONNECTIONS
    chosen["limits"] = _library().Limits(max_connections=connections, max_keepalive_connections=connections)
    chosen["timeout"] = _timeout(options)
    if options.proxy is not None:
        chosen["proxy"] = options.proxy
    if options.ca is not None:
        context = ssl.create_default_context()
        context.load_verify_locations(cafile=options.ca)  # beside the system's own
        chosen["verify"] = context
    return (kind or openai.DefaultAsyncHttpxClient)(**chosen)


class Post:
    """Posts bodies to one address as ``client``, with ``http`` below it, would: with its headers, never twice.

    The SDK puts headers, address and options together for each call, looks at each reply in ten ways, and makes
    objects of all that: a fifth of what a call costs.
    """

    def __init__(self, client: AsyncOpenAI, http: Any, path: bytes) -> None:
        self._client = client
        self._http = http
        self._address = client.base_url.copy_with(raw_path=client.base_url.raw_path + path)
        self._key: str | None = None
        self._headers: dict[str, str] = {}

    async def __call__(self, body: bytes) -> Any:
        """Return the reply, read, whatever its status. Raises what the HTTP client raises."""
        if self._client.api_key != self._key:
            # What is to be left out is no text.
            said = {**self._client.default_headers, **self._client.auth_headers}
            self._headers = {name: value for name, value in said.items() if isinstance(value, str)}
            self._key = self._client.api_key
        request = self._http.build_request("POST", self._address, headers=self._headers, content=body)
        return await self._http.send(request)


def _library() -> ModuleType:
    """Return httpx or httpx2, by the version of the SDK: whichever its own client is made of."""
    import openai  # noqa: PLC0415

    return import_module(openai.DefaultAsyncHttpxClient.__mro__[1].__module__.partition(".")[0])


def _timeout(options: Options) -> Any:
    import openai  # noqa: PLC0415

    return openai.Timeout(read_seconds(options), connect=options.connect_timeout, pool=None)
