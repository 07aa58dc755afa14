"""Small things that all handlers share: replies, limits of lists, connections that break."""

from __future__ import annotations

from typing import Any

import attrs
import orjson
from aiohttp import web

from .errors import bad_request


@attrs.define(eq=False, kw_only=True)
class Call:
    """What the gate knows of a call; ``body`` of chat and native calls, ``reset``: the reply must break off."""

    id: str
    body: dict[str, Any] = attrs.field(factory=dict)
    reset: bool = False


class Download(web.StreamResponse):
    """A reply in chunks, without a content type (see ``unlabelled``)."""


async def unlabelled(_: web.Request, reply: web.StreamResponse) -> None:
    """Take away the content type that aiohttp gives a download; a signal of the application."""
    if isinstance(reply, Download):
        del reply.headers["Content-Type"]


class Lost(Exception):
    """What was asked is done, and no reply goes out."""


def json_reply(body: object, status: int = 200) -> web.Response:
    """Return a JSON response."""
    return web.Response(body=orjson.dumps(body), status=status, content_type="application/json", charset="UTF-8")


async def body_of(request: web.Request) -> dict[str, Any]:
    """Return the JSON object that was sent. Raises ``Refusal``: 400."""
    try:
        body = orjson.loads(await request.read())
    except orjson.JSONDecodeError:
        body = None
    if not isinstance(body, dict):
        raise bad_request("The request body is not a JSON object.")
    return body


def limit_of(request: web.Request, *, most: int) -> int:
    """Return how many a list may show. Raises ``Refusal``: 400."""
    text = request.query.get("limit", "20")
    if not text.isdigit() or not 1 <= int(text) <= most:
        raise bad_request(f"'limit' must be from 1 to {most}.", param="limit")
    return int(text)


def reset(request: web.Request) -> None:
    """Break the connection."""
    if request.transport is not None:
        request.transport.abort()
