"""LaTeX papers: the source of one to its text, sections and blocks."""

from __future__ import annotations

import re

import attrs

from ....domain.papers import Paper, detect_language
from ....errors import ReadError
from ..build import Outline, build_paper, same_title, stem
from . import marks
from .commands import TITLES
from .encoding import declared_encoding, decode_latex
from .flatten import Flattener
from .front import Named, authors, displayed_title
from .layout import Paragraph, abstracts, paragraphs
from .macros import undo_structural
from .prose import Renderer
from .references import name_references
from .source import LARGEST, Assembler, Companion, Source
from .structure import HANDLERS
from .writing import Writer

SUFFIXES: tuple[str, ...] = (".tex", ".latex", ".ltx")
READER = "latex/1"

# An abstract or a list of references stands beside the highest headings, or where sections would.
_SECTION = 2
_TITLE = re.compile(r"\\(?:" + "|".join(TITLES) + r")(?![A-Za-z])")
_COMMAND = re.compile(r"\\[A-Za-z]+(?:\{[^{}]*\})?")
_SAMPLE = 100_000


def read_latex(data: bytes, *, source: str, companion: Companion | None = None) -> Paper:
    r"""Return the paper in a LaTeX source. Raises ReadError naming ``source`` when it is none.

    ``companion`` gives the bytes of another file of the paper, by its name as written in the source (relative to the
    folder of the main file), None where it may not be read or is not there; what is missing is a warning. Needs
    pylatexenc: ModuleNotFoundError without it.
    """
    renderer = Renderer()
    if len(data) > LARGEST:
        raise ReadError(f"{source} is larger than {LARGEST // 1_000_000} MB of LaTeX")
    vault = marks.Vault()
    assembler = Assembler(source, companion or _nobody, vault, declared=declared_encoding(data))
    assembled = assembler.assemble(decode_latex(data, source=source, declared=assembler.declared))
    machine = Flattener(source, vault, HANDLERS)
    found, named = _flat(machine, assembled)
    chinese = _reads_chinese(found)
    found = name_references(found, chinese=chinese)
    writer = Writer(renderer, vault, top=_top(found), chinese=chinese)
    outline = _outline(writer, machine, found, named, source)
    if not outline.blocks and not outline.headings:
        raise ReadError(f"{source} has no text besides commands, comments and figures")
    warnings = (*assembler.warnings, *_more(assembler.untold), *machine.warnings, *_failures(renderer.failed))
    paper = build_paper(writer.text, attrs.evolve(outline, warnings=warnings), source=source, reader=READER)
    return _without_untitled(paper)


def _nobody(_: str) -> None:
    return None


def _flat(machine: Flattener, assembled: Source) -> tuple[list[Paragraph], Named]:
    """Return the paragraphs of a source, and the title and authors that are only set large above them."""
    whole = assembled.preamble + marks.DOCUMENT + assembled.body
    preamble, _, body = undo_structural(whole, machine.stream.charge).partition(marks.DOCUMENT)
    before = abstracts(paragraphs(machine.run(preamble)))
    named = Named()
    if not machine.front.titles and not _TITLE.search(body):
        named, body = displayed_title(body)
    return [*before, *paragraphs(machine.run(body))], named


def _outline(writer: Writer, machine: Flattener, found: list[Paragraph], named: Named, source: str) -> Outline:
    front = machine.front
    title = next(filter(None, (writer.plain(machine.run(one)) for one in reversed(front.titles))), "")
    title = title or writer.plain(machine.run(named.title))
    below = next(filter(None, (writer.plain(machine.run(one)) for one in front.subtitles)), "")
    title = f"{title.rstrip(' :')}: {below}" if title and below else title
    people = authors([machine.run(one) for one in (front.authors or [named.authors])], writer.plain)
    writer.line(title)
    writer.line(", ".join(people))
    body_start = writer.size
    writer.paragraphs(found)
    headings = writer.headings
    if headings and title and same_title(headings[0].title, title):
        # Some set the title as a heading once more.
        del headings[0]
    return Outline(
        title=title or stem(source),
        headings=tuple(headings),
        blocks=tuple(writer.blocks),
        body_start=body_start,
        authors=people,
    )


def _top(found: list[Paragraph]) -> int:
    levels = [int(one.kind) for one in found if one.role == marks.HEADING and one.kind.isdigit()]
    return min([*levels, _SECTION])


def _reads_chinese(found: list[Paragraph]) -> bool:
    return detect_language(_COMMAND.sub("", " ".join(one.written for one in found)[:_SAMPLE])) == "zh"


def _more(untold: int) -> tuple[str, ...]:
    return (f"{untold} more parts or listings are left out",) if untold else ()


def _failures(failed: int) -> tuple[str, ...]:
    return (f"pieces of LaTeX that could not be parsed and lost the commands in them: {failed}",) if failed else ()


def _without_untitled(paper: Paper) -> Paper:
    """Return a paper in which the text behind an abstract that no heading follows is in no section."""
    if not any("" in section.path for section in paper.sections):
        return paper
    sections = (attrs.evolve(one, path=tuple(filter(None, one.path))) for one in paper.sections)
    return attrs.evolve(paper, sections=tuple(one for one in sections if one.path or one.blocks))
