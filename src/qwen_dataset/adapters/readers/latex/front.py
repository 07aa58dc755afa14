"""Title and authors: as set large at the top of a document without a title, and out of the ways authors are named."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import attrs

from .marks import ASIDE, ASIDE_END, KEPT_MARK
from .scan import environment_end, group_end

_FIRST = 6_000
_FIRST_SECTION = re.compile(r"\\(?:part|chapter|section|subsection)\b|\\begin\s*\{abstract\}|\\maketitle\b")
_LARGE = re.compile(r"\{\s*(?:\\\w+\s*)?\\(?:large|Large|LARGE|huge|Huge)(?![A-Za-z])")
_CENTER = re.compile(r"\\begin\s*\{center\}")
_NEXT_CENTER = re.compile(
    r"(?:\s|\\(?:v|h)space\*?\{[^{}]*\}|\\(?:vskip|bigskip|medskip|smallskip)[^\n\\]*|\\date\{[^{}]*\})*\\begin\s*\{center\}"
)
_LONGEST_TITLE = 500

_ASIDE = re.compile(f"{ASIDE}[^{ASIDE_END}]*{ASIDE_END}")
_APART = re.compile(r"\\(?:and|And|AND|IEEEauthorblockN)(?![A-Za-z])|\\q?quad(?![A-Za-z])")
_LINE_END = re.compile(r"\\\\(?:\s*\[[^\[\]]*\])?|\\newline(?![A-Za-z])")
# What stands behind a name: marks, notes, addresses.
_RAISED = re.compile(
    r"\\(?:textsuperscript|inst|thanks|footnote|IEEEauthorrefmark|orcidlink|corref|fnref|Mark|authormark)"
    r"\*?\s*(?:\[[^\[\]]*\])?\{[^{}]*\}"
    r"|\\(?:samethanks|footnotemark|dag|ddag|star|ast)(?![A-Za-z])(?:\[[^\[\]]*\])?|\^\{[^{}]*\}"
    r"|\$[^$]*\$|[^\s@]{1,100}@\S{1,100}"
)
_BETWEEN = re.compile(r"\s*(?:[,;&、，；]|(?<=[\s,;、，])(?:and|et|und|和|与)(?=\s))\s*")
_GOES_ON = re.compile(r"(?:[,;&、，]|\band)\s*\Z")
_MARKS = re.compile(r"[\d*†‡§¶∗⋆\s]+\Z")
_PLACE = re.compile(
    r"\b(?:univers|institut|depart|laborat|school|college|faculty|cent(?:er|re)\b|academy|hospital|team\b|corporation"
    r"|research|company)|@|https?:|\d|大学|学院|研究|实验室|公司|中心|系\Z",
    re.IGNORECASE,
)
_SUFFIX = re.compile(
    r"(?:jr|sr|ii|iii|iv|phd|ph\.d|md|m\.d|member|fellow|senior member|student member)\.?", re.IGNORECASE
)
_MOST_WORDS = 7
_LONGEST_NAME = 200


@attrs.frozen
class Named:
    """Title and authors as written, "" where not found."""

    title: str = ""
    authors: str = ""


def displayed_title(body: str) -> tuple[Named, str]:
    """Return the title that a body sets large at its top, its authors, and the body without them.

    Where title, authors and affiliations stand one after the other in centred blocks, these go together.
    """
    section = _FIRST_SECTION.search(body, 0, _FIRST)
    large = _LARGE.search(body, 0, section.start() if section else _FIRST)
    end = group_end(body[: large.start() + _LONGEST_TITLE], large.start()) if large else -1
    if large is None or end < 0:
        return Named(), body
    title = body[large.end() : end - 1]
    centers = list(_CENTER.finditer(body, 0, large.start()))
    opened = centers[-1] if centers else None
    closed = environment_end(body, opened.end(), "center", nests=True)[1] if opened else -1
    if opened is None or closed < end:
        return Named(title), body[: large.start()] + body[end:]
    blocks, after = _centered(body, closed)
    names = next(iter(blocks), "")
    if not names or not authors([names], _bare):
        names, after = "", closed
    return Named(title, names), body[: opened.start()] + "\n\n" + body[after:]


def authors(written: Sequence[str], plain: Callable[[str], str]) -> tuple[str, ...]:
    r"""Return the names in what ``\author`` says, without affiliations, marks and addresses."""
    found: dict[str, None] = {}
    for one in written:
        for part in _APART.split(KEPT_MARK.sub(" ", _ASIDE.sub(" ", one))):
            for entry in _BETWEEN.split(plain(_RAISED.sub(" ", _name_lines(part)))):
                name = _MARKS.sub("", entry[:_LONGEST_NAME]).strip(" *")
                if len(entry) <= _LONGEST_NAME and _is_name(name):
                    found[name] = None
    return tuple(found)


def _name_lines(part: str) -> str:
    """Return the lines of an author's entry that hold names: the first, and what it goes on with."""
    lines = [line for line in _LINE_END.split(part) if line and line.strip()]
    kept: list[str] = []
    for line in lines:
        kept.append(line)
        if not _GOES_ON.search(_RAISED.sub("", line)):
            break
    return " ".join(kept)


def _is_name(name: str) -> bool:
    words = name.split()
    return (
        0 < len(words) <= _MOST_WORDS
        and len(name) <= 80
        and bool(re.search(r"[^\W\d_]{2}", name))
        and not _PLACE.search(name)
        and not _SUFFIX.fullmatch(name)
        and (name[0].isupper() or not name[0].isascii() or len(words) > 1)
    )


def _centered(body: str, position: int) -> tuple[list[str], int]:
    """Return the centred blocks that follow one another at a position, and where they end."""
    found: list[str] = []
    while (begin := _NEXT_CENTER.match(body, position)) is not None:
        inside, end = environment_end(body, begin.end(), "center", nests=True)
        if end < 0:
            break
        found.append(body[begin.end() : inside])
        position = end
    return found, position


def _bare(written: str) -> str:
    return re.sub(r"\\[A-Za-z]+|[{}]", "", written).replace("~", " ")
