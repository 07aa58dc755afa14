"""Which requests were asked, for a backend that needs no more of them than their ids."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import aclosing

from ...domain.inference import Request
from ...ports.inference import KnowsIds
from .concurrent import closing


async def asked_ids(requests: AsyncIterable[Request]) -> dict[str, None]:
    """Return the ids in the order of the requests, each once; the requests are not read where their ids are known."""
    asked: dict[str, None] = {}
    source = requests.ids() if isinstance(requests, KnowsIds) else _ids_of(requests)
    async with aclosing(source):
        async for request_id in source:
            asked[request_id] = None
    return asked


async def _ids_of(requests: AsyncIterable[Request]) -> AsyncGenerator[str, None]:
    source = aiter(requests)
    async with closing(source):
        async for request in source:
            yield request.id
