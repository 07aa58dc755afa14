"""What a schedule is judged by: the service's own books, who bought what of it, and who had which job."""

from __future__ import annotations

from typing import Any

import attrs

from qwen_dataset.adapters.inference.fake.service import FakeService
from qwen_dataset.adapters.storage.memory import MemoryStorage
from qwen_dataset.app.codec import decode
from qwen_dataset.app.engine.lease import EXPIRE_SECONDS, LeaseRecord
from qwen_dataset.domain.inference import FailureKind
from tests.simulation.scheduler import Scheduler, SimProcess


@attrs.frozen(kw_only=True)
class Bought:
    """A payment that the service took: a batch (``remote`` is its id) or a call."""

    process: int
    step: int
    ids: tuple[str, ...]
    key: str = ""
    remote: str = ""
    # The lease was seen as our own right before, and somebody else had it when the batch was created.
    checked: bool = True
    stale: bool = False


async def newest_lease(storage: MemoryStorage, job: str) -> LeaseRecord | None:
    keys = [key async for key in storage.keys(f"{job}/lease")]
    return decode(LeaseRecord, await storage.get(keys[-1]), where=keys[-1]) if keys else None


def finished(coroutine: Any) -> Any:
    """Run a coroutine that never suspends."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("it suspended")


class Books:
    """The one storage and the one service of a world, who bought what, and who had which job."""

    def __init__(self, scheduler: Scheduler) -> None:
        self.scheduler = scheduler
        self.storage = MemoryStorage()
        self.service = FakeService()
        self.bought: list[Bought] = []
        self.robbed: list[str] = []  # takeovers of jobs whose owner was there
        self.losers: set[int] = set()  # processes whose lease another one took
        self._owners: dict[str, tuple[SimProcess, float]] = {}

    def has_lost_its_lease(self, process: SimProcess) -> bool:
        return process.number in self.losers

    def note_lease(self, key: str, process: SimProcess) -> None:
        """Note a lease that was just created, and whether its former owner lived and renewed it."""
        job = key.partition("/")[0]
        newest = finished(newest_lease(self.storage, job))
        if newest.process.pid != process.number:
            return  # a number below the newest: no lease
        owner, renewed = self._owners.get(job, (process, 0.0))
        if owner is not process:
            self.losers.add(owner.number)
        there = not (owner.dead or owner.ended) and self.scheduler.now - renewed < EXPIRE_SECONDS - 0.001
        if owner is not process and there:
            self.robbed.append(f"process {process.number} took {job} from process {owner.number}, which was at work")
        if newest.released:
            self._owners.pop(job, None)
        else:
            self._owners[job] = (process, self.scheduler.now)


class SimService:
    """The service as one process reaches it: the dead do not, and each purchase is noted."""

    def __init__(self, books: Books, process: SimProcess) -> None:
        self._books = books
        self._process = process
        self.submitting: tuple[str, bool] = ("", False)
        self.stale = False

    def __getattr__(self, name: str) -> Any:
        self._books.scheduler.check(self._process)
        return getattr(self._books.service, name)

    def create(self, key: str, ids: list[str], **given: Any) -> str:
        self._books.scheduler.check(self._process)
        remote = self._books.service.create(key, ids, **given)
        job, checked = self.submitting
        self._note(
            Bought(
                process=self._process.number,
                step=self._books.scheduler.steps,
                ids=tuple(ids),
                key=key,
                remote=remote,
                checked=checked,
                stale=self._taken_over(job),
            )
        )
        return remote

    def call(self, request_id: str, **given: Any) -> tuple[int, FailureKind | None]:
        self._books.scheduler.check(self._process)
        run, failure = self._books.service.call(request_id, **given)
        if failure is None:
            self._note(Bought(process=self._process.number, step=self._books.scheduler.steps, ids=(request_id,)))
        return run, failure

    def _taken_over(self, job: str) -> bool:
        record = finished(newest_lease(self._books.storage, job))
        return record is None or record.process.pid != self._process.number

    def _note(self, bought: Bought) -> None:
        self._books.bought.append(bought)
        who = "STALE " if bought.stale else ""
        self._books.scheduler.note(self._process, f"{who}BUYS {bought.remote} {' '.join(i[:6] for i in bought.ids)}")
