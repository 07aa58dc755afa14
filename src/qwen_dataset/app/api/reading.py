"""Papers read in a thread: whoever waits for a file must not keep the event loop waiting."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ...domain.papers import Paper
from ..wiring.config import Config
from ..wiring.corpus import Name, ReadReport, read_papers
from ..wiring.read_limits import check_stopped


async def papers_of(
    papers: Sequence[Name] | Name,
    report: ReadReport,
    config: Config,
    *,
    strict: bool = False,
    leave_out: Collection[Path] = (),
    stopped: Callable[[], bool] = lambda: False,
) -> AsyncGenerator[Paper, None]:
    """Yield what ``read_papers`` does, and raise what it raises. To be closed (``contextlib.aclosing``).

    Closed or cancelled, it leaves no thread and no process behind.
    """
    loop = asyncio.get_running_loop()
    is_left = False
    found = read_papers(
        papers,
        report,
        strict=strict,
        leave_out=leave_out,
        limits=config.read_limits,
        stopped=lambda: is_left or stopped(),
    )
    # One thread for all of it: a database in there is bound to the thread that opened it.
    with ThreadPoolExecutor(1, thread_name_prefix="qwen-dataset-papers") as thread:
        try:
            while (paper := await loop.run_in_executor(thread, next, found, None)) is not None:
                yield paper
        finally:
            # Noticed within a moment, also in the middle of a file.
            is_left = True
            thread.submit(found.close)


async def take_in(
    add: Callable[[Paper], object],
    papers: Sequence[Name] | Name,
    report: ReadReport,
    config: Config,
    *,
    strict: bool,
    leave_out: Collection[Path],
    stop: asyncio.Event,
) -> None:
    """Call ``add`` with each paper. Raises JobUnfinished once ``stop`` is set, and what ``read_papers`` raises."""
    found = papers_of(papers, report, config, strict=strict, leave_out=leave_out, stopped=stop.is_set)
    async with contextlib.aclosing(found):
        async for paper in found:
            add(paper)
            check_stopped(stop.is_set)
