"""One client of an OpenAI-compatible service, and how its replies and errors are read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Self, TypeVar

import orjson

from ....errors import BackendRejected, BackendUnavailable
from ..calls import CallFailed
from .batch_object import Json
from .client import open_client
from .errors import backend_error, translated
from .options import Options

if TYPE_CHECKING:
    from openai import AsyncOpenAI

_T = TypeVar("_T")

_NOT_THERE = 404


class Refused(BackendRejected):
    """A definite no of the service, with its HTTP status."""

    def __init__(self, message: str, *, status: int | None) -> None:
        super().__init__(message)
        self.status = status

    @property
    def is_not_there(self) -> bool:
        """Whether the service says that it knows no such batch or file."""
        return self.status == _NOT_THERE


class Service:
    """A client, open between ``open`` and ``close``; it may be opened again after that.

    Replies are read as plain JSON, not as the SDK's models: a service may leave out, null or add whatever it likes.
    """

    def __init__(self, options: Options) -> None:
        self._options = options
        self._opened: AsyncOpenAI | None = None

    async def open(self) -> None:
        """Open the client. Asks nobody."""
        self._opened = open_client(self._options)

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
            raise BackendRejected(f"the connection to {self._where} is closed; enter the backend first")
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
            error = backend_error(failed)
            if isinstance(error, BackendRejected) or (definite is not None and failed.status == definite):
                raise Refused(str(error), status=failed.status) from None
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
