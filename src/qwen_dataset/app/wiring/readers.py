"""Which files are read as papers, and by which reader; what goes wrong in one is told of the file."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path, PurePath
from typing import cast

from ...domain.papers import Paper
from ...errors import QwenDatasetError, ReadError, SettingError
from . import plugins, unpack
from .companions import Companion, Parts, nothing_beside
from .read_limits import ReadLimits
from .registry import Plugin, Registry, described, only
from .secrets import quoted
from .unpack import Lines, is_packed

_LIMITS = ReadLimits()
_LIGHT = frozenset({"md", "markdown", "txt", "text", "rst", "jsonl", "ndjson"})


def has_reader(path: PurePath) -> bool:
    """Say whether files of this name are read as papers."""
    suffix = suffix_of(path)
    return any(suffix in registry.rows for registry in _reading()) or bool(_offered(suffix))


def known_suffixes() -> list[str]:
    """Return the suffixes that have a reader; each may have ``.gz`` behind it."""
    return sorted({f".{name}" for registry in _reading() for name in registry.names()})


def suffix_of(path: PurePath) -> str:
    """Return the suffix that a reader is found by: lower case, without its dot and without a ``.gz`` behind it."""
    plain = path.with_suffix("") if is_packed(path.name) else path
    return plain.suffix.lower().removeprefix(".")


def is_light(path: PurePath) -> bool:
    """Say whether files of this name are read by code of ours alone, in a time that grows with their size."""
    return suffix_of(path) in _LIGHT and not is_packed(path.name)


def is_by_line(path: PurePath) -> bool:
    """Say whether the lines of such a file can be read apart from each other, by ``read_lines``.

    So says a reader of dumps that takes ``first_line``, the number of the first of some lines. Raises SettingError.
    """
    if suffix_of(path) in plugins.dumps.rows:
        return True
    offered = plugins.dumps.offered(suffix_of(path))
    return bool(offered) and "first_line" in inspect.signature(only(offered).function()).parameters


def has_parts(path: PurePath) -> bool:
    """Say whether such a file may be a part of another one, as ``parts_of`` says."""
    return suffix_of(path) in plugins.parts.rows or bool(plugins.parts.offered(suffix_of(path)))


def read_file(
    path: Path, *, source: str, companion: Companion = nothing_beside, limits: ReadLimits = _LIMITS
) -> Iterator[Paper | ReadError]:
    """Yield the papers of one file; what cannot be read is yielded as the error it is.

    ``companion`` returns the bytes of a file that is named in this one. Raises SettingError where the reader itself
    cannot be used, and may raise OSError.
    """
    plugin, registry = _reader(path)
    read = plugin.function()
    try:
        if registry is plugins.dumps:
            with unpack.stream(path, source=source, limits=limits) as file:
                lines = Lines(file, source=source, most=limits.line_bytes)
                yield from lines.told(_papers(plugin, lambda: read(lines, source=source), source))
            return
        data = unpack.whole(path, source=source, limits=limits)
    except ReadError as error:
        yield error
        return
    more = {"companion": companion} if registry is plugins.projects else {}
    if registry is plugins.collections:
        yield from _papers(plugin, lambda: read(data, source=source), source)
    else:
        yield from _papers(plugin, lambda: [read(data, source=source, **more)], source)


def read_lines(path: PurePath, lines: Iterable[bytes], *, source: str, first_line: int) -> Iterator[Paper | ReadError]:
    """Yield the papers of some lines of a file that ``is_by_line``; the first of them has this number."""
    plugin, _ = _reader(path)
    read = plugin.function()
    yield from _papers(plugin, lambda: read(lines, source=source, first_line=first_line), source)


def parts_of(path: Path, *, source: str, limits: ReadLimits = _LIMITS) -> Parts | None:
    """Return what a file that ``has_parts`` says of itself, None where it cannot be read: its reader will say why."""
    plugin = plugins.parts.find(suffix_of(path))
    try:
        return cast("Parts", plugin.function()(unpack.whole(path, source=source, limits=limits), source=source))
    except (ReadError, OSError):
        return None


def _papers(
    plugin: Plugin, read: Callable[[], Iterable[Paper | ReadError]], source: str
) -> Iterator[Paper | ReadError]:
    """Yield what a reader gives. What goes wrong in somebody else's reader is one file that could not be read."""
    try:
        for found in read():
            if not isinstance(found, Paper | ReadError):
                raise TypeError(f"it gave a {type(found).__name__}, not a Paper")
            yield found
    except ReadError as error:
        yield error
    except (QwenDatasetError, MemoryError):
        raise
    except Exception as error:
        told = plugin.explained(error)
        if told is None:
            raise
        if plugin.package is None:
            raise told from None
        yield ReadError(f"{source} could not be read by {plugin}: {described(error)}")


def _reading() -> tuple[Registry, ...]:
    return (plugins.dumps, plugins.collections, plugins.projects, plugins.readers)


def _reader(path: PurePath) -> tuple[Plugin, Registry]:
    """Return what reads files of this name, and how it is called. Raises SettingError."""
    suffix = suffix_of(path)
    for registry in _reading():
        if suffix in registry.rows:
            return registry.find(suffix), registry
    offered = _offered(suffix)
    if not offered:
        known = ", ".join(known_suffixes())
        raise SettingError(f"there is no reader for {quoted(path.suffix)}; known: {known}")
    only([plugin for plugin, _ in offered])
    return offered[0]


def _offered(suffix: str) -> list[tuple[Plugin, Registry]]:
    return [(plugin, registry) for registry in _reading() for plugin in registry.offered(suffix)]
