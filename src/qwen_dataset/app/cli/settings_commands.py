"""Commands about settings, and about the shell: config show, config init, completion."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path, PurePath
from typing import Any

import click

from ...errors import SettingError
from ..wiring.secrets import redact
from ..wiring.settings import SETTINGS, Setting
from ..wiring.sources import TOML_FILE, Chosen, Resolved, resolve
from . import language, options, session
from .chosen import unknown_names
from .show import echo_json

_NAME_WIDTH = 2 + max(len(setting.name) for setting in SETTINGS)
_VALUE_WIDTH = 35
_SCREEN = 80

_HEAD = f"""\
## Settings of qwen-dataset, each at its default and switched off: take the `#` before its name away and change it.
## What is set here gives way to the file .env, that to the environment, and that to a command's options.
## `{language.NAME} config show` tells what counts, and where it comes from.
"""

# For the settings that are not set by default, and that TOML has therefore no value for.
_EXAMPLES = {
    "backend": '"fake"',
    "base_url": '"https://models.example.org/v1"',
    "prices": '"my-prices.toml"',
    "job_name": '"my-dataset"',
    "thinking_budget": "1000",
    "max_cost": "50",
    "pilot": "20",
    "pilot_min_yield": "0.6",
    "response_format": '"json_object"',
    "extra_body": "{ top_k = 20 }",
    "concurrency": "8",
    "after": '"6h"',
    "read_processes": "2",
}


@click.group()
def config() -> None:
    """Show the settings and where each comes from, or start a settings' file."""


@config.command(short_help="Show each setting, its value and its source.")
@options.config_file
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def show(config_file: Path | None, as_json: bool) -> None:
    """Show each setting, its value and its source; a key is shown as ***.

    What is wrong with any of them comes last, a line each.
    """
    resolved = resolve(language.given(click.get_current_context()), path=config_file)
    language.use(resolved.values["lang"].value)
    problems: list[str] = []
    try:
        resolved.config()
    except SettingError as error:
        problems += error.problems
    problems += unknown_names(resolved)
    wrong = _wrong(resolved)
    if as_json:
        found = {setting.name: _record(setting, resolved.values[setting.name]) for setting in SETTINGS}
        found |= {name: {"value": chosen.value, "source": chosen.source} for name, chosen in wrong.items()}
        echo_json(found | ({"problems": list(map(redact, problems))} if problems else {}))
    else:
        for line in _table(resolved, wrong):
            click.echo(line)
    if problems:
        session.fail_all(problems, session.BAD_INPUT)


def _wrong(resolved: Resolved) -> dict[str, Chosen]:
    """Return the values that cannot be used, short and without a key."""
    return {each.setting: each.found for each in resolved.problems if each.setting and each.found}


def _record(setting: Setting, chosen: Chosen) -> dict[str, Any]:
    value = chosen.value
    if setting.secret and value is not None:
        value = setting.shown(value)
    return {"value": str(value) if isinstance(value, PurePath) else value, "source": chosen.source}


def _table(resolved: Resolved, wrong: Mapping[str, Chosen]) -> Iterator[str]:
    """Yield the lines of all settings in three columns; ``wrong`` are values that cannot be used."""
    for setting in SETTINGS:
        chosen = resolved.values[setting.name]
        value = resolved.describe(setting.name)
        if setting.name in wrong:
            chosen = wrong[setting.name]
            value = str(chosen.value)
        elif chosen.value is None:
            value = language.tr(value)
        yield from _lines(setting.name, value, language.tr(chosen.source))


def _lines(name: str, value: str, source: str) -> list[str]:
    """Return a setting on one line of a screen, on several where it does not fit."""
    from rich.cells import cell_len, chop_cells  # noqa: PLC0415 - it counts Chinese letters as wide as they are

    pieces = chop_cells(value, _SCREEN - _NAME_WIDTH) or [""]
    lines = [" " * _NAME_WIDTH + piece for piece in pieces]
    lines[0] = f"{name:<{_NAME_WIDTH}}{pieces[0]}"
    column = _NAME_WIDTH + _VALUE_WIDTH
    if cell_len(source) > _SCREEN - column:
        # On a line of its own: where the others stand it would leave the screen.
        return [*lines, " " * max(0, min(_NAME_WIDTH, _SCREEN - cell_len(source))) + source]
    if cell_len(lines[-1]) + 2 > column:
        lines.append("")
    lines[-1] += " " * (column - cell_len(lines[-1])) + source
    return lines


@config.command(short_help="Write a settings' file that holds every default.")
@click.argument("path", type=click.Path(path_type=Path), default=TOML_FILE)
@click.option("--force", is_flag=True, help="Replace a file that is there.")
def init(path: Path, force: bool) -> None:
    """Write a settings' file to PATH (default: qwen-dataset.toml) that holds every default and changes nothing."""
    try:
        with path.open("w" if force else "x", encoding="utf-8") as file:
            file.write(_template())
    except FileExistsError:
        session.fail(f"{path} exists; choose another path, or pass --force to replace it", session.BAD_INPUT)
    except OSError as error:
        session.fail(f"{path} cannot be written: {error.strerror}", session.BAD_INPUT)
    language.say(f"{path} written; `{language.NAME} config show` tells what counts")


def _template() -> str:
    return "\n".join([_HEAD, *(_paragraph(setting) for setting in SETTINGS)])


def _paragraph(setting: Setting) -> str:
    names = " or ".join(setting.variables)
    if setting.secret:
        said = f"## {setting.name}: put the key into the environment or into .env, not here.\n"
        return f"{said}## Environment: {names}.\n"
    flag = f"; option: {setting.flag}" if setting.flag else ""
    example = _EXAMPLES.get(setting.name)
    lines = [
        f"## {setting.help}",
        f"## Takes {setting.wanted}.",
        f"## Environment: {names}{flag}.",
        # Two marks, as for all that is no setting at its default: with one less in every line nothing changes.
        f"# {setting.name} = {_toml(setting)}"
        if example is None
        else f"## Not set; to set it: {setting.name} = {example}",
    ]
    return "\n".join(lines) + "\n"


def _toml(setting: Setting) -> str:
    """Return a setting's default as TOML writes it."""
    shown = setting.shown(setting.default)
    return shown if isinstance(setting.default, int | float | Decimal) else json.dumps(shown, ensure_ascii=False)


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the script that completes commands and options in your shell.

    \b
    bash  qwen-dataset completion bash > ~/.qwen-dataset.bash
          echo '. ~/.qwen-dataset.bash' >> ~/.bashrc
    zsh   qwen-dataset completion zsh > ~/.qwen-dataset.zsh
          echo '. ~/.qwen-dataset.zsh' >> ~/.zshrc
    fish  cd ~/.config/fish/completions
          qwen-dataset completion fish > qwen-dataset.fish
    """  # noqa: D301 - \b is click's mark for lines to keep
    from click.shell_completion import ShellComplete, get_completion_class  # noqa: PLC0415 - nothing else needs it

    found = get_completion_class(shell)
    assert found is not None
    main = click.get_current_context().find_root().command
    variable = f"_{language.NAME.replace('-', '_').upper()}_COMPLETE"
    # Not the shell's own `source`, which first starts a shell to look at its version.
    click.echo(ShellComplete.source(found(main, {}, language.NAME, variable)))
