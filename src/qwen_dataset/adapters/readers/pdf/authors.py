"""The authors of a paper, from what its file says or from the lines under its title. Best effort."""

from __future__ import annotations

import re
from collections.abc import Sequence

_PARTS = re.compile(r"\s*(?:,|;|&|\band\b|、|，|；|·|\n)\s*")
_MARKS = re.compile(
    r"[⁰¹²³⁴-⁹*†‡§¶∗‖#⋆★]+|\[\d+\]|(?<=[^\W\d_])\d+(?:\s*,\s*\d+)*|\b\d+(?:\s*,\s*\d+)*\b|\b(?:Dr|Prof)\.\s"
)
_NAME = re.compile(
    r"(?:[^\W\d_][^\W\d_.'’`-]*\.?(?:[-'’`][^\W\d_]+\.?)*\s+){1,4}[^\W\d_][^\W\d_'’`-]*(?:[-'’`][^\W\d_]+)*\.?"
)
_CHINESE = re.compile(r"[\u4e00-\u9fff]{2,4}")
_PARTICLES = re.compile(r"van|von|de|der|den|del|della|di|da|dos|du|la|le|el|al|bin|ibn|ter|ten|zu|zur|af|av|y|e")
_NO_NAME = re.compile(
    r"universit|institut|department|school|laborator|college|centre|center|faculty|academy|company|corporation|group"
    r"|inc\.|ltd|e-?mail|@|http|www|abstract|received|author|copyright|licen[cs]e|version|draft|the\b|proceedings|journal"
    r"|quantum|research|science|technolog|physics|release|team|all rights",
    re.IGNORECASE,
)
_ADDRESS = re.compile(
    r"universit|institut|department|school of|laborator|college|centre|center for|faculty|academy|e-?mail|@|copyright"
    r"|all rights reserved|corresponding author|(?:inc|ltd|gmbh|corp)\.|大学|学院|研究所|研究院|实验室|公司",
    re.IGNORECASE,
)
_SUFFIX = re.compile(r"(?:jr|sr|ph\.?d|md|ieee|fellow|member|student member|senior member|ii|iii)\.?", re.IGNORECASE)
_DATE = re.compile(
    r"(?:january|february|march|april|may|june|july|august|september|october|november|december)\b.{0,8}\d{4}|\d{4}年",
    re.IGNORECASE,
)
_MOST = 200
_LONGEST = 10_000


def find_authors(named: str, front: Sequence[str]) -> tuple[str, ...]:
    """Return the authors that a file names, else those on the first of the lines ``front`` that hold names."""
    if names := _names(named, strict=False):
        return names
    found: list[str] = []
    for text in front[:6]:
        names = _names(text, strict=True)
        if not names:
            if found:
                break
            continue
        found += names
    return tuple(dict.fromkeys(found))[:_MOST]


def _names(text: str, *, strict: bool) -> tuple[str, ...]:
    """Return the names of a list of names; with ``strict`` none unless nearly all of its parts are names."""
    text = text[:_LONGEST]
    parts = [" ".join(part.split()) for part in _PARTS.split(_MARKS.sub(" ", text.replace(" | ", ", ")))]
    parts = [part.strip(" .|") for part in parts]
    parts = [part for part in parts if part and not _SUFFIX.fullmatch(part)]
    names = [part for part in parts if _is_name(part)]
    if not strict:
        return tuple(names or parts)[:_MOST]
    return tuple(names)[:_MOST] if names and len(names) >= 0.75 * len(parts) else ()


def _is_name(part: str) -> bool:
    if _CHINESE.fullmatch(part):
        return True
    if len(part) > 60 or _NO_NAME.search(part) or not _NAME.fullmatch(part):
        return False
    return all(word[0].isupper() or bool(_PARTICLES.fullmatch(word.casefold())) for word in part.split())


def is_address(text: str) -> bool:
    """Say whether a paragraph under a title holds names, addresses or a date and not the beginning of the paper."""
    if len(text) > 400:
        return False
    address = len(text) < 250 and _ADDRESS.search(text)
    return bool(_names(text, strict=True) or address or _DATE.search(text[:40]) or text[0] in "¹²³*†")
