"""Evidence stands where it says, character for character, or it is refused."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qwen_dataset.domain import grounding
from qwen_dataset.domain.grounding import PassageText, Ungrounded, locate
from qwen_dataset.domain.samples import Evidence, RejectReason

NOT_FOUND = RejectReason.EVIDENCE_NOT_FOUND
AMBIGUOUS = RejectReason.EVIDENCE_AMBIGUOUS
MISPLACED = RejectReason.EVIDENCE_MISPLACED

ENGLISH = (
    "The surface code corrects errors below a threshold of 1.1 %. It does not need long-range gates, and its overhead\n"
    "grows as $d^2$ with the distance. We measured −0.25 dB at 4 K."
)
CHINESE = "表面码在阈值1.1%以下可以纠正错误。它不需要长程门，开销随码距增长。\n实验温度为4K。"


def find(quote: str, passage: str, **more: object) -> Evidence | Ungrounded:
    """Locate in a passage that stands inside a paper, with the same words outside of it."""
    paper = f"{passage}\n\n# Results\n\n{passage}\n\n{passage}"
    start = len(passage) + len("\n\n# Results\n\n")
    found = locate(quote, paper, start, start + len(passage), **more)  # type: ignore[arg-type]
    if isinstance(found, Evidence):
        assert start <= found.start < found.end <= start + len(passage)
        assert found.quote == paper[found.start : found.end]
        return Evidence(quote=found.quote, start=found.start - start, end=found.end - start)
    return found


def reason(quote: str, passage: str, **more: object) -> RejectReason:
    found = find(quote, passage, **more)
    assert isinstance(found, Ungrounded), found
    assert found.detail
    return found.reason


def quoted(quote: str, passage: str, **more: object) -> str:
    found = find(quote, passage, **more)
    assert isinstance(found, Evidence), found
    return found.quote


@pytest.mark.parametrize(
    "quote",
    [
        ENGLISH,
        "The surface code corrects errors below a threshold of 1.1 %.",
        "It does not need long-range gates",
        "its overhead\ngrows as $d^2$ with the distance",
        "We measured −0.25 dB at 4 K.",
    ],
)
def test_a_verbatim_quote_is_found_at_its_exact_span(quote: str) -> None:
    at = ENGLISH.index(quote)
    assert find(quote, ENGLISH) == Evidence(quote=quote, start=at, end=at + len(quote))


@pytest.mark.parametrize("quote", [CHINESE, "表面码在阈值1.1%以下可以纠正错误。", "它不需要长程门", "开销随码距"])
def test_a_chinese_quote_may_begin_and_end_anywhere_between_characters(quote: str) -> None:
    at = CHINESE.index(quote)
    assert find(quote, CHINESE) == Evidence(quote=quote, start=at, end=at + len(quote))


def test_only_the_passage_is_searched() -> None:
    paper = "alpha beta gamma. delta epsilon zeta."
    assert locate("delta epsilon", paper, 0, 17).reason is NOT_FOUND  # type: ignore[union-attr]
    assert locate("alpha beta", paper, 18, len(paper)).reason is NOT_FOUND  # type: ignore[union-attr]
    assert locate("delta epsilon zeta.", paper, 18, len(paper) - 1) == Evidence(
        quote="delta epsilon zeta", start=18, end=36
    )
    assert locate("delta epsilon zeta", paper, 18, 36) == Evidence(quote="delta epsilon zeta", start=18, end=36)
    assert locate("delta  epsilon zeta", paper, 18, 35).reason is NOT_FOUND  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("quote", "passage", "stands"),
    [
        ("its overhead grows as $d^2$", ENGLISH, "its overhead\ngrows as $d^2$"),
        ("It does  not\tneed\nlong-range gates", ENGLISH, "It does not need long-range gates"),
        ("It does not\u00a0need \u200blong-range gates", ENGLISH, "It does not need long-range gates"),
        ("the network converges", "the net\u00adwork con\u200bverges fast", "the net\u00adwork con\u200bverges"),
        ("the net\u00adwork converges", "the network converges fast", "the network converges"),
        ("the network converges", "the network \u00ad\n converges fast", "the network \u00ad\n converges"),
        ('the "surface" code\'s gate', "the “surface” code’s gate", "the “surface” code’s gate"),
        ("the ‘surface’ „code‟ ´gate", "the 'surface' \"code\" 'gate", "the 'surface' \"code\" 'gate"),
        ("We measured -0.25 dB", ENGLISH, "We measured −0.25 dB"),
        ("pages 10–20 and after—all", "pages 10-20 and after-all", "pages 10-20 and after-all"),
        (
            "准确率为92.4%,高于基线(BERT)",
            "准确率为９２.４％，高于基线（ＢＥＲＴ）。",
            "准确率为９２.４％，高于基线（ＢＥＲＴ）",
        ),
        ("准确率为９２.４％，高于", "准确率为92.4%,高于基线", "准确率为92.4%,高于"),
        ("the cafe\u0301 is efficient", "the café is eﬃcient", "the café is eﬃcient"),
        ("the café is eﬃcient", "the cafe\u0301 is efficient", "the cafe\u0301 is efficient"),
        ("wait... then measure", "wait… then measure", "wait… then measure"),
        ("a\u0323\u0302 decorated letter", "a\u0302\u0323 decorated letter", "a\u0302\u0323 decorated letter"),
        ("Seoul 서울에서 measured", unicodedata.normalize("NFD", "Seoul 서울에서 measured"), None),
        ("the value x𝑥 of ℝ here", "the value xx of R here", "the value xx of R here"),
    ],
)
def test_layout_may_differ_and_the_papers_characters_are_kept(quote: str, passage: str, stands: str | None) -> None:
    assert quoted(quote, passage) == (passage if stands is None else stands)


@pytest.mark.parametrize(
    ("quote", "stands"),
    [
        ("...does not need long-range gates...", "does not need long-range gates"),
        ("… does not need long-range gates …", "does not need long-range gates"),
        ("......does not need long-range gates……", "does not need long-range gates"),
        ("⋯does not need long-range gates⋯", "does not need long-range gates"),
        ('"does not need long-range gates"', "does not need long-range gates"),
        ("“does not need long-range gates.”", "does not need long-range gates"),
        ("“corrects errors below a threshold of 1.1 %.”", "corrects errors below a threshold of 1.1 %."),
        ("“corrects errors below a threshold of 1.1 %”.", "corrects errors below a threshold of 1.1 %"),
        ("'does not need long-range gates'.", "does not need long-range gates"),
        ("「does not need long-range gates」", "does not need long-range gates"),
        ("『does not need long-range gates』", "does not need long-range gates"),
        ("«does not need long-range gates»", "does not need long-range gates"),
        ("\"'...does not need long-range gates...';\"", "does not need long-range gates"),
        ("does not need long-range gates.", "does not need long-range gates"),
        ("does not need long-range gates。", "does not need long-range gates"),
        ("does not need long-range gates;:?、，", "does not need long-range gates"),
        ("  does not need long-range gates,\u200b\n", "does not need long-range gates,"),
        ("does not need long-range gates, and", "does not need long-range gates, and"),
    ],
)
def test_what_a_model_adds_around_a_quote_is_dropped(quote: str, stands: str) -> None:
    assert quoted(quote, ENGLISH) == stands


@pytest.mark.parametrize(
    "quote",
    [
        "It does need long-range gates",
        "It does not need long range gates",
        "it does not need long-range gates",
        "It doesnot need long-range gates",
        "a threshold of 1.2 %",
        "a threshold of 11 %",
        "We measured 0.25 dB at 4 K",
        "We measured +0.25 dB at 4 K",
        "its overhead grows as $d^3$",
        "its overhead grows as $d2$",
        "The surface code ... below a threshold",
        "The surface code […] below a threshold",
        "corrects errors below a threshold!",
        '"does not need long-range gates',
        "does not need long-range gates'",
        ".does not need long-range gates",
        "..does not need long-range gates",
        "....does not need long-range gates",
        "(does not need long-range gates)",
        "表面码在阈值以下可以纠正错误",
    ],
)
def test_any_other_difference_is_refused(quote: str) -> None:
    assert reason(quote, ENGLISH) is NOT_FOUND


@pytest.mark.parametrize("quote", ["深度学习的方法很好", "深度 学习的方法很好", "深度-学习的方法很好"])
def test_a_line_break_between_chinese_characters_is_not_guessed_away(quote: str) -> None:
    assert quoted("深度 学习的方法很好", "深度\n学习的方法很好") == "深度\n学习的方法很好"
    if quote != "深度 学习的方法很好":
        assert reason(quote, "深度\n学习的方法很好") is NOT_FOUND


def test_a_hyphen_at_a_line_break_is_not_guessed_away() -> None:
    assert reason("the network converges", "the net-\nwork converges") is NOT_FOUND


@pytest.mark.parametrize(
    ("quote", "passage"),
    [
        ("about 102 samples were used", "about 10² samples were used"),
        ("about 105 samples were used", "about 10⁵ samples were used"),
        ("the variable x1 is measured", "the variable x₁ is measured"),
        ("exactly 11⁄2 times as long", "exactly 1½ times as long"),
        ("exactly 1 1/2 times as long", "exactly 1 ½ times as long"),
        ("step 1 of the procedure", "step ① of the procedure"),
        ("where a = b holds always", "where a ≠ b holds always"),
    ],
)
def test_what_unicode_calls_compatible_is_not_equal_where_it_means_something_else(quote: str, passage: str) -> None:
    assert reason(quote, passage) is NOT_FOUND
    assert quoted(passage, passage) == passage


@pytest.mark.parametrize(
    ("quote", "passage"),
    [
        ("5 % of all the cases improve", "In 25 % of all the cases improve"),
        ("5 % of all the cases improve", "In 2.5 % of all the cases improve"),
        ("500 cases improve in total", "In 1,500 cases improve in total"),
        ("0.5 dB were measured there", "so -0.5 dB were measured there"),
        ("0.5 dB were measured there", "so −0.5 dB were measured there"),
        ("0.5 dB were measured there", "so –0.5 dB were measured there"),
        ("0.5 dB were measured there", "so +0.5 dB were measured there"),
        ("0.5 dB were measured there", "so ±0.5 dB were measured there"),
        ("the accuracy rises to 92", "the accuracy rises to 92.4 percent"),
        ("the accuracy rises to 92.", "the accuracy rises to 92.4 percent"),
        ("the accuracy rises to 92...", "the accuracy rises to 92.4 percent"),
        ("the accuracy rises to 9", "the accuracy rises to 92 percent"),
        ("the accuracy rises to 10", "the accuracy rises to 10⁵ samples"),
        ("it grows from 10", "it grows from 10-20 percent"),
        ("able to converge quickly", "it is unable to converge quickly"),
        ("linear models are used here", "non-linear models are used here"),
        ("linear models are used here", "non‑linear models are used here"),
        ("linear  models are used here", "non-linear models are used here"),
        ("the optimum is reached by a net", "the optimum is reached by a network"),
        ("the optimum is reached by a net...", "the optimum is reached by a network"),
        ("this is a model", "this is a model-free method"),
        ("work converges to it", "the net\u00adwork converges to it"),
        ("this is a nice cafe", "this is a nice cafe\u0301 in town"),
        ("tude of the problem", "e\u0301tude of the problem"),
        ("alpha + \\beta is the sum", "so \\alpha + \\beta is the sum"),
    ],
)
def test_a_quote_that_cuts_a_word_or_a_number_is_refused(quote: str, passage: str) -> None:
    found = find(quote, passage)
    assert isinstance(found, Ungrounded)
    assert (found.reason, "inside a word" in found.detail) == (NOT_FOUND, True)


def test_the_first_character_of_a_paper_counts_too() -> None:
    for paper in (
        "work is done here",
        "-0.5 dB were measured",
        "w\u00adork is done here",
        "\u00ad-0.5 dB were measured",
    ):
        quote = paper.lstrip("\u00ad-w")
        assert locate(quote, paper, 0, len(paper)).reason is NOT_FOUND  # type: ignore[union-attr]
    assert isinstance(locate("\u00adwork is done here\u00ad", "\u00adwork is done here\u00ad", 0, 19), Evidence)


@pytest.mark.parametrize(
    ("quote", "passage"),
    [
        ("0.5 dB were measured there", "so 0.5 dB were measured there"),
        ("-0.5 dB were measured there", "so -0.5 dB were measured there"),
        ("Linear models are used here", "we agree—Linear models are used here"),
        ("Linear models are used here", "list:\n-Linear models are used here"),
        ("Linear models are used here", "it stops.Linear models are used here"),
        ("Linear models are used here", "as in 3.Linear models are used here"),
        ("Linear models are used here", "x+Linear models are used here"),
        ("the accuracy rises to 92", "the accuracy rises to 92."),
        ("the accuracy rises to 92", "the accuracy rises to 92, which is"),
        ("the accuracy rises to 92", "the accuracy rises to 92%"),
        ("the accuracy rises to x", "the accuracy rises to x+1"),
        ("the accuracy rises to the", "the accuracy rises to the-"),
        ("正确率提高了25", "使正确率提高了25个百分点"),
        ("25个百分点提高", "正确率25个百分点提高"),
        ("\\alpha + \\beta is the sum", "so \\alpha + \\beta is the sum"),
        ("5 and 10 are the numbers", ",5 and 10 are the numbers"),
        ("カタカナ の例", "これはカタカナ の例です"),
    ],
)
def test_a_quote_between_words_is_whole(quote: str, passage: str) -> None:
    assert quoted(quote, passage) == quote


@pytest.mark.parametrize(
    "quote", ["", "   ", "\u200b", "seven le", "abcdefg", "x = 1, y", "三个字", "a三个字", "...", '""']
)
def test_a_quote_too_short_to_prove_anything_is_refused(quote: str) -> None:
    passage = f"well, {quote} indeed"
    found = find(quote, passage)
    assert isinstance(found, Ungrounded)
    assert (found.reason, "too short" in found.detail) == (NOT_FOUND, True)


CHINESE_EDGES = ("\u3041\u30ff\u3041\u30ff", "\u3400\u4dbf\u4e00\u9fff", "\uf900\ufad9\U00020000\U0003134a")


@pytest.mark.parametrize(
    "quote", ["abcdefgh", "seven let", "a1b2c3d4", "四个汉字", "ab三个字", "abcd两字", *CHINESE_EDGES]
)
def test_eight_letters_or_four_chinese_characters_are_enough(quote: str) -> None:
    assert quoted(quote, f"well, {quote} indeed") == quote


def test_a_quote_that_stands_twice_is_ambiguous() -> None:
    passage = "The gate is fast. The gate is fast. The end."
    assert reason("The gate is fast.", passage) is AMBIGUOUS
    assert reason("The  gate is fast.", passage) is AMBIGUOUS
    assert quoted("The gate is fast. The gate", passage) == "The gate is fast. The gate"


def test_places_that_overlap_count_as_two() -> None:
    assert reason("go on and go on and go on", "we go on and go on and go on and go on") is AMBIGUOUS
    assert reason("abababab", "ababababab") is AMBIGUOUS
    assert reason("aaaaaaaa", "aaaaaaaaa") is AMBIGUOUS
    assert reason("a a a a a a a a", "a\na\na\na\na\na\na\na\na") is AMBIGUOUS


def test_the_exact_place_wins_over_a_similar_one() -> None:
    passage = "it’s a fast gate, it's a fast gate"
    assert find("it's a fast gate", passage) == Evidence(quote="it's a fast gate", start=18, end=34)
    assert reason("it‘s a fast gate", passage) is AMBIGUOUS


def test_a_quote_with_its_punctuation_wins_over_one_without() -> None:
    passage = "The gate is  fast, they say. The gate is  fast."
    assert find("The gate is fast.", passage) == Evidence(quote="The gate is  fast.", start=29, end=47)


TWICE = "The gate is fast. The gate is fast."


@pytest.mark.parametrize("claimed", [(0, 17), (18, 35)])
def test_offsets_choose_among_places(claimed: tuple[int, int]) -> None:
    paper = f"{'x' * 100} {TWICE}"
    found = locate("The gate is fast.", paper, 101, 101 + len(TWICE), claimed=claimed)
    assert found == Evidence(quote="The gate is fast.", start=101 + claimed[0], end=101 + claimed[1])
    in_paper = (101 + claimed[0], 101 + claimed[1])
    assert locate("The gate is fast.", paper, 101, 101 + len(TWICE), claimed=in_paper) == found
    assert locate("The gate  is fast.", paper, 101, 101 + len(TWICE), claimed=in_paper) == found


@pytest.mark.parametrize(
    "claimed",
    [
        (0, 16),
        (0, 18),
        (1, 18),
        (1, 17),
        (-1, 16),
        (17, 35),
        (18, 36),
        (19, 36),
        (99, 116),
        (17, 0),
        (10**30, 10**30 + 17),
    ],
)
@pytest.mark.parametrize("quote", ["The gate is fast.", "The gate  is fast."])
def test_wrong_offsets_are_misplaced(quote: str, claimed: tuple[int, int]) -> None:
    assert reason(quote, TWICE, claimed=claimed) is MISPLACED
    assert reason(quote, "Now: The gate is fast. So it is.", claimed=claimed) is MISPLACED


def test_right_offsets_of_a_single_place_are_fine() -> None:
    assert quoted("The gate is fast.", "Now: The gate is fast. So", claimed=(5, 22)) == "The gate is fast."
    assert quoted("The gate  is fast.", "Now: The gate is fast. So", claimed=(5, 22)) == "The gate is fast."


def test_offsets_may_count_the_blanks_around_the_quote() -> None:
    passage = "Now: The gate is fast. The gate is fast. So"
    assert quoted("\u200bThe gate is fast.\u200b", passage, claimed=(22, 41)) == "The gate is fast."
    found = find(" The gate is fast. ", passage, claimed=(22, 41))
    assert found == Evidence(quote="The gate is fast.", start=23, end=40)
    assert reason(" The gate is fast. ", passage, claimed=(22, 40)) is MISPLACED
    assert reason(" The gate is fast. ", passage, claimed=(21, 40)) is MISPLACED


def test_offsets_of_a_place_that_cuts_a_word_do_not_help() -> None:
    assert reason("work is fast", "the network is fast", claimed=(7, 19)) is NOT_FOUND


def test_offsets_that_fit_two_places_are_ambiguous() -> None:
    gate = "The gate is fast. "
    paper = gate * 3
    assert locate(gate, paper, 18, 54, claimed=(18, 36)).reason is AMBIGUOUS  # type: ignore[union-attr]
    assert locate(gate, paper, 18, 54, claimed=(36, 54)) == Evidence(quote=gate.strip(), start=36, end=53)


@pytest.mark.parametrize("passage", ["x㎏ measured here", "the ﬁnal measurement"])
def test_a_match_never_begins_inside_an_expansion(passage: str) -> None:
    quote = {"x": "g measured here", "t": "inal measurement"}[passage[0]]
    assert reason(quote, passage) is NOT_FOUND


def test_a_match_never_ends_inside_an_expansion() -> None:
    assert reason("measured in k", "measured in ㎏") is NOT_FOUND
    assert reason("measured in k", "measured in ㎏, here") is NOT_FOUND
    assert quoted("measured in kg", "measured in ㎏, here") == "measured in ㎏"
    # A punctuation mark is no word: only the map of expansions can tell.
    assert reason("and so on and on.. then", "and so on and on… then") is NOT_FOUND
    assert reason("then it measures: .", "then it measures: …") is NOT_FOUND
    assert reason(". then it goes on", "and… then it goes on") is NOT_FOUND


def test_a_claim_inside_an_expansion_is_misplaced() -> None:
    assert reason(". then it goes on", "and… then it goes on", claimed=(3, 20)) is MISPLACED


def test_the_normal_form_is_made_once_for_several_quotes(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    original = grounding._normal_view

    def counted(text: str, start: int, end: int) -> object:
        made.append(text[start:end])
        return original(text, start, end)

    monkeypatch.setattr(grounding, "_normal_view", counted)
    passage = PassageText(ENGLISH, 0, len(ENGLISH))
    assert isinstance(passage.locate("The surface code corrects"), Evidence)
    assert made == []
    for _ in range(3):
        assert isinstance(passage.locate("The surface  code corrects"), Evidence)
    assert made.count(ENGLISH) == 1


def test_the_lists_of_white_space_and_marks_are_complete() -> None:
    spaces = {chr(code) for code in range(sys.maxunicode + 1) if chr(code).isspace()}
    assert spaces == set(grounding._WHITESPACE)
    assert not any(char.isalnum() or char.isspace() for char in grounding._INVISIBLE)


@pytest.mark.parametrize(
    "unit", ["a", "ﬁ", "e\u0301\u0323", "\u0301\u0323", " ", "\u00ad", '"', ".", "ab ", "字", "\u200b "]
)
def test_the_cost_is_linear(unit: str) -> None:
    passage = unit * (20_000 // len(unit))
    for quote in (passage[:10_000] + "  z end of it", "abcdefgh " + passage, "fi" + passage[:7_000] + " unknown"):
        assert isinstance(locate(quote, passage, 0, len(passage)), Ungrounded)


def test_a_long_run_of_marks_is_still_compared_right() -> None:
    marks = "\u0301" * 70
    passage = f"marked x{marks} letter here"
    assert quoted(f"marked  x{marks} letter", passage) == f"marked x{marks} letter"
    assert reason(f"marked  x{marks[:-1]} letter", passage) is NOT_FOUND


WORDS = st.one_of(
    st.sampled_from(["the", "gate", "Gate", "not", "1.5", "25", "-3", "−3", "x²", "“ok”", '"ok"', "a-b", ".5"]),
    st.sampled_from(["ﬁne", "fine", "café", "cafe\u0301", "…", "...", "net\u00adwork", "\\alpha", "ＡＢ", "AB"]),
    st.sampled_from(["码", "不收敛", "，"]),
)
BLANKS = st.sampled_from([" ", "\n", "  ", "\u00a0", " \u200b", "\u3000", "", "\u200b"])
TEXTS = st.lists(st.tuples(WORDS, BLANKS), min_size=1, max_size=25).map(lambda parts: "".join(a + b for a, b in parts))


@settings(max_examples=300, deadline=None)
@given(TEXTS, TEXTS, st.data())
def test_whatever_is_found_is_a_slice_of_the_passage(text: str, quote: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    low = data.draw(st.integers(start, end))
    wanted = data.draw(st.sampled_from([quote, text[low:end], text[start:end].replace(" ", "\n")]))
    claimed = data.draw(st.none() | st.just((low, end)) | st.tuples(st.integers(-5, 99), st.integers(-5, 99)))
    found = locate(wanted, text, start, end, claimed=claimed)
    assert found == locate(wanted, text, start, end, claimed=claimed)
    if isinstance(found, Evidence):
        assert start <= found.start < found.end <= end
        assert found.quote == text[found.start : found.end]
        assert [char for char in unicodedata.normalize("NFKC", found.quote) if char.isalnum()] == [
            char for char in unicodedata.normalize("NFKC", wanted) if char.isalnum()
        ]


PROSE = "the surface code does not correct 17 errors at 2.5 K with -3 dB loss while noise grows"
SENTENCES = st.lists(st.sampled_from(PROSE.split()), min_size=6, max_size=25)


@settings(max_examples=200, deadline=None)
@given(SENTENCES, st.data())
def test_a_quote_altered_by_one_word_digit_or_sign_is_never_accepted(words: list[str], data: st.DataObject) -> None:
    text = " ".join(words)
    at = data.draw(st.integers(0, len(words) - 1))
    altered = {
        "other word": [*words[:at], "entirely", *words[at + 1 :]],
        "word more": [*words[:at], "never", *words[at:]],
        "word less": [*words[:at], *words[at + 1 :]] if 0 < at < len(words) - 1 else ["gone", *words],
        "digit": [*words[:at], words[at] + "7", *words[at + 1 :]],
        "sign": [*words[:at], "-" + words[at], *words[at + 1 :]],
        "case": [*words[:at], words[at].upper() + "S", *words[at + 1 :]],
    }
    quote = " ".join(altered[data.draw(st.sampled_from(sorted(altered)))])
    found = locate(quote, text, 0, len(text))
    if quote not in text:
        assert isinstance(found, Ungrounded)
    assert isinstance(locate(text, text, 0, len(text)), Evidence)


@settings(max_examples=200, deadline=None)
@given(SENTENCES, st.data())
def test_white_space_and_form_never_matter_between_words(words: list[str], data: st.DataObject) -> None:
    text = "\n".join(words)
    quote = "".join(word + data.draw(st.sampled_from([" ", "\n", " \u00ad\n ", "\u3000"])) for word in words)
    found = locate(quote.replace("-", "−"), f"# Title\n\n{text}\n", 9, 9 + len(text))
    assert found == Evidence(quote=text, start=9, end=9 + len(text))


def test_ungrounded_is_a_value() -> None:
    assert Ungrounded(NOT_FOUND, "why") == Ungrounded(NOT_FOUND, "why")
