"""Ids made of content: the same content has the same id on every machine and in every year."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from typing import Any

_DIGEST_BYTES = 16


def content_id(value: Any) -> str:
    """Return 32 hex digits that name ``value`` (anything JSON can hold, key order ignored).

    The canonical form is JSON with sorted keys, no spaces, UTF-8; BLAKE2b with 128 bits makes an accidental collision
    among a billion requests less likely than a disk error.
    """
    canonical = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text_id(canonical)


def text_id(text: str) -> str:
    """Return 32 hex digits that name a text."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_DIGEST_BYTES).hexdigest()


class RunningId:
    """The id of a sequence too long to hold: add its parts in order, then ask."""

    def __init__(self) -> None:
        self._hash = hashlib.blake2b(digest_size=_DIGEST_BYTES)

    def add(self, part: str) -> None:
        data = part.encode("utf-8", "surrogatepass")
        # The length keeps ("ab", "c") and ("a", "bc") apart.
        self._hash.update(len(data).to_bytes(8, "big"))
        self._hash.update(data)

    def hexdigest(self) -> str:
        return self._hash.hexdigest()


def wording_id(*texts: object) -> str:
    """Return the id of what texts say: texts that differ in white space and composition only have the same one."""
    return content_id([" ".join(unicodedata.normalize("NFC", str(text)).split()) for text in texts])
