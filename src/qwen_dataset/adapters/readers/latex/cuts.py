"""A paragraph of LaTeX in pieces that a recursive parser takes, and its text where the parser does not."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .commands import DROPPED
from .scan import group_end, option_end

# pylatexenc looks back over all it has read of a text for each node of it: so it gets short ones.
_PIECE = 1_500
_MOST_BRACES = 200_000
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
_BRACE_OR_SPACE = re.compile(r"\\.|[{}]|\s+", re.DOTALL)
_COMMAND = re.compile(r"\\(?:([A-Za-z@]+)\*?|([^A-Za-z@]))", re.DOTALL)
_OPEN_COMMAND = re.compile(r"(?:\\[A-Za-z@]+\*?|[}\]])\s*\Z")
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
    """Cut a balanced text between words that stand in no group, where no command waits for what comes next."""
    start = depth = 0
    if len(written) > _PIECE:
        for token in _BRACE_OR_SPACE.finditer(written):
            if token[0] == "{":
                depth += 1
            elif token[0] == "}":
                depth -= 1
            elif (
                token[0][0] != "\\"
                and depth == 0
                and token.end() - start > _PIECE
                and not _OPEN_COMMAND.search(written, max(start, token.start() - 40), token.end())
            ):
                yield written[start : token.end()]
                start = token.end()
    yield written[start:]


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
    text = "".join(out).replace("{", "").replace("}", "").replace("~", " ")
    return text.replace("``", "“").replace("''", "”").replace("---", "—").replace("--", "–")


def _behind_arguments(piece: str, position: int, specification: str) -> int:
    for kind in specification:
        opens = "[" if kind == "[" else "{"
        if kind != "*" and piece.startswith(opens, position):
            # Long ones are no arguments but text; and this keeps the cost of each look small.
            window = piece[position : position + 500]
            end = option_end(window, 0) if kind == "[" else group_end(window, 0)
            position += max(0, end)
    return position
