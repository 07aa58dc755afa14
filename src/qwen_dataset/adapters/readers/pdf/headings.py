"""Which paragraphs of a paper are headings, and of which level."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from ....domain.papers import BlockKind
from ....domain.passages import is_back_matter
from ..build import is_section_name
from .blocks import Chunk
from .document import Bookmark, Document
from .measures import Measures, same_size
from .texts import Text, bare

_LONGEST = 200
_MOST_LINES = 3
_MOST_ON_PAGE = 40
_NUMBER = re.compile(
    r"(?:(?i:chapter|section|appendix|part)\s+)?(?:(\d{1,2}(?:\.\d{1,2}){0,4}|[A-Z](?:\.\d{1,2}){1,4})(?:[.:)]\s*|\s+)"
    r"|([A-Z]|[IVX]{1,5})[.:)]\s*)(?=\S)"
)
_CHINESE_NUMBER = re.compile(
    r"(?:第[一二三四五六七八九十百\d]+[章节篇]|[一二三四五六七八九十]{1,3}[、．.]|[（(][一二三四五六七八九十]+[)）])\s*"
)
_DATE = re.compile(
    r"(?:\d{1,2}(?:st|nd|rd|th)?\s+)?(?:of\s+)?(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
    r"(?:\s+\d{1,2}(?:st|nd|rd|th)?)?,?\s+\d{4}|\d{4}\s*年.{0,9}",
    re.IGNORECASE,
)
_NO_END = re.compile(r"[,;:，。；：、…]$|(?<!\betc)(?<![A-Z])\.$")


def style_of(chunk: Chunk) -> tuple[float, bool, bool, bool, str]:
    """Return what tells one kind of heading from another: size, weight, slant, capitals."""
    text = "".join(filter(str.isalpha, chunk.first.text[:60]))
    return (
        round(chunk.first.size * 2) / 2,
        min(line.bold for line in chunk.lines) > 0.7,
        min(line.italic for line in chunk.lines) > 0.7,
        text.isupper() and text.isascii() and len(text) > 3,
        chunk.first.font,
    )


def find_headings(texts: Sequence[Text], document: Document, measures: Measures) -> None:
    """Set the level of each chunk that is a heading.

    A file's own bookmarks say best what its headings are; without them they are known by their type, by a number, or
    by a name that every paper's section has.
    """
    begun = next((i + 1 for i in range(len(texts) - 1, -1, -1) if texts[i].title), 0)
    candidates = [text for text in texts[begun:] if _may_be(text)]
    listed = _listed(candidates, document.bookmarks)
    for text, level in listed:
        text.level, text.listed = level, True
    _run_in(texts[begun:], document.bookmarks, {text.chunk.first.page for text in texts})
    marked = [text for text in candidates if not text.level]
    if len(listed) >= 3 and len(listed) >= 0.5 * len(document.bookmarks):
        _like_listed(marked, listed, document.bookmarks, measures)
        _unlisted(texts, max(level for _, level in listed) + 1, measures)
    else:
        known = _ranked(marked, measures)
        for text in marked:
            if style_of(text.chunk) in known and _reads_as_heading(text.text):
                text.level = _numbered_level(text.text) or known[style_of(text.chunk)]
            elif _is_named(text.text):
                text.level = 1
    _mend_levels(texts)


def _by_size(text: Text, listed: Sequence[tuple[Text, int]]) -> int:
    """Return the level whose headings are nearest in size, or one below where those are larger."""
    size = text.chunk.first.size
    nearest, level = min(
        ((other.chunk.first.size, level) for other, level in listed),
        key=lambda entry: (round(abs(entry[0] - size), 1), entry[1]),
    )
    return level + (nearest > 1.05 * size)


def _unlisted(texts: Sequence[Text], level: int, measures: Measures) -> None:
    """Take bold lines at the beginning of a column's line, with prose under them, for headings below those listed."""
    for before, text, after in zip(texts, texts[1:], texts[2:], strict=False):
        line = text.chunk.first
        if (
            not text.level
            and len(text.chunk.lines) == 1
            and line.bold > 0.9
            and 3 < len(text.text) < 80
            and text.chunk.kind is after.chunk.kind is BlockKind.PARAGRAPH
            and before.chunk.kind is not BlockKind.TABLE
            and after.chunk.first.bold < 0.5
            and not after.chunk.floating
            and same_size(after.chunk.first.size, measures.size)
            and len(after.text) > 40
            and line.x0 < line.left + line.size
            and _may_be(text)
            and _reads_as_heading(text.text)
            and not _NUMBER.match(text.text)
        ):
            text.level = level


def _is_deeper(text: Text, style: tuple[float, bool, bool, bool, str]) -> bool:
    """Say whether a paragraph is a numbered heading of a depth that bookmarks leave out: "5.4.3 Trends." in italics."""
    depth, (_, bold, italic, _, _) = _numbered_level(text.text), style
    return depth >= 2 and (bold or italic) and len(text.text) < 100 and _reads_as_heading(text.text.rstrip("."))


def is_certain(text: Text) -> bool:
    """Say whether a heading is one by more than its type, so that the authors' names are none."""
    return bool(text.level) and (text.listed or _is_named(text.text) or bool(_NUMBER.match(text.text)))


def _run_in(texts: Sequence[Text], bookmarks: Sequence[Bookmark], pages: set[int]) -> None:
    """Mark what a bookmark names at the beginning of a paragraph: "3.3.1 Thiele. The form is ..."."""
    wanted: dict[int, list[Bookmark]] = {}
    for bookmark in bookmarks:
        if bookmark.page in pages and len(bare(bookmark.title)) > 3:
            wanted.setdefault(bookmark.page, []).append(bookmark)
    for text in texts:
        waiting = wanted.get(text.chunk.first.page, [])
        if text.level or not waiting or text.chunk.kind is not BlockKind.PARAGRAPH:
            continue
        rest = _unnumbered(text.text[:_LONGEST])
        for bookmark in waiting[:_MOST_ON_PAGE]:
            title = _unnumbered(bookmark.title)
            if rest.startswith((f"{title}.", f"{title}:")) and len(text.text) > len(title) + 20:
                text.level, text.listed = bookmark.level + 1, True
                text.run_in = text.text.index(title) + len(title) + 1
                waiting.remove(bookmark)
                break


def _like_listed(
    marked: Sequence[Text], listed: Sequence[tuple[Text, int]], bookmarks: Sequence[Bookmark], measures: Measures
) -> None:
    """Take for headings also what looks like those that the bookmarks name: a section without a number, an appendix."""
    known: dict[object, Counter[int]] = {}
    for text, level in listed:
        known.setdefault((style_of(text.chunk), _numbered_level(text.text)), Counter())[level] += 1
    top = min(level for _, level in listed)
    titles = {bare(_unnumbered(bookmark.title)) for bookmark in bookmarks}
    plain = (round(measures.size * 2) / 2, False, False, False, measures.font)
    for text in marked:
        if bare(_unnumbered(text.text)) in titles:
            # An entry of a printed table of contents.
            continue
        style = style_of(text.chunk)
        levels = known.get((style, _numbered_level(text.text)))
        if levels and style != plain and _reads_as_heading(text.text):
            text.level = levels.most_common(1)[0][0]
        elif _is_deeper(text, style):
            text.level = top + _numbered_level(text.text) - 1
        elif _is_named(text.text):
            text.level = _by_size(text, [*listed, *((other, other.level) for other in marked if other.level)])


def whole_headings(texts: Sequence[Text], bookmarks: Sequence[Bookmark]) -> list[Text]:
    """Return the texts with the lines of a heading in one where only a bookmark tells that they are one."""
    titles = {bare(_unnumbered(bookmark.title)) for bookmark in bookmarks}
    whole: list[Text] = []
    for text in texts:
        if titles and whole and _may_be(text) and _may_be(whole[-1]):
            title = f"{whole[-1].text} {text.text}"
            if bare(text.text) and bare(_unnumbered(title)) in titles:
                whole[-1].text = title
                whole[-1].chunk.lines += text.chunk.lines
                continue
        whole.append(text)
    return whole


def _may_be(text: Text) -> bool:
    chunk = text.chunk
    if chunk.kind is BlockKind.CODE or chunk.floating or len(text.text) > _LONGEST or len(chunk.lines) > _MOST_LINES:
        return False
    if chunk.kind is BlockKind.FORMULA and not is_section_name(text.text):
        return False
    return any(map(str.isalpha, text.text)) and not _DATE.fullmatch(text.text)


def _listed(candidates: Sequence[Text], bookmarks: Sequence[Bookmark]) -> list[tuple[Text, int]]:
    """Return the candidates that bookmarks name, in order, with the levels that these have."""
    wanted: dict[str, list[Bookmark]] = {}
    for bookmark in bookmarks:
        wanted.setdefault(bare(_unnumbered(bookmark.title)), []).append(bookmark)
    found: list[tuple[Text, int]] = []
    for text in candidates:
        page = text.chunk.first.page
        waiting = wanted.get(bare(_unnumbered(text.text)), [])
        match = next((mark for mark in waiting if mark.page in (-1, page, page - 1, page + 1)), None)
        if match is not None and text.text[-1:] != ",":
            waiting.remove(match)
            found.append((text, match.level + 1))
    return found


def _ranked(candidates: Sequence[Text], measures: Measures) -> dict[object, int]:
    """Return the levels of the styles of type that headings seem to be set in, larger and bolder first."""
    styles: Counter[tuple[float, bool, bool, bool, str]] = Counter()
    for text in candidates:
        style = style_of(text.chunk)
        size, bold, italic, capitals, _ = style
        large = size > 1.09 * measures.size
        numbered = bool(_NUMBER.match(text.text) or _CHINESE_NUMBER.match(text.text))
        if not _reads_as_heading(text.text):
            continue
        if large or bold or capitals or (italic and numbered):
            styles[style] += 1
    ranked = sorted({(size, bold, capitals) for size, bold, _, capitals, _ in styles}, reverse=True)
    levels = {key: rank + 1 for rank, key in enumerate(ranked)}
    return {style: min(levels[style[0], style[1], style[3]], 4) for style in styles}


def _reads_as_heading(text: str) -> bool:
    first = text[:1]
    return bool(
        (first.isupper() or first.isdigit() or not first.isascii())
        and not _NO_END.search(text)
        and len(text.split()) <= 20
        and sum(map(str.isalpha, text)) >= 0.4 * len(text)
    )


def _is_named(text: str) -> bool:
    return (is_section_name(text) or is_back_matter(text)) and not text[:1].islower() and text[-1:] not in ",;，；"


def _numbered_level(text: str) -> int:
    found = _NUMBER.match(text)
    return found[1].count(".") + 1 if found and found[1] else 0


def _mend_levels(texts: Sequence[Text]) -> None:
    """Let the levels begin with 1 and leave out none."""
    levels = sorted({text.level for text in texts if text.level})
    ranks = {level: rank + 1 for rank, level in enumerate(levels)}
    for text in texts:
        text.level = ranks.get(text.level, 0)


def _unnumbered(text: str) -> str:
    for pattern in (_NUMBER, _CHINESE_NUMBER):
        if number := pattern.match(text):
            return text[number.end() :]
    return text
