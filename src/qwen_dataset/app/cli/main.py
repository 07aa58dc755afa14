"""The `qwen-dataset` command. Each command's module is imported when the command is called."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import click

from ... import __version__

_COMMANDS = {
    "generate": "work",
    "resume": "work",
    "rebuild": "work",
    "cancel": "work",
    "status": "look",
    "rejects": "look",
    "papers": "look",
}
_HELP = {
    "generate": "Make a dataset from papers.",
    "resume": "Go on with a job, and ask again for what failed.",
    "rebuild": "Make a job's dataset again from its stored answers, for free.",
    "cancel": "Stop a job; what was answered is kept.",
    "status": "Show the jobs, or one of them.",
    "rejects": "Show what did not become a sample, and why.",
    "papers": "Show what is read from files and folders.",
}


class LazyGroup(click.Group):
    """A group whose commands are imported when called, so that --help starts at once."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run a command; output that cannot be written is one sentence."""
        try:
            try:
                return super().main(*args, **kwargs)
            finally:
                sys.stdout.flush()
        except BrokenPipeError:
            # Whoever read the output has seen enough.
            sys.stdout = None
            sys.exit(1)
        except OSError as error:
            # What is left in the buffer cannot be written either, and must not be tried again at exit.
            sys.stdout = None
            click.echo(f"qwen-dataset: the output cannot be written: {error.strerror}", err=True)
            sys.exit(3)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(f"{__package__}.{_COMMANDS[cmd_name]}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, _HELP[name]) for name in _COMMANDS])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="qwen-dataset")
def main() -> None:
    """Turn scientific papers into a grounded instruction dataset with Qwen models.

    \b
    Try it offline, without a key, for free:
      qwen-dataset generate papers/ --backend fake --output dataset.jsonl

    \b
    Exit codes: 0 done, 1 some requests failed or inputs were not read,
    2 bad input or setting, 3 not finished yet, 130 interrupted.
    """  # noqa: D301 - \b is click's mark for lines to keep
