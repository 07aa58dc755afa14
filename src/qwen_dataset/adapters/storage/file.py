"""Storage in a local folder: a key is a path below the root."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar, TypeVarTuple

from ...errors import SettingError
from .._durable import Disk
from ._folder import PIECE_BYTES, Folder
from .keys import split_key, split_prefix

_T = TypeVar("_T")
_Ts = TypeVarTuple("_Ts")

_THREADS = 4


def from_url(location: str, parameters: Mapping[str, str]) -> FileStorage:
    """Return the storage of ``file:location``, a folder. Raises SettingError; touches nothing on the disk."""
    if not location or parameters:
        message = "the storage file: needs a folder and takes no parameters; write file:batch_jobs"
        raise SettingError(message)
    root = Path(location).expanduser()
    if root.exists() and not root.is_dir():
        message = f"the storage file:{location} is a file; name a folder, such as file:batch_jobs"
        raise SettingError(message)
    return FileStorage(root)


class FileStorage:
    """Objects as files below ``root``, which is made when the first one is stored.

    - A put writes a hidden file in the object's own folder, fsyncs it, links (create-only) or renames it, and fsyncs
      the folder; new folders are fsynced into theirs. Hidden files that killed writers left are removed after a day,
      when this object first writes to their folder.
    - A create-only put needs hard links: nothing else is both atomic and exclusive everywhere. A file system without
      them (exFAT, some network shares) raises ``StorageError`` that says so.
    - ``root`` may be a symbolic link; links below it are not followed (``InvalidKey``), since they can lead out of it.
      This guards against accidents, not against someone who changes the folder while we work.
    - A name cannot be an object and a folder of objects at once: storing the second raises ``StorageError``.
    - Names are stored as given; on a file system that ignores case, keys that differ only in case are one object.
    - Blocking calls run in threads of our own: a user's blocking calls in the loop's default threads must not delay
      the renewal of a lease. A cancelled call waits for the system call it is in, so nothing happens after it.
    - A delete, too, survives a loss of power.

    ``now`` is seconds since the epoch. ``disk`` is for tests.
    """

    def __init__(self, root: Path | str, *, now: Callable[[], float] = time.time, disk: Disk | None = None) -> None:
        # Absolute from the start: a later chdir must not move the storage. Links stay: only their target is looked at.
        self._folder = Folder(os.path.abspath(root), now, disk or Disk())  # noqa: PTH100
        self._pool: tuple[int, ThreadPoolExecutor] | None = None

    async def get(self, key: str) -> bytes:
        return await self._run(self._folder.read, self._folder.place(key))

    async def stream(self, key: str) -> AsyncGenerator[bytes, None]:
        reader = self._folder.reader(self._folder.place(key))
        try:
            await self._run(reader.open)
            while piece := await self._run(reader.read):
                yield piece
        finally:
            reader.close()

    async def put(self, key: str, data: bytes | AsyncIterable[bytes], *, if_absent: bool = False) -> None:
        folder, place = self._folder, self._folder.place(key)
        if not isinstance(data, AsyncIterable):
            await self._run(folder.write, place, data, if_absent)
            return
        temp = folder.temp(place)
        try:
            await self._run(folder.begin, place, temp, if_absent)
            buffer = bytearray()
            async for piece in data:
                buffer += piece
                # Pieces may be single lines; a thread for each would cost more than writing it.
                if len(buffer) >= PIECE_BYTES:
                    full, buffer = buffer, bytearray()
                    await self._run(folder.append, place, temp, full)
            await self._run(folder.finish, place, temp, buffer, if_absent)
        finally:
            # Two quick system calls, and not awaited: this must also work while the coroutine is being closed.
            temp.discard()

    async def keys(self, prefix: str = "") -> AsyncIterator[str]:
        segments = split_prefix(prefix)
        if prefix:
            is_object = await self._run(self._folder.is_object, self._folder.place(prefix))
            if is_object:
                yield prefix
                return
        # One list of names for each folder on the way down: flat in the number of all other objects.
        below = f"{prefix}/" if prefix else ""
        opened = [(below, iter(await self._run(self._folder.names, segments)))]
        while opened:
            below, names = opened[-1]
            name = next(names, None)
            if name is None:
                opened.pop()
            elif name.endswith("/"):
                inner = split_key((below + name)[:-1])
                opened.append((below + name, iter(await self._run(self._folder.names, inner))))
            else:
                yield below + name

    async def delete(self, key: str) -> None:
        await self._run(self._folder.remove, self._folder.place(key))

    async def _run(self, function: Callable[[*_Ts], _T], *arguments: *_Ts) -> _T:
        """Call a blocking function in a thread; when cancelled, wait for its end, so nothing is left behind."""
        future = asyncio.get_running_loop().run_in_executor(self._threads(), function, *arguments)
        cancelled: asyncio.CancelledError | None = None
        while not future.done():
            try:
                await asyncio.wait([future])
            except asyncio.CancelledError as error:
                cancelled = error
        if cancelled is not None:
            # Looked at, so that asyncio does not report it as forgotten.
            future.exception()
            raise cancelled
        return future.result()

    def _threads(self) -> ThreadPoolExecutor:
        # A forked child inherits the object but not its threads.
        if self._pool is None or self._pool[0] != os.getpid():
            self._pool = (os.getpid(), ThreadPoolExecutor(_THREADS, thread_name_prefix="qwen-dataset-storage"))
        return self._pool[1]
