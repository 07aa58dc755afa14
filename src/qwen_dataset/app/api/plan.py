"""What a job will take, before anything is spent: its tokens, and each way of asking with its price and time."""

from __future__ import annotations

import datetime as dt
import importlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import attrs

from ...domain.estimates import Cost, Estimate, Output
from ...domain.inference import Parameters
from ...domain.pricing import Price, PriceList, PriceWay
from ...domain.ways import Duration, Standing, Thinks, WayFacts, batch_duration, held_duration, realtime_duration
from ..wiring import plugins
from ..wiring.config import Config
from ..wiring.corpus import ReadReport
from ..wiring.tokens import doubt_about, vocabulary_of
from .counting import Counted
from .priors import Prior, default_prior

_SURE, _UNSURE = Decimal("0.05"), Decimal("0.2")  # by how much a count may be too low


@attrs.frozen(kw_only=True)
class PlannedWay:
    """One way of asking: what it costs in the price's currency, how long it takes, and whether it is offered.

    ``cached``: realtime, with what a context cache is expected to have. ``price`` is None where it is not known, and
    then ``cost`` is None. ``not_offered`` says why a way cannot be taken, "" where it can; ``doubt`` what sources
    differ about. ``is_cheapest``: the cheapest of its currency among those that are done within the deadline.
    """

    model: str
    region: str
    way: PriceWay
    cached: bool
    thinking: bool
    price: Price | None
    cost: Cost | None
    duration: Duration
    fits: bool
    not_offered: str = ""
    doubt: str = ""
    is_cheapest: bool = False


@attrs.frozen(kw_only=True)
class Plan:
    """What a job takes. ``estimates`` are by model and thinking, ``ways`` the table of all ways of asking.

    ``prior`` says how long answers are expected to be, by thinking; ``deadline`` is in seconds.
    """

    model: str
    thinking: bool
    max_tokens: int | None
    counted: Counted
    estimates: Mapping[tuple[str, bool], Estimate]
    priors: Mapping[tuple[str, bool], Prior]
    ways: tuple[PlannedWay, ...]
    deadline: float | None = None
    reading: ReadReport | None = None

    @property
    def estimate(self) -> Estimate:
        """What the configured model takes, thinking as configured."""
        return self.estimates[self.model, self.thinking]

    def way(self, region: str, way: PriceWay, *, cached: bool = False, model: str | None = None) -> PlannedWay | None:
        """Return one row of the table, thinking as configured; None where there is none."""
        wanted = (model or self.model, region, way, cached, self.thinking)
        return next(
            (row for row in self.ways if (row.model, row.region, row.way, row.cached, row.thinking) == wanted), None
        )


def regions_of(config: Config) -> tuple[str, ...]:
    """Return where a job may be asked: at the server that is configured, else in the regions that have batches."""
    module = _ways()
    address = config.backend or ""
    url = address.partition("?")[0] if address.startswith(("http://", "https://")) else config.base_url
    if url is not None:
        return (module.region_of(url),)
    return tuple(dict.fromkeys((config.region, *module.BATCH_REGIONS)))


def named_regions(names: Sequence[str], prices: PriceList) -> tuple[str, ...]:
    """Return the regions that a person named: those of Bailian, base URLs, and whatever has a price.

    Raises SettingError for any other: a name with a slip in it would only look like an unknown price.
    """
    priced = {price.region for price in prices}
    return tuple(dict.fromkeys(name if name in priced else str(_ways().named_region(name)) for name in names))


def realms_of(regions: Collection[str]) -> tuple[str, ...]:
    """Return the realms in which jobs of these regions have been asked."""
    module = _ways()
    return tuple(module.realm_of(region) for region in regions)


def bounds_of(prices: PriceList) -> set[int]:
    """Return where tiers of any price end."""
    return {tier.up_to for price in prices for tier in price.tiers if tier.up_to is not None}


def make_plan(
    counted: Counted,
    config: Config,
    prices: PriceList,
    *,
    models: Sequence[str],
    regions: Sequence[str],
    priors: Mapping[tuple[str, bool], Prior],
    today: dt.date,
    deadline: float | None = None,
    reading: ReadReport | None = None,
) -> Plan:
    """Return the plan of what was counted. ``priors`` are measured ones, by model and thinking. Pure but for data."""
    table = _Table(counted, config, prices, priors, today, deadline)
    modes = (config.enable_thinking, not config.enable_thinking)
    keys = [(model, thinking) for model in models for thinking in modes]
    rows = [row for model in models for region in regions for mode in modes for row in table.rows(model, region, mode)]
    return Plan(
        model=models[0],
        thinking=config.enable_thinking,
        max_tokens=config.max_tokens,
        counted=counted,
        estimates={key: table.estimate(*key) for key in keys},
        priors={key: table.prior(*key) for key in keys},
        ways=tuple(_marked(rows, thinking=config.enable_thinking)),
        deadline=deadline,
        reading=reading,
    )


def doubts(plan: Plan) -> list[str]:
    """Return what is not sure of the tokens, a sentence for each model."""
    models = dict.fromkeys(row.model for row in plan.ways)
    return [sentence for model in models if (sentence := doubt_about(model))]


@attrs.frozen
class _Table:
    """Makes the rows of one plan."""

    counted: Counted
    config: Config
    prices: PriceList
    priors: Mapping[tuple[str, bool], Prior]
    today: dt.date
    deadline: float | None

    def parameters(self, thinking: bool) -> Parameters:
        return attrs.evolve(self.config.parameters, enable_thinking=thinking)

    def prior(self, model: str, thinking: bool) -> Prior:
        return self.priors.get((model, thinking)) or default_prior(self.config.recipe, self.parameters(thinking))

    def estimate(self, model: str, thinking: bool, facts: WayFacts | None = None) -> Estimate:
        """Return what a model takes; ``facts`` bound what it writes where the request does not."""
        vocabulary = vocabulary_of(model)
        tokens = self.counted.tokens[vocabulary.name]
        facts = facts or self.facts(model, self.config.region, PriceWay.REALTIME, thinking=thinking)
        return Estimate(
            sizes=tokens.sizes,
            shared_tokens=tokens.shared,
            output=Output(expected=self.prior(model, thinking).tokens, most=self._most(facts, thinking=thinking)),
            margin=_SURE if vocabulary.is_sure else _UNSURE,
        )

    def rows(self, model: str, region: str, thinking: bool) -> Iterator[PlannedWay]:
        """Yield the ways of asking a model in a region; none in the other mode of a model that has only one."""
        facts = self.facts(model, region, PriceWay.REALTIME, thinking=thinking)
        able = {Thinks.CAN: True, Thinks.ALWAYS: thinking, Thinks.NEVER: not thinking}.get(facts.thinks, False)
        if thinking is not self.config.enable_thinking and not able:
            return
        known_here = _ways().is_region(region)
        yield self._row(model, region, PriceWay.BATCH, thinking=thinking)
        if known_here:
            yield self._row(model, region, PriceWay.BATCH_CHAT, thinking=thinking)
        if self.estimate(model, thinking, facts).shared_tokens and self._has_cache(model, region):
            yield self._row(model, region, PriceWay.REALTIME, thinking=thinking, cached=True)
        yield self._row(model, region, PriceWay.REALTIME, thinking=thinking)

    def facts(self, model: str, region: str, way: PriceWay, *, thinking: bool) -> WayFacts:
        found: WayFacts = _ways().facts(model, region, way, thinking=thinking, today=self.today)
        return found

    def _row(self, model: str, region: str, way: PriceWay, *, thinking: bool, cached: bool = False) -> PlannedWay:
        facts = self.facts(model, region, way, thinking=thinking)
        estimate = self.estimate(model, thinking, facts)
        price = self.prices.find(model, region, way)
        duration = self._duration(facts, way, estimate)
        refused = facts.standing is Standing.REFUSED
        return PlannedWay(
            model=model,
            region=region,
            way=way,
            cached=cached,
            thinking=thinking,
            price=price,
            cost=None if price is None else estimate.cost(price, thinking=thinking, cached=cached),
            duration=duration,
            fits=duration.fits(self.deadline),
            not_offered=facts.why if refused else _too_large(facts, estimate),
            doubt="" if refused else facts.why,
        )

    def _has_cache(self, model: str, region: str) -> bool:
        price = self.prices.find(model, region, PriceWay.REALTIME)
        return price is not None and price.cached_input is not None

    def _duration(self, facts: WayFacts, way: PriceWay, estimate: Estimate) -> Duration:
        if way is PriceWay.BATCH:
            shard = self.counted.largest_shard
            return batch_duration(facts, largest_shard=shard, window_hours=self.config.window_hours)
        requests, concurrency = estimate.requests, self.config.concurrency or facts.concurrency
        if way is PriceWay.BATCH_CHAT:
            return held_duration(facts, requests=requests, concurrency=concurrency)
        tokens = estimate.prompt_tokens + (estimate.completion_tokens or 0)
        return realtime_duration(facts, requests=requests, tokens=tokens, concurrency=concurrency)

    def _most(self, facts: WayFacts, *, thinking: bool) -> int | None:
        answer = self.config.max_tokens or facts.most_answer
        thought = (self.config.thinking_budget or facts.most_thinking) if thinking else 0
        return None if answer is None or thought is None else answer + thought


def _too_large(facts: WayFacts, estimate: Estimate) -> str:
    if facts.most_input is None or estimate.largest <= facts.most_input:
        return ""
    return f"the largest request has {estimate.largest:,} tokens, and at most {facts.most_input:,} can be asked"


def _marked(rows: Sequence[PlannedWay], *, thinking: bool) -> Iterator[PlannedWay]:
    """Yield the rows, the cheapest of each currency marked: among those of this mode, offered, priced and in time."""
    cheapest: dict[str, tuple[Decimal, int]] = {}
    for number, row in enumerate(rows):
        amount = None if row.cost is None else row.cost.expected if row.cost.expected is not None else row.cost.most
        if row.price is None or amount is None or row.not_offered or not row.fits or row.thinking is not thinking:
            continue
        currency = row.price.currency
        if currency not in cheapest or amount < cheapest[currency][0]:
            cheapest[currency] = (amount, number)
    marked = {number for _, number in cheapest.values()}
    for number, row in enumerate(rows):
        yield attrs.evolve(row, is_cheapest=True) if number in marked else row


def _ways() -> Any:
    return importlib.import_module(plugins.WAYS)
