"""Text, or what TOML holds, to the value of a setting.

Each function takes anything, the finished value as well, and raises ValueError or TypeError for what cannot be; OSError
and RuntimeError may come of a path.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from urllib.parse import urlsplit

from ...domain.choices import RetryUnknown, is_job_name
from .secrets import Secret

_SWITCH = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}
_SPAN = re.compile(r"([0-9]{1,5})([mhd])")
_MINUTES = {"m": 1, "h": 60, "d": 24 * 60}
_DAY = 24 * 60
_REGION = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,62}")

_MOST_MONEY = Decimal(10) ** 12

NO_LIMIT = Decimal("Infinity")
"""What a person says who wants no limit any more."""

STALLED = "stalled"
"""When what a batch leaves behind is finished otherwise: when it has not moved for long."""


class Unfit(ValueError):
    """A value cannot be used; the words say why. No key stands in them."""


def text(value: object) -> str:
    """Read a text that is not empty; space around it does not count."""
    if not isinstance(value, str):
        raise TypeError
    found = value.strip()
    if not found:
        raise ValueError
    return found


def word(value: object) -> str:
    """Read a text without space or control characters in it."""
    found = text(value)
    # No white space but the plain space is printable.
    if not found.isprintable() or " " in found:
        raise ValueError
    return found


def key(value: object) -> Secret | Callable[[], str] | None:
    """Read an API key: what can stand in a header, or a function that returns it; None for an empty text."""
    if callable(value):
        return value
    if not isinstance(value, str):
        raise TypeError
    # Programs hand on a variable that may be empty: that is no key, and no mistake.
    if not value.strip():
        return None
    found = word(value)
    if not found.isascii():
        raise ValueError
    return Secret(found)


def path(value: object) -> Path:
    """Read a path; ``~`` is the person's own folder."""
    found = os.fspath(value) if isinstance(value, os.PathLike) else value
    if not isinstance(found, str):
        raise TypeError
    if not found.strip() or "\0" in found:
        raise ValueError
    os.fsencode(found)  # refuses half a character (a lone surrogate)
    return Path(found).expanduser()


def whole(least: int, most: int) -> Callable[[object], int]:
    """Return a reader of whole numbers within these bounds."""

    def read(value: object) -> int:
        # A boolean is a number to Python, but not to a person.
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise TypeError
        found = int(value)
        if not least <= found <= most:
            raise ValueError
        return found

    return read


def number(allowed: Callable[[float], bool]) -> Callable[[object], float]:
    """Return a reader of the numbers that are allowed; an infinity or nan must not be."""

    def read(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise TypeError
        try:
            found = float(value)
        except OverflowError:
            raise ValueError from None
        if not allowed(found):
            raise ValueError
        return found

    return read


def sum_of_money(value: object) -> Decimal:
    """Read an amount of at least 0, exactly as it is written."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise TypeError
    try:
        # A number of TOML is the shortest text that means it.
        found = Decimal(str(value).strip())
    except InvalidOperation:
        raise ValueError from None
    if not (found.is_finite() and 0 <= found < _MOST_MONEY):
        raise ValueError
    return found


def amount(value: object) -> Decimal:
    """Read an amount above 0, or ``none``, which is an infinite one."""
    if value == NO_LIMIT or (isinstance(value, str) and value.strip().lower() in ("none", "no")):
        return NO_LIMIT
    found = sum_of_money(value)
    if not found:
        raise ValueError
    return found


def choice(words: Sequence[str]) -> Callable[[object], str]:
    """Return a reader of one of these words, in any case of letters."""

    def read(value: object) -> str:
        found = text(value).lower()
        if found not in words:
            raise ValueError
        return found

    return read


def retry(value: object) -> RetryUnknown:
    """Read what to do with requests that may have been paid."""
    return RetryUnknown(text(value).lower())


def switch(value: object) -> bool | None:
    """Read yes or no; None for ``auto`` and for an empty text."""
    if isinstance(value, bool):
        return value
    if not isinstance(value, str):
        raise TypeError
    found = value.strip().lower()
    if found not in ("", "auto", *_SWITCH):
        raise ValueError
    return _SWITCH.get(found)


def yes_no(value: object) -> bool:
    """Read yes or no."""
    found = switch(value)
    if found is None:
        raise ValueError
    return found


def window(value: object) -> str:
    """Read how long a batch may take, from 24h to 336h, in hours or days."""
    found = text(value).lower()
    if found.endswith("m") or not 24 <= window_hours(found) <= 336:
        raise ValueError
    return found


def window_hours(text: str) -> int:
    """Return the hours of a window such as ``24h`` or ``14d``."""
    return minutes(text) // 60


def after(value: object) -> str:
    """Read when what a batch leaves behind is finished otherwise: ``stalled``, or 30m to 336h."""
    found = text(value).lower()
    if found != STALLED and not 30 <= minutes(found) <= 14 * _DAY:
        raise ValueError
    return found


def finish(value: object) -> str | None:
    """Read how to finish what a batch leaves behind: ``realtime``, or None for ``no``."""
    found = choice(("no", "realtime"))(value)
    return None if found == "no" else found


def minutes(text: str) -> int:
    """Return the minutes of a time such as ``30m``, ``24h`` or ``14d``."""
    found = _SPAN.fullmatch(text)
    if found is None:
        raise ValueError
    return int(found[1]) * _MINUTES[found[2]]


def job_name(value: object) -> str:
    """Read a job's name."""
    found = text(value)
    if not is_job_name(found):
        raise ValueError
    return found


def region(value: object) -> str:
    """Read a region such as ``cn-beijing``."""
    found = text(value)
    if not _REGION.fullmatch(found):
        raise ValueError
    return found


def url(value: object) -> str:
    """Read the address of a service: http or https, with nothing in it that belongs elsewhere."""
    # A word, before it is taken apart: urlsplit drops line ends and tabs in silence.
    found = word(value)
    parts = urlsplit(found)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
        raise ValueError
    if "@" in parts.netloc or "?" in found or "#" in found:
        raise ValueError
    return found
