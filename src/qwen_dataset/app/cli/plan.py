"""The command that tells what a run would take, before anybody pays for it."""

from __future__ import annotations

import asyncio
import sys
from decimal import Decimal
from typing import Any

import attrs
import click

from ...domain.estimates import Estimate
from ..api.client import Client
from ..api.plan import Plan, PlannedWay, doubts
from ..wiring.corpus import Name
from . import language, options, session
from .chosen import Chosen
from .describe import describe_reading
from .plan_lines import label_of, summary, table
from .show import echo_json

_SETTINGS = (
    "data_dir", "model", "max_samples", "passage_tokens", "passage_overlap", "language", "recipe", "max_tokens",
    "enable_thinking", "concurrency", "completion_window", "prices", "backend", "base_url", "region", "storage",
)  # fmt: skip


@click.command()
@options.papers
@click.option("--compare-models", "models", metavar="A,B", default="", help="Other models to compare with.")
@click.option("--compare-regions", "regions", metavar="A,B", default="", help="Regions. Default: those with batches.")
@click.option("--deadline", metavar="TIME", help="Until when it must be done, such as 90m, 6h or 2d.")
@options.settings(*_SETTINGS, also=(*options.NO_OPTION, *options.READING, "output", "writer"))
@click.option("--strict", is_flag=True, help="Stop at the first paper that cannot be read.")
@click.option("--json", "as_json", is_flag=True, help="Print the plan as JSON.")
def plan(
    papers: tuple[Name, ...],
    models: str,
    regions: str,
    deadline: str | None,
    chosen: Chosen,
    strict: bool,
    as_json: bool,
) -> None:
    """Show what `generate` would take of PAPERS: requests, tokens, and each way of asking with its price and time.

    Needs no key, asks nobody and stores nothing. Prices are dated; one that is not known is said to be so.
    """
    config, sources = chosen.with_papers(papers)

    async def work(stop: asyncio.Event) -> Plan:
        client = Client(config, stop=stop)
        return await client.plan(
            sources, models=_names(models), regions=_names(regions), deadline=deadline, strict=strict
        )

    made = session.run(work)
    reading = made.reading
    for sentence in describe_reading(reading) if reading is not None else []:
        language.say(sentence, err=True)
    if as_json:
        echo_json(plan_record(made))
    else:
        for line in (*summary(made), *table(made)):
            click.echo(line)
    if reading is not None and reading.unread:
        sys.exit(session.SOME_FAILED)


def plan_record(plan: Plan) -> dict[str, Any]:
    """Return a plan as a JSON object; amounts are texts, so that none is rounded."""
    counted, estimate, prior = plan.counted, plan.estimate, plan.priors[plan.model, plan.thinking]
    return {
        "model": plan.model,
        "thinking": plan.thinking,
        "papers": counted.papers,
        "passages": counted.passages,
        "requests": counted.requests,
        "too_large": counted.too_large,
        "batches": counted.shards,
        "bytes": counted.size,
        "prompt_tokens": estimate.prompt_tokens,
        "shared_prompt_tokens": estimate.shared_tokens,
        "completion_tokens": estimate.completion_tokens,
        "most_completion_tokens": estimate.most_completion_tokens,
        "tokens_per_answer": _text(prior.tokens),
        "measured_answers": prior.answers,
        "measured_job": prior.job or None,
        "doubts": doubts(plan),
        "deadline_seconds": plan.deadline,
        "ways": [_way_record(way, plan.estimates[way.model, way.thinking]) for way in plan.ways],
        "reading": None if plan.reading is None else attrs.asdict(plan.reading),
    }


def _way_record(way: PlannedWay, estimate: Estimate) -> dict[str, Any]:
    price, cost, duration = way.price, way.cost, way.duration
    return {
        "model": way.model,
        "region": way.region,
        "way": label_of(way),
        "thinking": way.thinking,
        "prompt_tokens": estimate.prompt_tokens,
        "shared_prompt_tokens": estimate.shared_tokens,
        "completion_tokens": estimate.completion_tokens,
        "currency": None if price is None else price.currency,
        "least": None if cost is None else _text(cost.least),
        "expected": None if cost is None else _text(cost.expected),
        "most": None if cost is None else _text(cost.most),
        "unpriced_requests": 0 if cost is None else cost.unpriced,
        "price_source": None if price is None else price.source,
        "price_date": None if price is None else price.as_of,
        "price_is_derived": None if price is None else price.is_derived,
        "price_note": None if price is None else price.note or None,
        "cached_input": None if price is None or not way.cached else _text(price.cached_input),
        "cache_source": None if price is None or not way.cached else price.cache_source or None,
        "seconds": {"least": duration.least, "likely": duration.likely, "bound": duration.bound},
        "expires": duration.expires,
        "why": duration.why or None,
        "not_offered": way.not_offered or None,
        "doubt": way.doubt or None,
        "in_time": way.fits,
        "cheapest": way.is_cheapest,
    }


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount.normalize():f}"


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]
