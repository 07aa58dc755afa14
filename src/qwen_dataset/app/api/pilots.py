"""What a pilot gave: parsed and grounded as the dataset will be, and what the rest will take by its measure."""

from __future__ import annotations

from contextlib import aclosing
from decimal import Decimal

import attrs

from ...domain.estimates import Output
from ...domain.inference import Completion
from ...domain.pricing import Price
from ...domain.recipes.base import Recipe
from ..dataset.curator import Unanswered, curate_job
from ..dataset.join import join
from ..dataset.sums import Tally
from ..engine.job import Job
from ..wiring.tokens import count_messages, vocabulary_of
from .reports import Forecast, PilotReport


async def judge_pilot(job: Job, recipe: Recipe) -> PilotReport:
    """Return what the requests that have an outcome gave. Spends and stores nothing.

    Only the beginning of the plan is looked at: a pilot asks the first requests.
    """
    tally = Tally()
    entries = curate_job(job, recipe, tally)
    async with aclosing(entries):
        async for entry in entries:
            # Every outcome is counted before what follows it is looked at.
            if isinstance(entry, Unanswered) and tally.outcomes >= _answered(job):
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
        rest=job.state.unanswered,
    )


async def with_the_rest(pilot: PilotReport, job: Job, forecast: Forecast, price: Price | None) -> PilotReport:
    """Return a pilot's report with what the rest will take: the estimate, corrected by what the service counted.

    ``price`` is that of the rest. What was not measured stays as it was estimated.
    """
    counted, measured = await _measured(job)
    estimate = forecast.estimate.corrected(measured, counted)
    if pilot.completions:
        written = Decimal(pilot.usage.completion_tokens) / pilot.completions
        estimate = attrs.evolve(estimate, output=Output(expected=written, most=estimate.output.most))
    whole = None if price is None else estimate.cost(price, thinking=forecast.plan.thinking).expected
    share = Decimal(pilot.rest) / estimate.requests
    return attrs.evolve(pilot, estimate=estimate, rest_cost=None if whole is None else whole * share)


async def _measured(job: Job) -> tuple[int, int]:
    """Return the input tokens of what was answered: as counted here, and as the service counted them."""
    vocabulary = vocabulary_of(job.spec.model)
    counted = measured = seen = 0
    async with aclosing(join(job.storage, job.layout, job.index, job.state)) as all_joined:
        async for joined in all_joined:
            if joined.stored is None:
                if seen >= _answered(job):
                    break
                continue
            seen += 1
            outcome = joined.stored.outcome
            if isinstance(outcome, Completion) and outcome.usage.prompt_tokens:
                counted += count_messages(vocabulary, joined.planned.request.messages)
                measured += outcome.usage.prompt_tokens
    return counted, measured


def _answered(job: Job) -> int:
    return job.state.completed + job.state.failed
