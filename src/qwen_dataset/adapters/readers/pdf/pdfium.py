"""PDFium's functions, called with plain integers, and the two questions that need many pdfium.

PDFium is asked about few characters: every call costs as much as extracting half a character. The characters of one
text object stand together, so the ends of a run are found by bisection.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import lru_cache
from itertools import repeat
from typing import Any

import attrs

# In the text of a page: a hyphen at the end of a line, which PDFium has taken off.
HYPHEN = "\ufffe"


@attrs.frozen
class Calls:
    """PDFium's functions with plain integers as handles: called so often that converting arguments would cost most."""

    text: Callable[..., int]
    unicode: Callable[..., int]
    is_hyphen: Callable[..., int]
    object: Callable[..., int | None]
    origin: Callable[..., int]
    box: Callable[..., int]
    matrix: Callable[..., int]
    size: Callable[..., float]
    font: Callable[..., int | None]
    font_name: Callable[..., int]
    font_flags: Callable[..., int]


@lru_cache(maxsize=1)
def calls() -> Calls:
    """Return the functions. Raises ModuleNotFoundError where pypdfium2 is not installed."""
    from pypdfium2 import raw  # type: ignore[import-untyped]  # noqa: PLC0415 - an extra, and slow to import

    integer, handle, size = ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t

    def call(name: str, result: Any, *arguments: Any) -> Callable[..., Any]:
        address = ctypes.cast(getattr(raw, name), ctypes.c_void_p).value
        return ctypes.PYFUNCTYPE(result, *arguments)(address)  # type: ignore[arg-type]

    return Calls(
        text=call("FPDFText_GetText", integer, handle, integer, integer, handle),
        unicode=call("FPDFText_GetUnicode", ctypes.c_uint, handle, integer),
        is_hyphen=call("FPDFText_IsHyphen", integer, handle, integer),
        object=call("FPDFText_GetTextObject", handle, handle, integer),
        origin=call("FPDFText_GetCharOrigin", integer, handle, integer, handle, handle),
        box=call("FPDFText_GetLooseCharBox", integer, handle, integer, handle),
        matrix=call("FPDFText_GetMatrix", integer, handle, integer, handle),
        size=call("FPDFText_GetFontSize", ctypes.c_double, handle, integer),
        font=call("FPDFTextObj_GetFont", handle, handle),
        font_name=call("FPDFFont_GetBaseFontName", size, handle, handle, size),
        font_flags=call("FPDFFont_GetFlags", integer, handle),
    )


def characters(pdfium: Calls, handle: int, count: int) -> str:
    """Return exactly one character for each of PDFium's, halves of surrogate pairs and ``HYPHEN`` included."""
    buffer = (ctypes.c_ushort * (2 * count + 2))()
    written = pdfium.text(handle, 0, count, ctypes.addressof(buffer))
    text = bytes(memoryview(buffer).cast("B")[: 2 * max(0, written - 1)]).decode("utf-16-le", "replace")
    if len(text) == count:
        return text
    if written - 1 == count:
        # Characters beyond the first plane are two each, here as for PDFium.
        return "".join(map(chr, buffer[:count]))
    # Some characters have no text (a symbol without a name) or two: ask for each.
    codes = list(map(pdfium.unicode, repeat(handle), range(count)))
    characters = [chr(code) if 2 < code <= 0x10FFFF else "\x01" for code in codes]
    for i, code in enumerate(codes):
        if code == 2 and pdfium.is_hyphen(handle, i) == 1:
            characters[i] = HYPHEN
        elif code == 0xFFFE:
            characters[i] = "\x01"
    return "".join(characters)


def uniform(pdfium: Calls, handle: int, text: str, start: int, end: int) -> list[tuple[int, int, int]]:
    """Return the stretches of ``text[start:end]`` that belong to one text object each, without spaces around them."""
    while start < end and text[start] == " ":
        start += 1
    while end > start and text[end - 1] == " ":
        end -= 1
    if start == end:
        return []
    owner = pdfium.object
    first, last = owner(handle, start) or 0, owner(handle, end - 1) or 0
    if first == last:
        return [(start, end, first)]
    found: list[tuple[int, int, int]] = []
    begun, current = start, first
    waiting = [(start, first, end - 1, last)]
    while waiting:
        low, first, high, last = waiting.pop()
        if first == last:
            continue
        if high - low > 1:
            middle = (low + high) // 2
            # A space that PDFium put in belongs to no object.
            between = owner(handle, middle) or (owner(handle, middle + 1) if middle + 1 < high else 0) or first
            waiting += ((middle, between, high, last), (low, first, middle, between))
        elif last != current:
            _add(found, text, begun, high, current)
            begun, current = high, last
    _add(found, text, begun, end, current)
    return found


def _add(found: list[tuple[int, int, int]], text: str, start: int, end: int, owner: int) -> None:
    while start < end and text[start] == " ":
        start += 1
    while end > start and text[end - 1] == " ":
        end -= 1
    if start < end:
        found.append((start, end, owner))
