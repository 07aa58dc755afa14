"""What a pilot gave: parsed and grounded as the dataset will be, before the rest is bought."""

from __future__ import annotations

from contextlib import aclosing

from ...domain.recipes.base import Recipe
from ..dataset.curator import Unanswered, curate
from ..dataset.sums import Tally
from ..engine.job import Job
from .reports import PilotReport


async def judge_pilot(job: Job, recipe: Recipe) -> PilotReport:
    """Return what the requests that have an outcome gave. Spends and stores nothing.

    Only the beginning of the plan is looked at: a pilot asks the first requests.
    """
    tally = Tally()
    left = job.state.completed + job.state.failed
    entries = curate(job.storage, job.layout, job.index, state=job.state, recipe=recipe, tally=tally)
    async with aclosing(entries):
        async for entry in entries:
            # Every outcome is counted before what follows it is looked at.
            if isinstance(entry, Unanswered) and tally.outcomes >= left:
                break
    sums = tally.sums(possibly_paid=job.state.possibly_paid)
    return PilotReport(
        requests=sums.completions + sums.failures,
        completions=sums.completions,
        samples=sums.samples,
        rejects=sums.rejects,
        usage=sums.usage,
        cost=None if job.state.unpriced else job.state.committed,
        currency=job.state.currency,
    )
