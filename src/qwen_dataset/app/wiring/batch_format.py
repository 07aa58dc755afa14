"""The lines of the Batch API's files, for whoever makes and reads such files by hand; no service is needed for it.

The words of the format belong to the adapter that speaks it; ``plugins`` knows which that is.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import orjson

from ...domain.inference import Outcome, Request
from .plugins import BATCH_LINES


def request_line(request: Request, url: str | None = None) -> dict[str, Any]:
    """Return a request as a line of a request file; ``custom_id`` is the request's id. Raises ValueError."""
    line_of = importlib.import_module(BATCH_LINES).line_of
    line: dict[str, Any] = orjson.loads(line_of(request) if url is None else line_of(request, url))
    return line


def read_line(raw: bytes) -> Any:
    """Return what a line of a result file says, None where it is no JSON in UTF-8."""
    return importlib.import_module(BATCH_LINES).read_line(raw)


def outcome_of_line(line: Mapping[str, Any]) -> tuple[str, Outcome] | None:
    """Return the ``custom_id`` of a line of a result file and what it says; None where it is no such line."""
    found: tuple[str, Outcome] | None = importlib.import_module(BATCH_LINES).outcome_of_line(line)
    return found
