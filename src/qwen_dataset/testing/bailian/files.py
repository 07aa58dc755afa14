"""The Files API: upload, list, retrieve, delete, content."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from aiohttp import BodyPartReader, web
from aiohttp.http import HttpProcessingError

from .errors import Refusal, bad_request, refusal
from .store import StoredFile
from .times import BEIJING
from .wire import Call, Download, Lost, json_reply, limit_of, reset
from .world import World, in_breaths

_PIECE = 64 * 1024
_PURPOSES = frozenset({"batch", "file-extract", "fine-tune"})
_RESULT = "batch_output"


class Files:
    """Handlers of one server."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def upload(self, request: web.Request, _: Call) -> web.StreamResponse:
        """Keep a file, streamed to disk."""
        if not request.content_type.startswith("multipart/"):
            raise bad_request("The request must be multipart/form-data with the parts 'purpose' and 'file'.")
        path = self._world.files.new_path()
        try:
            filename, purpose = await self._received(request, path)
        except (ValueError, HttpProcessingError) as error:
            raise bad_request(f"The multipart body cannot be read: {error}") from error
        _check_upload(filename, purpose)
        processed = not self._world.hits("processing", "upload")
        now = self._world.clock.now()
        file = self._world.files.add(path=path, filename=filename, purpose=str(purpose), now=now, processed=processed)
        if self._world.hits("lose_upload", "upload"):
            raise Lost
        return json_reply(file.as_dict())

    async def _received(self, request: web.Request, path: Path) -> tuple[str | None, str | None]:
        """Read the parts; return the file's name and its purpose."""
        filename = purpose = None
        async for part in await request.multipart():
            if isinstance(part, BodyPartReader) and part.name == "purpose":
                purpose = (await part.read(decode=True)).decode()
            elif isinstance(part, BodyPartReader) and part.name == "file":
                filename = part.filename or "file"
                await self._receive(part, path)
        return filename, purpose

    async def _receive(self, part: BodyPartReader, path: Path) -> None:
        size = 0
        with path.open("wb") as out:
            while piece := await part.read_chunk(_PIECE):
                size += len(piece)
                if size > self._world.settings.file_bytes:
                    raise Refusal(400, "BadRequest.TooLarge", "Payload Too Large.")
                out.write(piece)

    async def listing(self, request: web.Request, _: Call) -> web.StreamResponse:
        """List files, newest first."""
        limit, after, purpose = limit_of(request, most=10_000), request.query.get("after"), request.query.get("purpose")
        begin, end = (_day(request.query.get(name)) for name in ("create_after", "create_before"))
        found = [
            file
            for file in _after(self._world.files.newest_first(self._world.clock.now()), after)
            if (purpose is None or file.purpose == purpose)
            and (begin is None or file.created_at >= begin)
            and (end is None or file.created_at <= end)
        ]
        shown = [await self._shown(file) for file in found[:limit]]
        return json_reply({"object": "list", "data": shown, "has_more": len(found) > limit})

    async def retrieve(self, request: web.Request, _: Call) -> web.StreamResponse:
        """Show a file. One that was being processed is ready the next time."""
        file = self._file(request)
        shown = await self._shown(file)
        file.processed = True
        return json_reply(shown)

    async def delete(self, request: web.Request, _: Call) -> web.StreamResponse:
        """Delete a file."""
        file = self._file(request)
        file.deleted = True
        return json_reply({"object": "file", "deleted": True, "id": file.id})

    async def content(self, request: web.Request, call: Call) -> web.StreamResponse:
        """Stream the content of a result file, chunked and without a content type."""
        file = self._file(request)
        if file.purpose != _RESULT:
            raise bad_request(f"The content of {file.id} cannot be downloaded: it is not a result file.")
        if self._world.hits("gone_410", "content"):
            raise Refusal(410, "Gone", f"The file {file.id} is gone.")
        size = (await self._shown(file))["bytes"]
        clean = self._world.hits("truncate_clean", "content")
        broken = not clean and (self._world.hits("truncate_download", "content") or call.reset)
        end = int(size * self._world.faults.draw("cut at", file.filename)) if clean or broken else size
        reply = Download(headers={"x-request-id": call.id})
        reply.enable_chunked_encoding()
        await reply.prepare(request)
        for piece in _pieces(file.path, end):
            await reply.write(piece)
        if broken:
            reset(request)
        else:
            await reply.write_eof()
        return reply

    def _file(self, request: web.Request) -> StoredFile:
        return self._world.files.get(request.match_info["id"], self._world.clock.now())

    async def _shown(self, file: StoredFile) -> dict[str, Any]:
        """Return the file object, after its content was made."""
        if file.step is not None:
            await in_breaths(file.step)
        return file.as_dict()


def _check_upload(filename: str | None, purpose: str | None) -> None:
    if purpose not in _PURPOSES:
        allowed = "', '".join(sorted(_PURPOSES))
        raise Refusal(400, "invalid_request_error", f"'purpose' must be one of '{allowed}'", param="purpose")
    if filename is None:
        raise bad_request("The part 'file' is missing.", param="file")
    if purpose == "batch" and not filename.endswith(".jsonl"):
        raise bad_request("A file for batch must be a .jsonl file.", param="file")


def _after(files: Iterator[StoredFile], after: str | None) -> Iterator[StoredFile]:
    if after is not None:
        for file in files:
            if file.id == after:
                break
    return files


def _day(text: str | None) -> float | None:
    """Read a date as the file list has it, or a time as the batch list has it."""
    if text is None:
        return None
    shape = "%Y%m%d" if len(text) == 8 else "%Y%m%d%H%M%S"
    try:
        return datetime.strptime(text, shape).replace(tzinfo=BEIJING).timestamp()
    except ValueError:
        raise refusal("invalid_parameter_error", f"{text!r} is not a date like 20260417.") from None


def _pieces(path: Path, end: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        while end > 0 and (piece := file.read(min(_PIECE, end))):
            end -= len(piece)
            yield piece
