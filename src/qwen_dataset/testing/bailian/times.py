"""Times as the batch list takes them: ``yyyyMMddHHmmss`` in UTC+8; and completion windows."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

from .errors import bad_request

BEIJING = timezone(timedelta(hours=8))
_HOUR = 3600.0


def moment(text: str, name: str) -> float:
    """Return the Unix time. Raises ``Refusal``: 400."""
    try:
        return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=BEIJING).timestamp()
    except ValueError:
        raise bad_request(f"'{name}' must be a time like 20260417162000.", param=name) from None


def window_seconds(text: object) -> float:
    """Return a completion window in seconds. Raises ``Refusal`` for one that is not from 24h to 336h."""
    match = re.fullmatch(r"(\d{1,4})([hd])", text) if isinstance(text, str) else None
    seconds = int(match[1]) * _HOUR * (24 if match[2] == "d" else 1) if match else 0.0
    if not 24 * _HOUR <= seconds <= 336 * _HOUR:
        raise bad_request("'completion_window' must be from 24h to 336h (14d).", param="completion_window")
    return seconds
