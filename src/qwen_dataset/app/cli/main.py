"""The `qwen-dataset` command. Each command's module is imported when the command is called.

Exit codes are those of the help below. A stream that cannot be written has one rule each. Standard error tells of
progress: where nobody can read it (a closed pipe, a full disk) the work goes on in silence. Standard output: a reader
that has seen enough (``| head -1``) ends a listing with 0, and leaves a run the code it has earned; any other error of
writing it is one sentence and 2. A stream that was closed before the start is written to by nobody.
"""

from __future__ import annotations

import contextlib
import importlib
import re
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import attrs
import click

from ... import __version__
from . import language

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


@attrs.frozen
class _Row:
    """Where a command is, and what the list of commands says of it."""

    target: str
    help: str


_COMMANDS = {
    "generate": _Row("work:generate", "Make a dataset from papers."),
    "plan": _Row("plan:plan", "Show what a run would take, and each way's price and time."),
    "resume": _Row("work:resume", "Go on with a job, and ask again for what failed."),
    "rebuild": _Row("work:rebuild", "Make a job's dataset again from its stored answers, for free."),
    "cancel": _Row("work:cancel", "Stop a job; what was answered is kept."),
    "status": _Row("look:status", "Show the jobs, or one of them."),
    "rejects": _Row("look:rejects", "Show what did not become a sample, and why."),
    "papers": _Row("papers:papers", "Show what is read from files and folders."),
    "show-prompt": _Row("preview:show_prompt", "Show the exact requests for papers; asks nobody."),
    "batch": _Row("batch:batch", "Ask plain prompts in batches: create, status, list, cancel."),
    "prune": _Row("prune:prune", "Delete what no job needs any more."),
    "doctor": _Row("doctor:doctor", "Look whether everything is there that a run needs."),
    "config": _Row("settings_commands:config", "Show the settings and their sources; start a settings' file."),
    "completion": _Row("settings_commands:completion", "Print the script that completes commands in your shell."),
}

_GUESS = re.compile(r"\.? \(?Did you mean (?:one of: )?(.*?)\?\)?$")


class _NobodyReads(Exception):
    """The pipe behind standard output is closed."""


@contextlib.contextmanager
def _telling_that_nobody_reads() -> Iterator[None]:
    """Keep a closed pipe from click, which would end the process with an exit code of its own."""
    try:
        yield
    except BrokenPipeError:
        raise _NobodyReads from None


class LazyGroup(click.Group):
    """A group whose commands are imported when called, so that --help starts at once."""

    def main(self, args: Sequence[str] | None = None, *_: Any, **extra: Any) -> Any:
        """Run a command; whatever goes wrong with how it was typed or with its output is one sentence."""
        language.forget()
        _write_what_a_terminal_cannot_show()
        # The same name whatever file was started, so that the hints and the shell's completion always fit.
        extra |= {"prog_name": language.NAME, "standalone_mode": False}
        try:
            try:
                code = super().main(args, **extra)
            finally:
                if sys.stdout is not None:
                    sys.stdout.flush()
        except click.UsageError as error:
            _complain(error)
            sys.exit(error.exit_code)
        except UnicodeEncodeError:
            language.complain("an argument holds half a character; no file can have such a name")
            sys.exit(2)
        except click.Abort:
            language.complain("interrupted")
            sys.exit(130)
        except (_NobodyReads, BrokenPipeError):
            # Whoever read the output, such as `head`, has seen enough, and nothing has failed.
            sys.stdout = None
            sys.exit(0)
        except OSError as error:
            # What is left in the buffer cannot be written either, and must not be tried again at exit.
            sys.stdout = None
            language.complain(f"the output cannot be written: {error.strerror}")
            sys.exit(2)
        sys.exit(code if isinstance(code, int) else 0)

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        with _telling_that_nobody_reads():
            return super().make_context(*args, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        with _telling_that_nobody_reads():
            return super().invoke(ctx)

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        found = super().get_help_option(ctx)
        if found is not None:
            # Whoever reads the help has found it, and so the commands fit a screen.
            found.hidden = True
        return found

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, _, attribute = _COMMANDS[cmd_name].target.partition(":")
        command: click.Command = getattr(importlib.import_module(f"{__package__}.{module}"), attribute)
        _add_lang(command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, row.help) for name, row in _COMMANDS.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete a command's name without importing any."""
        from click.shell_completion import CompletionItem  # noqa: PLC0415 - only a shell needs it

        fitting = [(name, row.help) for name, row in _COMMANDS.items() if name.startswith(incomplete)]
        found = [CompletionItem(name, help=said) for name, said in fitting]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]


class _Unlisted(click.Option):
    """An option that everybody knows: the help leaves it out, so that the commands fit a screen."""

    def get_help_record(self, ctx: click.Context) -> None:
        return None


def _add_lang(command: click.Command) -> None:
    """Let --lang stand behind a command's name, too."""
    if all(parameter.name != "lang" for parameter in command.params):
        command.params.append(language.option())
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            _add_lang(inner)


def _complain(error: click.UsageError) -> None:
    """Say in one sentence how a command was typed wrongly."""
    if isinstance(error, getattr(click.exceptions, "NoArgsIsHelpError", ())):
        with language.unheard():
            error.show()
        return
    from ..wiring.secrets import redact  # noqa: PLC0415 - --help does without it

    words = _GUESS.sub(r" (did you mean \1?)", " ".join(error.format_message().split())).rstrip(".")
    path = error.ctx.command_path if error.ctx is not None else language.NAME
    language.complain(redact(f"{words[:1].lower()}{words[1:]}; see `{path} --help`"))


def _write_what_a_terminal_cannot_show() -> None:
    """Write a character that the terminal's encoding lacks by its number; a title must not end a run."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]}, params=[language.option()])
@click.version_option(__version__, prog_name=language.NAME, cls=_Unlisted)
def main() -> None:
    """\b
    Turn scientific papers into a grounded instruction dataset with Qwen models.
    Offline, free: qwen-dataset generate papers/ --backend fake -o dataset.jsonl
    Exit: 0 done, 1 part failed, 2 bad input, 3 not finished yet, 130 interrupted
    """  # noqa: D205, D301, D400 - \b is click's mark for lines to keep
