"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def storage(command: F) -> F:
    """Add --storage."""
    return click.option(
        "--storage", default="file:batch_jobs", show_default=True, metavar="ADDRESS", help="Where jobs are kept."
    )(command)


def backend(command: F) -> F:
    """Add --backend."""
    return click.option("--backend", metavar="ADDRESS", help="Who answers, e.g. fake or fake:?mode=realtime&seed=7.")(
        command
    )


def output(*, required: bool) -> Callable[[F], F]:
    """Add --output."""
    return click.option(
        "-o",
        "--output",
        type=click.Path(path_type=Path),
        required=required,
        metavar="FILE",
        help="The dataset file to write." + ("" if required else " Default: the job's last one."),
    )


def force(command: F) -> F:
    """Add --force."""
    return click.option("--force", is_flag=True, help="Replace an output that this job did not write.")(command)


def quiet_and_json(command: F) -> F:
    """Add --quiet and --json."""
    command = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")(command)
    return click.option("-q", "--quiet", is_flag=True, help="Print errors only.")(command)
