"""How long the head of a reply may be where aiohttp reads it: far longer than it takes by itself.

Servers and proxies add to heads (traces, policies, cookies), and an answer that is refused for its head was paid for.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Mapping
from typing import Any

_LONGEST_LINE = 1 << 17  # bytes
_MOST_HEADERS = 1000


@functools.cache
def head_bounds() -> Mapping[str, Any]:
    """Return what an ``aiohttp.ClientSession`` is told; not every version takes all of it."""
    import aiohttp  # noqa: PLC0415  # an extra

    bounds = {"max_line_size": _LONGEST_LINE, "max_field_size": _LONGEST_LINE, "max_headers": _MOST_HEADERS}
    known = inspect.signature(aiohttp.ClientSession).parameters
    return {name: bound for name, bound in bounds.items() if name in known}
