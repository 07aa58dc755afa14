"""A server that answers every request with the very same bytes, whatever they are, and hangs up."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


@asynccontextmanager
async def replying(reply: bytes) -> AsyncIterator[tuple[str, list[bytes]]]:
    """Serve on loopback; give the address and the bodies that were sent so far."""
    bodies: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        bodies.append(await reader.readexactly(int(length[1]) if length else 0))
        writer.write(reply)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", bodies
