"""The command that deletes: shows what would go, asks, and deletes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
from collections.abc import Sequence
from pathlib import Path

import attrs
import click

from ..api.client import Client
from ..api.pruning import Pruner
from ..engine.layout import SPEC
from ..engine.prune import Kind, Prunable
from ..wiring.config import Config
from ..wiring.secrets import quoted
from . import language, options, session
from .chosen import Chosen
from .show import echo_json

_AGE = re.compile(r"([0-9]{1,6})([hd])")
_SECONDS = {"h": 3600.0, "d": 86_400.0}


@click.command()
@click.argument("jobs", nargs=-1, metavar="[JOB]...")
@click.option("--older-than", metavar="AGE", help="Also whole jobs that ended so long ago: 12h, 30d.")
@click.option("--yes", is_flag=True, help="Delete without asking.")
@options.settings("storage")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line; asks nothing.")
def prune(jobs: tuple[str, ...], older_than: str | None, yes: bool, chosen: Chosen, as_json: bool) -> None:
    """Delete what no job needs any more, or whole JOBs with their answers.

    Shows what would go, asks, and deletes. Without JOB and --older-than no answer that can still be used is among it.
    Files that you have written with --output stay.
    """
    problems: list[str] = []
    age = None if older_than is None else _seconds(older_than, problems)
    if jobs and older_than is not None:
        problems.append("name JOBs or give --older-than, not both")
    config = chosen.config(problems=problems)
    found = session.run(lambda stop: _pruner(config, stop).find(jobs, older_than=age))
    if not found:
        if not as_json:
            language.say(f"nothing to delete in {config.storage}")
        return
    if not as_json:
        _tell(found)
    elif not yes:
        _print_records(found, deleted=False)
        session.fail("nothing was deleted; pass --yes to delete", session.BAD_INPUT)
    if not yes and not _agreed():
        language.say("nothing was deleted")
        return
    kept = session.run(lambda stop: _delete(_pruner(config, stop), found))
    gone = [each for each in found if each.job_id not in kept]
    if as_json:
        _print_records(gone, deleted=True)
        _print_records([each for each in found if each.job_id in kept], deleted=False)
    else:
        language.say(f"deleted {_total(gone)}")
    if kept:
        session.fail_all(kept.values(), session.UNFINISHED)


def _seconds(age: str, problems: list[str]) -> float | None:
    found = _AGE.fullmatch(age)
    if found is None:
        problems.append(f"--older-than is {quoted(age)}; it must be hours or days, such as 12h or 30d")
        return None
    return int(found[1]) * _SECONDS[found[2]]


def _pruner(config: Config, stop: asyncio.Event) -> Pruner:
    return Pruner(Client(config, stop=stop), lambda sentence: language.say(sentence, err=True))


async def _delete(pruner: Pruner, found: Sequence[Prunable]) -> dict[str, str]:
    kept = await pruner.delete(found)
    if pruner.client.folder is not None:
        for each in found:
            if each.job_id not in kept:
                _tidy(pruner.client.folder / each.job_id)
    return kept


def _tidy(job: Path) -> None:
    """Delete the logs and the empty folders of a job that has gone; whatever else a person put there stays."""
    if (job / SPEC).exists():
        return
    for log in (job / "log").glob("????????T??????Z-*.log"):
        with contextlib.suppress(OSError):
            log.unlink()
    for folder, _, _ in os.walk(job, topdown=False):
        # One that holds something is no loss.
        with contextlib.suppress(OSError):
            Path(folder).rmdir()


def _tell(found: Sequence[Prunable]) -> None:
    for each in found:
        language.say(_describe(each))
    language.say(f"to delete: {_total(found)}")
    answers = sum(each.paid_answers for each in found)
    if answers:
        language.say(f"{answers} paid answers go with it; to have them again may cost as much again")


def _describe(found: Prunable) -> str:
    if found.kind is Kind.LEFTOVERS:
        return f"{found.job_id}: {found.objects} objects that nothing needs"
    held = [f"{found.paid_answers} paid answers"]
    if found.copied_answers:
        held.append(f"{found.copied_answers} copied from other jobs")
    if found.possibly_paid:
        held.append(f"{found.possibly_paid} calls that may have been paid")
    return f"{found.job_id}: the whole job, {found.objects} objects, with {', '.join(held)}"


def _total(found: Sequence[Prunable]) -> str:
    return f"{sum(each.objects for each in found)} objects of {len(found)} jobs"


def _agreed() -> bool:
    """Ask. Ends the process where nobody can answer."""
    agreed = session.answered("Delete it?")
    if agreed is None:
        session.fail("nothing was deleted, as nobody answered; pass --yes to delete", session.BAD_INPUT)
    return agreed


def _print_records(found: Sequence[Prunable], *, deleted: bool) -> None:
    for each in found:
        echo_json(attrs.asdict(each) | {"deleted": deleted})
