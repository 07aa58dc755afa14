"""A paragraph of LaTeX in pieces that a recursive parser takes, and its text where the parser does not."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .commands import DROPPED
from .scan import group_end, option_end

_MOST_BRACES = 200_000
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
_BRACE_OR_SPACE = re.compile(r"\\.|[{}]|\s+", re.DOTALL)
_COMMAND = re.compile(r"\\(?:([A-Za-z@]+)\*?|([^A-Za-z@]))", re.DOTALL)
_PLAIN_WORDS = re.compile(r"(?:[^\\{}\s]++(?:\s++|\Z)|\s++)++")
_LIGATURE = re.compile(r"\\.|~|``|''|---?|[?!]`|[`'&]", re.DOTALL)
_LIGATURES = {
    "~": " ",
    "&": " ",
    "``": "“",
    "''": "”",
    "`": "‘",
    "'": "’",
    "--": "–",
    "---": "—",
    "?`": "¿",
    "!`": "¡",
}
_SHOWN_CHARACTERS = frozenset("%$&#_{}")


def balanced(written: str) -> str:
    """Return a text without the braces that have no partner in it."""
    if "{" not in written and "}" not in written:
        return written
    if written.count("{") + written.count("}") > _MOST_BRACES:
        return written.replace("{", "").replace("}", "")
    opened: list[int] = []
    dropped: list[int] = []
    for token in _BRACE.finditer(written):
        if token[0] == "{":
            opened.append(token.start())
        elif token[0] == "}":
            if opened:
                opened.pop()
            else:
                dropped.append(token.start())
    dropped = sorted(dropped + opened)
    if not dropped:
        return written
    ends = [*dropped, len(written)]
    starts = [0, *(position + 1 for position in dropped)]
    return "".join(written[start:end] for start, end in zip(starts, ends, strict=True))


def pieces(written: str) -> Iterator[str]:
    """Cut a balanced text into runs of plain words and runs with LaTeX in them, between words outside of groups."""
    position = 0
    while position < len(written):
        plain = _PLAIN_WORDS.match(written, position)
        end = plain.end() if plain else position
        end = end if end > position else _run_end(written, position)
        yield written[position:end]
        position = end


def _run_end(written: str, start: int) -> int:
    """Return where a run ends: after a word outside of groups that leaves no command waiting for what comes next."""
    depth = 0
    waits = False
    word = start
    for token in _BRACE_OR_SPACE.finditer(written, start):
        if token[0] == "{":
            depth += 1
        elif token[0] == "}":
            depth -= 1
        elif token[0][0] == "\\":
            waits = True
        elif depth == 0:
            if token.start() > word and not waits and written[token.start() - 1] not in "}]":
                return token.end()
            waits, word = False, token.end()
    return len(written)


def ligatures(written: str) -> str:
    """Return a text with its quotation marks, dashes and ties as characters."""
    return _LIGATURE.sub(lambda found: _LIGATURES.get(found[0], found[0]), written)


def deepest(piece: str) -> int:
    """Return how many groups stand in one another in a balanced text."""
    depth = most = 0
    for token in _BRACE.finditer(piece):
        if token[0] == "{":
            depth += 1
            most = max(most, depth)
        elif token[0] == "}":
            depth -= 1
    return most


def crude(piece: str) -> str:
    """Return a text without its commands and braces: all that can be had of what does not parse."""
    out: list[str] = []
    position = 0
    while (found := _COMMAND.search(piece, position)) is not None:
        out.append(piece[position : found.start()])
        position = found.end()
        if found[2]:
            out.append(found[2] if found[2] in _SHOWN_CHARACTERS else " ")
        elif found[1] in DROPPED:
            position = _behind_arguments(piece, position, DROPPED[found[1]])
    out.append(piece[position:])
    return "".join(out).replace("{", "").replace("}", "")


def _behind_arguments(piece: str, position: int, specification: str) -> int:
    for kind in specification:
        opens = "[" if kind == "[" else "{"
        if kind != "*" and piece.startswith(opens, position):
            # Long ones are no arguments but text; and this keeps the cost of each look small.
            window = piece[position : position + 500]
            end = option_end(window, 0) if kind == "[" else group_end(window, 0)
            position += max(0, end)
    return position
