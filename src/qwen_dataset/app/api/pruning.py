"""What of a client's storage nobody needs any more: looked for first, deleted when a person has seen it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs

from ...errors import JobError, SettingError
from ..engine import prune
from ..engine.job import Host
from ..engine.prune import Prunable
from ..wiring import bootstrap
from .client import Client


@attrs.frozen
class Pruner:
    """Prunes the storage of a client; nothing here spends. ``notice`` is told what a person should know meanwhile.

    Setting the client's ``stop`` ends a deletion cleanly; the next one goes on with it.
    """

    client: Client
    notice: Callable[[str], None] = lambda _: None
    host: Host = attrs.field(factory=bootstrap.host, kw_only=True)

    async def find(self, jobs: Sequence[str] = (), *, older_than: float | None = None) -> list[Prunable]:
        """Return what a deletion would take; changes nothing.

        With ``jobs`` (ids, names or beginnings of ids) these whole jobs. Otherwise what is left over in any job and,
        with ``older_than``, whole jobs that ended so many seconds ago. Raises JobNotFound, SettingError for a job that
        is not at rest, and LedgerCorrupt for a damaged one that was named.
        """
        storage = self.client.storage
        if jobs:
            # A job that was named twice is deleted once.
            ids = dict.fromkeys([(await self.client.status(name)).job_id for name in jobs])
            return [found async for found in prune.find_jobs(storage, list(ids))]
        whole = []
        if older_than is not None:
            whole = [found async for found in prune.find_old_jobs(storage, self._host, older_than=older_than)]
        gone = {found.job_id for found in whole}
        leftovers = [found async for found in prune.find_leftovers(storage, self._host) if found.job_id not in gone]
        return sorted([*whole, *leftovers], key=lambda found: found.job_id)

    async def delete(self, found: Sequence[Prunable]) -> dict[str, str]:
        """Delete what was found, and return why not for each job that could not be deleted, by its id.

        Paid answers of whole jobs are gone afterwards. Raises JobUnfinished when ``stop`` is set.
        """
        kept = {}
        for each in found:
            try:
                await prune.delete(self.client.storage, each, self._host)
            except (JobError, SettingError) as error:
                if self.client.stop.is_set():
                    raise
                kept[each.job_id] = str(error)
        return kept

    @property
    def _host(self) -> Host:
        return attrs.evolve(self.host, notice=self.notice, stopped=self.client.stop.is_set)
