"""Dumps of papers: JSON Lines, one object a line, read as a stream; and JSON, which cannot be."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Iterator

import orjson

from ...domain.characters import is_utf8
from ...domain.papers import Paper
from ...errors import ReadError
from .build import stem
from .decode import decode
from .records import READER, SHAPES, read_record

__all__ = ["JSON_SUFFIXES", "READER", "SUFFIXES", "read_json", "read_jsonl"]

SUFFIXES: tuple[str, ...] = (".jsonl", ".ndjson")
JSON_SUFFIXES: tuple[str, ...] = (".json",)

# One record is one paper; a longer line is no paper, or no JSON Lines.
MOST_LINE_BYTES = 64 * 2**20
# Objects take many times the room of their JSON.
MOST_JSON_BYTES = 200 * 2**20
MOST_VALUES = 10_000_000
_DRAINED = 2**20
_BOM = b"\xef\xbb\xbf"
# Under which name an object holds the list of its papers.
_LISTS = ("papers", "data", "records", "articles", "documents")
_IDS = ("id", "paper_id", "arxiv_id", "corpusid")
_FIRST_LINE = re.compile(rb"\s*(\{[^\r\n]*\})\s*\r?\n\s*\{")


def read_jsonl(lines: Iterable[bytes], *, source: str, first_line: int = 1) -> Iterator[Paper | ReadError]:
    """Yield a paper for each line, or the ReadError that says what is wrong with it; blank lines are skipped.

    A record holds ``text`` (a string: Markdown or plain text) and, if known, ``id``, ``title``, ``abstract`` and
    ``authors`` (a list of strings or of objects with a ``name``, or one string), or one of the other shapes that
    ``records`` knows. ``source`` of a paper is the source given here with ``#`` and the record's id, or its line number
    (from 1). One line is held at a time, and none beyond 64 MiB: such a line is an error and is not held.
    ``first_line`` is the number of the first one where the lines are those of a part of a file.
    """
    records = 0
    for number, line in enumerate(_bounded(lines), first_line):
        where = f"{source} line {number}"
        if line is None:
            records += 1
            yield ReadError(f"{where} is longer than {MOST_LINE_BYTES:,} bytes; a dump of papers has one paper a line")
            continue
        data = line.removeprefix(_BOM) if number == 1 else line
        if data.strip():
            records += 1
            yield _from_line(data, source, number, where)
    if not records and first_line == 1:
        yield ReadError(f"{source} is empty; a dump of papers has one JSON object a line")


def read_json(data: bytes, *, source: str) -> Iterator[Paper | ReadError]:
    """Yield the papers of a JSON file: one object, a list of objects, or an object with such a list in it.

    What is JSON Lines under this suffix, as the dump of arXiv's metadata is, is read as such. Records are numbered from
    1; a single object needs no number. At most 200 MiB are read, since JSON is only known as a whole.
    """
    if len(data) > MOST_JSON_BYTES:
        yield ReadError(
            f"{source} is too large for JSON: {len(data):,} bytes, and at most {MOST_JSON_BYTES:,} are read; save it as"
            " JSON Lines (.jsonl), one paper a line"
        )
        return
    data = data.removeprefix(_BOM)
    try:
        if not data.strip():
            raise ReadError(f"{source} holds no text")
        value = _parse(data, source)
    except ReadError as error:
        first = _FIRST_LINE.match(data)
        if first is not None and _is_json(first[1]):
            yield from read_jsonl(io.BytesIO(data), source=source)
        else:
            yield error
        return
    listed = _listed(value)
    if listed is None:
        yield _paper(value, source, "", source)
    elif not listed:
        yield ReadError(f"{source} is an empty list of papers")
    for number, record in enumerate(listed or (), 1):
        yield _paper(record, source, str(number), f"{source} record {number}")


def _bounded(lines: Iterable[bytes]) -> Iterator[bytes | None]:
    """Yield the lines, and None for one that is too long; that of a file is never held."""
    readline: Callable[[int], bytes] | None = getattr(lines, "readline", None)
    if readline is None:
        for line in lines:
            yield line if len(line) <= MOST_LINE_BYTES else None
        return
    while line := readline(MOST_LINE_BYTES + 1):
        if len(line) <= MOST_LINE_BYTES:
            yield line
            continue
        while line and not line.endswith(b"\n"):
            line = readline(_DRAINED)
        yield None


def _from_line(data: bytes, source: str, number: int, where: str) -> Paper | ReadError:
    try:
        value = _parse(data, where, lined=True)
    except ReadError as error:
        return error
    return _paper(value, source, str(number), where)


def _paper(record: object, source: str, label: str, where: str) -> Paper | ReadError:
    """Return the paper in a record, called by its id or else by ``label``."""
    if not isinstance(record, dict):
        return ReadError(f"{where} is not a JSON object but a {type(record).__name__}; a record must be an object")
    named = (_identity(record) or label) if label else ""
    try:
        return read_record(
            record,
            source=f"{source}#{named}" if named else source,
            where=where,
            fallback=f"{stem(source)} {named}".strip(),
        )
    except ReadError as error:
        return error
    except RecursionError:
        return ReadError(f"{where} is nested too deeply to be read")


def _identity(record: dict[str, object]) -> str:
    for name in _IDS:
        value = record.get(name)
        if isinstance(value, str | int) and not isinstance(value, bool) and str(value).strip():
            return str(value).strip()
    return ""


def _listed(value: object) -> list[object] | None:
    """Return the list of papers that a JSON file holds, or None where it is one paper."""
    if isinstance(value, list):
        return value
    if isinstance(value, dict) and not any(value.get(name) for name in SHAPES):
        return next((value[name] for name in _LISTS if isinstance(value.get(name), list)), None)
    return None


def _parse(data: bytes, where: str, *, lined: bool = False) -> object:
    if len(data) > _DRAINED and (values := sum(map(data.count, (b",", b"[", b"{")))) > MOST_VALUES:
        raise ReadError(f"{where} is no paper: it has {values:,} values, and at most {MOST_VALUES:,} are read")
    try:
        try:
            return orjson.loads(data)
        except orjson.JSONDecodeError:
            if is_utf8(data):
                raise
            # The whole file may be in another encoding; line feeds stay line feeds in GB18030.
            return orjson.loads(decode(data, source=where))
    except orjson.JSONDecodeError as error:
        # Within a line the error's own line number would count from that line.
        if lined:
            raise ReadError(f"{where} is not JSON: {error.msg} (character {error.pos + 1})") from None
        raise ReadError(f"{where} is not JSON: {error.msg} (line {error.lineno}, column {error.colno})") from None


def _is_json(data: bytes) -> bool:
    try:
        orjson.loads(data)
    except orjson.JSONDecodeError:
        return False
    return True
