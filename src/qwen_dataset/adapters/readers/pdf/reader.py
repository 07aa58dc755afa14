"""PDF bytes to a Paper."""

from __future__ import annotations

from collections.abc import Sequence

from ....domain.papers import Block, Paper
from ....errors import ReadError
from ..build import Heading, Outline, build_paper, stem
from .authors import find_authors, is_address
from .blocks import blocks
from .columns import ordered_lines
from .document import Document, read_document
from .figures import without_figures
from .furniture import without_heads_and_feet, without_line_numbers
from .headings import find_headings, is_certain, whole_headings
from .joining import Words
from .lines import pieces
from .measures import measure
from .texts import Text, find_abstract, text_of
from .titles import find_title
from .typewriter import find_typewriters

SUFFIXES: tuple[str, ...] = (".pdf",)
READER = "pdf/1"

# What may stand between a title and the first heading and still be names and addresses.
_LONGEST_FRONT = 4_000
_LONGEST_ADDRESS = 900


def read_pdf(data: bytes, *, source: str) -> Paper:
    """Return the paper in a PDF file.

    Needs the ``pdf`` extra (pypdfium2, which is not thread-safe: one thread of a process at a time). Raises ReadError
    naming ``source`` when the file is no PDF, damaged beyond repair, protected, without text, or too large.
    """
    document = read_document(data, source=source)
    texts, title = _texts(document)
    if not texts:
        raise ReadError(f"{source} holds no text but page numbers and running heads")
    front = _front(texts)
    text, outline = _outline(texts, front, title or stem(source), document)
    return build_paper(text, outline, source=source, reader=READER)


def _texts(document: Document) -> tuple[list[Text], str]:
    find_typewriters(document.pages)
    without_line_numbers(document.pages)
    found = without_heads_and_feet(document.pages, [pieces(page.runs) for page in document.pages])
    lines = ordered_lines(found)
    measures = measure(lines)
    lines = without_figures(lines, measures)
    words = Words()
    words.learn(lines)
    texts = [Text(chunk=chunk, text=text_of(chunk, words)) for chunk in blocks(lines, measures)]
    texts = [text for text in texts if text.text.strip()]
    texts = whole_headings(texts, document.bookmarks)
    title = find_title(texts, document, measures)
    find_headings(texts, document, measures)
    find_abstract(texts)
    return texts, title


def _front(texts: Sequence[Text]) -> range:
    """Return the places of what is between the title and the paper: authors, addresses, dates."""
    begun = next((i + 1 for i in range(len(texts) - 1, -1, -1) if texts[i].title), 0)
    length = 0
    for i in range(begun, len(texts)):
        text = texts[i]
        if is_certain(text) or text.run_in:
            return range(begun, i)
        length += len(text.text)
        if length > _LONGEST_FRONT or len(text.text) > _LONGEST_ADDRESS:
            break
    end = begun
    while end < len(texts) and is_address(texts[end].text):
        end += 1
    return range(begun, end)


def _outline(texts: Sequence[Text], front: range, title: str, document: Document) -> tuple[str, Outline]:
    parts: list[str] = []
    headings: list[Heading] = []
    found: list[Block] = []
    position = body = 0
    for i, text in enumerate(texts):
        start, end = position, position + len(text.text)
        if i < front.stop:
            body = end
        else:
            if text.level:
                headed = start + (text.run_in or len(text.text))
                named = " ".join(text.text[: text.run_in or None].split())
                named = named.rstrip(" .:：—–-") if text.run_in else named
                headings.append(Heading(level=text.level, title=named, start=start, end=headed))
                start = headed + len(text.text[text.run_in :]) - len(text.text[text.run_in :].lstrip())
            if text.run_in or not text.level:
                found.append(Block(start, end, text.chunk.kind))
        parts.append(text.text)
        position = end + 2
    outline = Outline(
        title=title,
        headings=tuple(headings),
        blocks=tuple(found),
        body_start=body,
        authors=find_authors(document.author, [texts[i].text for i in front]),
        warnings=document.warnings,
    )
    return "\n\n".join(parts), outline
