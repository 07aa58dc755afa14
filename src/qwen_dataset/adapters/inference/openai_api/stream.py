"""An answer that comes in pieces, as server-sent events, put together again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....domain.inference import Completion
from ..bailian.verdicts import Action, verdict
from ..calls import CallFailed
from .wire import (
    apart,
    completion_of,
    finish_reason_in,
    first_choice,
    loads,
    reasoning_in,
    text_in,
    trouble_of,
    unreadable,
    usage_of,
    word,
)

_END = b"[DONE]"
_FIELDS = (b":", b"id:", b"event:", b"retry:")  # of an event, besides its data


class Answer:
    """Takes the bytes of a stream as they come, and gives the completion at its end.

    Bytes, because a line of text may hold characters that Python, but not the protocol, takes for line ends.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._data = b""
        self._other = bytearray()
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._finish_reason = ""
        self._usage: Any = None
        self._model = ""
        self._begun = False
        self._ended = False

    def feed(self, piece: bytes) -> None:
        """Take some bytes. Raises CallFailed for an error that the service sends inside the stream."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            self._line(line.rstrip(b"\r"))

    def completion(self, request_id: str) -> Completion:
        """Return the answer at the end of the stream.

        Raises CallFailed without a status where the stream was cut off: what came may have been paid for.
        """
        self.feed(b"\n\n")
        if not self._begun:
            return completion_of(request_id, bytes(self._other))  # a server that does not stream
        if not (self._ended or self._finish_reason):
            raise unreadable("the stream ended in the middle of the answer", "".join(self._text))
        text, reasoning = apart("".join(self._text), "".join(self._reasoning))
        return Completion(
            request_id=request_id,
            text=text,
            finish_reason=self._finish_reason or "stop",
            usage=usage_of(self._usage),
            reasoning=reasoning or None,
            model=self._model or None,
        )

    def _line(self, line: bytes) -> None:
        if line.startswith(b"data:"):
            self._begun = True
            data = line.removeprefix(b"data:").strip()
            if data == _END:
                self._ended = True
                return
            self._data = self._data + b"\n" + data if self._data else data
            self._event(at_end=False)
        elif not line:
            self._event(at_end=True)
        elif not line.startswith(_FIELDS):
            self._other += line + b"\n"

    def _event(self, *, at_end: bool) -> None:
        """Take an event as soon as its JSON is whole: not every server ends each with an empty line."""
        if not self._data:
            return
        try:
            chunk = loads(self._data, errors="replace")
        except ValueError:
            if at_end:
                raise unreadable("a part of the stream is not JSON", self._data) from None
            return
        self._data = b""
        self._chunk(chunk)

    def _chunk(self, chunk: Any) -> None:
        trouble = trouble_of(chunk)
        if trouble is not None:
            raise self._broken_off(trouble)
        if not isinstance(chunk, Mapping):
            return
        self._usage = chunk.get("usage") or self._usage
        self._model = word(chunk.get("model")) or self._model
        choice = first_choice(chunk)
        if choice is None or choice.get("index") not in {0, None}:
            return
        delta = choice.get("delta") or choice.get("message")
        if isinstance(delta, Mapping):
            self._text.append(text_in(delta))
            self._reasoning.append(reasoning_in(delta))
        self._finish_reason = finish_reason_in(choice) or self._finish_reason

    def _broken_off(self, trouble: CallFailed) -> CallFailed:
        """Return what an error inside the stream means: behind a part of the answer, that part may have been billed."""
        said = verdict(trouble.status, trouble.code, trouble.message)
        trouble.begun = any(self._text) or any(self._reasoning)
        if said.action is Action.RETRY and trouble.begun:
            message = f"the stream broke off in the middle of the answer: {trouble}"
            return CallFailed(status=None, code="", message=message, retry_after=None, sent=True)
        return trouble
