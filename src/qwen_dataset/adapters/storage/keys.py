"""What may be a storage key. One rule for every adapter, so that a job can be moved from one storage to another."""

from __future__ import annotations

from collections.abc import Callable
from unicodedata import category

from ...errors import InvalidKey
from .._durable import TEMP_PREFIX

# The longest file name of every common file system. An object store would take more, a disk would not take it back.
MAX_NAME_BYTES = 255


def split_key(key: str) -> tuple[str, ...]:
    """Return the segments of a key. Raises ``InvalidKey`` for what the port refuses and for what no disk can hold."""
    segments = tuple(key.split("/"))
    for segment in segments:
        if problem := segment_problem(segment):
            raise InvalidKey(key, problem)
    return segments


def split_prefix(prefix: str) -> tuple[str, ...]:
    """Return the segments of a prefix; "" has none. Raises ``InvalidKey``."""
    return split_key(prefix) if prefix else ()


def is_key(name: str) -> bool:
    """Say whether a name can be asked for; others are unfinished writes, or were put there by something else."""
    try:
        split_key(name)
    except InvalidKey:
        return False
    return True


def segment_problem(segment: str) -> str | None:
    """Say why this cannot be a segment of a key, or None."""
    return next((why for wrong, why in _PROBLEMS if wrong(segment)), None)


def _too_long(segment: str) -> bool:
    return len(segment.encode("utf-8", "surrogatepass")) > MAX_NAME_BYTES


_PROBLEMS: tuple[tuple[Callable[[str], bool], str], ...] = (
    (lambda segment: not segment, "it is empty, absolute, or has an empty part between slashes"),
    (lambda segment: segment in {".", ".."}, "'.' and '..' are not allowed in it"),
    (lambda segment: "\\" in segment, "a backslash is not allowed in it"),
    (lambda segment: any(category(each) == "Cc" for each in segment), "a control character is not allowed in it"),
    # A lone surrogate has no UTF-8 form.
    (lambda segment: any(category(each) == "Cs" for each in segment), "it is not valid Unicode"),
    (lambda segment: segment.startswith(TEMP_PREFIX), f"names with {TEMP_PREFIX} in front are unfinished writes"),
    (_too_long, f"a part of it is longer than {MAX_NAME_BYTES} bytes"),
)
