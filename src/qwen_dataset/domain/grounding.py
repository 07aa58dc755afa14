"""Where a quote stands in its passage: exactly one place, or the reason why not.

Verbatim is the rule. A model that copies honestly may still change layout, so a quote that does not stand in the
passage character for character is looked for once more in a normal form in which only these are equal: runs of
whitespace (invisible characters count as nothing), straight and typographic quotation marks and dashes, and characters
that Unicode calls the same (full-width forms, ligatures, composed accents). At its very ends a quote may carry an
ellipsis, a pair of quotation marks and closing punctuation of its own. Letter case, words, digits and signs never
differ, and a place that cuts a word or a number in two is none: "5 % of cases" does not stand in "25 % of cases".
Whatever the quote looked like, the evidence carries the paper's own characters.

The cost is linear in passage and quote: nothing here backtracks.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import lru_cache

import attrs

from .samples import Evidence, RejectReason

# Soft hyphen, zero-width space and joiners, direction marks, word joiner, byte order mark: they show nothing.
_INVISIBLE = "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
_WHITESPACE = (
    "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
_BLANK = frozenset(_INVISIBLE + _WHITESPACE)
_EDGE = _INVISIBLE + _WHITESPACE

_STRAIGHT = str.maketrans(
    dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u00b4", "'")
    | dict.fromkeys("\u201c\u201d\u201e\u201f", '"')
    | dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-")
)
# Unicode calls these compatible with plain digits and letters, but they mean something else: 10² is not 102.
_DISTINCT = ("<super>", "<sub>", "<fraction>", "<circle>")
# Unicode's own bound on marks after one base (stream-safe text); sorting a longer run would not be linear.
_MAX_MARKS = 30

_PAIRS = {'"': '"', "'": "'", "\u300c": "\u300d", "\u300e": "\u300f", "\u00ab": "\u00bb"}
_CLOSING = ".,;:?\u3002\u3001\u22ef "  # not "!": it may be a factorial
_HYPHENS = frozenset("-\u2010\u2011\u2212")
_SIGNS = frozenset("-+\u2010\u2011\u2013\u2212\u00b1")

_MIN_WEIGHT = 8
_CJK_WEIGHT = 2  # four Chinese characters say as much as eight letters

_Place = tuple[int, int]


@attrs.frozen
class Ungrounded:
    """A quote that cannot be evidence, and why; ``detail`` is a clause for a person."""

    reason: RejectReason
    detail: str


@attrs.frozen
class _View:
    """A form of the passage: ``chars[i]`` is made of ``text[starts[i]:ends[i]]`` of the paper."""

    chars: str
    starts: Sequence[int]
    ends: Sequence[int]

    def place(self, at: int, length: int) -> _Place | None:
        """Return the paper's span of ``chars[at:at + length]``, None if it begins or ends inside an expansion."""
        after = at + length
        if at and self.starts[at - 1] == self.starts[at]:
            return None
        if after < len(self.chars) and self.starts[after] == self.starts[after - 1]:
            return None
        return self.starts[at], self.ends[after - 1]

    def holds(self, wanted: str, place: _Place) -> bool:
        """Say whether ``wanted`` stands exactly at ``place`` of the paper."""
        at = bisect_left(self.starts, place[0])
        return self.chars.startswith(wanted, at) and self.place(at, len(wanted)) == place


class PassageText:
    """The passage ``text[start:end]``, prepared for any number of quotes: its normal form is made at most once."""

    def __init__(self, text: str, start: int, end: int) -> None:
        self._text = text
        self._start = start
        self._end = end
        self._exact = _View(text[start:end], range(start, end), range(start + 1, end + 1))
        self._normal: _View | None = None

    def locate(self, quote: str, claimed: tuple[int, int] | None = None) -> Evidence | Ungrounded:
        """Find the one place where ``quote`` stands. See ``locate``."""
        lead = len(quote) - len(quote.lstrip(_EDGE))
        wanted = quote.strip(_EDGE)
        if _weight(wanted) < _MIN_WEIGHT:
            return Ungrounded(RejectReason.EVIDENCE_NOT_FOUND, "the quote is too short to prove anything")
        if claimed is not None and claimed[1] - claimed[0] == len(quote):
            # The offsets were counted with the blanks around the quote.
            claimed = (claimed[0] + lead, claimed[0] + lead + len(wanted))
        for view, form in self._forms(wanted):
            first = view.chars.find(form)
            if first >= 0:
                return self._settle(view, form, first, claimed)
        return Ungrounded(RejectReason.EVIDENCE_NOT_FOUND, "the quote stands nowhere in its passage")

    def _forms(self, wanted: str) -> Iterator[tuple[_View, str]]:
        """Yield what to look for and in which view, strictest first; the first that is found decides."""
        yield self._exact, wanted
        if self._normal is None:
            self._normal = _normal_view(self._text, self._start, self._end)
        normal = _normal_view(wanted, 0, len(wanted)).chars
        yield self._normal, normal
        # What stands in the passage is kept where it can be: a full stop inside quotation marks is the paper's.
        yield self._normal, _without_trimmings(normal, closing="")
        yield self._normal, _without_trimmings(normal, closing=_CLOSING)

    def _settle(self, view: _View, form: str, first: int, claimed: _Place | None) -> Evidence | Ungrounded:
        """Choose among the places of ``form`` in ``view``; ``first`` is where the first one begins there."""
        place: _Place | None
        if claimed is not None:
            # Offsets may count in the paper or in the passage.
            readings = {claimed, (claimed[0] + self._start, claimed[1] + self._start)}
            hits = [reading for reading in readings if view.holds(form, reading)]
            if not hits:
                return Ungrounded(RejectReason.EVIDENCE_MISPLACED, "the quote does not stand at the offsets given")
            if len(hits) > 1:
                return Ungrounded(RejectReason.EVIDENCE_AMBIGUOUS, "the offsets given fit two places of the quote")
            place = hits[0]
        elif view.chars.find(form, first + 1) >= 0:
            return Ungrounded(RejectReason.EVIDENCE_AMBIGUOUS, "the quote stands more than once in its passage")
        else:
            place = view.place(first, len(form))
        if place is None or _cuts(self._text, place[0]) or _cuts(self._text, place[1]):
            return Ungrounded(RejectReason.EVIDENCE_NOT_FOUND, "the quote begins or ends inside a word or a number")
        start, end = place
        return Evidence(quote=self._text[start:end], start=start, end=end)


def locate(
    quote: str, text: str, start: int, end: int, *, claimed: tuple[int, int] | None = None
) -> Evidence | Ungrounded:
    """Find the one place of the passage ``text[start:end]`` where ``quote`` stands.

    ``claimed`` are offsets that came with the quote (code points, counted in the paper or in the passage). They choose
    among several places and must be right where they are given. For several quotes of one passage make one
    ``PassageText``. All offsets of the result count in ``text``, and ``text[e.start:e.end] == e.quote``.
    """
    return PassageText(text, start, end).locate(quote, claimed)


def _normal_view(text: str, start: int, end: int) -> _View:
    chars: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    at = start
    while at < end:
        after = at + 1
        if text[at] in _BLANK:
            while after < end and text[after] in _BLANK:
                after += 1
            visible = any(char in _WHITESPACE for char in text[at:after])
            piece = " " if visible else ""
        else:
            while after < end and after - at <= _MAX_MARKS and unicodedata.combining(text[after]):
                after += 1
            piece = _folded(text[at:after])
        chars.append(piece)
        starts.extend([at] * len(piece))
        ends.extend([after] * len(piece))
        at = after
    return _View("".join(chars), starts, ends)


@lru_cache(maxsize=4096)  # a paper is made of few different characters
def _folded(cluster: str) -> str:
    """Return the normal form of a base character with its marks."""
    if cluster < "\x80" and len(cluster) == 1:
        return cluster
    parts = (
        char if unicodedata.decomposition(char).startswith(_DISTINCT) else unicodedata.normalize("NFKD", char)
        for char in cluster.translate(_STRAIGHT)
    )
    # The parts are decomposed; NFD only brings the marks into their order.
    return unicodedata.normalize("NFD", "".join(parts)).translate(_STRAIGHT)


def _without_trimmings(normal: str, *, closing: str) -> str:
    """Drop what a model adds around a quote: ellipsis, a pair of quotation marks, the punctuation in ``closing``."""
    low, high = 0, len(normal)
    while True:
        before = (low, high)
        dots = low
        while dots < high and normal[dots] == ".":
            dots += 1
        if (dots - low) % 3 == 0:  # one dot may belong to a number: ".5"
            low = dots
        while low < high and normal[low] in "\u22ef ":
            low += 1
        while high > low and normal[high - 1] in closing:
            high -= 1
        if high - low >= 2 and _PAIRS.get(normal[low]) == normal[high - 1]:
            low, high = low + 1, high - 1
        if (low, high) == before:
            return normal[low:high]


def _cuts(text: str, at: int) -> bool:
    """Say whether a quote that begins or ends at ``at`` would cut a word or a number, or leave its sign behind."""
    left, right = _visible(text, at - 1, -1), _visible(text, at, 1)
    before, here = _char(text, left), _char(text, right)
    if unicodedata.combining(here) or (_in_word(before) and _in_word(here)):
        return True
    if before in _SIGNS and here.isdigit():
        return True
    if before == "\\" and here.isalpha():
        return True
    return _joins(_char(text, left - 1), before, here) or _joins(before, here, _char(text, right + 1))


def _joins(before: str, joint: str, after: str) -> bool:
    """Say whether ``joint`` holds its neighbours together: a hyphen in a word, a point or comma in a number."""
    if joint in _HYPHENS:
        return _in_word(before) and _in_word(after)
    return joint in {".", ","} and before.isdigit() and after.isdigit()


def _visible(text: str, at: int, step: int) -> int:
    while 0 <= at < len(text) and text[at] in _INVISIBLE:
        at += step
    return at


def _char(text: str, at: int) -> str:
    return text[at] if 0 <= at < len(text) else " "


def _in_word(char: str) -> bool:
    return (char.isalnum() and not _is_cjk(char)) or unicodedata.combining(char) > 0


def _is_cjk(char: str) -> bool:
    """Say whether ``char`` belongs to a script that writes no space between words: Chinese characters and kana."""
    return (
        "\u3040" <= char <= "\u30ff"
        or "\u3400" <= char <= "\u4dbf"
        or "\u4e00" <= char <= "\u9fff"
        or "\uf900" <= char <= "\ufaff"
        or "\U00020000" <= char <= "\U0003ffff"
    )


def _weight(quote: str) -> int:
    """Count the letters and digits; a Chinese character counts double."""
    return sum(_CJK_WEIGHT if _is_cjk(char) else char.isalnum() for char in quote)
