"""What tokens cost: prices with tiers, their date and their source. Pure, in decimals; an unknown price is None.

A price holds for a model, in a region, asked in one way. The tier is chosen by the input tokens of one request, and all
tokens of that request are billed by it. Thinking is billed as output.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import ROUND_UP, Decimal
from enum import StrEnum
from typing import Self

import attrs


class PriceWay(StrEnum):
    """How a request is asked, as far as its price goes."""

    REALTIME = "realtime"
    BATCH = "batch"
    BATCH_CHAT = "batch-chat"


def _is_amount(_: object, field: attrs.Attribute[Decimal], value: Decimal | None) -> None:
    if value is not None and not (value.is_finite() and value >= 0):
        raise ValueError(f"{field.name} is {value}; it must be a number of at least 0")


@attrs.frozen(kw_only=True)
class Tier:
    """Prices per 1,000,000 tokens for requests of at most ``up_to`` input tokens (None: of any size).

    ``thinking_output`` is the price of all output of a request that thinks, where that differs.
    """

    up_to: int | None = None
    input: Decimal = attrs.field(validator=_is_amount)
    output: Decimal = attrs.field(validator=_is_amount)
    thinking_output: Decimal | None = attrs.field(default=None, validator=_is_amount)

    def holds_for(self, prompt_tokens: int) -> bool:
        """Say whether a request with so many input tokens is not too large for this tier."""
        return self.up_to is None or prompt_tokens <= self.up_to


@attrs.frozen(kw_only=True)
class Price:
    """What a model costs in a region when it is asked in one way.

    ``as_of`` is the day (or month) of ``source``. ``is_derived``: computed from what the source says, not printed
    there. ``cached_input`` is the share of the input price that a token found in the context cache costs, None where no
    discount is known; ``cache_source`` says where that is from. Above the last tier's ``up_to`` no price is known, or
    no request can be asked: ``note`` may say which. Raises ValueError for tiers that are not in order.
    """

    model: str
    region: str
    way: PriceWay
    currency: str
    tiers: tuple[Tier, ...]
    as_of: str
    source: str
    is_derived: bool = False
    note: str = ""
    cached_input: Decimal | None = attrs.field(default=None, validator=_is_amount)
    cache_source: str = ""

    def __attrs_post_init__(self) -> None:
        bounds = [tier.up_to for tier in self.tiers]
        known = [bound for bound in bounds if bound is not None]
        if not bounds or None in bounds[:-1] or known != sorted(set(known)) or any(bound < 1 for bound in known):
            message = "tiers must be there, each with a larger up_to than the one before; only the last may have none"
            raise ValueError(message)
        if self.cached_input is not None and self.cached_input > 1:
            message = f"cached_input is {self.cached_input}; it is a share of the input price, from 0 to 1"
            raise ValueError(message)

    @property
    def largest(self) -> int | None:
        """The most input tokens that a request may have to have a known price; None: any number."""
        return self.tiers[-1].up_to

    def tier_of(self, prompt_tokens: int) -> Tier | None:
        """Return the tier by which a request with so many input tokens is billed, None above the last one."""
        return next((tier for tier in self.tiers if tier.holds_for(prompt_tokens)), None)

    def cost(
        self, *, prompt_tokens: int, completion_tokens: int, thinking: bool = False, cached_tokens: int = 0
    ) -> Decimal | None:
        """Return what one request costs, in ``currency``; None above the last tier, where the price is not known.

        ``completion_tokens`` include those of thinking. ``cached_tokens`` are those of the input that the cache had;
        without a known discount they cost what others cost.
        """
        tier = self.tier_of(prompt_tokens)
        if tier is None:
            return None
        prompt = max(0, prompt_tokens)
        return amount(
            tier,
            prompt=Decimal(prompt),
            completion=Decimal(max(0, completion_tokens)),
            cached=Decimal(max(0, min(cached_tokens, prompt))),
            cached_input=self.cached_input,
            thinking=thinking,
        )

    def ceiling(self, *, prompt_tokens: int, completion_tokens: int, thinking: bool) -> Decimal | None:
        """Return the most that any one request with at most so many input and output tokens can cost.

        The dearest over every tier reached: a higher tier need not be dearer. None where the bound lies above the last
        tier: then nobody can say.
        """
        if self.tier_of(prompt_tokens) is None:
            return None
        read, written = max(0, prompt_tokens), max(0, completion_tokens)
        dearest = Decimal(0)
        for tier in self.tiers:
            most = read if tier.up_to is None else min(read, tier.up_to)
            output = max(tier.output, _output(tier, thinking=thinking))
            dearest = max(dearest, (most * tier.input + written * output).scaleb(-6))
            if tier.holds_for(read):
                break
        return dearest


def amount(
    tier: Tier, *, prompt: Decimal, completion: Decimal, cached: Decimal, cached_input: Decimal | None, thinking: bool
) -> Decimal:
    """Return what so many tokens cost in this tier; ``cached`` of the input cost the share ``cached_input``."""
    saved = Decimal(0) if cached_input is None else cached * (1 - cached_input)
    return ((prompt - saved) * tier.input + completion * _output(tier, thinking=thinking)).scaleb(-6)


def _output(tier: Tier, *, thinking: bool) -> Decimal:
    return tier.thinking_output if thinking and tier.thinking_output is not None else tier.output


@attrs.frozen
class PriceList:
    """Prices by model, region and way; the later of two for the same counts."""

    _rows: Mapping[tuple[str, str, str], Price] = attrs.field(factory=dict, hash=False)

    @classmethod
    def of(cls, prices: Iterable[Price]) -> Self:
        """Return the list of these prices."""
        return cls({(price.model, price.region, price.way.value): price for price in prices})

    def __iter__(self) -> Iterator[Price]:
        return iter(self._rows.values())

    def __len__(self) -> int:
        return len(self._rows)

    def find(self, model: str, region: str, way: PriceWay | str) -> Price | None:
        """Return the price of exactly this model, here, asked so; None where it is not known.

        A dated or ``-latest`` name has a price only where the list has a row of that name: it may be another model
        than the one of its family.
        """
        return self._rows.get((model, region, PriceWay(way).value))

    def merge(self, other: PriceList) -> PriceList:
        """Return this list with the prices of another one over it."""
        return PriceList({**self._rows, **other._rows})


def money(amount: Decimal, currency: str, *, grouped: bool = False) -> str:
    """Return an amount as a person reads it: to four significant digits of what is below one, never less than it is.

    ``grouped``: with commas between thousands.
    """
    places = Decimal("0.01") if amount >= 1 or not amount else Decimal(1).scaleb(amount.adjusted() - 3)
    whole, _, rest = f"{amount.quantize(places, rounding=ROUND_UP):f}".partition(".")
    if grouped:
        whole = f"{int(whole):,}"
    return f"{whole}.{rest.rstrip('0'):0<2} {currency}".strip()
