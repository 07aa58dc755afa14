"""Lines of the local disk on their way into Storage."""

from __future__ import annotations

from collections.abc import AsyncIterator

import attrs

from ..engine.scratch import Spool

_PIECE_BYTES = 1_000_000


@attrs.frozen
class Pieces:
    """A spool as pieces of bounded size, readable more than once: a storage that gave no reply is asked again."""

    spool: Spool

    async def __aiter__(self) -> AsyncIterator[bytes]:
        piece = bytearray()
        for line in self.spool:
            piece += line
            if len(piece) >= _PIECE_BYTES:
                yield bytes(piece)
                piece.clear()
        yield bytes(piece)
