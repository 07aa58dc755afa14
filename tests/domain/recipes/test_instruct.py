"""From passages to requests, and from answers to samples whose every quote stands in its passage."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qwen_dataset.domain.inference import Completion, Failure, FailureKind, Request, Usage
from qwen_dataset.domain.papers import Block, BlockKind, Paper, Section
from qwen_dataset.domain.passages import choose, split
from qwen_dataset.domain.recipes.base import Answered, Draft, Planned, Recipe, RecipeOptions
from qwen_dataset.domain.recipes.instruct import InstructRecipe
from qwen_dataset.domain.recipes.instruct_prompts import KINDS, VERSION, WORDINGS, passage_of
from qwen_dataset.domain.samples import Entry, Evidence, PaperRef, Reject, RejectReason, Sample, Span
from qwen_dataset.errors import SettingError

RECIPE: Recipe = InstructRecipe()
USAGE = Usage(prompt_tokens=10, completion_tokens=20)


def paper_of(parts: list[tuple[str, str, BlockKind]], *, language: str = "en", title: str = "On Codes") -> Paper:
    """Make a paper with one section of one block for each (heading, text, kind)."""
    text, sections = "", []
    for heading, body, kind in parts:
        text += f"# {heading}\n\n"
        start = len(text)
        text += body + "\n\n"
        sections.append(
            Section(path=(heading,), start=start, end=len(text), blocks=(Block(start, start + len(body), kind),))
        )
    return Paper(
        title=title, text=text, source="codes.md", sections=tuple(sections), language=language, reader="test-1"
    )


FILLER = (
    "Every stabilizer is measured once in each round, and the outcomes are compared with those of the round before. "
)
ONE = "The surface code corrects errors below a threshold of 1.1 %. It does not need long-range gates. " + FILLER * 2
TWO = "The colour code has transversal gates. Its threshold is lower than that of the surface code. " + FILLER * 2
ZH_ONE = (
    "表面码在阈值1.1%以下可以纠正错误。它不需要长程门，因此便于在平面芯片上实现。"
    + "每一轮都要测量所有稳定子，并与上一轮的结果比较。" * 5
)
PAPER = paper_of([("Surface", ONE, BlockKind.PARAGRAPH), ("Colour", TWO, BlockKind.PARAGRAPH)])
ZH_PAPER = paper_of([("表面码", ZH_ONE, BlockKind.PARAGRAPH)], language="zh", title="论编码")
QUOTE = "It does not need long-range gates."


def drafts(paper: Paper, **options: Any) -> list[Draft]:
    return list(RECIPE.drafts(paper, RecipeOptions(**options)))


def answered(
    text: str, paper: Paper | None = PAPER, *, number: int = 0, finish: str = "stop", paid: bool = True
) -> Answered:
    draft = drafts(paper or PAPER)[number]
    request = Request(messages=draft.messages, model="qwen-plus")
    return Answered(
        planned=Planned(position=number, request=request, origin=draft.origin),
        paper=paper,
        outcome=Completion(request_id=request.id, text=text, finish_reason=finish, usage=USAGE, model="qwen-plus-2025"),
        backend="fake",
        paid=paid,
    )


def entries(text: str, paper: Paper = PAPER, **more: Any) -> list[Entry]:
    return list(RECIPE.entries(answered(text, paper, **more)))


def answer(**changes: Any) -> dict[str, Any]:
    """Return a good answer about the first passage, with some fields changed; ... takes a field away."""
    fields = {"instruction": "Which gates does it need?", "input": "", "output": "Short ones.", "evidence": [QUOTE]}
    return {key: value for key, value in (fields | changes).items() if value is not ...}


def only_reject(text: str, **more: Any) -> Reject:
    (entry,) = entries(text, **more)
    assert isinstance(entry, Reject), entry
    return entry


def only_sample(text: str, **more: Any) -> Sample:
    (entry,) = entries(text, **more)
    assert isinstance(entry, Sample), entry
    return entry


# Drafts


def test_the_recipe_has_a_name_and_a_version() -> None:
    assert (RECIPE.name, RECIPE.prompt_version) == ("instruct", VERSION)


def test_one_request_is_made_of_each_chosen_passage() -> None:
    passages = list(split(PAPER))
    assert len(passages) == 2
    made = drafts(PAPER)
    assert [(d.origin.section, d.origin.start, d.origin.end) for d in made] == [
        (p.section, p.start, p.end) for p in passages
    ]
    for draft in made:
        assert (draft.origin.paper_id, draft.origin.language, draft.origin.label) == (PAPER.id, "en", None)
        system, user = draft.messages
        assert (system.role, system.content, user.role) == ("system", WORDINGS["en"].system, "user")
        assert passage_of(user.content) == PAPER.text[draft.origin.start : draft.origin.end]
        assert WORDINGS["en"].kinds[draft.origin.kind] in user.content
        assert "On Codes" in user.content
        assert draft.origin.section[0] in user.content


LONG = paper_of([(f"Part {n}", f"Part {n} is about {n}. " + FILLER * 3, BlockKind.PARAGRAPH) for n in range(30)])


@pytest.mark.parametrize("count", [1, 3, 4, 30, 99])
def test_no_more_than_the_quota_is_asked_for(count: int) -> None:
    chosen = choose(list(split(LONG)), count)
    assert [d.origin.start for d in drafts(LONG, max_samples=count)] == [p.start for p in chosen]
    assert len(chosen) == min(count, 30)


@pytest.mark.parametrize(
    ("paper", "option", "language"),
    [
        (PAPER, "auto", "en"),
        (PAPER, "en", "en"),
        (PAPER, "zh", "zh"),
        (ZH_PAPER, "auto", "zh"),
        (ZH_PAPER, "zh", "zh"),
        (ZH_PAPER, "en", "en"),
    ],
)
def test_the_language_is_the_papers_unless_a_person_chose(paper: Paper, option: str, language: str) -> None:
    for draft in drafts(paper, language=option):
        assert draft.origin.language == language
        assert draft.messages[0].content == WORDINGS[language].system
        assert WORDINGS[language].closing in draft.messages[1].content
        assert passage_of(draft.messages[1].content) == paper.text[draft.origin.start : draft.origin.end]


def test_an_unknown_language_is_a_setting_error() -> None:
    with pytest.raises(SettingError, match="'fr' is not known; choose auto, zh or en"):
        drafts(PAPER, language="fr")


def test_drafts_depend_on_the_paper_alone() -> None:
    same = paper_of([("Surface", ONE, BlockKind.PARAGRAPH), ("Colour", TWO, BlockKind.PARAGRAPH)])
    assert drafts(same) == drafts(PAPER) == drafts(PAPER)


def test_a_paper_without_special_passages_mixes_the_other_kinds_evenly() -> None:
    plain = set(KINDS) - {"algorithm", "derivation", "implementation"}
    kinds = [draft.origin.kind for draft in drafts(LONG, max_samples=30)]
    assert {kind: kinds.count(kind) for kind in kinds} == dict.fromkeys(plain, 6)
    assert len(set(kinds[:5])) == 5


def test_papers_begin_with_different_kinds() -> None:
    first = {drafts(paper_of([(f"S{n}", ONE, BlockKind.PARAGRAPH)]))[0].origin.kind for n in range(60)}
    assert first == set(KINDS) - {"algorithm", "derivation", "implementation"}


def test_the_rotation_begins_at_a_place_of_the_papers_own() -> None:
    offset = int(LONG.id[:8], 16)
    plain = [
        k for k in (KINDS[(offset + i) % 8] for i in range(8)) if k not in {"algorithm", "derivation", "implementation"}
    ]
    assert drafts(LONG, max_samples=1)[0].origin.kind == plain[0]


@pytest.mark.parametrize(
    ("body", "kind", "expected"),
    [
        ("$$\nx = y\n$$\n" + FILLER * 3, BlockKind.FORMULA, {"derivation"}),
        ("```\nx = y\n```\n" + FILLER * 3, BlockKind.CODE, {"implementation", "algorithm"}),
        ("As Algorithm 1 shows, it ends. " + FILLER * 3, BlockKind.PARAGRAPH, {"algorithm"}),
        ("The PSEUDO-CODE is short. " + FILLER * 3, BlockKind.PARAGRAPH, {"algorithm"}),
        ("如算法 2 所示。" + FILLER * 3, BlockKind.PARAGRAPH, {"algorithm"}),
        ("下面给出伪代码。" + FILLER * 3, BlockKind.PARAGRAPH, {"algorithm"}),
        ("| a table |\n" + FILLER * 3, BlockKind.TABLE, set(KINDS) - {"algorithm", "derivation", "implementation"}),
    ],
)
def test_a_passage_gets_a_kind_that_fits_it(body: str, kind: BlockKind, expected: set[str]) -> None:
    seen = {drafts(paper_of([(f"S{n}", body, kind)]))[0].origin.kind for n in range(40)}
    assert seen == expected


def test_only_blocks_inside_the_passage_count() -> None:
    parts = [
        ("A", ONE, BlockKind.PARAGRAPH),
        ("B", "$$x = y$$" + FILLER * 3, BlockKind.FORMULA),
        ("C", TWO, BlockKind.PARAGRAPH),
    ]
    kinds = [draft.origin.kind for draft in drafts(paper_of(parts))]
    assert kinds[1] == "derivation"
    assert "derivation" not in (kinds[0], kinds[2])


def test_a_paper_full_of_formulas_still_mixes_kinds() -> None:
    paper = paper_of([(f"S{n}", f"$$x_{n} = y$$ " + FILLER * 3, BlockKind.FORMULA) for n in range(12)])
    kinds = [draft.origin.kind for draft in drafts(paper, max_samples=12)]
    assert kinds[0] == "derivation"
    assert all(kinds.count(kind) == 2 for kind in set(kinds))
    assert len(set(kinds)) == 6


# Entries


def test_a_good_answer_becomes_a_sample_with_all_that_leads_back() -> None:
    given_ = answered(json.dumps(answer(instruction=" Which gates? ", output="\nShort ones.\n", input="x")))
    (sample,) = RECIPE.entries(given_)
    origin, request = given_.planned.origin, given_.planned.request
    at = PAPER.text.index(QUOTE)
    assert sample == Sample(
        instruction="Which gates?",
        input="x",
        output="Short ones.",
        paper=PaperRef(id=PAPER.id, title="On Codes", source="codes.md"),
        section=("Surface",),
        passage=Span(origin.start, origin.end),
        evidence=(Evidence(quote=QUOTE, start=at, end=at + len(QUOTE)),),
        kind=origin.kind,
        language="en",
        model="qwen-plus",
        backend="fake",
        recipe="instruct",
        prompt_version=VERSION,
        request_id=request.id,
        usage=USAGE,
    )


def test_a_chinese_answer_in_a_fence_becomes_a_sample() -> None:
    text = '好的：\n```json\n{"instruction": "表面码需要长程门吗？", "input": null,\n'
    text += '"output": "不需要，"长程门"可以省去。",\n'
    text += '"evidence": ["它不需要长程门,因此便于在平面芯片上实现"],}\n```'
    sample = only_sample(text, paper=ZH_PAPER)
    assert sample.output == '不需要，"长程门"可以省去。'
    assert [evidence.quote for evidence in sample.evidence] == ["它不需要长程门，因此便于在平面芯片上实现"]
    assert (sample.language, sample.input) == ("zh", "")


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (..., ""),
        (None, ""),
        ("", ""),
        (" \n", ""),
        ("x = 1", "x = 1"),
        ("\n    x = 1\n    y = 2\r\n", "    x = 1\n    y = 2"),
    ],
)
def test_the_input_is_optional_and_keeps_its_indentation(value: Any, kept: str) -> None:
    assert only_sample(json.dumps(answer(input=value))).input == kept


@pytest.mark.parametrize(
    "evidence",
    [
        QUOTE,
        [QUOTE],
        {"quote": QUOTE},
        [{"quote": QUOTE}],
        [{"quote": QUOTE, "start": None, "end": None}],
        [{"quote": QUOTE, "start": ONE.index(QUOTE), "end": ONE.index(QUOTE) + len(QUOTE)}],
        [{"quote": QUOTE, "start": PAPER.text.index(QUOTE), "end": PAPER.text.index(QUOTE) + len(QUOTE)}],
        [QUOTE, QUOTE],
        [QUOTE, f"“{QUOTE}”", {"quote": QUOTE.replace(" ", "\n")}],
    ],
)
def test_evidence_may_come_in_several_shapes_and_one_span_stands_once(evidence: Any) -> None:
    at = PAPER.text.index(QUOTE)
    sample = only_sample(json.dumps(answer(evidence=evidence)))
    assert sample.evidence == (Evidence(quote=QUOTE, start=at, end=at + len(QUOTE)),)


def test_evidence_stands_in_the_order_of_the_paper() -> None:
    quotes = [QUOTE, "The surface code corrects errors", "The surface code corrects errors below a threshold of 1.1 %."]
    sample = only_sample(json.dumps(answer(evidence=quotes)))
    assert [evidence.quote for evidence in sample.evidence] == [quotes[1], quotes[2], quotes[0]]


@pytest.mark.parametrize(
    ("changes", "reason", "detail"),
    [
        ({"instruction": ...}, RejectReason.MISSING_FIELD, "'instruction' is missing"),
        ({"instruction": None}, RejectReason.MISSING_FIELD, "'instruction' is missing"),
        ({"instruction": " \n"}, RejectReason.MISSING_FIELD, "'instruction' is empty"),
        ({"instruction": 5}, RejectReason.WRONG_TYPE, "'instruction' is not a string but int"),
        ({"output": ...}, RejectReason.MISSING_FIELD, "'output' is missing"),
        ({"output": ""}, RejectReason.MISSING_FIELD, "'output' is empty"),
        ({"output": ["a"]}, RejectReason.WRONG_TYPE, "'output' is not a string but list"),
        ({"input": {"a": 1}}, RejectReason.WRONG_TYPE, "'input' is not a string but dict"),
        ({"input": 0}, RejectReason.WRONG_TYPE, "'input' is not a string but int"),
        ({"evidence": ...}, RejectReason.EVIDENCE_MISSING, "quotes nothing"),
        ({"evidence": None}, RejectReason.EVIDENCE_MISSING, "quotes nothing"),
        ({"evidence": []}, RejectReason.EVIDENCE_MISSING, "quotes nothing"),
        ({"evidence": ""}, RejectReason.EVIDENCE_MISSING, "quotes nothing"),
        ({"evidence": 7}, RejectReason.WRONG_TYPE, "'evidence' is not a list of quotes but int"),
        ({"evidence": [7]}, RejectReason.WRONG_TYPE, "'evidence' is not a list of quotes but int"),
        ({"evidence": [QUOTE, None]}, RejectReason.WRONG_TYPE, "'evidence' is not a list of quotes but NoneType"),
        ({"evidence": [{"text": QUOTE}]}, RejectReason.WRONG_TYPE, "'evidence' is not a list of quotes but dict"),
        ({"evidence": [{"quote": QUOTE, "start": 1}]}, RejectReason.WRONG_TYPE, "two whole numbers"),
        ({"evidence": [{"quote": QUOTE, "end": 1}]}, RejectReason.WRONG_TYPE, "two whole numbers"),
        ({"evidence": [{"quote": QUOTE, "start": "1", "end": "5"}]}, RejectReason.WRONG_TYPE, "two whole numbers"),
        ({"evidence": [{"quote": QUOTE, "start": True, "end": 5}]}, RejectReason.WRONG_TYPE, "two whole numbers"),
        ({"evidence": [{"quote": QUOTE, "start": 1, "end": 5.5}]}, RejectReason.WRONG_TYPE, "two whole numbers"),
    ],
)
def test_a_malformed_candidate_is_a_reject_that_says_what_is_wrong(
    changes: dict[str, Any], reason: RejectReason, detail: str
) -> None:
    text = json.dumps(answer(**changes))
    reject = only_reject(text)
    assert reject.reason is reason
    assert detail in reject.detail
    assert reject.excerpt == text
    assert reject.retryable


OTHER = "Its threshold is lower than that of the surface code."


@pytest.mark.parametrize(
    ("quote", "claimed", "reason"),
    [
        ("It needs very long-range gates indeed.", None, RejectReason.EVIDENCE_NOT_FOUND),
        ("It does need long-range gates.", None, RejectReason.EVIDENCE_NOT_FOUND),
        ("corrects errors below a threshold of 1.2 %", None, RejectReason.EVIDENCE_NOT_FOUND),
        (OTHER, None, RejectReason.EVIDENCE_NOT_FOUND),
        ("gates", None, RejectReason.EVIDENCE_NOT_FOUND),
        (FILLER.strip(), None, RejectReason.EVIDENCE_AMBIGUOUS),
        (QUOTE, (0, len(QUOTE)), RejectReason.EVIDENCE_MISPLACED),
    ],
)
def test_one_lying_quote_refuses_the_whole_candidate(
    quote: str, claimed: tuple[int, int] | None, reason: RejectReason
) -> None:
    item: Any = quote if claimed is None else {"quote": quote, "start": claimed[0], "end": claimed[1]}
    reject = only_reject(json.dumps(answer(evidence=["The surface code corrects errors", item])))
    assert (reject.reason, reject.excerpt, reject.retryable) == (reason, quote, True)
    assert reject.paper == PaperRef(id=PAPER.id, title="On Codes", source="codes.md")
    assert reject.section == ("Surface",)


def test_a_quote_of_another_passage_is_right_only_there() -> None:
    assert only_reject(json.dumps(answer(evidence=[OTHER]))).reason is RejectReason.EVIDENCE_NOT_FOUND
    assert only_sample(json.dumps(answer(evidence=[OTHER])), number=1).section == ("Colour",)


@pytest.mark.parametrize(
    ("text", "finish", "reason"),
    [
        ("", "stop", RejectReason.EMPTY_ANSWER),
        ("Sorry, I cannot.", "stop", RejectReason.NO_JSON),
        ('{"instruction": "a", oops}', "stop", RejectReason.BROKEN_JSON),
        (json.dumps(answer())[:60], "stop", RejectReason.TRUNCATED),
        ("", "length", RejectReason.TRUNCATED),
    ],
)
def test_an_answer_without_a_candidate_is_one_reject(text: str, finish: str, reason: RejectReason) -> None:
    reject = only_reject(text, finish=finish)
    assert (reject.reason, reject.retryable, reject.excerpt) == (reason, True, text)
    assert reject.request_id == answered(text).planned.request.id
    assert reject.detail


@pytest.mark.parametrize("paid", [True, False])
def test_a_reject_says_whether_it_was_paid_for(paid: bool) -> None:
    assert only_reject("nothing", paid=paid).paid is paid


@pytest.mark.parametrize(("length", "kept"), [(299, 299), (300, 300), (301, 300)])
def test_an_excerpt_is_short(length: int, kept: int) -> None:
    assert only_reject("x" * length).excerpt == "x" * kept
    assert only_reject(json.dumps(answer(evidence=["y" * length]))).excerpt == "y" * kept


def test_the_first_good_candidate_is_the_sample_and_further_ones_are_surplus() -> None:
    items = [answer(evidence=[OTHER]), answer(), answer(output="Other."), answer(output="")]
    first, sample, surplus, empty = entries(json.dumps({"samples": items}))
    assert isinstance(first, Reject)
    assert first.reason is RejectReason.EVIDENCE_NOT_FOUND
    assert isinstance(sample, Sample)
    assert sample.output == "Short ones."
    assert isinstance(surplus, Reject)
    assert (surplus.reason, surplus.retryable) == (RejectReason.SURPLUS, False)
    assert isinstance(empty, Reject)
    assert empty.reason is RejectReason.MISSING_FIELD


def test_naming_the_passage_in_the_output_is_no_reason_to_refuse() -> None:
    assert only_sample(json.dumps(answer(output="According to the passage, none.")))


def test_a_failure_gives_no_entry() -> None:
    done = answered("")
    failure = Failure(request_id="r", kind=FailureKind.EXPIRED, message="late", retryable=True)
    assert list(RECIPE.entries(Answered(planned=done.planned, paper=PAPER, outcome=failure, backend="fake"))) == []


def test_an_answer_without_its_paper_is_a_programming_error() -> None:
    with pytest.raises(ValueError, match="paper"):
        list(RECIPE.entries(answered("{}", None)))


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=60) | st.sampled_from([QUOTE, OTHER, FILLER, ONE]), st.integers(0, 60), st.sampled_from([0, 1]))
def test_no_sample_carries_a_quote_that_does_not_stand_in_its_own_passage(text: str, cut: int, number: int) -> None:
    done = answered(json.dumps(answer(evidence=[text[cut:], {"quote": text}])), number=number)
    found = list(RECIPE.entries(done))
    assert len(found) == 1
    assert found == list(RECIPE.entries(done))
    for entry in found:
        if isinstance(entry, Sample):
            assert entry.evidence
            for evidence in entry.evidence:
                assert PAPER.text[evidence.start : evidence.end] == evidence.quote
                assert entry.passage.start <= evidence.start < evidence.end <= entry.passage.end
