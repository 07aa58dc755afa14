r"""TeX accents as records of metadata have them (``Dra\v{s}ki\'c``) to the letters they stand for."""

from __future__ import annotations

import re
import unicodedata

_COMBINING = {
    "'": "\u0301",
    "`": "\u0300",
    "^": "\u0302",
    '"': "\u0308",
    "~": "\u0303",
    "=": "\u0304",
    ".": "\u0307",
    "u": "\u0306",
    "v": "\u030c",
    "H": "\u030b",
    "c": "\u0327",
    "k": "\u0328",
    "r": "\u030a",
    "d": "\u0323",
    "b": "\u0331",
}
_LETTERS = {
    "ss": "ß",
    "o": "ø",
    "O": "Ø",
    "l": "ł",
    "L": "Ł",
    "ae": "æ",
    "AE": "Æ",
    "oe": "œ",
    "OE": "Œ",
    "aa": "å",
    "AA": "Å",
    "i": "ı",
    "j": "ȷ",
    "dh": "ð",
    "DH": "Ð",
    "th": "þ",
    "TH": "Þ",
    "dj": "đ",
    "DJ": "Đ",
}
_DOTLESS = {"ı": "i", "ȷ": "j", "\\i": "i", "\\j": "j"}
# An accent by a sign needs no space before its letter, one by a letter does, or braces.
_ACCENT = re.compile(
    r"""\{?\\(?:(?P<sign>['`^"~=.])\s*(?:\{(?P<a>\\[ij]|[^\W\d_])\}|(?P<b>\\[ij](?:\{\}|(?![A-Za-z]))|[^\W\d_]))"""
    r"""|(?P<name>[uvHckrdb])(?:\s*\{(?P<c>\\[ij]|[^\W\d_])\}|\s+(?P<d>\\[ij](?:\{\}|(?![A-Za-z]))|[^\W\d_])))(?P<closed>\}?)"""
)
_NAMES = "|".join(_LETTERS)
_LETTER = re.compile(rf"\{{\\({_NAMES})\s*\}}|\\({_NAMES})(?:\{{\}}|\s+|(?![A-Za-z]))")
_FORMULA = re.compile(r"(\$[^$]{1,2000}\$)")
_ESCAPED = re.compile(r"\\([&%#_])")


def without_accents(text: str) -> str:
    """Return a text with its TeX accents and special letters as Unicode; formulas between dollars as they are."""
    if "\\" not in text:
        return text
    parts = _FORMULA.split(text)
    return "".join(part if i % 2 else _letters(part) for i, part in enumerate(parts))


def _letters(text: str) -> str:
    text = _ACCENT.sub(_accented, text)
    text = _LETTER.sub(lambda found: _LETTERS[found[1] or found[2]], text)
    return _ESCAPED.sub(r"\1", text)


def _accented(found: re.Match[str]) -> str:
    letter = (found["a"] or found["b"] or found["c"] or found["d"]).removesuffix("{}")
    sign = found["sign"] or found["name"]
    made = unicodedata.normalize("NFC", _DOTLESS.get(letter, letter) + _COMBINING[sign])
    # A brace that was opened before the accent is closed behind it.
    opened, closed = found[0].startswith("{"), found["closed"]
    return made if opened == bool(closed) else ("{" if opened else "") + made + closed
