"""The settings by name, the one that was meant by a name that none has, and which of them contradict each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from .setting import PREFIX, Setting
from .setting_table import SETTINGS

__all__ = ["PREFIX", "SETTINGS", "Contradiction", "Setting", "by_name", "contradictions", "nearest"]

_BY_NAME = {setting.name: setting for setting in SETTINGS}


def by_name(name: str) -> Setting:
    """Return the setting with this name. Raises KeyError."""
    return _BY_NAME[name]


def nearest(name: str) -> Setting | None:
    """Return the setting that a person may have meant by a name that no setting has."""
    import difflib  # noqa: PLC0415 - for mistakes only

    meant = {variable.lower(): setting for setting in SETTINGS for variable in setting.familiar} | _BY_NAME
    # Comparing a page of text would take long.
    plain = name[:60].lower().replace("-", "_").removeprefix(PREFIX.lower())
    found = difflib.get_close_matches(plain, meant, n=1)
    return meant[found[0]] if found else None


@attrs.frozen
class Contradiction:
    """Settings that cannot stand together, and the sentence about it."""

    settings: frozenset[str]
    sentence: str


def contradictions(values: Mapping[str, Any]) -> Iterator[Contradiction]:
    """Yield what does not fit together among the finished values of all settings.

    Whoever changes ``values`` meanwhile is told of what no longer fits because of that.
    """
    if values["thinking_budget"] is not None and not values["enable_thinking"]:
        yield Contradiction(
            frozenset({"thinking_budget", "enable_thinking"}),
            "thinking_budget is set, and enable_thinking is not; set enable_thinking (--thinking) as well, or leave"
            " thinking_budget out",
        )
    if values["finish"] is not None and values["use_batch"] is False:
        yield Contradiction(
            frozenset({"finish", "use_batch"}),
            "finish is for batches, and everything is asked in realtime (--realtime, USE_BATCH or use_batch); leave one"
            " of the two out",
        )
    overlap, tokens = values["passage_overlap"], values["passage_tokens"]
    # What is no number at all is told by its own setting.
    if isinstance(overlap, int) and isinstance(tokens, int) and overlap > tokens // 2:
        yield Contradiction(
            frozenset({"passage_overlap", "passage_tokens"}),
            f"passage_overlap is {overlap}, and passage_tokens is {tokens}; let passages overlap by half of their"
            " length at most",
        )
    if values["after"] is not None and values["finish"] is None:
        yield Contradiction(
            frozenset({"after", "finish"}),
            "after is set, and finish is not; set finish (--finish realtime) as well, or leave after out",
        )
