"""The bar that moves on a terminal while a job runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import language

if TYPE_CHECKING:
    from rich.progress import Progress


def live_bar() -> Progress:
    """Return a bar on standard error; its tasks have a field ``counts``, told in words beside it."""
    # rich takes a moment to import, so only a terminal pays for it.
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn  # noqa: PLC0415

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=12),
        TextColumn("{task.fields[counts]}"),
        TimeElapsedColumn(),
        TextColumn(language.tr("left")),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
