"""Money: what is reserved before it is spent, what was charged, and the wall that neither passes."""

from __future__ import annotations

import heapq
from decimal import Decimal

import attrs

from ...domain.inference import Completion, FailureKind, Outcome
from ...domain.jobs import JobState, Shard
from ...domain.pricing import money
from ...domain.spending import Meter
from ...errors import CostLimitReached
from .chunks import fetch_chunk
from .job import Job


@attrs.frozen(kw_only=True)
class Budget:
    """What one backend charges a job. ``meter`` is None where no price is known: then nothing is reckoned.

    ``at_risk`` is how many calls may have been paid and not stored when a run dies while it fetches results: 0 where
    fetching buys nothing.
    """

    meter: Meter | None = None
    at_risk: int = 0

    @property
    def currency(self) -> str:
        return "" if self.meter is None else self.meter.price.currency


UNPRICED = Budget()
"""Nothing is known of what is charged."""


def room(state: JobState) -> Decimal | None:
    """Return what may still be reserved, None without a wall."""
    return None if state.cost_limit is None else state.cost_limit - state.committed


def held_back(job: Job) -> str:
    """Return what a person should know whose limit lets a job go on in small parts only."""
    state = job.state
    assert state.cost_limit is not None
    asked = sum(shard.requests for shard in state.shards.values())
    limit, waiting = money(state.cost_limit, state.currency), state.open - asked
    return (
        f"the limit of {limit} has room for {asked} requests at a time, at the most that they may cost; {waiting} wait"
        " until these are answered: a lower max_tokens or a higher limit makes more room"
    )


def cost_limit_reached(job: Job, wanted: Decimal | None, *, is_priced: bool = True) -> CostLimitReached:
    """Return the error that ends a run at the wall. ``wanted`` is what the next request needs at most, where known.

    ``is_priced`` is False where no price is known for a request as large as the next one.
    """
    state = job.state
    assert state.cost_limit is not None
    limit, spent = money(state.cost_limit, state.currency), money(state.spent, state.currency)
    done, every, left = state.completed, state.requests, state.unanswered
    if not is_priced:
        return CostLimitReached(
            f"job {job.id} stops, as the next request is larger than any that a price is known for, and a limit of"
            f" {limit} could not be kept; {done} of {every} requests are answered and kept, {left} are left: write its"
            " price into your own file of prices, or resume with --max-cost none"
        )
    if wanted is None:
        return CostLimitReached(
            f"job {job.id} stops at its limit of {limit}: {spent} are spent, or may be in calls that got no reply;"
            f" {done} of {every} requests are answered and kept, {left} are left: they go on where"
            f" {money(state.committed, state.currency)} are allowed: resume it with a higher --max-cost",
            needed=state.committed,
        )
    needed = state.committed + wanted
    return CostLimitReached(
        f"job {job.id} stops at its limit of {limit}: {spent} are spent, and the next request is only sent where"
        f" {money(needed, state.currency)} are allowed; {done} of {every} requests are answered and kept, {left} are"
        " left: resume it with a higher --max-cost",
        needed=needed,
    )


class Account:
    """What the outcomes of one shard cost, added up until the event that names them is written."""

    def __init__(self, job: Job, shard: Shard, meter: Meter | None) -> None:
        self.shard = shard.number
        self._job = job
        self._shard = shard
        self._meter = meter
        self._most: dict[str, Decimal] = {}
        self._is_loaded = False
        self.clear()

    def clear(self) -> None:
        """Begin a new sum."""
        self._charged = Decimal(0)
        self._uncertain: list[str] = []

    def note(self, outcome: Outcome) -> None:
        """Count an outcome: by its usage, at the most where it is possibly paid, at nothing where it was refused."""
        if self._meter is None:
            return
        if isinstance(outcome, Completion):
            cost = self._meter.cost(outcome)
            if cost is None:
                self._uncertain.append(outcome.request_id)
            else:
                self._charged += cost
        elif outcome.kind is FailureKind.UNKNOWN or outcome.possibly_paid:
            self._uncertain.append(outcome.request_id)

    def take(self) -> tuple[Decimal, list[str]]:
        """Return the sum so far, with those whose cost is not known, and begin a new one."""
        taken = (self._charged, self._uncertain)
        self.clear()
        return taken

    def give_back(self, taken: tuple[Decimal, list[str]]) -> None:
        """Take back what could not be stored."""
        self._charged += taken[0]
        self._uncertain[:0] = taken[1]

    async def total(self, taken: tuple[Decimal, list[str]]) -> Decimal | None:
        """Return what was taken as one amount, None where no price is known."""
        if self._meter is None:
            return None
        charged, uncertain = taken
        return charged + sum([await self._most_of(ident) for ident in uncertain], Decimal(0))

    async def doubt(self, remaining: set[str], at_risk: int) -> Decimal:
        """Return the most that so many calls for the remaining requests can cost."""
        if self._meter is None:
            # As much as was reserved for all that are left, since nobody knows what one costs.
            return self._shard.committed - self._shard.doubt - self._shard.charged
        return sum(heapq.nlargest(at_risk, [await self._most_of(ident) for ident in remaining]), Decimal(0))

    async def _most_of(self, ident: str) -> Decimal:
        assert self._meter is not None
        if not self._is_loaded:
            # Rare: something got no reply. Read once, as small as it can be: at most a submission's worth.
            self._is_loaded = True
            for number in self._shard.chunks:
                chunk = await fetch_chunk(self._job.storage, self._job.layout, number)
                for request in chunk.requests():
                    most = self._meter.most(request)
                    # It was planned at a price, so there was a bound.
                    self._most[request.id] = Decimal(0) if most is None else most
        return self._most.get(ident, Decimal(0))
