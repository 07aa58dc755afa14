"""A job: its spec, and the state that its events add up to (see ``lifecycle``)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum

import attrs

from .choices import RetryUnknown
from .events import Estimated
from .identity import content_id
from .inference import Parameters, chosen_fields
from .recipes.base import RecipeOptions


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

    ``planned_at`` and ``submitted_at`` are in seconds, None where nobody noted them. ``refused`` is the
    backend's reason when it said no; ``lost`` why nobody can tell any more whether the backend has it.

    ``reserved`` is the most that it can cost (None: no price is known), ``charged`` what its stored outcomes cost, and
    ``doubt`` the most that calls cost which a run that died had under way. ``calling`` is how many may be under way
    now. ``uncounted``: some outcomes were stored by a run that knew no price.
    """

    number: int
    key: str
    requests: int
    first_chunk: int
    last_chunk: int
    backend: str | None = None
    token: str | None = None
    planned_at: float | None = None
    submitted_at: float | None = None
    refused: str | None = None
    lost: str | None = None
    cancelled: bool = False
    reserved: Decimal | None = None
    charged: Decimal = Decimal(0)
    doubt: Decimal = Decimal(0)
    calling: int = 0
    uncounted: bool = False

    @property
    def chunks(self) -> range:
        """The chunks of the plan that its requests stand in, perhaps among others."""
        return range(self.first_chunk, self.last_chunk + 1)

    @property
    def committed(self) -> Decimal:
        """The most that the shard can have cost when it is finished."""
        return max(self.reserved or Decimal(0), self.charged) + self.doubt

    @property
    def settled(self) -> Decimal:
        """What the shard cost at the most, once every request has its outcome."""
        return self.committed if self.uncounted else self.charged + self.doubt


@attrs.frozen(kw_only=True)
class JobState:
    """What the events add up to. Counts only; which id has which outcome is the index's business.

    ``failed`` counts requests whose latest outcome is a failure; ``possibly_paid`` counts calls that were sent and got
    no reply, also when a later one succeeded. ``exported`` holds the SHA-256 of every dataset this job wrote.

    ``cancelling``: a person wants the job to stop. ``hurrying``: what is in flight is cancelled so that another backend
    finishes it in the next round, and ``finishing``: the open round is that one. ``fresh``: the open round asks only
    what never had an outcome; ``pilot``: it, or the last one, is a pilot, with
    its ``least_yield``, and ``pilots`` is how many there were.

    ``settled`` is what finished shards cost at the most, in ``currency``, and ``cost_limit`` what the job may cost over
    its whole life (None: no limit). ``unpriced``: something was bought at a price that was not known. ``estimate`` is
    what it was expected to take.
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
    longest: int = 0
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
    hurrying: bool = False
    finishing: bool = False
    cancelled_remotely: bool = False
    stop_reason: str = ""
    fresh: bool = True
    pilot: bool = False
    pilots: int = 0
    least_yield: float | None = None
    settled: Decimal = Decimal(0)
    currency: str = ""
    unpriced: bool = False
    cost_limit: Decimal | None = None
    estimate: Estimated | None = None

    @property
    def spent(self) -> Decimal:
        """What the job cost so far, at the most where that is in doubt; without what is reserved."""
        return self.settled + sum((shard.charged + shard.doubt for shard in self.shards.values()), Decimal(0))

    @property
    def committed(self) -> Decimal:
        """The most that the job can have cost so far, with everything that is in flight."""
        return self.settled + sum((shard.committed for shard in self.shards.values()), Decimal(0))

    @property
    def at_most(self) -> Decimal:
        """The most that the job can have cost so far: ``committed``, below the wall.

        Where the doubt of a run that died and what is reserved pass the wall together, nothing that is reserved begins.
        """
        return self.committed if self.cost_limit is None else min(self.committed, self.cost_limit)

    @property
    def winding_down(self) -> bool:
        """Nothing new is submitted, and what is in flight is cancelled and harvested."""
        return self.cancelling or self.hurrying

    @property
    def unanswered(self) -> int:
        return self.requests - self.completed - self.failed
