"""The catalogue of models, read from ``models.toml`` when it is first asked."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib import resources
from typing import Any, Literal

import attrs

Thinking = Literal["on", "off", "always", "none"]
State = Literal["listed", "former", "disputed"]


@attrs.frozen(kw_only=True)
class Fact:
    """Where something is known from: the key and title of the source, and how old that is (``2026-05`` or a day)."""

    source: str
    title: str
    date: str
    note: str = ""


@attrs.frozen(kw_only=True)
class Listing:
    """Whether a list of the service has a model; ``former``: no longer, ``disputed``: sources differ."""

    state: State
    fact: Fact


@attrs.frozen(kw_only=True)
class Rates:
    """What an account may ask of a model in a region: requests and tokens per minute; None where not known."""

    rpm: int | None
    tpm: int | None
    fact: Fact


@attrs.frozen(kw_only=True)
class Retirement:
    """From which day calls fail; ``disputed``: another source still shows the model as live."""

    date: date
    disputed: bool
    fact: Fact


@attrs.frozen(kw_only=True)
class Structured:
    """Which answer formats a model keeps to.

    ``json_object`` is "any", or "plain": without thinking only; ``json_schema`` is "listed" or "former"; None: not in
    the lists.
    """

    json_object: Literal["any", "plain"] | None
    json_schema: Literal["listed", "former"] | None
    fact: Fact


@attrs.frozen(kw_only=True)
class Model:
    """What is known of one model. Sizes are in tokens, None where not known.

    ``family`` says which endpoint of DashScope's own protocol takes it. ``thinking`` is what happens unless a request
    says otherwise; ``stream_only_thinking`` that it thinks in streamed calls only. ``url`` is the path of its lines
    in a batch. ``known_as`` is the name in the catalogue, where this is a dated or ``-latest`` name of that model.
    """

    name: str
    known_as: str
    family: Literal["text", "multimodal"]
    thinking: Thinking
    stream_only_thinking: bool = False
    batch: Mapping[str, Listing] = attrs.field(factory=dict, hash=False)
    batch_chat: Listing | None = None
    structured: Structured | None = None
    context: int | None = None
    max_input: int | None = None
    max_output: int | None = None
    retired: Retirement | None = None
    rates: Mapping[str, Rates] = attrs.field(factory=dict, hash=False)
    url: str = "/v1/chat/completions"
    note: str = ""
    facts: Mapping[str, Fact] = attrs.field(factory=dict, hash=False)

    @property
    def thinking_switchable(self) -> bool:
        """Whether a request can switch thinking on and off."""
        return self.thinking in {"on", "off"}


_SNAPSHOT = re.compile(r"(?P<family>.+?)-(?:\d{4}-\d{2}-\d{2}|\d{4}|latest)")


def find(name: str) -> Model | None:
    """Return what is known of the model, or None.

    A dated snapshot (``qwen-plus-2025-07-28``) or ``-latest`` name that the catalogue does not have is what the model
    of its family is, except that it is in no batch list and its rates are not known.
    """
    known = _catalogue()
    if name in known:
        return known[name]
    match = _SNAPSHOT.fullmatch(name)
    family = known.get(match["family"]) if match else None
    if family is None:
        return None
    return attrs.evolve(family, name=name, batch={}, batch_chat=None, rates={}, note="")


def names() -> tuple[str, ...]:
    """Return every name in the catalogue, sorted."""
    return tuple(sorted(_catalogue()))


def vocabulary(model: str) -> tuple[str | None, bool]:
    """Return with which vocabulary a model counts tokens, and whether that is sure.

    The vocabulary is ``qwen3`` (151,643 entries, every model up to Qwen3) or ``qwen3.5`` (248,044, from Qwen3.5 on);
    None where it is neither, or nothing is known of the model. A name without a number (``qwen-plus``) moves from
    family to family: never sure. An organisation before the name, as in ``Qwen/Qwen3.5-27B``, does not matter.
    """
    name = model.rsplit("/", 1)[-1].lower()
    rows = _tables()["vocabularies"]
    # "qwen3" must not speak for a "qwen3.9" that nobody has heard of yet.
    fitting = [each for each in rows if name.startswith(each) and not re.match(r"[\d.]", name[len(each) :])]
    if not fitting:
        return None, False
    row = rows[max(fitting, key=len)]
    return row["name"] or None, row["sure"]


@cache
def _tables() -> dict[str, Any]:
    return tomllib.loads(resources.files(__package__).joinpath("models.toml").read_text(encoding="utf-8"))


@cache
def _catalogue() -> dict[str, Model]:
    tables = _tables()
    return {name: _model(name, tables) for name in tables["models"]}


def _inherited(name: str, models: Mapping[str, Any]) -> dict[str, Any]:
    own = models[name]
    return {**_inherited(own["inherits"], models), **own} if "inherits" in own else dict(own)


def _model(name: str, tables: Mapping[str, Any]) -> Model:
    raw = _inherited(name, tables["models"])

    def fact(table: Mapping[str, Any]) -> Fact:
        return Fact(source=table["source"], note=table.get("note", ""), **tables["sources"][table["source"]])

    def listing(table: Mapping[str, Any] | None) -> Listing | None:
        return Listing(state=table["state"], fact=fact(table)) if table else None

    context, retired, structured = (raw.get(key) for key in ("context", "retired", "structured"))
    listings = {region: listing(table) for region, table in raw.get("batch", {}).items()}
    return Model(
        name=name,
        known_as=name,
        family=raw["family"]["value"],
        thinking=raw["thinking"]["default"],
        stream_only_thinking=raw["thinking"].get("stream_only", False),
        batch={region: each for region, each in listings.items() if each is not None},
        batch_chat=listing(raw.get("batch_chat")),
        structured=structured
        and Structured(
            json_object=structured.get("json_object"), json_schema=structured.get("json_schema"), fact=fact(structured)
        ),
        context=context and context["tokens"],
        max_input=context and context.get("input"),
        max_output=context and context["max_output"],
        retired=retired
        and Retirement(date=retired["date"], disputed=retired.get("disputed", False), fact=fact(retired)),
        rates={
            region: Rates(rpm=table.get("rpm"), tpm=table.get("tpm"), fact=fact(table))
            for region, table in raw.get("rates", {}).items()
        },
        url=raw.get("url", "/v1/chat/completions"),
        note=raw.get("note", ""),
        facts={key: fact(raw[key]) for key in ("family", "thinking", "context") if key in raw},
    )
