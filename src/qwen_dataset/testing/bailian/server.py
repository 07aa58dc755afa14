"""The server itself: routes, addresses, start and stop."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from aiohttp import web

from .batches import Batches
from .chat import Chat
from .control import Control
from .errors import Refusal, refusal
from .files import Files
from .gate import Gate
from .ledger import Ledger
from .native import Native
from .settings import BailianSettings
from .wire import Call, unlabelled
from .world import World

_HOST = "127.0.0.1"
_COMPATIBLE, _NATIVE, _BATCH_CHAT, _CONTROL = (
    "/compatible-mode/v1",
    "/api/v1",
    "/batch-chat/compatible-mode/v1",
    "/control",
)
_BODY_BYTES = 64 * 1024 * 1024  # of a call; uploads are streamed
_LAST_WORDS = 0.2  # real seconds that open calls have when it stops


class BailianServer:
    """A server in the running loop, on 127.0.0.1; an async context manager. Nothing is ever paid.

    ``port`` 0 chooses a free one. ``ledger`` says what the real service would have billed. Everything is gone when it
    stops: what clients hold of it is then unknown to the next one. Raises ``OSError`` when the port is taken.
    """

    def __init__(self, settings: BailianSettings | None = None, *, port: int = 0) -> None:
        self._port = port
        self._world = World(settings or BailianSettings())
        self._runner: web.AppRunner | None = None

    @property
    def base_url(self) -> str:
        """The compatible endpoints: files, batches, chat."""
        return self._url(_COMPATIBLE)

    @property
    def native_url(self) -> str:
        """The native endpoints."""
        return self._url(_NATIVE)

    @property
    def batch_chat_url(self) -> str:
        """Batch Chat."""
        return self._url(_BATCH_CHAT)

    @property
    def control_url(self) -> str:
        """``/ledger``, ``/bill``, ``/settings``, ``/advance`` and ``/cancel`` for other processes."""
        return self._url(_CONTROL)

    @property
    def ledger(self) -> Ledger:
        """What was asked and paid so far."""
        return self._world.ledger

    @property
    def settings(self) -> BailianSettings:
        """The settings in force."""
        return self._world.settings

    def configure(self, **changes: object) -> None:
        """Change settings from now on; a running batch keeps its own. Raises ``SettingError``."""
        self._world.configure(changes)

    def advance(self, seconds: float) -> None:
        """Let virtual time pass at once."""
        self._world.clock.advance(seconds)

    def cancel(self, batch_id: str) -> None:
        """Cancel a batch as a person in the console does. Raises ``ValueError`` for one that is not there or ended."""
        try:
            self._world.cancel(batch_id)
        except Refusal as why:
            raise ValueError(str(why)) from None

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=_BODY_BYTES)
        app.on_response_prepare.append(unlabelled)
        app.add_routes(_routes(self._world))
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=_LAST_WORDS)
        await self._runner.setup()
        self._world.files.open()
        try:
            await web.TCPSite(self._runner, _HOST, self._port).start()
        except OSError:
            await self.__aexit__(None, None, None)
            raise
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
        self._world.files.close()

    def _url(self, path: str) -> str:
        return f"http://{_HOST}:{self._port}{path}"


def _routes(world: World) -> list[web.RouteDef]:
    files, batches, chat, native, control = Files(world), Batches(world), Chat(world), Native(world), Control(world)
    behind = Gate(world).before
    aigc = f"{_NATIVE}/services/aigc"
    return [
        web.post(f"{_COMPATIBLE}/files", behind("upload", files.upload)),
        web.get(f"{_COMPATIBLE}/files", behind("list_files", files.listing)),
        web.get(f"{_COMPATIBLE}/files/{{id}}", behind("retrieve_file", files.retrieve)),
        web.delete(f"{_COMPATIBLE}/files/{{id}}", behind("delete_file", files.delete)),
        web.get(f"{_COMPATIBLE}/files/{{id}}/content", behind("content", files.content)),
        web.post(f"{_COMPATIBLE}/batches", behind("create", batches.create)),
        web.get(f"{_COMPATIBLE}/batches", behind("list", batches.listing)),
        web.get(f"{_COMPATIBLE}/batches/{{id}}", behind("retrieve", batches.retrieve)),
        web.post(f"{_COMPATIBLE}/batches/{{id}}/cancel", behind("cancel", batches.cancel)),
        web.post(f"{_COMPATIBLE}/chat/completions", behind("chat", chat.chat)),
        web.post(f"{_BATCH_CHAT}/chat/completions", behind("batch_chat", chat.batch_chat)),
        web.post(f"{aigc}/text-generation/generation", behind("native", native.text)),
        web.post(f"{aigc}/multimodal-generation/generation", behind("native", native.multimodal)),
        web.get(f"{_CONTROL}/ledger", control.ledger),
        web.get(f"{_CONTROL}/bill", control.bill),
        web.get(f"{_CONTROL}/settings", control.settings),
        web.post(f"{_CONTROL}/settings", control.settings),
        web.post(f"{_CONTROL}/advance", control.advance),
        web.post(f"{_CONTROL}/cancel", control.cancel),
        web.route("*", "/{path:.*}", behind("unknown", _unknown)),
    ]


async def _unknown(_request: web.Request, _call: Call) -> web.StreamResponse:
    raise refusal("NotFound")
