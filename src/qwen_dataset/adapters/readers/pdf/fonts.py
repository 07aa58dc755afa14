"""What a font's name says about the text that is set in it."""

from __future__ import annotations

import re
from typing import NamedTuple

_MONO = re.compile(
    r"mono|courier|consol|menlo|typewriter|inconsolata|\bhack\b|cmtt|cmsltt|sftt|ectt|lmtt|lmtypewriter|txtt|pxtt|\bpcr"
    r"|firacode|sourcecode|lettergothic|ocr|fixed|nimbusmon",
    re.IGNORECASE,
)
_BOLD = re.compile(r"bold|black|heavy|cmbx|cmssbx|sfbx|ecbx|medi(?:ital)?$|demi|semib|-bd", re.IGNORECASE)
_ITALIC = re.compile(r"ital|obli|cmti|sfti|ecti|slant|cmsl", re.IGNORECASE)
_MATH = re.compile(
    r"cmmi|cmsy|cmex|cmbsy|cmmib|msam|msbm|eufm|eusm|rsfs|stmary|wasy|math|txsy|txmi|pxsy|pxmi|mtmi|mtsy|mtex|^symbol"
    r"|katex_(?!main|typewriter)|euex|bbm|dsrom|dsfont",
    re.IGNORECASE,
)
# Fonts that draw frames and circles.
_DRAWING = re.compile(r"lcircle|linew?10|xyatip|xybtip|xycirc|xydash|xybsql", re.IGNORECASE)
_FIXED_PITCH, _SLANTED = 1, 64


class Font(NamedTuple):
    """What a run's font says about its meaning."""

    name: str = ""
    mono: bool = False
    bold: bool = False
    italic: bool = False
    math: bool = False
    drawing: bool = False
    key: int = 0


def font_of(name: str, flags: int, key: int) -> Font:
    """Return the font of a PDF base name (perhaps with the prefix of a subset), with its descriptor's flags."""
    name = name.rsplit("+", 1)[-1]
    return Font(
        name=name,
        mono=bool(flags & _FIXED_PITCH or _MONO.search(name)),
        bold=bool(_BOLD.search(name)),
        italic=bool(flags & _SLANTED or _ITALIC.search(name)),
        math=bool(_MATH.search(name)),
        drawing=bool(_DRAWING.search(name)),
        key=key,
    )
