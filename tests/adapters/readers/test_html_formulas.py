"""Formulas of web pages: as TeX where the page has it, whole, and none lost."""

from __future__ import annotations

import re
from html import escape
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qwen_dataset.adapters.readers.html import read_html
from qwen_dataset.domain.papers import BlockKind, Paper
from qwen_dataset.domain.passages import split

from .likeness import shared

ROOT = Path(__file__).resolve().parents[3]
REAL = ROOT.parent / "shared" / "papers"
real = pytest.mark.skipif(not REAL.is_dir(), reason="the real papers (../shared/papers) are not here")


def read(inside: str) -> Paper:
    return read_html(
        f"<h1>A title of a page</h1><p>Before it all stands a sentence.</p>{inside}".encode(), source="x.html"
    )


def blocks(paper: Paper) -> list[tuple[str, BlockKind]]:
    return [(paper.text[block.start : block.end], block.kind) for section in paper.sections for block in section.blocks]


def body(inside: str) -> list[str]:
    return [text for text, _ in blocks(read(inside))[1:]]


KATEX = (
    '<span class="katex"><span class="katex-mathml"><math><semantics><mrow><mi>x</mi></mrow><annotation'
    ' encoding="application/x-tex">x_1</annotation></semantics></math></span><span class="katex-html"'
    ' aria-hidden="true"><span>x</span><span>1</span></span></span>'
)
DRAWN = '<span class="MathJax_Preview">x</span><span class="MathJax" id="m"><nobr><span>x drawn</span></nobr></span>'
WIKI = (
    '<span class="mwe-math-element"><span class="mwe-math-mathml-inline" style="display: none;"><math'
    ' alttext="{\\displaystyle x_1}"><mi>x</mi></math></span>'
    '<img class="mwe-math-fallback-image-inline" alt="{\\displaystyle x_1}"></span>'
)


@pytest.mark.parametrize(
    "markup",
    [
        '<math alttext="x_1"><mi>x</mi></math>',
        '<math><semantics><mi>x</mi><annotation encoding="application/x-tex">x_1</annotation></semantics></math>',
        '<span class="math">\\(x_1\\)</span>',
        '<span class="math inline">\\(x_1\\)</span>',
        '<span class="math inline">x_1</span>',
        '<span class="math notranslate nohighlight">\\(x_1\\)</span>',
        '<script type="math/tex">x_1</script>',
        f'{DRAWN}<script type="math/tex" id="m-1">x_1</script>',
        "\\(x_1\\)",
        "<dt-math>x_1</dt-math>",
        "<d-math>x_1</d-math>",
        '<img class="math" alt="x_1" src="x.png">',
        '<img alt="$x_1$" src="x.png">',
        '<mjx-container><mjx-math>x</mjx-math><mjx-assistive-mml><math alttext="x_1"></math></mjx-container>',
        KATEX,
        WIKI,
    ],
)
def test_a_formula_in_a_line_is_tex_between_dollars(markup: str) -> None:
    assert body(f"<p>Let {markup} be it.</p>") == ["Let $x_1$ be it."]


@pytest.mark.parametrize(
    "markup",
    [
        '<math alttext="x_1" display="block"><mi>x</mi></math>',
        '<span class="math display">\\[x_1\\]</span>',
        '<span class="math display">x_1</span>',
        '<div class="math">\n\\[x_1\\]</div>',
        '<script type="math/tex; mode=display">x_1</script>',
        f'<div class="MathJax_Display">{DRAWN}</div><script type="math/tex; mode=display">x_1</script>',
        "\\[x_1\\]",
        "$$x_1$$",
        "$$<br>x_1<br>$$",
        "<dt-math block>x_1</dt-math>",
        f'<span class="katex-display">{KATEX}</span>',
    ],
)
def test_a_displayed_formula_is_a_block_with_the_full_stop_after_it(markup: str) -> None:
    found = blocks(read(f"<p>Let {markup}, where it is. And <b>so</b> on.</p>"))[1:]
    assert found == [
        ("Let", BlockKind.PARAGRAPH),
        ("$$ x_1 $$,", BlockKind.FORMULA),
        ("where it is. And so on.", BlockKind.PARAGRAPH),
    ]


@pytest.mark.parametrize(
    ("markup", "tex"),
    [
        (
            '<div class="math"><span class="eqno">(2.1)<a class="headerlink">¶</a></span>\\[a\nb\\]</div>',
            "$$\na\nb\n$$ (2.1)",
        ),
        ("<p>\\begin{align}a &amp;= b\\\\ c &amp;= d\\end{align}</p>", "\\begin{align}a &= b\\\\ c &= d\\end{align}"),
        (
            '<div class="math">\\begin{equation}\na\n\n\nb\n\\end{equation}</div>',
            "\\begin{equation}\na\nb\n\\end{equation}",
        ),
        ('<math display=block alttext="E-V(x)%\n]"></math>', "$$ E-V(x)] $$"),
        ('<math display=block alttext="50\\% of x"></math>', "$$ 50\\% of x $$"),
    ],
)
def test_the_tex_of_a_displayed_formula(markup: str, tex: str) -> None:
    assert body(markup) == [tex]


def test_equations_that_are_aligned_stay_one_formula() -> None:
    row = (
        '<tr class="ltx_eqn_row"><td class="ltx_eqn_cell"><math alttext="\\displaystyle {}"></math></td><td><math'
        ' alttext="\\displaystyle={}"></math></td>{}</tr>'
    )
    number = '<td class="ltx_eqn_cell ltx_eqn_eqno"><span class="ltx_tag">(3a)</span></td>'
    rows = row.format("a", "b", number) + row.format("c", "d", "")
    both = f'<table class="ltx_equationgroup ltx_eqn_table">{rows}</table>'
    assert body(both) == ["\\begin{align}\na & =b \\tag{3a} \\\\\nc & =d\n\\end{align}"]
    assert body(both.replace(number, "")) == ["\\begin{align*}\na & =b \\\\\nc & =d\n\\end{align*}"]


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<mfrac><mn>1</mn><mrow><mi>a</mi><mo>+</mo><mi>b</mi></mrow></mfrac>", "1/(a + b)"),
        ("<msubsup><mi>x</mi><mi>i</mi><mrow><mi>n</mi><mo>−</mo><mn>1</mn></mrow></msubsup>", "x_i^(n − 1)"),
        ("<msqrt><mi>x</mi></msqrt><mo>&#x2062;</mo><mi>y</mi><mtext> if </mtext><mi>z</mi>", "√(x)y if z"),
        ("<mo>[</mo><mtable><mtr><mtd><mn>1</mn></mtd><mtd><mn>0</mn></mtd></mtr><mtr><mtd><mn>0</mn></mtd></mtr></mtable>",
         "[[1, 0; 0]"),
    ],
)  # fmt: skip
def test_mathml_without_tex_is_a_line_that_can_be_read(markup: str, text: str) -> None:
    assert body(f"<p>So <math>{markup}</math>.</p>") == [f"So {text}."]
    assert blocks(read(f'<p>So <math display="block">{markup}</math></p>'))[-1] == (text, BlockKind.FORMULA)


def test_dollars_in_a_formula_do_not_end_it() -> None:
    assert body('<p>Let <math alttext="x\\text{ if $y$}"></math>.</p>') == ["Let \\(x\\text{ if $y$}\\)."]


def test_money_and_lonely_delimiters_are_text() -> None:
    assert body("<p>It costs $5, or $$ more. A \\[ and a \\) too, \\begin{align} or not.</p>") == [
        "It costs $5, or $$ more. A \\[ and a \\) too, \\begin{align} or not."
    ]


def test_tex_in_code_is_code() -> None:
    assert body("<p>Write <code>\\(x\\)</code>.</p><pre>$$x$$</pre>") == ["Write `\\(x\\)`.", "```\n$$x$$\n```"]


def test_a_formula_of_a_figure_that_stands_on_its_own_is_kept() -> None:
    assert body("<figure><d-math block>x_1</d-math><d-math>label</d-math></figure>") == ["$$ x_1 $$"]


def test_formulas_of_headings_cells_and_notes_stay_in_their_line() -> None:
    paper = read(
        '<h2>The <span class="math">\\(x\\)</span> of <code>f</code></h2>'
        "<p>It<d-footnote>A <d-math block>y</d-math>.</d-footnote>.</p>"
        "<table><tr><td>a<td><d-math block>z</d-math></table>"
    )
    assert paper.sections[-1].path == ("The $x$ of f",)
    assert [text for text, _ in blocks(paper)[1:]] == ["It[^1].", "[^1]: A", "$$ y $$.", "| a | $z$ |"]


WORDS = st.lists(
    st.sampled_from(["the", "state", "of", "量子", "a,", "b.", "<b>c</b>", "$5", "&amp;"]), min_size=1, max_size=8
)
TEX = (
    st.lists(
        st.sampled_from(
            ["x_{1}", "\\alpha", "= 1", "\\frac{a}{b}", "< y", "\\text{if }", "^2", "& b", "\\\\", "|0\\rangle"]
        ),
        min_size=1,
        max_size=6,
    )
    .map(" ".join)
    .filter(lambda tex: tex.strip("\\ "))
)  # line breaks alone draw nothing
WRITTEN = st.sampled_from(
    [
        "<span class='math'>\\({}\\)</span>",
        "<div class='math'>\\[{}\\]</div>",
        "<d-math>{}</d-math>",
        "<d-math block>{}</d-math>",
        '<math alttext="{}"><mi>x</mi></math>',
        '<table class="ltx_equation"><tr><td><math alttext="{}" display="block"></math></td></tr></table>',
        "<script type='math/tex; mode=display'>{}</script>",
    ]
)
PIECES = st.one_of(
    WORDS.map(lambda words: f"<p>{' '.join(words)}</p>"),
    WORDS.map(lambda words: f"<h2>{' '.join(words)}</h2>"),
    WORDS.map(lambda words: f"<ul><li>{'<li>'.join(words)}</ul>"),
    WORDS.map(lambda words: f"<table><tr><td>{'<td>'.join(words)}</table>"),
    WORDS.map(lambda words: f"<pre>{' '.join(words)}\n\n  {words[0]}</pre>"),
    WORDS.map(lambda words: f"<section><h3>{words[0]}</h3>{' '.join(words)}</section> {words[-1]}"),
    WORDS.map(lambda words: f"<ol class=references><li>{'<li>'.join(words)}</ol>"),
    WORDS.map(lambda words: f"<figure>{words[0]}<figcaption>{' '.join(words)}</figcaption></figure>"),
    WORDS.map(lambda words: f"{' '.join(words)}<d-footnote>{words[0]}</d-footnote><br>"),
    st.sampled_from(
        ["<div>", "</div>", "<p>", "</section>", "<blockquote>", "<em>", "</li>", "<td>", "<", "&", "<h6>", "<li>"]
    ),
)


@st.composite
def pages(draw: st.DrawFn) -> tuple[str, list[str]]:
    parts: list[str] = []
    formulas: list[str] = []
    for _ in range(draw(st.integers(1, 8))):
        parts.append(draw(PIECES))
        if draw(st.booleans()):
            tex = draw(TEX)
            formulas.append(tex)
            written = draw(WRITTEN)
            parts.append(written.format(tex if "<script" in written else escape(tex)))
    return "".join(parts), formulas


@settings(max_examples=150, deadline=None)
@given(pages())
def test_every_span_is_exact_and_no_formula_is_lost_or_cut(page: tuple[str, list[str]]) -> None:
    inside, formulas = page
    paper = read(inside)
    found = [block for section in paper.sections for block in section.blocks]
    for one, other in pairwise(found):
        assert one.end <= other.start
    for section in paper.sections:
        for block in section.blocks:
            content = paper.text[block.start : block.end]
            assert section.start <= block.start < block.end <= section.end
            assert content == content.strip()
    for passage in split(paper, count=len, target_tokens=60, max_tokens=120):
        for block in found:
            if block.kind is not BlockKind.PARAGRAPH and block.start < passage.end and passage.start < block.end:
                assert passage.start <= block.start < block.end <= passage.end
    text = re.sub(r"\s", "", paper.text)
    missing = [tex for tex in formulas if re.sub(r"\s", "", tex) not in text]
    assert not missing


TITLES = {
    "complex-branch-cuts": ("Branch Points and Branch Cuts", 12, 232),
    "gradqm-transfer-matrix-latexml": ("Appendix B: The Transfer Matrix Method", 4, 115),
    "krotovs-method": ("Krotov’s Method", 10, 199),
    "lindblad-simulation": ("Solving the Lindblad dynamics of a qubit chain", 6, 28),
    "thewalrus": (
        "The Walrus: a library for the calculation of hafnians, Hermite polynomials and Gaussian boson sampling",
        3,
        15,
    ),
    "why-momentum-really-works": ("Why Momentum Really Works", 14, 160),
}
FURNITURE = re.compile(
    r"Toggle|Permalink|¶|Edit this page|Previous Next|Copyright|Read the Docs|Search|Generated by|Back to top"
)


def real_page(name: str) -> Paper:
    return read_html((REAL / "html" / f"{name}.html").read_bytes(), source=f"html/{name}.html")


@real
@pytest.mark.parametrize("name", TITLES)
def test_real_pages_are_read_without_what_is_around_them(name: str) -> None:
    paper = real_page(name)
    title, sections, _ = TITLES[name]
    assert (paper.title, paper.language, len(paper.sections), paper.warnings) == (title, "en", sections, ())
    passages = [paper.text[one.start : one.end] for one in split(paper)]
    assert len(passages) > 3
    assert not any(FURNITURE.search(passage) for passage in passages)
    assert not any(re.search(r"(?m)^.*\b(?:19|20)\d\d\. “", passage) for passage in passages)


@real
@pytest.mark.parametrize("name", TITLES)
def test_real_pages_lose_no_formula(name: str) -> None:
    markup = (REAL / "html" / f"{name}.html").read_text()
    markup = re.sub(r'(?s)<div id="math-cache".*?</div>|<figure.*?</figure>', "", markup)
    written = re.findall(
        r'(?s)<annotation encoding="application/x-tex">(.*?)</annotation>|<math[^>]*? alttext="([^"]*)"'
        r'|<(?:span|div)\s+class="math[^"]*"(?: id="[^"]*")?>(?:\s*<span class="eqno">.*?</span>)?\s*'
        r"\\[(\[](.*?)\\[)\]]\s*<|<dt-math[^>]*>(.*?)</dt-math>",
        markup,
    )
    formulas = ["".join(groups) for groups in written]
    assert len(formulas) >= TITLES[name][2]
    text = plain(real_page(name).text)
    assert [tex for tex in formulas if plain(unescaped(tex)) not in text] == []


def plain(tex: str) -> str:
    return re.sub(r"\s|%\n|\\displaystyle|%|\\tag\{[^}]*\}", "", tex)


def unescaped(tex: str) -> str:
    from html import unescape

    return unescape(tex)


@real
def test_real_pages_share_the_words_of_their_twins() -> None:
    from qwen_dataset.adapters.readers.markdown import read_markdown
    from qwen_dataset.adapters.readers.text import read_text

    rst = read_text((REAL / "text" / "krotovs-method.rst.txt").read_bytes(), source="krotovs-method.rst.txt")
    markdown = read_markdown((REAL / "markdown" / "thewalrus" / "paper.md").read_bytes(), source="paper.md")
    assert shared(real_page("krotovs-method"), rst) >= 0.95
    assert shared(real_page("thewalrus"), markdown) >= 0.90
