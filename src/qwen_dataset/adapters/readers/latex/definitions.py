r"""Handlers of what defines commands, environments and theorems."""

from __future__ import annotations

import re
from collections.abc import Mapping

from .environments import is_known_environment
from .flatten import Flattener, Handler
from .macros import Environment, Macro, delimited, documented, simple

_NAME = re.compile(r"\s*\\([A-Za-z@]+)\s*\Z")


def _named(machine: Flattener) -> str:
    """Return the name of the command that comes next, in braces or not; "" when there is none."""
    found = _NAME.match(machine.stream.argument())
    return found[1] if found else ""


def _learn(machine: Flattener, name: str, macro: Macro, *, new: bool = False) -> None:
    if name and not machine.is_known(name, new=new):
        machine.macros[name] = macro


def _newcommand(machine: Flattener, command: str) -> None:
    stream = machine.stream
    stream.star()
    name = _named(machine)
    count, default = stream.option(), stream.option()
    body = stream.argument()
    digits = (count or "0").strip()
    count_of_arguments = int(digits) if digits.isdigit() and len(digits) == 1 else 0
    _learn(machine, name, simple(count_of_arguments, body, default), new=command == "newcommand")


def _providecommand(machine: Flattener, name: str) -> None:
    known = dict(machine.macros)
    _newcommand(machine, name)
    machine.macros.update(known)


def _def(machine: Flattener, _: str) -> None:
    stream = machine.stream
    name = _named(machine)
    frame = stream.frames[-1]
    brace = frame.text.find("{", frame.position, frame.position + 200)
    if brace < 0:
        return
    pattern = frame.text[frame.position : brace]
    frame.position = brace
    _learn(machine, name, delimited(pattern.strip(), stream.argument()))


def _let(machine: Flattener, _: str) -> None:
    stream = machine.stream
    name = _named(machine)
    frame = stream.skip_space()
    if frame.text.startswith("=", frame.position):
        frame.position += 1
    target = stream.argument()
    if target[:1] == "\\" and target[1:] != name:
        _learn(machine, name, machine.macros.get(target[1:], Macro(target + " " if target[-1].isalpha() else target)))


def _operator(machine: Flattener, _: str) -> None:
    machine.stream.star()
    name = _named(machine)
    _learn(machine, name, Macro(machine.stream.argument()))


def _document_command(machine: Flattener, _: str) -> None:
    name = _named(machine)
    specification = machine.stream.argument()
    _learn(machine, name, documented(specification, machine.stream.argument()))


def _paired(machine: Flattener, _: str) -> None:
    name = _named(machine)
    left, right = machine.stream.argument(), machine.stream.argument()
    _learn(machine, name, Macro(f"{left} #1{right} ", (1,)))


def _environment(machine: Flattener, _: str) -> None:
    stream = machine.stream
    stream.star()
    name = stream.argument().strip()
    count, default = stream.option(), stream.option()
    begin, end = stream.argument(), stream.argument()
    digits = (count or "0").strip()
    if not is_known_environment(name):
        macro = simple(int(digits) if digits.isdigit() and len(digits) == 1 else 0, begin, default)
        machine.environments[name] = Environment(macro, end)


def _document_environment(machine: Flattener, _: str) -> None:
    stream = machine.stream
    name, specification = stream.argument().strip(), stream.argument()
    begin, end = stream.argument(), stream.argument()
    machine.environments[name] = Environment(documented(specification, begin), end)


def _theorem(machine: Flattener, _: str) -> None:
    stream = machine.stream
    stream.star()
    name = stream.argument().strip()
    stream.option()
    machine.theorems[name] = stream.argument().strip()
    stream.option()


def _declared_theorem(machine: Flattener, _: str) -> None:
    stream = machine.stream
    options = stream.option() or ""
    name = stream.argument().strip()
    options += "," + (stream.option() or "")
    shown = re.search(r"(?:^|,)\s*(?:name|title)\s*=\s*\{?([^,{}]+)", options)
    machine.theorems[name] = shown[1].strip() if shown else name.capitalize()


def _boxed_theorem(machine: Flattener, _: str) -> None:
    stream = machine.stream
    stream.option()
    name, shown = stream.argument().strip(), stream.argument().strip()
    stream.read("{{")
    machine.theorems[name] = shown
    machine.boxed.add(name)


def _box(machine: Flattener, name: str) -> None:
    r"""Read ``\newtcolorbox``: what it defines shows its text."""
    machine.stream.read("[{[[{" if name == "newtcolorbox" else "[{")


def _nothing(machine: Flattener, _: str) -> None:
    machine.stream.skip_line_space()


def _xspace(machine: Flattener, _: str) -> None:
    machine.stream.skip_line_space()
    frame = machine.stream.top()
    following = frame.text[frame.position : frame.position + 1]
    if following and following not in "{}~.!,:;?/'-)]\\&" + "，。；：？！、":
        machine.emit(" ")


def _each(names: str, handler: Handler) -> dict[str, Handler]:
    return {"\\" + name: handler for name in names.split()}


DEFINITIONS: Mapping[str, Handler] = {
    **_each("newcommand renewcommand DeclareRobustCommand newcommandx algnewcommand algrenewcommand", _newcommand),
    **_each("providecommand", _providecommand),
    **_each("def gdef edef xdef", _def),
    **_each("let", _let),
    **_each("DeclareMathOperator", _operator),
    **_each("NewDocumentCommand RenewDocumentCommand ProvideDocumentCommand DeclareDocumentCommand", _document_command),
    **_each("DeclarePairedDelimiter", _paired),
    **_each("newenvironment renewenvironment", _environment),
    **_each("NewDocumentEnvironment RenewDocumentEnvironment DeclareDocumentEnvironment", _document_environment),
    **_each("newtheorem newmdtheoremenv spnewtheorem", _theorem),
    **_each("declaretheorem", _declared_theorem),
    **_each("newtcbtheorem", _boxed_theorem),
    **_each("newtcolorbox newmdenv", _box),
    **_each("fi relax makeatletter makeatother expandafter noexpand global long protect", _nothing),
    **_each("xspace", _xspace),
}
