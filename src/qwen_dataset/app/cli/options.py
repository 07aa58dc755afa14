"""Options that several commands share. Those of settings are made from the one table of settings."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ...errors import SettingError
from ..dataset.target import Existing
from ..wiring.addresses import Address
from ..wiring.config import Config
from ..wiring.inputs import STDIN, listed
from ..wiring.settings import Setting, by_name
from . import language, session
from .chosen import PLUGINS, Chosen

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

# What every command that opens a backend needs, whether or not it has an option for it.
BACKEND_SETTINGS = ("api_key", "backend", "base_url", "region", "completion_window", "concurrency", "poll", "rounds")

NO_OPTION = ("thinking_budget", "response_format", "extra_body")
"""What changes answers, and is set in a file or in the environment only."""

READING = ("read_timeout", "read_memory", "read_size", "read_processes")
"""What bounds the reading of papers, set likewise; every command that takes PAPERS minds it."""

_LONGEST_METAVAR = 12
_PATHS = {"DIR": "dir", "FILE": "file"}


def refuse_what_is_forgotten(config: Config, instead: str) -> None:
    """End the process where a job is to be left behind in a storage that ends with this command."""
    if Address.parse(config.storage, setting="the storage").scheme == "memory":
        message = f"a job in the storage {config.storage} ends with this command, and what was paid is lost; {instead}"
        session.fail(message, session.BAD_INPUT)


def settings(*names: str, also: tuple[str, ...] = ()) -> Callable[[F], F]:
    """Add the options of these settings, and --config; the command gets a ``Chosen`` as ``chosen``.

    ``also`` names settings that count without an option. Values are texts here: what is wrong with any of them is told
    with everything else that is wrong.
    """

    def decorate(command: F) -> F:
        @functools.wraps(command)
        def wrapped(*args: Any, config_file: Path | None, **kwargs: Any) -> Any:
            problems: list[str] = []
            if "use_batch" in names:
                kwargs["use_batch"] = _use_batch(kwargs, problems)
            given = {name: kwargs.pop(name) for name in names}
            arguments = {name: value for name, value in given.items() if value is not None}
            if arguments.get("use_batch") is False and arguments.get("clean_remote"):
                problems.append("--clean-remote deletes the files of a batch, and --realtime makes none; leave one out")
            chosen = Chosen(
                arguments=arguments | language.given(click.get_current_context()),
                path=config_file,
                needed=(*names, *also, "lang"),
                problems=tuple(problems),
            )
            return command(*args, chosen=chosen, **kwargs)

        wrapped = config_file(wrapped)
        for name in reversed(names):
            wrapped = _switch(wrapped) if name == "use_batch" else _option(by_name(name))(wrapped)
        return wrapped  # type: ignore[return-value]

    return decorate


def config_file(command: F) -> F:
    """Add --config; the command gets ``config_file``."""
    return click.option(
        "--config", "config_file", type=click.Path(path_type=Path), metavar="FILE",
        help="The settings' file. Default: qwen-dataset.toml.",
    )(command)  # fmt: skip


class _Switch(click.Option):
    """A switch whose two flags take no more room in the help than one."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        record = super().get_help_record(ctx)
        if record is None or not self.secondary_opts:
            return record
        return f"--[no-]{self.opts[0].removeprefix('--')}", record[1]


def _option(setting: Setting) -> Callable[[F], F]:
    assert setting.flag is not None
    flags = [setting.short, setting.flag] if setting.short else [setting.flag]
    words = "|".join(setting.choices)
    if setting.is_switch:
        # Neither of the two is what was not said.
        return click.option(*flags, setting.name, cls=_Switch, is_flag=True, default=None, help=setting.help)
    default = "" if setting.default is None else f" [{setting.shown(setting.default)}]"
    metavar = setting.metavar or words
    if len(metavar) > _LONGEST_METAVAR:
        # Here it would push every help text of the command to the right.
        metavar, default = "WORD", f" [{words}]"
    return click.option(
        *flags, setting.name, metavar=metavar, help=setting.help + default,
        callback=_refuse_dash if setting.name == "output" else None,
        shell_complete=lambda _, __, incomplete: _complete(setting, incomplete),
    )  # fmt: skip


def _complete(setting: Setting, incomplete: str) -> list[CompletionItem]:
    """Return what a shell may put behind an option: words, or a mark for it to look for files or folders itself.

    Of plugins only the built-in ones: to look at what is installed is too slow for a key press.
    """
    from click.shell_completion import CompletionItem  # noqa: PLC0415 - only a shell needs it

    if setting.metavar in _PATHS:
        return [CompletionItem(incomplete, type=_PATHS[setting.metavar])]
    words = PLUGINS[setting.name][0].rows if setting.name in PLUGINS else setting.choices
    return [CompletionItem(word) for word in words if word.startswith(incomplete)]


def _switch(command: F) -> F:
    command = click.option("--realtime", is_flag=True, help="Ask one call at a time.")(command)
    return click.option("--batch", is_flag=True, help="Ask in batches. Neither: above 100 requests.")(command)


def _use_batch(options: dict[str, Any], problems: list[str]) -> bool | None:
    batch, realtime = options.pop("batch"), options.pop("realtime")
    if batch and realtime:
        problems.append("--batch and --realtime contradict each other; leave one out")
    return bool(batch) if batch or realtime else None


def existing(command: F) -> F:
    """Add --force and --merge; the command gets ``existing``."""

    @functools.wraps(command)
    def wrapped(*args: Any, force: bool, merge: bool, **kwargs: Any) -> Any:
        if force and merge:
            session.fail("--force and --merge contradict each other; leave one out", session.BAD_INPUT)
        what = Existing.REPLACE if force else Existing.MERGE if merge else Existing.REFUSE
        return command(*args, existing=what, **kwargs)

    wrapped = click.option("--merge", is_flag=True, help="Add to an output that is there what it lacks.")(wrapped)
    return click.option("--force", is_flag=True, help="Replace an output that this job did not write.")(wrapped)  # type: ignore[return-value]


def quiet_and_json(command: F) -> F:
    """Add --quiet and --json."""
    command = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")(command)
    return click.option("-q", "--quiet", is_flag=True, help="Print errors only.")(command)


def papers(command: F) -> F:
    """Add PAPERS and --files-from; the command gets ``papers``, all that is named, for ``Chosen.with_papers``."""

    @functools.wraps(command)
    def wrapped(*args: Any, papers: tuple[str, ...], files_from: str | None, **kwargs: Any) -> Any:
        return command(*args, papers=_named(papers, files_from), **kwargs)

    wrapped = click.option(
        "--files-from", type=click.Path(allow_dash=True), metavar="FILE",
        help="Read more PAPERS from FILE, one a line.",
    )(wrapped)  # fmt: skip
    return click.argument("papers", nargs=-1, type=click.Path(allow_dash=True))(wrapped)  # type: ignore[return-value]


def _named(papers: tuple[str, ...], files_from: str | None) -> tuple[str, ...]:
    """Return all that is named, by itself and by a list."""
    if files_from is None:
        return papers
    everything = papers
    if files_from != STDIN or STDIN not in papers:
        try:
            everything = (*papers, *listed(files_from))
        except SettingError as error:
            session.fail(str(error), session.BAD_INPUT)
    if files_from == STDIN and STDIN in everything:
        message = "standard input cannot be both a paper and the list of --files-from; name a file for one of them"
        session.fail(message, session.BAD_INPUT)
    return everything


def output(command: F) -> F:
    """Add --output where a job has one of its own; the command gets ``output``, None where it was not given."""
    return output_option(help="Where to write. Default: as last time.")(command)


def output_option(*, help: str) -> Callable[[F], F]:  # noqa: A002 - as click calls it
    """Add --output with this help."""
    return click.option(
        "-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help=help, callback=_refuse_dash
    )


def _refuse_dash(_: click.Context, __: click.Parameter, value: T) -> T:
    """Refuse what other programs take for standard output, and what would be a file of that name here."""
    if str(value) == "-":
        message = "the output is a file, never standard output: name one behind -o (or ./- if it is to be called so)"
        session.fail(message, session.BAD_INPUT)
    return value
