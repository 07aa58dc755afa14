"""The batches and files of an OpenAI-compatible service, one by one, through the ``openai`` SDK."""

from __future__ import annotations

import asyncio
import io
import os
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import IO, Any, cast

from ....errors import BackendDenied, BackendRejected, BackendUnavailable
from ....ports.remote import BatchFilter, RemoteBatch
from .batch_object import Json, batch_of, matches, query_of, text_of
from .options import Options
from .service import Refused, Service

_EVERYTHING = BatchFilter()
_PAGE = 100  # the most that a page may hold
_PIECE = 1 << 16  # bytes of a download handed over at once
_SENT_PIECE = 1 << 18  # bytes of an upload
_UNKNOWN_PARAMETER = frozenset({400, 422})
_NOT_IMPLEMENTED = 501
_UPLOAD_TRIES = 3
_UPLOAD_PAUSE = 5.0
_FILE_LOOKS = 10  # how often an uploaded file that is still being processed is looked at, a pause apart
_FILE_PAUSE = 1.0
_FILE_IN_WORK = frozenset({"uploaded", "pending", "uploading", "processing", "running"})
_FILE_BROKEN = frozenset({"error", "failed"})


class _InLargePieces(io.RawIOBase):
    """A file that is read in larger pieces than it is asked for.

    The SDK's client asks for 64 KB, and what it does around each piece is half of the CPU of an upload. It reads pieces
    and seeks, and so much of a file this is.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def fileno(self) -> int:
        return self._file.fileno()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def read(self, size: int | None = -1) -> bytes:
        return self._file.read(max(size, _SENT_PIECE) if size is not None and size > 0 else -1)


class OpenAIBatches(Service):
    """``RemoteBatches`` over one client, open between ``open`` and ``close``. Only ``create`` spends money.

    Nothing is asked twice by itself, but for an upload: a second copy of a file costs nothing. ``sleep`` waits.
    """

    def __init__(self, options: Options, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        super().__init__(options)
        self._sleep = sleep
        self._takes_filters = True
        self.known_files: dict[str, str] = {}  # names by id, which never change

    async def pause(self, seconds: float) -> None:
        """Wait, as ``sleep`` does."""
        await self._sleep(seconds)

    async def upload(self, lines: Path, *, name: str) -> str:
        """Upload a file of request lines and return its id. Tried three times where no definite answer comes."""
        file = await asyncio.to_thread(_opened, lines)
        try:
            return await self.upload_open(file, name=name)
        finally:
            await asyncio.to_thread(file.close)

    async def upload_open(self, file: IO[bytes], *, name: str) -> str:
        """Upload an open file from its beginning, as ``upload`` does."""
        for _ in range(_UPLOAD_TRIES - 1):
            try:
                return await self._upload(file, name)
            except BackendUnavailable:
                await self._sleep(_UPLOAD_PAUSE)
        return await self._upload(file, name)

    async def _upload(self, file: IO[bytes], name: str) -> str:
        file.seek(0)
        files = self._client.files.with_raw_response
        lines = (name, cast("IO[bytes]", _InLargePieces(file)), "application/jsonl")
        body = await self._json(files.create(file=lines, purpose="batch"))
        file_id = body.get("id")
        if not isinstance(file_id, str) or not file_id:
            raise BackendUnavailable(f"{self._where} took the file {name} and did not say its id")
        for _ in range(_FILE_LOOKS):
            if text_of(body.get("status")) not in _FILE_IN_WORK:
                break
            await self._sleep(_FILE_PAUSE)
            try:
                body = await self._json(files.retrieve(file_id))
            except (BackendRejected, BackendUnavailable):
                break  # it was taken; whoever makes a batch of it sees whether it can be read
        if text_of(body.get("status")) in _FILE_BROKEN:
            why = body.get("status_details") or "no reason given"
            raise BackendRejected(f"{self._where} could not read the uploaded file {name}: {why}")
        return file_id

    async def create(
        self,
        input_file_id: str,
        *,
        completion_window: str,
        endpoint: str | None = None,
        metadata: Mapping[str, str] = {},
    ) -> RemoteBatch:
        """Create a batch of an uploaded file, and spend money. Never repeated: see ``RemoteBatches.create``."""
        chosen: Any = endpoint or self._options.url  # the SDK's type knows fewer endpoints than services have
        window: Any = completion_window  # and only one window
        batch = batch_of(
            await self._json(
                self._client.batches.with_raw_response.create(
                    input_file_id=input_file_id,
                    endpoint=chosen,
                    completion_window=window,
                    metadata=dict(metadata) or None,
                )
            )
        )
        if not batch.id:
            raise BackendUnavailable(f"{self._where} answered the creation of a batch without saying its id")
        return batch

    async def retrieve(self, batch_id: str) -> RemoteBatch:
        """Return a batch as it is now."""
        return batch_of(await self.body(batch_id))

    async def body(self, batch_id: str) -> Json:
        """Return a batch object as the service sent it."""
        body = await self._json(self._client.batches.with_raw_response.retrieve(_named(batch_id, "batch")))
        if not (text_of(body.get("id")) or text_of(body.get("status"))):
            raise BackendUnavailable(f"{self._where} answered the question for batch {batch_id} without a batch")
        return body

    async def list(self, wanted: BatchFilter = _EVERYTHING, *, limit: int | None = None) -> AsyncIterator[RemoteBatch]:
        """Yield batches, the newest first, at most ``limit``. A service that cannot filter is filtered here."""
        left = limit
        async for batch in self.listed(wanted):
            if left is not None and left <= 0:
                return
            if matches(wanted, batch):
                yield batch
                left = None if left is None else left - 1

    async def listed(self, wanted: BatchFilter) -> AsyncIterator[RemoteBatch]:
        """Yield what the service lists, each batch once; a service that cannot filter lists others too.

        Raises BackendUnavailable where a reply is no list, and BackendDenied where the pages never move on.
        """
        after, seen = wanted.after, set[str]()
        while True:
            body = await self._page(wanted, after)
            page = [batch_of(each) for each in body["data"] or []]
            fresh = [batch for batch in page if batch.id and batch.id not in seen]
            for batch in fresh:
                seen.add(batch.id)
                yield batch
            has_more = body.get("has_more")
            if not (has_more if isinstance(has_more, bool) else len(page) >= _PAGE):
                return
            if not page:
                raise BackendUnavailable(f"{self._where} lists an empty page of batches and says that more follow")
            if not fresh:
                raise BackendDenied(
                    f"{self._where} lists the same batches on every page, so none can be looked up there:"
                    " add lookup=none to the backend's address to go on without"
                )
            after = page[-1].id

    async def cancel(self, batch_id: str) -> RemoteBatch:
        """Ask a batch to stop. One that has ended, or is stopping, is returned as it is."""
        batch = await self.retrieve(batch_id)
        if batch.is_ended or batch.status == "cancelling":
            return batch
        try:
            return batch_of(await self._json(self._client.batches.with_raw_response.cancel(batch_id)))
        except (BackendRejected, BackendUnavailable):
            # It may have ended in between, or the reply was lost.
            batch = await self.retrieve(batch_id)
            if batch.is_ended or batch.status == "cancelling":
                return batch
            raise

    async def download(self, file_id: str) -> AsyncGenerator[bytes, None]:
        """Yield a file in pieces of bounded size. Ends without an error also where the service ended too early."""
        files = self._client.files.with_streaming_response
        manager = files.content(_named(file_id, "file"))
        response = await self._ask(manager.__aenter__())
        try:
            pieces = response.iter_bytes(_PIECE)
            while (piece := await self._ask(anext(pieces, None))) is not None:
                yield piece
        finally:
            await manager.__aexit__(None, None, None)

    async def delete_file(self, file_id: str) -> None:
        """Delete a file at the service; one that is not there is no error."""
        try:
            await self._json(self._client.files.with_raw_response.delete(_named(file_id, "file")))
        except Refused as error:
            if not error.is_not_there:
                raise

    async def _page(self, wanted: BatchFilter, after: str | None) -> Json:
        """Ask for a page, with the filters unless the service refused those before."""
        query = query_of(wanted) if self._takes_filters else {}
        try:
            return await self.page(query, after=after)
        except Refused as error:
            if not query or error.status not in _UNKNOWN_PARAMETER:
                raise
            body = await self.page({}, after=after)
            self._takes_filters = False
            return body

    async def page(self, query: Mapping[str, str], *, after: str | None = None, limit: int = _PAGE) -> Json:
        """Ask for one page of the list; spends nothing. What is no list of batches is no answer."""
        more = {"after": after} if after else {}
        call = self._client.batches.with_raw_response.list(limit=limit, extra_query={**more, **query})
        body = await self._json(call, definite=_NOT_IMPLEMENTED)
        if not _is_list(body):
            raise BackendUnavailable(f"{self._where} answered with something that is no list of batches")
        return body

    async def file_names(self) -> dict[str, str]:
        """Ask once for the newest files and return their names by id; spends nothing."""
        data = (await self._json(self._client.files.with_raw_response.list(purpose="batch"))).get("data")
        files = [each for each in data if isinstance(each, Mapping)] if isinstance(data, list) else []
        named = {text_of(file.get("id")): text_of(file.get("filename")) for file in files}
        return {file_id: name for file_id, name in named.items() if file_id and name}

    async def file_name(self, file_id: str) -> str:
        """Return the name that a file was uploaded by, "" where the service does not say it; spends nothing."""
        body = await self._json(self._client.files.with_raw_response.retrieve(_named(file_id, "file")))
        return text_of(body.get("filename"))

    async def models(self) -> int:
        """Count the models that the service names; free."""
        data = (await self._json(self._client.models.with_raw_response.list())).get("data")
        return len(data) if isinstance(data, list) else 0

    async def first_page(self) -> int:
        """Ask for one batch and say how many came; free."""
        return len((await self.page({}, limit=1))["data"] or [])

    async def check_list(self) -> None:
        """Make sure that this is a service of batches. Raises BackendDenied where it has no list of them."""
        try:
            await self.first_page()
        except Refused as error:
            raise BackendDenied(
                f"{self._where} neither knows the batch nor lists its batches ({error}): check base_url and region,"
                " then resume"
            ) from None


def _is_list(body: Json) -> bool:
    """Whether a reply lists batches: an error inside a 200, or what has no ids, must not pass for an empty list."""
    if body.get("error") or "data" not in body:
        return False
    data = body["data"]
    return data is None or (
        isinstance(data, list) and all(isinstance(each, Mapping) and text_of(each.get("id")) for each in data)
    )


def _opened(path: Path) -> IO[bytes]:
    try:
        return path.open("rb")
    except OSError as error:
        raise BackendRejected(f"{path} cannot be read: {error.strerror or error}") from None


def _named(remote_id: str, what: str) -> str:
    """Refuse an id that would ask for something else, such as the list."""
    if not remote_id or "/" in remote_id or remote_id in {".", ".."} or any(sign in remote_id for sign in "?#%"):
        raise BackendRejected(f"{remote_id!r} is not the id of a {what}")
    return remote_id
