"""A local server that speaks Bailian's HTTP: files, batches, chat, Batch Chat and the native endpoints. Public API.

For tests and trials: it listens on 127.0.0.1 only, costs nothing, answers as the fake does, fails when asked to and
keeps a ledger of what the real service would have billed::

    async with BailianServer(BailianSettings(fail=0.1, seed=7)) as server:
        client = AsyncOpenAI(base_url=server.base_url, api_key="any")

Synchronous programs use ``serve_in_thread()``, tests the fixture ``bailian_server``, everybody else
``python -m qwen_dataset.testing.bailian``. Needs the extra ``testing``.
"""

from __future__ import annotations

from .hashes import request_hash
from .ledger import Ledger
from .server import BailianServer
from .settings import BailianSettings
from .thread import RunningServer, serve_in_thread

__all__ = ["BailianServer", "BailianSettings", "Ledger", "RunningServer", "request_hash", "serve_in_thread"]
