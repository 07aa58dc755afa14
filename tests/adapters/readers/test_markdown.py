"""Markdown papers: title, sections and blocks with exact offsets."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qwen_dataset.adapters.readers.markdown import READER, SUFFIXES, read_markdown
from qwen_dataset.domain.papers import BlockKind, Paper
from qwen_dataset.domain.passages import split
from qwen_dataset.errors import ReadError


def read(text: str, source: str = "papers/some-paper.md") -> Paper:
    return read_markdown(text.encode(), source=source)


def blocks(paper: Paper, kind: BlockKind | None = None) -> list[str]:
    return [
        paper.text[block.start : block.end]
        for section in paper.sections
        for block in section.blocks
        if kind in (None, block.kind)
    ]


def paths(paper: Paper) -> list[tuple[str, ...]]:
    return [section.path for section in paper.sections]


def check(paper: Paper) -> None:
    """What holds for every paper of every reader."""
    ends = 0
    for section in paper.sections:
        assert ends <= section.start <= section.end <= len(paper.text)
        ends = section.end
        for block in section.blocks:
            content = paper.text[block.start : block.end]
            assert section.start <= block.start < block.end <= section.end
            assert content == content.strip()
        for one, other in pairwise(section.blocks):
            assert one.end <= other.start
    passages = list(split(paper))
    for passage in passages:
        content = paper.text[passage.start : passage.end]
        assert content
        assert content == content.strip()
        assert any(
            s.path == passage.section and s.start <= passage.start < passage.end <= s.end for s in paper.sections
        )
    for before, after in pairwise(passages):
        assert before.end <= after.start


def test_front_matter_gives_the_metadata_and_is_in_no_section() -> None:
    paper = read(
        "---\ntitle: 'On **states**[^1]'\nauthors:\n  - name: Ada\n  - Bob^[x]\nabstract: Short.\n---\n"
        "\n# One\n\nText.\n"
    )
    assert (paper.title, paper.authors, paper.abstract) == ("On states", ("Ada", "Bob"), "Short.")
    assert paths(paper) == [("One",)]
    assert blocks(paper) == ["Text."]
    assert (paper.reader, paper.warnings, paper.source) == (READER, (), "papers/some-paper.md")
    assert ".md" in SUFFIXES
    check(paper)


@pytest.mark.parametrize(
    ("text", "title", "sections"),
    [
        ("# The title\n\nx\n\n## A\n\ny\n\n### B\n\nz", "The title", [(), ("A",), ("A", "B")]),
        ("---\ntitle: The title\n---\n# The Title!\n\n## A\n\ny", "The title", [("A",)]),
        ("---\ntitle: Other words\n---\n# The title\n\n## A\n\ny", "Other words", [("A",)]),
        ("---\ntitle: The title\n---\n# A\n\nx\n\n# B\n\ny", "The title", [("A",), ("B",)]),
        ("# First\n\nx\n\n# Second\n\ny", "First", [(), ("Second",)]),
        ("# Introduction\n\nx\n\n# Methods\n\ny", "Introduction", [("Introduction",), ("Methods",)]),
        ("# 1 Setting\n\nx\n\n# 2 Proof\n\ny", "1 Setting", [("1 Setting",), ("2 Proof",)]),
        ("## 一、引言\n\n甲\n\n## 二、方法\n\n乙", "一、引言", [("一、引言",), ("二、方法",)]),
        ("no heading at all", "some-paper", [()]),
        ("The title\n=========\n\nx\n\nA\n---\n\ny", "The title", [(), ("A",)]),
        ("#\n\n## <a name='x'></a>A `b` [c](d) *e* $f_1 * g_1$ \\# {#id}\n\ny", "A b c e $f_1 * g_1$ #", [()]),
        ("x\n\n## A\n\ny\n\n### B\n\nz\n\n## C\n\nw\n\n# D\n\nv", "D", [(), ("A",), ("A", "B"), ("C",), ("D",)]),
        ("# <span>甲</span><span>A</span>\n\nx", "甲 A", [()]),
    ],
)
def test_title_and_sections(text: str, title: str, sections: list[tuple[str, ...]]) -> None:
    paper = read(text)
    assert paper.title == title
    assert [section.path for section in paper.sections if section.blocks] == sections
    check(paper)


@pytest.mark.parametrize(
    ("front", "warning"),
    [
        ("a: b: c", "not valid YAML (mapping values are not allowed here in line 2)"),
        ("a: '", "not valid YAML"),
        ("@", "not valid YAML"),
        ("a: " + "x" * 70_000, "larger than 64 KB"),
        ("a: &a [x]\nb: [" + "*a, " * 101 + "]", "more than 100 aliases"),
        ("a: " + "[" * 5_000, "nested too deeply"),
        ("{" * 60_000, "nested too deeply"),
    ],
)
def test_front_matter_that_cannot_be_used_is_a_warning(front: str, warning: str) -> None:
    paper = read(f"---\n{front}\n---\n# Title\n\nText.")
    assert warning in paper.warnings[0]
    assert (paper.title, blocks(paper)) == ("Title", ["Text."])


def test_a_bomb_of_aliases_stays_small() -> None:
    levels = "\n".join(f"l{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 9)}]" for i in range(1, 11))
    paper = read(f"---\nl0: &l0 [x]\n{levels}\ntitle: *l10\nauthors: *l9\n---\n# Title\n\nText.")
    assert paper.title == "Title"
    assert paper.authors == ()


@pytest.mark.parametrize("front", ["title:", "title: [a]", "", "# only a comment"])
def test_front_matter_without_a_title_leaves_it_to_the_headings(front: str) -> None:
    assert read(f"---\n{front}\n---\n# Title\n\nText.").title == "Title"


def test_front_matter_keeps_a_title_as_it_was_written() -> None:
    paper = read("---\ntitle: 2024\nauthor: Ada\n---\nText.")
    assert (paper.title, paper.authors) == ("2024", ("Ada",))
    named = read("---\nauthors:\n- {given-names: Ada, surname: Lovelace}\n- {name: Bob, [1]: x}\n- [a]\n---\nText.")
    assert named.authors == ("Ada Lovelace", "Bob")


def test_two_rules_with_prose_between_are_no_front_matter() -> None:
    assert blocks(read("---\nProse.\n\nMore prose.\n\n---\n\nText.")) == ["Prose.", "More prose.", "Text."]
    assert read("---\ntitle: never closed\n\nText.").title != "never closed"


@pytest.mark.parametrize(
    "formula",
    [
        "$$\nx = y\n$$",
        "$$ x = y $$",
        "$$ x = y $$ (eq:1)",
        "$$\nx = y\n$$ {#eq:one}.",
        "$$\na\n\n= b\n\n- c\n$$,",
        "$$\nx\n===\n# y\n$$",
        "\\[\na\n- b\n+ c\n\\]",
        "\\[ a \\],",
        "\\begin{equation}\na\n\n= b\n\\end{equation}",
        "\\begin{align*}\na &= b \\\\\n=\n\\end{align*}.",
        "$$\n\\begin{align}\na\n\\end{align}\n$$",
        "$$\n\\begin{cases} a & \\text{if this is so and that is so}\n\n\\\\ b \\end{cases}\n$$",
    ],
)
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Before.\n\n", "\n\nAfter."),
        ("Before\n", "\nafter."),
        ("- Item\n\n  ", "\n\n  More."),
        ("## A\n", "\n## B\n\nx"),
    ],
)
def test_a_displayed_formula_is_one_block(formula: str, before: str, after: str) -> None:
    paper = read(f"# T\n\n{before}{formula}{after}")
    assert blocks(paper, BlockKind.FORMULA) == [formula]
    check(paper)


def test_a_formula_over_lines_inside_a_paragraph_is_a_block_of_its_own() -> None:
    paper = read("The energy $$\nE = m\n\nc^2\n$$, as is known.")
    assert blocks(paper, BlockKind.FORMULA) == ["$$\nE = m\n\nc^2\n$$,"]
    assert blocks(paper, BlockKind.PARAGRAPH) == ["The energy", "as is known."]


@pytest.mark.parametrize(
    "text",
    [
        "A price of $$ and another $$ in one line.",
        "Some `$$` code\n\nand more `$$` code.",
        "See \\[1\\] and \\[2\\].",
        "\\[1\\] A. Author, a paper.",
        "A stray $$ here.\n\nThis is a paragraph of plain English words.\n\nAnother $$ there.",
        "A stray $$ here.\n\n## Heading\n\nAnother $$ there.",
        "\\begin{theorem}\nAll is well.\n\\end{theorem}",
        "\\end{align} without a beginning, \\] too.",
        "Inline $\\begin{smallmatrix} a\n& b \\end{smallmatrix}$ stays.",
        "\\[ opened and never closed",
        "\\begin{align} opened and never closed",
        "$$ " + "x" * 30_000 + " $$ too long",
        "$$$ a $$$",
    ],
)
def test_what_only_looks_like_a_formula_is_prose(text: str) -> None:
    paper = read(text)
    assert blocks(paper, BlockKind.FORMULA) == []
    check(paper)


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        (BlockKind.CODE, "```python\n# no heading\n\n$$\n```"),
        (BlockKind.CODE, "~~~~\n```\n~~~\n\n# no heading\n~~~~"),
        (BlockKind.TABLE, "| a | b |\n|---|---|\n| 1 | $x$ |"),
        (BlockKind.TABLE, "<table>\n<tr><td>\n\n# no heading\n\n<table></table>\n</td></tr>\n</table>"),
        (BlockKind.TABLE, "\\begin{tabular}{l}\na \\\\\n\nb\n\\end{tabular}"),
        (BlockKind.CODE, "\\begin{verbatim}\n# a\n\n$$\n\\end{verbatim}"),
    ],
)
@pytest.mark.parametrize(("before", "after"), [("Before.\n\n", "\n\nAfter."), ("$$\na\n$$\n\n", "\n\n$$\nb\n$$\n")])
def test_code_and_tables_are_one_block(kind: BlockKind, content: str, before: str, after: str) -> None:
    paper = read(f"# T\n\n{before}{content}{after}")
    assert blocks(paper, kind) == [content]
    assert len(blocks(paper)) == 3
    assert paths(paper) == [()]
    check(paper)


def test_code_in_a_list_or_a_quotation_is_a_block() -> None:
    paper = read("1. Do this:\n\n   ```\n   a\n\n   b\n   ```\n\n   and that.\n\n> ```\n> c\n> ```\n")
    assert blocks(paper, BlockKind.CODE) == ["```\n   a\n\n   b\n   ```", "> ```\n> c\n> ```"]
    assert blocks(paper, BlockKind.PARAGRAPH) == ["1. Do this:", "and that."]


def test_indented_code_is_a_block_and_an_open_fence_runs_to_the_end() -> None:
    assert blocks(read("Text.\n\n    a = 1\n\n    b = 2\n\nText."), BlockKind.CODE) == ["a = 1\n\n    b = 2"]
    assert blocks(read("Text.\n\n```\n# a\n\n$$\nb\n$$"), BlockKind.CODE) == ["```\n# a\n\n$$\nb\n$$"]
    assert blocks(read("``` a `b` ``` is inline, $$\nx\n$$"), BlockKind.CODE) == []


def test_lists_quotations_and_spans_are_prose() -> None:
    text = "- a\n- b\n\n  c\n\n> quoted\ntext\n\n<span a='b'>甲</span><span>one</span>\n<span>乙</span>"
    paper = read(text)
    assert {block.kind for section in paper.sections for block in section.blocks} == {BlockKind.PARAGRAPH}
    assert len(blocks(paper)) == 3


def test_comments_rules_and_marks_are_no_blocks() -> None:
    text = "a\n\n<!-- # no\n\nheading -->\n\n***\n\n- \n\n> \n\n<!-- b -->\n<!-- c -->\n\n[x]: http://y\n\nd"
    assert blocks(read(text)) == ["a", "d"]


def test_a_formula_in_a_comment_is_no_block_either() -> None:
    assert blocks(read("a\n\n<!--\n$$\nx\n$$\n-->\n\nb")) == ["a", "b"]


def test_of_code_and_a_formula_that_overlap_nothing_is_cut() -> None:
    assert blocks(read("Text.\n\n    a = 1\n    $$\nb\n$$\n\nText."), BlockKind.CODE) == ["a = 1\n    $$\nb\n$$"]


def test_a_long_paragraph_over_a_rule_is_no_heading() -> None:
    assert paths(read("word " * 100 + "\n---\n\nText.")) == [()]


def test_headings_in_lists_and_quotations_make_no_sections() -> None:
    assert paths(read("> # Quoted\n\n- # Listed\n\nText.")) == [()]


def test_the_language_is_that_of_the_prose() -> None:
    code = "```python\n" + "state = prepare(qubits)\n" * 50 + "```"
    assert read(f"# 标题\n\n我们测量量子态。\n\n{code}").language == "zh"
    assert read(f"# Title\n\nWe measure.\n\n```\n{'量子态' * 50}\n```").language == "en"
    assert read("```\n量子态\n```").language == "zh"
    assert read("a\n\n" + "word " * 100_000 + "\n\n" + "量" * 500_000).language == "en"


def test_the_abstract_is_taken_from_its_section() -> None:
    assert read("# T\n\n## Abstract\n\nShort.\n\nMore.\n\n## A\n\nx").abstract == "Short.\n\nMore."
    assert read("# 题\n\n## 摘 要\n\n## 一、引言\n\n文").abstract == ""
    assert read("# 题\n\n## 摘要：\n\n短。").abstract == "短。"


def test_a_paper_without_text_says_so() -> None:
    assert read("---\ntitle: T\n---\n# A\n\n# B\n").warnings == ("there is no text under its headings",)


def test_a_binary_or_empty_file_is_an_error() -> None:
    for data in (b"", b"\x89PNG\0"):
        with pytest.raises(ReadError, match=r"^x\.md "):
            read_markdown(data, source="x.md")


@pytest.mark.parametrize(
    "text",
    [
        *(">" * 10_000 + " x", "> " * 10_000 + "x", "[" * 10_000 + "]" * 10_000, "- " * 10_000 + "x"),
        *(
            "<" * 50_000,
            "`" * 50_000,
            "$$ a\n" * 10_000,
            "\\[\n" * 10_000,
            "\\begin{align}\n" * 5_000,
            "<table>" * 5_000,
        ),
        *(
            "\n".join("  " * i + "- a" for i in range(500)),
            "*a_" * 20_000,
            "|a" * 20_000,
            "# " * 20_000,
            "---\n" * 5_000,
        ),
        *("```a\n" * 10_000, "![](" * 10_000, "<!--" * 10_000, "[a]: b\n" * 5_000, "~~~~~\n```\n" * 3_000),
    ],
)
def test_hostile_text_is_read_in_a_moment(text: str) -> None:
    check(read("# T\n\nWords.\n\n" + text))


def test_too_deep_a_nesting_is_a_read_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def too_deep(*_: object, **__: object) -> None:
        raise RecursionError

    monkeypatch.setattr("qwen_dataset.adapters.readers.markdown.markdown_outline", too_deep)
    with pytest.raises(ReadError, match=r"^papers/some-paper\.md is nested too deeply"):
        read("x")


# Documents made of known blocks: what was written is what must be found.

word = st.sampled_from(
    ["state", "qubit", "the gate", "Fig. 3", "$x_1. Y$", "`a. B`", "\\(z\\)", "et al. have", "量子态", "i.e. it"]
)
sentence = st.lists(word, min_size=3, max_size=9).map(lambda words: "We take " + " ".join(words) + " now.")
paragraph = st.lists(sentence, min_size=5, max_size=60).map(" ".join)
formula = st.sampled_from(
    ["$$\nE = {}\n$$", "$$ E = {} $$", "\\[\nE\n= {}\n\\]", "\\begin{{align}}\nE\n\n- {}\n\\end{{align}}"]
)
whole = st.one_of(
    st.tuples(st.just(BlockKind.FORMULA), formula, st.integers(1, 600)).map(
        lambda x: (x[0], x[1].format("x+" * x[2] + "y"))
    ),
    st.integers(1, 300).map(lambda n: (BlockKind.TABLE, "| a | b |\n| - | - |" + "\n| 1. A | 2 |" * n)),
    st.integers(1, 400).map(lambda n: (BlockKind.CODE, "```python" + "\n# Step. Next\n\na = 1" * n + "\n```")),
    paragraph.map(lambda text: (BlockKind.PARAGRAPH, text)),
)
section = st.tuples(
    st.integers(1, 3), st.sampled_from(["Alpha", "Beta", "7. References", "致谢"]), st.lists(whole, max_size=4)
)


@settings(max_examples=60, deadline=None)
@given(st.lists(section, min_size=1, max_size=5))
def test_generated_documents_keep_blocks_whole_and_cover_the_prose(
    sections: Sequence[tuple[int, str, Sequence[tuple[BlockKind, str]]]],
) -> None:
    text = "---\ntitle: Generated\n---\n"
    placed: list[tuple[BlockKind, int, int]] = []
    for level, title, contents in sections:
        text += f"\n{'#' * (level + 1)} {title}\n"
        for kind, content in contents:
            text += "\n"
            placed.append((kind, len(text), len(text) + len(content)))
            text += content + "\n"
    paper = read(text)
    check(paper)
    found = [(block.kind, block.start, block.end) for part in paper.sections for block in part.blocks]
    assert found == placed
    passages = list(split(paper))
    for kind, start, end in placed:
        part = next(one for one in paper.sections if one.start <= start < one.end)
        reached = [passage for passage in passages if passage.start < end and start < passage.end]
        if any(title in ("7. References", "致谢") for title in part.path):
            assert not reached
        elif kind is not BlockKind.PARAGRAPH and reached:
            assert [(one.start <= start, end <= one.end) for one in reached] == [(True, True)]
        elif end - start >= 200:
            covered = sum(min(end, one.end) - max(start, one.start) for one in reached)
            # Between the pieces of a cut paragraph stands one space.
            assert covered + len(reached) - 1 == end - start


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="#->|`~$\\[]{}begind align*=1. \n\tx<!a/量。", max_size=200))
def test_any_text_gives_exact_spans(text: str) -> None:
    if text.strip():
        paper = read("x\n" + text)
        check(paper)
        assert attrs.evolve(paper) == paper
