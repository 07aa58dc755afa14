"""Plain-text papers: headings recognised conservatively, what is set apart kept whole."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qwen_dataset.adapters.readers.text import READER, SUFFIXES, read_text
from qwen_dataset.domain.papers import BlockKind, Paper
from qwen_dataset.domain.passages import split
from qwen_dataset.errors import ReadError

PROSE = "We prepare the state and measure it in the basis that was agreed upon before."


def read(text: str, source: str = "papers/some-paper.txt") -> Paper:
    return read_text(text.encode(), source=source)


def paths(text: str) -> list[tuple[str, ...]]:
    return [section.path for section in read(text).sections if section.path]


def blocks(text: str, kind: BlockKind | None = None) -> list[str]:
    paper = read(text)
    return [
        paper.text[block.start : block.end]
        for section in paper.sections
        for block in section.blocks
        if kind in (None, block.kind)
    ]


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("On quantum states\n\nAda Lovelace\n\nAbstract\n\nWords.", "On quantum states"),
        (
            "On quantum states of\nmany particles\nAda Lovelace\n\nAbstract\n\nWords.",
            "On quantum states of many particles",
        ),
        ("On quantum states and their\nUses in computing\n\nWords.", "On quantum states and their Uses in computing"),
        ("\n\n  量子态的测量\n\n摘要\n\n文。", "量子态的测量"),
        ("This is a sentence that begins a text without any title.\nMore.", "some-paper"),
        ("1 Introduction\n\nWords.", "some-paper"),
        ("Abstract\n\nWords.", "some-paper"),
        ("123\n\nWords.", "some-paper"),
        ("$$\nx\n$$\n\nWords.", "some-paper"),
        ("word " * 80 + "\n\nWords.", "some-paper"),
        (".. _target:\n\nKrotov’s Method\n===============\n\nWords.\n\nA\n---\n\nWords.", "Krotov’s Method"),
        ("=====\nTitle\n=====\n\nWords.", "Title"),
        ("First\n=====\n\nWords.\n\nSecond\n======\n\nWords.", "some-paper"),
        ("# Title\n\nWords.", "Title"),
        ("---\ntitle: From front matter\n---\nWords.", "From front matter"),
        (".. _only:\n", "some-paper"),
        (
            "A Study of States\n\nJane Doe, John Smith\n\nAbstract\n\nWords.\n\n1 Introduction\n\nMore.",
            "A Study of States",
        ),
        ("ON QUANTUM STATES\n\nJane Doe\n\n1 Introduction\n\nMore.", "ON QUANTUM STATES"),
        ("A Study of States\n\nAbstract\n\nWords.", "A Study of States"),
        ("ON QUANTUM STATES\n\nWords without any other heading.", "some-paper"),
        ("ON QUANTUM STATES\n\nWords.\n\nON OTHERS\n\nWords.", "some-paper"),
        ("B Proof of the bound\n\nWords.\n\nReferences\n\nWords.", "some-paper"),
        ("I. Quantum states\n\nWords.\n\nReferences\n\nWords.", "some-paper"),
        ("第一章 量子态\n\n文。\n\n参考文献\n\n文。", "some-paper"),
    ],
)
def test_the_title(text: str, title: str) -> None:
    paper = read(text)
    assert paper.title == title
    assert paper.reader == READER
    assert ".txt" in SUFFIXES


def test_a_title_that_looks_like_a_heading_is_no_section() -> None:
    paper = read("A Study of States\n\nJane Doe\n\nAbstract\n\nWords.\n\n1 Introduction\n\nMore.")
    assert [section.path for section in paper.sections] == [(), ("Abstract",), ("1 Introduction",)]
    assert paper.abstract == "Words."


def test_the_title_is_in_no_block() -> None:
    assert blocks("On quantum states of\nmany particles\nAda Lovelace\n\nWords.") == ["Ada Lovelace", "Words."]


@pytest.mark.parametrize(
    "heading",
    [
        *("1 Introduction", "1. Introduction", "2.3 Results on pairs", "3.1.4 1D chains", "12 Proof of the lemma"),
        *("5 $n$ -Soliton solutions", "IV. METHODS", "I. Introduction", "B Proof of the bound", "D.1 Data"),
        *("ABSTRACT", "RESULTS AND DISCUSSION", "Abstract", "Introduction", "References", "Acknowledgements"),
        *("一、引言", "（二）测量方法", "第3章 量子纠缠", "第三章", "2.1 量子纠缠", "参考文献", "参考⽂献", "摘要"),
        "1 Introduction:",
    ],
)
def test_a_heading_on_a_line_of_its_own_is_recognised(heading: str) -> None:
    assert paths(f"A title\n\n{PROSE}\n\n{heading}\n\n{PROSE}") == [(heading,)]


@pytest.mark.parametrize(
    "line",
    [
        *("1 = x + y", "2 qubits are needed", "3.5 percent", "1 This sentence ends here.", "A proof is given below."),
        *("A. Einstein", "I think so.", "x = 1", "1 x = Y", "(B1)", "REF", "AB CD EF", "e.g. This", "$x$", "2022"),
        *("第三章讨论了量子纠缠。", "一、先制备，再测量", "Figure 1", "introduction"),
        "1 A very long line that goes on and on and on so that it can be no heading of any kind",
    ],
)
def test_a_line_that_is_no_heading_is_not_taken_for_one(line: str) -> None:
    assert paths(f"A title\n\n{PROSE}\n\n{line}\n\n{PROSE}") == []


def test_numbered_items_are_a_list_and_not_headings() -> None:
    assert paths(f"A title\n\n{PROSE}\n\n1. Prepare\n\n2. Measure\n\n3. Repeat\n\n{PROSE}") == []


def test_a_heading_in_the_middle_of_a_paragraph_is_prose() -> None:
    assert paths(f"A title\n\n{PROSE}\n1 Measuring states\n{PROSE}\nwhich gave the\nResults\nand so on") == []


def test_a_known_heading_needs_no_blank_line_after_it() -> None:
    text = f"A title\nAbstract\n{PROSE}\n1 Introduction\n{PROSE}\nReferences\n[1] A. Author"
    assert paths(text) == [("Abstract",), ("1 Introduction",), ("References",)]


def test_sections_nest_by_their_numbers() -> None:
    text = "".join(
        f"{h}\n\n{PROSE}\n\n" for h in ("1 One", "1.1 Sub", "1.1.1 Deep", "1.2 Next", "2 Two", "4.1 Lost", "4.2 Lost")
    )
    assert paths("A title\n\n" + text) == [
        ("1 One",),
        ("1 One", "1.1 Sub"),
        ("1 One", "1.1 Sub", "1.1.1 Deep"),
        ("1 One", "1.2 Next"),
        ("2 Two",),
        ("4.1 Lost",),
        ("4.2 Lost",),
    ]


def test_letters_are_subsections_below_roman_numbers() -> None:
    text = f"A title\n\nII. MODEL\n\n{PROSE}\n\nA. Spins\n\n{PROSE}\n\nIII. RESULTS\n{PROSE}"
    assert paths(text) == [("II. MODEL",), ("II. MODEL", "A. Spins"), ("III. RESULTS",)]


def test_chinese_chapters_and_sections_nest() -> None:
    text = "题目\n\n第一章 概论\n\n文。\n\n第一节 起源\n\n文。\n\n一、早期\n\n文。\n\n（一）实验\n\n文。\n"
    assert paths(text)[-1] == ("第一章 概论", "一、早期", "（一）实验")


def test_a_number_and_a_title_in_two_boxes_are_one_heading() -> None:
    text = f"A title\n\n1.\n\nIntroduction\n\n{PROSE}\n\n2.1\n\nQuantum symmetries\n\n{PROSE}"
    text += "\n\n3\n\n8(85), 2026\n\n2.\n\nFig. 2: A\nb"
    assert paths(text) == [("1. Introduction",), ("2.1 Quantum symmetries",)]


def test_underlined_headings_nest_by_the_order_of_their_marks() -> None:
    text = f"Title\n=====\n\nOne\n---\n\n{PROSE}\n\nSub\n^^^\n\n{PROSE}\n\nTwo\n---\n\n{PROSE}\n"
    assert paths(text) == [("One",), ("One", "Sub"), ("Two",)]


def test_a_rule_or_a_short_underline_is_no_heading() -> None:
    text = f"A title\n\n{PROSE}\n\n-----\n\n{PROSE}\n\nA rather long line of text\n---\n\n{PROSE}\n\n"
    assert paths(text + "====\n----\n====\n") == []


def test_thanks_that_run_in_are_a_section_of_their_own() -> None:
    for thanks in ("Acknowledgement.— The authors thank everyone.", "Acknowledgments.\nThe authors thank everyone."):
        paper = read(f"A title\n\n{PROSE * 4}\n\n{thanks}\n\nReferences\n\n[1] A")
        assert [section.title for section in paper.sections[1:]] == [thanks.split(".")[0], "References"]
        assert paper.text[paper.sections[1].blocks[0].start :].startswith("The authors")
        assert len(list(split(paper))) == 1


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        (BlockKind.FORMULA, "$$\na\n\n= b\n$$"),
        (BlockKind.FORMULA, "\\begin{equation}\na\n\n1 Introduction\n\\end{equation}"),
        (BlockKind.FORMULA, "$a = b\nc$ ."),
        (BlockKind.FORMULA, ".. math::\n   :label: x\n\n   a\n\n   b"),
        (BlockKind.CODE, ".. code-block:: python\n\n   a = 1\n\n   b = 2"),
        (BlockKind.CODE, "```\n1 Introduction\n\nx\n```"),
        (BlockKind.CODE, "a = 1\n    b = 2"),
        (BlockKind.TABLE, "| a | b |\n| 1 | 2 |"),
        (BlockKind.TABLE, "+---+\n| a |\n+---+"),
        (BlockKind.TABLE, "==  ==\na   b\n==  =="),
        (BlockKind.TABLE, ".. list-table::\n\n   * a\n\n   * b"),
    ],
)
def test_what_is_set_apart_is_one_block(kind: BlockKind, content: str) -> None:
    indent = "    " if content.startswith("a = 1") else ""
    text = f"A title\n\n{PROSE}\n\n{indent}{content}\n\n{PROSE}\n\n{PROSE}"
    assert blocks(text, kind) == [content]
    assert blocks(text, BlockKind.PARAGRAPH) == [PROSE] * 3
    assert paths(text) == []


def test_a_literal_block_ends_with_its_indentation() -> None:
    text = f"A title\n\nLike this::\n\n  a\n\n  b\n\n{PROSE}"
    assert blocks(text) == ["Like this::", "a\n\n  b", PROSE]
    assert blocks(text, BlockKind.CODE) == ["a\n\n  b"]


def test_indented_prose_is_prose() -> None:
    quotation = "    We prepare the state and then measure\n    it in the basis that was agreed."
    assert blocks(f"A title\n\n{PROSE}\n\n{quotation}\n\n{PROSE}", BlockKind.CODE) == []
    throughout = "A title\n\n" + "    x y z\n    x y z\n\n" * 5
    assert blocks(throughout, BlockKind.CODE) == []


def test_other_directives_are_prose_and_targets_are_nothing() -> None:
    text = f"A title\n\n.. Note::\n\n   {PROSE}\n\n.. _target: http://x\n\n{PROSE}"
    assert blocks(text) == [".. Note::", PROSE, PROSE]


def test_an_open_fence_is_no_fence() -> None:
    assert paths(f"A title\n\n{PROSE}\n\n```\n{PROSE}\n\nReferences\n\n[1] A") == [("References",)]


def test_text_without_blank_lines_still_gives_passages_of_sane_size() -> None:
    text = "\n".join(["A title", *([PROSE] * 300)])
    sizes = [passage.end - passage.start for passage in split(read(text))]
    assert len(sizes) > 8
    assert max(sizes) <= 2000


def test_form_feeds_are_white_space() -> None:
    assert blocks(f"A title\n\n{PROSE}\n\n\x0c{PROSE}") == [PROSE, PROSE]


def test_comments_of_python_do_not_make_a_text_markdown() -> None:
    assert paths(f"A title\n\n{PROSE}\n# initialise\nx = 1\n# loop\ny = 2\n") == []
    assert paths(f"A title\n\n## One\n\n{PROSE}\n\n## Two\n\n{PROSE}") == [("One",), ("Two",)]


def test_a_binary_file_or_too_deep_a_nesting_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ReadError, match="NUL"):
        read_text(b"a\0", source="x")

    def too_deep(*_: object, **__: object) -> None:
        raise RecursionError

    monkeypatch.setattr("qwen_dataset.adapters.readers.text.text_outline", too_deep)
    with pytest.raises(ReadError, match=r"^papers/some-paper\.txt is nested too deeply"):
        read("x")


@pytest.mark.parametrize(
    "unit", ["1 A\n\n", "ABCD\n\n", "====\n", "A\n===\n", "    a\n\n", "$$ a\n", "```a\n", "1.\n\n", ".. a::\n\n"]
)
def test_hostile_text_is_read_in_a_moment(unit: str) -> None:
    list(split(read("A title\n\n" + unit * (100_000 // len(unit)))))


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="12.A aIV=-\n\n:|$`\\[]#章第一、引言。\t\x0c_", max_size=200))
def test_any_text_gives_exact_spans(text: str) -> None:
    if not text.strip():
        return
    paper = read(text)
    reached = 0
    for section in paper.sections:
        assert reached <= section.start <= section.end <= len(paper.text)
        reached = section.start
        for block in section.blocks:
            assert reached <= block.start < block.end <= section.end
            reached = block.end
    for passage in split(paper):
        assert paper.text[passage.start : passage.end].strip()


def test_a_directive_is_one_in_capitals_too() -> None:
    text = f"Title\n=====\n\n.. Note::\n\n   {PROSE}\n   {PROSE}\n\n.. Math::\n\n   a = b\n"
    assert blocks(text, BlockKind.FORMULA) == [".. Math::\n\n   a = b"]
    assert not blocks(text, BlockKind.CODE)
    assert any(PROSE in block for block in blocks(text, BlockKind.PARAGRAPH))
