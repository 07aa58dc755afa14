"""Sentences of prose: where one ends, and what is not to be cut in it (inline mathematics and code).

Everything here is one pass over the text: a paragraph of ten megabytes, or one full of unmatched delimiters, costs no
more than its length.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

# Longer than any inline formula or code span; a stray delimiter protects no more than this from being cut.
_LONGEST_SPAN = 5_000


# Openers and sentence ends in one alternation, so one scan sees them in order. Every repetition is possessive or
# bounded by what went before: no input makes it look at a character more than a few times.
_TOKEN = re.compile(
    r"\\[^()\[\]A-Za-z]"
    r"|(?P<open>\\[(\[]|`+|\$\$?)"
    r"|(?P<wide>[。！？．]+[”’」』）)\]\"']*)"
    r"|(?P<end>(?<![.!?])[.!?]++[\"'”’)\]*_]*+(?:\[\d[\d, –-]{0,20}\])?(?=\s))"
    r"|(?P<item>\n[ \t]*+(?=(?:[-*+•]|\d{1,3}[.)])[ \t]))"
)
_CLOSERS = {
    "$": re.compile(r"(?<!\\)\$"),
    "$$": re.compile(r"\$\$"),
    "\\(": re.compile(r"\\\)"),
    "\\[": re.compile(r"\\\]"),
}
_NEXT_WORD = re.compile(r"\S")
_ABBREVIATION = re.compile(
    "al|approx|app|art|ca|cf|ch|chap|corp?|co|def|dept|dr|eds?|eg|eqn?s?|et|etc|ex|figs?|ie|inc|jr|lem|ltd|mrs?|ms|nos?|nr"
    "|par|pp?|prof|prop|refs?|rem|resp|sects?|secs?|sr|st|tab|thm|univ|viz|vols?|vs?"
)


def sentences(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield where the sentences of ``text[start:end]`` stand, trimmed; an item of a list counts as one."""
    begun = start
    for boundary in _boundaries(text, start, end):
        first, last = trim(text, begun, boundary)
        if first < last:
            yield first, last
        begun = boundary
    first, last = trim(text, begun, end)
    if first < last:
        yield first, last


def _boundaries(text: str, start: int, end: int) -> Iterator[int]:
    """Yield the positions right after a sentence, in order; none lies in inline code or mathematics."""
    ahead: dict[str, int] = {}
    position = start
    while (token := _TOKEN.search(text, position, end)) is not None:
        position = token.end()
        if opener := token["open"]:
            closed = _code_end(text, position, end, opener) if opener[0] == "`" else None
            if opener[0] != "`":
                closed = _math_end(text, position, end, opener, ahead)
            position = closed or position
        elif token["wide"] or token["item"]:
            yield token.start() if token["item"] else position
        elif token["end"] and _ends_sentence(text, start, end, token):
            yield position


def _ends_sentence(text: str, start: int, end: int, token: re.Match[str]) -> bool:
    following = _NEXT_WORD.search(text, token.end(), end)
    if following is None or following[0].islower() or following[0] in ",;:.)]}%":
        return False
    if text[token.start() : token.start() + 2] in ("..", ".!", ".?") or text[token.start()] != ".":
        return True
    before = text[max(start, token.start() - 24) : token.start()]
    word = before.split()[-1].lstrip("([{\"'“‘*_") if before and not before[-1].isspace() else ""
    if word.isdigit():
        # The number of a list item stands alone at the start of a line.
        return bool(before[: -len(word)].strip(" \t")) and not before[: -len(word)].rstrip(" \t").endswith("\n")
    parts = word.split(".")
    if len(word) == 1 or (len(parts) > 1 and all(len(part) <= 2 for part in parts)):
        return False
    return not _ABBREVIATION.fullmatch(word.casefold())


def _code_end(text: str, position: int, end: int, ticks: str) -> int | None:
    """Return where the code span opened before ``position`` ends: after the next run of as many backticks."""
    limit = min(end, position + _LONGEST_SPAN)
    while (found := text.find("`", position, limit)) >= 0:
        run = found
        while run < limit and text[run] == "`":
            run += 1
        if run - found == len(ticks):
            return run
        position = run
    return None


def _math_end(text: str, position: int, end: int, opener: str, ahead: dict[str, int]) -> int | None:
    """Return where the formula opened before ``position`` ends, or None when the delimiter is only a character.

    ``ahead`` remembers the next closer of each kind: however many openers come before it, it is looked for once.
    """
    if ahead.get(opener, -1) < position:
        found = _CLOSERS[opener].search(text, position, end)
        ahead[opener] = found.start() if found else end
    closer = ahead[opener]
    if closer >= end or closer - position > _LONGEST_SPAN:
        return None
    # "$5 and $10" is money: a dollar sign opens beside its formula and closes beside it, or has a space on both sides.
    if opener == "$" and text[position].isspace() != text[closer - 1].isspace():
        return None
    return closer + len(opener)


def trim(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the span without the white space at its ends."""
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end
