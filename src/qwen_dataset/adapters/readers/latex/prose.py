"""LaTeX inside a line to characters, by pylatexenc."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from .cuts import balanced, crude, deepest, pieces
from .rules import rules

if TYPE_CHECKING:
    from pylatexenc.latex2text import LatexNodes2Text  # type: ignore[import-untyped]
    from pylatexenc.macrospec import LatexContextDb  # type: ignore[import-untyped]

# pylatexenc reads recursively.
_DEEPEST = 50
_LONGEST = 20_000
_SPECIAL = re.compile(r"[\\{}~&'`$#%]|--")
# pylatexenc takes every letter of Unicode for one of a command's name; TeX only those of ASCII, as here.
_COMMAND = re.compile(r"\\[A-Za-z]+(?=[^\x00-\x7f])")
_INNER = re.compile(r"\\[A-Za-z]*@[A-Za-z@]+|\\(?:begin|end)(?![A-Za-z])")
_PER_CENT = re.compile(r"(?<!\\)%")


class Renderer:
    """Turns the LaTeX of a paragraph into its text. Raises ModuleNotFoundError without pylatexenc."""

    def __init__(self) -> None:
        self._context, self._writer = _tools()
        self.failed = 0

    def render(self, written: str) -> str:
        """Return the text of a paragraph, marks as they are; what cannot be parsed only loses its commands."""
        if not _SPECIAL.search(written):
            return written
        return "".join(map(self._piece, pieces(balanced(written))))

    def _piece(self, piece: str) -> str:
        if not _SPECIAL.search(piece):
            return piece
        if len(piece) <= _LONGEST and deepest(piece) <= _DEEPEST:
            from pylatexenc.latexwalker import (  # type: ignore[import-untyped]  # noqa: PLC0415 - an extra
                LatexWalker,
                LatexWalkerError,
            )

            source = _COMMAND.sub(r"\g<0>{}", _INNER.sub("", _PER_CENT.sub(r"\\%", piece)))
            try:
                walker = LatexWalker(source, latex_context=self._context, tolerant_parsing=True)
                return str(self._writer.nodelist_to_text(walker.get_latex_nodes()[0]))
            except (LatexWalkerError, RecursionError, ValueError, TypeError, LookupError, AttributeError):
                pass
        self.failed += 1
        return crude(piece)


@cache
def _tools() -> tuple[LatexContextDb, LatexNodes2Text]:
    """Return how commands are parsed and how they are written, as pylatexenc knows them and as we do."""
    from pylatexenc.latex2text import (  # noqa: PLC0415 - an extra
        LatexNodes2Text,
        MacroTextSpec,
        SpecialsTextSpec,
        get_default_latex_context_db,
    )
    from pylatexenc.latexwalker import get_default_latex_context_db as get_walker_context  # noqa: PLC0415
    from pylatexenc.macrospec import MacroSpec, MacroStandardArgsParser, SpecialsSpec  # noqa: PLC0415

    known = rules()
    walker = get_walker_context()
    marks = [SpecialsSpec(mark) for mark in ("`", "'")]
    walker.add_context_category(
        "papers", prepend=True, macros=[MacroSpec(name, rule[0]) for name, rule in known.items()], specials=marks
    )
    # An option right behind a command that nobody knows is not for reading.
    walker.set_unknown_macro_spec(MacroSpec("", args_parser=MacroStandardArgsParser("[", optional_arg_no_space=True)))
    writer = get_default_latex_context_db()
    writer.add_context_category(
        "papers",
        prepend=True,
        macros=[MacroTextSpec(name, simplify_repl=rule[1]) for name, rule in known.items()],
        specials=[
            SpecialsTextSpec("~", " "),
            SpecialsTextSpec("&", " "),
            SpecialsTextSpec("`", "‘"),
            SpecialsTextSpec("'", "’"),
        ],
    )
    return walker, LatexNodes2Text(latex_context=writer, strict_latex_spaces=True, keep_comments=False)
