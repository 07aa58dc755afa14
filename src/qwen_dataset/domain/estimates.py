"""What a job will cost, before it is run: sums over its requests, never the requests themselves. Pure.

Input is counted, output is expected. A cost has three figures: ``least`` (the input alone: no answer is shorter than
nothing), ``expected``, and ``most`` (every answer as long as it may be, the count of the input as far off as it may
be). Any of them is None where it is not known.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from decimal import ROUND_HALF_UP, Context, Decimal

import attrs

from .pricing import Price, Tier, amount

_ROUNDED = Context(prec=22)  # a share of a sum is rarely exact in decimals; this leaves no trace of its last digits
_STEP = math.log(1.02)  # sizes are kept apart so finely that a correction moves the right ones into another tier


@attrs.frozen(kw_only=True)
class Size:
    """Requests of about the same size: how many, their input tokens in all, and the most that one of them has."""

    requests: int
    tokens: int
    largest: int


class Sizes:
    """Adds up how large requests are, in bounded memory. ``bounds`` are where tiers end: no size lies across one."""

    def __init__(self, bounds: Iterable[int] = ()) -> None:
        self._bounds = sorted(set(bounds))
        self._found: dict[tuple[int, int], list[int]] = {}

    def add(self, prompt_tokens: int) -> None:
        """Count one request."""
        step = int(math.log(max(1, prompt_tokens)) / _STEP)
        row = self._found.setdefault((bisect_left(self._bounds, prompt_tokens), step), [0, 0, 0])
        row[0] += 1
        row[1] += prompt_tokens
        row[2] = max(row[2], prompt_tokens)

    def found(self) -> tuple[Size, ...]:
        """Return the sums, the smallest requests first."""
        return tuple(Size(requests=n, tokens=t, largest=most) for _, (n, t, most) in sorted(self._found.items()))


@attrs.frozen(kw_only=True)
class Output:
    """How long an answer is, thinking included. ``expected`` and ``most`` are tokens of one, None where not known."""

    expected: Decimal | None
    most: int | None


@attrs.frozen(kw_only=True)
class Cost:
    """What something costs, in the currency of the price; ``unpriced`` requests are too large for any known price."""

    least: Decimal | None = None
    expected: Decimal | None = None
    most: Decimal | None = None
    unpriced: int = 0


@attrs.frozen(kw_only=True)
class Estimate:
    """The tokens of a job's requests. ``shared_tokens`` are those that begin like an earlier request, in all.

    ``ratio`` is what the service counts for each token counted here, 1 until something was measured; ``margin`` is
    the share by which the count may be too low.
    """

    sizes: tuple[Size, ...]
    output: Output
    shared_tokens: int = 0
    ratio: Decimal = Decimal(1)
    margin: Decimal = Decimal("0.05")

    @property
    def requests(self) -> int:
        return sum(size.requests for size in self.sizes)

    @property
    def prompt_tokens(self) -> int:
        """The input tokens in all, corrected."""
        return _whole(self._counted * self.ratio)

    @property
    def largest(self) -> int:
        """The input tokens of the largest request, corrected."""
        return _whole(max((size.largest for size in self.sizes), default=0) * self.ratio)

    @property
    def completion_tokens(self) -> int | None:
        """The output tokens expected in all, None where nothing is."""
        return None if self.output.expected is None else _whole(self.output.expected * self.requests)

    @property
    def most_completion_tokens(self) -> int | None:
        """The most output tokens in all, None where nothing bounds them."""
        return None if self.output.most is None else self.output.most * self.requests

    @property
    def hit_share(self) -> Decimal:
        """The share of the input that a context cache could have: what requests begin with that others began with."""
        return Decimal(self.shared_tokens) / self._counted if self._counted else Decimal(0)

    @property
    def _counted(self) -> int:
        return sum(size.tokens for size in self.sizes)

    def corrected(self, measured_prompt_tokens: int, counted_prompt_tokens: int) -> Estimate:
        """Return the estimate with its input scaled by what the service measured of what was counted here.

        Both are of the same requests, such as those of a pilot, and counted as this estimate was before any
        correction. Where one of the two is 0 nothing was measured, and nothing changes.
        """
        if measured_prompt_tokens <= 0 or counted_prompt_tokens <= 0:
            return self
        return attrs.evolve(self, ratio=Decimal(measured_prompt_tokens) / counted_prompt_tokens)

    def cost(self, price: Price, *, thinking: bool = False, cached: bool = False) -> Cost:
        """Return what all requests cost at this price; ``cached``: with the hits of a context cache that are expected.

        Each size is billed by the tier that its mean falls into. ``most`` reckons with no hit at all.
        """
        unpriced = sum(size.requests for size, tier in self._tiers(price) if tier is None)
        if unpriced:
            return Cost(unpriced=unpriced)
        expected = self.output.expected
        return Cost(
            least=self._sum(price, Decimal(0), thinking=thinking, cached=cached),
            expected=None if expected is None else self._sum(price, expected, thinking=thinking, cached=cached),
            most=self._most(price, thinking=thinking),
        )

    def _tiers(self, price: Price) -> Iterator[tuple[Size, Tier | None]]:
        for size in self.sizes:
            yield size, price.tier_of(_whole(size.tokens * self.ratio / size.requests))

    def _sum(self, price: Price, output: Decimal, *, thinking: bool, cached: bool) -> Decimal:
        shared, counted = (self.shared_tokens, self._counted) if cached else (0, 1)
        total = sum(
            (
                amount(
                    tier,
                    prompt=size.tokens * self.ratio,
                    completion=size.requests * output,
                    # Divided last: a share of its own is rarely exact.
                    cached=size.tokens * self.ratio * shared / (counted or 1),
                    cached_input=price.cached_input,
                    thinking=thinking,
                )
                for size, tier in self._tiers(price)
                if tier is not None
            ),
            Decimal(0),
        )
        return _ROUNDED.plus(total)

    def _most(self, price: Price, *, thinking: bool) -> Decimal | None:
        most = self.output.most
        if most is None:
            return None
        total = Decimal(0)
        for size in self.sizes:
            largest = math.ceil(size.largest * self.ratio * (1 + self.margin))
            each = price.ceiling(prompt_tokens=largest, completion_tokens=most, thinking=thinking)
            if each is None:
                return None
            total += each * size.requests
        return total


@attrs.frozen(kw_only=True)
class Compared:
    """An estimate beside what came of it. ``off`` is the share by which the actual figure is above the estimate."""

    what: str
    estimated: Decimal
    actual: Decimal

    @property
    def off(self) -> Decimal | None:
        return None if not self.estimated else self.actual / self.estimated - 1


def _whole(value: Decimal | int) -> int:
    return int(Decimal(value).to_integral_value(ROUND_HALF_UP))
