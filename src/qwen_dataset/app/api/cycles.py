"""Python's search for unreachable cycles, which is seldom while a run is under way."""

from __future__ import annotations

import functools
import gc
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

# Python's own thresholds: new objects between two searches, and searches between two that look further. The third
# one is of no use to tell who chose them, as some versions always say 0.
_DEFAULT = (2_000 if sys.version_info >= (3, 13) else 700, 10)
_RARE = (10_000, 10)

# One that the same thread may take twice: the search itself may close a run that was given up.
_lock = threading.RLock()
_runs = 0
_before: tuple[int, int, int] | None = None


def searched_seldom(work: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """Search every 10,000 new objects while a coroutine of this function runs, where the process chose nothing else.

    A call is a hundred objects while it runs, and they are gone with its answer. Python's own threshold is soon reached
    where dozens run, and about every hundredth search may go through everything that is loaded: nothing else in the
    process, a service that imports us perhaps, goes on for the twentieth of a second that this takes.
    """

    @functools.wraps(work)
    async def wrapped(*args: P.args, **kwargs: P.kwargs) -> T:
        with _searching_seldom():
            return await work(*args, **kwargs)

    return wrapped


@contextmanager
def _searching_seldom() -> Iterator[None]:
    """Search seldom until the last of the runs ends that are under way in this process, in whatever thread."""
    global _runs, _before  # noqa: PLW0603 - the process has one collector
    with _lock:
        if not _runs and gc.get_threshold()[:2] == _DEFAULT:
            _before = gc.get_threshold()
            gc.set_threshold(*_RARE, _before[2])
        _runs += 1
    try:
        yield
    finally:
        with _lock:
            _runs -= 1
            if not _runs and _before is not None:
                # Who chose something meanwhile keeps it.
                if gc.get_threshold()[:2] == _RARE:
                    gc.set_threshold(*_before)
                _before = None
