"""Text, a TOML table or a file to what goes into the body of every request: its response format, and what else.

As in ``values``, each function takes anything and raises ValueError or TypeError; ``Unfit`` says why.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .values import Unfit, path, text

_LARGEST = 1_000_000
_JSON_OBJECT = "json_object"
_JSON_SCHEMA = "json_schema"
# A JSON schema has at least one of these.
_OF_SCHEMAS = frozenset({"type", "properties", "items", "$ref", "anyOf", "oneOf", "allOf", "enum", "const"})
_TYPES = frozenset({"object", "array", "string", "number", "integer", "boolean", "null"})
_NAME = "answer"

# What is ours to send, has a setting of its own, or would buy several answers where one is counted.
_NOT_EXTRA = (
    "messages", "model", "stream", "n", "temperature", "top_p", "max_tokens",
    "enable_thinking", "thinking_budget", "response_format", "api_key", "authorization",
)  # fmt: skip


def response_format(value: object) -> dict[str, Any]:
    """Read ``json_object``, a JSON schema, or what the API itself takes.

    A schema may be a table, JSON text or the path of a ``.json`` file. It becomes the API's ``response_format``.
    """
    if not isinstance(value, str | os.PathLike):
        return _format(_plain(value))
    found = text(os.fspath(value))
    if found.lower() == _JSON_OBJECT:
        return {"type": _JSON_OBJECT}
    if found.startswith("{"):
        return _format(_parsed(found))
    if not found.lower().endswith(".json"):
        raise ValueError
    return _format(_parsed(_contents(path(found))))


def extra_body(value: object) -> dict[str, Any] | None:
    """Read a table, or JSON text that holds one; None for an empty one."""
    found = _parsed(text(value)) if isinstance(value, str) else _plain(value)
    for name in found:
        if name.lower() in _NOT_EXTRA:
            raise Unfit(f"{name.lower()} cannot stand in it")
    return found or None


def _format(table: dict[str, Any]) -> dict[str, Any]:
    kind = table.get("type")
    if kind == _JSON_OBJECT:
        return {"type": _JSON_OBJECT}
    if kind == _JSON_SCHEMA:
        inner = table.get(_JSON_SCHEMA)
        if not isinstance(inner, dict) or not isinstance(inner.get("schema"), dict):
            raise Unfit("its json_schema holds no schema")
        return table
    known = kind is None or isinstance(kind, list) or (isinstance(kind, str) and kind in _TYPES)
    if not known or not _OF_SCHEMAS & table.keys():
        raise Unfit("that is no JSON schema")
    return {"type": _JSON_SCHEMA, _JSON_SCHEMA: {"name": _NAME, "schema": table, "strict": True}}


def _contents(file: Path) -> bytes:
    why = ""
    try:
        with file.open("rb") as stream:
            data = stream.read(_LARGEST + 1)
    except OSError as error:
        why = f"that file cannot be read: {os.strerror(error.errno or 0)}"
    else:
        if len(data) <= _LARGEST:
            # Editors of some systems put a mark in front.
            return data.removeprefix(b"\xef\xbb\xbf")
        why = f"that file is larger than {_LARGEST} bytes"
    raise Unfit(why)


def _parsed(data: str | bytes) -> dict[str, Any]:
    import orjson  # noqa: PLC0415 - few settings' files need it

    try:
        found = orjson.loads(data)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Unfit("that is no JSON object")
    return found


def _plain(value: object) -> dict[str, Any]:
    """Return a copy of a table. What JSON cannot hold, such as a date or an infinity, is refused."""
    import orjson  # noqa: PLC0415 - as above

    if not isinstance(value, Mapping):
        raise TypeError
    copy: dict[str, Any] = orjson.loads(orjson.dumps(dict(value)))
    if copy != value:
        raise ValueError
    return copy
