"""What the fake reads in a prompt: the passage, and the sentences in it that can be quoted."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

import attrs

from ....domain.inference import Request
from ....domain.papers import detect_language

_MARKED = re.compile(r"^<(passage(?:-\d+)?)>\n(.*?)\n</\1>", re.DOTALL | re.MULTILINE)

_HEADING = re.compile(r"#{1,6}\s|[=\-*_]{3,}\s*$")
_ASIDE = re.compile(
    r"\||<|!\[|\[[^\]]+\]:|%|\\[a-z]+\{[^}]*\}\s*$"
)  # table row, tag, image, link target, LaTeX command
_MARKER = re.compile(r"\s*(?:>\s?|[-*+•]\s+|\d{1,3}[.)]\s+)*")
_FENCE = re.compile(r"\s*(```|~~~)")
_MATH_OPENS = re.compile(r"\s*(?:\$\$|\\\[|\\begin\{)")
_MATH_CLOSES = re.compile(r"(?:\$\$|\\\]|\\end\{[^}]*\})\s*[.,;]?\s*$")

_STOP = re.compile(r"[。！？；][”’」』）]*|[.!?][\"'”’)\]]*(?=\s|$)")
_ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|et al|etc|cf|vs|[Ff]igs?|[Ee]qs?|[Ss]ecs?|[Rr]efs?|[Nn]o|Dr|Prof|resp|approx)|\b[A-Z])\.$"
)

_ENDED = re.compile(r"[.!?。！？；][”’」』）\"')\]]*$")
_UNREADABLE = re.compile(r"</?[A-Za-z!]|https?://|\[!|::|&=|\w\(\w*\)|\\begin|\ufffd|(?:\b\d+ ){5}")

_LONG_ENOUGH = 20
_TOO_LONG = 400


@attrs.frozen(kw_only=True)
class Prompt:
    """A request as a model would see it. ``passage`` is None when none is marked; ``rest`` is all other text."""

    passage: str | None
    rest: str
    language: str


@attrs.frozen
class Quote:
    """``passage[start:end] == text``."""

    text: str
    start: int
    end: int


def read_prompt(request: Request) -> Prompt:
    """Find the passage: the last marked one that a user gave. The language is that of the words around it."""
    texts = [message.content for message in request.messages]
    for position in range(len(texts) - 1, -1, -1):
        marked = list(_MARKED.finditer(texts[position]))
        if marked and request.messages[position].role == "user":
            match = marked[-1]
            texts[position] = texts[position][: match.start()] + texts[position][match.end() :]
            rest = "\n".join(texts)
            return Prompt(passage=match[2], rest=rest, language=detect_language(rest))
    rest = "\n".join(texts)
    return Prompt(passage=None, rest=rest, language=detect_language(texts[-1] if texts else ""))


def bare(text: str) -> str:
    """Return the letters and digits alone, in one case: what stays when a quote is copied carelessly."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text).casefold()))


def stands_once(text: str, passage: str) -> bool:
    """Say whether the text stands in the passage at exactly one place (places may overlap)."""
    first = passage.find(text)
    return bool(text) and first >= 0 and passage.find(text, first + 1) < 0


def quotable(passage: str) -> list[Quote]:
    """Return sentences that stand exactly once in the passage, best choice first available.

    Whole sentences that read well, 20 to 400 characters, alone in the passage also when copied carelessly; without
    such, shorter ones, then any line, then the passage itself. Empty only for a blank passage.
    """
    sentences = list(_sentences(passage))
    simple = bare(passage)
    safe = [each for each in sentences if stands_once(each.text, passage) and stands_once(bare(each.text), simple)]
    handy = [quote for quote in safe if _LONG_ENOUGH <= len(quote.text) <= _TOO_LONG]
    for choice in (
        [quote for quote in handy if _reads_well(quote.text)],
        handy,
        [quote for quote in safe if len(quote.text) <= _TOO_LONG],
        [quote for quote in dict.fromkeys([*sentences, *_lines(passage)]) if stands_once(quote.text, passage)],
    ):
        if choice:
            return choice
    whole = passage.strip()
    return [Quote(whole, passage.index(whole), passage.index(whole) + len(whole))] if whole else []


def _reads_well(sentence: str) -> bool:
    return _ENDED.search(sentence) is not None and _UNREADABLE.search(sentence) is None


def _lines(passage: str) -> Iterator[Quote]:
    for match in re.finditer(r"[^\n]+", passage):
        yield from _trimmed(passage, match.start(), match.end())


def _sentences(passage: str) -> Iterator[Quote]:
    for start, end in _paragraphs(passage):
        begin = start
        for match in _STOP.finditer(passage, start, end):
            sentence = passage[begin : match.end()]
            if sentence.count("$") % 2 or _ABBREVIATION.search(sentence):
                continue
            yield from _trimmed(passage, begin, match.end())
            begin = match.end()
        yield from _trimmed(passage, begin, end)


def _trimmed(passage: str, start: int, end: int) -> Iterator[Quote]:
    text = passage[start:end]
    start += len(text) - len(text.lstrip())
    text = text.strip()
    if text:
        yield Quote(text, start, start + len(text))


def _paragraphs(passage: str) -> Iterator[tuple[int, int]]:
    """Yield the spans of prose: no headings, tables, formulas or code; a list item or quoted line is its own."""
    start: int | None = None
    closing: re.Pattern[str] | None = None  # what ends the block we are in
    position = 0
    for line in passage.splitlines(keepends=True):
        line_start, position = position, position + len(line)
        text = line.strip()
        if closing is not None:
            closing = None if closing.search(text) else closing
            continue
        opened = _opens(text)
        if opened is not None or not text or _HEADING.match(text) or _ASIDE.match(text):
            if start is not None:
                yield start, line_start
            start, closing = None, opened if opened is not None and not _closes_at_once(text, opened) else None
            continue
        marker = _MARKER.match(line)
        width = marker.end() if marker and marker.group().strip() else 0
        if width and start is not None:
            yield start, line_start
            start = None
        start = line_start + width if start is None else start
    if start is not None:
        yield start, len(passage)


def _opens(text: str) -> re.Pattern[str] | None:
    fence = _FENCE.match(text)
    if fence:
        return re.compile(re.escape(fence[1]))
    return _MATH_CLOSES if _MATH_OPENS.match(text) else None


def _closes_at_once(text: str, closing: re.Pattern[str]) -> bool:
    return closing is _MATH_CLOSES and bool(closing.search(text[2:]))
