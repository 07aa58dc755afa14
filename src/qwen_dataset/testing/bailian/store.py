"""The files of the service: what they are in memory, their content in a temporary folder."""

from __future__ import annotations

import math
import secrets
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs

from .errors import refusal


@attrs.define(eq=False, kw_only=True)
class StoredFile:
    """One file. ``step`` writes the content of a result that nobody has asked for yet, some lines at a time."""

    id: str
    filename: str
    purpose: str
    created_at: int
    path: Path
    processed: bool = True
    deleted: bool = False
    gone_at: float = math.inf
    step: Callable[[int], bool] | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the file object; the content must have been written."""
        return {
            "id": self.id,
            "bytes": self.path.stat().st_size,
            "created_at": self.created_at,
            "filename": self.filename,
            "object": "file",
            "purpose": self.purpose,
            "status": "processed" if self.processed else "uploaded",
            "status_details": None,
        }


class FileStore:
    """Uploads and results by id. What is deleted can no longer be asked for; running batches still read it."""

    def __init__(self) -> None:
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._files: dict[str, StoredFile] = {}

    def open(self) -> None:
        """Make the temporary folder."""
        self._folder = tempfile.TemporaryDirectory(prefix="bailian-", ignore_cleanup_errors=True)

    def close(self) -> None:
        """Remove the folder with all content."""
        if self._folder is not None:
            self._folder.cleanup()

    def new_path(self) -> Path:
        """Return where a new file can be written."""
        assert self._folder is not None, "the server was not started"
        return Path(self._folder.name) / secrets.token_hex(12)

    def add(self, *, path: Path, filename: str | None, purpose: str, now: float, processed: bool = True) -> StoredFile:
        """Keep a file. Results have ``batch_output`` ids, error files too."""
        kind = "batch" if purpose == "batch" else purpose
        file_id = f"file-{kind}-{secrets.token_hex(12)}"
        file = StoredFile(
            id=file_id,
            filename=filename or f"{file_id}.jsonl",
            purpose=purpose,
            created_at=int(now),
            path=path,
            processed=processed,
        )
        self._files[file_id] = file
        return file

    def get(self, file_id: str, now: float) -> StoredFile:
        """Return a file. Raises ``Refusal``: 404."""
        file = self._files.get(file_id)
        if file is None or not self._there(file, now):
            raise refusal("NotFound", f"Not found! There is no file {file_id}.")
        return file

    def newest_first(self, now: float) -> Iterator[StoredFile]:
        """Yield all files."""
        return (file for file in reversed(list(self._files.values())) if self._there(file, now))

    def _there(self, file: StoredFile, now: float) -> bool:
        return not file.deleted and now < file.gone_at
