"""One record of a dump, in the shapes people have, to a paper.

=============  =======================================================================================================
our own        ``text`` (Markdown or plain text), and ``id``, ``title``, ``abstract``, ``authors`` if known
other names    the same with the text under ``full_text``, ``fulltext``, ``content``, ``body`` or ``body_text``
paragraphs     ``body_text`` as a list (unarXive, S2ORC, CORD-19), also below ``latex_parse`` or ``pdf_parse``
sections       ``sections``, a list of objects with a heading and a text or paragraphs
metadata       ``title`` and ``abstract`` alone (arXiv): a very short paper, with a warning
=============  =======================================================================================================
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import attrs

from ...domain.papers import Paper
from ...errors import ReadError
from .accents import without_accents
from .body_text import Entries, Paragraph, compose, paragraphs_of, sections_of
from .build import Outline, build_paper, names, plain
from .decode import normalise_newlines
from .text import text_outline

READER = "jsonl/1"

_OTHER_TEXTS = ("full_text", "fulltext", "content", "body", "body_text")
_PARSES = ("latex_parse", "pdf_parse")
# What shows that an object is a paper, and not a list of them.
SHAPES = ("text", *_OTHER_TEXTS, *_PARSES, "sections", "abstract")
# Less prose than this is no body of a paper.
_ALMOST_EMPTY = 500
_MOST_NAMED = 12
_BETWEEN_NAMES = re.compile(r"\s*,\s*(?:and\s+)?|\s+and\s+")
_LONGEST_AUTHORS = 200_000
_AFFILIATION = re.compile(r"\s*\([^()]{0,300}\)")


def read_record(record: Mapping[str, object], *, source: str, where: str, fallback: str) -> Paper:
    """Return the paper in a record. ``where`` begins the sentence of the ReadError for one without a paper in it.

    ``fallback`` is the title of a record that names none.
    """
    text = next((found for name in ("text", *_OTHER_TEXTS) if (found := _string(record.get(name)))), "")
    if text:
        return _spelled_out(record, text, source=source, fallback=fallback)
    inner = next((value for name in _PARSES if (value := _mapping(record.get(name)))), record)
    paragraphs = _paragraphs(record) or _paragraphs(inner)
    for name in ("body_text", "sections"):
        if inner.get(name) and not paragraphs:
            raise ReadError(f"{where} has no paragraph that could be read in its {name}")
    metadata = {**_mapping(record.get("metadata")), **{key: value for key, value in record.items() if value}}
    abstract = _abstract(metadata.get("abstract")) or _abstract(inner.get("abstract"))
    if not abstract and not any(one.text for one in paragraphs):
        raise ReadError(f"{where} {_missing(record)}")
    title = plain(without_accents(" ".join(_string(metadata.get("title")).split()))) or fallback
    entries = Entries.of(inner, where=where)
    out, begun = compose(title, abstract, paragraphs, entries)
    outline = Outline(
        title=title,
        headings=tuple(out.headings),
        blocks=tuple(out.blocks),
        body_start=begun,
        abstract=abstract,
        authors=_authors(metadata),
        warnings=tuple(_warnings(paragraphs, entries)),
    )
    return build_paper(out.text(), outline, source=source, reader=READER)


def _spelled_out(record: Mapping[str, object], text: str, *, source: str, fallback: str) -> Paper:
    """Return a paper whose text is one string, which is Markdown or plain text and stays as it is."""
    text = normalise_newlines(text)
    title, abstract = record.get("title"), record.get("abstract")
    outline = text_outline(text, title=plain(title) if isinstance(title, str) else "", fallback_title=fallback)
    outline = attrs.evolve(
        outline,
        abstract=abstract.strip() if isinstance(abstract, str) and abstract.strip() else outline.abstract,
        authors=names(record.get("authors")) or outline.authors,
    )
    return build_paper(text, outline, source=source, reader=READER)


def _paragraphs(record: Mapping[str, object]) -> list[Paragraph]:
    body, sections = record.get("body_text"), record.get("sections")
    if isinstance(body, list) and (found := paragraphs_of(body)):
        return found
    return sections_of(sections) if isinstance(sections, list) else []


def _abstract(value: object) -> str:
    """Return an abstract given as a string, an object with a ``text``, or a list of either; its lines are unwrapped."""
    parts = value if isinstance(value, list) else [value]
    texts = [part.get("text") if isinstance(part, dict) else part for part in parts]
    # A line that begins with blanks begins a paragraph.
    found = [part for text in texts if isinstance(text, str) for part in re.split(r"\n(?=[ \t]|\n)", text.strip())]
    return without_accents("\n\n".join(" ".join(part.split()) for part in found if part.strip()))


def _authors(metadata: Mapping[str, object]) -> tuple[str, ...]:
    """Return the authors: as arXiv parses them, as S2ORC takes them apart, or as anybody writes them."""
    parsed, authors = metadata.get("authors_parsed"), metadata.get("authors")
    if isinstance(parsed, list):
        entries = [[str(part).strip() for part in entry] for entry in parsed if isinstance(entry, list) and entry]
        spoken = [" ".join(filter(None, [*entry[1:2], entry[0], *entry[2:3]])) for entry in entries]
        return names([without_accents(name) for name in spoken])
    if isinstance(authors, str):
        # In a list of metadata one string names everybody, affiliations in parentheses.
        parts = _BETWEEN_NAMES.split(_AFFILIATION.sub("", " ".join(authors[:_LONGEST_AUTHORS].split())))
        return names([without_accents(part) for part in parts])
    if isinstance(authors, list):
        return names([_taken_apart(one) if isinstance(one, dict) and "name" not in one else one for one in authors])
    return ()


def _taken_apart(author: Mapping[str, object]) -> str:
    middle = author.get("middle")
    parts = [author.get("first"), *(middle if isinstance(middle, list) else [middle]), author.get("last")]
    return " ".join(part for part in parts if isinstance(part, str) and part)


def _warnings(paragraphs: list[Paragraph], entries: Entries) -> Iterator[str]:
    size = sum(len(one.text) for one in paragraphs)
    if not size:
        yield "it holds no full text, only a title and an abstract"
    elif size < _ALMOST_EMPTY:
        yield f"its body is almost empty ({size} characters)"
    if entries.lost:
        yield f"formulas that its text names are missing in the record: {entries.lost}"


def _missing(record: Mapping[str, object]) -> str:
    text = record.get("text")
    if "text" in record:
        return 'has a "text" that is empty' if isinstance(text, str) else 'has a "text" that is not a string'
    if not record:
        return "is an object without any field"
    has = ", ".join([f'"{str(name)[:40]}"' for name in record][:_MOST_NAMED])
    return (
        'has no "text", nor a "full_text", "content", "body_text", "sections" or "abstract" that a paper could be read'
        f" from; it has {has}"
    )


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _string(value: object) -> str:
    return value if isinstance(value, str) and value.strip() else ""
