"""The commands that messages tell a person to type next."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from ..wiring.config import Config
from ..wiring.settings import by_name

_CARRIED = ("finish", "after", "clean_remote")
"""Settings that no job remembers, and that count in the command that goes on with it too."""


def command(verb: str, job_id: str, storage: str, more: str = "") -> str:
    """Return the command that does this to a job, as a person would type it; ``more`` is what ``carried`` returned."""
    where = "" if storage == Config().storage else f" --storage {shlex.quote(storage)}"
    return f"qwen-dataset {verb} {job_id}{where}{more}"


def carried(arguments: Mapping[str, str | bool]) -> str:
    """Return those of the options given that ``resume`` must be given again to do the same."""
    told = ""
    for name in _CARRIED:
        value, flag = arguments.get(name), by_name(name).flag
        if isinstance(value, str):
            told += f" {flag} {shlex.quote(value)}"
        elif value:
            told += f" {flag}"
    return told
