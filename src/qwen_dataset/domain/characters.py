"""Characters that Python holds and no file can, and bytes that are none."""

from __future__ import annotations


def whole(text: str) -> str:
    """Return a text that can be written as UTF-8: halves of one character are put together, lone ones become U+FFFD."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def is_utf8(data: bytes) -> bool:
    """Say whether bytes are UTF-8: no other encoding looks like it by chance."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
