"""Where a dataset goes: nowhere, to a file of its own, or behind what a file holds already."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

import orjson

from ...domain.events import Exporting
from ...domain.identity import content_id, wording_id
from ...errors import OutputError, SettingError
from ..engine.job import Job
from ..engine.scratch import ScratchDatabase, Spool

_EMPTY = hashlib.sha256().hexdigest()
_BREATH = 1000  # lines between two turns of the event loop


class Writer(Protocol):
    """Writes records to a file that nobody sees before ``commit``. Adapters provide it; errors are OutputError."""

    @property
    def digest(self) -> str:
        """SHA-256 of what was written so far, in hex."""
        ...

    def write(self, record: Mapping[str, Any]) -> None: ...

    def copy(self, path: Path, wanted: Callable[[Mapping[str, Any]], bool]) -> Iterator[Mapping[str, Any]]:
        """Take over each record of an existing file that is wanted, byte for byte, and yield it."""
        ...

    def commit(self) -> None: ...


class OutputFormat(Protocol):
    """A kind of dataset file, provided by an adapter: a module or an object with these functions."""

    def open(self, path: Path, /) -> AbstractContextManager[Writer]: ...

    def check(self, path: Path, /) -> None:
        """Raise SettingError for a path that cannot be written."""
        ...

    def digest(self, path: Path, /) -> str | None:
        """Return the SHA-256 of an existing file, None without one."""
        ...

    def recognise(self, path: Path, /) -> bool:
        """Say whether a file looks like a dataset of this kind."""
        ...


class Existing(StrEnum):
    """What becomes of an output file that this job did not write."""

    REFUSE = "refuse"
    REPLACE = "replace"
    # Its lines stay as they are, and what is new is added behind them; a failure that was answered since goes.
    MERGE = "merge"


class Target(Protocol):
    """Takes the records of one export. ``kept``: lines that stayed; ``known``: records that were among them."""

    kept: int
    known: int

    def add(self, record: Mapping[str, Any]) -> None: ...

    async def finish(self) -> None:
        """Do what has to wait for the last record, so that nothing is left for ``commit`` but to make it visible."""
        ...

    async def commit(self, job: Job) -> None:
        """Make the file visible. Raises OutputError where something else has written it meanwhile."""
        ...


def check_output(job: Job, output: Path, output_format: OutputFormat, existing: Existing) -> None:
    """Refuse to replace what this job did not write. Raises SettingError, before anything is spent."""
    if existing is Existing.REFUSE and not _is_ours(job, output, output_format):
        message = (
            f"{output} exists and was not written by job {job.id} (or was changed since); choose another --output,"
            " or pass --force to replace it, --merge to add to it"
        )
        raise SettingError(message)
    if existing is Existing.MERGE and not (_is_new(output, output_format) or output_format.recognise(output)):
        message = f"{output} is no dataset that can be added to; choose another --output, or pass --force to replace it"
        raise SettingError(message)


@contextmanager
def opened(output: Path | None, output_format: OutputFormat, existing: Existing) -> Iterator[Target]:
    """Open what takes the records; without a commit an existing file stays as it was."""
    if output is None:
        yield _Nowhere()
        return
    with output_format.open(output) as writer:
        if existing is Existing.MERGE:
            with _Merge(output, output_format, writer) as merge:
                yield merge
        else:
            yield _File(output, output_format, writer, replace=existing is Existing.REPLACE)


class _Nowhere:
    """Takes everything and keeps nothing: the answers stay in the job."""

    def __init__(self) -> None:
        self.kept = self.known = 0

    def add(self, record: Mapping[str, Any]) -> None:
        """Do nothing."""

    async def finish(self) -> None:
        """Do nothing."""

    async def commit(self, job: Job) -> None:
        """Do nothing."""


class _File:
    """A new file, or one that takes the place of this job's earlier one."""

    def __init__(self, output: Path, output_format: OutputFormat, writer: Writer, *, replace: bool) -> None:
        self.kept = self.known = 0
        self._output = output
        self._format = output_format
        self._writer = writer
        self._replace = replace

    def add(self, record: Mapping[str, Any]) -> None:
        self._writer.write(record)

    async def finish(self) -> None:
        """Do nothing: every record was written as it came."""

    async def commit(self, job: Job) -> None:
        if not self._replace and not _is_ours(job, self._output, self._format):
            raise OutputError(_written_meanwhile(self._output, job))
        # The intent first: a run that dies after the commit must still know the file as its own.
        await job.ledger.append(Exporting(output=str(self._output), digest=self._writer.digest))
        self._writer.commit()


class _Merge:
    """What a file holds, as it is, and behind it what is new.

    A failure that the file holds goes where the job has the answer by now, and a failure is not added where the file
    holds an answer. So the records wait on the local disk until all are known: only then are the old lines copied.

    The result is not noted as the job's own: a later run without a merge would take what others wrote away.
    """

    def __init__(self, output: Path, output_format: OutputFormat, writer: Writer) -> None:
        self.kept = self.known = 0
        self._output = output
        self._format = output_format
        self._writer = writer
        self._before = output_format.digest(output)
        self._records = Spool()
        self._ids = ScratchDatabase(
            "CREATE TABLE seen (id BLOB PRIMARY KEY) WITHOUT ROWID",
            "CREATE TABLE answered (id BLOB PRIMARY KEY) WITHOUT ROWID",
        )

    def __enter__(self) -> _Merge:
        return self

    def __exit__(self, *_: object) -> None:
        self._ids.__exit__()
        self._records.__exit__()

    def add(self, record: Mapping[str, Any]) -> None:
        self._records.append(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE))
        if _is_answer(record):
            self._ids.execute("INSERT OR IGNORE INTO answered VALUES (?)", (_question(record),))

    async def finish(self) -> None:
        """Copy what stays of the file, and add what is new. Raises OutputError where the file cannot be read."""
        if self._before is not None:
            for record in self._writer.copy(self._output, self._stays):
                self._is_new(record)
                self.kept += 1
                if self.kept % _BREATH == 0:
                    await asyncio.sleep(0)
        for number, line in enumerate(self._records, start=1):
            record = orjson.loads(line)
            if self._is_new(record):
                self._writer.write(record)
            else:
                self.known += 1
            if number % _BREATH == 0:
                await asyncio.sleep(0)

    async def commit(self, job: Job) -> None:
        if self._format.digest(self._output) != self._before:
            raise OutputError(_written_meanwhile(self._output, job))
        self._writer.commit()

    def _stays(self, record: Mapping[str, Any]) -> bool:
        if "error" not in record or "output" in record:
            return True
        found = self._ids.execute("SELECT 1 FROM answered WHERE id = ?", (_question(record),))
        return found.fetchone() is None

    def _is_new(self, record: Mapping[str, Any]) -> bool:
        if not _is_answer(record):
            return self._note(_identity(record))
        # A failure of the same question has nothing to say any more.
        self._note(_question(record))
        return self._note(_identity(record))

    def _note(self, key: bytes) -> bool:
        return self._ids.execute("INSERT OR IGNORE INTO seen VALUES (?)", (key,)).rowcount > 0


def _is_answer(record: Mapping[str, Any]) -> bool:
    return "output" in record and "instruction" not in record


def _question(record: Mapping[str, Any]) -> bytes:
    """Return what makes two lines speak of the same prompt: a person's id of it, and what exactly was asked."""
    return bytes.fromhex(content_id([record.get("id"), record.get("request_id")]))


def _identity(record: Mapping[str, Any]) -> bytes:
    """Return what makes a line the same as another: what a sample says; which prompt an answer answers, and how.

    Of a failure it is the prompt alone: why it failed may be told in other words each time.
    """
    if "instruction" in record:
        texts = (record["instruction"], record.get("input", ""), record.get("output", ""))
        return bytes.fromhex(wording_id(*texts))
    if not _is_answer(record):
        return _question(record)
    return bytes.fromhex(content_id([record.get("id"), record.get("request_id"), record["output"]]))


def _is_ours(job: Job, output: Path, output_format: OutputFormat) -> bool:
    return _is_new(output, output_format) or output_format.digest(output) in job.state.exported


def _is_new(output: Path, output_format: OutputFormat) -> bool:
    return output_format.digest(output) in (None, _EMPTY)


def _written_meanwhile(output: Path, job: Job) -> str:
    return f"{output} was written by something else while job {job.id} ran; choose another --output"
