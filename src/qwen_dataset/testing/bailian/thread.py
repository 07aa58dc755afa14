"""A server for programs that have no loop: it runs in a thread of its own until the block ends."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from .ledger import Ledger
from .server import BailianServer
from .settings import BailianSettings

_T = TypeVar("_T")


class RunningServer:
    """A server in another thread: what ``BailianServer`` offers, to be called from anywhere."""

    def __init__(self, server: BailianServer, loop: asyncio.AbstractEventLoop) -> None:
        self._server = server
        self._loop = loop
        self.base_url = server.base_url
        self.native_url = server.native_url
        self.batch_chat_url = server.batch_chat_url
        self.control_url = server.control_url

    @property
    def ledger(self) -> Ledger:
        """The books; read single counts from it, and ``totals()`` for what must fit together."""
        return self._server.ledger

    @property
    def settings(self) -> BailianSettings:
        """The settings in force."""
        return self._server.settings

    def totals(self) -> dict[str, Any]:
        """Return the ledger as ``GET {control}/ledger`` does."""
        return self._call(self._server.ledger.as_dict)

    def bill(self) -> dict[str, list[tuple[int, int]]]:
        """Return the tokens of every payment as ``GET {control}/bill`` does."""
        return self._call(self._server.ledger.bill)

    def paid_twice(self) -> int:
        """Return how many payments were too many."""
        return self._call(self._server.ledger.paid_twice)

    def configure(self, **changes: object) -> None:
        """Change settings from now on; a running batch keeps its own. Raises ``SettingError``."""
        self._call(lambda: self._server.configure(**changes))

    def advance(self, seconds: float) -> None:
        """Let virtual time pass at once."""
        self._call(lambda: self._server.advance(seconds))

    def cancel(self, batch_id: str) -> None:
        """Cancel a batch as a person in the console does. Raises ``ValueError`` for one that is not there or ended."""
        self._call(lambda: self._server.cancel(batch_id))

    def _call(self, function: Callable[[], _T]) -> _T:
        async def called() -> _T:
            return function()

        return asyncio.run_coroutine_threadsafe(called(), self._loop).result()


@contextlib.contextmanager
def serve_in_thread(settings: BailianSettings | None = None, *, port: int = 0) -> Iterator[RunningServer]:
    """Run a server in a thread while the block runs. Raises what ``BailianServer`` raises."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="bailian", daemon=True)
    thread.start()
    try:
        server = BailianServer(settings, port=port)
        asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result()
        try:
            yield RunningServer(server, loop)
        finally:
            asyncio.run_coroutine_threadsafe(server.__aexit__(None, None, None), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
