"""The lines of a batch's result file, as a service sends them: shuffled, missing, double, of strangers."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Mapping, Sequence
from typing import Any

from ....domain.identity import text_id
from ....domain.inference import Completion, Failure, FailureKind, Outcome, Request, Usage
from ..concurrent import closing
from .dice import Dice
from .fate import RemoteJob
from .settings import FAIL_KINDS
from .spoil import answer

Line = Mapping[str, Any]
"""``id`` and either ``answer`` (see ``spoil.answer``) or ``error`` (``kind``, ``message``)."""

_WINDOW = 128  # requests held at once; lines are shuffled this far
_OTHER_TEXT = 0.5  # of the duplicates

_MESSAGES: Mapping[FailureKind, str] = {
    FailureKind.RATE_LIMITED: "too many requests, try again later",
    FailureKind.SERVER_ERROR: "internal error",
    FailureKind.TIMEOUT: "the model did not answer in time",
    FailureKind.CONTENT_FILTER: "the prompt may contain inappropriate content",
    FailureKind.INVALID_REQUEST: "the request is malformed",
    FailureKind.EXPIRED: "the batch expired before this line ran",
    FailureKind.CANCELLED: "the batch was cancelled before this line ran",
    FailureKind.TOO_LARGE: "the request is longer than a line may be",
}


def failure_line(request_id: str, kind: FailureKind) -> Line:
    """Return the line of a request that was refused or never ran."""
    return {"id": request_id, "error": {"kind": kind.value, "message": _MESSAGES[kind]}}


def too_large(request: Request, line_bytes: int) -> bool:
    """Judge by what is said alone: whatever the line looks like, it is longer."""
    return sum(len(message.content.encode("utf-8", "surrogatepass")) for message in request.messages) > line_bytes


def outcome_of(line: Line, request: Request) -> Outcome:
    """Translate a line of this request."""
    error = line.get("error")
    if error is not None:
        kind = FailureKind(error["kind"])
        retryable = FAIL_KINDS.get(kind, kind is not FailureKind.TOO_LARGE)
        return Failure(request_id=request.id, kind=kind, message=error["message"], retryable=retryable)
    body = line["answer"]
    tokens = Usage(prompt_tokens=body["prompt_tokens"], completion_tokens=body["completion_tokens"])
    return Completion(
        request_id=request.id,
        text=body["text"],
        finish_reason=body["finish_reason"],
        usage=tokens,
        model=request.model,
    )


class ResultFile:
    """The remote side: makes the lines of a job's requests. What a line says depends on the job and the id alone.

    Duplicates follow at the end or at least after the window in which the line first came, so the first is always
    the same one, as it would be in a real file.
    """

    def __init__(self, job: RemoteJob, *, cancelled_at: float | None, decoys: tuple[str, ...]) -> None:
        self._job = job
        self._held = frozenset(job.ids)
        self._cancelled_at = cancelled_at
        self._decoys = decoys
        self._dice = Dice(job.settings.seed)
        self._copies: list[Line] = []
        self._windows = 0

    def lines(self, requests: Sequence[Request]) -> list[Line]:
        """Return the lines of some requests, with copies of lines returned earlier."""
        lines, self._copies = self._copies, []
        for request in requests:
            if request.id in self._held:
                lines.extend(self._lines(request))
        if self._job.settings.shuffle:
            self._windows += 1
            random.Random(f"{self._job.settings.seed} {self._job.key} {self._windows}").shuffle(lines)
        return lines

    def rest(self) -> list[Line]:
        """Return the copies that are left at the end."""
        return self._copies

    def _lines(self, request: Request) -> Iterable[Line]:
        settings = self._job.settings
        run = self._job.runs.get(request.id, 0)
        if self._dice.hits(settings.stray, "stray", request.id, run):
            stranger = text_id(f"stray {request.id} {run}")
            yield {"id": stranger, "answer": answer(request, settings=settings, decoys=self._decoys, run=run)}
        failure = self._job.line_failure(request.id, self._cancelled_at)
        if failure is not None:
            yield failure_line(request.id, failure)
            return
        if self._dice.hits(settings.missing, "missing", request.id, run):
            return
        line = {"id": request.id, "answer": answer(request, settings=settings, decoys=self._decoys, run=run)}
        yield line
        if self._dice.hits(settings.duplicate, "duplicate", request.id, run):
            if self._dice.hits(_OTHER_TEXT, "duplicate text", request.id, run):
                other = answer(request, settings=settings, decoys=self._decoys, run=run, variant=1)
                line = {"id": request.id, "answer": other}
            self._copies.append(line)


async def joined(
    file: ResultFile, requests: AsyncIterable[Request], counts: Counter[str]
) -> AsyncGenerator[Outcome, None]:
    """Yield one outcome for each request, joining lines by id alone.

    Adds to ``counts``: ``duplicate`` and ``stray`` lines, which are dropped, and ``missing`` lines, which become
    failures of kind ``unknown``: the line may have been paid, so nobody sends it again unasked.
    """
    seen: set[str] = set()
    windows = _windows(requests)
    async with closing(windows):
        async for window in windows:
            waiting = {request.id: request for request in window}
            seen.update(waiting)
            for line in file.lines(window):
                request = waiting.pop(line["id"], None)
                if request is None:
                    counts["duplicate" if line["id"] in seen else "stray"] += 1
                else:
                    yield outcome_of(line, request)
            for request in waiting.values():
                counts["missing"] += 1
                message = "the service has no result for this request"
                yield Failure(request_id=request.id, kind=FailureKind.UNKNOWN, message=message, retryable=False)
    for line in file.rest():
        counts["duplicate" if line["id"] in seen else "stray"] += 1


async def _windows(requests: AsyncIterable[Request]) -> AsyncGenerator[list[Request], None]:
    window: list[Request] = []
    source = aiter(requests)
    async with closing(source):
        async for request in source:
            window.append(request)
            if len(window) == _WINDOW:
                yield window
                window = []
    if window:
        yield window
