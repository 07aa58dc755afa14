"""What this process and one that reads say to each other: framed messages over two pipes."""

from __future__ import annotations

import enum
import struct

_HEAD = struct.Struct(">BI")
_MOST = 2**31


class Reply(enum.IntEnum):
    """What the process that reads says."""

    READY = 1
    PAPER = 2
    UNREAD = 3
    PARTS = 4
    DONE = 5
    SETTING = 6  # the reader itself cannot be used
    TOO_LARGE = 7  # more comes out than can be in the file
    NO_MEMORY = 8


ASK = 0
"""The one kind of message that the process that reads is sent."""


def framed(kind: int, data: bytes) -> bytes:
    """Return a message as it goes over a pipe."""
    return _HEAD.pack(kind, len(data)) + data


class Unframed:
    """Messages out of the bytes of a pipe, as they come."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """Return the messages that are complete with these bytes. Raises ValueError where there is no sense in them."""
        self._bytes += data
        found = []
        start = 0
        while len(self._bytes) - start >= _HEAD.size:
            kind, size = _HEAD.unpack_from(self._bytes, start)
            if size > _MOST:
                raise ValueError
            end = start + _HEAD.size + size
            if end > len(self._bytes):
                break
            found.append((kind, bytes(self._bytes[start + _HEAD.size : end])))
            start = end
        del self._bytes[:start]
        return found
