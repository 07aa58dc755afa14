"""The command that shows what is read from papers, and what would be asked about."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterable, Mapping
from typing import Any

import attrs
import click

from ...domain.papers import Paper
from ...domain.passages import Division, divide
from ...errors import QwenDatasetError, SettingError
from ..wiring.config import Config
from ..wiring.corpus import Name, ReadReport, read_papers
from ..wiring.tokens import doubt_about, vocabulary_of
from . import language, options, session
from .chosen import Chosen
from .columns import one_line
from .describe import describe_reading
from .paper_tree import show_tree, tree_record
from .show import echo_json


@click.command()
@options.papers
@options.settings("data_dir", "model", "passage_tokens", "passage_overlap", also=options.READING)
@click.option("--show", is_flag=True, help="Print the sections, their passages, and what is left out.")
@click.option("--text", is_flag=True, help="Print the text in which all offsets count, exactly.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a paper, and one of totals.")
@click.option("--strict", is_flag=True, help="Stop at the first paper that cannot be read.")
def papers(papers: tuple[Name, ...], chosen: Chosen, show: bool, text: bool, as_json: bool, strict: bool) -> None:
    """Show what is read from PAPERS: formats, languages, titles, sections, passages, tokens.

    PAPERS are files, folders, patterns such as 'a/**/*.pdf', addresses such as s3://bucket/papers, and - for standard
    input (default: the folder of --data-dir). Tokens are those of the passages, as --model
    counts them. With --text and several papers, a line `==> SOURCE (ID) <==` stands before each text; --json keeps
    them apart.
    """
    config, sources = chosen.with_papers(papers)
    if show and text and not as_json:
        session.fail("--show and --text contradict each other; leave one out, or add --json", session.BAD_INPUT)
    report = ReadReport()
    try:
        with contextlib.closing(read_papers(sources, report, strict=strict, limits=config.read_limits)) as found:
            if text and not as_json:
                _print_texts(found)
            else:
                _print_papers(found, report, config, show, text, as_json)
    except SettingError as error:
        session.fail_all(error.problems, session.BAD_INPUT)
    except QwenDatasetError as error:
        session.fail(str(error), session.BAD_INPUT)
    for sentence in describe_reading(report):
        language.say(sentence, err=True)
    if report.unread:
        sys.exit(session.SOME_FAILED)


def _print_papers(
    found: Iterable[Paper], report: ReadReport, config: Config, show: bool, text: bool, as_json: bool
) -> None:
    count = vocabulary_of(config.model).count
    totals = _Totals()
    for number, paper in enumerate(found):
        division = divide(
            paper, count=count, target_tokens=config.passage_tokens, overlap_tokens=config.passage_overlap
        )
        totals.add(paper, division)
        if as_json:
            record = _record(paper, division)
            record |= {"parts": tree_record(division)} if show else {}
            echo_json(record | ({"text": paper.text} if text else {}))
        else:
            if show and number:
                click.echo()
            _print_paper(paper, division)
            if show:
                show_tree(paper, division)
    if as_json:
        echo_json({"totals": totals.record(report, config.model)})
    else:
        totals.print(config)


@attrs.define
class _Sum:
    """What some papers add up to. ``tokens`` are those of the passages; ``left_out`` counts characters by reason."""

    papers: int = 0
    passages: int = 0
    tokens: int = 0
    characters: int = 0
    oversized: int = 0
    left_out: dict[str, int] = attrs.Factory(dict)

    def add(self, paper: Paper, division: Division) -> None:
        self.papers += 1
        self.passages += len(division.passages)
        self.tokens += sum(passage.tokens for passage in division.passages)
        self.characters += len(paper.text)
        self.oversized += sum(passage.oversized for passage in division.passages)
        for reason, characters in _left_out(division).items():
            self.left_out[reason] = self.left_out.get(reason, 0) + characters

    def record(self) -> dict[str, int]:
        return {name: getattr(self, name) for name in ("papers", "passages", "tokens", "characters")}


@attrs.define
class _Totals:
    """All papers together, and by language and format."""

    all: _Sum = attrs.Factory(_Sum)
    languages: dict[str, _Sum] = attrs.Factory(dict)
    formats: dict[str, _Sum] = attrs.Factory(dict)

    def add(self, paper: Paper, division: Division) -> None:
        self.all.add(paper, division)
        self.languages.setdefault(paper.language, _Sum()).add(paper, division)
        self.formats.setdefault(_format(paper), _Sum()).add(paper, division)

    def record(self, report: ReadReport, model: str) -> dict[str, Any]:
        vocabulary = vocabulary_of(model)
        return {
            **self.all.record(),
            "oversized": self.all.oversized,
            "left_out": dict(sorted(self.all.left_out.items())),
            "languages": {name: each.record() for name, each in sorted(self.languages.items())},
            "formats": {name: each.record() for name, each in sorted(self.formats.items())},
            "unread": report.unread,
            "ignored": report.ignored,
            "repeated": report.repeated,
            "model": model,
            "vocabulary": vocabulary.name,
            "vocabulary_is_sure": vocabulary.is_sure,
        }

    def print(self, config: Config) -> None:
        """Print the totals for a person; one paper has said its own already."""
        if self.all.papers > 1:
            click.echo()
            language.say(f"in all: {_told(self.all)}")
            names = [*sorted(self.languages.items()), *sorted(self.formats.items())]
            width = max(len(name) for name, _ in names)
            for name, each in names:
                language.say(f"  {name:<{width}}  {_told(each)}")
            _say_left_out(self.all.left_out)
        if self.all.oversized:
            most = 2 * config.passage_tokens
            language.say(
                f"{self.all.oversized} passages have more than {most} tokens: a formula, table, code block or sentence"
                " is never cut"
            )
        if doubt := doubt_about(config.model):
            language.say(doubt)


def _told(sum_: _Sum) -> str:
    return f"{sum_.papers} papers, {sum_.passages} passages, {sum_.tokens} tokens, {sum_.characters} characters"


def _say_left_out(left_out: Mapping[str, int]) -> None:
    if left_out:
        each = ", ".join(f"{count} {why}" for why, count in sorted(left_out.items()))
        language.say(f"  left out (characters): {each}")


def _left_out(division: Division) -> dict[str, int]:
    """Return how many characters are left out, by reason."""
    found: dict[str, int] = {}
    for each in division.left_out:
        found[each.reason.value] = found.get(each.reason.value, 0) + each.end - each.start
    return found


def _format(paper: Paper) -> str:
    return paper.reader.partition("/")[0]


def _print_texts(found: Iterable[Paper]) -> None:
    """Print texts exactly as offsets count in them; nothing is added to the only one."""
    waiting: Paper | None = None
    several = False
    for paper in found:
        if waiting is not None:
            several = True
            _print_headed(waiting)
        waiting = paper
    if waiting is None:
        return
    if several:
        _print_headed(waiting)
    else:
        click.echo(waiting.text.encode("utf-8"), nl=False)


def _print_headed(paper: Paper) -> None:
    click.echo(f"==> {one_line(paper.source)} ({paper.id}) <==\n{paper.text}\n".encode(), nl=False)


def _record(paper: Paper, division: Division) -> dict[str, Any]:
    return {
        "id": paper.id,
        "title": paper.title,
        "source": paper.source,
        "language": paper.language,
        "format": _format(paper),
        "reader": paper.reader,
        "authors": list(paper.authors),
        "sections": len(paper.sections),
        "passages": len(division.passages),
        "tokens": sum(passage.tokens for passage in division.passages),
        "characters": len(paper.text),
        "oversized": sum(passage.oversized for passage in division.passages),
        "left_out": _left_out(division),
        "warnings": list(paper.warnings),
    }


def _print_paper(paper: Paper, division: Division) -> None:
    tokens = sum(passage.tokens for passage in division.passages)
    # Whoever made a dump chose both, and might steer the terminal.
    click.echo(f"{one_line(paper.source)}\n  {one_line(paper.title)}")
    language.say(
        f"  {paper.language}, {paper.reader}, {len(paper.sections)} sections, {len(division.passages)} passages,"
        f" {tokens} tokens, {len(paper.text)} characters"
    )
    _say_left_out(_left_out(division))
    click.echo(f"  id {paper.id}")
    for warning in paper.warnings:
        language.say(f"  warning: {one_line(warning)}")
