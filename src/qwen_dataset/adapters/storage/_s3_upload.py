"""Feeding an upload piece by piece from our own task, so that a source that fails or a cancelled caller aborts it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

PIECE_BYTES = 8 * 1024 * 1024
"""How large the parts of an upload are. A store takes 10,000 of them, so an object may have 80 GB; one
that is created only where there is none is copied whole, and services do that up to 5 GB."""

_T = TypeVar("_T")


class _AbandonedError(Exception):
    """Raised to the client in place of the next piece: it then takes back what it has uploaded."""


class _Feed:
    """The pieces, handed to the client one at a time."""

    def __init__(self) -> None:
        self.slot: asyncio.Queue[bytes | _AbandonedError | None] = asyncio.Queue(1)

    def __aiter__(self) -> _Feed:
        return self

    async def __anext__(self) -> bytes:
        piece = await self.slot.get()
        if piece is None:
            raise StopAsyncIteration
        if isinstance(piece, _AbandonedError):
            raise piece
        return piece


async def upload(pieces: AsyncIterable[bytes], send: Callable[[AsyncIterator[bytes]], Awaitable[Any]]) -> None:
    """Send all pieces, or none: what ``pieces`` raises goes through, and ``send`` has ended when this ends.

    The client would iterate ``pieces`` in a task of its own, which goes on waiting for a source when its caller is
    cancelled, and leaves the parts that were sent at the service. So the source is driven from here.
    """
    feed = _Feed()
    sending = asyncio.ensure_future(_awaited(send(feed)))
    try:
        async for piece in pieces:
            await _hand(feed, piece, sending)
            if sending.done():
                break
        await _hand(feed, None, sending)
        await ended(sending)
    except BaseException:
        if not sending.done():
            _empty(feed.slot)
            feed.slot.put_nowait(_AbandonedError())
            await ended(sending, quietly=True)
        raise
    finally:
        # The client may have asked for one more piece before it failed.
        _empty(feed.slot)
        feed.slot.put_nowait(None)


async def ended(task: asyncio.Future[_T], *, quietly: bool = False) -> _T | None:
    """Wait until a task has ended, also when cancelled meanwhile, and return its result unless ``quietly``."""
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    failed = None if task.cancelled() else task.exception()
    if cancelled is not None:
        raise cancelled
    if quietly:
        return None
    if failed is not None:
        raise failed
    return task.result()


async def in_parts(first: bytearray, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield what was read already and then the rest, in pieces worth a part each."""
    buffer = first
    async for piece in rest:
        if len(buffer) >= PIECE_BYTES:
            yield bytes(buffer)
            buffer = bytearray()
        buffer += piece
    yield bytes(buffer)


async def cut(data: bytes) -> AsyncIterator[bytes]:
    """Yield bytes that are there already, in pieces worth a part each."""
    for start in range(0, len(data), PIECE_BYTES):
        yield data[start : start + PIECE_BYTES]


async def hashed(pieces: AsyncIterator[bytes], into: Any) -> AsyncIterator[bytes]:
    """Yield the pieces, and add each to a hash."""
    async for piece in pieces:
        into.update(piece)
        yield piece


async def _hand(feed: _Feed, piece: bytes | None, sending: asyncio.Future[Any]) -> None:
    handing = asyncio.ensure_future(feed.slot.put(piece))
    try:
        await asyncio.wait((handing, sending), return_when=asyncio.FIRST_COMPLETED)
    finally:
        handing.cancel()


def _empty(slot: asyncio.Queue[Any]) -> None:
    while not slot.empty():
        slot.get_nowait()


async def _awaited(awaitable: Awaitable[_T]) -> _T:
    return await awaitable
