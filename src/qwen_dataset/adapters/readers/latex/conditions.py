r"""Handlers of conditions: one way of each is taken, and what it tests is left out."""

from __future__ import annotations

import re
from collections.abc import Mapping

from .flatten import Flattener, Handler
from .onefile import CONDITION

# What TeX itself tests. Where that cannot be told, nothing is left out: better a number too much in the text
# than a word too few.
_ITEM = r"\s*+(?:\\(?:[A-Za-z@]+|.)|[^\s\\{}])"
_DIGITS = r"(?:\d{1,20}|'[0-7]{1,20}|\"[0-9A-F]{1,20}|`\\?.)"
_GROUPS = r"\s*+(?:\{[^{}]{0,200}\}){1,3}"
# What stands for a number or a length. A command may have arguments where it is known to, or where < or > or = follows.
_VALUE = (
    r"\\(?:num|dim)expr(?![A-Za-z@])[^\n]{0,200}?\\relax(?![A-Za-z@])"
    rf"|\\(?:value|arabic|pdfstrcmp|strcmp|getpagerefnumber|getrefnumber){_GROUPS}"
    r"|\\(?:count|dimen|skip|wd|ht|dp)\s*+\d{1,5}"
    r"|\\[A-Za-z@]+"
)
_UNIT = r"(?:pt|em|ex|cm|mm|in|pc|bp|sp|dd|cc|mu|\\[A-Za-z@]+)"
_LENGTH = rf"(?:\d{{1,9}}(?:[.,]\d{{0,9}})?|[.,]\d{{1,9}})\s*+(?:true\s*+)?{_UNIT}"
_SIGNS = r"\s*+[-+ ]*+"


def _compared(one: str) -> re.Pattern[str]:
    left = rf"{_SIGNS}(?:{one}|{_VALUE}|\\[A-Za-z@]+{_GROUPS})"
    return re.compile(rf"{left}\s*+[<>=]{_SIGNS}(?:{one}|{_VALUE})")


_NUMBER = re.compile(rf"{_SIGNS}(?:{_DIGITS}|{_VALUE})")
_TESTED = {
    **dict.fromkeys(("if", "ifcat", "ifx"), re.compile(rf"{_ITEM}(?:{_ITEM})?")),
    "ifdefined": re.compile(_ITEM),
    "ifcsname": re.compile(r"[^\n]{0,200}?\\endcsname(?![A-Za-z@])"),
    "ifnum": _compared(_DIGITS),
    "ifdim": _compared(_LENGTH),
    "ifodd": _NUMBER,
    "ifcase": _NUMBER,
}


def _newif(machine: Flattener, _: str) -> None:
    name = machine.stream.argument().strip().removeprefix("\\")
    if re.fullmatch(r"if[A-Za-z@]+", name):
        condition = name[2:]
        machine.conditions[condition] = False
        machine.handlers[f"\\{name}"] = _test
        machine.handlers[f"\\{condition}true"] = _set
        machine.handlers[f"\\{condition}false"] = _set


def _set(machine: Flattener, name: str) -> None:
    value = name.endswith("true")
    machine.conditions[name.removesuffix("true" if value else "false")] = value
    machine.stream.skip_line_space()


def _test(machine: Flattener, name: str) -> None:
    if not machine.conditions.get(name[2:], True):
        _skip(machine, stop_at_else=True)
    machine.stream.skip_line_space()


def _primitive(machine: Flattener, name: str) -> None:
    """Take the first way of a condition that only TeX can test, without what it tests."""
    frame = machine.stream.frames[-1]
    if name == "ifcase":
        # Elsewhere the name may be the author's.
        machine.handlers["\\or"] = _else
    if (pattern := _TESTED.get(name)) and (found := pattern.match(frame.text, frame.position)):
        frame.position = found.end()
    machine.stream.skip_line_space()


def _else(machine: Flattener, _: str) -> None:
    _skip(machine, stop_at_else=False)
    machine.stream.skip_line_space()


def _skip(machine: Flattener, *, stop_at_else: bool) -> None:
    frame = machine.stream.frames[-1]
    depth = 1
    for token in CONDITION.finditer(frame.text, frame.position):
        depth += 1 if token["open"] else 0
        depth -= 1 if token["fi"] else 0
        if depth == 0 or (depth == 1 and token["else"] and stop_at_else):
            machine.stream.charge((token.end() - frame.position) // 4)
            frame.position = token.end()
            return
    machine.stream.charge(len(frame.text) - frame.position)


def _choice(machine: Flattener, _: str) -> None:
    r"""Take the first way of ``\ifthenelse`` and its kin."""
    machine.stream.argument()
    first = machine.stream.argument()
    machine.stream.argument()
    machine.stream.push(first)


def _if_undefined(machine: Flattener, _: str) -> None:
    name = machine.stream.argument().strip().removeprefix("\\")
    ways = machine.stream.argument(), machine.stream.argument()
    is_known = name in machine.macros or machine.is_known(name)
    machine.stream.push(ways[is_known])


def _each(names: str, handler: Handler) -> dict[str, Handler]:
    return {"\\" + name: handler for name in names.split()}


CONDITIONS: Mapping[str, Handler] = {
    **_each("newif", _newif),
    **_each(" ".join(_TESTED), _primitive),
    **_each("iftrue ifpdf ifxetex ifluatex ifmmode ifvmode", _primitive),
    **_each("else", _else),
    **_each("ifthenelse iftoggle ifbool IfFileExists @ifpackageloaded @ifclassloaded", _choice),
    **_each("@ifundefined", _if_undefined),
}
