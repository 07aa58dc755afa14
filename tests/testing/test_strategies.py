"""What the strategies draw is valid, and varied enough to be worth drawing."""

from __future__ import annotations

import importlib
import sys
import unicodedata
from itertools import pairwise

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from qwen_dataset.adapters.storage.keys import split_key
from qwen_dataset.domain.inference import Completion, Failure, FailureKind, Message, Parameters, Request
from qwen_dataset.domain.papers import BlockKind, Paper
from qwen_dataset.domain.passages import Passage, is_back_matter, split
from qwen_dataset.domain.recipes.prompts import Prompt
from qwen_dataset.testing import strategies

SOME = settings(max_examples=60)
# One is enough and need not be small; how soon it comes depends on which modules hypothesis has seen.
FINDING = settings(max_examples=5000, phases=[Phase.generate])


@SOME
@given(
    st.sampled_from([None, "en", "zh"]).flatmap(lambda wanted: st.tuples(st.just(wanted), strategies.papers(wanted)))
)
def test_a_paper_is_as_a_reader_makes_it(drawn: tuple[str | None, Paper]) -> None:
    wanted, paper = drawn
    assert wanted in (None, paper.language)
    assert paper.title
    assert not paper.warnings
    for one, other in pairwise(paper.sections):
        assert one.end <= other.start
    for section in paper.sections:
        for block in section.blocks:
            assert section.start <= block.start < block.end <= section.end
            content = paper.text[block.start : block.end]
            assert content == content.strip()
    assert list(split(paper))


@SOME
@given(strategies.passages(strategies.papers("en")))
def test_a_passage_lies_in_a_section_of_its_paper(drawn: tuple[Paper, Passage]) -> None:
    paper, passage = drawn
    assert paper.language == "en"
    assert passage in list(split(paper))
    assert any(s.path == passage.section and s.start <= passage.start < passage.end <= s.end for s in paper.sections)


def _kinds(paper: Paper) -> set[BlockKind]:
    return {block.kind for section in paper.sections for block in section.blocks}


@pytest.mark.parametrize(
    "worth_having",
    [
        lambda paper: _kinds(paper) >= {BlockKind.FORMULA, BlockKind.TABLE, BlockKind.CODE},
        lambda paper: any(char >= "\U00010000" for char in paper.text),
        lambda paper: any(is_back_matter(section.title) for section in paper.sections),
        lambda paper: any(len(section.path) > 1 for section in paper.sections),
        lambda paper: paper.sections[0].path == (),
        lambda paper: len(paper.authors) > 1,
        lambda paper: len(list(split(paper))) > 1,
        lambda paper: "$" in paper.title,
    ],
)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_papers_differ_in_what_matters(language: str, worth_having) -> None:
    assert find(strategies.papers(language), worth_having, settings=FINDING)


def test_there_are_no_papers_in_other_languages() -> None:
    with pytest.raises(ValueError, match="papers in en and zh, not in 'fr'"):
        strategies.papers("fr")


@given(strategies.conversations())
def test_a_conversation_ends_with_a_question(conversation: tuple[Message, ...]) -> None:
    roles = [message.role for message in conversation]
    assert roles[-1] == "user"
    assert conversation[-1].content.strip()
    turns = roles[1:] if roles[0] == "system" else roles
    assert all(role == ("user", "assistant")[number % 2] for number, role in enumerate(turns))


@given(strategies.messages("system"), strategies.messages())
def test_a_message_has_the_role_that_was_asked_for(named: Message, other: Message) -> None:
    assert named.role == "system"
    assert other.role in ("system", "user", "assistant")


@given(strategies.parameters())
def test_parameters_are_within_the_service_s_ranges(chosen: Parameters) -> None:
    assert chosen.temperature is None or 0 <= chosen.temperature < 2
    assert chosen.top_p is None or 0 < chosen.top_p <= 1
    assert chosen.thinking_budget is None or chosen.enable_thinking


@given(st.data())
def test_an_outcome_belongs_to_its_request(data: st.DataObject) -> None:
    request = data.draw(strategies.requests())
    outcome = data.draw(strategies.outcomes(request))
    assert outcome.request_id == request.id
    if isinstance(outcome, Completion):
        assert outcome.usage.reasoning_tokens <= outcome.usage.completion_tokens
        assert outcome.reasoning is None or request.parameters.enable_thinking
        assert outcome.model in (None, request.model)
    else:
        assert outcome.message
        assert not (outcome.kind is FailureKind.INVALID_REQUEST and outcome.retryable)


@given(strategies.completions(), strategies.failures())
def test_outcomes_need_no_request(completion: Completion, failure: Failure) -> None:
    assert len(completion.request_id) == len(failure.request_id) == 32


@given(st.lists(strategies.requests(), unique_by=lambda request: request.id, max_size=4))
def test_requests_of_one_submission_can_be_drawn(requests: list[Request]) -> None:
    assert len({request.id for request in requests}) == len(requests)


@given(strategies.prompts())
def test_a_prompt_can_be_asked(prompt: Prompt) -> None:
    assert prompt.label != ""


@given(strategies.storage_keys())
def test_a_key_is_one_that_every_storage_takes(key: str) -> None:
    assert "/".join(split_key(key)) == key


@given(strategies.texts(min_size=1, max_size=5))
def test_a_text_can_be_stored(text: str) -> None:
    assert 1 <= len(text) <= 5
    assert text.encode().decode() == text
    assert not any(unicodedata.category(char) == "Cs" for char in text)


def test_without_hypothesis_the_line_to_install_it_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    monkeypatch.delitem(sys.modules, strategies.__name__)
    with pytest.raises(ImportError, match=r'needs Hypothesis: pip install "qwen-dataset\[testing\]"') as caught:
        importlib.import_module(strategies.__name__)
    assert caught.value.__suppress_context__
