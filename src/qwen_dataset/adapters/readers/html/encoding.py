"""Bytes of a web page to text: what the page says of its encoding, believed where the bytes allow it."""

from __future__ import annotations

import codecs
import re

from ....domain.characters import is_utf8
from ..decode import decode

# A browser looks for the declaration in the first kilobyte; pages with long comments put it later.
_HEAD = 4096
_DECLARED = re.compile(
    rb"""<meta\b[^<>]{0,300}?\bcharset\s*=\s*["']?\s*([\w.:-]{1,40})|<\?xml\b[^<>]{0,200}?\bencoding\s*=\s*["']([\w.:-]{1,40})""",
    re.IGNORECASE,
)
# Names as the Encoding Standard of the web reads them: the smaller sets are read as the larger ones that contain them.
_READ_AS = {
    **dict.fromkeys(("gb2312", "gb_2312-80", "gbk", "x-gbk", "gb18030", "chinese"), "gb18030"),
    **dict.fromkeys(("iso-8859-1", "iso8859-1", "latin1", "latin-1", "l1", "us-ascii", "ascii", "cp1252"), "cp1252"),
    **{f"windows-125{digit}": f"cp125{digit}" for digit in range(9)},
    **{f"iso-8859-{number}": f"iso8859-{number}" for number in (*range(2, 9), 10, 13, 14, 15, 16)},
    **dict.fromkeys(("big5", "big5-hkscs"), "big5hkscs"),
    **dict.fromkeys(("shift_jis", "shift-jis", "sjis", "x-sjis"), "cp932"),
    **{name: name.replace("-", "_") for name in ("euc-jp", "euc-kr", "koi8-r", "koi8-u")},
}
_UNICODE_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)


def page_text(data: bytes, *, source: str) -> str:
    """Return the text of a page. Raises ReadError naming ``source`` when the bytes are no text."""
    encoding = None if data.startswith(_UNICODE_MARKS) or is_utf8(data) else _declared(data[:_HEAD])
    if encoding is not None:
        # The checks for what is no text at all are the same for every encoding.
        data = data.decode(encoding, "replace").encode("utf-8")
    return decode(data, source=source)


def _declared(head: bytes) -> str | None:
    found = _DECLARED.search(head)
    name = (found[1] or found[2]).decode("ascii", "replace").lower() if found else ""
    return _READ_AS.get(name)
