"""One client of an OpenAI-compatible service, and how its replies and errors are read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Self, TypeVar

import orjson

from ....errors import BackendDenied, BackendRejected, BackendUnavailable
from ..calls import CallFailed
from .batch_object import Json
from .client import open_client
from .errors import backend_error, translated
from .options import Options

if TYPE_CHECKING:
    from openai import AsyncOpenAI

_T = TypeVar("_T")

_NOT_THERE = frozenset({404, 410})
_BAD_ID = frozenset({400, 422})  # how some services answer for an id that they do not know
_NOT_THERE_CODES = frozenset({"notfound", "resourcenotfound", "batchnotfound", "filenotfound", "nosuchbatch"})


class Refused(BackendRejected):
    """A definite no of the service, with its HTTP status and its code ("" where it gave none)."""

    def __init__(self, message: str, *, status: int | None, code: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code

    @property
    def is_not_there(self) -> bool:
        """Whether the service says that it knows no such batch or file."""
        code = self.code.lower().replace("_", "").replace("-", "").replace(".", "")
        return self.status in _NOT_THERE or code in _NOT_THERE_CODES

    @property
    def is_gone(self) -> bool:
        """Whether this is how a service speaks of an id that it gave out once and knows no more."""
        return self.is_not_there or self.status in _BAD_ID


class Service:
    """A client, open between ``open`` and ``close``; it may be opened again after that.

    Replies are read as plain JSON, not as the SDK's models: a service may leave out, null or add whatever it likes.
    """

    def __init__(self, options: Options) -> None:
        self._options = options
        self._opened: AsyncOpenAI | None = None

    async def open(self) -> None:
        """Open the client. Asks nobody."""
        # In a thread: it reads certificates, which takes a moment.
        self._opened = await asyncio.to_thread(open_client, self._options)

    async def close(self) -> None:
        """Close the client."""
        client, self._opened = self._opened, None
        if client is not None:
            await client.close()

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Self]:
        """Hold the client open for a while."""
        await self.open()
        try:
            yield self
        finally:
            await self.close()

    @property
    def _client(self) -> AsyncOpenAI:
        if self._opened is None:
            raise BackendDenied(f"the connection to {self._where} is closed; enter the backend first")
        return self._opened

    @property
    def _where(self) -> str:
        return self._options.destination

    async def _ask(self, call: Awaitable[_T], *, definite: int | None = None) -> _T:
        """Await a call of the SDK; errors become those of the port, a definite no with its HTTP status.

        ``definite`` is a status that is a definite no to this call, whatever it says elsewhere.
        """
        try:
            with translated(self._options.key.hide):
                return await call
        except CallFailed as failed:
            error = backend_error(failed, is_bailian=self._options.is_bailian)
            if isinstance(error, BackendRejected) or (definite is not None and failed.status == definite):
                raise Refused(str(error), status=failed.status, code=failed.code) from None
            raise error from None

    async def _json(self, call: Awaitable[Any], *, definite: int | None = None) -> Json:
        """Return the JSON object that a call gives. What is no such object is no definite answer."""
        response = await self._ask(call, definite=definite)
        try:
            body = orjson.loads(response.content)
        except orjson.JSONDecodeError:
            body = None
        if not isinstance(body, dict):
            raise BackendUnavailable(
                f"{self._where} answered with something that is not the JSON of this API (HTTP {response.status_code});"
                " look at base_url and the proxy"
            )
        return body
