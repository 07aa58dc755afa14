"""LaTeX inside a line to characters, by pylatexenc."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from .cuts import balanced, crude, deepest, ligatures, pieces
from .marks import KEPT, KEPT_END, KEPT_MARK
from .rules import rules

if TYPE_CHECKING:
    from pylatexenc.latex2text import LatexNodes2Text  # type: ignore[import-untyped]
    from pylatexenc.macrospec import LatexContextDb  # type: ignore[import-untyped]

# pylatexenc reads recursively, and for each part of a text looks back over all before it: so it gets short ones.
_DEEPEST = 50
_LONGEST = 20_000
_SPECIAL = re.compile(r"[\\{}]")
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
        written = ligatures(written)
        if not _SPECIAL.search(written):
            return written
        return "".join(map(self._piece, pieces(balanced(written))))

    def _piece(self, piece: str) -> str:
        if "\\" not in piece:
            return piece.replace("{", "").replace("}", "")
        if len(piece) <= _LONGEST and deepest(piece) <= _DEEPEST:
            from pylatexenc.latexwalker import (  # type: ignore[import-untyped]  # noqa: PLC0415 - an extra
                LatexWalker,
                LatexWalkerError,
            )

            source = _COMMAND.sub(r"\g<0>{}", _INNER.sub("", _PER_CENT.sub(r"\\%", piece)))
            try:
                walker = LatexWalker(source, latex_context=self._context, tolerant_parsing=True)
                text = str(self._writer.nodelist_to_text(walker.get_latex_nodes()[0]))
            except (LatexWalkerError, RecursionError, ValueError, TypeError, LookupError, AttributeError):
                self.failed += 1
            else:
                # An accent on a formula would tear the mark that stands for it.
                if text.count(KEPT) == text.count(KEPT_END) == len(KEPT_MARK.findall(text)):
                    return text
        else:
            self.failed += 1
        return crude(piece)


@cache
def _tools() -> tuple[LatexContextDb, LatexNodes2Text]:
    """Return how commands are parsed and how they are written, as pylatexenc knows them and as we do."""
    from pylatexenc import latex2text, latexwalker, macrospec  # type: ignore[import-untyped]  # noqa: PLC0415

    known = rules()
    # Looking for ligatures at each character is most of what parsing costs; they are characters before it begins.
    parsed = macrospec.LatexContextDb()
    parsed.add_context_category("papers", macros=[macrospec.MacroSpec(name, rule[0]) for name, rule in known.items()])
    default = latexwalker.get_default_latex_context_db()
    parsed.add_context_category("pylatexenc", macros=list(default.iter_macro_specs()))
    # An option right behind a command that nobody knows is not for reading.
    arguments = macrospec.MacroStandardArgsParser("[", optional_arg_no_space=True)
    parsed.set_unknown_macro_spec(macrospec.MacroSpec("", args_parser=arguments))
    written = latex2text.get_default_latex_context_db()
    written.add_context_category(
        "papers",
        prepend=True,
        macros=[latex2text.MacroTextSpec(name, simplify_repl=rule[1]) for name, rule in known.items()],
    )
    return parsed, latex2text.LatexNodes2Text(latex_context=written, strict_latex_spaces=True, keep_comments=False)
