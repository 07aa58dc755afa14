"""What a setting is: its name, default and meaning, how it is read, and what is said of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs

from ...errors import SettingError
from .secrets import HIDDEN, holds_key, one_line, quoted
from .values import Unfit

PREFIX = "QWEN_DATASET_"
"""With a setting's name in capitals behind it, the name of an environment variable."""


@attrs.frozen(kw_only=True)
class Setting:
    """One setting. A default of None means that it may be left unset.

    ``read`` makes its value of a text, of what TOML holds or of such a value itself; ``wanted`` says in words what it
    takes. ``familiar`` are environment variables besides the one with ``PREFIX``. ``flag`` is the command line's: two
    with a slash between them for a switch, None where there is no option: a key must not stand in a list of processes.
    """

    name: str
    read: Callable[[object], Any] = attrs.field(repr=False)
    wanted: str
    help: str
    default: Any = None
    familiar: tuple[str, ...] = ()
    flag: str | None = attrs.field()
    short: str | None = None
    metavar: str | None = None
    choices: tuple[str, ...] = ()
    secret: bool = False

    @flag.default
    def _flag(self) -> str | None:
        return f"--{self.name.replace('_', '-')}"

    @property
    def is_switch(self) -> bool:
        """Whether it is yes or no, and nothing else."""
        return isinstance(self.default, bool)

    @property
    def variables(self) -> tuple[str, ...]:
        """The environment variables that set it; the first one that is not empty counts."""
        return (f"{PREFIX}{self.name.upper()}", *self.familiar)

    def flag_for(self, value: object) -> str:
        """Return the flag with which a person chose a value, the setting's name where it has none."""
        on, _, off = (self.flag or self.name).partition("/")
        return off if off and value is False else on

    def check(self, value: object, *, source: str = "", secrets: Sequence[str] = ()) -> Any:
        """Return a value as ``Config`` holds it.

        Raises SettingError: one line with the value (but none of ``secrets``), where it came from, and what it must be.
        """
        if value is None and self.default is None:
            return None
        where = f" ({source})" if source else ""
        verdict = "cannot be used" if self.secret else f"is {quoted(value, *secrets)}"
        why = ""
        try:
            found = self.read(value)
        except Unfit as error:
            why = f": {error}"
        except (ValueError, TypeError, OSError, RuntimeError):
            pass
        else:
            if self.secret or not holds_key(str(found), *secrets):
                return found
            message = f"{self.name} holds an API key{where}, and is shown and stored; leave the key to api_key"
            raise SettingError(message)
        message = f"{self.name} {verdict}{where}{why}; it must be {self.wanted}"
        # Raised out here, so that no frame that has read the value hangs on the error.
        raise SettingError(message)

    def shown(self, value: object) -> str:
        """Return a value on one line for a person to read; ``***`` for a key."""
        if value is None:
            return self.choices[0] if self.choices else "(not set)"
        if self.secret:
            return HIDDEN
        if isinstance(value, Mapping):
            return one_line(json.dumps(value, ensure_ascii=False))
        return one_line(str(value).lower() if isinstance(value, bool) else str(value))
