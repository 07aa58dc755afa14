"""LaTeX that means harm, LaTeX that is broken, and LaTeX that hypothesis makes up."""

from __future__ import annotations

import contextlib
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qwen_dataset.adapters.readers.latex import parts_of, read_latex
from qwen_dataset.errors import ReadError
from tests.adapters.readers.latex_papers import DISPLAYS, document, formulas, read

PAPER = r"papers/some-paper\.tex"


def test_parts_that_are_too_large_together_are_one_sentence() -> None:
    with pytest.raises(ReadError, match=r"^papers/some-paper\.tex with its parts is larger than 20 MB of LaTeX$"):
        read(document("\\input{a}" * 5), {"a.tex": "text " * 1_000_000})


@pytest.mark.parametrize(
    "text",
    [
        "{" * 10_000 + "text" + "}" * 10_000,
        "\\emph{" * 10_000 + "text" + "}" * 10_000,
        "\\begin{center}" * 10_000 + "text" + "\\end{center}" * 10_000,
        "\\begin{itemize}\\item " * 10_000 + "text" + "\\end{itemize}" * 10_000,
        "\\begin{equation}" * 10_000 + "text" + "\\end{equation}" * 10_000,
        "\\begin{tabular}" * 10_000 + "text" + "\\end{tabular}" * 10_000,
        "text" + "\\footnote{" * 2_000 + "}" * 2_000,
        "text" + "{" * 300_000,
        "text" + "}" * 300_000,
        "text $$ x " * 5_001,
        "text \\[ x " * 5_001,
        "text \\item[" * 5_000,
        "text \\verb|" * 5_001,
        "text \\url{" * 5_000,
        "text \\begin{verbatim}" * 5_000,
        "text \\begin{tabular}" * 5_000,
        "text \\iffalse" * 5_000,
        "text \\newif\\ifq\\ifq" * 2_000,
        "text \\tikz " * 5_000,
        "\\def\\a{x\\a y}\\a text",
        "text \\" + "\\" * 100_000,
        "text \\(" + " " * 300_000 + "x\\)",
        "text \\begin{equation}x" + " " * 300_000 + "\\end{equation}",
        "text \\vskip" + " " * 300_000 + "x",
        "text \\newcommand" + " " * 300_000 + "x",
        "text \\author{" + "1" * 300_000 + "}",
        "text %" + "\n" + " " * 300_000 + "\nx",
    ],
    ids=lambda text: text[:24],
)
def test_hostile_sources_keep_their_text(text: str) -> None:
    assert "text" in read(document(text)).text


@pytest.mark.parametrize(
    "text",
    [
        "text $ {" * 5_000,
        "text \\( x " * 5_001,
        "text \\footnote{" * 5_000,
        "text \\begin{tabular}\\begin{tabular}\\end{tabular}" * 3_000,
        "\\def\\a{lol}"
        + "".join(
            f"\\def\\{b}{{{chr(92)}{a}{chr(92)}{a}}}"
            for a, b in zip("abcdefghijklmnopqr", "bcdefghijklmnopqrs", strict=True)
        )
        + "text \\s" * 9,
        "\\newcommand{\\b}{\\begin{equation}" + "x" * 400 + "}" + "\\b " * 50_000,
    ],
    ids=lambda text: text[:24],
)
def test_sources_that_would_be_read_for_ever_are_one_sentence(text: str) -> None:
    with pytest.raises(ReadError, match=f"^{PAPER} has commands that expand without end"):
        read(document(text))


@pytest.mark.parametrize(
    "text",
    [
        "\\begin{figure}" * 10_000 + "text" + "\\end{figure}" * 10_000,
        "\\section{" * 2_000 + "text" + "}" * 2_000,
    ],
    ids=lambda text: text[:24],
)
def test_text_that_is_buried_too_deeply_is_one_sentence(text: str) -> None:
    with pytest.raises(ReadError, match=f"^{PAPER} has no text besides commands, comments and figures$"):
        read(document(text))


def test_a_command_that_multiplies_without_end_is_one_sentence() -> None:
    with pytest.raises(
        ReadError, match=r"^a\.tex has commands that expand without end, or braces that are never closed$"
    ):
        read_latex(document("\\def\\a{\\a\\a}\\a").encode(), source="a.tex")


WORDS = st.lists(
    st.sampled_from(["energy", "of a", "caf\\'e", "\\emph{state}", "``so''", "$x_1$", "~\\cite{k}", "is"]),
    min_size=1,
    max_size=8,
)
WORD = re.compile(r"\b(?:energy|of a|caf|state|so|is)(?![a-z])")
PIECES = st.one_of(
    WORDS.map(" ".join),
    st.sampled_from(DISPLAYS),
    st.sampled_from(
        ["\\section{One}", "\\subsection{Two}", "\n\n", "% a comment\n", "\\par ", "{\\bf ", "}", "$", "\\foo", "&"]
    ),
    st.sampled_from(["\\begin{itemize}\\item ", "\\end{itemize}", "\\item ", "\\begin{theorem}", "\\footnote{a note}"]),
    st.sampled_from(
        ["\\begin{figure}\\caption{A}", "\\end{figure}", "\\begin{verbatim}\n$\n\\end{verbatim}", "\\begin{unknown}[x]"]
    ),
)


@given(st.lists(PIECES, min_size=1, max_size=25))
@settings(deadline=None)
def test_formulas_stay_whole_in_any_surroundings(parts: list[str]) -> None:
    try:
        found = formulas(read(document(" ".join(parts))))
    except ReadError:
        assert not any(WORD.search(part) for part in parts)
        return
    # A stray dollar sign may take a formula for its own end, as it would in TeX.
    if "$" not in parts:
        written = [part.replace("\\verb|x|", "x") for part in parts if part in DISPLAYS]
        assert sorted(found) == sorted(written)


@given(st.text(alphabet="\\{}$%&~#_^[]()*ab 12\n`'-\"@é中\ufdd0", max_size=200))
@settings(deadline=None)
def test_any_text_is_a_paper_or_a_read_error(text: str) -> None:
    with contextlib.suppress(ReadError):
        read(text)
    with contextlib.suppress(ReadError):
        parts_of(text.encode(), source="a.tex")


@given(
    st.lists(
        st.sampled_from(
            [
                "\\begin{",
                "\\end{",
                "equation}",
                "itemize}",
                "\\item",
                "\\section",
                "{",
                "}",
                "[",
                "]",
                "\\def",
                "\\a",
                "#1",
                "$",
                "\\newcommand",
                "\\footnote",
                "\\input",
                "\\verb",
                "|",
                "x ",
                "\\if",
                "\\fi",
                "\\[",
                "\\]",
            ]
        ),
        max_size=40,
    ).map("".join)
)
@settings(deadline=None)
def test_any_order_of_commands_is_a_paper_or_a_read_error(text: str) -> None:
    with contextlib.suppress(ReadError):
        read(text)
