"""The batches of a service one by one, for whoever handles them by hand. The engine never needs this."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

import attrs


@attrs.frozen(kw_only=True)
class LineError:
    """Why the service refused a line of an input file. ``line`` counts from 1; None where it did not say."""

    code: str
    message: str
    line: int | None = None


@attrs.frozen(kw_only=True)
class RemoteBatch:
    """A batch as the service tells of it. ``status`` is the service's own word, also one that is new to us.

    Times are aware; None where the service gave none. ``file ids`` are None where there is no such file. ``completed``
    counts successful lines. ``is_ended``: it will not change any more.
    """

    id: str
    status: str
    is_ended: bool
    endpoint: str = ""
    completion_window: str = ""
    input_file_id: str | None = None
    output_file_id: str | None = None
    error_file_id: str | None = None
    created_at: datetime | None = None
    ended_at: datetime | None = None
    total: int = 0
    completed: int = 0
    failed: int = 0
    metadata: Mapping[str, str] = attrs.field(factory=dict, hash=False)
    errors: tuple[LineError, ...] = ()


@attrs.frozen(kw_only=True)
class BatchFilter:
    """Which batches to list; what is None or empty does not narrow. ``name`` may match a part of a batch's name.

    ``after`` is the id of the batch behind which (in the service's order, the newest first) the list begins.
    """

    name: str | None = None
    statuses: Sequence[str] = ()
    input_file_ids: Sequence[str] = ()
    created_after: datetime | None = None
    created_before: datetime | None = None
    after: str | None = None


class RemoteBatches(Protocol):
    """A service's batches and files, by their own ids. Only ``create`` spends money.

    Every method may raise ``BackendUnavailable`` (no definite answer), ``BackendRejected`` (a definite no, also for an
    id that is not known) or ``BackendDenied``.
    """

    async def upload(self, lines: Path, *, name: str) -> str:
        """Upload a file of request lines and return its id. Reads it as it goes; spends nothing."""
        ...

    async def create(
        self,
        input_file_id: str,
        *,
        completion_window: str,
        endpoint: str | None = None,
        metadata: Mapping[str, str] = {},
    ) -> RemoteBatch:
        """Create a batch of an uploaded file, and spend money.

        Never repeated by itself: after ``BackendUnavailable`` it may or may not exist, so look before asking again.
        ``endpoint`` defaults to that of chat completions.
        """
        ...

    async def retrieve(self, batch_id: str) -> RemoteBatch:
        """Return a batch as it is now."""
        ...

    def list(self, wanted: BatchFilter = ..., *, limit: int | None = None) -> AsyncIterator[RemoteBatch]:
        """Yield batches, the newest first, at most ``limit``. A service that cannot filter is filtered here."""
        ...

    async def cancel(self, batch_id: str) -> RemoteBatch:
        """Ask a batch to stop. One that has ended is returned as it is."""
        ...

    def download(self, file_id: str) -> AsyncGenerator[bytes, None]:
        """Yield a file in pieces of bounded size."""
        ...

    async def delete_file(self, file_id: str) -> None:
        """Delete a file at the service; one that is not there is no error."""
        ...
