"""Headings of plain text, recognised conservatively: a missed heading costs little, a false one cuts a paper apart."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

import attrs

from .build import is_section_name

_LONGEST = 120
_MOST_WORDS = 16
_UNDERLINE = re.compile(r"([=\-~^\"'`#*+.:_])\1{2,}\s*")
_NUMBERED = re.compile(r"(\d{1,2}(?:\.\d{1,2}){0,4}|[A-Z](?:\.\d{1,2}){1,4})(\.?)[ \t]+(\S.*)")
_NUMBER_ALONE = re.compile(r"(?:\d{1,2}\.|\d{1,2}(?:\.\d{1,2}){1,4}\.?)")
_ROMAN = re.compile(r"([IVX]{1,5})\.?[ \t]+(\S.*)")
_LETTER = re.compile(r"([A-H])(\.?)[ \t]+(\S.*)")
_CHAPTER = re.compile(r"第[一二三四五六七八九十百\d]{1,4}([章篇节])[ \t　]*\S?.{0,40}")
_CHINESE = re.compile(r"[一二三四五六七八九十]{1,3}[、．.][ \t　]*(\S.{0,30})")
_CHINESE_SECOND = re.compile(r"[（(][一二三四五六七八九十]{1,3}[)）][ \t　]*(\S.{0,30})")
_THANKS = re.compile(r"(acknowledge?ments?)\s*[.:—–]+[\s—–]*(?=\S)", re.IGNORECASE)
_ENDS = ".,;:。，；：、!?！？…"


@attrs.frozen(kw_only=True)
class Found:
    """A heading in lines ``first`` up to but without ``last``; ``length`` is 0 or how much of the last line it is."""

    level: int
    title: str
    first: int
    last: int
    length: int = 0
    style: str = ""
    number: tuple[str, ...] = ()


@attrs.define
class _State:
    lines: Sequence[str]
    closed: Sequence[int]
    first: int
    styles: list[str] = attrs.Factory(list)
    chapters: bool = False
    romans: bool = False

    def blank(self, i: int) -> bool:
        return i < self.first or i >= len(self.lines) or not self.lines[i].strip()

    def alone(self, i: int) -> bool:
        return self.blank(i - 1) and self.blank(i + 1)


def find_headings(lines: Sequence[str], closed: Sequence[int], first: int) -> Iterator[Found]:
    """Yield the headings in ``lines[first:]`` in order. Lines whose ``closed`` is true stand in an atom."""
    above: list[tuple[str, ...]] = []
    for found in _find(lines, closed, first):
        # 4.1 stands below 4, not below whatever came before it: a dump may have lost the heading of 4.
        while above and (found.number[: len(above[-1])] != above[-1] or found.number == above[-1]):
            above.pop()
        if found.number:
            above.append(found.number)
        yield attrs.evolve(found, level=len(above)) if found.number else found


def _find(lines: Sequence[str], closed: Sequence[int], first: int) -> Iterator[Found]:
    state = _State(lines, closed, first)
    i = first
    while i < len(lines):
        line = lines[i].strip()
        found = None
        if line and len(line) <= _LONGEST and not closed[i]:
            found = _underlined(state, i, line)
            if found is None and not (i + 1 < len(lines) and _UNDERLINE.fullmatch(line)):
                found = _numbered(state, i, line) or _chinese(state, i, line) or _named(state, i, line)
        if found is None and line and not closed[i] and state.blank(i - 1) and (run_in := _THANKS.match(lines[i])):
            found = Found(level=1, title=run_in[1], first=i, last=i + 1, length=run_in.end())
        if found is None:
            i += 1
        else:
            yield found
            i = found.last


def _underlined(state: _State, i: int, line: str) -> Found | None:
    """Find a title with a line of punctuation under it, and perhaps one over it; the level is the order of styles."""
    title, at, over = line, i, ""
    if _UNDERLINE.fullmatch(line) and i + 2 < len(state.lines) and state.blank(i - 1):
        title, at, over = state.lines[i + 1].strip(), i + 1, line[0]
    if at + 1 >= len(state.lines) or state.closed[at + 1] or not (over or state.blank(at - 1)):
        return None
    under = state.lines[at + 1].rstrip()
    if not _UNDERLINE.fullmatch(under) or (over and under[0] != over) or _UNDERLINE.fullmatch(title):
        return None
    if len(under) < 0.75 * len(title) or not _has_letter(title):
        return None
    style = over + under[0]
    if style not in state.styles:
        state.styles.append(style)
    return Found(level=1 + state.styles.index(style), title=title, first=i, last=at + 2, style=style)


def _numbered(state: _State, i: int, line: str) -> Found | None:
    if found := _NUMBERED.fullmatch(line):
        number = tuple(found[1].split("."))
        titled = _reads_as_title(found[3], digits=len(number) > 1) and not _in_list(state, i, found[1])
        if is_section_name(found[3]) or (state.alone(i) and titled):
            return Found(level=len(number), title=line, first=i, last=i + 1, number=number)
        return None
    if _NUMBER_ALONE.fullmatch(line) and state.alone(i) and state.alone(i + 2) and i + 2 < len(state.lines):
        # What a PDF gives when the number and the title are two boxes.
        title = state.lines[i + 2].strip()
        if _reads_as_title(title) and not state.closed[i + 2] and not _NUMBERED.fullmatch(title):
            number = tuple(line.rstrip(".").split("."))
            return Found(level=len(number), title=f"{line} {title}", first=i, last=i + 3, number=number)
    return _lettered(state, i, line)


def _lettered(state: _State, i: int, line: str) -> Found | None:
    roman = _ROMAN.fullmatch(line)
    if roman and "." in line[:6] and _reads_as_title(roman[2]) and (state.alone(i) or roman[2].isupper()):
        state.romans = True
        return Found(level=1, title=line, first=i, last=i + 1)
    letter = _LETTER.fullmatch(line)
    # "A. Title" is a subsection below roman numbers, "B Title" an appendix; "A. Name" before both is an author.
    if letter and state.alone(i) and _reads_as_title(letter[3]) and (state.romans or not letter[2]):
        return Found(level=2 if letter[2] else 1, title=line, first=i, last=i + 1)
    return None


def _chinese(state: _State, i: int, line: str) -> Found | None:
    if line[-1] in _ENDS:
        return None
    if chapter := _CHAPTER.fullmatch(line):
        state.chapters = True
        return Found(level=2 if chapter[1] == "节" else 1, title=line, first=i, last=i + 1)
    for pattern, level in ((_CHINESE, 1), (_CHINESE_SECOND, 2)):
        found = pattern.fullmatch(line)
        if found and (is_section_name(found[1]) or state.blank(i - 1)) and not re.search("[，。；]", found[1]):
            return Found(level=level + state.chapters, title=line, first=i, last=i + 1)
    return None


def _named(state: _State, i: int, line: str) -> Found | None:
    """Find a title without a number: one that every paper has, or capitals on a line of their own."""
    if is_section_name(line) and (line[0].isupper() or not line[0].isascii()) and line[-1] not in ",;，；":
        if state.blank(i - 1) or state.blank(i + 1) or _stands_apart(state, i):
            return Found(level=1, title=line.rstrip(" .:：—-"), first=i, last=i + 1)
        return None
    words = line.split()
    if (
        line.isupper()
        and state.alone(i)
        and len(words) <= 10
        and max(len(word) for word in words) >= 4
        and sum(character.isalpha() or character.isspace() for character in line) >= 0.85 * len(line)
        and line.isascii()
        and not _in_capitals(state, i)
    ):
        return Found(level=1, title=line, first=i, last=i + 1)
    return None


def _stands_apart(state: _State, i: int) -> bool:
    """Say whether a line between two others is no part of their sentence ("... which gave the / Results / of ...")."""
    return state.lines[i - 1].rstrip()[-1] in ".。!?！？:：)]" or not state.lines[i + 1].lstrip()[0].islower()


def _reads_as_title(title: str, *, digits: bool = False) -> bool:
    if not title or title[-1] in _ENDS or len(title) > _LONGEST or len(title.split()) > _MOST_WORDS:
        return False
    first = title[0]
    if not (
        first.isupper()
        or unicodedata.category(first) == "Lo"
        or (first == "$" and _has_letter(title))
        or (digits and first.isdigit())
    ):
        return False
    return "=" not in re.sub(r"\$[^$]*\$", "", title) and sum(map(str.isalpha, title)) >= 0.5 * len(title) - 5


def _in_list(state: _State, i: int, number: str) -> bool:
    """Say whether the items before or after carry a number of the same depth: then this is a list, not a heading."""
    for step in (-1, 1):
        j = i + step
        for _ in range(4):
            if not state.blank(j) or not state.first <= j < len(state.lines):
                break
            j += step
        if state.first <= j < len(state.lines):
            other = _NUMBERED.match(state.lines[j].strip())
            if other and other[1].count(".") == number.count("."):
                return True
    return False


def _in_capitals(state: _State, i: int) -> bool:
    """Say whether the text around is capitals as well, so that capitals mean nothing here."""
    return any(
        0 <= j < len(state.lines) and state.lines[j].strip().isupper() and len(state.lines[j]) > _LONGEST
        for j in (i - 2, i + 2)
    )


def _has_letter(text: str) -> bool:
    return any(map(str.isalpha, text))
