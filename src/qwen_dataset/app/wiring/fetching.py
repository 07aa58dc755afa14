"""Papers that are not files of this machine: objects of a storage, and standard input, brought to the local disk."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import errno
import io
import itertools
import os
import select
import tempfile
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, Self, TypeVar

import attrs

from ...errors import JobUnfinished, KeyNotFound, ReadError
from ...ports.storage import Storage
from ..engine.patience import PatientStorage
from ..engine.scratch import no_room
from . import plugins, readers
from .guessing import LONG_BEGIN, suffix_for
from .inputs import Found, Named, is_dataset, stdin
from .loop_thread import running_loop
from .read_limits import ReadLimits, check_stopped, megabytes
from .read_report import ReadReport

T = TypeVar("T")

_AT_ONCE = 4  # objects fetched while others are read
_LOOK_SECONDS = 0.2
_PIECE = 1024 * 1024
# What LaTeX takes into a paper besides the files that are papers or parts themselves.
_BESIDE = frozenset({"bbl", "bib", "cfg", "clo", "cls", "def", "inc", "sty", "tikz"})


@attrs.frozen
class Listing:
    """What lies below an address. ``shown`` stands before a key in the name of a paper; ``folder`` is on this machine.

    In ``folder`` the keys have their places, as far as they were brought there.
    """

    storage: Storage
    keys: tuple[str, ...]
    shown: str
    folder: Path

    def source(self, key: str) -> str:
        """Return how the paper of a key is called; nothing secret is in it."""
        return f"{self.shown}/{key}"


class Fetcher:
    """Brings papers to a folder of its own on the local disk, which is gone when this is closed.

    Storages are asked in an event loop in a thread of its own: whoever reads papers waits, and waits for nothing else.
    ``stopped`` says whether a person wants this to end, and JobUnfinished is raised then.
    """

    def __init__(self, limits: ReadLimits, *, stopped: Callable[[], bool] = lambda: False) -> None:
        self._limits = limits
        self._stopped = stopped
        self._stack = contextlib.ExitStack()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._folder: Path | None = None
        self._count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def listing(self, each: Named) -> Listing:
        """Return what lies below an address, or the one object that it names; what belongs to projects is fetched.

        Raises SettingError for an address that cannot be used, and what a storage raises.
        """
        address, _, query = each.text.partition("?")
        plain = address.rstrip("/")
        above, _, name = plain.rpartition("/")
        # A name with a reader's suffix is an object. What has none is a folder.
        one = name if readers.has_reader(PurePosixPath(name)) and not above.endswith((":", ":/")) else ""
        shown = above if one else plain
        storage = PatientStorage(plugins.open_storage(f"{shown}?{query}" if query else shown), asyncio.sleep)

        async def listed() -> list[str]:
            return [key async for key in storage.keys(one)]

        found = Listing(storage, tuple(self._wait(self._start(listed()))), shown, self._new_folder())
        self._fetch_projects(found)
        return found

    def files_of(self, listing: Listing, report: ReadReport) -> Iterator[Found]:
        """Yield the papers below an address, each when it is here; what has no reader is noted as ignored."""
        papers = []
        for key in listing.keys:
            if _is_hidden(key) or not readers.has_reader(PurePosixPath(key)):
                report.note_ignored(listing.source(key))
            else:
                papers.append(key)
        for found in self._fetched(listing, papers):
            if found.problem is None and is_dataset(found.path):
                report.note_ignored(found.source)
                _remove(found.path)
            else:
                yield found

    def parts_of(self, listing: Listing) -> Iterator[Found]:
        """Yield what may be a part of a paper below an address."""
        candidates = (readers.has_parts(PurePosixPath(key)) and not _is_hidden(key) for key in listing.keys)
        return self._fetched(listing, itertools.compress(listing.keys, candidates))

    def stdin(self) -> Found:
        """Return standard input as a file: JSON, a PDF, a web page, LaTeX, or the text of one paper, packed or not.

        How it begins tells which.
        """
        folder = self._new_folder()
        source = stdin()
        begin = b""
        # A pipe may hand over a few bytes at a time.
        while not begin.strip() and len(begin) < _PIECE and (piece := self._piece(source)):
            begin += piece
        while len(begin) < LONG_BEGIN and (piece := self._piece(source)):
            begin += piece
        path = folder / f"stdin{suffix_for(begin)}"
        most = self._most(path)
        problem = None
        with _room(), path.open("wb") as file:
            size, piece = 0, begin
            while piece:
                size += len(piece)
                if size > most:
                    problem = ReadError(f"stdin holds more than {megabytes(most)}; raise read_size to read it")
                    break
                file.write(piece)
                piece = self._piece(source)
        return Found(path=path, source="stdin", root=folder, is_spare=True, problem=problem)

    def done(self, found: Found) -> None:
        """Give back the room of a file that was read."""
        if found.is_spare:
            _remove(found.path)

    def _fetch_projects(self, listing: Listing) -> None:
        """Bring what may be parts of papers here, all of it: which ones are papers is known only then."""
        if not any(readers.has_parts(PurePosixPath(key)) and not _is_hidden(key) for key in listing.keys):
            return
        wanted = [key for key in listing.keys if not _is_hidden(key) and _is_of_project(key)]
        for _ in self._fetched(listing, wanted):
            pass

    def _fetched(self, listing: Listing, keys: Iterable[str]) -> Iterator[Found]:
        """Yield objects in order, some of them fetched ahead; those that are here already are not fetched again."""
        waiting: deque[tuple[str, concurrent.futures.Future[ReadError | None]]] = deque()
        left = iter(keys)
        try:
            while True:
                while len(waiting) < _AT_ONCE and (key := next(left, None)) is not None:
                    waiting.append((key, self._start(self._fetch(listing, key))))
                if not waiting:
                    return
                key, future = waiting.popleft()
                problem = self._wait(future)
                is_spare = not _is_of_project(key)
                yield Found(
                    path=listing.folder / key, source=listing.source(key), root=listing.folder,
                    is_spare=is_spare, problem=problem,
                )  # fmt: skip
        finally:
            for _, future in waiting:
                future.cancel()

    async def _fetch(self, listing: Listing, key: str) -> ReadError | None:
        """Bring an object to its place; return why it cannot be read, if so."""
        source = listing.source(key)
        try:
            path = _place(listing.folder, key)
            if path is None:
                return ReadError(f"{source} has a name that no file can have")
            if path.exists():
                return None
            path.parent.mkdir(parents=True, exist_ok=True)
            most = self._most(path)
            with path.open("wb") as file:
                size = 0
                async for piece in listing.storage.stream(key):
                    size += len(piece)
                    if size > most:
                        return ReadError(f"{source} is larger than {megabytes(most)}; raise read_size to read it")
                    file.write(piece)
        except KeyNotFound:
            return ReadError(f"{source} is not there any more")
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                no_room(error)
            return ReadError(f"{source} cannot be read: {error.strerror}")
        return None

    def _most(self, path: Path) -> int:
        return self._limits.stream_bytes if readers.is_by_line(path) else self._limits.file_bytes

    def _new_folder(self) -> Path:
        if self._folder is None:
            with _room():
                made = tempfile.TemporaryDirectory(prefix="qwen-dataset-", ignore_cleanup_errors=True)
            self._folder = Path(self._stack.enter_context(made))
        self._count += 1
        folder = self._folder / str(self._count)
        with _room():
            folder.mkdir()
        return folder

    def _piece(self, source: BinaryIO) -> bytes:
        """Return some of standard input, and look meanwhile whether this is to end."""
        try:
            number = source.fileno()
        except (OSError, io.UnsupportedOperation):
            return source.read(_PIECE)
        while not select.select([number], [], [], _LOOK_SECONDS)[0]:
            check_stopped(self._stopped)
        return source.read1(_PIECE) if hasattr(source, "read1") else os.read(number, _PIECE)

    def _start(self, coroutine: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
        if self._loop is None:
            self._loop = self._stack.enter_context(running_loop())
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def _wait(self, future: concurrent.futures.Future[T]) -> T:
        while not concurrent.futures.wait([future], timeout=_LOOK_SECONDS).done:
            try:
                check_stopped(self._stopped)
            except JobUnfinished:
                future.cancel()
                raise
        return future.result()


@contextlib.contextmanager
def _room() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        no_room(error)


def _place(folder: Path, key: str) -> Path | None:
    """Return where an object has its place, None where that would be elsewhere."""
    if "\0" in key or any(part in ("", ".", "..") for part in key.split("/")):
        return None
    return folder / key


def _is_hidden(key: str) -> bool:
    return any(part.startswith(".") for part in key.split("/"))


def _is_of_project(key: str) -> bool:
    path = PurePosixPath(key)
    return readers.has_parts(path) or readers.suffix_of(path) in _BESIDE


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()
