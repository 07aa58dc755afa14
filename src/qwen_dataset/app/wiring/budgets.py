"""What a backend charges a job, and the most that a person lets it charge."""

from __future__ import annotations

import importlib
from datetime import UTC, datetime
from decimal import Decimal

from ...domain.jobs import JobSpec, JobState
from ...domain.pricing import Price, PriceWay, money
from ...domain.spending import Meter, OutputBound, meter
from ...domain.ways import Thinks, WayFacts
from ...errors import SettingError
from ...ports.inference import Offer
from ..engine.budget import Budget
from . import plugins
from .config import Config
from .prices import price_list, region_of_realm

_PLAY_REGION = "cn-beijing"
"""At whose prices is reckoned where nothing is paid."""


def budget(config: Config, offer: Offer, spec: JobSpec) -> Budget:
    """Return what a backend charges for the requests of a job; without a meter where that cannot be known.

    Raises SettingError where the person's own list of prices cannot be used.
    """
    found = _meter(config, offer, spec)
    limits = offer.backend.limits
    return Budget(
        meter=found if isinstance(found, Meter) else None,
        # Where results are called for, as many may be paid and not stored when a run dies.
        at_risk=limits.concurrency + limits.segment_outcomes if offer.realtime else 0,
    )


def check_limit(config: Config, offer: Offer, spec: JobSpec, state: JobState) -> Decimal | None:
    """Return the most that a job may cost, None where nobody limits it.

    A limit is the person's of now, or that of an earlier run. Raises SettingError where it cannot be kept: without a
    known price, below what is spent, or where something was bought at a price that was not known.
    """
    limit = state.cost_limit if config.max_cost is None else config.max_cost
    if limit is None or not limit.is_finite():
        return None
    found = _meter(config, offer, spec)
    if isinstance(found, str):
        raise SettingError(f"--max-cost {limit:f} cannot be kept: {found}")
    if state.unpriced:
        raise SettingError(
            f"--max-cost {limit:f} cannot be kept: this job has bought something when its price was not known;"
            " leave it out, or make a new job"
        )
    currency = found.price.currency
    if state.currency not in ("", currency):
        raise SettingError(
            f"--max-cost {limit:f} cannot be kept: the job has paid in {state.currency}, and prices are in {currency}"
        )
    if config.max_cost is not None and limit < state.at_most:
        raise SettingError(
            f"--max-cost {limit:f} is below what the job has spent, or may have: {money(state.at_most, currency)};"
            " name at least that, or `none` for no limit"
        )
    return limit


def price_of(config: Config, offer: Offer, model: str) -> Price | None:
    """Return the price of a model at a backend, None where it is not known. Raises SettingError as ``budget`` does."""
    return price_list(config).find(model, _region(offer), _way(offer))


def is_billed(config: Config, offer: Offer) -> bool:
    """Say whether somebody sells what a backend does: it is Bailian, or any price is known there."""
    region = _region(offer)
    return not offer.is_play and (_is_bailian(offer) or any(price.region == region for price in price_list(config)))


def _meter(config: Config, offer: Offer, spec: JobSpec) -> Meter | str:
    """Return the meter, or the sentence that says why there is none."""
    price = price_of(config, offer, spec.model)
    if price is None:
        return (
            f"no price is known for {spec.model} in {_region(offer)} ({_way(offer)});"
            " write it into a file and name that with the setting `prices`"
        )
    facts = _facts(offer, spec)
    bound = OutputBound(answer=facts.most_answer, thinking=facts.most_thinking)
    # Whether it thinks is what was asked for only where the model can be asked, and is.
    unasked = not offer.switches_thinking or (facts.thinks is Thinks.UNKNOWN and _is_bailian(offer))
    thinks = {Thinks.ALWAYS: True, Thinks.NEVER: False}.get(facts.thinks, spec.parameters.enable_thinking or unasked)
    return meter(price, spec.parameters, bound, thinks=thinks)


def _facts(offer: Offer, spec: JobSpec) -> WayFacts:
    thinking = spec.parameters.enable_thinking
    today = datetime.now(UTC).date()
    found: WayFacts = importlib.import_module(plugins.WAYS).facts(
        spec.model, _region(offer), _way(offer), thinking=thinking, today=today
    )
    return found


def _is_bailian(offer: Offer) -> bool:
    return offer.is_play or bool(importlib.import_module(plugins.WAYS).is_region(_region(offer)))


def _region(offer: Offer) -> str:
    return _PLAY_REGION if offer.is_play else region_of_realm(offer.backend.realm)


def _way(offer: Offer) -> PriceWay:
    return offer.billed_as or (PriceWay.REALTIME if offer.realtime else PriceWay.BATCH)
