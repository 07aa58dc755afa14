"""What Bailian says of asking a model in a region in one way: whether it is offered, how much, and how fast."""

from __future__ import annotations

import re
from datetime import date

import attrs

from ....domain.pricing import PriceWay
from ....domain.ways import Standing, Thinks, WayFacts
from . import models, places
from .catalogue import Model

BATCH_REGIONS = ("cn-beijing", "ap-southeast-1")
"""The regions that have batches, the nearest to most users first."""

_REALM = "bailian:"
_CAPPED = re.compile(r"qwen3\.[5-8]-")
_CAP = 256_000  # 256K input tokens a request; no page says whether K is 1,024 (Batch, newest zh copy; Batch Chat)
_HELD = 3600.0  # Batch Chat holds a call so long (Batch Chat, 2026-05-22)
_HELD_AT_ONCE = 256  # as our adapter of it has it
_ANSWERED = 300.0  # a call that is not streamed ends after so long (error codes, 2026-05-25)
# Batches of 2 to 1,000 lines: 596 s to 3718 s, and one of 2 lines 2 h 32 min. A small one of 2 to 7 s was lucky.
_MEASURED = 1000
_TOOK = (596.0, 9129.0)
_MEASURED_SOURCE = "batches of 2 to 1,000 requests, 2026"
# qwen3.7: the range of thinking_budget; qwen3.8: the longest chain of thought (console, 2026-10).
_MOST_THINKING = {"qwen3.7": 32_768, "qwen3.8": 262_144}
_THINKS = {"on": Thinks.CAN, "off": Thinks.CAN, "always": Thinks.ALWAYS, "none": Thinks.NEVER}


def region_of(base_url: str) -> str:
    """Return the region of Bailian that a base URL belongs to; any other URL, normalised, is one of its own."""
    return places.realm_of(base_url).removeprefix(_REALM)


def named_region(name: str) -> str:
    """Return the region that a person named, by its name or a base URL. Raises SettingError for anything else."""
    if name.lower().startswith(("http://", "https://")):
        return region_of(name)
    places.check_region(name)
    return name


def realm_of(region: str) -> str:
    """Return the realm of what is asked in a region."""
    return f"{_REALM}{region}" if is_region(region) else region


def is_region(region: str) -> bool:
    """Say whether this is a region of Bailian, and not another server."""
    return region in places.REGIONS


def facts(model: str, region: str, way: PriceWay, *, thinking: bool, today: date) -> WayFacts:
    """Return what is known. Of another server's models nothing is, whatever they are called."""
    if not is_region(region):
        return WayFacts()
    known = models.find(model)
    if known is None:
        return _with_pace(WayFacts(why=f"model {model} is not in the catalogue"), way)
    standing, why = _standing(known, region, way, thinking=thinking, today=today)
    rates = known.rates.get(region) if way is PriceWay.REALTIME else None
    capped = way is not PriceWay.REALTIME and _CAPPED.match(known.name)
    bounds = [bound for bound in (known.max_input or known.context, _CAP if capped else None) if bound is not None]
    found = WayFacts(
        standing=standing,
        why=why,
        thinks=_THINKS[known.thinking],
        most_input=min(bounds, default=None),
        most_answer=known.max_output,
        most_thinking=_MOST_THINKING.get(known.name.partition("-")[0]),
        requests_a_minute=rates.rpm if rates else None,
        tokens_a_minute=rates.tpm if rates else None,
    )
    return _with_pace(found, way)


def _with_pace(found: WayFacts, way: PriceWay) -> WayFacts:
    if way is PriceWay.BATCH:
        return attrs.evolve(
            found, measured_requests=_MEASURED, measured_seconds=_TOOK, measured_source=_MEASURED_SOURCE
        )
    if way is PriceWay.BATCH_CHAT:
        return attrs.evolve(found, call_seconds=_HELD, concurrency=_HELD_AT_ONCE)
    return attrs.evolve(found, call_seconds=_ANSWERED)


def _standing(model: Model, region: str, way: PriceWay, *, thinking: bool, today: date) -> tuple[Standing, str]:
    """Return whether a model is offered so, and why not (or what sources differ about)."""
    retired = model.retired
    past = retired is not None and retired.date <= today
    refused = _thinking(model, thinking=thinking)
    if retired is not None and past and not retired.disputed:
        refused = models.retirement(model, today)
    if refused:
        return Standing.REFUSED, refused
    why = models.offered(model, region, way.value)
    listing = {PriceWay.BATCH: model.batch.get(region), PriceWay.BATCH_CHAT: model.batch_chat}.get(way)
    if why and (listing is None or listing.state != "disputed"):
        return Standing.REFUSED, why
    # What sources differ about, or what is still to come.
    standing = Standing.DISPUTED if why or past else Standing.OFFERED
    return standing, why or models.retirement(model, today)


def _thinking(model: Model, *, thinking: bool) -> str:
    if thinking and model.thinking == "none":
        return f"model {model.name} cannot think"
    if not thinking and model.thinking == "always":
        return f"model {model.name} always thinks"
    return f"model {model.name} thinks in streamed calls only" if thinking and model.stream_only_thinking else ""
