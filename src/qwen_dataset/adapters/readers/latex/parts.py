"""What a .tex file is among others: a paper, a part of one, or a figure."""

from __future__ import annotations

import re

import attrs

from . import marks
from .cuts import crude
from .encoding import declared_encoding, decode_latex
from .flatten import Flattener
from .layout import paragraphs
from .source import Assembler
from .structure import HANDLERS

_WORDS = re.compile(r"[^\W\d_]{2,}|[\u3400-\u9fff]")
_FEWEST_WORDS = 12
_LONGEST_FIGURE = 50_000
_FIGURE_CLASSES = frozenset({"standalone", "minimal"})


@attrs.frozen(kw_only=True)
class LatexParts:
    """What a LaTeX file is made of.

    ``includes`` are the files that it takes in, as written. ``is_document`` says whether it is a whole document.
    ``is_figure`` says that there is nothing to read in it: a standalone figure, a drawing, definitions.
    """

    includes: tuple[str, ...]
    is_document: bool
    is_figure: bool


def parts_of(data: bytes, *, source: str) -> LatexParts:
    """Return what a LaTeX file is made of, without looking at its parts. Raises ReadError for what is no text."""
    vault = marks.Vault()
    assembler = Assembler(source, None, vault, declared=declared_encoding(data))
    assembled = assembler.assemble(decode_latex(data, source=source, declared=assembler.declared))
    is_figure = assembled.document_class in _FIGURE_CLASSES
    # What is made of parts holds little itself, even its class may stand in one; and a long document is no figure.
    may_be_a_paper = assembled.includes or (assembled.is_document and len(assembled.body) > _LONGEST_FIGURE)
    if not is_figure and not may_be_a_paper:
        found = paragraphs(Flattener(source, vault, HANDLERS).run(assembled.body))
        words = sum(len(_WORDS.findall(crude(paragraph.written))) for paragraph in found)
        shown = any(marks.KEPT_MARK.search(paragraph.written) for paragraph in found)
        is_figure = words < _FEWEST_WORDS and not (shown and words)
    return LatexParts(includes=assembled.includes, is_document=assembled.is_document, is_figure=is_figure)
