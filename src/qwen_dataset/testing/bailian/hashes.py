"""What two requests are the same by."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson

_TRANSPORT = frozenset({"stream", "stream_options", "result_format", "incremental_output"})
"""How an answer travels, not what is asked."""


def request_hash(body: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a request's body, written by orjson with sorted keys.

    How the answer travels (``stream`` and the like) does not count, and a native body is first written in the form of
    a compatible one, so the same question has the same hash in a batch, in chat and at the native endpoints.
    """
    return hashlib.sha256(orjson.dumps(compatible_body(body), option=orjson.OPT_SORT_KEYS)).hexdigest()


def compatible_body(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a body asks, however it travels, in the form of a compatible body."""
    asked = {name: value for name, value in body.items() if name not in _TRANSPORT}
    inner, parameters = body.get("input"), body.get("parameters", {})
    if isinstance(inner, Mapping) and "messages" in inner and isinstance(parameters, Mapping):
        del asked["input"]
        asked.pop("parameters", None)
        asked |= {name: value for name, value in parameters.items() if name not in _TRANSPORT}
        asked["messages"] = [_flat(message) for message in inner["messages"]]
    return asked


def _flat(message: Any) -> Any:
    """Write the one-part content of a multimodal message as the text it is."""
    match message:
        case {"content": [{"text": str(text), **more}]} if not more:
            return {**message, "content": text}
    return message
