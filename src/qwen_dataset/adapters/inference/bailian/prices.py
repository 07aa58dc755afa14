"""Bailian's prices, read from ``prices.toml`` when they are first asked for."""

from __future__ import annotations

from functools import cache
from importlib import resources

from ....domain.pricing import PriceList
from ..price_file import read_prices


@cache
def listed_prices() -> PriceList:
    """Return every price that is known of Bailian, by region (``cn-beijing``); nothing is asked for it."""
    text = resources.files(__package__).joinpath("prices.toml").read_text(encoding="utf-8")
    return read_prices(text, where="prices.toml")
