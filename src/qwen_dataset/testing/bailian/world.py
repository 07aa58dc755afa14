"""Everything a running server holds, and how a batch's files come to be."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from .batch import ENDED, KEPT, Batch
from .clock import ServerClock
from .errors import Refusal, refusal
from .faults import Faults
from .ledger import Ledger
from .results import ResultWriter
from .settings import BailianSettings
from .store import FileStore

_LINES = 20  # between two breaths of the loop


class World:
    """The service's state: settings, time, faults, books, files and batches. One per server."""

    def __init__(self, settings: BailianSettings) -> None:
        self.settings = settings
        self.clock = ServerClock(settings.speed)
        self.faults = Faults(settings)
        self.ledger = Ledger()
        self.files = FileStore()
        self.batches: dict[str, Batch] = {}

    def configure(self, changes: Mapping[str, object]) -> None:
        """Go on with other settings. Raises ``SettingError``, and then nothing has changed."""
        self.settings = self.settings.changed(changes)
        self.faults.use(self.settings)
        self.clock.set_speed(self.settings.speed)

    def hits(self, fault: str, what: str) -> bool:
        """Draw a fault, and keep count of it."""
        hit = self.faults.hits(fault, what)
        if hit:
            self.ledger.faults[fault] += 1
        return hit

    def batch(self, batch_id: str) -> Batch:
        """Return a batch that can be seen. Raises ``Refusal``: 404."""
        batch = self.batches.get(batch_id)
        if batch is None or not self.visible(batch):
            raise refusal("NotFound", f"Not found! There is no batch {batch_id}.")
        return batch

    def cancel(self, batch_id: str) -> None:
        """Cancel a batch that has not ended. Raises ``Refusal``: 404, 400."""
        batch, now = self.batch(batch_id), self.clock.now()
        status = batch.status(now)
        if status in ENDED:
            raise Refusal(400, "invalid_request_error", f"Cannot cancel a batch with status '{status}'.")
        if status != "cancelling":
            batch.cancel(now)

    def visible(self, batch: Batch) -> bool:
        """Say whether a batch can be found: not yet, for a while, no longer."""
        now = self.clock.now()
        return batch.visible_at <= now <= batch.created_at + KEPT

    async def settle(self, batch: Batch) -> None:
        """Validate a batch; give one that has ended its files, whose content is made when it is asked for."""
        await in_breaths(batch.analysis.step, 10 * _LINES)
        now = self.clock.now()
        status = batch.status(now)
        if status not in ENDED - {"failed"} or batch.harvested:
            return
        paths = self.files.new_path(), self.files.new_path()
        writer = ResultWriter(
            batch, output=paths[0], error=paths[1], settings=self.settings, faults=self.faults, now=now
        )
        made = [
            self.files.add(path=path, filename=None, purpose="batch_output", now=now) if expected else None
            for path, expected in zip(paths, writer.expects(), strict=True)
        ]
        batch.output, batch.error = made
        batch.harvested = True
        for file in filter(None, made):
            file.step = writer.step
            file.gone_at = batch.created_at + batch.end()[0] + KEPT


async def in_breaths(step: Callable[[int], bool], lines: int = _LINES) -> None:
    """Do long work so that other calls are answered meanwhile."""
    while not step(lines):  # noqa: ASYNC110 - it works, it does not wait
        await asyncio.sleep(0)
