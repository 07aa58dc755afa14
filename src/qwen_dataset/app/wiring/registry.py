"""Tables of names: ours first, then what other packages offer by entry point. Nothing is imported before its use."""

from __future__ import annotations

import importlib
import logging
import re
import traceback
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, cast

import attrs

from ...errors import QwenDatasetError, SettingError
from .secrets import quoted, redact

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

logger = logging.getLogger(__name__)

Hidden = Callable[[], Collection[str]]

_US = "qwen_dataset"
_SAME_NAME = re.compile(r"[-_.]+")
_NOT_THEIRS = ("<", str(Path(__file__).parent), str(Path(importlib.__file__).parent))


@attrs.frozen
class Row:
    """A name of ours: ``module:attribute``, or a whole module; and the extra of our package that brings its library."""

    target: str
    extra: str | None = None

    def load(self) -> Any:
        """Import it."""
        module, _, attribute = self.target.partition(":")
        loaded = importlib.import_module(module)
        return getattr(loaded, attribute) if attribute else loaded


@attrs.frozen(kw_only=True)
class Plugin:
    """Something that can be loaded by name. ``package`` is the distribution that offers it, None for our own."""

    kind: str
    name: str
    source: Row | EntryPoint
    package: str | None = None

    def __str__(self) -> str:
        offered = "" if self.package is None else f" of the package {self.package}"
        return f"the {self.kind} {quoted(self.name)}{offered}"

    def call(self, *arguments: object, needed: Collection[str], wanted: str, hidden: Hidden = tuple) -> Any:
        """Import it, call it, and return what it made. Raises SettingError.

        What it makes must have the attributes ``needed``, else it is no ``wanted``. ``hidden`` returns the keys that no
        sentence may show; it is asked only when something went wrong.
        """
        function = self.function()
        with self.guarded(hidden):
            made = function(*arguments)
        self.check(made, needed=needed, wanted=wanted, verb="returned")
        return made

    def load(self) -> Any:
        """Import it. Raises SettingError."""
        with self.guarded():
            return self.source.load()

    def function(self) -> Callable[..., Any]:
        """Import a function or class. Raises SettingError."""
        loaded = self.load()
        if not callable(loaded):
            raise SettingError(f"{self} cannot be used: it is {_what(loaded)}, not a function")
        return cast("Callable[..., Any]", loaded)

    def check(self, made: object, *, needed: Collection[str], wanted: str, verb: str) -> None:
        """Raise SettingError where ``made`` lacks an attribute."""
        # Asked of the class first: a property must not run before its object is opened.
        lacking = [name for name in needed if not hasattr(type(made), name) and not hasattr(made, name)]
        if lacking:
            what = f"{_what(made)}, which is no {wanted}: it has no {', '.join(lacking)}"
            raise SettingError(f"{self} cannot be used: it {verb} {what}")

    @contextmanager
    def guarded(self, hidden: Hidden = tuple) -> Iterator[None]:
        """Turn what goes wrong inside into one SettingError without a traceback and without a key.

        Other errors of this package (``BackendUnavailable`` and so on) go through; so does what our own code raises.
        """
        try:
            yield
        except SettingError as error:
            keys = hidden()
            raise SettingError(redact(str(error), *keys), [redact(each, *keys) for each in error.problems]) from None
        except QwenDatasetError:
            raise
        except (Exception, SystemExit) as error:
            told = self.explained(error, hidden)
            if told is None:
                raise
            raise told from None

    def explained(self, error: BaseException, hidden: Hidden = tuple) -> SettingError | None:
        """Return what a person should be told when this raised something, None where it is a fault of our own."""
        if not isinstance(self.source, Row):
            return SettingError(f"{self} cannot be used: {described(error, hidden)}")
        if self.source.extra is None or not isinstance(error, ModuleNotFoundError):
            return None
        if (error.name or "").partition(".")[0] == _US:
            return None
        return SettingError(f'{self} needs another package: pip install "qwen-dataset[{self.source.extra}]"')


@attrs.frozen
class Registry:
    """The names of one kind: a table of ours, and the entry points of a group. Ours cannot be replaced."""

    kind: str
    group: str
    rows: Mapping[str, Row]

    def names(self) -> list[str]:
        """Return every name, sorted; looks at what is installed, imports nothing."""
        return sorted({*self.rows, *(each.name for each in self._offers())})

    def find(self, name: str, *, hint: str = "") -> Plugin:
        """Return what has this name. Raises SettingError where nothing has (``hint`` ends it), or two packages do."""
        if name in self.rows:
            return Plugin(kind=self.kind, name=name, source=self.rows[name])
        offered = self.offered(name)
        if not offered:
            known = ", ".join(self.names())
            raise SettingError(f"there is no {self.kind} {quoted(name)}; known: {known}{hint}")
        return only(offered)

    def offered(self, name: str) -> list[Plugin]:
        """Return what other packages offer by this name."""
        return [each for each in self._offers() if each.name == name]

    def _offers(self) -> Iterator[Plugin]:
        for package, entry in installed():
            if entry.group == self.group:
                yield Plugin(kind=self.kind, name=entry.name, source=entry, package=package)


def only(offered: list[Plugin]) -> Plugin:
    """Return the one plugin. Raises SettingError naming the packages where there are several."""
    if len(offered) > 1:
        packages = " and ".join(sorted(str(each.package) for each in offered))
        first = offered[0]
        raise SettingError(f"the {first.kind} {first.name!r} is offered by {packages}; uninstall all but one of them")
    return offered[0]


@cache
def installed() -> tuple[tuple[str, EntryPoint], ...]:
    """Return our groups' entry points with the distributions they come from, looked up once in a process."""
    from importlib.metadata import distributions  # noqa: PLC0415  # nothing of it is needed where all names are ours

    found: dict[str, list[EntryPoint]] = {}
    for distribution in distributions():
        try:
            entries = [each for each in distribution.entry_points if each.group.startswith(f"{_US}.")]
            name = distribution.metadata["Name"] if entries else ""
        except Exception:
            # One broken installation must not take the others' plugins away.
            logger.warning("the entry points of an installed package cannot be read", exc_info=True)
            continue
        if entries:
            # The first on the path is the one that would be imported.
            found.setdefault(_SAME_NAME.sub("-", name).lower(), entries)
    return tuple((package, entry) for package, entries in sorted(found.items()) for entry in entries)


def described(error: BaseException, hidden: Hidden = tuple) -> str:
    """Return an error of somebody else's code in one line: its type, its words, and where in that code it was met."""
    words = " ".join(redact(str(error), *hidden()).split())
    told = f"{type(error).__name__}: {words}" if words else type(error).__name__
    for frame in traceback.extract_tb(error.__traceback__):
        if not frame.filename.startswith(_NOT_THEIRS):
            return f"{told} ({PurePath(frame.filename).name}, line {frame.lineno})"
    return told


def _what(value: object) -> str:
    return "None" if value is None else f"something of the type {type(value).__name__}"
