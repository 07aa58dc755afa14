"""Runs a coroutine for a command: Ctrl-C, errors to sentences, sentences to exit codes."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Any, NoReturn, TypeVar

import click

from ...errors import (
    InvalidKey,
    JobNotFound,
    JobUnfinished,
    LedgerCorrupt,
    QwenDatasetError,
    ReadError,
    SettingError,
    StorageError,
    StorageFull,
    StorageUnavailable,
)
from ..wiring.secrets import redact
from . import language

T = TypeVar("T")

_log = logging.getLogger(__name__)

DONE = 0
SOME_FAILED = 1
BAD_INPUT = 2
UNFINISHED = 3
INTERRUPTED = 130

_LARGE_BLOCK = 31 << 20  # bytes; from 32 MB on glibc does not take it as a hint

# Windows has no terminal that hangs up.
_HANG_UP = getattr(signal, "SIGHUP", None)
_ENDING = tuple(number for number in (signal.SIGINT, signal.SIGTERM, _HANG_UP) if number is not None)

# What a person has to mend first. Everything else that is ours is "not finished yet": what was done is kept.
BAD_INPUT_ERRORS = (SettingError, ReadError, JobNotFound, LedgerCorrupt, InvalidKey)


def _no_hint(_: QwenDatasetError) -> None:
    return None


def _warn(sentence: str) -> None:
    language.say(sentence, err=True)


def run(
    work: Callable[[asyncio.Event], Awaitable[T]],
    *,
    hint: Callable[[QwenDatasetError], str | None] = _no_hint,
    warn: Callable[[str], None] = _warn,
) -> T:
    """Run ``work`` with an event that the first Ctrl-C (SIGTERM, SIGHUP) sets; the second one ends it at once.

    Ends the process with the right exit code and one sentence when an error of ours comes out; ``hint`` may add what to
    do next, and ``warn`` shows a sentence meanwhile.
    """
    _show_errors()
    interrupted = False

    async def main() -> T:
        nonlocal interrupted
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        task = asyncio.ensure_future(work(stop))

        def begin_to_stop() -> None:
            stop.set()
            warn("stopping: what is in flight is awaited and kept; Ctrl-C again stops at once")

        def on_signal(number: int, _: object) -> None:
            nonlocal interrupted
            if interrupted:
                # A terminal that goes away may say so twice, and nobody is in a hurry.
                if number != _HANG_UP:
                    loop.call_soon_threadsafe(task.cancel)
                return
            interrupted = True
            # In the loop: the signal may have come in the middle of another line.
            loop.call_soon_threadsafe(begin_to_stop)

        for number in handlers:
            signal.signal(number, on_signal)
        return await task

    handlers = _handlers()
    _keep_large_blocks()
    try:
        with _loaded_objects_unsearched():
            return asyncio.run(main())
    except asyncio.CancelledError:
        message = "stopped at once; everything stored so far is kept"
        fail(_with_hint(JobUnfinished(message), hint), INTERRUPTED)
    except SettingError as error:
        fail_all(error.problems, BAD_INPUT)
    except QwenDatasetError as error:
        sentence = _with_hint(error, hint)
        if isinstance(error, JobUnfinished) and interrupted:
            fail(sentence, INTERRUPTED)
        fail(sentence, _code(error))
    finally:
        # A later question must not tell Ctrl-C to a run that is over.
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _keep_large_blocks() -> None:
    """Have the C library keep blocks of megabytes that are freed: they are asked for again at once.

    glibc gives a large block back to the system when it is freed, and each new one costs a page fault for every four
    kilobytes, a tenth of all CPU here. It keeps those smaller than the largest one that was freed before.
    """
    bytes(_LARGE_BLOCK)


@contextlib.contextmanager
def _loaded_objects_unsearched() -> Iterator[None]:
    """Look for unreachable cycles among what is made from here on, and not among what is loaded.

    How often is the process's choice, see ``__main__``.
    """
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _handlers() -> dict[int, Any]:
    """Return what handles the signals that stop a run, as it is outside of one."""
    found: dict[int, Any] = {number: signal.getsignal(number) for number in _ENDING}
    if _HANG_UP is not None and found[_HANG_UP] == signal.SIG_IGN:
        # As nohup has it: the terminal may go away, and the work goes on.
        del found[_HANG_UP]
    return found


def _with_hint(error: QwenDatasetError, hint: Callable[[QwenDatasetError], str | None]) -> str:
    what_next = hint(error)
    return f"{error}; {what_next}" if what_next else str(error)


def _code(error: QwenDatasetError) -> int:
    if isinstance(error, BAD_INPUT_ERRORS):
        return BAD_INPUT
    if isinstance(error, StorageError) and not isinstance(error, StorageFull | StorageUnavailable):
        # No permission, no such place: the storage that was named cannot be used.
        return BAD_INPUT
    return UNFINISHED


def fail(sentence: str, code: int) -> NoReturn:
    """Print one sentence and end the process."""
    fail_all([sentence], code)


def fail_all(sentences: Iterable[str], code: int) -> NoReturn:
    """Print sentences without a key in them, a line each, and end the process."""
    for sentence in map(redact, sentences):
        _log.info("%s", sentence)
        language.complain(sentence)
    sys.exit(code)


def confirm(question: str, *, yes: bool) -> None:
    """Ask a person at a terminal, and end the process unless the answer is yes. Where nobody can answer it goes on."""
    if yes or not can_ask():
        return
    if not answered(question):
        fail("nothing was done, as you said no", BAD_INPUT)


def can_ask() -> bool:
    """Say whether somebody at a terminal could answer."""
    return language.is_terminal(sys.stdin) and language.is_terminal(sys.stderr)


def answered(question: str) -> bool | None:
    """Ask a question and return whether the answer is yes, None where nobody answers."""
    try:
        # Not click's own confirmation, which understands English only.
        answer = click.prompt(f"{language.tr(question)} [y/N]", default="", show_default=False, err=True)
    except click.Abort:
        if language.is_terminal(sys.stdin):
            raise
        with language.unheard():
            click.echo(err=True)
        return None
    return str(answer).strip().lower() in ("y", "yes", "是")


class _WithoutKeys(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


def _show_errors() -> None:
    """Show what is logged as an error; what is less goes into the job's log file only."""
    handler = logging.StreamHandler()
    handler.setLevel(logging.ERROR)
    handler.setFormatter(_WithoutKeys("%(levelname)s: %(message)s"))
    logging.basicConfig(level=logging.ERROR, handlers=[handler])
