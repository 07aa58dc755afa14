"""A job's life: what an event may follow, and what it changes.

new → planned → running (a round is open) → planned again → … → finished, or stopped by a person.
"""

from __future__ import annotations

import attrs

from ..errors import LedgerCorrupt
from .events import (
    CallsBegan,
    CallsEnded,
    CancelSeen,
    CostLimited,
    Estimated,
    Event,
    Exporting,
    Finished,
    Hurried,
    Opened,
    OutputChosen,
    PlanWritten,
    RoundCleared,
    RoundFinished,
    RoundOpened,
    RoundWithdrawn,
    ShardCancelled,
    ShardFinished,
    ShardLost,
    ShardPlanned,
    ShardRefused,
    ShardSubmitted,
    Stopped,
    Stored,
)
from .jobs import JobState, Phase, Shard


def advance(state: JobState, event: Event) -> JobState:  # noqa: PLR0911 - one return a kind of event
    """Return the state after ``event``.

    Raises LedgerCorrupt where the event cannot follow: events are written by one owner in one order, so this means
    the stored events were damaged or mixed.
    """
    match event:
        case Opened():
            # What is not known by name leaves what was.
            backend, hours = event.backend or state.backend, event.window_hours or state.window_hours
            return attrs.evolve(state, owner=event.nonce, backend=backend, window_hours=hours)
        case OutputChosen() | Exporting() | Estimated() | CostLimited():
            return _noted(state, event)
        case PlanWritten():
            _expect(state, event, state.phase is Phase.NEW)
            return attrs.evolve(
                state,
                phase=Phase.PLANNED,
                requests=event.requests,
                chunks=event.chunks,
                papers=event.papers,
                corpus_chunks=event.corpus_chunks,
                longest=event.longest,
            )
        case Stored():
            return _stored(state, event)
        case RoundOpened() | RoundWithdrawn() | RoundCleared() | RoundFinished():
            return _round(state, event)
        case ShardPlanned():
            return _planned(state, event)
        case ShardSubmitted() | ShardRefused() | ShardLost() | ShardCancelled() | ShardFinished():
            return _shard(state, event)
        case CallsBegan() | CallsEnded():
            return _calls(state, event)
        case CancelSeen() | Hurried() | Stopped() | Finished():
            return _ended(state, event)


def _noted(state: JobState, event: OutputChosen | Exporting | Estimated | CostLimited) -> JobState:
    """Keep what may be said at any time."""
    match event:
        case OutputChosen():
            return attrs.evolve(state, output=event.output)
        case Exporting():
            return attrs.evolve(state, exported=state.exported | {event.digest})
        case Estimated():
            return attrs.evolve(state, estimate=event)
        case CostLimited():
            return attrs.evolve(state, cost_limit=event.limit, currency=event.currency or state.currency)


def _round(state: JobState, event: RoundOpened | RoundWithdrawn | RoundCleared | RoundFinished) -> JobState:
    match event:
        case RoundOpened():
            resting = state.phase in (Phase.PLANNED, Phase.STOPPED, Phase.FINISHED)
            _expect(state, event, resting and event.round == state.round + 1)
            return attrs.evolve(
                state,
                phase=Phase.RUNNING,
                round=event.round,
                open=event.pending,
                cleared=False,
                retry_unknown=event.retry_unknown,
                cancelling=False,
                hurrying=False,
                finishing=event.finishing,
                cancelled_remotely=False,
                stop_reason="",
                fresh=event.fresh or event.round == 1,
                pilot=event.pilot,
                pilots=state.pilots + event.pilot,
                least_yield=event.least_yield,
            )
        case RoundWithdrawn():
            _expect(state, event, state.phase is Phase.RUNNING and not state.cleared and event.round == state.round)
            # Nothing was submitted under this number, so it is free again and no round is used up.
            pilots = state.pilots - state.pilot
            return attrs.evolve(state, phase=Phase.PLANNED, round=state.round - 1, open=0, pilot=False, pilots=pilots)
        case RoundCleared():
            _expect(state, event, state.phase is Phase.RUNNING and event.round == state.round)
            return attrs.evolve(state, cleared=True)
        case RoundFinished():
            done = state.phase is Phase.RUNNING and not state.open and not state.shards
            _expect(state, event, done and event.round == state.round)
            return attrs.evolve(state, phase=Phase.PLANNED)


def _planned(state: JobState, event: ShardPlanned) -> JobState:
    running = state.phase is Phase.RUNNING and state.cleared
    _expect(state, event, running and event.shard == state.shards_planned + 1)
    shard = Shard(
        number=event.shard,
        key=event.key,
        requests=event.requests,
        first_chunk=event.first_chunk,
        last_chunk=event.last_chunk,
        planned_at=event.planned_at,
        reserved=event.reserved,
    )
    return attrs.evolve(
        state,
        shards={**state.shards, event.shard: shard},
        shards_planned=event.shard,
        currency=event.currency or state.currency,
        unpriced=state.unpriced or event.reserved is None,
    )


def _shard(
    state: JobState, event: ShardSubmitted | ShardRefused | ShardLost | ShardCancelled | ShardFinished
) -> JobState:
    shard = state.shards.get(event.shard)
    _expect(state, event, state.phase is Phase.RUNNING and state.cleared)
    if shard is None or isinstance(event, ShardFinished):
        _expect(state, event, shard is not None)
        assert shard is not None
        settled = state.settled + shard.settled
        left = {n: each for n, each in state.shards.items() if n != event.shard}
        return attrs.evolve(state, shards=left, settled=settled)
    match event:
        case ShardSubmitted():
            _expect(state, event, shard.token is None)
            at = event.submitted_at
            shard = attrs.evolve(shard, backend=event.backend, token=event.token, submitted_at=at)
        case ShardRefused():
            _expect(state, event, shard.token is None)
            shard = attrs.evolve(shard, refused=event.reason)
        case ShardLost():
            _expect(state, event, shard.token is None)
            shard = attrs.evolve(shard, lost=event.reason)
        case ShardCancelled():
            _expect(state, event, shard.token is not None)
            shard = attrs.evolve(shard, token=event.token, cancelled=True)
    return attrs.evolve(state, shards={**state.shards, event.shard: shard})


def _calls(state: JobState, event: CallsBegan | CallsEnded) -> JobState:
    shard = state.shards.get(event.shard)
    _expect(state, event, shard is not None and shard.token is not None)
    assert shard is not None
    if isinstance(event, CallsBegan):
        shard = attrs.evolve(shard, calling=event.at_risk)
    else:
        shard = attrs.evolve(shard, calling=0, doubt=shard.doubt + event.doubt)
    return attrs.evolve(state, shards={**state.shards, event.shard: shard})


def _charged(state: JobState, event: Stored) -> JobState:
    """Count what outcomes cost, with their shard while that is open."""
    shard = None if event.shard is None else state.shards.get(event.shard)
    if shard is None:
        return attrs.evolve(state, settled=state.settled + (event.charged or 0))
    if event.charged is None:
        # What was reserved for them is then what they cost.
        shard = attrs.evolve(shard, uncounted=True)
    else:
        shard = attrs.evolve(shard, charged=shard.charged + event.charged)
    return attrs.evolve(state, shards={**state.shards, shard.number: shard})


def _stored(state: JobState, event: Stored) -> JobState:
    _expect(state, event, state.phase is Phase.RUNNING and event.answered <= state.open)
    state = _charged(state, event)
    # In a fresh round nothing had an outcome before; in another one, everything that is open had failed.
    failed = event.unsuccessful if state.fresh else -event.succeeded
    return attrs.evolve(
        state,
        open=state.open - event.answered,
        completed=state.completed + event.succeeded,
        failed=state.failed + failed,
        reused=state.reused + (event.succeeded if event.source else 0),
        # What another job asked in vain was not asked here.
        possibly_paid=state.possibly_paid + (0 if event.source else len(event.unsure) + len(event.unknown)),
        # What we cancelled ourselves to have it finished elsewhere is nobody's wish to stop.
        cancelled_remotely=state.cancelled_remotely or (event.cancelled and not state.hurrying),
    )


def _ended(state: JobState, event: CancelSeen | Hurried | Stopped | Finished) -> JobState:
    match event:
        case Hurried():
            _expect(state, event, state.phase is Phase.RUNNING and not state.finishing and event.round == state.round)
            return attrs.evolve(state, hurrying=True)
        case CancelSeen():
            # Cancelling what rests already changes nothing.
            moving = state.phase in (Phase.NEW, Phase.PLANNED, Phase.RUNNING)
            return attrs.evolve(state, cancels_obeyed=event.number, cancelling=moving)
        case Stopped():
            _expect(state, event, state.phase is not Phase.RUNNING)
            return attrs.evolve(state, phase=Phase.STOPPED, cancelling=False, hurrying=False, stop_reason=event.reason)
        case Finished():
            _expect(state, event, state.phase in (Phase.PLANNED, Phase.STOPPED))
            return attrs.evolve(state, phase=Phase.FINISHED)


def _expect(state: JobState, event: Event, fits: bool) -> None:
    if not fits:
        message = f"the stored event {type(event).__name__} cannot follow here (job {state.phase}, round {state.round})"
        raise LedgerCorrupt(message)
