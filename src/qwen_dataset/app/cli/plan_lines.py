"""A plan as a person reads it: what is to be asked, as `generate` tells it too, and the table of ways."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import groupby

from ...domain.pricing import Price, money
from ...domain.ways import Duration
from ..api.plan import Plan, PlannedWay, doubts
from . import language
from .columns import row, width

LABEL = 12
_NOTE = 20
_WIDTHS = (2, 18, 11, 11, 11, 2, 25)
_RIGHT = (False, False, True, True, True, False, False)
_UNKNOWN = "?"


def figures(plan: Plan, *, batch: bool = True) -> Iterator[tuple[str, int]]:
    """Yield what is to be asked, a sentence each, with the column it begins in: 0, or that beside the label above it.

    ``batch``: whether it goes, or would go, in batches. Where it is one by one, nobody needs their number.
    """
    counted, estimate, prior = plan.counted, plan.estimate, plan.priors[plan.model, plan.thinking]
    if counted.papers:
        yield f"papers      {counted.papers:,}, {counted.passages:,} passages asked about", 0
    if not batch:
        yield f"requests    {counted.requests:,}, one by one", 0
    elif counted.shards == 1:
        yield f"requests    {counted.requests:,}, in a batch", 0
    else:
        yield f"requests    {counted.requests:,}, in {counted.shards:,} batches", 0
    if counted.too_large:
        yield f"too large   {counted.too_large:,} requests more fit in no line, and are not sent", 0
    yield f"tokens in   {estimate.prompt_tokens:,}", 0
    counts = {model: each.prompt_tokens for (model, _), each in plan.estimates.items()}
    for model, tokens in counts.items():
        if tokens != estimate.prompt_tokens:
            yield f"tokens in   {tokens:,} as {model} counts", 0
    for sentence in doubts(plan):
        yield sentence, LABEL
    expected, most = estimate.completion_tokens, estimate.most_completion_tokens
    about = "not known" if expected is None else f"about {expected:,}"
    bound = "with no bound" if most is None else f"at most {most:,}"
    yield f"tokens out  {about}, {bound}", 0
    if prior.tokens is None:
        yield "no earlier job tells how long an answer is", LABEL
    elif prior.answers:
        yield f"{prior.tokens:.0f} an answer, as {prior.answers:,} answers of job {prior.job} have", LABEL
    else:
        yield f"{prior.tokens:.0f} an answer: a default, as no earlier job tells", LABEL


def summary(plan: Plan) -> Iterator[str]:
    """Yield what is to be asked, in lines of at most 80 columns, in the language in use."""
    for sentence, column in figures(plan):
        yield from language.lines(sentence, column)


def table(plan: Plan) -> Iterator[str]:
    """Yield the ways of asking, a table for each model, region, mode and currency, in lines of at most 80 columns."""
    told: set[str] = set()
    for (model, region, thinking), group in groupby(plan.ways, key=lambda way: (way.model, way.region, way.thinking)):
        mode = "thinking" if thinking else "without thinking"
        for currency, ways in _by_currency(list(group)).items():
            yield ""
            yield language.tr(f"{model} in {region}, {mode}, {f'in {currency}' if currency else 'prices not known'}")
            yield _row("", "", [language.tr(word) for word in ("least", "expected", "most")], language.tr("time"))
            for way in ways:
                yield _line(way, plan.deadline)
            for label, sentence in _notes(plan, ways):
                if (note := f"{model}{region}{label}{sentence}") not in told:
                    told.add(note)
                    yield from _beside(label, sentence)
    yield ""
    yield language.tr(_verdict(plan))


def _by_currency(ways: list[PlannedWay]) -> dict[str, list[PlannedWay]]:
    """Return the ways by the currency that stands over them; those without a price are with the first."""
    priced = [way.price.currency for way in ways if way.price is not None]
    first = priced[0] if priced else ""
    found: dict[str, list[PlannedWay]] = {currency: [] for currency in priced or [first]}
    for way in ways:
        found[first if way.price is None else way.price.currency].append(way)
    return found


def _row(mark: str, label: str, amounts: Iterable[str], time: str) -> str:
    return row((mark, label, *amounts, "", time), _WIDTHS, right=_RIGHT)


def _line(way: PlannedWay, deadline: float | None) -> str:
    label = language.tr(label_of(way))
    if way.not_offered:
        return _row("", label, "---", language.tr("not offered"))
    cost = way.cost
    amounts = (None, None, None) if cost is None else (cost.least, cost.expected, cost.most)
    shown = [_UNKNOWN if each is None else money(each, "", grouped=True) for each in amounts]
    time = language.tr(_time(way.duration))
    if deadline is not None and not way.fits:
        late = way.duration.is_late(deadline)
        time = language.tr(f"{_time(way.duration)}, too late" if late else f"{_time(way.duration)}, maybe late")
    return _row("*" if way.is_cheapest else "", label, shown, time)


def label_of(way: PlannedWay) -> str:
    """Return what a way is called."""
    return "realtime, cached" if way.cached else way.way.value


def _notes(plan: Plan, ways: list[PlannedWay]) -> Iterator[tuple[str, str]]:
    """Yield what is to be said of the ways of one table, each with what it is about."""
    for way in ways:
        label = label_of(way)
        if way.not_offered:
            yield label, way.not_offered
            continue
        if way.doubt:
            yield label, way.doubt
        if way.duration.why and not way.cached:
            yield label, way.duration.why
        if way.cached and way.price is not None and way.price.cached_input is not None:
            yield label, _cache(plan, way, way.price.cached_input)
            # Without the note behind it, which --json has in full.
            if source := way.price.cache_source.partition("; ")[0]:
                yield label, f"source of that share: {source}"
        if way.price is None:
            yield label, "the price is not known"
        elif way.cost is not None and way.cost.unpriced:
            yield label, f"{way.cost.unpriced:,} requests are larger than any price that is known"
    if any(way.thinking and way.cost is not None and way.cost.most is None and not way.cost.unpriced for way in ways):
        yield "most", "how long it may think is not known; set thinking_budget"
    for price in {
        _told(way.price): way.price for way in ways if way.price is not None and not way.not_offered
    }.values():
        yield "prices", _told(price)


def _told(price: Price) -> str:
    where = f"{price.source}, {price.as_of}"
    return f"computed from: {where}" if price.is_derived else where


def _cache(plan: Plan, way: PlannedWay, share: Decimal) -> str:
    hits = plan.estimates[way.model, way.thinking].hit_share
    return (
        f"{hits:.0%} of the input may be in the cache, at {share:.0%} of its price, if the service keeps beginnings"
        " of this length; its pages do not say"
    )


def _time(duration: Duration) -> str:
    least, most = duration.least, duration.bound if duration.likely is None else duration.likely
    if least is not None and most is not None and most > least:
        return f"{_span(least)} to {_span(most, up=True)}"
    if least is not None:
        return f"from {_span(least, up=True)}"
    return "not known" if most is None else f"up to {_span(most, up=True)}"


def _span(seconds: float, *, up: bool = False) -> str:
    """Return a time in one unit, a whole number of it; ``up``: never less than it is."""
    unit, size = "s", 1
    for larger, length, enough in (("min", 60, 90), ("h", 3600, 90 * 60), ("d", 86400, 48 * 3600)):
        if seconds >= enough or (seconds >= length and not seconds % length and length == 3600):
            unit, size = larger, length
    number = -(-seconds // size) if up else seconds // size
    return f"{max(1, round(number))} {unit}"


def _verdict(plan: Plan) -> str:
    deadline = plan.deadline
    cheapest = any(way.is_cheapest for way in plan.ways)
    if deadline is None:
        return "* the cheapest of its currency" if cheapest else "no way has a price that is known"
    within = _span(deadline, up=True)
    if cheapest:
        return f"* the cheapest of its currency that is done within {within}, as far as is known"
    return f"no way with a known price is known to be done within {within}"


def _beside(label: str, sentence: str) -> Iterator[str]:
    """Yield a sentence beside its label, wrapped, in the language in use."""
    head = f"  {language.tr(label)}"
    first, *others = language.lines(sentence, _NOTE)
    yield f"{head}{' ' * max(1, _NOTE - width(head))}{first.lstrip()}"
    yield from others
