"""Times and durations as a person reads them."""

from __future__ import annotations

import datetime as dt


def when(seconds: float) -> str:
    """Return a time in seconds since 1970 as a person reads it here, to the minute."""
    if not seconds:
        return "-"
    return dt.datetime.fromtimestamp(seconds, tz=dt.UTC).astimezone().strftime("%Y-%m-%d %H:%M")


def duration(seconds: float) -> str:
    """Return so many seconds as hours, minutes and seconds: 0:07, 1:00:00."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
