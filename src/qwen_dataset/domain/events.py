"""What happens to a job. Events are written by one owner in one order and never change; ``lifecycle`` adds them up."""

from __future__ import annotations

from decimal import Decimal

import attrs

from .choices import RetryUnknown


@attrs.frozen(kw_only=True)
class Opened:
    """A process took the job. From here on only events with its nonce count: a stale owner's late write does not.

    ``backend`` and ``window_hours`` are what it asks with: empty and None where they are not known by name.
    """

    nonce: str
    backend: str
    window_hours: int | None = None


@attrs.frozen(kw_only=True)
class OutputChosen:
    """Where the dataset is to go, after it was found that it may: a later ``resume`` needs no argument then."""

    output: str


@attrs.frozen(kw_only=True)
class PlanWritten:
    """Papers and requests are stored: ``requests`` in ``chunks`` objects, papers in ``corpus_chunks``.

    ``longest`` is the bytes of the longest stored request; 0 where an earlier version did not note it.
    """

    requests: int
    chunks: int
    papers: int
    corpus_chunks: int
    longest: int = 0


@attrs.frozen(kw_only=True)
class Estimated:
    """What the job was expected to take before anything was spent; None where nobody knew."""

    prompt_tokens: int
    completion_tokens: int | None
    cost: Decimal | None = None
    currency: str = ""


@attrs.frozen(kw_only=True)
class RoundOpened:
    """Intent to get an answer for every request that has no final outcome; other jobs can see it from now on.

    ``finishing``: the backend that finishes stragglers is asked, not the job's own. ``fresh``: only what never had an
    outcome. ``pilot``: only the first ``pending`` of these, so that a person can judge before the rest is bought: it is
    not, where less than ``least_yield`` of them become samples (None: a person only looks).
    """

    round: int
    pending: int
    retry_unknown: RetryUnknown = RetryUnknown.AUTO
    finishing: bool = False
    fresh: bool = False
    pilot: bool = False
    least_yield: float | None = None


@attrs.frozen(kw_only=True)
class RoundWithdrawn:
    """Another job has some of the requests under way; nothing was submitted."""

    round: int
    because_of: str


@attrs.frozen(kw_only=True)
class RoundCleared:
    """No other job has any of the requests under way: shards may be planned."""

    round: int


@attrs.frozen(kw_only=True)
class ShardPlanned:
    """Intent to submit; written before money is spent. The ids are stored beside the event.

    The requests stand in the request chunks ``first_chunk`` to ``last_chunk``. ``planned_at`` is in seconds since 1970
    (None: written by an earlier version): a service can find what was created only for so long. ``reserved`` is the
    most that the shard can cost, in ``currency``; None where no price is known.
    """

    shard: int
    key: str
    requests: int
    first_chunk: int
    last_chunk: int
    planned_at: float | None = None
    reserved: Decimal | None = None
    currency: str = ""


@attrs.frozen(kw_only=True)
class ShardSubmitted:
    """The backend has the shard; ``token`` finds it again. ``submitted_at``: in seconds of the backend's time."""

    shard: int
    backend: str
    token: str
    submitted_at: float | None = None


@attrs.frozen(kw_only=True)
class ShardRefused:
    """The backend said no to the whole shard; nothing was bought, and its requests fail for ``reason``."""

    shard: int
    reason: str


@attrs.frozen(kw_only=True)
class ShardLost:
    """The backend may have the shard and nobody can find out any more: its requests are unknown, for ``reason``."""

    shard: int
    reason: str


@attrs.frozen(kw_only=True)
class ShardCancelled:
    """The backend was asked to stop the shard; ``token`` replaces the earlier one."""

    shard: int
    token: str


@attrs.frozen(kw_only=True)
class CallsBegan:
    """Calls of a shard are made from here on: a run that dies leaves up to ``at_risk`` of them paid and not stored."""

    shard: int
    at_risk: int


@attrs.frozen(kw_only=True)
class CallsEnded:
    """No call of the shard is under way. ``doubt`` is the most that those cost which a run that died had under way."""

    shard: int
    doubt: Decimal = Decimal(0)


@attrs.frozen(kw_only=True)
class Stored:
    """A segment of outcomes is durable. Every answered id stands in exactly one of the lists.

    ``retryable``: failed, not paid, may be sent again. ``failed``: will fail again. ``unsure``: sent in realtime, no
    reply, possibly paid. ``unknown``: sent in a batch, no result to be had, possibly paid. ``source`` is the job that
    paid, when the answers were copied from one. ``cancelled`` says that some failed because a person cancelled.

    ``charged`` is what these outcomes of ``shard`` cost: by the usage that was read, and at the most for those that are
    possibly paid or came without usage. None where no price is known.
    """

    segment: str
    completed: tuple[str, ...] = ()
    retryable: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    unsure: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    source: str | None = None
    cancelled: bool = False
    shard: int | None = None
    charged: Decimal | None = None

    @property
    def answered(self) -> int:
        return self.succeeded + self.unsuccessful

    @property
    def succeeded(self) -> int:
        return len(self.completed)

    @property
    def unsuccessful(self) -> int:
        return len(self.retryable) + len(self.failed) + len(self.unsure) + len(self.unknown)


@attrs.frozen(kw_only=True)
class ShardFinished:
    """Every request of the shard has an outcome of this round."""

    shard: int


@attrs.frozen(kw_only=True)
class RoundFinished:
    """Every request of the round has an outcome."""

    round: int


@attrs.frozen(kw_only=True)
class CancelSeen:
    """The owner obeys cancel request ``number``: no new shard, what runs is cancelled and harvested."""

    number: int


@attrs.frozen(kw_only=True)
class Hurried:
    """The round takes too long: what is in flight is cancelled and harvested, and another backend does the rest."""

    round: int


@attrs.frozen(kw_only=True)
class CostLimited:
    """A person sets the most that the job may cost over its whole life, in ``currency``; None: no limit any more."""

    limit: Decimal | None
    currency: str = ""


@attrs.frozen(kw_only=True)
class Stopped:
    """The job rests until a person resumes it."""

    reason: str


@attrs.frozen(kw_only=True)
class Finished:
    """Nothing is left to do without a person's decision."""


@attrs.frozen(kw_only=True)
class Exporting:
    """Intent to put a dataset with this SHA-256 at ``output``; so a later run knows the file as this job's own."""

    output: str
    digest: str


Event = (
    Opened
    | OutputChosen
    | PlanWritten
    | Estimated
    | RoundOpened
    | RoundWithdrawn
    | RoundCleared
    | ShardPlanned
    | ShardSubmitted
    | ShardRefused
    | ShardLost
    | ShardCancelled
    | CallsBegan
    | CallsEnded
    | Stored
    | ShardFinished
    | RoundFinished
    | CancelSeen
    | Hurried
    | CostLimited
    | Stopped
    | Finished
    | Exporting
)
