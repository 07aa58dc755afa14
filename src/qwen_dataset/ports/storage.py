"""The port to where jobs live: a local folder, memory, an object store."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator
from typing import Protocol


class Storage(Protocol):
    """Objects under keys.

    A key is one or more segments joined by ``/``: relative, no empty, ``.`` or ``..`` segment, no backslash, no
    control character; anything else raises ``InvalidKey``. Every method may raise ``StorageUnavailable`` (no reply: a
    write may or may not have happened) or ``StorageFull``.
    """

    async def get(self, key: str) -> bytes:
        """Return the whole object. Raises ``KeyNotFound``."""
        ...

    def stream(self, key: str) -> AsyncGenerator[bytes, None]:
        """Yield the object in pieces of bounded size; their sum is the object. Raises ``KeyNotFound`` when started."""
        ...

    async def put(self, key: str, data: bytes | AsyncIterable[bytes], *, if_absent: bool = False) -> None:
        """Store an object: atomic and durable.

        - A reader sees the old object or the whole new one, also after a crash at any moment.
        - When it returns, the object survives a loss of power.
        - When ``data`` raises midway, nothing has changed and the exception goes through.
        - With ``if_absent`` exactly one of any number of racing writers wins; the others get ``KeyExists``.
        """
        ...

    def keys(self, prefix: str = "") -> AsyncIterator[str]:
        """Yield the keys below ``prefix`` in ascending code point order; "" is all.

        A prefix matches whole segments: ``a/b`` yields ``a/b/c`` and ``a/b`` itself, never ``a/bc``. Unfinished
        writes are never listed.
        """
        ...

    async def delete(self, key: str) -> None:
        """Remove an object; an absent key is no error (a lost reply must be repeatable)."""
        ...
