"""What kind of file begins so: standard input has no name that would tell."""

from __future__ import annotations

import re
import zlib

from .unpack import PACKED

LONG_BEGIN = 64 * 1024
"""As many bytes are enough: for what may stand in front of a page or of LaTeX, and for a first line of JSON."""

_GZIP = b"\x1f\x8b"
# How what comes on standard input may begin, behind blanks; anything else is text. JSON is one of the lines of a dump
# where the first line ends an object, or is so long that its end is not seen.
_KINDS = (
    (re.compile(rb"%PDF-"), ".pdf"),
    (re.compile(rb"(?is)(?:<\?xml[^>]*>\s*)?(?:<!--(?:(?!-->).)*-->\s*)*<(?:!doctype\s+)?html\b"), ".html"),
    (re.compile(rb"(?:%[^\r\n]*[\r\n]\s*)*\\document(?:class|style)\b"), ".tex"),
    (re.compile(rb"\{[^\r\n]*(?:\}[ \t]*[\r\n]|\Z)"), ".jsonl"),
    (re.compile(rb"\{|\[\s*[\]{]"), ".json"),
)


def suffix_for(begin: bytes) -> str:
    """Return the suffix of a file that begins so."""
    packed = ""
    if begin.startswith(_GZIP):
        packed = PACKED
        try:
            begin = zlib.decompressobj(wbits=31).decompress(begin, LONG_BEGIN)
        except zlib.error:
            begin = b""  # its reader will tell
    start = begin.removeprefix(b"\xef\xbb\xbf").lstrip()
    return next((suffix for mark, suffix in _KINDS if mark.match(start)), ".txt") + packed
