r"""The author's own commands: what ``\newcommand``, ``\def`` and their kin define, and how a call is replaced."""

from __future__ import annotations

import re
from collections.abc import Callable

import attrs

from .scan import group_end

_PARAMETER = re.compile(r"#([1-9]|#)")
_PATTERN = re.compile(r"#([1-9])|([^#]+)")
_XPARSE = re.compile(r"\+?!?\s*([mosvtrdOR])")

# Environments that a command may stand for one end of: "\be" for "\begin{equation}".
_WRAPPED = (
    "equation|align|alignat|gather|multline|eqnarray|flalign|displaymath|dmath|IEEEeqnarray|subequations"
    "|tabular|tabularx|longtable|array|figure|table|itemize|enumerate|verbatim|lstlisting|tikzpicture"
)
_STRUCTURAL = re.compile(rf"\\(?:begin|end)\s*\{{(?:{_WRAPPED})\*?\}}|\\[\[\]]|\$\$")
_DEFINITION = re.compile(
    r"\\(?:newcommand|renewcommand|providecommand|DeclareRobustCommand)\*?\s*+\{?\s*+\\([A-Za-z@]+)\s*+\}?\s*+"
    r"(?:\[(\d)\]\s*+)?(?=\{)"
    r"|\\[gex]?def\s*+\\([A-Za-z@]+)((?:#\d)*+)\s*+(?=\{)"
    r"|\\(?:re)?newenvironment\*?\s*+\{([A-Za-z]+\*?)\}\s*+(?=\{)"
)
_LONGEST_STRUCTURAL = 500


@attrs.frozen
class Macro:
    """A command of the author's. ``pattern`` is what is read after its name: a number for an argument, else itself.

    ``default`` is what the first argument is where it is left out, None when it cannot be. An argument whose number is
    in ``optional`` stands in brackets and may be left out as well.
    """

    body: str
    pattern: tuple[int | str, ...] = ()
    default: str | None = None
    optional: frozenset[int] = frozenset()


@attrs.frozen
class Environment:
    """An environment of the author's: what its two ends stand for."""

    begin: Macro
    end: str


def simple(count: int, body: str, default: str | None) -> Macro:
    r"""Return what ``\newcommand`` defines."""
    return Macro(body, tuple(range(1, count + 1)), default)


def delimited(pattern: str, body: str) -> Macro:
    r"""Return what ``\def`` defines: its parameters may have anything between them."""
    return Macro(body, tuple(int(found[1]) if found[1] else found[2] for found in _PATTERN.finditer(pattern)))


def documented(specification: str, body: str) -> Macro:
    r"""Return what ``\NewDocumentCommand`` defines, as far as arguments in braces and in brackets go."""
    kinds = _XPARSE.findall(re.sub(r"\{[^{}]*\}", "", specification))
    optional = frozenset(number for number, kind in enumerate(kinds, 1) if kind in "oOdst")
    return Macro(body, tuple(range(1, len(kinds) + 1)), optional=optional)


def substitute(body: str, arguments: dict[int, str]) -> str:
    """Return a command's body with its arguments in it."""
    if "#" not in body:
        return body
    return _PARAMETER.sub(lambda found: "#" if found[1] == "#" else arguments.get(int(found[1]), ""), body)


def undo_structural(text: str, charge: Callable[[int], None]) -> str:
    r"""Return a source in which ``\be`` and the like are the ``\begin{equation}`` that they stand for.

    Where a formula begins and ends must be known before anything else can be; definitions of such commands go.
    """
    commands: dict[str, tuple[int, str]] = {}
    environments: dict[str, tuple[str, str]] = {}
    kept: list[str] = []
    position = 0
    for found in _DEFINITION.finditer(text):
        if found.start() < position:
            continue
        end = _body_end(text, found.end())
        body = text[found.end() + 1 : end - 1]
        if end < 0 or not _STRUCTURAL.search(body):
            continue
        if found[5]:
            close = _body_end(text, end)
            if close < 0 or "#" in body:
                continue
            environments[found[5]] = (body, text[end:close].strip()[1:-1])
            end = close
        elif _is_one_sided(body):
            count = int(found[2] or 0) if found[1] else found[4].count("#")
            commands[found[1] or found[3]] = (count, body)
        else:
            continue
        kept.append(text[position : found.start()])
        position = end
    if not commands and not environments:
        return text
    kept.append(text[position:])
    return _replace("".join(kept), commands, environments, charge)


def _body_end(text: str, start: int) -> int:
    while start < len(text) and text[start].isspace():
        start += 1
    if not text.startswith("{", start):
        return -1
    end = group_end(text[start : start + _LONGEST_STRUCTURAL], 0)
    return start + end if end > 0 else -1


def _is_one_sided(body: str) -> bool:
    r"""Say whether a body opens what it does not close, or the other way round."""
    return (
        body.count("\\begin") != body.count("\\end")
        or body.count("\\[") != body.count("\\]")
        or body.count("$$") % 2 == 1
    )


def _replace(
    text: str,
    commands: dict[str, tuple[int, str]],
    environments: dict[str, tuple[str, str]],
    charge: Callable[[int], None],
) -> str:
    def end_of_environment(found: re.Match[str]) -> str:
        body = environments[found[2]][found[1] == "end"]
        charge(len(body))
        return body

    def command(found: re.Match[str]) -> str:
        body = substitute(bodies[found[1]], dict(enumerate(found.groups()[1:], 1)))
        charge(len(body))
        # A letter that comes next would become part of a command that the body ends with.
        return body + " " if body[-1:].isalpha() else body

    if environments:
        names = "|".join(map(re.escape, environments))
        text = re.sub(rf"\\(begin|end)\s*\{{({names})\}}", end_of_environment, text)
    for count in sorted({count for count, _ in commands.values()}):
        bodies = {name: body for name, (arguments, body) in commands.items() if arguments == count}
        names = "|".join(bodies)
        text = re.sub(rf"\\({names})(?![A-Za-z@])" + r"\s*\{([^{}]*)\}" * count, command, text)
    return text
