"""The Batch API: create, list, retrieve, cancel."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from aiohttp import web

from .batch import Batch
from .errors import Page, Refusal, bad_request, refusal
from .inputs import Analysis
from .models import TEST_URL
from .times import moment, window_seconds
from .wire import Call, Lost, body_of, json_reply, limit_of
from .world import World

_ENDPOINTS = frozenset({"/v1/chat/completions", "/v1/embeddings", TEST_URL})
_FILTERS = ("ds_name", "input_file_ids", "status", "create_after", "create_before")
_LONGEST = {"ds_name": 100, "ds_description": 200}


class Batches:
    """Handlers of one server."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def create(self, request: web.Request, _: Call) -> web.StreamResponse:
        """Create a batch. What is wrong with its lines shows later."""
        batch = self._created(await body_of(request))
        self._world.batches[batch.id] = batch
        self._world.ledger.add_batch(batch)
        if self._world.hits("lose_create", "create"):
            raise Lost
        return json_reply(self._echo(batch.shown(batch.created_at)))

    def _created(self, body: dict[str, Any]) -> Batch:
        world, now = self._world, self._world.clock.now()
        if str(body.get("endpoint")) not in _ENDPOINTS:
            raise bad_request(f"'endpoint' must be one of {sorted(_ENDPOINTS)}.", param="endpoint")
        window = window_seconds(body.get("completion_window"))
        metadata = _metadata(body.get("metadata"))
        file = world.files.get(str(body.get("input_file_id")), now)
        settings = world.settings
        late = world.hits("late", "create")
        invalid = settings.invalid_code if world.hits("invalid", "create") else None
        silent = world.hits("expire_silent", "create")
        return Batch(
            id=f"batch_{uuid.uuid4()}",
            created_at=now,
            visible_at=now + (world.faults.draw("late for", len(world.batches)) * settings.late_seconds if late else 0),
            endpoint=body["endpoint"],
            window=body["completion_window"],
            metadata=metadata,
            input=file,
            analysis=Analysis(
                file.path, endpoint=body["endpoint"], settings=settings, faults=world.faults, invalid_code=invalid
            ),
            settings=settings,
            duration=settings.duration,
            ends=self._ends(settings.window or window, silent=silent),
            silent=silent,
        )

    def _ends(self, window: float, *, silent: bool) -> list[tuple[float, str]]:
        """Return what may end a batch early."""
        world, number = self._world, len(self._world.batches)
        ends = [(window, "expired")]
        for fault, how in (("expire", "expired"), ("cancel", "cancelled")):
            if world.hits(fault, "create"):
                ends.append((self._early(how, number), how))
        if silent:
            ends.append((self._early("expired", number), "expired"))
        return ends

    def _early(self, how: str, number: int) -> float:
        return (0.15 + 0.5 * self._world.faults.draw(how, number)) * self._world.settings.duration

    async def retrieve(self, request: web.Request, _: Call) -> web.StreamResponse:
        """Show a batch, and let it move on by being looked at."""
        batch = self._world.batch(request.match_info["id"])
        batch.looked += self._world.settings.look_seconds
        return json_reply(self._echo(await self._shown(batch)))

    async def cancel(self, request: web.Request, _: Call) -> web.StreamResponse:
        """Cancel a batch that has not ended."""
        batch = self._world.batch(request.match_info["id"])
        await self._world.settle(batch)
        if self._world.hits("refuse_cancel", "cancel"):
            raise Refusal(400, "invalid_request_error", f"The batch {batch.id} cannot be cancelled.")
        self._world.cancel(batch.id)
        return json_reply({**self._echo(await self._shown(batch)), "cancelling_at": None})

    async def listing(self, request: web.Request, _: Call) -> web.StreamResponse:
        """List batches, newest first; an empty list is null."""
        world, settings = self._world, self._world.settings
        if world.hits("list_refused", "list"):
            raise Page(403, "Forbidden")
        if world.hits("list_missing", "list"):
            raise Page(404, "Not Found")
        if world.hits("list_error_200", "list"):
            return json_reply({"error": refusal("internal_error").compatible()})
        if settings.lists == "none":
            raise Refusal(405, "MethodNotAllowed", "Method Not Allowed")
        if settings.filters == "refused" and any(name in request.query for name in _FILTERS):
            raise bad_request("Unknown query parameter.")
        limit, after = limit_of(request, most=100), request.query.get("after")
        wanted = _filter(dict(request.query) if settings.filters == "yes" else {})
        found = [batch for batch in reversed(world.batches.values()) if world.visible(batch)]
        if after is not None:
            ids = [batch.id for batch in found]
            found = found[ids.index(after) + 1 :] if after in ids else []
        shown: list[dict[str, Any]] = []
        for batch in found:
            if wanted(one := await self._shown(batch)):
                shown.append(one)
            if len(shown) > limit:
                break
        page = [self._echo(one) for one in shown[:limit]]
        return json_reply(
            {
                "object": "list",
                "data": page or None,
                "first_id": page[0]["id"] if page else None,
                "last_id": page[-1]["id"] if page else None,
                "has_more": len(shown) > limit,
            }
        )

    async def _shown(self, batch: Batch) -> dict[str, Any]:
        await self._world.settle(batch)
        return batch.shown(self._world.clock.now())

    def _echo(self, shown: dict[str, Any]) -> dict[str, Any]:
        return {**shown, "metadata": None} if self._world.settings.drop_metadata else shown


def _metadata(metadata: object) -> dict[str, Any] | None:
    if metadata is None:
        return None
    if not isinstance(metadata, dict):
        raise bad_request("'metadata' must be an object.", param="metadata")
    for name, longest in _LONGEST.items():
        if len(str(metadata.get(name, ""))) > longest:
            raise bad_request(f"'metadata.{name}' may have {longest} characters.", param=f"metadata.{name}")
    return dict(metadata)


def _filter(query: dict[str, str]) -> Callable[[dict[str, Any]], bool]:
    """Return what a batch must be like to be listed."""
    name = query.get("ds_name", "")
    files = query["input_file_ids"].split(",") if "input_file_ids" in query else None
    states = query["status"].split(",") if "status" in query else None
    begin = moment(query["create_after"], "create_after") if "create_after" in query else None
    end = moment(query["create_before"], "create_before") if "create_before" in query else None
    if files is not None and len(files) > 20:
        raise refusal("invalid_parameter_error", "'input_file_ids' may have 20 ids.", param="input_file_ids")

    def wanted(shown: dict[str, Any]) -> bool:
        return (
            name in str((shown["metadata"] or {}).get("ds_name", ""))
            and (files is None or shown["input_file_id"] in files)
            and (states is None or shown["status"] in states)
            and (begin is None or shown["created_at"] >= begin)
            and (end is None or shown["created_at"] <= end)
        )

    return wanted
