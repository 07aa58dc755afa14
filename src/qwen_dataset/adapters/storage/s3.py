"""Storage in a bucket of S3, or of a service that speaks its protocol (Alibaba OSS, MinIO, SeaweedFS, Ceph)."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import secrets
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from ...errors import InvalidKey, KeyExists, KeyNotFound, SettingError, StorageError, StorageFull, StorageUnavailable
from .._durable import TEMP_PREFIX
from ._s3_client import check_fork, obstore, open_client
from ._s3_errors import is_clients, no_keys, translated
from ._s3_settings import S3Settings, parse
from ._s3_upload import PIECE_BYTES, cut, hashed, in_parts, upload
from .keys import is_key, split_key, split_prefix

if TYPE_CHECKING:
    from obstore.store import S3Store

_T = TypeVar("_T")
_log = logging.getLogger(__name__)

MAX_KEY_BYTES = 1024
"""The longest name of an object, prefix included."""

_READ_BYTES = 1024 * 1024
_PARTS_AT_ONCE = 2
# Lists are XML, which cannot hold these two; services answer with another character in their place.
_NOT_XML = ("\ufffe", "\uffff")


def from_url(location: str, parameters: Mapping[str, str]) -> S3Storage:
    """Return the storage of ``s3://bucket/prefix?endpoint=…``. Sends nothing yet.

    Raises SettingError for what cannot be a storage and where no keys are found; ModuleNotFoundError without obstore.
    """
    settings = parse(location, parameters, os.environ)
    settings.keyring.find()
    obstore()
    return S3Storage(settings)


class S3Storage:
    """Objects in a bucket, below a prefix.

    - A put is one request, or a multipart upload that appears when it is complete: atomic either way. A create-only
      put carries ``If-None-Match: *``; a large one is uploaded under a hidden name and copied to its own with that
      (not completed with that: SeaweedFS 4.48 looks and completes in two steps, and two creators may both win).
    - With ``create=advisory`` (the service ignores the condition, as Alibaba OSS does) create-only means: look first,
      write, read back; other bytes than ours are somebody else's, and that is ``KeyExists``. Two writers of the same
      moment may then both be told that they won, so **a job there must have one writer only**.
    - Before the first create-only put it is tried out whether the service refuses a second one (three small requests,
      once for each storage object). Where it does not, creating is advisory from then on, and a warning is logged.
      The same is tried out for copies before the first large one: some services guard puts and not copies.
    - The client repeats a request that got no answer, also a create-only put, and may meet its own first write: then
      ``KeyExists`` is raised although the object is ours. The port allows that; whoever needs to know reads back and
      compares a nonce, as the ledger and the lease do.
    - Keys are listed whole and sorted here: some services list folder by folder. That takes about 200 bytes a key.
    - A bucket has no folders, so an object may have others below it; nothing looks for that, it would cost a request
      with each put. ``keys(prefix)`` yields the object of that name itself only where nothing is below it.
    - Killed writers leave hidden parts and ``.tmp-`` objects that are never listed; a lifecycle rule removes them.
    - One object may be used by several event loops, one after another, and not after a fork (``StorageError``).
    """

    def __init__(self, settings: S3Settings) -> None:
        self.settings = settings
        self._advisory = settings.advisory
        self._is_tried = settings.advisory
        self._guards_copies: bool | None = None
        self._made: S3Store | None = None

    def __repr__(self) -> str:
        return f"S3Storage({self.settings.place!r})"

    @property
    def is_advisory(self) -> bool:
        """Whether create-only is a promise that cannot be kept; what the service does shows at the first one."""
        return self._advisory

    async def get(self, key: str) -> bytes:
        self._check(key)

        async def whole() -> bytes:
            found = await obstore().get_async(self._store(), key)
            return bytes(await found.bytes_async())

        return await self._asked(key, whole)

    async def stream(self, key: str) -> AsyncGenerator[bytes, None]:
        self._check(key)
        found = await self._asked(key, lambda: obstore().get_async(self._store(), key))
        pieces = aiter(found.stream(min_chunk_size=_READ_BYTES))
        while True:
            # Nothing is yielded inside of the translation: it must not see what the reader raises.
            piece = await self._asked(key, lambda: anext(pieces, None))
            if piece is None:
                return
            yield bytes(piece)

    async def put(self, key: str, data: bytes | AsyncIterable[bytes], *, if_absent: bool = False) -> None:
        self._check(key)
        if if_absent and not self._is_tried:
            await self._try_out()
        if not isinstance(data, AsyncIterable):
            await self._put_bytes(key, bytes(data), if_absent=if_absent)
            return
        buffer, source = bytearray(), aiter(data)
        async for piece in source:
            buffer += piece
            if len(buffer) > PIECE_BYTES:
                await self._put_large(key, in_parts(buffer, source), if_absent=if_absent)
                return
        await self._put_bytes(key, bytes(buffer), if_absent=if_absent)

    async def keys(self, prefix: str = "") -> AsyncIterator[str]:
        split_prefix(prefix)
        if prefix:
            self._check(prefix)

        async def listed() -> list[str]:
            found: list[str] = []
            async for some in obstore().list(self._store(), prefix or None, chunk_size=1000):
                found.extend(each["path"] for each in some)
            return found

        found = sorted(key for key in await self._asked(prefix, listed) if is_key(key))
        if prefix and not found and await self._exists(prefix):
            found = [prefix]
        for key in found:
            yield key

    async def delete(self, key: str) -> None:
        self._check(key)
        try:
            await self._asked(key, lambda: obstore().delete_async(self._store(), key))
        except KeyNotFound:
            # S3 does not say so; some that speak its protocol do.
            return

    # ---- writing ----------------------------------------------------------------------------------------------------

    async def _put_bytes(self, key: str, data: bytes, *, if_absent: bool) -> None:
        if if_absent and self._advisory:
            await self._put_advisory(key, hashlib.sha256(data), lambda: self._send(key, data, "overwrite"))
        elif if_absent:
            await self._send(key, data, "create")
        elif len(data) > PIECE_BYTES:
            await self._put_large(key, cut(data), if_absent=False)
        else:
            await self._send(key, data, "overwrite")

    async def _put_large(self, key: str, pieces: AsyncIterator[bytes], *, if_absent: bool) -> None:
        if not if_absent:
            await self._upload(key, pieces)
            return
        # Tells what a copy would tell at the end, before gigabytes are sent.
        if await self._exists(key):
            raise KeyExists(key)
        if self._advisory or not await self._copies_are_guarded():
            sent = hashlib.sha256()
            await self._put_advisory(key, sent, lambda: self._upload(key, hashed(pieces, sent)))
            return
        hidden = "".join((*key.rpartition("/")[:2], _hidden_name()))
        await self._upload(hidden, pieces)
        try:
            await self._copy(hidden, key)
        finally:
            await self._remove_hidden(hidden)

    async def _try_out(self) -> None:
        """See whether the service refuses to create what is there: some ignore the condition without a word."""
        probe = _hidden_name()
        ignored = False
        try:
            for _ in range(2):
                await self._send(probe, b"", "create")
            ignored = True
        except KeyExists:
            # Also said to the first one, where the client repeated it and met its own: that shows the same.
            pass
        await self._remove_hidden(probe)
        if ignored and not self._advisory:
            _log.warning(
                "the storage %s ignores conditional writes, so two processes could both create an object: let one"
                " writer only work in it at a time (create=advisory says that you know)",
                self.settings.place,
            )
        self._advisory = self._advisory or ignored
        self._is_tried = True

    async def _copies_are_guarded(self) -> bool:
        """See whether the service refuses to copy to where something is; five small requests, once."""
        if self._guards_copies is None:
            guarded, probes = False, (_hidden_name(), _hidden_name())
            for probe in probes:
                await self._send(probe, b"", "overwrite")
            try:
                await self._copy(*probes)
            except KeyExists:
                guarded = True
            except (StorageUnavailable, StorageFull):
                raise
            except StorageError:
                pass  # "not implemented", say: nothing was copied, and nothing will be
            for probe in probes:
                await self._remove_hidden(probe)
            if not guarded and self._guards_copies is None:
                _log.warning(
                    "the storage %s does not keep the condition of a copy, so two processes could both create a large"
                    " object: let one writer only work in it at a time (create=advisory says that you know)",
                    self.settings.place,
                )
            self._guards_copies = guarded
        return self._guards_copies

    async def _remove_hidden(self, name: str) -> None:
        with contextlib.suppress(StorageError):  # it is never listed, so it may stay
            await self._asked(name, lambda: obstore().delete_async(self._store(), name))

    async def _put_advisory(self, key: str, sent: Any, send: Callable[[], Awaitable[None]]) -> None:
        """Create where nothing guards a create. ``sent`` is the hash of what ``send`` has sent, once it has."""
        if await self._exists(key):
            raise KeyExists(key)
        await send()
        stored = hashlib.sha256()
        async for piece in self.stream(key):
            stored.update(piece)
        if stored.digest() != sent.digest():
            raise KeyExists(key)

    async def _send(self, key: str, data: bytes, mode: str) -> None:
        store = self._store()
        await self._asked(
            key, lambda: obstore().put_async(store, key, data, mode=cast("Any", mode), use_multipart=False)
        )

    async def _copy(self, source: str, target: str) -> None:
        """Copy to where nothing is. Raises KeyExists named by the target."""
        await self._asked(target, lambda: obstore().copy_async(self._store(), source, target, overwrite=False))

    async def _upload(self, key: str, pieces: AsyncIterator[bytes]) -> None:
        store = self._store()

        def send(parts: AsyncIterator[bytes]) -> Awaitable[None]:
            options = {"use_multipart": True, "chunk_size": PIECE_BYTES, "max_concurrency": _PARTS_AT_ONCE}
            return self._asked(key, lambda: obstore().put_async(store, key, parts, **options))

        await upload(pieces, send)

    # ---- asking the service -----------------------------------------------------------------------------------------

    async def _exists(self, key: str) -> bool:
        try:
            await self._asked(key, lambda: obstore().head_async(self._store(), key))
        except KeyNotFound:
            return False
        return True

    async def _asked(self, key: str, ask: Callable[[], Awaitable[_T]]) -> _T:
        """Await an answer of the client; what it raises becomes an error of ours, without its text."""
        try:
            return await ask()
        except StorageError:
            raise
        except SettingError as error:
            raise no_keys(self.settings.place, error) from None
        except BaseException as error:
            if not is_clients(error):
                raise
            raise translated(error, self.settings, key) from None

    def _check(self, key: str) -> None:
        split_key(key)
        if any(each in key for each in _NOT_XML):
            raise InvalidKey(key, "an object store cannot list U+FFFE and U+FFFF")
        length = len(f"{self.settings.prefix}/{key}".encode())
        if length > MAX_KEY_BYTES:
            raise InvalidKey(key, f"with the prefix it is longer than {MAX_KEY_BYTES} bytes")

    def _store(self) -> S3Store:
        check_fork(self.settings)
        if self._made is None:
            self._made = open_client(self.settings)
        return self._made


def _hidden_name() -> str:
    return f"{TEMP_PREFIX}{secrets.token_hex(8)}"
