"""A backend whose words hold no key: what it says goes into jobs, datasets, logs and terminals."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Iterable
from traceback import format_exception
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import quote

import attrs

from ...domain.inference import Failure, Outcome, Request
from ...errors import BackendError, QwenDatasetError
from ...ports.inference import InferenceBackend, JobHandle, Limits, Progress
from .registry import described
from .secrets import real_keys, redact

T = TypeVar("T")

_log = logging.getLogger(__name__)

_ANYTHING = (Exception, SystemExit)
"""What may come out of an adapter of anybody's; a SystemExit would print its words and end the process."""


class Discreet:
    """Asks an inner backend, and hides the keys in the messages of its failures and in the errors it raises.

    ``keys`` returns those known now. It is asked only when there is something to hide them in, and what it returned
    once stays hidden, because keys rotate. A completion is data that was paid for and passes as it is.

    An error comes out as a new one that has nothing but the sentence: no cause, no attribute and no frame of the
    adapter, whose variables may hold a key. Its class is the same where that class can be made of a sentence alone,
    else the nearest one above it in ``errors``. Anything else that an adapter raises is a mistake in it, and it may
    have bought something before: it becomes a plain ``BackendError``, which ends the run as the mistake itself would
    and keeps what was answered. Neither is it asked again at once, as after ``BackendUnavailable``, nor is anything
    submitted anew under another key, as after ``BackendRejected``.
    """

    def __init__(self, inner: InferenceBackend, keys: Callable[[], Iterable[str]]) -> None:
        self._inner = inner
        self._keys = keys
        self._known: set[str] = set()

    @property
    def limits(self) -> Limits:
        """Those of the inner backend."""
        return self._inner.limits

    @property
    def realm(self) -> str:
        """That of the inner backend."""
        return self._inner.realm

    async def submit(self, key: str, requests: AsyncIterable[Request]) -> JobHandle:
        """Find or create a submission. Spends money where the inner backend does."""
        return await self._ask(lambda: self._inner.submit(key, requests))

    async def poll(self, handle: JobHandle) -> Progress:
        """Say how far a submission is. Spends nothing."""
        return await self._ask(lambda: self._inner.poll(handle))

    async def cancel(self, handle: JobHandle) -> JobHandle:
        """Ask to stop a submission. Spends nothing."""
        return await self._ask(lambda: self._inner.cancel(handle))

    async def results(self, handle: JobHandle, requests: AsyncIterable[Request]) -> AsyncGenerator[Outcome, None]:
        """Yield the outcomes. Spends money where the inner backend does."""
        try:
            async with contextlib.aclosing(self._inner.results(handle, requests)) as outcomes:
                async for outcome in outcomes:
                    if isinstance(outcome, Failure):
                        # By the same name, so that no traceback that prints variables shows what it was.
                        outcome = self._told(outcome)  # noqa: PLW2901
                    yield outcome
        except _ANYTHING as error:
            raised = self._without_keys(error)
        else:
            return
        raise raised

    async def __aenter__(self) -> Self:
        # Never a bound method: where variables are printed it shows the adapter, and whatever that is made of.
        await self._ask(lambda: self._inner.__aenter__())  # noqa: PLW0108
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._ask(lambda: self._inner.__aexit__(exc_type, exc, traceback))

    async def _ask(self, question: Callable[[], Awaitable[T]]) -> T:
        try:
            return await question()
        except _ANYTHING as error:
            raised = self._without_keys(error)
        # Raised out here, so that the adapter's error is not its context.
        raise raised

    def _told(self, failure: Failure) -> Failure:
        message = redact(str(failure.message), *self._secrets())
        return failure if message == failure.message else attrs.evolve(failure, message=message)

    def _without_keys(self, error: BaseException) -> QwenDatasetError:
        ours = isinstance(error, QwenDatasetError)
        try:
            sentence = redact(str(error), *self._secrets()) if ours else described(error, self._secrets)
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
