"""Characters that Python holds and no file can."""

from __future__ import annotations


def whole(text: str) -> str:
    """Return a text that can be written as UTF-8: halves of one character are put together, lone ones become U+FFFD."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
