"""A storage for qwen_dataset: all jobs in one SQLite file, ``sqlite:jobs.db``.

Calls block the event loop as long as SQLite takes, which is milliseconds on a local disk; a network folder is no place
for it.
"""

import sqlite3
import weakref
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO

from qwen_dataset.adapters.storage.keys import split_key, split_prefix
from qwen_dataset.errors import KeyExists, KeyNotFound, SettingError, StorageError, StorageFull, StorageUnavailable

_PIECE_BYTES = 1024 * 1024
_PAGE_KEYS = 1000
_BUSY_SECONDS = 1.0  # another process is writing; after that the engine waits and asks again

# SQLite orders text by its UTF-8 bytes, which is the order of code points, as the port wants it. With a write-ahead
# log a reader goes on in what it began to read; a commit is on the disk when it returns.
_SCHEMA = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
CREATE TABLE IF NOT EXISTS pieces (key TEXT, number INTEGER, data BLOB NOT NULL, PRIMARY KEY (key, number));
"""
_PIECES = "SELECT data FROM pieces WHERE key = ? ORDER BY number"
_KEYS = "SELECT key FROM pieces WHERE number = 0 AND key > ? AND key < ? ORDER BY key LIMIT ?"


def open_sqlite(location: str, parameters: Mapping[str, str]) -> "SqliteStorage":
    """Return the storage of ``sqlite:location``, a file. Raises SettingError; touches nothing on the disk."""
    path = Path(location).expanduser()
    if not location or parameters:
        raise SettingError("the storage sqlite: needs a file and takes no parameters; write sqlite:jobs.db")
    if path.is_dir() or not path.parent.is_dir():
        raise SettingError(f"the storage sqlite:{location} is no file in an existing folder; write sqlite:jobs.db")
    return SqliteStorage(path)


class SqliteStorage:
    """Objects as rows of pieces in one file. Several processes may use it at once; one object of this, one loop."""

    def __init__(self, path: Path) -> None:
        self._path = path.absolute()
        self._connection: sqlite3.Connection | None = None

    async def get(self, key: str) -> bytes:
        """Return the whole object."""
        with self._translated():
            return b"".join(_pieces(self._database(), split_key(key)))

    async def stream(self, key: str) -> AsyncGenerator[bytes, None]:
        """Yield the object as it is now: a connection of its own, because others go on writing meanwhile."""
        segments = split_key(key)
        with self._translated(), closing(self._connect()) as snapshot:
            for piece in _pieces(snapshot, segments):
                yield piece

    async def put(self, key: str, data: bytes | AsyncIterable[bytes], *, if_absent: bool = False) -> None:
        """Store an object in one transaction, which begins when all of it is here."""
        split_key(key)
        with SpooledTemporaryFile(_PIECE_BYTES) as spool:
            if isinstance(data, AsyncIterable):
                async for piece in data:
                    with self._translated():
                        spool.write(piece)
            else:
                spool.write(data)
            spool.seek(0)
            with self._translated():
                self._store(key, spool, if_absent=if_absent)

    async def keys(self, prefix: str = "") -> AsyncIterator[str]:
        """Yield keys in order, a page at a time, so that objects may come and go meanwhile."""
        # "0" follows "/", and any bytes follow any text.
        last, end = (f"{prefix}/", f"{prefix}0") if split_prefix(prefix) else ("", b"")
        if prefix and self._holds(prefix):
            yield prefix
        while page := self._page(last, end):
            for last in page:
                yield last

    async def delete(self, key: str) -> None:
        """Remove an object; an absent one is no error."""
        split_key(key)
        with self._translated():
            self._database().execute("DELETE FROM pieces WHERE key = ?", (key,))

    def _store(self, key: str, spool: IO[bytes], *, if_absent: bool) -> None:
        # Leaving the block commits; an exception rolls back.
        with self._database() as database:
            database.execute("BEGIN IMMEDIATE")
            if if_absent and self._holds(key):
                raise KeyExists(key)
            database.execute("DELETE FROM pieces WHERE key = ?", (key,))
            number, piece = 0, spool.read(_PIECE_BYTES)
            while piece or number == 0:
                database.execute("INSERT INTO pieces VALUES (?, ?, ?)", (key, number, piece))
                number, piece = number + 1, spool.read(_PIECE_BYTES)

    def _holds(self, key: str) -> bool:
        with self._translated():
            found = self._database().execute("SELECT 1 FROM pieces WHERE key = ? AND number = 0", (key,))
            return found.fetchone() is not None

    def _page(self, last: str, end: str | bytes) -> list[str]:
        with self._translated():
            return [key for (key,) in self._database().execute(_KEYS, (last, end, _PAGE_KEYS))]

    def _database(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = self._connect()
            weakref.finalize(self, self._connection.close)
        return self._connection

    def _connect(self) -> sqlite3.Connection:
        # Opened in one thread and used in another where somebody runs a loop of his own.
        database = sqlite3.connect(self._path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            database.executescript(_SCHEMA)
        except sqlite3.Error:
            database.close()
            raise
        return database

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            kinds = {sqlite3.SQLITE_BUSY: StorageUnavailable, sqlite3.SQLITE_FULL: StorageFull}
            raise kinds.get(code, StorageError)(f"the storage {self._path}: {error}") from error


def _pieces(database: sqlite3.Connection, segments: tuple[str, ...]) -> Iterator[bytes]:
    key = "/".join(segments)
    with closing(database.execute(_PIECES, (key,))) as rows:
        found = False
        for (piece,) in rows:
            found = True
            yield piece
    if not found:
        raise KeyNotFound(key)
