"""A list of references that was typed by hand, below a heading that does not say so."""

from __future__ import annotations

import re

from . import marks
from .layout import Paragraph

_READING = re.compile(
    r"\s*(?:(?:suggestions for |suggested |recommended |selected |additional )?(?:further |background )?readings?"
    r"(?: list)?"
    r"|literature|sources|notes|bibliographical notes|extended reading|延伸阅读|扩展阅读|推荐阅读|文献)\s*",
    re.IGNORECASE,
)
_YEAR = re.compile(r"(?<!\d)(?:1[6-9]|20)\d\d(?!\d)")
_COMMAND = re.compile(r"\\[A-Za-z]+\*?|[{}]")
_NAMES = ("References", "参考文献")


def name_references(found: list[Paragraph], *, chinese: bool) -> list[Paragraph]:
    """Return the paragraphs with a heading above each list of references at the end of a section of further reading.

    A list is one of references when at least half of its items name a year.
    """
    named: list[Paragraph] = []
    for i, paragraph in enumerate(found):
        named.append(paragraph)
        if paragraph.role != marks.HEADING or not paragraph.kind.isdigit():
            continue
        if _READING.fullmatch(_COMMAND.sub("", paragraph.written)) and _lists_references(found, i + 1):
            level = min(9, int(paragraph.kind) + 1)
            named.append(Paragraph(_NAMES[chinese], marks.HEADING, str(level)))
    return named


def _lists_references(found: list[Paragraph], start: int) -> bool:
    items = years = 0
    for paragraph in found[start : start + 1_000]:
        if paragraph.role in (marks.HEADING, marks.SECTION_END):
            break
        if paragraph.role != marks.ITEM:
            return False
        items += 1
        years += bool(_YEAR.search(paragraph.written))
    return 0 < items <= 2 * years
