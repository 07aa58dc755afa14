"""Lists of ids as they are stored: those of a shard, and those of a chunk of a plan with a checksum of both."""

from __future__ import annotations

import re
from collections.abc import Iterable

from xxhash import xxh3_64

from ...errors import LedgerCorrupt
from ..codec import damaged

_ID_LINE = 33  # characters
_CHECKSUM = "xxh3"
_CHECKSUM_LINE = re.compile(r" [0-9a-f]{16}\n")


def encode_ids(ids: Iterable[str]) -> bytes:
    """Return ids as lines."""
    return "".join([f"{ident}\n" for ident in ids]).encode("ascii")


def decode_ids(data: bytes, *, where: str) -> list[str]:
    """Read what ``encode_ids`` or ``encode_plan_ids`` wrote. Raises LedgerCorrupt naming ``where`` for all else."""
    return _ids_and_checksum(data, where)[0].split()


def encode_plan_ids(ids: Iterable[str], lines: bytes) -> bytes:
    """Return the ids of the lines of a plan, with a checksum of both."""
    listed = encode_ids(ids)
    return listed + f"{_CHECKSUM} {_checksum(listed, lines)}\n".encode("ascii")


def decode_plan_ids(data: bytes, lines: bytes, *, where: str) -> tuple[list[str], bool | None]:
    """Return the ids that ``encode_plan_ids`` wrote, and whether these are their lines.

    None: an earlier version noted no checksum. Raises LedgerCorrupt as ``decode_ids`` does.
    """
    listed, checksum = _ids_and_checksum(data, where)
    is_right = None if checksum is None else checksum == _checksum(listed.encode("ascii"), lines)
    return listed.split(), is_right


def _ids_and_checksum(data: bytes, where: str) -> tuple[str, str | None]:
    listed, mark, checksum = data.decode("ascii", "replace").partition(_CHECKSUM)
    if not _are_ids(listed) or (mark and not _CHECKSUM_LINE.fullmatch(checksum)):
        raise LedgerCorrupt(damaged(where, "cannot be read"))
    return listed, checksum.strip() if mark else None


def _are_ids(listed: str) -> bool:
    """Say whether this is a list of ids as we write it; a pattern takes twice as long."""
    count = len(listed) // _ID_LINE
    if len(listed) != count * _ID_LINE or listed[_ID_LINE - 1 :: _ID_LINE] != "\n" * count:
        return False
    digits = listed.replace("\n", "")
    try:
        return len(digits) == count * (_ID_LINE - 1) and bytes.fromhex(digits).hex() == digits
    except ValueError:
        return False


def _checksum(listed: bytes, lines: bytes) -> str:
    """Return the checksum of ids and lines together: against damage, not against malice."""
    # Computed four times for each request, so one that takes no time. The ids have a fixed length, so what belongs to
    # them and what to the lines is never in doubt.
    made = xxh3_64(listed)
    made.update(lines)
    return made.hexdigest()
