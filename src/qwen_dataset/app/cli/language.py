"""The language of messages. Each sentence that a person reads passes through here whole; data and JSON do not."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, TextIO

import attrs
import click

from ...errors import SettingError
from .columns import wrapped

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

AUTO, ENGLISH, CHINESE = "auto", "en", "zh"

NAME = "qwen-dataset"
"""What stands in front of a complaint."""

_LOCALE = ("LC_ALL", "LC_MESSAGES", "LANG")
# All control characters but tabs and line feeds.
_STEERING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_GIVEN = f"{__name__}.given"


@attrs.define
class _Speaker:
    language: str | None = None  # None: not looked up yet


_speaker = _Speaker()


def use(language: str) -> None:
    """Speak this language from now on; ``auto`` is the locale's."""
    _speaker.language = _of_locale() if language == AUTO else language


def forget() -> None:
    """Look up the language anew when the next sentence is due."""
    _speaker.language = None


def tr(sentence: str) -> str:
    """Return a sentence in the language in use."""
    if _speaker.language is None:
        # A sentence that is due before any command has looked at its settings, such as one about an unknown option.
        from ..wiring.sources import resolve  # noqa: PLC0415 - --help does without it

        use(resolve().values["lang"].value)
    if _speaker.language == ENGLISH:
        return sentence
    from .chinese import translate  # noqa: PLC0415 - only who reads Chinese pays for it

    return translate(sentence)


def harmless(sentence: str) -> str:
    """Return a sentence without what would steer a terminal: it may quote a paper, or the name of a file."""
    return _STEERING.sub("\ufffd", sentence)


def lines(sentence: str, column: int = 0) -> Iterator[str]:
    """Yield a sentence in the language in use; from a column on, each line begins there and ends within the screen."""
    text = tr(harmless(sentence))
    if not column:
        yield text
        return
    first, *others = wrapped(text, indent=column)
    yield f"{' ' * column}{first}"
    yield from others


def say(sentence: str, *, err: bool = False) -> None:
    """Print one sentence on a line of its own."""
    if err:
        with unheard():
            click.echo(tr(harmless(sentence)), err=True)
    else:
        click.echo(tr(harmless(sentence)))


def complain(sentence: str) -> None:
    """Print one sentence about what went wrong."""
    with unheard():
        click.echo(f"{NAME}: {tr(harmless(sentence))}", err=True)


@contextlib.contextmanager
def unheard() -> Iterator[None]:
    """Let the work go on where standard error cannot be written: it may be paid for, and nobody listens."""
    try:
        yield
    except OSError:
        # What is left in its buffer would change the exit code at the end.
        sys.stderr = None


@contextlib.contextmanager
def unread() -> Iterator[None]:
    """Let what ends a command pass where the reader of its output has gone: its exit code is not changed by that."""
    try:
        yield
    except BrokenPipeError:
        sys.stdout = None


def is_terminal(stream: TextIO | None) -> bool:
    """Say whether a person sits at a standard stream; there is none where it was closed."""
    return stream is not None and stream.isatty()


def option() -> click.Option:
    """Return --lang, which may stand before and after a command's name."""
    return click.Option(
        ["--lang"],
        metavar="auto|en|zh",
        help="The language of messages; auto: the terminal's.",
        expose_value=False,
        is_eager=True,  # before anything that may have to be said
        callback=_note,
        shell_complete=_complete,
    )


def _complete(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem  # noqa: PLC0415 - only a shell needs it

    return [CompletionItem(word) for word in (AUTO, ENGLISH, CHINESE) if word.startswith(incomplete)]


def given(ctx: click.Context) -> dict[str, str]:
    """Return the setting as ``resolve`` takes it, empty where --lang was not given."""
    return {"lang": ctx.meta[_GIVEN]} if _GIVEN in ctx.meta else {}


def _note(ctx: click.Context, _: click.Parameter, value: str | None) -> None:
    from ..wiring.settings import by_name  # noqa: PLC0415 - --help does without it

    if value is not None:
        ctx.meta[_GIVEN] = value
    if _GIVEN not in ctx.meta:
        return
    try:
        use(by_name("lang").check(ctx.meta[_GIVEN], source="--lang"))
    except SettingError as error:
        # A command that has settings tells this together with what is wrong with the others.
        if not isinstance(ctx.command, click.Group) and all(each.name != "config_file" for each in ctx.command.params):
            raise click.UsageError(str(error), ctx) from None


def _of_locale() -> str:
    found = next(filter(None, map(os.environ.get, _LOCALE)), "")
    return CHINESE if found.lower().startswith(CHINESE) else ENGLISH
