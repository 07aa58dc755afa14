"""How much a PDF's streams unpack to, counted without keeping it: a small file may hold gigabytes of blanks."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator

# Far above the drawings and texts of any paper; pictures are not unpacked by a reader of text and do not count.
MAX_UNPACKED = 256 * 1024 * 1024
# Deflate packs no tighter than this.
_TIGHTEST = 1032
_STREAM = re.compile(rb"\bstream\r?\n")
_DICTIONARY = 4096
_DEFLATED = re.compile(rb"/Fl(?:ateDecode)?\b")
_PICTURE = re.compile(rb"/Subtype\s*/Image\b")
_SMALL = 64 * 1024
_CHUNK, _PIECE = 1024 * 1024, 64 * 1024


def unpacks_to_too_much(data: bytes) -> bool:
    """Say whether the deflated streams of a file, pictures aside, unpack to more than ``MAX_UNPACKED`` bytes."""
    total = 0
    for start, end, layers in _streams(data):
        if layers == 1 and (end - start) * _TIGHTEST < _SMALL:
            continue
        total = _count(memoryview(data)[start:end], layers, total)
        if total > MAX_UNPACKED:
            return True
    return False


def _streams(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield where each deflated stream begins and ends, and how often it is deflated."""
    reached = 0
    for found in _STREAM.finditer(data):
        if found.start() < reached:
            continue
        head = data[max(reached, found.start() - _DICTIONARY) : found.start()]
        head = head[head.rfind(b" obj") + 1 :]
        end = data.find(b"endstream", found.end())
        reached = len(data) if end < 0 else end
        layers = len(_DEFLATED.findall(head))
        if layers and not _PICTURE.search(head):
            yield found.end(), reached, min(layers, 4)


def _count(packed: memoryview, layers: int, total: int) -> int:
    """Return ``total`` and what the stream unpacks to, layer by layer; a broken stream counts as far as it goes."""
    chunks: Iterator[bytes] = (bytes(packed[i : i + _PIECE]) for i in range(0, len(packed), _PIECE))
    for _ in range(layers):
        chunks = _inflated(chunks)
    for chunk in chunks:
        total += len(chunk)
        if total > MAX_UNPACKED:
            break
    return total


def _inflated(chunks: Iterator[bytes]) -> Iterator[bytes]:
    inflate = zlib.decompressobj()
    for chunk in chunks:
        packed = chunk
        while packed and not inflate.eof:
            try:
                yield inflate.decompress(packed, _CHUNK)
            except zlib.error:
                return
            packed = inflate.unconsumed_tail
