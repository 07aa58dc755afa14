"""Keeps keys out of what people read: errors, logs, reprs."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from pathlib import PurePath

HIDDEN = "***"

_LONGEST_QUOTE = 60
_LARGEST_NUMBER = 10**_LONGEST_QUOTE
# A word such as `task-list-2024` is no key, so a letter in front of `sk-` needs a longer run behind it.
_LIKE_A_KEY = re.compile(r"(?<![A-Za-z])sk-[A-Za-z0-9_-]{8,}|sk-[A-Za-z0-9]{20,}")
# The user and password of a URL.
_LOGIN = re.compile(r"(://)[^/?#\s]*@")
# What is refused must look even more like one: a folder may well be called `sk-learn-results`.
_SURELY_A_KEY = re.compile(r"(?<![A-Za-z])sk-[A-Za-z0-9]{20,}")
_SHORTEST_KEY = 8


class Secret(str):
    """A key. It is the text itself wherever it is sent, and ``'***'`` wherever it is only looked at."""

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(HIDDEN)


def redact(text: str, *secrets: str) -> str:
    """Return a text with ``***`` in place of the given keys and of anything that looks like one."""
    # The longest first: a key may hold another one.
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return _LIKE_A_KEY.sub(HIDDEN, _LOGIN.sub(rf"\1{HIDDEN}@", text))


def real_keys(secrets: Iterable[str]) -> list[str]:
    """Return the secrets that are no stand-ins such as ``fake``, which may well be a word of a sentence."""
    return [secret for secret in secrets if len(secret) >= _SHORTEST_KEY]


def holds_key(text: str, *secrets: str) -> bool:
    """Say whether one of these keys, or what is surely another one, stands in a text."""
    return bool(_SURELY_A_KEY.search(text)) or any(secret in text for secret in real_keys(secrets))


def quoted(value: object, *secrets: str) -> str:
    """Return a value as a sentence may show it: one line, not long, no key in it.

    The repr of anything that is not plain is not asked for: it may hold anything.
    """
    if isinstance(value, Secret):
        return repr(value)
    if isinstance(value, str | PurePath):
        # A key that is cut in two could not be found any more.
        text = redact(str(value), *secrets)
        return repr(text if len(text) <= _LONGEST_QUOTE else f"{text[:_LONGEST_QUOTE]}…")
    if isinstance(value, int) and abs(value) >= _LARGEST_NUMBER:
        return f"a number of more than {_LONGEST_QUOTE} digits"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if value is None or isinstance(value, int | float) else _kind(value)


def one_line(text: str) -> str:
    """Return a text without keys and with nothing in it that would break a line or a terminal."""
    text = redact(text)
    return text if text.isprintable() else repr(text)[1:-1]


def _kind(value: object) -> str:
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, dt.date | dt.time):
        return "a date or time"
    return f"of the type {type(value).__name__}"
