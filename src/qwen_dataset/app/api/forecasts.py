"""What a job is expected to take, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import attrs

from ...domain.estimates import Compared, Cost, Estimate
from ...domain.events import Estimated
from ...domain.jobs import JobState
from ...errors import NotApproved
from ...ports.inference import Offer
from ..dataset.sums import Sums
from ..wiring.budgets import is_billed, price_of
from ..wiring.config import Config
from .plan import Plan
from .reports import Forecast, PilotReport

_MUCH_MORE = Decimal("1.2")
"""By how much a job may become dearer than what was approved without anybody being asked again."""


def forecast_of(config: Config, offer: Offer, plan: Plan) -> Forecast:
    """Return what a plan takes at this backend, asked in its way. Raises SettingError as ``price_list`` does."""
    price, estimate = price_of(config, offer, plan.model), plan.estimate
    return Forecast(
        plan=plan,
        requests=plan.counted.requests,
        estimate=estimate,
        cost=None if price is None else estimate.cost(price, thinking=plan.thinking),
        currency="" if price is None else price.currency,
        is_play=offer.is_play,
        is_billed=is_billed(config, offer),
    )


def estimated(forecast: Forecast) -> Estimated:
    """Return the event that keeps a forecast with its job."""
    return Estimated(
        prompt_tokens=forecast.estimate.prompt_tokens,
        completion_tokens=forecast.estimate.completion_tokens,
        cost=None if forecast.cost is None else forecast.cost.expected,
        currency=forecast.currency,
    )


def corrected(pilot: PilotReport, estimate: Estimate) -> Estimated:
    """Return the event that takes the place of the first one after a pilot."""
    cost = None if pilot.cost is None or pilot.rest_cost is None else pilot.cost + pilot.rest_cost
    return Estimated(
        prompt_tokens=estimate.prompt_tokens,
        completion_tokens=estimate.completion_tokens,
        cost=cost,
        currency=pilot.currency,
    )


def dearer(pilot: PilotReport, forecast: Forecast, approve: Callable[[Forecast], bool]) -> str | None:
    """Return why the rest is not to be bought: it will cost much more than was approved, and nobody approves that."""
    if pilot.cost is None or pilot.rest_cost is None or pilot.estimate is None or forecast.likely is None:
        return None
    in_all = pilot.cost + pilot.rest_cost
    if in_all <= forecast.likely * _MUCH_MORE:
        return None
    again = attrs.evolve(forecast, estimate=pilot.estimate, cost=Cost(expected=in_all, most=None))
    try:
        if approve(again):
            return None
    except NotApproved as error:
        return str(error)
    return "a person said no to what it will cost by the measure of the pilot"


def compared(state: JobState, sums: Sums) -> tuple[Compared, ...]:
    """Return the job's estimate beside what was answered and paid; by the share of it that was answered."""
    estimate = state.estimate
    if estimate is None or not sums.requests or not sums.completions:
        return ()
    share = Decimal(sums.completions) / sums.requests
    paid = Decimal(sums.completions - sums.reused) / sums.requests
    usage = sums.usage
    rows = [
        ("tokens in", share, estimate.prompt_tokens, usage.prompt_tokens),
        ("tokens out", share, estimate.completion_tokens, usage.completion_tokens),
        ("cost", paid, estimate.cost, None if state.unpriced else state.committed),
    ]
    return tuple(
        Compared(what=what, estimated=Decimal(guess) * part, actual=Decimal(actual))
        for what, part, guess, actual in rows
        if guess is not None and actual is not None
    )
