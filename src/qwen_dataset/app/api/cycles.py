"""Python's search for unreachable cycles, which is seldom while a run is under way."""

from __future__ import annotations

import functools
import gc
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_OWN = (700, 2_000)  # new objects between two searches, as Python has them: up to 3.12, and since
_SELDOM = 10_000

_lock = threading.Lock()
_runs = 0
_before: tuple[int, int, int] | None = None


def searched_seldom(work: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """Search every 10,000 new objects while a coroutine of this function runs, where the process chose nothing else.

    A call is a hundred objects while it runs, and they are gone with its answer. Python's 700 are soon there where
    dozens run, and every hundredth search goes through everything that is loaded: nothing else in the process, a
    service that imports us perhaps, goes on for the twentieth of a second that this takes.
    """

    @functools.wraps(work)
    async def wrapped(*args: P.args, **kwargs: P.kwargs) -> T:
        with _seldom():
            return await work(*args, **kwargs)

    return wrapped


@contextmanager
def _seldom() -> Iterator[None]:
    """Search seldom until the last of the runs ends that are under way in this process, in whatever thread."""
    global _runs, _before  # noqa: PLW0603 - the process has one collector
    with _lock:
        if not _runs and gc.get_threshold()[0] in _OWN:
            _before = gc.get_threshold()
            gc.set_threshold(_SELDOM, *_before[1:])
        _runs += 1
    try:
        yield
    finally:
        with _lock:
            _runs -= 1
            if not _runs and _before is not None:
                # Who chose something meanwhile keeps it.
                if gc.get_threshold()[0] == _SELDOM:
                    gc.set_threshold(*_before)
                _before = None
