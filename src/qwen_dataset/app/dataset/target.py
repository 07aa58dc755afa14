"""Where a dataset goes: nowhere, to a file of its own, or behind what a file holds already."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from ...domain.events import Exporting
from ...domain.identity import wording_id
from ...errors import OutputError, SettingError
from ..engine.job import Job
from ..engine.scratch import ScratchDatabase

_EMPTY = hashlib.sha256().hexdigest()


class Writer(Protocol):
    """Writes records to a file that nobody sees before ``commit``. Adapters provide it; errors are OutputError."""

    @property
    def digest(self) -> str:
        """SHA-256 of what was written so far, in hex."""
        ...

    def write(self, record: Mapping[str, Any]) -> None: ...

    def copy(self, path: Path) -> Iterator[Mapping[str, Any]]:
        """Take over each record of an existing file byte for byte, and yield it."""
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
    MERGE = "merge"  # its lines stay as they are, and what is new is added behind them


class Target(Protocol):
    """Takes the records of one export. ``kept``: lines that were there; ``known``: records that were among them."""

    kept: int
    known: int

    def add(self, record: Mapping[str, Any]) -> None: ...

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

    async def commit(self, job: Job) -> None:
        if not self._replace and not _is_ours(job, self._output, self._format):
            raise OutputError(_written_meanwhile(self._output, job))
        # The intent first: a run that dies after the commit must still know the file as its own.
        await job.ledger.append(Exporting(output=str(self._output), digest=self._writer.digest))
        self._writer.commit()


class _Merge:
    """What a file holds, as it is, and behind it what is new.

    The result is not noted as the job's own: a later run without a merge would take what others wrote away.
    """

    def __init__(self, output: Path, output_format: OutputFormat, writer: Writer) -> None:
        self.kept = self.known = 0
        self._output = output
        self._format = output_format
        self._writer = writer
        self._before = output_format.digest(output)
        self._seen = ScratchDatabase("CREATE TABLE seen (id BLOB PRIMARY KEY) WITHOUT ROWID")

    def __enter__(self) -> _Merge:
        if self._before is not None:
            for record in self._writer.copy(self._output):
                self._is_new(record)
                self.kept += 1
        return self

    def __exit__(self, *_: object) -> None:
        self._seen.__exit__()

    def add(self, record: Mapping[str, Any]) -> None:
        if self._is_new(record):
            self._writer.write(record)
        else:
            self.known += 1

    async def commit(self, job: Job) -> None:
        if self._format.digest(self._output) != self._before:
            raise OutputError(_written_meanwhile(self._output, job))
        self._writer.commit()

    def _is_new(self, record: Mapping[str, Any]) -> bool:
        key = bytes.fromhex(_identity(record))
        return self._seen.execute("INSERT OR IGNORE INTO seen VALUES (?)", (key,)).rowcount > 0


def _identity(record: Mapping[str, Any]) -> str:
    """Return what makes a line the same as another: what a sample says; which request an answer answers, and how."""
    if "instruction" in record:
        return wording_id(record["instruction"], record.get("input", ""), record.get("output", ""))
    return wording_id(
        record.get("id", ""), record.get("request_id", ""), record.get("output", ""), record.get("error", "")
    )


def _is_ours(job: Job, output: Path, output_format: OutputFormat) -> bool:
    return _is_new(output, output_format) or output_format.digest(output) in job.state.exported


def _is_new(output: Path, output_format: OutputFormat) -> bool:
    return output_format.digest(output) in (None, _EMPTY)


def _written_meanwhile(output: Path, job: Job) -> str:
    return f"{output} was written by something else while job {job.id} ran; choose another --output"
