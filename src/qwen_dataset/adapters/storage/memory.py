"""Storage in memory: for tests, simulations and runs whose job nobody needs again."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Mapping

from ...errors import KeyExists, KeyNotFound, SettingError, StorageError
from .keys import split_key, split_prefix

_PIECE_BYTES = 64 * 1024


def from_url(location: str, parameters: Mapping[str, str]) -> MemoryStorage:
    """Return the storage of ``memory:``, new and empty. Raises SettingError."""
    if location or parameters:
        message = "the storage memory: takes no location and no parameters"
        raise SettingError(message)
    return MemoryStorage()


class MemoryStorage:
    """Objects in this process; gone with it. Deterministic: no thread, no clock, and nothing is ever awaited.

    It refuses what a disk refuses (long names, an object where other objects have a folder), so that what works here
    works on files. Not for use from several threads at once.
    """

    def __init__(self) -> None:
        self._objects: dict[str, bytes] = {}
        self._sorted: list[str] = []

    async def get(self, key: str) -> bytes:
        split_key(key)
        try:
            return self._objects[key]
        except KeyError:
            raise KeyNotFound(key) from None

    async def stream(self, key: str) -> AsyncGenerator[bytes, None]:
        # The bytes are taken when the reader starts: a later put or delete does not reach it.
        data = await self.get(key)
        for start in range(0, len(data), _PIECE_BYTES):
            yield data[start : start + _PIECE_BYTES]

    async def put(self, key: str, data: bytes | AsyncIterable[bytes], *, if_absent: bool = False) -> None:
        self._check_place(key, if_absent=if_absent)
        if isinstance(data, AsyncIterable):
            pieces = bytearray()
            async for piece in data:
                pieces += piece
            data = bytes(pieces)
            # Another task may have been here while the pieces came.
            self._check_place(key, if_absent=if_absent)
        if key not in self._objects:
            insort(self._sorted, key)
        self._objects[key] = bytes(data)

    async def keys(self, prefix: str = "") -> AsyncIterator[str]:
        split_prefix(prefix)
        if prefix in self._objects:
            yield prefix
        below = f"{prefix}/" if prefix else ""
        index = bisect_left(self._sorted, below)
        while index < len(self._sorted) and (key := self._sorted[index]).startswith(below):
            yield key
            # Found anew each time, because keys may come and go while the caller works on this one.
            index = bisect_right(self._sorted, key)

    async def delete(self, key: str) -> None:
        split_key(key)
        if self._objects.pop(key, None) is not None:
            del self._sorted[bisect_left(self._sorted, key)]

    def _check_place(self, key: str, *, if_absent: bool) -> None:
        segments = split_key(key)
        for end in range(1, len(segments)):
            above = "/".join(segments[:end])
            if above in self._objects:
                raise StorageError(f"{key!r} cannot be stored: {above!r} is an object, not a folder")
        below = bisect_left(self._sorted, f"{key}/")
        if below < len(self._sorted) and self._sorted[below].startswith(f"{key}/"):
            raise StorageError(f"{key!r} cannot be stored: it is a folder that holds other objects")
        if if_absent and key in self._objects:
            raise KeyExists(key)
