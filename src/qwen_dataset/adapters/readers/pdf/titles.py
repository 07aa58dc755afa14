"""The title of a paper: what its file says if the first page shows it, else the largest type there."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ....domain.papers import BlockKind
from ..build import is_section_name
from .document import Document
from .measures import Measures
from .texts import Text, bare

# What programs write as the title of a document that has none.
_NO_TITLE = re.compile(
    r"(?:microsoft|untitled|document\d*|title|slide|layout|pii:|doi:|arxiv:|paper|main|manuscript|draft|template)\b.{0,60}"
    r"|[\w\-. ]*\.(?:docx?|tex|dvi|pdf|indd|rtf|odt|ps|eps|md|html?)",
    re.IGNORECASE,
)
_LONGEST = 400


def find_title(texts: Sequence[Text], document: Document, measures: Measures) -> str:
    """Mark the chunks that are the title and return it, "" when the document shows none.

    The title that the file names wins if it stands on the first page; else it is the largest type there.
    """
    first = [text for text in texts if text.chunk.first.page == texts[0].chunk.first.page][:40] if texts else []
    for named in _named_titles(document):
        wanted = bare(named)
        for start, text in enumerate(first):
            begun = bare(text.text)
            end = start + 1
            while begun and begun != wanted and wanted.startswith(begun) and end < len(first) and end < start + 4:
                begun += bare(first[end].text)
                end += 1
            if begun == wanted:
                for part in first[start:end]:
                    part.title = True
                return named
    return _largest(first, measures)


def _named_titles(document: Document) -> list[str]:
    found = []
    if document.title and not _NO_TITLE.fullmatch(document.title):
        found.append(document.title)
    roots = [mark for mark in document.bookmarks if mark.level == 0]
    if roots and roots[0] is document.bookmarks[0] and len(document.bookmarks) > 2 * len(roots):
        found.append(roots[0].title)
    return [title for title in found if len(bare(title)) > 3 and not is_section_name(title)]


def _largest(first: Sequence[Text], measures: Measures) -> str:
    candidates = [
        text
        for text in first
        if text.chunk.kind in (BlockKind.PARAGRAPH, BlockKind.TABLE)
        and len(text.text) <= _LONGEST
        and sum(map(str.isalpha, text.text)) > 3
        and not is_section_name(text.text)
    ]
    size = max((text.chunk.first.size for text in candidates), default=0.0)
    if size < 1.1 * measures.size:
        candidates = [text for text in candidates if min(line.bold for line in text.chunk.lines) > 0.9][:1]
        size = candidates[0].chunk.first.size if candidates else size
    parts: list[str] = []
    for text in first:
        if text in candidates and text.chunk.first.size > 0.95 * size:
            text.title = True
            parts.append(text.text)
        elif parts:
            break
    return " ".join(parts)
