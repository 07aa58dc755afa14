"""LaTeX papers: title, authors, sections, and blocks with exact offsets, from one file or several."""

from __future__ import annotations

import subprocess
import sys

import pytest

from qwen_dataset.adapters.readers.latex import READER, SUFFIXES, parts_of, read_latex
from qwen_dataset.domain.papers import BlockKind
from qwen_dataset.errors import ReadError
from tests.adapters.readers.latex_papers import DISPLAYS, document, formulas, prose, read
from tests.adapters.readers.test_markdown import blocks, paths


def test_a_paper_has_its_title_authors_abstract_and_sections() -> None:
    paper = read(
        document(
            "\\maketitle\n\\begin{abstract}\nWe \\emph{measure}.\n\\end{abstract}\n"
            "\\section{One}\\label{sec:one}\nText.\n\\subsection*{Two $x_1$}\nMore.\n\\section{Three}\nEnd.",
            "\\title[Short]{States of\\\\ a \\emph{system}\\thanks{Paid.}}\n\\author{Ada \\and Bob}\n\\date{\\today}",
        )
    )
    assert (paper.title, paper.authors, paper.abstract) == ("States of a system", ("Ada", "Bob"), "We measure.")
    assert paths(paper) == [("Abstract",), ("One",), ("One", "Two $x_1$"), ("Three",)]
    assert blocks(paper) == ["We measure.", "Text.", "More.", "End."]
    assert (paper.reader, paper.language, paper.warnings) == (READER, "en", ())
    assert paper.source == "papers/some-paper.tex"
    assert ".tex" in SUFFIXES
    assert "Not read" not in paper.text


@pytest.mark.parametrize(
    ("body", "sections"),
    [
        (
            "\\part{P}\\chapter{C}\\section{S}\\subsection{U}\\subsubsection{V}\\paragraph{W.}x",
            [("P", "C", "S", "U", "V", "W")],
        ),
        ("a\\section{S}b", [(), ("S",)]),
        ("\\section[short]{Long \\\\ title}b", [("Long title",)]),
        ("\\section{A \\texttt{x_y} \\& B~C}b", [("A x_y & B C",)]),
        ("\\section{}b", [()]),
        ("\\section{A\\footnote{n}}b", [("A",)]),
        ("\\section *{A} b", [("A",)]),
        ("\\begin{abstract}a\\end{abstract} body\\section{S}b", [("Abstract",), (), ("S",)]),
        ("\\abstract{a} \\chapter{S}b", [("Abstract",), ("S",)]),
        ("\\section*{Abstract}a\\section{S}b", [("Abstract",), ("S",)]),
        ("\\section{S}b\\appendix\\section{T}c", [("S",), ("T",)]),
        ("\\section{S}b\\begin{acknowledgments}We thank.\\end{acknowledgments}", [("S",), ("Acknowledgements",)]),
        ("\\section{S}b\\acknowledgments We thank.", [("S",), ("Acknowledgements",)]),
        (
            "\\section{S}b\\begin{thebibliography}{9}\\bibitem{a} A, 2001.\\end{thebibliography}",
            [("S",), ("References",)],
        ),
        ("\\section{S}b\\bibliographystyle{x}\\bibliography{refs}\\printbibliography[title={R}]", [("S",)]),
        ("\\newcommand{\\mysec}[1]{\\section{On #1}}\\mysec{it}b", [("On it",)]),
    ],
)
def test_headings_make_the_section_tree(body: str, sections: list[tuple[str, ...]]) -> None:
    assert [section.path for section in read(document(body)).sections if section.blocks] == sections


@pytest.mark.parametrize(
    ("written", "names"),
    [
        ("\\author[1]{Ada Lovelace}\\author[1,2]{Bob Ross}\\affil[1]{Univ of X}", ("Ada Lovelace", "Bob Ross")),
        (
            "\\author{Ada~B.~Lovelace\\thanks{Dept} \\\\ X \\\\ \\texttt{a@b} \\And C\\'edric Zo\\\"e\\\\ Y}",
            ("Ada B. Lovelace", "Cédric Zoë"),
        ),
        (
            "\\author{Ada Lovelace$^{1,2}$, Bob Ross$^{2}$ and Carl Gau\\ss$^*$\\\\ $^1$Department}",
            ("Ada Lovelace", "Bob Ross", "Carl Gauß"),
        ),
        (
            "\\author{\\IEEEauthorblockN{Ada L.\\IEEEauthorrefmark{1}, Bob R.}\\IEEEauthorblockN{Carl C.}}",
            ("Ada L.", "Bob R.", "Carl C."),
        ),
        ("\\author{Ada~Lovelace,~\\IEEEmembership{Member,~IEEE,} and~Jane~Doe}", ("Ada Lovelace", "Jane Doe")),
        (
            "\\author{Ada Lovelace\\inst{1}\\orcidID{0000} \\and Bob Ross\\inst{2}}\\institute{X \\and Y}",
            ("Ada Lovelace", "Bob Ross"),
        ),
        ("\\author{Ada Lovelace} \\affiliation{X, Y} \\email{a@b} \\author{Bob Ross}", ("Ada Lovelace", "Bob Ross")),
        ("\\author*[1,2]{\\fnm{Ada} \\sur{Lovelace}}\\email{a@b}", ("Ada Lovelace",)),
        ("\\author[i]{Ada Lovelace\\corref{c}\\fnref{x}}\\ead{a@b}\\address[i]{foo}", ("Ada Lovelace",)),
        ("\\author{张三\\textsuperscript{1}，李四\\textsuperscript{2}、王五\\\\ 清华大学}", ("张三", "李四", "王五")),
        (
            "\\author{Ada Lovelace, Jr., Bob van der Berg, J.-P. O'Neil III}",
            ("Ada Lovelace", "Bob van der Berg", "J.-P. O’Neil III"),
        ),
        (
            "\\author{A. Lovelace${}^{1}$, \\\\ B. Ross${}^{2}$ \\\\ {\\it ${}^1$ Institute}}",
            ("A. Lovelace", "B. Ross"),
        ),
        (
            "\\author{Ada Lovelace\\footnote{Mail: \\texttt{a@b}}, Bob Ross\\footnotemark[1]}",
            ("Ada Lovelace", "Bob Ross"),
        ),
        (
            "\\author{\\name Ada Lovelace \\email a@b.c \\\\ \\addr Dept \\AND \\name Bob Ross}",
            ("Ada Lovelace", "Bob Ross"),
        ),
        ("\\author{The ATLAS Collaboration}", ("The ATLAS Collaboration",)),
        ("", ()),
    ],
)
def test_authors_are_named_in_many_ways(written: str, names: tuple[str, ...]) -> None:
    assert read(document("\\maketitle Text.", "\\title{T}" + written)).authors == names


@pytest.mark.parametrize(
    ("body", "title", "authors"),
    [
        (
            "\\begin{center}{\\Large \\textbf{A Title \\\\ of two lines}}\\end{center}\n\nText.",
            "A Title of two lines",
            (),
        ),
        ("{\\huge\\bf A Title}\n\nText.", "A Title", ()),
        (
            (
                "\\begin{center}{\\Large A Title}\\end{center}"
                "\\begin{center}A. Bee\\textsuperscript{1}, C. Dee\\end{center}"
                "\\begin{center}{\\bf 1} University of X\\end{center}\\section{S}Text."
            ),
            "A Title",
            ("A. Bee", "C. Dee"),
        ),
        (
            "\\begin{center}{\\Large A Title}\\end{center}\\begin{center}It is 3 o'clock at school.\\end{center}",
            "A Title",
            (),
        ),
        ("\\section{S}{\\Large Shouted}\\title{T}", "T", ()),
        ("\\section{S}{\\Large Shouted}", "some-paper", ()),
        ("\\title{T}\\subtitle{U}\\section{T}Text.", "T: U", ()),
        ("\\title{T}\\maketitle\\section*{\\emph{T}}Text.", "T", ()),
    ],
)
def test_a_title_may_be_set_by_hand_or_in_the_body(body: str, title: str, authors: tuple[str, ...]) -> None:
    paper = read(document(body + " Some text."))
    assert (paper.title, paper.authors) == (title, authors)
    if authors:
        assert "University" not in paper.text
    assert title not in [section.title for section in paper.sections]


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ('caf\\\'e na\\"{\\i}ve \\v{c} \\c{c}\\o \\ss{} \\AA ngstr\\"om', "café naïve č çøß Ångström"),
        ("``quoted'' `single' it's --- a--b", "“quoted” ‘single’ it’s — a–b"),
        ("\\emph{a} \\textbf{b} {\\em c} {\\bf d} \\underline{e} \\textsc{f}", "a b c d e f"),
        ("e.g.\\ a\\,b~c\\quad d\\\\ e\\\\[2pt]f\\hspace{1em}g", "e.g. a b c d e f g"),
        ("50\\,\\% of \\#1 \\& \\_x \\{y\\} \\S 5 \\copyright{} \\dots", "50 % of #1 & _x {y} §5 © …"),
        ("\\LaTeX{} and \\TeX", "LaTeX and TeX"),
        ("it costs \\$5 and \\$6", "it costs $5 and $6"),
        ("it costs \\$5 for $x$", "it costs \\$5 for $x$"),
        ("x\\textsuperscript{2} H\\textsubscript{2}O", "x2 H2O"),
        ("see~\\cite{a,b} and \\citep[see][p.~3]{c} by \\citet*{d}", "see [@a; @b] and [see @c, p. 3] by [@d]"),
        ("in Fig.~\\ref{fig:a} and \\eqref{eq:b}, \\cref{x,y}", "in Fig. [@fig:a] and [@eq:b], [@x; @y]"),
        ("\\href{http://a.b/c%20d}{the link} \\url{http://a.b/c_d%20~e}", "the link http://a.b/c_d%20~e"),
        ("\\texttt{--opt} \\verb|\\x_y%| \\lstinline!a{b! \\texttt{a\\_b}", "--opt \\x_y% a{b a_b"),
        ("\\textcolor{red}{a} {\\color{blue} b} \\colorbox{c}{d} \\mbox{e}", "a b d e"),
        ("a\\label{x}\\index{y} b\\vspace{3pt} \\noindent c \\vskip 6pt d \\parindent=0pt e", "a b c d e"),
        ("a\\penalty10000 b \\hskip 1em plus 1fil minus .5em c \\looseness=-1 d \\kern-.2em e", "a b c d e"),
        ("a \\setlength{\\x}{3pt}\\rule{1cm}{2pt}b\\phantom{c}\\hfill d", "a b d"),
        ("\\unknown a \\unknown{b} \\unknown[c]{d}", "a b d"),
        ("\\SI{5}{\\kilo\\metre\\per\\second} \\si{\\micro\\second} \\num{1e3} \\ang{45}", "5 km/s µs 1e3 45°"),
        ("\\enquote{x} \\texorpdfstring{$a$}{b} \\parbox{3cm}{in a box}", "“x” $a$ in a box"),
        ("unbalanced } brace { here", "unbalanced brace here"),
        ("a line\nand % a comment\n  the next\n% another\none", "a line and the next one"),
        ("two \\ensuremath{x^2} \\(y\\) $ z $ ${}$", "two $x^2$ $y$ $z$ ${}$"),
        ("$a\n  + b$ and $\\text{if $x$}$", "$a + b$ and $\\text{if $x$}$"),
        ("\\^$x$ and \\mathbf{$y_1$} and \\'{$z$}", "$x$ and $y_1$ and $z$"),
        ("\\c\\verb|x| \\textsuperscript{\\cite{a}}", "x [@a]"),
        ("a stray $ sign", "a stray $ sign"),
        ("tab & in & prose", "tab in prose"),
        ("\\uppercase{a} \\@ \\/ b\\-c", "a b c".replace("b c", "bc")),
    ],
)
def test_prose_reads_as_prose(written: str, text: str) -> None:
    assert prose(written) == [text]


@pytest.mark.parametrize(
    ("definition", "used", "text"),
    [
        ("\\newcommand{\\foo}{Foo}", "\\foo{} and \\foo.", "Foo and Foo."),
        ("\\newcommand\\foo[2]{<#1|#2>}", "\\foo{a}{b} \\foo ab", "<a|b> <a|b>"),
        ("\\newcommand{\\foo}[2][d]{<#1,#2>}", "\\foo{x} \\foo[y]{z}", "<d,x> <y,z>"),
        ("\\def\\foo#1{(#1)}", "\\foo{a} \\foo b", "(a) (b)"),
        ("\\def\\foo#1.{(#1)}", "\\foo here. there", "(here) there"),
        ("\\def\\foo[#1]#2{#1:#2}", "\\foo[a]{b}", "a:b"),
        ("\\newcommand{\\foo}{Foo\\xspace}", "\\foo is \\foo, \\foo", "Foo is Foo, Foo"),
        ("\\newcommand{\\foo}{\\bar}\\newcommand{\\bar}[1]{[#1]}", "\\foo{a}", "[a]"),
        ("\\let\\foo=\\bar \\newcommand{\\bar}{b}", "x\\foo", "xb"),
        ("\\newcommand{\\bar}{b}\\let\\foo\\bar\\renewcommand{\\bar}{c}", "\\foo\\bar", "bc"),
        ("\\providecommand{\\foo}{a}\\providecommand{\\foo}{b}", "\\foo", "a"),
        ("\\NewDocumentCommand{\\foo}{o m}{<#2>}", "\\foo[x]{y} \\foo{z}", "<y> <z>"),
        ("\\DeclareMathOperator{\\tr}{tr}", "\\tr is \\tr", "tris tr"),
        ("\\newcommand{\\ce}{c.e.}\\newcommand{\\figref}[1]{Fig.~\\ref{#1}}", "\\ce{} \\figref{a}", "c.e. Fig. [@a]"),
        ("\\newcommand{\\section}[1]{SECTION}\\newcommand{\\texttt}[1]{TT}", "\\texttt{a}", "TT"),
        ("\\renewcommand{\\emph}[1]{EMPH}", "\\emph{a}", "a"),
        ("\\newcommand{\\foo}[1]{\\newcommand{\\bar}[1]{#1-##1}}", "\\foo{a}\\bar{b}", "a-b"),
        ("\\makeatletter\\def\\a@b{x}\\newcommand{\\foo}{\\a@b y}\\makeatother", "\\foo", "xy"),
        ("\\newenvironment{foo}[1]{Begin #1: }{ end.}", "\\begin{foo}{x}in\\end{foo}", "Begin x: in end."),
        ("\\newif\\ifdraft", "\\ifdraft a\\else b\\fi \\drafttrue\\ifdraft c\\else d\\fi", "bc"),
        ("", "a\\iffalse b \\ifx\\y\\z d\\fi\\else c\\fi e \\iffalse\\iftrue\\fi f\\fi", "ace"),
        ("", "\\ifthenelse{\\x}{a}{b}", "a"),
        ("", "a\\begin{comment} b \\end{comment}c", "ac"),
    ],
)
def test_commands_of_the_author_are_replaced_in_prose(definition: str, used: str, text: str) -> None:
    assert prose(used, definition) == [text]
    assert prose(f"{definition}\n{used}") == [text]


@pytest.mark.parametrize("formula", DISPLAYS)
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Before.\n\n", "\n\nAfter."),
        ("Before\n", "\nafter."),
        ("\\begin{itemize}\\item One ", "\\item two\\end{itemize}"),
        ("\\section{A}", "\\section{B}Text."),
        ("{\\bf Before ", " after.}"),
        ("Text\\footnote{Note ", " end} goes on."),
        ("\\begin{theorem}So ", "\\end{theorem}"),
    ],
)
def test_a_displayed_formula_is_one_block(formula: str, before: str, after: str) -> None:
    shown = formula.replace("\\verb|x|", "x")
    assert formulas(read(document(before + formula + after, "\\newcommand{\\foo}[1]{FOO}"))) == [shown]


def test_labels_go_from_formulas_and_punctuation_behind_them_stays() -> None:
    paper = read(
        document("a\n\\begin{equation}\\label{eq:a}\n x\n \\label{eq:b}\n\\end{equation}.\nSo $$y\\label{z}$$, b")
    )
    assert formulas(paper) == ["\\begin{equation}\n x\n\\end{equation}.", "$$y$$,"]
    assert blocks(paper, BlockKind.PARAGRAPH) == ["a", "So", "b"]


@pytest.mark.parametrize(
    ("definitions", "body", "formula"),
    [
        (
            "\\newcommand{\\be}{\\begin{equation}}\\newcommand{\\ee}{\\end{equation}}",
            "\\be x \\ee",
            "\\begin{equation} x \\end{equation}",
        ),
        (
            "\\def\\beq#1{\\begin{equation}\\label{#1}}\\def\\eeq{\\end{equation}}",
            "\\beq{a}x\\eeq",
            "\\begin{equation}x\\end{equation}",
        ),
        ("\\newenvironment{eq}{\\begin{align}}{\\end{align}}", "\\begin{eq}x\\end{eq}", "\\begin{align}x\\end{align}"),
        ("\\newcommand{\\eq}[1]{\\begin{equation}#1\\end{equation}}", "\\eq{x}", "\\begin{equation}x\\end{equation}"),
        ("\\def\\bdm{\\[}\\def\\edm{\\]}", "\\bdm x\\edm", "\\[ x\\]"),
    ],
)
def test_commands_that_stand_for_one_end_of_a_formula_are_known(definitions: str, body: str, formula: str) -> None:
    assert formulas(read(document(f"a {body} b", definitions))) == [formula]
    assert formulas(read(document(f"{definitions} a {body} b"))) == [formula]


@pytest.mark.parametrize(
    ("body", "warning"),
    [
        ("\\begin{equation} a and the rest.", "an environment equation is never closed; its text is read as prose"),
        ("\\[ a and the rest.", "a formula that begins with \\[ is never closed; its text is read as prose"),
        ("$$ a\n\nand the rest. $$", "a formula that begins with $$ is never closed; its text is read as prose"),
        ("\\begin{tabular}{l} the rest.", "an environment tabular is never closed; its text is read as prose"),
        ("\\iffalse a and the rest.", "an \\iffalse of papers/some-paper.tex is never closed"),
        ("\\def\\a{\\a}\\a and the rest.", "the command \\a stands for itself without end and is left out"),
        (
            "{" * 60 + "\\^" + "}" * 60 + " the rest.",
            "pieces of LaTeX that could not be parsed and lost the commands in them: 1",
        ),
    ],
)
def test_what_is_never_closed_is_a_warning_and_loses_no_text(body: str, warning: str) -> None:
    paper = read(document(body + " More words."))
    assert warning in paper.warnings
    assert "the rest. " in paper.text
    assert "More words." in paper.text


@pytest.mark.parametrize(
    ("kind", "written"),
    [
        (
            BlockKind.TABLE,
            "\\begin{tabular}{l|r}\n\\hline a & $b$ \\\\ c & \\begin{tabular}{c}x\\end{tabular}\n\\end{tabular}",
        ),
        (BlockKind.TABLE, "\\begin{tabularx}{\\textwidth}{X}a & \\url{http://x%20y} \\end{tabularx}"),
        (BlockKind.TABLE, "\\begin{longtable}{l}\\caption{C}\\\\ a \\end{longtable}"),
        (BlockKind.CODE, "\\begin{verbatim}\n% no comment\n\\section{x} $$ \\end{equation}\n\\end{verbatim}"),
        (BlockKind.CODE, "\\begin{lstlisting}[language=C]\nint a[] = {1}; % 2\n\\end{lstlisting}"),
        (BlockKind.CODE, "\\begin{minted}{python}\nx = '$'\n\n\ny = '{'\n\\end{minted}"),
        (
            BlockKind.CODE,
            "\\begin{algorithm}\\caption{A}\\begin{algorithmic}\\State $x$\\end{algorithmic}\\end{algorithm}",
        ),
        (BlockKind.CODE, "\\begin{mycode}\n%\\begin{mycode}\n\\end{mycode}"),
    ],
)
def test_tables_and_code_are_one_block_as_written(kind: BlockKind, written: str) -> None:
    paper = read(document(f"Before.\n{written}\nAfter.", "\\lstnewenvironment{mycode}{}{}"))
    assert blocks(paper, kind) == [written]
    assert blocks(paper, BlockKind.PARAGRAPH) == ["Before.", "After."]
    assert paths(paper) == [()]


def test_a_table_that_is_not_closed_does_not_take_the_next_ones_with_it() -> None:
    table = "\\begin{tabular}{l}a\\end{tabular}"
    paper = read(document(f"\\begin{{tabular}}{{l}}b Text. {table} More. {table} End."))
    assert blocks(paper, BlockKind.TABLE)[1:] == [table]
    assert blocks(paper, BlockKind.PARAGRAPH) == ["More.", "End."]


def test_lists_are_paragraphs_with_the_marks_that_are_printed() -> None:
    assert prose(
        "\\begin{enumerate}\\item a\n\n more \\item b \\begin{enumerate}\\item c\\item d\\end{enumerate}"
        "\\item[(x)] e\\end{enumerate}"
        "\\begin{itemize}[noitemsep]\\item f \\item[--] g\\end{itemize}"
        "\\begin{description}\\item[Term] h \\item[Other:] i\\end{description}"
        "\\begin{enumerate}[(i)]\\item j\\item k\\end{enumerate}"
        "\\begin{enumerate}[label=\\Alph*)]\\item l\\end{enumerate}"
        "\\begin{enumerate}[[1{]}]\\item m\\end{enumerate}"
    ) == [
        *("1. a", "more", "2. b", "(a) c", "(b) d", "(x) e", "- f", "- g", "Term: h", "Other: i"),
        *("(i) j", "(ii) k", "A) l", "[1] m"),
    ]


def test_theorems_say_what_they_are() -> None:
    assert prose(
        "\\begin{theorem}[Euler]\\label{t}So it is.\\end{theorem}\\begin{proof}Clear.\\end{proof}"
        "\\begin{proof}[Proof of \\ref{t}]Here.\\end{proof}\\begin{satz}Ja.\\end{satz}"
        "\\begin{box}{A title}{label}Boxed.\\end{box}\\begin{decl}D.\\end{decl}",
        "\\newtheorem{satz}{Satz}[section]\\newtcbtheorem{box}{Law}{}{}\\declaretheorem[name=Wort]{decl}",
    ) == [
        "Theorem (Euler). So it is.",
        "Proof. Clear.",
        "Proof of [@t]. Here.",
        "Satz. Ja.",
        "Law (A title). Boxed.",
        "Wort. D.",
    ]


def test_what_stands_beside_the_text_follows_its_paragraph() -> None:
    paper = read(
        document(
            "The text\\footnote{A note.} goes\n\\begin{figure}[h]\\centering\\includegraphics[width=3cm]{a.png}(a)\n"
            "\\caption[s]{A \\emph{picture}.}\\label{f}\\end{figure}\non here.\n\n"
            "\\begin{table}\\caption{Numbers}\\begin{tabular}{l}a\\end{tabular}\\end{table}\n\nNext."
        )
    )
    assert blocks(paper) == [
        "The text goes on here.",
        "Footnote: A note.",
        "Figure: A picture.",
        "Table: Numbers",
        "\\begin{tabular}{l}a\\end{tabular}",
        "Next.",
    ]


def test_drawings_leave_nothing_and_prose_in_a_figure_stays() -> None:
    assert prose(
        "a\\begin{tikzpicture}\\node {x}; \\begin{scope}\\end{scope}\\end{tikzpicture} b "
        "\\tikz[x]\\draw (0,0) {;} node; c"
        "\\begin{figure}\\begin{tabular}{ll}\\includegraphics{a}&\\includegraphics[x]{b}\\end{tabular}"
        "\\begin{minipage}{3cm}In this figure the authors have put a whole sentence of prose.\\end{minipage}"
        "\\end{figure}"
        "\\tikzstyle{startstop} = [rectangle, rounded corners, minimum width=3cm, minimum height=1cm]"
    ) == ["a b c", "In this figure the authors have put a whole sentence of prose."]


def test_a_list_of_references_typed_by_hand_is_back_matter() -> None:
    items = "\\item A. Bee, Journal (1999). \\item C. Dee, \\emph{Title} (2001)."
    paper = read(
        document(f"\\section{{S}}Text.\\section*{{Further Reading}}\\begin{{enumerate}}{items}\\end{{enumerate}}")
    )
    assert paths(paper)[-1] == ("Further Reading", "References")
    text = "\\section{Further Reading}\\begin{itemize}\\item For a start, read this.\\item Then that.\\end{itemize}"
    assert paths(read(document(text))) == [("Further Reading",)]


def test_parts_are_put_in_their_places() -> None:
    paper = read(
        "\\documentclass{article}\\input{header}\\begin{document}\\input a \\include{sub/b}"
        "\\import{sub/}{c}\\end{document}",
        {
            "header.tex": "% \\input{no}\n\\title{From a part}\\author{Ada Bee}\\newcommand{\\x}{X}",
            "a.tex": "\\section{A}\\x\n\\endinput never",
            "sub/b.tex": "\\documentclass[../m]{subfiles}\\begin{document}\\section{B}b\\end{document}",
            "sub/c.tex": "\\section{C}\\input{d}",
            "sub/d.tex": "d",
        },
    )
    assert (paper.title, paper.authors, paper.warnings) == ("From a part", ("Ada Bee",), ())
    assert paths(paper) == [("A",), ("B",), ("C",)]
    assert blocks(paper) == ["X", "b", "d"]


@pytest.mark.parametrize(
    ("body", "files", "warning"),
    [
        ("\\input{gone}", {}, "the part gone was not found beside the paper and is left out"),
        ("\\input{/etc/passwd}", {}, "the part /etc/passwd was not found beside the paper and is left out"),
        ("\\lstinputlisting{x.py}", {}, "the listing x.py was not found beside the paper and is left out"),
        ("\\input{a}", {"a.tex": "x\\input{b}", "b.tex": "y\\input{a}"}, "the part a includes itself; it is read once"),
        ("\\input{some-paper}", {"some-paper.tex": "x"}, "the part some-paper includes itself; it is read once"),
        ("\\input{a}", {"a.tex": b"\0\1"}, "the part a is left out: a is not a text file: it holds NUL bytes"),
        (
            "\\input{a1}",
            {f"a{i}.tex": f"\\input{{a{i + 1}}}" for i in range(1, 40)},
            "the part a21 is left out: more than 20 parts stand in one another",
        ),
    ],
)
def test_a_part_that_cannot_be_had_is_a_warning(body: str, files: dict[str, str | bytes], warning: str) -> None:
    paper = read(document(f"Text. {body} More."), files)
    assert paper.warnings == (warning,)
    assert "More." in paper.text


def test_the_warnings_of_many_missing_parts_are_few() -> None:
    paper = read(document("Text." + "".join(f"\\input{{p{i}}}" for i in range(200))))
    assert len(paper.warnings) == 51
    assert paper.warnings[-1] == "150 more parts or listings are left out"


def test_an_empty_part_is_nothing_to_speak_of() -> None:
    assert read(document("Text. \\input{a}"), {"a.tex": "\n"}).warnings == ()


def test_a_listing_of_a_file_shows_the_lines_asked_for() -> None:
    paper = read(document("Text. \\lstinputlisting[firstline=2,lastline=3]{x.py}"), {"x.py": "a\nb = '%'\nc\nd\n"})
    assert blocks(paper, BlockKind.CODE) == ["b = '%'\nc"]


def test_the_authors_own_package_is_read_for_its_commands() -> None:
    paper = read(
        document("\\me{x} is \\you.", "\\usepackage{amsmath,own}"),
        {"own.sty": "\\newcommand{\\me}[1]{ME#1}%\n\\newcommand\\you{YOU}\\newcommand{\\emph}{\\@x}"},
    )
    assert blocks(paper) == ["MEx is YOU."]


def test_a_fragment_is_read_as_well() -> None:
    paper = read("Just \\emph{words} and $x$.\n\n\\section{S}\n\nMore.")
    assert (paper.title, paths(paper)) == ("some-paper", [(), ("S",)])


def test_a_chinese_paper_reads_as_chinese() -> None:
    paper = read(
        document(
            "\\maketitle\\begin{abstract}摘要的内容。\\end{abstract}\\section{引言}量子\\emph{态}的\n测量，用\\LaTeX排版\\footnote{脚注。}。"
            "\\begin{figure}\\caption{一张图。}\\end{figure}"
            "\\begin{thebibliography}{1}\\bibitem{a} 文献\\end{thebibliography}",
            "\\title{量子\\LaTeX 测试}\\author{张三 \\and 李四}",
        )
    )
    assert (paper.title, paper.authors, paper.language) == ("量子LaTeX测试", ("张三", "李四"), "zh")
    assert paths(paper) == [("摘要",), ("引言",), ("参考文献",)]
    assert blocks(paper)[1:4] == ["量子态的测量，用LaTeX排版。", "脚注：脚注。", "图：一张图。"]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (
            "\\documentclass{a}\\usepackage[latin1]{inputenc}\\begin{document}Schrödinger and café.\\end{document}",
            "latin-1",
        ),
        (
            "\\documentclass{a}\\usepackage[T1,ansinew]{inputenc}\\begin{document}Schrödinger and café.\\end{document}",
            "cp1252",
        ),
        (
            "\\documentclass{a}\\usepackage[latin1]{inputenc}\\begin{document}Schrödinger and café.\\end{document}",
            "utf-8",
        ),
        ("% by José\n\\documentclass{a}\\begin{document}Schr\\\"odinger and caf\\'e.\\end{document}", "latin-1"),
    ],
)
def test_the_declared_encoding_is_used_where_the_file_is_no_unicode(text: str, encoding: str) -> None:
    paper = read_latex(text.encode(encoding), source="a.tex")
    assert blocks(paper) == ["Schrödinger and café."]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "a.tex holds no text"),
        (b"\\documentclass{a}\\begin{document}caf\xe9\\end{document}", "byte 36 is not UTF-8"),
        (b"%PDF-1.4 x", "it is a PDF document"),
        (
            b"\\documentclass{a}\n\\begin{document}\\end{document}",
            "a.tex has no text besides commands, comments and figures",
        ),
        (b"{" * 20_000_001, "a.tex is larger than 20 MB of LaTeX"),
    ],
)
def test_what_is_no_paper_is_one_sentence(data: bytes, why: str) -> None:
    with pytest.raises(ReadError) as caught:
        read_latex(data, source="a.tex")
    assert why in str(caught.value)


@pytest.mark.parametrize(
    ("text", "includes", "is_document", "is_figure"),
    [
        (
            document("Text \\input{a}\\include{b/c} %\\input{no}\n \\subfile{d}\\import{e/}{f}"),
            ("a", "b/c", "d", "e/f"),
            True,
            False,
        ),
        (document("\\begin{tikzpicture}\\draw;\\end{tikzpicture}").replace("article", "standalone"), (), True, True),
        (
            "\\begin{tikzpicture}\\node{A long text in a node of a drawing, that nobody reads};\\end{tikzpicture}",
            (),
            False,
            True,
        ),
        (
            "\\usepackage[a4paper,left=1in]{geometry}\n\\newcommand{\\mat}[1]{\\mathbf{#1}}\n\\setlength{\\x}{3pt}",
            (),
            False,
            True,
        ),
        (
            "\\section{One}\nThis part of a paper holds prose, and enough of it for everybody to see that it does.",
            (),
            False,
            False,
        ),
        (document("\\begin{tikzpicture}\\draw;\\end{tikzpicture}"), (), True, True),
        (document("Short, but a paper with more than a dozen words in it, so that people read it."), (), True, False),
        ("\\bibliographystyle{x}\\bibliography{ref.bib}", (), False, True),
    ],
)
def test_what_a_file_is_among_others(text: str, includes: tuple[str, ...], is_document: bool, is_figure: bool) -> None:
    parts = parts_of(text.encode(), source="a.tex")
    assert (parts.includes, parts.is_document, parts.is_figure) == (includes, is_document, is_figure)


def test_pylatexenc_is_imported_only_when_a_paper_is_read() -> None:
    code = (
        "import sys; sys.modules['pylatexenc'] = None\n"
        "from qwen_dataset.adapters.readers.latex import parts_of, read_latex\n"
        "print(parts_of(b'text', source='a').is_document)\n"
        "try: read_latex(b'text', source='a')\n"
        "except ModuleNotFoundError as error: print(error.name)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "pylatexenc"]


def test_what_stands_above_both_columns_is_text() -> None:
    assert prose("\\twocolumn[Two col head] End.") == ["Two col head", "End."]
    assert prose("\\twocolumn End.") == ["End."]
    abstract = f"\\begin{{abstract}}{'Long words. ' * 300}\\end{{abstract}}"
    paper = read(
        document(
            f"\\twocolumn[\\begin{{@twocolumnfalse}}\\title{{On}}{abstract}\\end{{@twocolumnfalse}}]\\section{{A}}Text."
        )
    )
    assert paper.title == "On"
    assert paper.abstract == ("Long words. " * 300).strip()
    assert [section.path for section in paper.sections] == [("Abstract",), ("A",)]
