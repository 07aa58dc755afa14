"""What a service says of a batch, in every shape that was seen or documented, as ``RemoteBatch``; and list filters."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import attrs

from ....ports.remote import BatchFilter, LineError, RemoteBatch

Json = Mapping[str, Any]

ENDED = frozenset({"completed", "failed", "expired", "cancelled"})
ENDING = frozenset({"finalizing", "cancelling"})  # nothing more begins in it
RUNNING = frozenset({"validating", "in_progress"}) | ENDING

_SPELLINGS = {"canceled": "cancelled", "canceling": "cancelling", "succeeded": "completed"}
_END_TIMES = ("completed_at", "cancelled_at", "expired_at", "failed_at")
_SERVICE_TIME = timezone(timedelta(hours=8))  # the list's time filters are read in UTC+8
_TIME_FORMAT = "%Y%m%d%H%M%S"
_SHOWN_LINES = 20


@attrs.frozen(kw_only=True)
class Seen:
    """A batch as it was seen; ``is_counted``: the service says how many lines were done, else zero means nothing."""

    batch: RemoteBatch
    is_counted: bool


def batch_of(body: Json) -> RemoteBatch:
    """Read a batch object. Takes whatever is missing, null or of an unexpected type as not said.

    A status that is not known has ended where the service names both a result file and the time of its end.
    """
    counts = _table(body.get("request_counts"))
    status = _status(body)
    ended_at = _ended_at(body, status)
    has_results = bool(text_of(body.get("output_file_id")) or text_of(body.get("error_file_id")))
    is_known = status in ENDED or status in RUNNING
    return RemoteBatch(
        id=text_of(body.get("id")),
        status=status,
        is_ended=status in ENDED or (not is_known and has_results and ended_at is not None),
        endpoint=text_of(body.get("endpoint")),
        completion_window=text_of(body.get("completion_window")),
        input_file_id=text_of(body.get("input_file_id")) or None,
        output_file_id=text_of(body.get("output_file_id")) or None,
        error_file_id=text_of(body.get("error_file_id")) or None,
        created_at=_time(body.get("created_at")),
        ended_at=ended_at,
        total=_count(counts.get("total")),
        completed=_count(counts.get("completed")),
        failed=_count(counts.get("failed")),
        metadata={name: str(value) for name, value in _table(body.get("metadata")).items() if value is not None},
        errors=tuple(_line_error(_table(each)) for each in _errors(body.get("errors"))),
    )


def is_counted(body: Json) -> bool:
    """Whether the service says how many lines were done: where it does not, zero means nothing."""
    completed = _table(body.get("request_counts")).get("completed")
    return isinstance(completed, int) and not isinstance(completed, bool)


def told(errors: tuple[LineError, ...]) -> str:
    """Say a batch's errors by line and reason; equal reasons together (``lines 1-12, 14: code: message``)."""
    reasons: dict[tuple[str, str], list[int]] = {}
    for error in errors:
        lines = reasons.setdefault((error.code, error.message), [])
        if error.line is not None:
            lines.append(error.line)
    parts = []
    for (code, message), lines in reasons.items():
        where = f"line{'s' if len(lines) > 1 else ''} {_ranges(lines)}: " if lines else ""
        parts.append(where + (": ".join(word for word in (code, message) if word) or "no reason given"))
    if len(parts) > _SHOWN_LINES:
        parts[_SHOWN_LINES:] = [f"and {len(parts) - _SHOWN_LINES} more reasons"]
    return "; ".join(parts)


def query_of(wanted: BatchFilter) -> dict[str, str]:
    """Return a filter as the service's query parameters; without ``after``, which pages."""
    query = {
        "ds_name": wanted.name or "",
        "status": ",".join(wanted.statuses),
        "input_file_ids": ",".join(wanted.input_file_ids),
        "create_after": _written(wanted.created_after),
        "create_before": _written(wanted.created_before),
    }
    return {name: value for name, value in query.items() if value}


def matches(wanted: BatchFilter, batch: RemoteBatch) -> bool:
    """Whether a batch is wanted, for a server that took no notice of the filter."""
    name = wanted.name.casefold() if wanted.name else ""
    return (
        name in batch.metadata.get("ds_name", "").casefold()
        and (not wanted.statuses or batch.status in wanted.statuses)
        and (not wanted.input_file_ids or batch.input_file_id in wanted.input_file_ids)
        and (not wanted.created_after or batch.created_at is None or batch.created_at >= _whole(wanted.created_after))
        and (not wanted.created_before or batch.created_at is None or batch.created_at <= wanted.created_before)
    )


def _written(time: datetime | None) -> str:
    return "" if time is None else time.astimezone(_SERVICE_TIME).strftime(_TIME_FORMAT)


def _whole(time: datetime) -> datetime:
    """The filter is sent, and batches are dated, in whole seconds."""
    return time.replace(microsecond=0)


def _ranges(numbers: list[int]) -> str:
    """Write line numbers as ``1-12, 14``."""
    spans: list[list[int]] = []
    for number in sorted(set(numbers)):
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    parts = [str(first) if first == last else f"{first}-{last}" for first, last in spans]
    if len(parts) > _SHOWN_LINES:
        parts[_SHOWN_LINES:] = ["…"]
    return ", ".join(parts)


def _errors(errors: Any) -> list[Any]:
    """Return the entries of ``errors``: documented as a list object, taken as a bare list too."""
    entries = _table(errors).get("data") if isinstance(errors, Mapping) else errors
    return entries if isinstance(entries, list) else []


def _line_error(entry: Json) -> LineError:
    line = entry.get("line")
    return LineError(
        code=text_of(entry.get("code")),
        message=text_of(entry.get("message")),
        line=line if isinstance(line, int) else None,
    )


def _status(body: Json) -> str:
    """Return the service's word, in our spelling where it is only the spelling that differs."""
    said = text_of(body.get("status"))
    word = said.strip().lower().replace("-", "_").replace(" ", "_")
    word = _SPELLINGS.get(word, word)
    return word if word in ENDED or word in RUNNING else said


def _ended_at(body: Json, status: str) -> datetime | None:
    if status in ENDED:
        return _time(body.get(f"{status}_at"))
    if status in RUNNING:
        return None
    return next((time for name in _END_TIMES if (time := _time(body.get(name))) is not None), None)


def _table(value: Any) -> Json:
    return value if isinstance(value, Mapping) else {}


def text_of(value: Any) -> str:
    """Return what a service said, "" where it is no text."""
    return value if isinstance(value, str) else ""


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def _time(value: Any) -> datetime | None:
    """Read Unix seconds."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        return None
    try:
        return datetime.fromtimestamp(value, UTC)
    except (OverflowError, OSError, ValueError):
        return None
