"""Files of prices, in TOML: the ones that come with the package, and a person's own.

A file is a list of ``[[prices]]`` tables; a later one for the same model, region and way counts. Fields of a row:

- ``model``, ``region``: names as they are asked; for another server the region is its base URL or realm;
- ``currency``: three capital letters;
- ``input``, ``output``, ``thinking_output``: for 1,000,000 tokens, 0 or from 1e-9 to 1e9; or ``tiers``, a list of
  tables with these and ``up_to``, the most input tokens of one request that the tier holds for;
- ``up_to`` beside ``input``: where the only tier ends;
- ``way``: ``realtime`` (the default), ``batch`` or ``batch-chat``, or a list of them;
- ``as_of``: the day or the month, as a date or a text such as ``2026-11``; ``source``: where it stands, or a key
  (a list of keys) of ``[sources]``;
- ``derived``: it is computed, not printed there; ``note``: what a person should know;
- ``cached_input``: the share of the input price that a token in the context cache costs;
- ``half_price.WAY``: a table, possibly empty, for a way that costs half of this row; it may hold ``up_to`` (the most
  input tokens that can be asked so), ``source``, ``as_of``, ``derived`` and ``note`` of its own.

``[sources]`` gives keys a ``title`` and a ``date``. ``[context_cache]`` (``input_share``, ``source``, ``derived``,
``note``) holds for every realtime row that has no ``cached_input`` and does not say ``context_cache = false``.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import attrs

from ...domain.pricing import Price, PriceList, PriceWay, Tier
from ...errors import SettingError
from .bailian.places import REGIONS, realm_of
from .price_fields import Wrong, amount_of, check_known, count_of, day_of, flag_of, shown, table_of, text_of

_AMOUNTS = ("input", "output", "thinking_output")
_TIER = ("up_to", *_AMOUNTS)
_ORIGIN = ("source", "as_of", "derived", "note")
_ROW = (
    "model", "region", "currency", "way", "tiers", *_TIER, *_ORIGIN, "cached_input", "context_cache", "half_price",
)  # fmt: skip
_HALF = ("up_to", *_ORIGIN)
_FILE = ("prices", "sources", "context_cache")
_CURRENCY = re.compile(r"[A-Z]{3}")
_REALM = "bailian:"


def read_prices(text: str, *, where: str) -> PriceList:
    """Return the prices of a file, which is called ``where``. Raises SettingError with a sentence for each bad row."""
    try:
        tables = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise SettingError(f"{where} is not valid TOML: {' '.join(str(error).split())[:200]}") from None
    except (ValueError, RecursionError, InvalidOperation):
        # A number of thousands of digits, or brackets nested without end.
        raise SettingError(f"{where} is not a file of prices; write a table [[prices]] for each") from None
    rows = tables.get("prices")
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise SettingError(f"{where} holds no prices; write a table [[prices]] for each")
    prices, problems = list[Price](), list[str]()
    try:
        check_known(tables, _FILE, "a file of prices")
        reader = _Reader.of(tables, where)
    except Wrong as wrong:
        raise SettingError(f"{where} is not a file of prices: {wrong}") from None
    for number, row in enumerate(rows, start=1):
        try:
            prices += reader.prices(row)
        except (Wrong, ValueError, SettingError) as wrong:
            name = row.get("model")
            which = f" ({shown(name)})" if isinstance(name, str) else ""
            problems.append(f"{where}, price {number}{which}: {wrong}")
    if problems:
        raise SettingError.of(problems)
    return PriceList.of(prices)


@attrs.frozen
class _Reader:
    """Reads rows; ``sources`` and ``cache`` are what the file, called ``where``, says for all of them."""

    where: str
    sources: Mapping[str, tuple[str, str]]
    cache: tuple[Decimal, str] | None

    @classmethod
    def of(cls, tables: Mapping[str, Any], where: str) -> _Reader:
        sources = {}
        for key, table in table_of(tables, "sources").items():
            if not isinstance(table, dict):
                raise Wrong(f"sources.{shown(key)} must be a table with title and date")
            sources[key] = (text_of(table, "title"), day_of(table, "date"))
        reader = cls(where, sources, None)
        cache = table_of(tables, "context_cache")
        if not cache:
            return reader
        check_known(cache, ("input_share", "source", "derived", "note"), "context_cache")
        source, as_of = reader.source(cache, where)
        computed = "computed from " if cache.get("derived") else ""
        note = f"; {text_of(cache, 'note')}" if "note" in cache else ""
        return cls(where, sources, (amount_of(cache, "input_share"), f"{computed}{source}, {as_of}{note}"))

    def prices(self, row: Mapping[str, Any]) -> Iterator[Price]:
        """Yield what a row says. Raises Wrong, and ValueError for a price that cannot be."""
        check_known(row, _ROW, "a price")
        tiers = tuple(_tiers(row))
        source, as_of = self.source(row, self.where)
        if not as_of:
            raise Wrong("as_of is missing: write the day of the price, such as 2026-11-01")
        price = Price(
            model=text_of(row, "model"),
            region=_region(row),
            way=PriceWay.REALTIME,
            currency=_currency(row),
            tiers=tiers,
            as_of=as_of,
            source=source,
            is_derived=flag_of(row, "derived"),
            note=text_of(row, "note") if "note" in row else "",
        )
        ways = _ways(row)
        for way in ways:
            share, told = self._cached(row, way)
            yield attrs.evolve(price, way=way, cached_input=share, cache_source=told)
        for name, table in table_of(row, "half_price").items():
            if not isinstance(table, dict):
                raise Wrong(f"half_price.{shown(name)} must be a table, such as {{}}")
            check_known(table, _HALF, "half_price")
            if (half := _way(name)) in ways:
                raise Wrong(f"half_price names {half.value}, which is the way of this row itself")
            yield self._half(price, half, table)

    def source(self, table: Mapping[str, Any], default: str) -> tuple[str, str]:
        """Return what a table's source is called, and the day: the table's own, else the oldest of its sources."""
        named = table.get("source", default)
        keys = [named] if isinstance(named, str) else named
        if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
            raise Wrong(f"source is {shown(named)}; it must be a text, or a list of keys of [sources]")
        titles = [f"{self.sources[key][0]} [{key}]" if key in self.sources else key for key in keys]
        days = [self.sources[key][1] for key in keys if key in self.sources]
        return ", ".join(titles), day_of(table, "as_of") if "as_of" in table else min(days, default="")

    def _cached(self, row: Mapping[str, Any], way: PriceWay) -> tuple[Decimal | None, str]:
        if "cached_input" in row:
            return amount_of(row, "cached_input"), self.source(row, self.where)[0]
        if self.cache is None or way is not PriceWay.REALTIME or row.get("context_cache") is False:
            return None, ""
        return self.cache

    def _half(self, price: Price, way: PriceWay, table: Mapping[str, Any]) -> Price:
        source, as_of = self.source(table, price.source)
        cap = count_of(table, "up_to") if "up_to" in table else None
        return attrs.evolve(
            price,
            way=way,
            tiers=tuple(_halved(price.tiers, cap)),
            source=source,
            as_of=as_of or price.as_of,
            is_derived=price.is_derived or flag_of(table, "derived"),
            note=text_of(table, "note") if "note" in table else price.note,
        )


def _halved(tiers: tuple[Tier, ...], cap: int | None) -> Iterator[Tier]:
    """Yield tiers at half the price, up to the most input tokens that can be asked so."""
    for tier in tiers:
        thinking = None if tier.thinking_output is None else tier.thinking_output / 2
        half = Tier(up_to=tier.up_to, input=tier.input / 2, output=tier.output / 2, thinking_output=thinking)
        if cap is not None and half.holds_for(cap):
            yield attrs.evolve(half, up_to=cap)
            return
        yield half


def _tiers(row: Mapping[str, Any]) -> Iterator[Tier]:
    if "tiers" not in row:
        yield _tier(row)
        return
    if any(name in row for name in _TIER):
        raise Wrong("it has both tiers and a price of its own; leave one out")
    tables = row["tiers"]
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise Wrong("tiers must be a list of tables, each with input and output")
    for table in tables:
        check_known(table, _TIER, "a tier")
        yield _tier(table)


def _tier(table: Mapping[str, Any]) -> Tier:
    return Tier(
        up_to=count_of(table, "up_to") if "up_to" in table else None,
        input=amount_of(table, "input"),
        output=amount_of(table, "output"),
        thinking_output=amount_of(table, "thinking_output") if "thinking_output" in table else None,
    )


def _ways(row: Mapping[str, Any]) -> list[PriceWay]:
    named = row.get("way", PriceWay.REALTIME.value)
    if named == []:
        raise Wrong("way is an empty list; leave it out for realtime")
    return [_way(each) for each in (named if isinstance(named, list) else [named])]


def _way(name: object) -> PriceWay:
    if name not in tuple(PriceWay):
        raise Wrong(f"way is {shown(name)}; it must be one of {', '.join(PriceWay)}")
    return PriceWay(str(name))


def _region(row: Mapping[str, Any]) -> str:
    """Return the region; a base URL as it is known elsewhere, and one of Bailian's as its region."""
    found = text_of(row, "region")
    if found.lower().startswith(("http://", "https://")):
        found = realm_of(found)
    found = found.removeprefix(_REALM)
    if found in REGIONS or "://" in found:
        return found
    # A slip in a name would make a price that is never found.
    near = difflib.get_close_matches(found.casefold(), REGIONS, n=1, cutoff=0.8)
    if near and near[0] != found.casefold():
        raise Wrong(f"region is {shown(found)}; did you mean {near[0]}?")
    return near[0] if near else found


def _currency(row: Mapping[str, Any]) -> str:
    found = text_of(row, "currency")
    if not _CURRENCY.fullmatch(found):
        raise Wrong(f"currency is {shown(found)}; it must be three capital letters, such as CNY")
    return found
