"""A local server that speaks Bailian's HTTP: files, batches, chat, Batch Chat and the native endpoints. Public API.

For tests and trials: it listens on 127.0.0.1 only, costs nothing, answers as the fake does, fails when asked to and
keeps a ledger of what the real service would have billed::

    async with BailianServer(BailianSettings(fail=0.1, seed=7)) as server:
        client = AsyncOpenAI(base_url=server.base_url, api_key="any")

Synchronous programs use ``serve_in_thread()``, tests the fixture ``bailian_server``, everybody else
``python -m qwen_dataset.testing.bailian``. Needs the extra ``testing``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .hashes import request_hash
from .ledger import Ledger
from .settings import BailianSettings

if TYPE_CHECKING:
    from .server import BailianServer
    from .thread import RunningServer, serve_in_thread

# Only these need aiohttp: whoever lacks it is told so in one sentence by `python -m`.
_SERVING = {"BailianServer": ".server", "RunningServer": ".thread", "serve_in_thread": ".thread"}

__all__ = ["BailianServer", "BailianSettings", "Ledger", "RunningServer", "request_hash", "serve_in_thread"]


def __getattr__(name: str) -> Any:
    if name not in _SERVING:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(import_module(_SERVING[name], __name__), name)
