"""The command that looks whether everything is there that a run needs: doctor."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import click

from ..api.doctor import Check, Verdict, examine
from ..wiring.secrets import redact
from . import language, options, session
from .chosen import Chosen
from .show import echo_json

_NAME_COLUMNS = 12
_VERDICT_COLUMNS = 11


@click.command()
@options.settings("model", "use_batch", "backend", "base_url", "region", "storage", also=("api_key",))
@click.option("--live", is_flag=True, help="Ask the service's free test model in a batch, and wait.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
def doctor(chosen: Chosen, live: bool, as_json: bool) -> None:
    """Look at packages, settings, key, storage, backend and model: a line each says that it is ok, or what to do.

    \b
    ok           as it should be
    hint         good to know; stops nothing
    wrong        mend it (exit 2)
    unreachable  no answer; try again later (exit 3)
    """  # noqa: D301 - \b is click's mark for lines to keep
    config, problems = chosen.usable()

    async def work(stop: asyncio.Event) -> set[Verdict]:
        found = set()
        async with aclosing(examine(config, live=live, problems=problems, stop=stop)) as checks:
            async for check in checks:
                found.add(check.verdict)
                if as_json:
                    echo_json({"check": check.name, "verdict": check.verdict, "sentence": redact(check.sentence)})
                else:
                    click.echo(_line(check))
        return found

    found = session.run(work)
    if Verdict.WRONG in found:
        click.get_current_context().exit(session.BAD_INPUT)
    if Verdict.UNREACHABLE in found:
        click.get_current_context().exit(session.UNFINISHED)


def _line(check: Check) -> str:
    sentence = language.tr(redact(check.sentence))
    return f"{_cell(check.verdict, _VERDICT_COLUMNS)}  {_cell(check.name, _NAME_COLUMNS)}  {sentence}"


def _cell(word: str, columns: int) -> str:
    from rich.cells import cell_len  # noqa: PLC0415 - it counts Chinese letters as wide as they are

    told = language.tr(word)
    return told + " " * (columns - cell_len(told))
