"""Asking a storage again when it gave no reply."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable
from typing import TypeVar

import attrs

from ...errors import StorageUnavailable
from ...ports.storage import Storage
from .clock import Sleep

_T = TypeVar("_T")
_FIRST_WAIT_SECONDS = 0.5
_LONGEST_WAIT_SECONDS = 30.0


@attrs.frozen
class PatientStorage:
    """A storage that asks again, with growing waits, while the inner one is unavailable.

    A repeated create-only put may meet its own earlier write and raise KeyExists; whoever needs to know reads back and
    compares the nonce it wrote.
    """

    inner: Storage
    sleep: Sleep
    attempts: int = 6

    async def get(self, key: str) -> bytes:
        return await self._again(lambda: self.inner.get(key))

    async def stream(self, key: str) -> AsyncGenerator[bytes, None]:
        # Pieces already given cannot be taken back, so a stream is not repeated here.
        async for piece in self.inner.stream(key):
            yield piece

    async def put(self, key: str, data: bytes | AsyncIterable[bytes], *, if_absent: bool = False) -> None:
        if isinstance(data, AsyncIterator):
            # It can be read only once, so it can be sent only once.
            await self.inner.put(key, data, if_absent=if_absent)
            return
        await self._again(lambda: self.inner.put(key, data, if_absent=if_absent))

    async def keys(self, prefix: str = "") -> AsyncIterator[str]:
        last: str | None = None
        wait = _FIRST_WAIT_SECONDS
        for attempt in range(1, self.attempts + 1):
            try:
                async for key in self.inner.keys(prefix):
                    if last is None or key > last:
                        last = key
                        yield key
            except StorageUnavailable:
                if attempt == self.attempts:
                    raise
            else:
                return
            await self.sleep(wait)
            wait = min(wait * 2, _LONGEST_WAIT_SECONDS)

    async def delete(self, key: str) -> None:
        await self._again(lambda: self.inner.delete(key))

    async def _again(self, ask: Callable[[], Awaitable[_T]]) -> _T:
        wait = _FIRST_WAIT_SECONDS
        for _ in range(self.attempts - 1):
            try:
                return await ask()
            except StorageUnavailable:
                await self.sleep(wait)
                wait = min(wait * 2, _LONGEST_WAIT_SECONDS)
        return await ask()
