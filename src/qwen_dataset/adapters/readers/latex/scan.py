"""Where an argument, a group, a formula or an environment ends: one look at each character, no recursion."""

from __future__ import annotations

import re

_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
_BRACKET = re.compile(r"\\.|[{}\]]", re.DOTALL)
_DOLLAR = re.compile(r"\\.|[{}$]|\n[ \t]*\n", re.DOTALL)
_BLANK_LINE = re.compile(r"\n[ \t]*\n")
# An optional argument is a word, a length or a list of options.
LONGEST_OPTION = 2_000
# Longer than any formula inside a line.
LONGEST_INLINE = 5_000
_SPACE = re.compile(r"[ \t]*+(?:\n[ \t]*+(?!\n))?")
_WHITE = re.compile(r"\s*")


def skip_space(text: str, start: int) -> int:
    """Return where the spaces at ``start`` end, and one line end among them: no blank line is passed over."""
    found = _SPACE.match(text, start)
    return found.end() if found else start


def skip_white(text: str, start: int) -> int:
    """Return where all white space at ``start`` ends."""
    found = _WHITE.match(text, start)
    return found.end() if found else start


def group_end(text: str, start: int) -> int:
    """Return where the group that opens at ``start`` ends, after its brace; -1 when it never does."""
    depth = 0
    for token in _BRACE.finditer(text, start):
        if token[0] == "{":
            depth += 1
        elif token[0] == "}":
            depth -= 1
            if depth == 0:
                return token.end()
    return -1


def option_end(text: str, start: int, longest: int = LONGEST_OPTION) -> int:
    """Return where the optional argument that opens at ``start`` ends, after its bracket; -1 when it does not.

    As TeX has it, a bracket inside must stand in braces.
    """
    braces = 0
    if text.find("]", start, start + longest) < 0:
        return -1
    for token in _BRACKET.finditer(text, start, start + longest):
        if token[0] == "{":
            braces += 1
        elif token[0] == "}":
            braces -= 1
            if braces < 0:
                return -1
        elif token[0] == "]" and braces == 0:
            return token.end()
    return -1


def dollar_end(text: str, start: int) -> int:
    r"""Return where the ``$`` stands that closes a formula whose inside begins at ``start``; -1 when none does.

    A formula goes over no blank line, and one in ``\\text{if $x$}`` belongs to the formula around it.
    """
    depth = 0
    for token in _DOLLAR.finditer(text, start, start + LONGEST_INLINE):
        if token[0] == "{":
            depth += 1
        elif token[0] == "}":
            depth -= 1
            if depth < 0:
                return -1
        elif token[0] == "$":
            if depth == 0:
                return token.start()
        elif token[0][0] == "\n":
            return -1
    return -1


def before_blank_line(text: str, start: int) -> int:
    """Return where the paragraph ends that ``start`` stands in."""
    blank = _BLANK_LINE.search(text, start)
    return blank.start() if blank else len(text)


def environment_end(text: str, start: int, name: str, *, nests: bool) -> tuple[int, int]:
    r"""Return where the ``\end`` of an environment begins and ends; ``start`` is behind its ``\begin``.

    (-1, -1) when there is none. One of the same name inside is passed over where such ``nests``.
    """
    closing = "\\end{" + name + "}"
    opening = "\\begin{" + name + "}"
    position, looked, depth = start, start, 1
    while (found := text.find(closing, position)) >= 0:
        if nests:
            depth += text.count(opening, looked, found)
        depth -= 1
        position = looked = found + len(closing)
        if depth == 0 or not nests:
            return found, position
    return -1, -1
