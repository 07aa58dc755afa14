"""Fields of a file of prices: each is what it must be, or ``Wrong`` says in words what is the matter."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

_DAY = re.compile(r"\d{4}-\d{2}(?:-\d{2})?", re.ASCII)
_LEAST, _MOST = Decimal("1e-9"), Decimal("1e9")  # sums of what lies between are exact, and short enough to be shown
_SHOWN = 60


class Wrong(Exception):
    """Something in a row cannot be used; the words say what."""


def amount_of(table: Mapping[str, Any], name: str) -> Decimal:
    """Return a number of at least 0, of which sums are exact."""
    value = _there(table, name)
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise Wrong(f"{name} is {shown(value)}; it must be a number of at least 0")
    try:
        amount = Decimal(value)
    except InvalidOperation:
        raise Wrong(f"{name} is {shown(value)}; it must be a number of at least 0") from None
    if amount.is_finite() and amount > 0 and not _LEAST <= amount <= _MOST:
        raise Wrong(f"{name} is {shown(value)}; it must be 0, or from 1e-9 to 1e9")
    return amount or Decimal(0)  # no 0e-400000, which is as long when it is printed


def count_of(table: Mapping[str, Any], name: str) -> int:
    """Return a number of tokens."""
    value = _there(table, name)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise Wrong(f"{name} is {shown(value)}; it must be a whole number of tokens")
    return value


def text_of(table: Mapping[str, Any], name: str) -> str:
    """Return a text that is not blank."""
    value = _there(table, name)
    if not isinstance(value, str) or not value.strip():
        raise Wrong(f"{name} is {shown(value)}; it must be a text")
    return value.strip()


def day_of(table: Mapping[str, Any], name: str) -> str:
    """Return a day or a month as it is written."""
    value = _there(table, name)
    text = value.isoformat()[:10] if isinstance(value, date) else text_of(table, name)
    try:
        date.fromisoformat(text if len(text) > 7 else f"{text}-01")
    except ValueError:
        is_day = False
    else:
        is_day = _DAY.fullmatch(text) is not None
    if not is_day:
        raise Wrong(f"{name} is {shown(text)}; it must be a day or a month, such as 2026-11-01 or 2026-11")
    return text


def flag_of(table: Mapping[str, Any], name: str) -> bool:
    """Return yes or no; what is not there is no."""
    value = table.get(name, False)
    if not isinstance(value, bool):
        raise Wrong(f"{name} is {shown(value)}; it must be true or false")
    return value


def table_of(table: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return a table in this one; what is not there is empty."""
    value = table.get(name, {})
    if not isinstance(value, dict):
        raise Wrong(f"{name} is {shown(value)}; it must be a table")
    return value


def check_known(table: Mapping[str, Any], names: Collection[str], what: str) -> None:
    """Raise Wrong for a field that is none of ``names``; ``what`` says of what they are."""
    for name in table:
        if name not in names:
            raise Wrong(f"{shown(name)} is no field of {what}; there are {', '.join(names)}")


def shown(value: object) -> str:
    """Return a value as a sentence about it shows it."""
    # No f-string of a value of anybody's length.
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _there(table: Mapping[str, Any], name: str) -> Any:
    if name not in table:
        raise Wrong(f"{name} is missing")
    return table[name]
