"""The file of request lines of one submission: written in one streaming pass, uploaded from the open file."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import asynccontextmanager
from typing import IO

import attrs

from ....domain.inference import AnyRequest, Parameters, Request
from ....errors import BackendRejected
from ....ports.inference import GivesWritten
from ..concurrent import closing
from .lines import CHAT_URL, LineWriter
from .options import Options
from .scratch import ScratchFile
from .wire import TEST_MODEL

_TEST_URL = "/v1/chat/ds-test"
_HASH_DIGITS = 16
_LOOKED_AT = 16  # characters of an id that tell a person which request it is


@attrs.frozen(kw_only=True)
class WrittenLines:
    """A file of request lines, open; ``url`` is the one that its lines name.

    ``content_hash`` is of what is asked and how: the ids of the requests, and what all lines have in common.
    """

    file: IO[bytes]
    requests: int
    content_hash: str
    url: str

    def name_for(self, batch_name: str) -> str:
        """Return the name to upload the file by."""
        return f"{batch_name}-{self.content_hash[:_HASH_DIGITS]}.jsonl"


@asynccontextmanager
async def written_lines(requests: AsyncIterable[Request], options: Options) -> AsyncIterator[WrittenLines]:
    """Write the requests to a temporary file that is gone at the end. Holds one line at a time; spends nothing.

    Raises BackendRejected for what the service would refuse as a whole (no request, too many, a line or a file too
    long, more than one model or thinking mode), and BackendDenied where the disk is full.
    """
    with ScratchFile() as scratch:
        writer = _Writer(scratch, options)
        source = requests.written() if isinstance(requests, GivesWritten) else aiter(requests)
        async with closing(source):
            async for request in source:
                writer.add(request)
        yield writer.finished()


class _Writer:
    """Writes lines and keeps count of what they have in common."""

    def __init__(self, scratch: ScratchFile, options: Options) -> None:
        self._scratch = scratch
        self._options = options
        self._hash = hashlib.sha256()
        self._count = 0
        self._bytes = 0
        self._url = options.url
        self._kind: tuple[object, ...] | None = None
        self._model = ""
        self._parameters: Parameters | None = None

    def add(self, request: AnyRequest) -> None:
        """Write the line of a request."""
        # By identity: the requests of a job share their parameters.
        if request.parameters is not self._parameters or request.model != self._model:
            self._look_at(request)
        line = _line(self._lines, request)
        length, options = len(line), self._options
        self._count += 1
        self._bytes += length
        if length > options.line_bytes or self._count > options.requests or self._bytes > options.submission_bytes:
            raise self._too_much(request, length)
        self._hash.update(request.id.encode("ascii"))
        self._scratch.write(line)

    def _look_at(self, request: AnyRequest) -> None:
        """Check that a request may stand beside those before it."""
        kind = _kind_of(request)
        if self._kind is None:
            self._kind = kind
            if request.model == TEST_MODEL and self._options.url == CHAT_URL:
                self._url = _TEST_URL
            self._lines = LineWriter(self._url, self._options.thinking)
            self._hash.update(f"{self._url} {self._options.thinking} ".encode())
        elif kind != self._kind:
            raise BackendRejected(
                "a batch takes one model and one thinking mode, and these requests have several:"
                f" {_told(self._kind)} and {_told(kind)}; run them as separate jobs"
            )
        self._model, self._parameters = request.model, request.parameters

    def _too_much(self, request: AnyRequest, line_bytes: int) -> BackendRejected:
        options = self._options
        if line_bytes > options.line_bytes:
            return BackendRejected(
                f"the line of request {request.id[:_LOOKED_AT]} has {line_bytes} bytes, and the service takes"
                f" {options.line_bytes} a line; use shorter passages"
            )
        if self._count > options.requests:
            return BackendRejected(f"the service takes {options.requests} requests a batch, and these are more")
        return BackendRejected(
            f"the service takes {options.submission_bytes} bytes a batch, and these requests have more"
        )

    def finished(self) -> WrittenLines:
        """Return the file, ready to be read."""
        if not self._count:
            raise BackendRejected("there is no request to submit")
        self._scratch.flush()
        return WrittenLines(
            file=self._scratch.file, requests=self._count, content_hash=self._hash.hexdigest(), url=self._url
        )


def _kind_of(request: AnyRequest) -> tuple[object, ...]:
    """Return what all lines of a file must have in common; ``extra_body`` may say it too."""
    parameters = request.parameters
    return (request.model, parameters.extra_body.get("enable_thinking", parameters.enable_thinking))


def _told(kind: tuple[object, ...]) -> str:
    model, thinking = kind
    return f"{model} ({'thinking' if thinking else 'not thinking'})"


def _line(writer: LineWriter, request: AnyRequest) -> bytes:
    try:
        return writer.line_of(request)
    except ValueError as error:
        raise BackendRejected(str(error)) from None
