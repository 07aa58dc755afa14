"""Tables, names and links of the pages say what there is: all of it, and nothing else."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import attrs
import click
import pytest
from click.testing import CliRunner

from qwen_dataset.adapters.inference.fake.settings import FakeSettings
from qwen_dataset.adapters.inference.openai_api.options import Options
from qwen_dataset.app.api.blocking import BlockingClient
from qwen_dataset.app.api.client import Client
from qwen_dataset.app.cli.main import main
from qwen_dataset.app.wiring.config import Config
from qwen_dataset.app.wiring.prices import price_list
from qwen_dataset.app.wiring.settings import SETTINGS, Setting
from qwen_dataset.app.wiring.sources import resolve
from tests.docs.pages import CONFIGURATION, PAGES, READMES, ROOT, blocks, differs, environment, read, table

LINKING = (*PAGES, "docs/architecture.md")
PRICES = "[[prices]]"
HEADINGS = {READMES[0]: ("command", "method"), READMES[1]: ("命令", "方法")}


def commands(group: click.Group, *above: str) -> Iterator[tuple[str, click.Command]]:
    """Yield every command that does something, by the words that call it."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, *above, name)
        else:
            yield " ".join((*above, name)), command


COMMANDS = dict(commands(main))
OPTIONS = {
    option
    for command in (main, *COMMANDS.values())
    for parameter in command.params
    for option in (*parameter.opts, *parameter.secondary_opts)
}


@pytest.mark.parametrize("readme", READMES)
def test_the_table_of_commands_names_each_of_them_once(readme: str) -> None:
    named = [re.match(r"`([a-z -]+[a-z])", row[0]) for row in table(readme, HEADINGS[readme][0])]
    assert sorted(found[1] for found in named if found) == sorted(COMMANDS)
    assert all(row[1] for row in table(readme, HEADINGS[readme][0]))


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_shows_its_help(command: str) -> None:
    ended = CliRunner().invoke(main, [*command.split(), "--help"])
    assert ended.exit_code == 0, ended.output
    assert ended.output.startswith(f"Usage: qwen-dataset {command}")


@pytest.mark.parametrize("page", PAGES)
def test_every_command_and_option_that_a_page_names_exists(page: str) -> None:
    text = read(page)
    called = re.findall(r"(?:`|\$ |[A-Z_]+=\S+ )qwen-dataset ([a-z-]+(?: [a-z]+)?)", text)
    assert called
    for words in called:
        assert words in COMMANDS or words.split()[0] in COMMANDS, words
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    for code in re.findall(r"`([^`\n]+)`", prose):
        if not code.startswith("pip "):
            assert set(re.findall(r"(?<!\S)--?[a-z][a-z-]*", code)) <= OPTIONS | {"--help"}, code


@pytest.mark.parametrize("readme", READMES)
def test_the_methods_are_those_of_both_clients(readme: str) -> None:
    named = {name for row in table(readme, HEADINGS[readme][1]) for name in re.findall(r"`(\w+)`", row[0])}
    public = {name for name in dir(BlockingClient) if not name.startswith("_")} - {"close", "config"}
    assert named == public
    assert all(hasattr(Client, name) for name in named)


@pytest.mark.parametrize("readme", READMES)
def test_the_faults_of_the_fake_exist(readme: str) -> None:
    told = re.findall(r"`(\w+)`", read(readme).rsplit("\n## ", 2)[1])
    faults = {
        field.name for field in attrs.fields(FakeSettings) if field.metadata["wanted"].startswith("a probability")
    }
    assert faults <= set(told)
    assert set(told) - faults == {"fake"}


def _row(setting: Setting) -> list[str]:
    """Return a setting as the table must show it, but for what it means."""
    flags = [flag for flag in (setting.short, *(setting.flag or "").split("/")) if flag in OPTIONS]
    shown = "" if setting.default is None and not setting.choices else setting.shown(setting.default)
    return [
        f"`{setting.name}`",
        " ".join(f"`{variable}`" for variable in setting.variables),
        " ".join(f"`{flag}`" for flag in flags) or "–",
        f"`{shown}`" if shown else "–",
    ]


@pytest.mark.parametrize(("page", "heading"), [(CONFIGURATION[0], "setting"), (CONFIGURATION[1], "设置")])
def test_the_table_of_settings_is_the_one_that_the_code_has(page: str, heading: str) -> None:
    rows = table(page, heading)
    assert [row[:4] for row in rows] == [_row(setting) for setting in SETTINGS]
    if heading == "setting":
        assert [row[4] for row in rows] == [setting.help for setting in SETTINGS]
    assert all(len(row) == 5 and row[4] for row in rows)


@pytest.mark.parametrize(("page", "heading"), [(CONFIGURATION[0], "attribute"), (CONFIGURATION[1], "属性")])
def test_the_familiar_attributes_are_the_same_as_what_they_stand_for(page: str, heading: str) -> None:
    config = Config(api_key="a-key", base_url="https://example.com", model="m", completion_window="2d")
    familiar = set()
    for names, same in table(page, heading):
        for name in re.findall(r"`(\w+)`", names):
            familiar.add(name)
            assert getattr(config, name) == getattr(config, same.strip("`"))
    properties = {name for name, value in vars(Config).items() if isinstance(value, property)}
    assert familiar == properties - {"parameters", "options", "window_hours", "after_seconds", "read_limits"}


@pytest.mark.parametrize("readme", READMES)
def test_the_readme_names_every_familiar_variable(readme: str) -> None:
    assert all(f"`{variable}`" in read(readme) for setting in SETTINGS for variable in setting.familiar)


@pytest.mark.parametrize("page", CONFIGURATION)
def test_the_settings_file_is_accepted(page: str, tmp_path: Path) -> None:
    found = [block for block in blocks(page, "toml") if PRICES not in block]
    assert found
    for block in found:
        (tmp_path / "qwen-dataset.toml").write_text(block, encoding="utf-8")
        resolved = resolve(folder=tmp_path, environ={})
        assert not resolved.problems
        resolved.config()
        assert set(tomllib.loads(block)) == {
            name for name, chosen in resolved.values.items() if chosen.source.startswith("qwen-dataset.toml line ")
        }


@pytest.mark.parametrize("page", CONFIGURATION)
def test_the_file_of_prices_is_accepted(page: str, tmp_path: Path) -> None:
    (block,) = [block for block in blocks(page, "toml") if PRICES in block]
    (tmp_path / "my-prices.toml").write_text(block, encoding="utf-8")
    listed = price_list(Config())
    found = price_list(Config(prices=tmp_path / "my-prices.toml"))
    assert len(found) == len(listed) + 2, "two rows of another server are new, and two of ours are replaced"
    mine = found.find("qwen-plus", "cn-beijing", "batch")
    assert mine is not None
    assert mine.cost(prompt_tokens=1_000_000, completion_tokens=0) == 2
    assert found.find("qwen3-8b", "http://localhost:8000/v1", "batch") is not None


@pytest.mark.parametrize("page", CONFIGURATION)
def test_the_program_on_the_page_of_settings_prints_what_it_promises(page: str, tmp_path: Path) -> None:
    (block,) = blocks(page, "python")
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", block],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ended.returncode == 0, ended.stderr
    assert f"  # {ended.stdout.strip()}\n" in block


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", LINKING)
def test_every_link_leads_somewhere(page: str) -> None:
    targets = [target for target in re.findall(r"\]\(([^)]+)\)", read(page)) if "://" not in target]
    assert targets or page == "docs/architecture.md"
    for target in targets:
        name, _, anchor = target.partition("#")
        found = (ROOT / page).parent / name if name else ROOT / page
        assert found.exists(), target
        assert not anchor or anchor in _anchors(found), target


@pytest.mark.parametrize("page", [*PAGES, "CHANGELOG.md"])
def test_prose_is_not_wider_than_code(page: str) -> None:
    prose = re.sub(r"```.*?```", "", read(page), flags=re.DOTALL)
    assert [line for line in prose.splitlines() if len(line) > 120 and not line.startswith("|")] == []


def test_the_comparison_finds_what_is_different() -> None:
    """Whoever compares must be able to fail."""
    assert differs(["one", "…", "three…"], ["one", "two", "2b", "three and more"]) is None
    assert differs(["one", "…"], ["one"]) is None
    assert differs(["one"], ["one", "two"])
    assert differs(["one", "two"], ["one"])
    assert differs(["at 2026-01-02 03:04"], ["at 2027-05-06 07:08"]) is None
    assert differs(["a.c"], ["abc"])


@pytest.mark.parametrize(("page", "heading"), [(CONFIGURATION[0], "parameter"), (CONFIGURATION[1], "参数")])
def test_every_parameter_of_a_backend_s_address_is_explained(page: str, heading: str) -> None:
    parameters = [field for field in attrs.fields(Options) if "parse" in field.metadata]
    rows = {row[0].strip("`"): row[1:] for row in table(page, heading)}
    assert sorted(rows) == sorted(field.name for field in parameters)
    for field in parameters:
        if isinstance(field.default, (int, float)) and not isinstance(field.default, bool):
            assert rows[field.name][1].startswith(f"{field.default:g}" if field.default < 1000 else str(field.default))
