"""The command that shows requests before anybody pays for them."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterable
from typing import Any

import attrs
import click

from ...domain.inference import Parameters
from ...domain.recipes.base import Planned
from ...errors import SettingError
from ..api.client import Client
from ..wiring.corpus import Name
from . import language, options, session
from .chosen import Chosen
from .show import echo_json

_SETTINGS = (
    "model", "temperature", "max_tokens", "top_p", "enable_thinking", "max_samples", "language", "recipe",
    "passage_tokens", "passage_overlap",
)  # fmt: skip
_COUNTED = 100  # requests that are made to tell how many there are


@click.command("show-prompt")
@options.papers
@click.option("--all", "everything", is_flag=True, help="Show every request, not only the first one.")
@options.settings(*_SETTINGS, also=(*options.NO_OPTION, *options.READING))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a request.")
def show_prompt(papers: tuple[Name, ...], everything: bool, chosen: Chosen, as_json: bool) -> None:
    """Show the exact requests that `generate` would make of PAPERS, by default the first one.

    Needs no key and no backend, asks nobody and stores nothing.
    """
    if not papers:
        session.fail("name PAPERS, or a list of them with --files-from", session.BAD_INPUT)
    config = chosen.config()

    def show(stop: asyncio.Event) -> None:
        requests = Client(config, stop=stop).preview(papers)
        first = next(requests, None)
        if first is None:
            message = "there is nothing to ask about: no passage of the papers holds enough text"
            raise SettingError(message)
        if everything:
            _show_all(itertools.chain([first], requests), as_json=as_json)
        elif as_json:
            echo_json(_record(first))
        else:
            more = sum(1 for _ in itertools.islice(requests, _COUNTED))
            _show(first, f"1 of {1 + more}" if more < _COUNTED else f"1 of more than {_COUNTED}")

    async def work(stop: asyncio.Event) -> None:
        # In a thread: a paper may take its time, and Ctrl-C is heard by the event loop.
        await asyncio.to_thread(show, stop)

    session.run(work)


def _show_all(requests: Iterable[Planned], *, as_json: bool) -> None:
    for planned in requests:
        if as_json:
            echo_json(_record(planned))
            continue
        if planned.position:
            click.echo()
        _show(planned, str(planned.position + 1))


def _show(planned: Planned, which: str) -> None:
    """Print a request for a person; what is said to the model stands there exactly as it is sent."""
    request = planned.request
    chosen = ", ".join(f"{name} {_plain(value)}" for name, value in _parameters(request.parameters).items())
    language.say(f"request     {which}, id {request.id}")
    language.say(f"section     {' > '.join(planned.origin.section)}")
    language.say(f"model       {request.model}")
    language.say(f"parameters  {chosen}")
    for message in request.messages:
        click.echo(f"\n=== {message.role} ===\n{message.content}")


def _record(planned: Planned) -> dict[str, Any]:
    request = planned.request
    return {
        "id": request.id,
        "model": request.model,
        "messages": [attrs.asdict(message) for message in request.messages],
        "parameters": _parameters(request.parameters),
        "index": request.index,
    }


def _parameters(parameters: Parameters) -> dict[str, Any]:
    """Return what is sent. Thinking is switched on or off in every request, everything else only where it is set."""
    return {"enable_thinking": parameters.enable_thinking} | parameters.chosen()


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
