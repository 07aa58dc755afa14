"""Reads the two files that settings stand in, ``qwen-dataset.toml`` and ``.env``. What is wrong is told, not raised."""

from __future__ import annotations

import io
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from ...errors import SettingError
from .secrets import one_line

_LARGEST = 1_000_000
_KEY_OF_LINE = re.compile(r"""\s*\[{0,2}\s*(?:"([^"]*)"|'([^']*)'|([A-Za-z0-9_-]+))\s*[=.\]]""")
_LINE_END = re.compile(r"\r\n|\n|\r")
_LONG_TEXT = re.compile(r"(\"\"\"|''').*?\1", re.DOTALL)


@attrs.frozen
class SettingsFile:
    """What a file says, unchecked: values by name, the place of each (``.env line 2``), and what is wrong with it."""

    # Keys stand among the values.
    values: Mapping[str, Any] = attrs.field(factory=dict, repr=False)
    places: Mapping[str, str] = attrs.field(factory=dict)
    problems: tuple[str, ...] = ()


def read_toml(file: Path, name: str, *, must_exist: bool) -> SettingsFile:
    """Read a TOML file, which is called ``name``."""
    try:
        text = _read(file, name)
    except SettingError as error:
        return SettingsFile(problems=(str(error),))
    if text is None:
        return SettingsFile(problems=(f"{name} is not there; name a file that is",) if must_exist else ())
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return SettingsFile(problems=(f"{name} is not valid TOML: {one_line(str(error))[:200]}",))
    except (ValueError, RecursionError):
        # A number of thousands of digits, or brackets nested without end.
        return SettingsFile(problems=(f"{name} is not a file of settings; write one `name = value` a line",))
    lines = _lines_of_keys(text)
    return SettingsFile(values, {key: f"{name} line {lines[key]}" if key in lines else name for key in values})


def read_dotenv(file: Path, environ: Mapping[str, str]) -> SettingsFile:
    """Read a file of variables; ``${NAME}`` in a value is taken from ``environ``, else from the lines above."""
    name = file.name
    if file.is_dir():
        # Somebody's virtual environment.
        return SettingsFile()
    try:
        text = _read(file, name)
    except SettingError as error:
        return SettingsFile(problems=(str(error),))
    if text is None:
        return SettingsFile()
    from dotenv.parser import parse_stream  # noqa: PLC0415 - takes longer than all the rest, and few folders need it
    from dotenv.variables import parse_variables  # noqa: PLC0415

    values: dict[str, str] = {}
    places: dict[str, str] = {}
    problems = []
    for binding in parse_stream(io.StringIO(text, newline="")):
        original = binding.original.string
        # To the parser a line begins with the blank ones in front of it.
        blank = original[: len(original) - len(original.lstrip())]
        place = f"{name} line {binding.original.line + len(_LINE_END.findall(blank))}"
        if binding.error:
            problems.append(f"{place} cannot be read; write NAME=value, with both quotation marks or none")
        elif binding.key is not None and binding.value is not None:
            known = {**values, **environ}
            values[binding.key] = "".join(atom.resolve(known) for atom in parse_variables(binding.value))
            places[binding.key] = place
    return SettingsFile(values, places, tuple(problems))


def _read(file: Path, name: str) -> str | None:
    """Return a file's text, None where there is no file. Raises SettingError."""
    try:
        with file.open("rb") as stream:
            data = stream.read(_LARGEST + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except IsADirectoryError:
        message = f"{name} is a folder; settings are read from a file"
    except (OSError, ValueError) as error:  # ValueError: a path that cannot be one
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else "this is no path"
        message = f"{name} cannot be read: {reason}"
    else:
        if len(data) > _LARGEST:
            message = f"{name} is larger than {_LARGEST} bytes; it cannot be a file of settings"
        else:
            try:
                # Editors of some systems put a mark in front.
                return data.decode("utf-8-sig")
            except UnicodeDecodeError as error:
                line = data.count(b"\n", 0, error.start) + 1
                message = f"{name} line {line} is not UTF-8 text; save the file as UTF-8"
    raise SettingError(message)


def _lines_of_keys(text: str) -> dict[str, int]:
    """Return the line of each key of the first level, which the parser does not tell."""
    # A line of a text of several lines may look like a setting.
    single = _LONG_TEXT.sub(lambda found: "\n" * found[0].count("\n"), text)
    lines: dict[str, int] = {}
    for number, line in enumerate(single.split("\n"), start=1):
        if found := _KEY_OF_LINE.match(line):
            lines.setdefault(next(filter(None, found.groups()), ""), number)
    return lines
