"""Ids made of content: the same content has the same id on every machine and in every year."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Iterable
from typing import Any

import orjson

_DIGEST_BYTES = 16
_CANONICAL = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def content_id(value: Any) -> str:
    """Return 32 hex digits that name ``value`` (anything JSON can hold, key order ignored).

    The canonical form is JSON with sorted keys, no spaces, UTF-8; BLAKE2b with 128 bits makes an accidental collision
    among a billion requests less likely than a disk error.
    """
    return text_id(canonical(value))


def canonical(value: Any) -> str:
    """Return the form of ``value`` that ``content_id`` hashes."""
    return _CANONICAL.encode(value)


def quoted(text: str) -> bytes:
    """Return the bytes of ``canonical(text)``, a good deal sooner."""
    try:
        return orjson.dumps(text)
    except orjson.JSONEncodeError:
        # Half a character (a lone surrogate).
        return canonical(text).encode("utf-8", "surrogatepass")


def text_id(text: str) -> str:
    """Return 32 hex digits that name a text."""
    return bytes_id(text.encode("utf-8", "surrogatepass"))


def bytes_id(data: bytes) -> str:
    """Return 32 hex digits that name bytes."""
    return hashlib.blake2b(data, digest_size=_DIGEST_BYTES).hexdigest()


class RunningId:
    """The id of a sequence too long to hold: add its parts in order, then ask."""

    def __init__(self) -> None:
        self._hash = hashlib.blake2b(digest_size=_DIGEST_BYTES)

    def add(self, part: str | bytes) -> None:
        """Add a text, or its bytes in UTF-8."""
        data = part if isinstance(part, bytes) else part.encode("utf-8", "surrogatepass")
        # The length keeps ("ab", "c") and ("a", "bc") apart.
        self._hash.update(len(data).to_bytes(8, "big") + data)

    def hexdigest(self) -> str:
        return self._hash.hexdigest()


def sequence_id(parts: Iterable[str]) -> str:
    """Return the id of a sequence that can be held, the one that ``RunningId`` gives of its parts."""
    data = [part.encode("utf-8", "surrogatepass") for part in parts]
    lengths = {len(each) for each in data}
    if len(lengths) == 1:
        # Fifty thousand ids of one length, as nearly always: the same bytes in a third of the time.
        length = lengths.pop().to_bytes(8, "big")
        return bytes_id(length + length.join(data))
    return bytes_id(b"".join([len(each).to_bytes(8, "big") + each for each in data]))


def wording_id(*texts: object) -> str:
    """Return the id of what texts say: texts that differ in white space and composition only have the same one."""
    return content_id([" ".join(unicodedata.normalize("NFC", str(text)).split()) for text in texts])
