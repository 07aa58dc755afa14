"""Bytes of a LaTeX file to text: as every text file, or as its inputenc package says."""

from __future__ import annotations

import re

from ....errors import ReadError
from ..decode import decode, normalise_newlines

_DECLARED = re.compile(
    rb"\\(?:usepackage|RequirePackage)\s*\[([\w, -]{1,100})\]\s*\{inputenc\}|\\inputencoding\{(\w+)\}"
)
# The names of LaTeX's own manual, with what Python calls the same.
_CODECS = {
    "latin1": "cp1252",
    "ansinew": "cp1252",
    "cp1252": "cp1252",
    "latin2": "iso8859-2",
    "latin3": "iso8859-3",
    "latin4": "iso8859-4",
    "latin5": "iso8859-9",
    "latin9": "iso8859-15",
    "latin10": "iso8859-16",
    "applemac": "mac-roman",
    "macce": "mac-latin2",
    "cp437": "cp437",
    "cp850": "cp850",
    "cp852": "cp852",
    "cp1250": "cp1250",
    "cp1251": "cp1251",
    "koi8-r": "koi8-r",
}
_COMMENT = re.compile(rb"(?<!\\)%[^\n\r]*")


def declared_encoding(data: bytes) -> str:
    r"""Return the codec that ``\usepackage[…]{inputenc}`` names, "" where there is none or it is a Unicode one."""
    found = _DECLARED.search(data)
    options = (found[1] or found[2]).decode("ascii", "replace").split(",") if found else []
    return next((_CODECS[option.strip()] for option in options if option.strip() in _CODECS), "")


def decode_latex(data: bytes, *, source: str, declared: str) -> str:
    """Return the text of a file, ``declared`` being the codec to try where it is no Unicode text.

    Raises ReadError naming ``source`` for what is no text, and for a file without any.
    """
    try:
        return decode(data, source=source)
    except ReadError:
        if b"\0" in data or data.startswith(b"%PDF-") or data.isascii():
            raise
        if declared:
            return normalise_newlines(data.decode(declared, "replace"))
        try:
            # Names in another encoding often stand in comments only, which nobody reads.
            return decode(_COMMENT.sub(b"%", data), source=source)
        except ReadError:
            pass
        raise
