"""Bailian's models: what is known of one, and what to say to a person before it is asked. Never refuses anything."""

from __future__ import annotations

from datetime import date
from typing import Literal

from ....domain.inference import Parameters
from .catalogue import Fact, Listing, Model, find, names
from .places import has_batches

__all__ = ["Model", "Way", "advice", "find", "names", "offered", "retirement"]

Way = Literal["batch", "realtime", "batch-chat"]


def advice(model: str, parameters: Parameters, *, region: str | None, way: Way, today: date) -> list[str]:
    """Return what a person should know before asking this model, a sentence each; empty where all is well.

    ``region`` is the region of Bailian, or None for another server: the catalogue knows nothing of the models there.
    Where sources differ the sentence says so.
    """
    thinking = parameters.enable_thinking
    response_format = None if parameters.response_format is None else parameters.response_format.get("type")
    if region is None:
        return []
    known = find(model)
    if known is None:
        return [
            f"model {model} is not in the catalogue: it is asked all the same, but what it can and costs is not known"
        ]
    told = [
        _inherited(known),
        retirement(known, today),
        offered(known, region, way),
        _thinking(known, thinking=thinking),
        _format(known, response_format, thinking=thinking),
        known.note,
    ]
    return [sentence for sentence in told if sentence]


def _said(fact: Fact) -> str:
    return f"{fact.note + '; ' if fact.note else ''}{fact.title}, {fact.date}"


def _inherited(model: Model) -> str:
    if model.name == model.known_as:
        return ""
    return f"model {model.name} is not in the catalogue by itself: what is known is that of {model.known_as}"


def retirement(model: Model, today: date) -> str:
    """Return the sentence about when a model was or is to be retired, "" where nothing is known of that."""
    retired = model.retired
    if retired is None:
        return ""
    when = "was retired" if retired.date <= today else "is to be retired"
    doubt = "; sources differ, so it may still answer" if retired.disputed else ""
    return f"model {model.name} {when} on {retired.date.isoformat()} ({_said(retired.fact)}){doubt}"


def offered(model: Model, region: str, way: Way) -> str:
    """Return the sentence about why a way may not be offered for a model in a region, "" where it is."""
    if way == "realtime":
        return ""
    what = "the Batch API" if way == "batch" else "Batch Chat"
    if way == "batch" and not has_batches(region):
        return f"{what} does not exist in {region}: use cn-beijing or ap-southeast-1, or realtime"
    if way == "batch-chat" and region != "cn-beijing":
        return f"{what} does not exist in {region}: use cn-beijing, or realtime"
    listing = model.batch.get(region) if way == "batch" else model.batch_chat
    return _listing(model, listing, f"{what} in {region}")


def _listing(model: Model, listing: Listing | None, what: str) -> str:
    if listing is None:
        return f"model {model.name} is in no list of models of {what}: it may be refused"
    if listing.state == "former":
        return f"model {model.name} is no longer offered by {what} ({_said(listing.fact)}): it may be refused"
    if listing.state == "disputed":
        return f"sources differ on whether {what} offers model {model.name} ({_said(listing.fact)})"
    return ""


def _thinking(model: Model, *, thinking: bool) -> str:
    if model.thinking == "always" and not thinking:
        return f"model {model.name} always thinks, and bills its thoughts as output: it cannot be switched off"
    if model.thinking == "none" and thinking:
        return f"model {model.name} cannot think: asked to, it may refuse or just answer"
    if model.stream_only_thinking and thinking:
        return f"model {model.name} thinks in streamed calls only: not in batches"
    return ""


def _format(model: Model, response_format: str | None, *, thinking: bool) -> str:
    if response_format not in {"json_object", "json_schema"}:
        return ""
    structured = model.structured
    has = structured and (structured.json_object if response_format == "json_object" else structured.json_schema)
    if structured is None or not has:
        return f"model {model.name} is in no list of models that have response format {response_format}"
    if has == "former":
        return f"model {model.name} is no longer listed as having response format {response_format}"
    if has == "plain" and (thinking or model.thinking == "always"):
        return f"model {model.name} has response format {response_format} without thinking only"
    return ""
