"""Passages measured in tokens: what is merged, cut, repeated and left out; that nothing is lost, and what it costs."""

from __future__ import annotations

from itertools import pairwise

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qwen_dataset.domain.papers import Block, BlockKind, Paper, Section
from qwen_dataset.domain.passages import Division, LeftOut, Passage, Reason, choose, divide, left_out, split
from qwen_dataset.domain.sentences import sentences as sentences_of
from qwen_dataset.domain.sentences import trim
from qwen_dataset.domain.tokens import CountTokens, approximate_tokens
from qwen_dataset.testing.strategies import papers
from tests.domain.sections import C, F, P, Part, T, make, sentences


class Counter:
    """A count of words that notes how many characters it was given."""

    def __init__(self) -> None:
        self.characters = 0

    def __call__(self, text: str) -> int:
        self.characters += len(text)
        return len(text.split())


def words(text: str) -> int:
    return len(text.split())


def sizes(paper: Paper, count: CountTokens = words, **options: int) -> list[int]:
    return [passage.tokens for passage in split(paper, count=count, **options)]


def told(paper: Paper, **options: int) -> list[tuple[str, Reason]]:
    return [(paper.text[each.start : each.end], each.reason) for each in left_out(paper, count=len, **options)]


LONG = "This sentence is long enough to make a passage of its own, " + "with many words more " * 12 + "in it."


# Sizes


def test_what_a_passage_holds_is_measured_by_the_count_that_is_given() -> None:
    paper = make((("A",), [(P, sentences(4))] * 6))
    assert sizes(paper, target_tokens=8, max_tokens=16) == [8, 8, 8]
    assert sizes(paper, len, target_tokens=900, max_tokens=1000) == [808, 808, 808]
    assert sizes(paper, lambda text: len(text) and 1000, target_tokens=10) == [1000] * 24


def test_the_maximum_is_twice_the_target_unless_it_is_given() -> None:
    paper = make((("A",), [(P, sentences(19))]))
    assert sizes(paper, target_tokens=10) == [19]
    assert sizes(paper, target_tokens=10, max_tokens=18) == [10, 9]


@pytest.mark.parametrize("kind", [F, T, C])
def test_what_cannot_be_cut_is_marked_where_it_is_too_long(kind: BlockKind) -> None:
    paper = make((("A",), [(P, sentences(9)), (kind, sentences(30)), (P, sentences(9))]))
    found = list(split(paper, count=words, target_tokens=10))
    assert [(passage.tokens, passage.oversized) for passage in found] == [(9, False), (30, True), (9, False)]


def test_a_sentence_that_is_too_long_is_whole_and_marked() -> None:
    giant = "Begin " + "and on " * 40 + "end."
    paper = make((("A",), [(P, f"{sentences(3)} {giant} {sentences(3)}")]))
    found = list(split(paper, count=words, target_tokens=10))
    assert [paper.text[passage.start : passage.end] for passage in found] == [sentences(3), giant, sentences(3)]
    assert [passage.oversized for passage in found] == [False, True, False]


@pytest.mark.parametrize(
    "options", [{"target_tokens": 10, "max_tokens": 9}, {"target_tokens": 10, "overlap_tokens": 10},
                {"overlap_tokens": -1}, {"target_tokens": 0}],
)  # fmt: skip
def test_sizes_that_contradict_each_other_are_refused(options: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="overlaps"):
        divide(make((("A",), [(P, "x")])), **options)


@pytest.mark.parametrize("text", ["Short.", "A paragraph of less than two hundred characters, alone in its paper."])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_paper_of_one_short_paragraph_is_one_passage(text: str, language: str) -> None:
    paper = make(((), [(P, text)]), language=language)
    assert divide(paper, overlap_tokens=100) == Division(
        passages=(Passage(section=(), start=0, end=len(text), tokens=approximate_tokens(text)),), left_out=()
    )


# Overlap


def overlaps(paper: Paper, **options: int) -> list[str]:
    found = split(paper, count=words, **options)
    return [paper.text[passage.start : passage.start + passage.overlap].strip() for passage in found]


def test_a_passage_begins_with_the_last_sentences_of_the_one_before() -> None:
    said = [f"Sentence {number} has {'very ' * 20}long words." for number in range(40)]
    text = " ".join(said)
    paper = make((("A",), [(P, text)]))
    assert not any(overlaps(paper, target_tokens=150))
    # Two new sentences of 25 words a passage, and the last one of the passage before.
    found = overlaps(paper, target_tokens=80, overlap_tokens=30)
    assert found == ["", *said[1:-1:2]]


def test_a_passage_begins_with_whole_blocks_where_they_fit() -> None:
    first = [(P, sentences(9, 40)), (P, "Let us see."), (F, "$$a$$")]
    paper = make((("A",), [*first, (P, sentences(10, 40))]))
    assert overlaps(paper, target_tokens=14, max_tokens=20, overlap_tokens=4) == ["", "Let us see.\n\n$$a$$"]
    assert overlaps(paper, target_tokens=14, max_tokens=20, overlap_tokens=3) == ["", "$$a$$"]
    # The maximum leaves no more room than this.
    assert overlaps(paper, target_tokens=14, max_tokens=14, overlap_tokens=4)[1:] == ["Let us see.\n\n$$a$$"]
    assert overlaps(paper, target_tokens=13, max_tokens=13, overlap_tokens=4)[1:] == ["$$a$$"]


@pytest.mark.parametrize("kind", [F, T, C])
def test_what_cannot_be_cut_is_not_cut_by_an_overlap_either(kind: BlockKind) -> None:
    paper = make((("A",), [(P, sentences(9)), (kind, sentences(12)), (P, sentences(9))]))
    assert overlaps(paper, target_tokens=10, overlap_tokens=9) == ["", sentences(8), ""]


def test_an_overlap_ends_at_the_section_and_at_what_is_left_out() -> None:
    licence = "© 2021 The Authors. All rights reserved."
    paper = make(
        (("A",), [(P, sentences(5)), (P, licence), (P, sentences(6))]),
        (("B",), [(P, sentences(5))]),
    )
    assert overlaps(paper, target_tokens=10, overlap_tokens=5) == ["", "", ""]


def test_a_passage_is_never_all_of_it_repeated() -> None:
    paper = make((("A",), [(T, sentences(3)), (T, sentences(30)), (P, sentences(3)), (C, sentences(30))]))
    assert overlaps(paper, target_tokens=10, overlap_tokens=9) == ["", "", "", ""]


# What is left out


def test_sections_are_left_out_with_their_reason() -> None:
    titles = {
        "References": Reason.REFERENCES,
        "致谢": Reason.ACKNOWLEDGEMENTS,
        "Funding information": Reason.FUNDING,
        "Data availability": Reason.DECLARATIONS,
        "Keywords": Reason.FRONT_MATTER,
        "Contents": Reason.CONTENTS,
        "License": Reason.LICENCE,
    }
    paper = make((("Work",), [(P, LONG)]), *(((title,), [(P, LONG), (P, title)]) for title in titles))
    assert told(paper) == [(f"{LONG}\n\n{title}", reason) for title, reason in titles.items()]
    assert [each.section for each in left_out(paper)] == [(title,) for title in titles]


def test_a_subsection_is_left_out_for_the_section_it_stands_in() -> None:
    paper = make((("Work",), [(P, LONG)]), (("References",), []), (("References", "Methods"), [(P, LONG)]))
    assert told(paper) == [(LONG, Reason.REFERENCES)]


def test_fragments_are_told_of_wherever_they_stand() -> None:
    paper = make((("A",), [(P, "One line.")]), (("B",), [(P, LONG)]), (("C",), [(P, "Another."), (F, "$x$")]))
    assert told(paper) == [("One line.", Reason.TOO_SHORT), ("Another.\n\n$x$", Reason.TOO_SHORT)]


def test_a_paper_of_fragments_leaves_none_out() -> None:
    assert told(make((("A",), [(P, "One line.")]), (("B",), [(P, "Another.")]))) == []


def test_boilerplate_is_left_out_and_the_passages_end_there() -> None:
    stamp = "arXiv:2101.00001v2 [quant-ph] 3 Jan 2021"
    licence = "This is an open access article distributed under the terms of the Creative Commons CC BY licence."
    paper = make((("A",), [(P, stamp), (P, LONG), (P, licence), (P, LONG)]))
    assert told(paper) == [(stamp, Reason.FRONT_MATTER), (licence, Reason.LICENCE)]
    assert [paper.text[each.start : each.end] for each in split(paper)] == [LONG, LONG]


def test_references_without_a_heading_are_left_out_with_the_line_that_announces_them() -> None:
    entries = [(P, f"[{n}] A. Author, B. Writer. On things. J. Things {n}, 2{n} (200{n}).") for n in range(1, 6)]
    paper = make((("Conclusion",), [(P, LONG), (P, "**References**"), *entries, (P, "All rights reserved.")]))
    (references, rights) = told(paper)
    assert references[0].startswith("**References**\n\n[1] A.")
    assert references[0].endswith("(2005).")
    assert (references[1], rights[1]) == (Reason.REFERENCES, Reason.LICENCE)


def test_numbered_entries_in_the_middle_of_a_paper_stay() -> None:
    entries = [(P, f"[{n}] A. Author. On things. J. Things {n} (200{n}).") for n in range(1, 6)]
    paper = make((("Data",), [(P, LONG), *entries]), (("Conclusion",), [(P, LONG)]))
    assert told(paper) == []


# What holds for any paper


def inside(start: int, end: int, spans: list[Passage | LeftOut]) -> bool:
    return any(span.start <= start and end <= span.end for span in spans)


def check(paper: Paper, count: CountTokens, target: int, most: int, overlap: int) -> None:
    division = divide(paper, count=count, target_tokens=target, max_tokens=most, overlap_tokens=overlap)
    found = [*division.passages, *division.left_out]
    for span in found:
        content = paper.text[span.start : span.end]
        assert content
        assert content == content.strip()
        assert any(
            section.path == span.section and section.start <= span.start < span.end <= section.end
            for section in paper.sections
        )
    own = sorted((each.start + (each.overlap if isinstance(each, Passage) else 0), each.end) for each in found)
    assert all(one[1] <= other[0] for one, other in pairwise(own))
    for one, other in pairwise(division.passages):
        assert one.start < other.start
        assert one.end < other.end
        assert other.start >= one.end or other.overlap > 0
    for passage in division.passages:
        assert passage.tokens <= most or passage.oversized
        repeated = paper.text[passage.start : passage.start + passage.overlap]
        assert passage.oversized or count(repeated) <= overlap
    for section in paper.sections:
        for block in section.blocks:
            start, end = trim(paper.text, block.start, block.end)
            if start == end:
                continue
            parts = list(sentences_of(paper.text, start, end)) if block.kind is P else [(start, end)]
            assert all(inside(*part, found) for part in parts)
            edges = {edge for part in parts for edge in part}
            for passage in division.passages:
                assert passage.start <= start or passage.start >= end or passage.start in edges
                assert passage.end <= start or passage.end >= end or passage.end in edges


kinds = st.sampled_from([P, P, P, F, T, C])
prose = st.lists(
    st.sampled_from(["We see. ", "It is $a. B$ here. ", "量子态很好。", "`x. Y` in Fig. 3. ", "a ", "\n1. B ", ". "]),
    min_size=1,
    max_size=12,
).map("".join)  # fmt: skip
contents = prose | st.sampled_from(["© 2021 The Authors.", "[1] A. B. (2001)", "[2] C. D. (2002)", "[3] E. F. (2003)"])
headings = st.sampled_from([("A",), ("B", "C"), ("References",), ("许可",), ()])
parts = st.lists(st.tuples(headings, st.lists(st.tuples(kinds, contents.filter(str.strip)), max_size=6)), max_size=4)
counts = st.sampled_from([len, words, approximate_tokens])
numbers = st.integers(1, 80)


@settings(deadline=None)
@given(parts, st.sampled_from(["en", "zh"]), counts, numbers, numbers, st.integers(0, 40))
def test_any_paper_is_divided_without_a_loss(
    parts: list[Part], language: str, count: CountTokens, target: int, more: int, overlap: int
) -> None:
    check(make(*parts, language=language), count, target, target + more, min(overlap, target - 1))


@settings(deadline=None)
@given(papers(), st.integers(1, 60), st.integers(0, 40))
def test_any_markdown_paper_is_divided_without_a_loss(paper: Paper, target: int, overlap: int) -> None:
    check(paper, approximate_tokens, target, 2 * target, min(overlap, target - 1))


@settings(deadline=None)
@given(parts, st.integers(0, 12))
def test_the_choice_covers_the_paper_from_its_first_to_its_last_region(parts: list[Part], quota: int) -> None:
    passages = list(split(make(*parts), count=words, target_tokens=4))
    chosen = choose(passages, quota)
    assert len(chosen) == min(quota, len(passages))
    places = [passages.index(each) for each in chosen]
    assert places == sorted(set(places))
    for number, place in enumerate(places):
        region = number * len(passages) // quota, -(-(number + 1) * len(passages) // quota)
        assert len(passages) <= quota or region[0] <= place < region[1]


# What it costs


@settings(deadline=None)
@given(parts, st.integers(1, 20), st.integers(0, 19))
def test_no_text_is_counted_more_than_four_times(parts: list[Part], target: int, overlap: int) -> None:
    paper = make(*parts)
    count = Counter()
    divide(paper, count=count, target_tokens=target, overlap_tokens=min(overlap, target - 1))
    assert count.characters <= 4 * len(paper.text)


@pytest.mark.parametrize("overlap", [0, 200])
@pytest.mark.parametrize(
    "unit",
    [
        "We measure $x_1$ in Fig. 3. Then et al. go. ",
        "量子态的测量结果达到了阈值。",
        "word ",
        "[1] A. B. (2001)\n",
        "1. item of 2001 by A. B.\n",
        "© 2021 The Authors. ",
        "received 2021 ",
    ],
)
def test_a_giant_paragraph_costs_no_more_than_its_length(unit: str, overlap: int) -> None:
    # Quadratic cost would take hours here.
    paper = make((("A",), [(P, unit * (2_000_000 // len(unit)))]))
    count = Counter()
    divide(paper, count=count, overlap_tokens=overlap)
    assert count.characters <= 4 * len(paper.text)


@pytest.mark.parametrize("block", ["A short paragraph of its own.", "[7] A. B. (2001)", "© 2021 The Authors."])
def test_a_paper_of_very_many_blocks_costs_no_more_than_its_length(block: str) -> None:
    paper = make((("A",), [(P, block)] * 30_000))
    count = Counter()
    division = divide(paper, count=count, overlap_tokens=100)
    assert count.characters <= 4 * len(paper.text)
    assert division.passages or division.left_out


def test_the_reference_of_a_command_in_a_manual_is_read_and_a_list_of_references_is_not() -> None:
    """The singular is a list of references at the top of a paper, and an API's documentation below other headings."""
    paper = Paper(
        title="A manual",
        text=(
            text := "Chain the functions together, one after the other, and call the last of them with what is left. "
            * 4
        ),
        source="manual.md",
        sections=(
            Section(path=("API", "The module", "Reference"), start=0, end=len(text), blocks=(Block(0, len(text)),)),
        ),
        language="en",
        reader="test",
    )
    assert [passage.section for passage in split(paper, count=words)] == [("API", "The module", "Reference")]
    (section,) = paper.sections
    top = attrs.evolve(paper, sections=(attrs.evolve(section, path=("Reference",)),))
    assert list(split(top, count=words)) == []
    plural = attrs.evolve(paper, sections=(attrs.evolve(section, path=("API", "References")),))
    assert list(split(plural, count=words)) == []
