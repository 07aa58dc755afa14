"""Other jobs in the same storage and realm: their answers are reused, what they have under way is not bought again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from enum import Enum

from ...domain.choices import RetryUnknown
from ...domain.events import Event, RoundCleared, RoundWithdrawn, Stored
from ...domain.inference import Completion, FailureKind
from ...domain.jobs import JobState, Phase
from ...errors import JobNotFound, JobOverlap, LedgerCorrupt
from ...ports.inference import Limits
from ..codec import StoredOutcome, damaged, decode
from .contents import exists
from .index import Index
from .job import Job, job_ids, read_spec
from .layout import Layout, fetch
from .ledger import Ledger, Listener
from .segments import Failing, SegmentWriter, store_failures

_LOOKS = 20  # at all jobs of the storage
_GLANCES = 20  # at those in the way, in all
_WAIT_SECONDS = 0.5  # between two glances, at least
_LONGEST_WAIT_SECONDS = 5.0


async def clear_round(job: Job, limits: Limits, checkpoint: Callable[[], Awaitable[None]]) -> None:
    """Reuse what other jobs have, and make sure that none has any of the rest under way.

    Two jobs that look at each other at the same moment must not both withdraw: the one with the greater id does, the
    other waits for it. Raises JobOverlap after withdrawing the round; ``checkpoint`` is awaited before each look and
    while it waits. Returns without clearing when a person cancels meanwhile. A fresh job looks at nobody.
    """
    if job.spec.fresh:
        await checkpoint()
        if not job.state.winding_down:
            await job.ledger.append(RoundCleared(round=job.state.round))
        return
    glances = iter(range(_GLANCES))
    for _ in range(_LOOKS):
        await checkpoint()
        if job.state.winding_down:
            return
        began = job.clock.monotonic()
        await _note_what_is_under_way(job)
        # A quarter of what another job's look may take, which reads the same: so it has the time of five.
        wait = min(max(_WAIT_SECONDS, (job.clock.monotonic() - began) / 4), _LONGEST_WAIT_SECONDS)
        await _reuse_answers(job, limits)
        if job.state.retry_unknown is not RetryUnknown.ALWAYS:
            await _take_over_unknowns(job, limits)
        overlaps = job.index.overlaps()
        if not overlaps:
            await job.ledger.append(RoundCleared(round=job.state.round))
            return
        if not await _is_worth_another_look(job, list(overlaps), glances, wait, checkpoint):
            break
    other, count = next(iter(overlaps.items()))
    await job.ledger.append(RoundWithdrawn(round=job.state.round, because_of=other))
    raise JobOverlap(other, count)


async def _is_worth_another_look(
    job: Job, others: Sequence[str], glances: Iterator[int], wait: float, checkpoint: Callable[[], Awaitable[None]]
) -> bool:
    """Wait until one of the jobs in the way rests or a person cancels; False where one goes on, or no glance is left.

    Only they are read meanwhile: a storage may hold many jobs, and a service may count what is read. Glances are
    counted and not seconds, which may pass unseen where a laptop sleeps; and a glance comes after each wait, since to
    withdraw because of a job that has just withdrawn would leave the requests to nobody.
    """
    while True:
        courses = {await _course_of(job, other) for other in others}
        if courses != {_Course.LOOKS}:
            return _Course.GOES_ON not in courses
        if next(glances, None) is None:
            return False
        await job.clock.sleep(wait)
        await checkpoint()
        if job.state.winding_down:
            return True


async def _reuse_answers(job: Job, limits: Limits) -> None:
    """Copy completions that other jobs have for requests that are open here. Failures are never copied."""
    async for other in _same_realm(job):
        found: list[tuple[str, list[str]]] = []

        async def match(event: Event, found: list[tuple[str, list[str]]] = found) -> None:
            if isinstance(event, Stored) and (ids := job.index.open_among(event.completed)):
                found.append((event.segment, ids))

        await _load(job, other, match)
        writer = SegmentWriter(job, limits, source=other)
        for segment, ids in found:
            # An id stands in one segment only, but the other job may itself have copied what a third one has.
            wanted = set(job.index.open_among(ids))
            if not wanted:
                continue
            for line in await _lines(job, other, segment):
                stored = decode(StoredOutcome, line, where=segment)
                if stored.outcome.request_id in wanted and isinstance(stored.outcome, Completion):
                    wanted.discard(stored.outcome.request_id)
                    if writer.add(stored.outcome, backend=stored.backend):
                        await writer.save()
            if wanted and not await _is_gone(job, other):
                raise LedgerCorrupt(damaged(segment, f"lacks {len(wanted)} of the outcomes that its event names"))
        await writer.save()


async def _take_over_unknowns(job: Job, limits: Limits) -> None:
    """Let fail here what another job sent in vain: it may have been paid, and sending it again is a person's decision.

    Call it after ``_reuse_answers``: what was answered somewhere is not in doubt.
    """
    async for other in _same_realm(job):
        if not (await _load(job, other)).possibly_paid:
            continue
        with Index(job.storage, Layout(other)) as index:
            if not (await _load(job, other, index.apply)).possibly_paid:
                continue
            ids = job.index.open_among(index.unknown_ids())
        doubt = f"job {other} sent this and got no result; it may have been paid"
        failing = Failing(FailureKind.UNKNOWN, doubt, retryable=False)
        await store_failures(job, limits, ids, failing, backend="", source=other)


async def _note_what_is_under_way(job: Job) -> None:
    """Note in the index which of our open requests other jobs have asked or are about to ask.

    Call it after our own intent is stored and before ``_reuse_answers``: whoever stored an intent before us is seen
    here, whoever comes after sees ours, and what was answered in between is then reused.
    """
    job.index.forget_overlaps()
    async for other in _same_realm(job):
        glance = await _load(job, other)
        if glance.phase is not Phase.RUNNING:
            continue
        with Index(job.storage, Layout(other)) as index:
            await _load(job, other, index.apply)
            async for some in index.open_ids():
                job.index.note_overlaps(other, job.index.open_among(some))


class _Course(Enum):
    """What another job does that had requests of ours under way when it was looked at."""

    RESTS = 1  # it withdrew or finished since
    LOOKS = 2  # at other jobs as we do: it will see us and withdraw
    GOES_ON = 3


async def _course_of(job: Job, other: str) -> _Course:
    state = await _load(job, other)
    if state.phase is not Phase.RUNNING:
        return _Course.RESTS
    return _Course.LOOKS if other > job.id and not state.cleared else _Course.GOES_ON


async def _same_realm(job: Job) -> AsyncIterator[str]:
    # Listed first: copying answers while listing would list what was just copied.
    others = [other async for other in job_ids(job.storage) if other != job.id]
    for other in others:
        try:
            spec = await read_spec(job.storage, other)
        except JobNotFound:
            continue  # deleted since it was listed
        if spec.realm == job.spec.realm:
            yield other


async def _load(job: Job, other: str, listener: Listener | None = None) -> JobState:
    """Return where another job stands; one that is being deleted has nothing under way, like one that never was."""
    ledger = Ledger(job.storage, Layout(other), listener=listener)
    try:
        await ledger.load()
    except LedgerCorrupt as error:
        if await _is_gone(job, other):
            return JobState()
        # What it has under way cannot be known, so going on might pay twice.
        message = f"job {other} of the same storage is damaged, and may have some of these requests under way: {error}"
        raise LedgerCorrupt(message) from error
    # What was read may end early without an error.
    return JobState() if await _is_gone(job, other) else ledger.state


async def _lines(job: Job, other: str, segment: str) -> list[bytes]:
    """Return the outcomes of a segment; none when its job was deleted since its event was read."""
    try:
        return (await fetch(job.storage, segment)).splitlines()
    except LedgerCorrupt:
        if await _is_gone(job, other):
            return []
        raise


async def _is_gone(job: Job, other: str) -> bool:
    # A deletion begins with the spec.
    return not await exists(job.storage, Layout(other).spec)
