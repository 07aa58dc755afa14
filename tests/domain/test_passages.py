"""Passages: whole blocks of one section, prose cut only between sentences, spread over the paper."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwen_dataset.domain.papers import BlockKind, Paper
from qwen_dataset.domain.passages import Passage, bare_title, choose, is_back_matter, split
from tests.domain.sections import C, F, P, Part, T, make, sentences


def texts(paper: Paper, *, target: int = 2000, most: int = 4000) -> list[str]:
    passages = split(paper, count=len, target_tokens=target, max_tokens=most)
    return [paper.text[passage.start : passage.end] for passage in passages]


def check(paper: Paper, passages: Sequence[Passage]) -> None:
    """What holds for the passages of any paper."""
    for passage in passages:
        content = paper.text[passage.start : passage.end]
        assert content
        assert content == content.strip()
        assert any(
            section.path == passage.section and section.start <= passage.start < passage.end <= section.end
            for section in paper.sections
        )
    for one, other in pairwise(passages):
        assert one.end <= other.start


def test_blocks_are_merged_up_to_the_target() -> None:
    paper = make((("A",), [(P, sentences(8))] * 4))
    assert [len(text) for text in texts(paper)] == [1616, 1616]


def test_a_passage_never_spans_two_sections() -> None:
    paper = make((("A",), [(P, sentences(5))]), (("B",), [(P, sentences(5))]))
    assert [passage.section for passage in split(paper, count=len, target_tokens=2000)] == [("A",), ("B",)]


def test_a_formula_stays_with_the_paragraph_before_even_above_the_target() -> None:
    formula = "$$" + "y" * 500 + "$$"
    paper = make((("A",), [(P, sentences(19)), (F, formula), (P, sentences(10))]))
    first, second = texts(paper)
    assert first.endswith(formula)
    assert second == sentences(10)


def test_a_formula_takes_its_paragraph_along_when_the_passage_is_full() -> None:
    formula = "$$" + "y" * 1500 + "$$"
    paper = make((("A",), [(P, sentences(9)), (P, sentences(10)), (F, formula)]))
    first, second = texts(paper, most=3000)
    assert first == sentences(9)
    assert second.startswith("Sx")
    assert second.endswith(formula)


def test_the_sentence_that_goes_on_after_a_formula_stays_with_it() -> None:
    paper = make((("A",), [(P, sentences(18)), (F, "$$x$$"), (P, "where x is the energy. " + sentences(4))]))
    assert len(texts(paper)) == 1


@pytest.mark.parametrize("kind", [F, T, C])
def test_what_must_not_be_cut_stays_whole_above_the_maximum(kind: BlockKind) -> None:
    giant = sentences(100)
    paper = make((("A",), [(P, sentences(20)), (kind, giant), (P, sentences(20))]))
    assert texts(paper) == [sentences(20), giant, sentences(20)]


def test_a_paragraph_above_the_maximum_is_cut_between_sentences() -> None:
    parts = texts(make((("A",), [(P, sentences(60))])))
    assert len(parts) >= 3
    assert " ".join(parts) == sentences(60)
    assert all(part.startswith("Sx") and part.endswith("x.") and len(part) <= 2000 for part in parts)


def test_a_paragraph_below_the_maximum_is_not_cut() -> None:
    assert texts(make((("A",), [(P, sentences(35))]))) == [sentences(35)]


def test_a_sentence_above_the_maximum_stays_whole() -> None:
    giant = "S" + "x" * 9000 + "."
    assert texts(make((("A",), [(P, f"{sentences(3)} {giant} {sentences(3)}")]))) == [
        sentences(3),
        giant,
        sentences(3),
    ]


def test_chinese_sentences_end_without_a_space() -> None:
    sentence = "我们测量量子态并记录结果，" * 8 + "他说：“很好。”"
    parts = texts(make((("A",), [(P, sentence * 50)]), language="zh"))
    assert len(parts) > 1
    assert all(part.endswith("。”") for part in parts)
    assert "".join(parts) == sentence * 50


@pytest.mark.parametrize(
    "unit",
    [
        "as shown by Smith et al. The rest follows Fig. 3 and Eq. (4), i.e. Everything",
        "the value $x. Y = 3. Z$ and \\(a. B\\) and \\[c. D\\] and $$e. F$$ and `g. H` and ``i. ` J`` here",
        "see A. Einstein and the U.S. Army for 1.5 units vs. Others, e.g. Ours (cf. Ref. [3]) in vol. XII",
        "an escaped \\$ sign, then $a. B$ and padded $ a. B $ mathematics",
        "something (see Sec. 4.) and so on, ok? maybe! or not",
    ],
)
def test_no_cut_inside_mathematics_code_or_after_an_abbreviation(unit: str) -> None:
    paragraph = " ".join(f"Item {i} is {unit} end." for i in range(80))
    parts = texts(make((("A",), [(P, paragraph)])), target=300, most=600)
    assert len(parts) > 5
    assert " ".join(parts) == paragraph
    assert all(part.startswith("Item ") and part.endswith(" end.") for part in parts)


@pytest.mark.parametrize("ending", [".", "!", "?", '."', ".)", ".[12]", "...", ".*"])
def test_a_sentence_ends_with_its_closing_marks(ending: str) -> None:
    paragraph = " ".join("The state is prepared and then measured" + ending for _ in range(40))
    parts = texts(make((("A",), [(P, paragraph)])), target=200, most=400)
    assert len(parts) > 3
    assert all(part.startswith("The") and part.endswith(ending) for part in parts)


def test_money_is_no_mathematics() -> None:
    paragraph = "It costs $5 in all. Then $10 more are due. " * 30
    assert len(texts(make((("A",), [(P, paragraph)])), target=200, most=400)) >= 3


def test_an_unclosed_delimiter_protects_nothing() -> None:
    for stray in ("`", "\\(", "\\[", "$$", "``"):
        paragraph = f"Here is a stray {stray} mark. " + "One more sentence stands here. " * 40
        assert len(texts(make((("A",), [(P, paragraph)])), target=200, most=400)) >= 3


def test_a_long_list_is_cut_between_its_items_and_not_after_their_numbers() -> None:
    items = "\n".join(f"{i}. Measure qubit {i} in the basis that the pattern asks for" for i in range(1, 60))
    parts = texts(make((("A",), [(P, items)])), target=300, most=600)
    assert len(parts) > 5
    assert all(part[0].isdigit() for part in parts)
    assert "\n".join(parts) == items


def test_a_number_may_end_a_sentence() -> None:
    paragraph = "The sum is equal to 1. " * 60
    assert len(texts(make((("A",), [(P, paragraph)])), target=200, most=400)) >= 3


def test_a_number_at_the_very_start_is_a_list_mark() -> None:
    paragraph = "1. " + sentences(10)
    assert texts(make((("A",), [(P, paragraph)])), target=50, most=60)[0].startswith("1. S")


def test_fragments_are_dropped_when_there_is_something_longer() -> None:
    paper = make((("A",), [(P, "One line.")]), (("B",), [(P, sentences(5))]), (("C",), [(P, "Another.")]))
    assert [passage.section for passage in split(paper, count=len, target_tokens=2000)] == [("B",)]


def test_a_very_short_paper_still_gives_a_passage() -> None:
    assert texts(make((("A",), [(P, "One line.")]))) == ["One line."]


def test_a_chinese_fragment_is_shorter_than_an_english_one() -> None:
    parts = [(("A",), [(P, "量" * 100)]), (("B",), [(P, "子" * 300)])]
    assert len(list(split(make(*parts, language="zh"), count=len))) == 2
    assert len(list(split(make(*parts, language="en"), count=len))) == 1


def test_a_short_rest_joins_its_neighbour() -> None:
    paper = make((("A",), [(P, sentences(19)), (P, "A last remark closes the section.")]))
    assert len(texts(paper)) == 1


def test_blocks_of_white_space_and_sections_without_blocks_give_nothing() -> None:
    assert texts(make((("A",), [(P, "  \n ")]), (("B",), []))) == []


def test_white_space_around_a_block_is_left_out() -> None:
    assert texts(make((("A",), [(P, "  " + sentences(4) + "  ")]))) == [sentences(4)]
    assert texts(make((("A",), [(P, "  " + sentences(50) + "  ")])))[0].startswith("Sx")


@pytest.mark.parametrize(
    "title",
    [
        *("References", "7. References", "REFERENCES:", "**Bibliography**", "Acknowledgments", "Acknowledgement"),
        *("12 Acknowledgements", "VII. ACKNOWLEDGMENTS", "Acknowledgements and Funding", "Funding information"),
        *(
            "Funding",
            "Funding information and acknowledgements",
            "Author contributions",
            "Authors' contributions",
            "Author’s contributions",
            "Competing interests",
        ),
        *("Conflict of Interest", "Conflicts of interest statement", "Declaration of competing interest"),
        *("Data availability", "Data and code availability", "Availability of data and materials"),
        *("Data Availability Statement", "Table of contents", "References and notes", "A. References"),
        *("CRediT authorship contribution statement", "Ethics statement", "List of figures"),
        *(
            "参考文献",
            "八、参考文献",
            "8 参考文献",
            "第八章 参考文献",
            "参 考 文 献",
            "参考⽂献",
            "致谢",
            "致 谢",
            "基金项目",
        ),
        *("作者贡献声明", "利益冲突", "数据可用性声明", "参考文献 (References)", "（三）致谢"),
        '<a name="r"></a>References',
        *("References and Further Reading", "References & Footnotes", "Acknowledgements, funding and disclosures"),
        *("Ethics approval and consent to participate", "Funding and conflicts of interest", "Data access statement"),
        *("Acknowledgment and Data Availability Statement", "致谢 / Acknowledgments", "CRediT 作者贡献声明"),
    ],
)
def test_back_matter_is_recognised(title: str) -> None:
    assert is_back_matter(title)


@pytest.mark.parametrize(
    "title",
    """Introduction|Reference frames|Data|Availability of entanglement|Appendix A|Appendix: proofs|Funding a quantum
Contributions of this work|Interest rates|引言|参考系|数据|基金定价的量子算法|附录|||Related work|Contents of a state
Reference states and their use|Code|Acknowledged messages|Reference and Baseline Methods|References and Pointers
Ethics and Fairness of Language Models|Data Access|Software access|Funding and Market Liquidity
Acknowledgment and Retransmission|LDAP 目录|GPL 许可证|Consent for collecting speech""".replace("\n", "|").split("|"),
)
def test_content_is_not_taken_for_back_matter(title: str) -> None:
    assert not is_back_matter(title)


def test_a_bare_title_has_no_numbering() -> None:
    assert bare_title("2.1 **Results**:") == "results"
    assert bare_title("一、引言") == "引言"
    assert bare_title("IV. Methods") == "methods"


def test_back_matter_is_left_out_with_its_subsections() -> None:
    paper = make(
        (("1 Work",), [(P, sentences(5))]),
        (("References",), [(P, sentences(6))]),
        (("References", "Books"), [(P, sentences(7))]),
        (("Appendix",), [(P, sentences(8))]),
    )
    assert [passage.section for passage in split(paper, count=len, target_tokens=2000)] == [("1 Work",), ("Appendix",)]


def numbered(count: int) -> list[Passage]:
    return [Passage(section=(), start=10 * i, end=10 * i + 9) for i in range(count)]


@given(st.integers(0, 200), st.integers(0, 30))
def test_the_choice_covers_every_region_in_order(total: int, count: int) -> None:
    passages = numbered(total)
    chosen = choose(passages, count)
    assert len(chosen) == min(total, count)
    starts = [passage.start for passage in chosen]
    assert starts == sorted(set(starts))
    assert set(chosen) <= set(passages)
    for k, passage in enumerate(chosen):
        # The k-th choice reaches into the k-th of the equal regions.
        i = passages.index(passage)
        assert i * len(chosen) < (k + 1) * total
        assert (i + 1) * len(chosen) > k * total


def test_the_choice_is_spread_over_the_paper() -> None:
    assert [passage.start for passage in choose(numbered(100), 4)] == [120, 370, 620, 870]
    assert choose(numbered(9), 1) == (numbered(9)[4],)
    assert choose(numbered(5), 0) == ()


kinds = st.sampled_from([P, P, F, T, C])
contents = st.text(alphabet="ab. \n$`\\()[]。A!", max_size=120).filter(str.strip)
parts = st.lists(
    st.tuples(st.sampled_from([("A",), ("B", "C"), ("References",)]), st.lists(st.tuples(kinds, contents), max_size=6)),
    max_size=4,
)


@given(parts, st.integers(5, 80), st.integers(5, 160))
def test_passages_of_any_paper_are_exact_ordered_and_cut_nothing_whole(parts: list[Part], a: int, b: int) -> None:
    paper = make(*parts)
    target, most = min(a, b), max(a, b)
    passages = list(split(paper, count=len, target_tokens=target, max_tokens=most))
    check(paper, passages)
    for section in paper.sections:
        for block in section.blocks:
            if block.kind is not P or block.end - block.start <= most:
                content = paper.text[block.start : block.end]
                start, end = block.start + len(content) - len(content.lstrip()), block.start + len(content.rstrip())
                for passage in passages:
                    apart = passage.end <= start or end <= passage.start
                    assert apart or passage.start <= start < end <= passage.end


@pytest.mark.parametrize(
    "unit",
    [
        "We measure $x_1$ in Fig. 3. Then et al. go. ",
        "量子态。",
        "word ",
        "$ ",
        "\\( ",
        "` ",
        ". ",
        "``` ` ",
        "$5 ",
        "\\",
    ],
)
def test_a_giant_paragraph_is_split_before_pytest_loses_patience(unit: str) -> None:
    # Quadratic cost would take hours here.
    paper = make((("A",), [(P, unit * (4_000_000 // len(unit)))]))
    check(paper, list(split(paper, count=len)))
