"""Conditions in LaTeX: the first way of one that cannot be tested, whole, and nothing of what is tested."""

from __future__ import annotations

import pytest

from tests.adapters.readers.latex_papers import prose


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (r"\ifnum1<2 YES\else NO\fi", "YES"),
        (r"\ifnum 1 < 2 YES\else NO\fi", "YES"),
        (r"\ifnum\value{page}>1 Long text\else Other\fi", "Long text"),
        ("\\ifnum\\value{page}>1\nLong text\n\\else\nOther\n\\fi", "Long text"),
        (r"\ifnum\own{page}{a}=-\count0\relax Long text\else Other\fi", "Long text"),
        (r"\ifnum`a=`\a Long text\else Other\fi", "Long text"),
        (r"\ifnum\numexpr\x+1\relax>0 Long\ifnum\a<\b\emph{text}\else c\fi\else Other\fi", "Longtext"),
        (r"\ifnum what is this\else Other\fi", "what is this"),
        (r"\ifodd3 odd text\else even\fi", "odd text"),
        (r"\ifodd\c@page odd text\else even\fi", "odd text"),
        (r"\ifdim1pt<2pt A\else B\fi", "A"),
        (r"\ifdim.5\textwidth>-2.5 true cm A\else B\fi", "A"),
        (r"\ifdim\wd0>\dimexpr 1pt+\x\relax A\else B\fi", "A"),
        (r"\ifdefined\foo Many words\else Others\fi", "Many words"),
        (r"\ifx\foo\bar Many words\else Others\fi", "Many words"),
        (r"\ifcsname foo@\bar\endcsname Many words\else Others\fi", "Many words"),
        (r"\ifx\foo\bar Many\ifcsname foo\endcsname{} words\else Few\fi\else Others\fi", "Many words"),
        (r"\ifcase1 zero\or one\or two\fi", "zero"),
        (r"\ifcase\value{page} zero\ifcase1 x\or y\fi\or one\else two\fi", "zerox"),
        (r"\makeatletter\@ifundefined{x}{AA}{BB}", "AA"),
        (r"\makeatletter\newcommand{\x}{}\@ifundefined{x}{AA}{BB}", "BB"),
        (r"\makeatletter\@ifpackageloaded{x}{AA}{BB}", "AA"),
        (r"\IfFileExists{foo}{YES}{NO}", "YES"),
    ],
)
def test_one_way_is_taken_and_no_letter_of_it_is_lost(written: str, text: str) -> None:
    assert prose(f"Before {written}, and after.") == [f"Before {text}, and after."]
