"""How a test in another process reads the ledger and moves the server."""

from __future__ import annotations

from aiohttp import web

from ...errors import SettingError
from .errors import Refusal
from .wire import body_of, json_reply
from .world import World


class Control:
    """Handlers of one server, below ``/control``; they need no key and meet no faults."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def ledger(self, _: web.Request) -> web.StreamResponse:
        """Return the ledger."""
        return json_reply(self._world.ledger.as_dict())

    async def bill(self, _: web.Request) -> web.StreamResponse:
        """Return the tokens of every payment."""
        return json_reply(self._world.ledger.bill())

    async def settings(self, request: web.Request) -> web.StreamResponse:
        """Return the settings in force; change some of them first, given as a JSON object or in the query."""
        if request.method == "POST":
            changes: dict[str, object] = dict(request.query)
            try:
                if request.can_read_body:
                    changes |= await body_of(request)
                self._world.configure(changes)
            except (SettingError, Refusal) as error:
                return json_reply({"error": str(error)}, 400)
        return json_reply(self._world.settings.shown())

    async def cancel(self, request: web.Request) -> web.StreamResponse:
        """Cancel the batch of this ``id`` as a person in the console does."""
        try:
            body = await body_of(request) if request.can_read_body else dict(request.query)
            self._world.cancel(str(body["id"]))
        except KeyError:
            return json_reply({"error": 'cancel wants {"id": the id of a batch}'}, 400)
        except Refusal as why:
            return json_reply({"error": str(why)}, why.status)
        return json_reply({"id": body["id"]})

    async def advance(self, request: web.Request) -> web.StreamResponse:
        """Let so many virtual ``seconds`` pass."""
        try:
            body = await body_of(request) if request.can_read_body else dict(request.query)
            seconds = float(body["seconds"])
        except (Refusal, KeyError, TypeError, ValueError):
            return json_reply({"error": 'advance wants {"seconds": a number}'}, 400)
        self._world.clock.advance(seconds)
        return json_reply({"now": self._world.clock.now()})
