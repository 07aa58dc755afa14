"""A temporary file that says what to do where it cannot be written."""

from __future__ import annotations

import tempfile
from typing import IO

from ....errors import BackendDenied

_BUFFER = 1 << 18  # bytes


class ScratchFile:
    """Bytes that do not fit into memory, gone at the end. A context manager.

    Every method raises BackendDenied where there is no room: nothing goes on until a person makes some.
    """

    def __init__(self) -> None:
        try:
            self.file: IO[bytes] = tempfile.TemporaryFile(buffering=_BUFFER)  # noqa: SIM115  # closed by __exit__
        except OSError as error:
            raise _no_room(error) from None
        self._size = 0
        self._at = -1  # where reading stands, where it has begun

    def write(self, data: bytes) -> int:
        """Append, and return where it begins."""
        try:
            self.file.write(data)
        except OSError as error:
            raise _no_room(error) from None
        begin, self._size = self._size, self._size + len(data)
        return begin

    def flush(self) -> None:
        """Hand everything written to the system; after it the file may be read and no more written."""
        try:
            self.file.flush()
        except OSError as error:
            raise _no_room(error) from None

    def read(self, offset: int, length: int) -> bytes:
        """Return what was written there."""
        if offset != self._at:
            self.file.seek(offset)
        self._at = offset + length
        return self.file.read(length)

    def __enter__(self) -> ScratchFile:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.file.close()
        except OSError:
            return  # nobody needs any more what could not be written at last


def _no_room(error: OSError) -> BackendDenied:
    return BackendDenied(
        f"the temporary folder {tempfile.gettempdir()} cannot be written ({error.strerror or error}):"
        " free space there, or set TMPDIR to another folder"
    )
