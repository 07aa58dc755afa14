"""Dumps of papers: JSON Lines, one object a line, read as a stream."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import attrs
import orjson

from ...domain.papers import Paper
from ...errors import ReadError
from .build import build_paper, names, plain, stem
from .decode import decode, normalise_newlines
from .text import text_outline

SUFFIXES: tuple[str, ...] = (".jsonl", ".ndjson")
READER = "jsonl/1"

_BOM = b"\xef\xbb\xbf"
# Where other dumps keep what we call text: named in the error, so a person knows what to convert.
_OTHER_TEXTS = ("body_text", "full_text", "fulltext", "content", "body", "abstract", "summary")


def read_jsonl(lines: Iterable[bytes], *, source: str, first_line: int = 1) -> Iterator[Paper | ReadError]:
    """Yield a paper for each line, or the ReadError that says what is wrong with it; blank lines are skipped.

    A record holds ``text`` (needed, a string: Markdown or plain text) and, if known, ``id``, ``title``, ``abstract``
    and ``authors`` (a list of strings or of objects with a ``name``, or one string). ``source`` of a paper is the
    source given here with ``#`` and the record's id, or its line number (from 1). One line is held at a time.
    ``first_line`` is the number of the first one where the lines are those of a part of a file.
    """
    records = 0
    for number, line in enumerate(lines, first_line):
        data = line.removeprefix(_BOM) if number == 1 else line
        if data.strip():
            records += 1
            try:
                yield _read(data, source, number)
            except ReadError as error:
                yield error
            except RecursionError:
                yield ReadError(f"{source} line {number} is nested too deeply to be read")
    if not records and first_line == 1:
        yield ReadError(f"{source} is empty; a dump of papers has one JSON object a line")


def _read(data: bytes, source: str, number: int) -> Paper:
    where = f"{source} line {number}"
    record = _record(data, where)
    text = record.get("text")
    if not isinstance(text, str) or not text.strip():
        raise ReadError(f"{where} {_missing(record)}")
    identity = record.get("id")
    known = isinstance(identity, str | int) and not isinstance(identity, bool) and str(identity).strip()
    label = str(identity).strip() if known else str(number)
    title = record.get("title")
    text = normalise_newlines(text)
    outline = text_outline(
        text,
        title=plain(title) if isinstance(title, str) else "",
        fallback_title=f"{stem(source)} {label}",
    )
    abstract = record.get("abstract")
    outline = attrs.evolve(
        outline,
        abstract=abstract.strip() if isinstance(abstract, str) and abstract.strip() else outline.abstract,
        authors=names(record.get("authors")) or outline.authors,
    )
    return build_paper(text, outline, source=f"{source}#{label}", reader=READER)


def _record(data: bytes, where: str) -> dict[str, object]:
    try:
        try:
            value = orjson.loads(data)
        except orjson.JSONDecodeError:
            if _is_utf8(data):
                raise
            # The whole file may be in another encoding; line feeds stay line feeds in GB18030.
            value = orjson.loads(decode(data, source=where))
    except orjson.JSONDecodeError as error:
        # The error's own line number would count within this line.
        raise ReadError(f"{where} is not JSON: {error.msg} (character {error.pos + 1})") from None
    if not isinstance(value, dict):
        raise ReadError(f"{where} is not a JSON object but a {type(value).__name__}; a record must be an object")
    return value


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _missing(record: dict[str, object]) -> str:
    if "text" in record:
        return 'has a "text" that is empty' if isinstance(record["text"], str) else 'has a "text" that is not a string'
    others = [name for name in _OTHER_TEXTS if record.get(name)]
    if others == ["abstract"]:
        return 'has no "text": it holds only an "abstract" (a record of metadata), and the full text is needed'
    if others:
        return 'has no "text" (it has ' + " and ".join(f'"{name}"' for name in others) + ")"
    return 'has no "text"'
