"""Measures how late an event loop is.

Every five milliseconds the loop is asked for a sign; how late it comes is the lag. A thread looks at what runs while
the loop is late by more than fifty.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

EVERY = 0.005  # seconds
LATE = 0.050
SHOWN = 4  # frames of our own


class Probe:
    """Measures one event loop in the thread that it runs in."""

    def __init__(self) -> None:
        self.lags: list[float] = []
        self.blocks: Counter[str] = Counter()
        self._sign = time.perf_counter()
        self._thread = threading.get_ident()
        self._done = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)

    async def around(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run the work with a probe beside it."""
        self._sign = time.perf_counter()
        beating = asyncio.create_task(self._beat())
        self._watcher.start()
        try:
            return await work
        finally:
            beating.cancel()
            self._done.set()
            self._watcher.join()

    def found(self) -> dict[str, Any]:
        """Return the lag in seconds (median, 99.9th percentile, most) and what ran in each longer block."""
        lags = sorted(self.lags) or [0.0]
        at = [lags[min(len(lags) - 1, int(len(lags) * share))] for share in (0.5, 0.999, 1.0)]
        return {"median": at[0], "p999": at[1], "most": at[2], "blocks": dict(self.blocks.most_common())}

    async def _beat(self) -> None:
        while True:
            asked = time.perf_counter()
            await asyncio.sleep(EVERY)
            self._sign = time.perf_counter()
            self.lags.append(max(0.0, self._sign - asked - EVERY))

    def _watch(self) -> None:
        seen = 0.0
        while not self._done.wait(EVERY):
            sign = self._sign
            if sign != seen and time.perf_counter() - sign > LATE + EVERY:
                seen = sign
                frame = sys._current_frames().get(self._thread)  # noqa: SLF001 - the only way to look
                if frame is not None:
                    self.blocks[_told(traceback.extract_stack(frame))] += 1


def _told(stack: traceback.StackSummary) -> str:
    """Return the last frames in our own code, the innermost first."""
    ours = [each for each in stack if "qwen_dataset" in each.filename] or list(stack)
    return " < ".join(f"{Path(each.filename).stem}.{each.name}:{each.lineno}" for each in ours[: -SHOWN - 1 : -1])
