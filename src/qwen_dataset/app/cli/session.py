"""Runs a coroutine for a command: Ctrl-C, errors to sentences, sentences to exit codes."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import NoReturn, TypeVar

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

T = TypeVar("T")

DONE = 0
SOME_FAILED = 1
BAD_INPUT = 2
UNFINISHED = 3
INTERRUPTED = 130

# What a person has to mend first. Everything else that is ours is "not finished yet": what was done is kept.
BAD_INPUT_ERRORS = (SettingError, ReadError, JobNotFound, LedgerCorrupt, InvalidKey)


def _no_hint(_: QwenDatasetError) -> None:
    return None


def run(
    work: Callable[[asyncio.Event], Awaitable[T]], *, hint: Callable[[QwenDatasetError], str | None] = _no_hint
) -> T:
    """Run ``work`` with an event that the first Ctrl-C (or SIGTERM) sets; the second one ends it at once.

    Ends the process with the right exit code and one sentence when an error of ours comes out; ``hint`` may add what to
    do next.
    """
    logging.basicConfig(level=logging.ERROR, format="%(levelname)s: %(message)s")
    interrupted = False

    async def main() -> T:
        nonlocal interrupted
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        task = asyncio.ensure_future(work(stop))

        def on_signal(*_: object) -> None:
            nonlocal interrupted
            if interrupted:
                loop.call_soon_threadsafe(task.cancel)
                return
            interrupted = True
            loop.call_soon_threadsafe(stop.set)
            click.echo("stopping: what is in flight is awaited and kept; Ctrl-C again stops at once", err=True)

        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, on_signal)
        return await task

    try:
        return asyncio.run(main())
    except asyncio.CancelledError:
        fail("stopped at once; everything stored so far is kept", INTERRUPTED)
    except QwenDatasetError as error:
        what_next = hint(error)
        sentence = f"{error}; {what_next}" if what_next else str(error)
        if isinstance(error, JobUnfinished) and interrupted:
            fail(sentence, INTERRUPTED)
        fail(sentence, _code(error))


def _code(error: QwenDatasetError) -> int:
    if isinstance(error, BAD_INPUT_ERRORS):
        return BAD_INPUT
    if isinstance(error, StorageError) and not isinstance(error, StorageFull | StorageUnavailable):
        # No permission, no such place: the storage that was named cannot be used.
        return BAD_INPUT
    return UNFINISHED


def fail(sentence: str, code: int) -> NoReturn:
    """Print one sentence and end the process."""
    click.echo(f"qwen-dataset: {sentence}", err=True)
    sys.exit(code)
