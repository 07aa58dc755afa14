"""A job: its spec, and the state that its events add up to.

A job's life: new → planned → running (a round is open) → planned again → … → finished, or stopped by a person.
``advance`` is the whole state machine: what an event may follow, and what it changes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum

import attrs

from ..errors import LedgerCorrupt
from .events import (
    CancelSeen,
    Event,
    Exporting,
    Finished,
    Opened,
    OutputChosen,
    PlanWritten,
    RetryUnknown,
    RoundCleared,
    RoundFinished,
    RoundOpened,
    RoundWithdrawn,
    ShardCancelled,
    ShardFinished,
    ShardPlanned,
    ShardRefused,
    ShardSubmitted,
    Stopped,
    Stored,
)
from .identity import content_id
from .inference import Parameters, chosen_fields
from .recipes.base import RecipeOptions

# Text that must be one path segment on every storage and one word in every shell.
_JOB_NAME = re.compile(r"[A-Za-z0-9\u3400-\u9fff][A-Za-z0-9\u3400-\u9fff._-]{0,79}")


def is_job_name(name: str) -> bool:
    """Say whether a person may call a job this."""
    return _JOB_NAME.fullmatch(name) is not None


class Way(StrEnum):
    """How a realm is asked: in batches, or one call at a time."""

    BATCH = "batch"
    REALTIME = "realtime"


@attrs.frozen(kw_only=True)
class JobSpec:
    """Everything that decides which requests are made and how they may be answered; nothing else.

    ``corpus`` is the id of the sequence of paper ids (or prompts). Keys, addresses, output, pace and limits are not
    part of it: they change nothing in an answer. A ``fresh`` job pays again on purpose: it neither reuses what other
    jobs have nor waits for what they have under way.
    """

    name: str
    recipe: str
    prompt_version: str
    model: str
    realm: str
    way: Way
    corpus: str
    parameters: Parameters = Parameters()
    options: RecipeOptions = RecipeOptions()
    fresh: bool = False

    @property
    def job_id(self) -> str:
        """The job's name and the hash of everything else: the same spec is the same job."""
        return f"{self.name}-{self._digest()[:12]}"

    @staticmethod
    def default_name(recipe: str, model: str) -> str:
        """Return the name of a job that a person gave none."""
        return f"{recipe}-{model}"

    def _digest(self) -> str:
        # Only when it is set: the ids of all other jobs stay as they were.
        fresh = {"fresh": True} if self.fresh else {}
        return content_id(
            {
                "recipe": self.recipe,
                "prompt_version": self.prompt_version,
                "model": self.model,
                "realm": self.realm,
                "way": self.way.value,
                "corpus": self.corpus,
                "parameters": self.parameters.chosen(),
                "options": chosen_fields(self.options),
                **fresh,
            }
        )


class Phase(StrEnum):
    """Where a job stands."""

    NEW = "new"
    PLANNED = "planned"
    RUNNING = "running"
    STOPPED = "stopped"
    FINISHED = "finished"


@attrs.frozen(kw_only=True)
class Shard:
    """A shard of the open round that is not finished. ``token`` is None until the backend is known to have it.

    ``refused`` is the backend's reason when it said no.
    """

    number: int
    key: str
    requests: int
    first_chunk: int
    last_chunk: int
    backend: str | None = None
    token: str | None = None
    refused: str | None = None
    cancelled: bool = False


@attrs.frozen(kw_only=True)
class JobState:
    """What the events add up to. Counts only; which id has which outcome is the index's business.

    ``failed`` counts requests whose latest outcome is a failure; ``possibly_paid`` counts calls that were sent and got
    no reply, also when a later one succeeded. ``exported`` holds the SHA-256 of every dataset this job wrote.
    """

    phase: Phase = Phase.NEW
    owner: str | None = None
    backend: str = ""
    window_hours: int | None = None
    output: str | None = None
    exported: frozenset[str] = frozenset()
    requests: int = 0
    chunks: int = 0
    papers: int = 0
    corpus_chunks: int = 0
    round: int = 0
    open: int = 0
    cleared: bool = False
    retry_unknown: RetryUnknown = RetryUnknown.AUTO
    shards: Mapping[int, Shard] = attrs.field(factory=dict)
    shards_planned: int = 0
    completed: int = 0
    failed: int = 0
    reused: int = 0
    possibly_paid: int = 0
    cancels_obeyed: int = 0
    cancelling: bool = False
    cancelled_remotely: bool = False
    stop_reason: str = ""

    @property
    def unanswered(self) -> int:
        return self.requests - self.completed - self.failed


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
        case OutputChosen():
            return attrs.evolve(state, output=event.output)
        case PlanWritten():
            _expect(state, event, state.phase is Phase.NEW)
            return attrs.evolve(
                state,
                phase=Phase.PLANNED,
                requests=event.requests,
                chunks=event.chunks,
                papers=event.papers,
                corpus_chunks=event.corpus_chunks,
            )
        case Stored():
            return _stored(state, event)
        case Exporting():
            return attrs.evolve(state, exported=state.exported | {event.digest})
        case RoundOpened() | RoundWithdrawn() | RoundCleared() | RoundFinished():
            return _round(state, event)
        case ShardPlanned() | ShardSubmitted() | ShardRefused() | ShardCancelled() | ShardFinished():
            return _shard(state, event)
        case CancelSeen() | Stopped() | Finished():
            return _ended(state, event)


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
                cancelled_remotely=False,
                stop_reason="",
            )
        case RoundWithdrawn():
            _expect(state, event, state.phase is Phase.RUNNING and not state.cleared and event.round == state.round)
            # Nothing was submitted under this number, so it is free again and no round is used up.
            return attrs.evolve(state, phase=Phase.PLANNED, round=state.round - 1, open=0)
        case RoundCleared():
            _expect(state, event, state.phase is Phase.RUNNING and event.round == state.round)
            return attrs.evolve(state, cleared=True)
        case RoundFinished():
            done = state.phase is Phase.RUNNING and not state.open and not state.shards
            _expect(state, event, done and event.round == state.round)
            return attrs.evolve(state, phase=Phase.PLANNED)


def _shard(
    state: JobState, event: ShardPlanned | ShardSubmitted | ShardRefused | ShardCancelled | ShardFinished
) -> JobState:
    _expect(state, event, state.phase is Phase.RUNNING and state.cleared)
    shards = dict(state.shards)
    match event:
        case ShardPlanned():
            _expect(state, event, event.shard == state.shards_planned + 1)
            shards[event.shard] = Shard(
                number=event.shard,
                key=event.key,
                requests=event.requests,
                first_chunk=event.first_chunk,
                last_chunk=event.last_chunk,
            )
            return attrs.evolve(state, shards=shards, shards_planned=event.shard)
        case ShardSubmitted():
            _expect(state, event, event.shard in shards and shards[event.shard].token is None)
            shards[event.shard] = attrs.evolve(shards[event.shard], backend=event.backend, token=event.token)
        case ShardRefused():
            _expect(state, event, event.shard in shards and shards[event.shard].token is None)
            shards[event.shard] = attrs.evolve(shards[event.shard], refused=event.reason)
        case ShardCancelled():
            _expect(state, event, event.shard in shards and shards[event.shard].token is not None)
            shards[event.shard] = attrs.evolve(shards[event.shard], token=event.token, cancelled=True)
        case ShardFinished():
            _expect(state, event, event.shard in shards)
            del shards[event.shard]
    return attrs.evolve(state, shards=shards)


def _stored(state: JobState, event: Stored) -> JobState:
    _expect(state, event, state.phase is Phase.RUNNING and event.answered <= state.open)
    # In round 1 nothing had an outcome before; later, everything that is open had failed.
    failed = event.unsuccessful if state.round == 1 else -event.succeeded
    return attrs.evolve(
        state,
        open=state.open - event.answered,
        completed=state.completed + event.succeeded,
        failed=state.failed + failed,
        reused=state.reused + (event.succeeded if event.source else 0),
        # What another job asked in vain was not asked here.
        possibly_paid=state.possibly_paid + (0 if event.source else len(event.unsure) + len(event.unknown)),
        cancelled_remotely=state.cancelled_remotely or event.cancelled,
    )


def _ended(state: JobState, event: CancelSeen | Stopped | Finished) -> JobState:
    match event:
        case CancelSeen():
            # Cancelling what rests already changes nothing.
            moving = state.phase in (Phase.NEW, Phase.PLANNED, Phase.RUNNING)
            return attrs.evolve(state, cancels_obeyed=event.number, cancelling=moving)
        case Stopped():
            _expect(state, event, state.phase is not Phase.RUNNING)
            return attrs.evolve(state, phase=Phase.STOPPED, cancelling=False, stop_reason=event.reason)
        case Finished():
            _expect(state, event, state.phase in (Phase.PLANNED, Phase.STOPPED))
            return attrs.evolve(state, phase=Phase.FINISHED)


def _expect(state: JobState, event: Event, fits: bool) -> None:
    if not fits:
        message = f"the stored event {type(event).__name__} cannot follow here (job {state.phase}, round {state.round})"
        raise LedgerCorrupt(message)
