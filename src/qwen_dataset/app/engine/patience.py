"""Asking a storage again when it gave no reply."""

from __future__ import annotations

import itertools
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable, Iterator
from typing import TypeVar

import attrs

from ...errors import StorageUnavailable
from ...ports.storage import Storage
from .clock import Sleep

_T = TypeVar("_T")
_FIRST_WAIT_SECONDS = 0.5
_LONGEST_WAIT_SECONDS = 30.0


@attrs.define
class PatientStorage:
    """A storage that asks again, with growing waits, while the inner one is unavailable.

    ``attempts`` times at first; once something could be stored, for ``outage_seconds``: a job that polls for hours must
    not end because the network was away for a few minutes.

    A repeated create-only put may meet its own earlier write and raise KeyExists; whoever needs to know reads back and
    compares the nonce it wrote.
    """

    inner: Storage
    sleep: Sleep
    attempts: int = 6
    outage_seconds: float = 3600.0
    _proven: bool = attrs.field(default=False, init=False)

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
        self._proven = True

    async def keys(self, prefix: str = "") -> AsyncIterator[str]:
        last: str | None = None
        waits = self._waits()
        while True:
            try:
                async for key in self.inner.keys(prefix):
                    if last is None or key > last:
                        last = key
                        yield key
            except StorageUnavailable:
                wait = next(waits, None)
                if wait is None:
                    raise
            else:
                return
            await self.sleep(wait)

    async def delete(self, key: str) -> None:
        await self._again(lambda: self.inner.delete(key))

    async def _again(self, ask: Callable[[], Awaitable[_T]]) -> _T:
        waits = self._waits()
        while True:
            try:
                return await ask()
            except StorageUnavailable:
                wait = next(waits, None)
                if wait is None:
                    raise
            await self.sleep(wait)

    def _waits(self) -> Iterator[float]:
        """Yield the seconds to wait before each further attempt."""
        wait, waited = _FIRST_WAIT_SECONDS, 0.0
        for attempt in itertools.count(1):
            if attempt >= self.attempts and not (self._proven and waited < self.outage_seconds):
                return
            yield wait
            waited += wait
            wait = min(wait * 2, _LONGEST_WAIT_SECONDS)
