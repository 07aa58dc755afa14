"""A PDF file opened, bounded and read into pages by PDFium; what is wrong with it in one sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import attrs

from ....errors import ReadError
from .expansion import MAX_UNPACKED, unpacks_to_too_much
from .letters import fold
from .runs import Page, RunReader

# Far above any paper or thesis; a file beyond is a collection, or made to fill memory.
MAX_PAGES = 5_000
MAX_CHARACTERS = 10_000_000
_MAX_BOOKMARKS = 5_000
_WRONG_PASSWORD = 4
_UNKNOWN_SECURITY = 5
# PDFium looks for the header in the first kilobyte.
_HEADER_WITHIN = 1024
_TRAILER_WITHIN = 2048
# A page of the densest print holds some ten thousand characters.
MAX_PAGE_CHARACTERS = 200_000


@attrs.frozen(kw_only=True)
class Bookmark:
    """An entry of a document's own table of contents; ``page`` counts from 0 and is -1 where it is not known."""

    level: int
    title: str
    page: int


@attrs.frozen(kw_only=True)
class Document:
    """What a PDF file holds, as far as a reader of text is concerned."""

    pages: list[Page]
    title: str
    author: str
    bookmarks: tuple[Bookmark, ...]
    warnings: tuple[str, ...]


def read_document(data: bytes, *, source: str) -> Document:
    """Return the text of a PDF with its places. Raises ReadError naming ``source``."""
    if not data or data.isspace():
        raise ReadError(f"{source} is empty")
    if b"%PDF-" not in data[:_HEADER_WITHIN]:
        raise ReadError(f"{source} is no PDF file: it does not begin as one")
    if unpacks_to_too_much(data):
        raise ReadError(
            f"{source} unpacks to more than {MAX_UNPACKED // 1024**2:,} MB of text and drawings, more than any paper"
        )
    with _opened(data, source) as document:
        count = len(document)
        if count == 0:
            raise ReadError(f"{source} has no pages")
        if count > MAX_PAGES:
            raise ReadError(f"{source} has {count:,} pages; at most {MAX_PAGES:,} are read: split it into papers")
        pages, broken = _pages(document, count, source)
        if not any(page.runs for page in pages):
            if broken == count:
                raise ReadError(f"{source} is damaged: none of its {count:,} pages can be read")
            if _shows_pictures(document, count):
                raise ReadError(f"{source} holds pictures of text and no text; run OCR first")
            raise ReadError(f"{source} holds no text: its pages are empty")
        metadata = document.get_metadata_dict(skip_empty=True)
        return Document(
            pages=pages,
            title=_tidy(metadata.get("Title", "")),
            author=_tidy(metadata.get("Author", "")),
            bookmarks=tuple(_bookmarks(document)),
            warnings=tuple(_warnings(pages, broken)),
        )


@contextmanager
def _opened(data: bytes, source: str) -> Iterator[Any]:
    import pypdfium2  # type: ignore[import-untyped]  # noqa: PLC0415 - an extra, and slow to import

    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        # PDFium does not set its error for every failure: what it says may be about the file before.
        if error.err_code in (_WRONG_PASSWORD, _UNKNOWN_SECURITY) and b"/Encrypt" in data:
            raise ReadError(f"{source} is protected by a password; save it without one") from None
        if b"%%EOF" in data[-_TRAILER_WITHIN:]:
            raise ReadError(f"{source} is a damaged PDF file: it cannot be opened; get it again") from None
        raise ReadError(
            f"{source} is a PDF file that is cut off or damaged: it cannot be opened; get it again"
        ) from None
    try:
        yield document
    finally:
        document.close()


def _pages(document: Any, count: int, source: str) -> tuple[list[Page], int]:
    """Return the pages, and how many of them could not be read; those are empty."""
    from pypdfium2 import PdfiumError  # noqa: PLC0415 - as above

    reader = RunReader()
    pages: list[Page] = []
    total = broken = 0
    for number in range(count):
        try:
            with _closing(document[number]) as page, _closing(page.get_textpage()) as textpage:
                characters = textpage.count_chars()
                total += characters
                if characters > MAX_PAGE_CHARACTERS or total > MAX_CHARACTERS:
                    raise ReadError(_too_much(source, number, characters))
                pages.append(reader.read(textpage, characters, page.get_cropbox()))
        except PdfiumError:
            broken += 1
            pages.append(Page(left=0, bottom=0, width=0, height=0, runs=[]))
    return pages, broken


def _too_much(source: str, number: int, characters: int) -> str:
    if characters > MAX_PAGE_CHARACTERS:
        return f"{source} holds {characters:,} characters on page {number + 1}, more than any page of a paper"
    return f"{source} holds more than {MAX_CHARACTERS:,} characters of text, more than any paper"


def _shows_pictures(document: Any, count: int) -> bool:
    """Say whether the first pages, all without text, show pictures: that is what a scanner makes."""
    from pypdfium2 import raw  # noqa: PLC0415 - as above

    for number in range(min(count, 5)):
        with _closing(document[number]) as page:
            if any(True for _ in page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE], max_depth=3)):
                return True
    return False


@contextmanager
def _closing(opened: Any) -> Iterator[Any]:
    try:
        yield opened
    finally:
        opened.close()


def _bookmarks(document: Any) -> Iterator[Bookmark]:
    # Entries may point at each other in a circle; PDFium's wrapper stops there and at a depth.
    for count, entry in enumerate(document.get_toc(max_depth=6)):
        if count >= _MAX_BOOKMARKS:
            return
        title = _tidy(entry.get_title() or "")
        if title:
            target = entry.get_dest()
            page = target.get_index() if target else None
            yield Bookmark(level=entry.level, title=title, page=-1 if page is None else page)


def _warnings(pages: list[Page], broken: int) -> Iterator[str]:
    if broken:
        yield f"{broken:,} of its {len(pages):,} pages cannot be read and are left out"
    empty = sum(not page.runs for page in pages) - broken
    if empty > 0.2 * len(pages) and empty > 1:
        yield f"{empty:,} of its {len(pages):,} pages hold no text; if they are scanned, run OCR first"


def _tidy(text: str) -> str:
    return " ".join(re.sub(r"\s+", " ", fold(text.replace("\n", " ").replace("\r", " "))).split())
