"""Bytes of a text file to text with line feeds, or a ReadError that says what the bytes are instead."""

from __future__ import annotations

import codecs
import unicodedata

from ...domain.papers import detect_language
from ...errors import ReadError

_BOMS = (
    # UTF-32 first: its little-endian mark begins with the one of UTF-16.
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\v\f\r")) + b"\x7f"
# A text file may hold a stray escape sequence; a binary one is full of control characters.
_MOST_CONTROLS = 0.05
# Below this share of broken characters a file is UTF-8 that was damaged, not another encoding.
_DAMAGED = 0.05
# So many characters without one of the last third of the common ones are no Chinese.
_TELLING = 24


def decode(data: bytes, *, source: str) -> str:
    """Return the text of ``data`` with CRLF and CR as LF and without a byte order mark.

    UTF-8, UTF-16 and UTF-32 with a byte order mark, and GB18030 when that gives Chinese text. Raises ReadError naming
    ``source`` for anything else, and for a file without any text.
    """
    text = normalise_newlines(_decode(data, source))
    if not text or text.isspace():
        raise ReadError(f"{source} holds no text")
    return text


def normalise_newlines(text: str) -> str:
    """Return the text with every line ended by LF alone."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _decode(data: bytes, source: str) -> str:
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return _strict(data, encoding, source)
    if b"\0" in data:
        raise ReadError(f"{source} is not a text file: it holds NUL bytes")
    if len(data) - len(data.translate(None, _CONTROLS)) > _MOST_CONTROLS * len(data):
        raise ReadError(f"{source} is not a text file: it is full of control characters")
    if data.startswith(b"%PDF-"):
        raise ReadError(f"{source} is not a text file: it is a PDF document")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        position = error.start
    chinese = _chinese(data)
    if chinese is None:
        raise ReadError(
            f"{source} is not a text file in a known encoding: byte {position} is not UTF-8, and the file is not"
            " Chinese GB18030 either; save it as UTF-8"
        )
    return chinese


def _strict(data: bytes, encoding: str, source: str) -> str:
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise ReadError(
            f"{source} is not a text file: it begins as {error.encoding} but byte {error.start} is not"
        ) from None
    if "\0" in text:
        raise ReadError(f"{source} is not a text file: it holds NUL characters")
    return text


def _chinese(data: bytes) -> str | None:
    """Return ``data`` read as GB18030 if it is, else None.

    Almost any bytes are some GB18030, so the result must read as Chinese, of characters that are in use: UTF-8 with a
    few broken bytes, Big5 and Shift_JIS are in GB18030 texts of rare ones.
    """
    loose = data.decode("utf-8", "replace")
    foreign = len(loose) - len(loose.encode("ascii", "ignore"))
    if loose.count("\ufffd") < _DAMAGED * foreign:
        return None
    try:
        text = data.decode("gb18030")
    except UnicodeDecodeError:
        return None
    return text if detect_language(text) == "zh" and _is_in_use(text) else None


def _is_in_use(text: str) -> bool:
    """Say whether at least half of the foreign letters are of the common Chinese characters, and not only the first.

    Korean's syllables in EUC-KR stand where the first two thirds of the common ones do. Nobody writes Chinese without
    the rest: the words for "is", "I" and "in" are there.
    """
    letters = [
        letter for letter in text if not letter.isascii() and unicodedata.category(letter) in {"Lo", "Ll", "Lu", "Co"}
    ]
    # The standard of 1980 has the 3,755 common ones first, and apart.
    pairs = "".join(letter for letter in letters if "\u4e00" <= letter <= "\u9fff").encode("gb2312", "ignore")
    leads = pairs[::2]
    is_korean = len(leads) >= _TELLING and all(lead <= 0xC8 for lead in leads)
    return 2 * sum(0xB0 <= lead <= 0xD7 for lead in leads) >= len(letters) and not is_korean
