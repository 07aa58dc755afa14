"""Hides keys in what an adapter says and raises, whatever it is asked."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable
from traceback import format_exception
from typing import TypeVar
from urllib.parse import quote

from ...errors import BackendError, QwenDatasetError
from .registry import described
from .secrets import real_keys, redact

T = TypeVar("T")

_log = logging.getLogger(__name__)

_ANYTHING = (Exception, SystemExit)
"""What may come out of an adapter of anybody's; a SystemExit would print its words and end the process."""


class Discretion:
    """Asks for somebody else, and hides the keys in what comes back.

    ``keys`` returns those known now. It is asked only when there is something to hide them in, and what it returned
    once stays hidden, because keys rotate.

    An error comes out as a new one that has nothing but the sentence: no cause, no attribute and no frame of the
    adapter, whose variables may hold a key. Its class is the same where that class can be made of a sentence alone,
    else the nearest one above it in ``errors``. Anything else that an adapter raises is a mistake in it, and it may
    have bought something before: it becomes a plain ``BackendError``, which ends the run as the mistake itself would
    and keeps what was answered. Neither is it asked again at once, as after ``BackendUnavailable``, nor is anything
    submitted anew under another key, as after ``BackendRejected``.
    """

    def __init__(self, keys: Callable[[], Iterable[str]]) -> None:
        self._keys = keys
        self._known: set[str] = set()

    async def ask(self, question: Callable[[], Awaitable[T]]) -> T:
        """Return what is awaited."""
        try:
            return await question()
        except _ANYTHING as error:
            raised = self._without_keys(error)
        # Raised out here, so that the adapter's error is not its context.
        raise raised

    def ask_now(self, question: Callable[[], T]) -> T:
        """Return what a plain function returns."""
        try:
            return question()
        except _ANYTHING as error:
            raised = self._without_keys(error)
        raise raised

    async def each(
        self, things: Callable[[], AsyncIterator[T]], told: Callable[[T], T] = lambda thing: thing
    ) -> AsyncGenerator[T, None]:
        """Yield things one by one as ``told`` puts them, and close where they come from."""
        try:
            found = things()
            close = contextlib.aclosing(found) if isinstance(found, AsyncGenerator) else contextlib.nullcontext()
            async with close:
                async for thing in found:
                    # By the same name, so that no traceback that prints variables shows what it was.
                    thing = told(thing)  # noqa: PLW2901
                    yield thing
        except _ANYTHING as error:
            raised = self._without_keys(error)
        else:
            return
        raise raised

    def text(self, words: object) -> str:
        """Return what was said."""
        return redact(str(words), *self._secrets())

    def _without_keys(self, error: BaseException) -> QwenDatasetError:
        ours = isinstance(error, QwenDatasetError)
        try:
            sentence = self.text(error) if ours else described(error, self._secrets)
        except Exception:  # noqa: BLE001 - what somebody else wrote to put his error into words may fail as well
            sentence = ""
        sentence = sentence or type(error).__name__
        if ours:
            return _remade(type(error), sentence)
        _log.debug("the backend raised:\n%s", redact("".join(format_exception(error)), *self._secrets()))
        return BackendError(sentence)

    def _secrets(self) -> set[str]:
        """Return every form of the keys known by now. Where they cannot be had, those of before must do."""
        with contextlib.suppress(Exception):
            for key in real_keys(self._keys()):
                # As it is, as a part of an address, and as a text is shown in a list or dict.
                self._known |= {key, quote(key, safe=""), ascii(str(key))[1:-1]}
        return self._known


def _remade(kind: type[BaseException], sentence: str) -> QwenDatasetError:
    """Return an error that was made of a sentence alone, of this class or the nearest one above where that works."""
    ours = (each for each in kind.__mro__ if issubclass(each, QwenDatasetError))
    return next(error for error in (_made(each, sentence) for each in ours) if error is not None)


def _made(kind: type[QwenDatasetError], sentence: str) -> QwenDatasetError | None:
    with contextlib.suppress(Exception):
        error = kind(sentence)
        if str(error) == sentence and error.args == (sentence,):
            return error
    return None
