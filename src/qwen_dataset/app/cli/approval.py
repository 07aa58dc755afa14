"""Asking a person before much money is spent."""

from __future__ import annotations

from collections.abc import Callable

from ...domain.pricing import money
from ...errors import NotApproved
from ..api.reports import Forecast
from ..wiring.config import Config
from . import session
from .describe import unset_bound
from .show import Display


def approval(config: Config, display: Display, *, yes: bool) -> Callable[[Forecast], bool]:
    """Return what says whether a job may be bought: it asks where it costs more than a person set, or nobody knows.

    Raises NotApproved where nobody can answer: nothing that costs much begins by itself.
    """

    def approve(forecast: Forecast) -> bool:
        doubt = _doubt(config, forecast)
        if yes or doubt is None:
            return True
        if not session.can_ask():
            raise NotApproved(f"{doubt}: add --yes to buy it all the same, or --max-cost to limit it")
        # A moving bar would write over the question.
        with display.paused():
            return bool(session.answered(f"{doubt}; go on?"))

    return approve


def _doubt(config: Config, forecast: Forecast) -> str | None:
    """Return why a person should be asked, None where nobody needs to be."""
    if forecast.is_play or not forecast.is_billed:
        return None
    if config.max_cost is not None and config.max_cost <= config.ask_above:
        # It cannot cost more than may be spent without asking.
        return None
    if forecast.likely is None and forecast.cost is not None and forecast.cost.least is not None:
        least, bound = money(forecast.cost.least, forecast.currency), unset_bound(forecast)
        return f"this will cost at least {least}, and how much it writes is not known without {bound}"
    if forecast.likely is None:
        return "nobody knows what this costs"
    if forecast.likely <= config.ask_above:
        return None
    likely, bound = money(forecast.likely, forecast.currency), money(config.ask_above, forecast.currency)
    return f"this will cost about {likely}, more than the {bound} of ask_above"
