r"""What models really write where JSON was asked for, read without guessing at content.

Read as meant: prose or fences around the JSON, ``<think>`` before it, one object or several, a list, a wrapper such as
``{"samples": [...]}``, one trailing comma, raw newlines and unescaped quotation marks inside strings, typographic or
single quotes as delimiters, Python's True and None, and LaTeX whose backslashes were not escaped.

Reading never raises, and its cost is linear in the answer whatever stands there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import attrs

from ..samples import RejectReason
from .escapes import decoded, is_careful

_MAX_DEPTH = 32
# A real answer holds a handful of objects. What tries longer is no answer, and must not cost more than one.
_MAX_OBJECTS = 2_000
_MAX_PASSES = 2
_MAX_KEY = 200

_BLANK = r"[\s\u00ad\u200b-\u200f\u2060\ufeff]"
_EDGE = "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff \t\n\v\f\r\x85\xa0\u2028\u2029\u3000"
_DOUBLE = '"\u201c\u201d\u201e\uff02'
_CURLY = "'\u2018\u2019"
_CLOSERS = {'"': '"'} | dict.fromkeys(_DOUBLE[1:], _DOUBLE) | {"'": "'"} | dict.fromkeys(_CURLY[1:], _CURLY)

_BLANKS = re.compile(f"{_BLANK}*")
_ROOT = re.compile(f"\\{{(?={_BLANK}*[{_DOUBLE}{_CURLY}}}])")
_LINE_ROOT = re.compile(r"^[ \t]*\{", re.MULTILINE)
_STRUCTURE = re.compile(f"{_BLANK}*(?:[,:}}\\]]|\\Z)")
_STRING_STOPS = {closers: re.compile(f"\\\\.|[{closers}]", re.DOTALL) for closers in set(_CLOSERS.values())}
_SCALAR = re.compile(r"(?:(true|True)|(false|False)|(null|None)|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?))(?![\w.])", re.ASCII)
_UNFINISHED = re.compile(r"[\w.+-]*\Z")
_LOOKS_LIKE_JSON = re.compile(r"(?:```\w*\s*)?[\[{]")


@attrs.frozen
class Unparsed:
    """An answer without any object to look at, and why; ``detail`` is a clause for a person."""

    reason: RejectReason
    detail: str


def parse_answer(text: str, *, truncated: bool) -> list[Mapping[str, Any]] | Unparsed:
    """Return the objects an answer holds, in order and at least one, or why there is none.

    ``truncated``: the model ran into its token limit. Objects that were complete by then are returned. An item of a
    list of samples that is no object is returned as ``{"value": item}``, so that it is not lost silently.
    """
    body = _without_thoughts(text.strip(_EDGE), truncated=truncated)
    found = _scan(body)
    if found.objects:
        return found.objects
    if truncated or found.cut:
        return Unparsed(RejectReason.TRUNCATED, "the answer ends in the middle")
    if not body:
        return Unparsed(RejectReason.EMPTY_ANSWER, "the answer is empty")
    if found.broken_at is not None:
        near = body[max(found.broken_at - 20, 0) : found.broken_at + 20]
        return Unparsed(RejectReason.BROKEN_JSON, f"the JSON breaks at character {found.broken_at}, near {near!r}")
    return _no_object(body)


def _without_thoughts(body: str, *, truncated: bool) -> str:
    thought, closed, rest = body.partition("</think>")
    if body.startswith("<think>"):
        if closed:
            return rest.strip(_EDGE)
        # No end: the answer never came, or the model forgot the tag and the JSON in its thoughts is the answer.
        return "" if truncated else body
    # Some servers swallow the opening tag. A sample may speak of the closing one.
    swallowed = closed and not _LOOKS_LIKE_JSON.match(thought) and _ROOT.search(rest)
    return rest.strip(_EDGE) if swallowed else body


def _no_object(body: str) -> Unparsed:
    if _LOOKS_LIKE_JSON.match(body):
        if body[-1] not in "]}`":
            return Unparsed(RejectReason.TRUNCATED, "the answer ends in the middle")
        if "{" in body:
            return Unparsed(RejectReason.BROKEN_JSON, "the JSON breaks where it begins")
    return Unparsed(RejectReason.NO_JSON, "the answer holds no JSON object")


@attrs.define
class _Found:
    objects: list[Mapping[str, Any]] = attrs.Factory(list)
    broken_at: int | None = None
    cut: bool = False


def _scan(text: str) -> _Found:
    """Read every object of ``text``; what stands between them is prose."""
    found = _Found()
    careful = is_careful(text)
    at = work = 0
    for _ in range(_MAX_OBJECTS):
        start = _ROOT.search(text, at)
        if start is None or work > _MAX_PASSES * len(text):
            break
        reader = _Reader(text, start.start(), careful=careful)
        complete = reader.read()
        work += reader.at - start.start()
        at = reader.at if complete else start.end()
        if complete:
            # "{}" stands in LaTeX and code everywhere; it is an answer only where it is all of it.
            if reader.root or text == text[start.start() : at]:
                found.objects.extend(_unwrapped(reader.root))
            continue
        found.cut = found.cut or reader.at >= len(text)
        if reader.root:
            found.objects.extend(reader.finished_items())
            found.broken_at = reader.at if found.broken_at is None else found.broken_at
            at = _next_root(text, start.start())
            work += at - start.start()
    return found


def _next_root(text: str, start: int) -> int:
    """Return where to go on after a broken object: at the next one that begins a line and is not deeper inside.

    Going on inside the broken one would take its parts for answers.
    """
    line = text.rfind("\n", 0, start) + 1
    depth = len(text[line:start]) - len(text[line:start].lstrip(" \t"))
    for match in _LINE_ROOT.finditer(text, start + 1):
        if len(match[0]) - 1 <= depth:
            return match.end() - 1
    return len(text)


def _unwrapped(root: dict[str, Any]) -> list[Mapping[str, Any]]:
    """Return the objects inside a wrapper such as {"samples": [...]} or {"result": {...}}, or the object itself."""
    inner = _inside(root)
    while isinstance(inner, dict):
        root, inner = inner, _inside(inner)
    if isinstance(inner, list) and any(isinstance(item, dict) for item in inner):
        return [item if isinstance(item, dict) else {"value": item} for item in inner]
    return [root]


def _inside(root: dict[str, Any]) -> Any:
    return root.get("samples", next(iter(root.values())) if len(root) == 1 else None)


class _Reader:
    """Reads one object, with a stack of its own: depth is bounded and no input can exhaust Python's.

    After ``read`` ``at`` is where reading stopped and ``root`` holds what had been read by then.
    """

    def __init__(self, text: str, start: int, *, careful: bool) -> None:
        self.root: dict[str, Any] = {}
        self.at = start + 1
        self._text = text
        self._careful = careful
        self._open: list[dict[str, Any] | list[Any]] = [self.root]

    def read(self) -> bool:
        """Read on to the end of the object; False where it breaks or the text ends."""
        between = False  # after a value: a comma or the end must follow
        while self._open:
            top = self._open[-1]
            char = self._next()
            if char == ("}" if isinstance(top, dict) else "]"):
                # Also right after a comma: models like to leave one.
                self.at += 1
                self._open.pop()
                between = True
            elif between:
                if char != ",":
                    return False
                self.at += 1
                between = False
            else:
                depth = len(self._open)
                if not self._item(top):
                    return False
                between = len(self._open) == depth
        return True

    def finished_items(self) -> list[Mapping[str, Any]]:
        """Return the complete objects of a list of samples that broke off."""
        items = _inside(self.root)
        if not isinstance(items, list):
            return []
        return [item for item in items if isinstance(item, dict) and not any(item is top for top in self._open)]

    def _next(self) -> str:
        blanks = _BLANKS.match(self._text, self.at)
        assert blanks is not None  # it matches nothing as well
        self.at = blanks.end()
        return self._text[self.at : self.at + 1]

    def _item(self, top: dict[str, Any] | list[Any]) -> bool:
        """Read ``key: value`` or ``value`` into ``top``; a container is opened, not read."""
        key = ""
        if isinstance(top, dict):
            name = self._string(_MAX_KEY) if self._next() in _CLOSERS else None
            if name is None or self._next() != ":":
                return False
            key = name
            top[key] = None
            self.at += 1
        char = self._next()
        value: Any
        if char and char in "{[":
            if len(self._open) == _MAX_DEPTH:
                return False
            value = {} if char == "{" else []
            self._open.append(value)
            self.at += 1
        elif char in _CLOSERS:
            value = self._string(len(self._text))
            if value is None:
                return False
        else:
            scalar = _SCALAR.match(self._text, self.at)
            if scalar is None:
                if _UNFINISHED.match(self._text, self.at):
                    self.at = len(self._text)
                return False
            value = _scalar(scalar)
            self.at = scalar.end()
        if isinstance(top, dict):
            top[key] = value
        else:
            top.append(value)
        return True

    def _string(self, longest: int) -> str | None:
        """Read a string; None (and ``at`` where the search ended) if it does not end within ``longest`` characters.

        A quotation mark that no JSON punctuation follows is a part of the string: in valid JSON it would be escaped.
        """
        begin = self.at + 1
        limit = min(begin + longest, len(self._text))
        for stop in _STRING_STOPS[_CLOSERS[self._text[self.at]]].finditer(self._text, begin, limit):
            if stop[0][0] != "\\" and _STRUCTURE.match(self._text, stop.end()):
                self.at = stop.end()
                return decoded(self._text[begin : stop.start()], careful=self._careful)
        self.at = limit
        return None


def _scalar(match: re.Match[str]) -> Any:
    true, false, null, number = match.groups()
    if number is None:
        return None if null else bool(true and not false)
    # Nothing here needs more digits than 18, and Python refuses to read thousands of them as an int.
    return int(number) if number.lstrip("-").isdigit() and len(number) <= 18 else float(number)
