r"""The author's own packages (``\usepackage{macros}`` with a macros.sty beside the paper): the commands they define."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .scan import group_end, skip_white

_USED = re.compile(r"\\(?:usepackage|RequirePackage)\s*(?:\[[^\[\]]*\])?\s*\{([^{}]*)\}")
_NAME = re.compile(r"[\w./-]{1,100}\Z")
_DEFINITION = re.compile(
    r"\\(?:newcommand|renewcommand|providecommand|DeclareMathOperator|newtheorem|newenvironment)(?![A-Za-z@])\*?"
)
_OPTION = re.compile(r"\s*\[[^\[\]{}]*\]")
_COMMAND = re.compile(r"\s*\\[A-Za-z]+")
_LONGEST = 2_000


def used_packages(preamble: str) -> tuple[str, ...]:
    """Return the names of the packages that a preamble uses, in order."""
    names = (name.strip() for found in _USED.finditer(preamble) for name in found[1].split(","))
    return tuple(dict.fromkeys(name for name in names if _NAME.match(name)))


def definitions(package: str) -> Iterator[str]:
    """Yield the definitions in a package that a paper's prose may need; what is made of TeX's inner commands is not."""
    position = 0
    while (found := _DEFINITION.search(package, position)) is not None:
        position = _end(package, found.end())
        written = package[found.start() : position]
        if "@" not in written and "tabular" not in written:
            yield written


def _end(package: str, start: int) -> int:
    """Return where the arguments of a definition end."""
    end = start
    while end - start < _LONGEST:
        if found := _OPTION.match(package, end) or (_COMMAND.match(package, end) if end == start else None):
            end = found.end()
            continue
        opens = skip_white(package, end)
        close = group_end(package[opens : opens + _LONGEST], 0) if package.startswith("{", opens) else -1
        if close < 0:
            break
        end = opens + close
    return end
