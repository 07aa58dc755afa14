"""Prompts as people have them, in files and in Python, to the ones that are asked. Every problem is told at once."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs
import orjson

from ...domain.inference import Message
from ...domain.recipes.prompts import Prompt
from ...errors import SettingError
from ..engine.scratch import ScratchDatabase

PromptLike = str | Prompt | Mapping[str, Any]
"""A prompt's text; or ``{"prompt": …}`` or ``{"messages": [{"role", "content"}, …]}``, with ``id`` and ``system``."""

_BUFFER = 1 << 18  # bytes
_TOLD = 20  # problems told in words
_ROLES = ("system", "user", "assistant")
_FIELDS = {"prompt", "messages", "id", "system"}


def as_prompts(values: Iterable[PromptLike], *, what: str = "prompt") -> Iterator[Prompt]:
    """Yield prompts in their order. Raises SettingError with all problems, after the last one was looked at.

    Whatever consumes this must not spend before the end: a bad prompt is only told there. What ``read_prompts`` gave
    has been looked at already.
    """
    if isinstance(values, ReadPrompts):
        yield from values
        return
    if isinstance(values, str | Mapping):
        message = "prompts must be a list; put the one prompt into one: [prompt]"
        raise SettingError(message)
    numbered = ((f"{what} {number}", value) for number, value in enumerate(values, start=1))
    yield from _checked(numbered, nothing="there are no prompts; give at least one")


@attrs.frozen
class ReadPrompts:
    """The prompts of a file, checked while they are read; a pass that ends early leaves the rest unchecked."""

    path: Path

    def __iter__(self) -> Iterator[Prompt]:
        as_json = self.path.suffix.lower() != ".txt"
        nothing = f"there are no prompts in {self.path}; give at least one"
        yield from _checked(_lines(self.path, as_json=as_json), nothing=nothing, are_named=as_json)


def read_prompts(path: Path) -> ReadPrompts:
    """Return the prompts of a ``.txt`` file (one a line) or of a ``.jsonl`` file (one object a line).

    Blank lines are passed over. Raises SettingError for a file of another kind; reading raises it as ``as_prompts``
    does, naming lines, and at once for a file that cannot be read.
    """
    if path.suffix.lower() not in (".txt", ".jsonl", ".ndjson"):
        message = (
            f"{path} is no file of prompts; name a .txt file (a prompt a line) or a .jsonl file (an object a line)"
        )
        raise SettingError(message)
    return ReadPrompts(path)


def _lines(path: Path, *, as_json: bool) -> Iterator[tuple[str, PromptLike | SettingError]]:
    place = f"{path} line "
    try:
        with path.open("rb", buffering=_BUFFER) as file:
            for number, raw in enumerate(file, start=1):
                line = raw.rstrip(b"\r\n")
                if number == 1:
                    line = line.removeprefix(b"\xef\xbb\xbf")
                if line and not line.isspace():
                    where = f"{place}{number}"
                    yield where, _line(line, where, as_json=as_json)
    except OSError as error:
        message = f"the prompts cannot be read from {path}: {os.strerror(error.errno or 0)}"
        raise SettingError(message) from error


def _line(line: bytes, where: str, *, as_json: bool) -> PromptLike | SettingError:
    try:
        if not as_json:
            return line.decode("utf-8")
        value = orjson.loads(line)
    except UnicodeDecodeError:
        return SettingError(f"{where} is not UTF-8; save the file as UTF-8")
    except orjson.JSONDecodeError as error:
        return SettingError(f"{where} is not JSON ({error.msg}, at column {error.colno}); write one object a line")
    if not isinstance(value, dict):
        return SettingError(f'{where} is not an object; write {{"prompt": "…"}}')
    return value


def _checked(
    values: Iterable[tuple[str, PromptLike | SettingError]], *, nothing: str, are_named: bool = True
) -> Iterator[Prompt]:
    """Yield prompts as they should be; ``are_named``: any may have an id, so no two may have the same one."""
    problems: list[str] = []
    more = count = 0
    with ScratchDatabase("CREATE TABLE names (id TEXT PRIMARY KEY, place TEXT NOT NULL) WITHOUT ROWID") as names:
        for where, value in values:
            try:
                prompt = _prompt(value, where)
                # An answer without an id of its own is known by its place, so the two must not meet.
                if are_named:
                    _unique(names, prompt.label or str(count), where)
            except SettingError as error:
                more += len(problems) >= _TOLD
                problems += [str(error)] if len(problems) < _TOLD else []
            else:
                if not problems:
                    yield prompt
            count += 1
    if more:
        problems.append(f"… and {more} more prompts that cannot be asked")
    if problems:
        raise SettingError.of(problems)
    if not count:
        raise SettingError(nothing)


def _unique(names: ScratchDatabase, name: str, where: str) -> None:
    if not names.execute("INSERT OR IGNORE INTO names VALUES (?, ?)", (name, where)).rowcount:
        (first,) = names.execute("SELECT place FROM names WHERE id = ?", (name,)).fetchone()
        known = " (a prompt without an id is known by its place, counted from 0)" if name.isdecimal() else ""
        message = f"{where} has the id {name!r}, as {first} has{known}; give each its own"
        raise SettingError(message)


def _prompt(value: Any, where: str) -> Prompt:
    if type(value) is str and value.isascii() and not value.isspace() and value:
        # Nearly all of them, and nothing can be wrong with it.
        return Prompt((Message("user", value),))
    match value:
        case SettingError():
            raise value
        case Prompt():
            fields: Mapping[str, Any] = {"messages": value.messages, "id": value.label}
        case str():
            fields = {"prompt": value}
        case Mapping():
            fields = value
        case _:
            message = f"{where} is {type(value).__name__}; a prompt is a text, or an object with `prompt` or `messages`"
            raise SettingError(message)
    if unknown := sorted(str(name) for name in fields.keys() - _FIELDS):
        message = f"{where} has {unknown[0]!r}, which is no field of a prompt; there are {', '.join(sorted(_FIELDS))}"
        raise SettingError(message)
    if ("prompt" in fields) == ("messages" in fields):
        message = f"{where} must have either `prompt` or `messages`"
        raise SettingError(message)
    label = _label(fields.get("id"), where)
    system = () if fields.get("system") is None else (Message("system", _text(fields["system"], where, "system")),)
    messages = _messages(fields, where)
    if not any(message.role != "system" and message.content.strip() for message in messages):
        message = f"{where} is empty: there is nothing to ask"
        raise SettingError(message)
    return Prompt((*system, *messages), label)


def _label(value: object, where: str) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        message = f"{where} has an `id` that is neither a text nor a whole number"
        raise SettingError(message)
    return _text(str(value), where, "id")


def _messages(fields: Mapping[str, Any], where: str) -> tuple[Message, ...]:
    if "prompt" in fields:
        return (Message("user", _text(fields["prompt"], where, "prompt")),)
    given = fields["messages"]
    if not isinstance(given, list | tuple) or not given:
        message = f"{where} has `messages` that are not a list of role and content"
        raise SettingError(message)
    found = []
    for each in given:
        if isinstance(each, Message):
            each = {"role": each.role, "content": each.content}  # noqa: PLW2901 - the same, to be checked alike
        if not isinstance(each, Mapping) or each.keys() != {"role", "content"} or each["role"] not in _ROLES:
            message = f"{where} has a message without `content` and a `role` of {', '.join(_ROLES)}"
            raise SettingError(message)
        found.append(Message(each["role"], _text(each["content"], where, "content")))
    return tuple(found)


def _text(value: object, where: str, field: str) -> str:
    if not isinstance(value, str):
        message = f"{where} has a `{field}` that is not a text"
        raise SettingError(message)
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        message = f"{where} has a `{field}` with half a character (a lone surrogate); it cannot be sent"
        raise SettingError(message) from error
    return value
