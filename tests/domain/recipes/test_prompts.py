"""Plain prompts in, raw answers out: one answer a prompt, whatever happened."""

from __future__ import annotations

import pytest

from qwen_dataset.domain.inference import Completion, Failure, FailureKind, Message, Request, Usage
from qwen_dataset.domain.papers import Paper
from qwen_dataset.domain.recipes.base import Answered, Planned, Recipe, RecipeOptions
from qwen_dataset.domain.recipes.prompts import Prompt, PromptsRecipe
from qwen_dataset.domain.samples import Answer, Origin
from qwen_dataset.errors import SettingError

RECIPE: Recipe = PromptsRecipe()


def planned(prompt: Prompt, position: int = 3) -> Planned:
    draft = PromptsRecipe().draft(prompt)
    return Planned(position=position, request=Request(messages=draft.messages, model="m"), origin=draft.origin)


def test_the_recipe_has_a_name_and_a_version() -> None:
    assert (RECIPE.name, RECIPE.prompt_version) == ("prompts", "prompts-1")


def test_a_prompt_is_sent_as_it_is() -> None:
    draft = PromptsRecipe().draft(Prompt.of(" What is a qubit?\n", label="q1"))
    assert draft.messages == (Message("user", " What is a qubit?\n"),)
    assert draft.origin == Origin(kind="prompt", label="q1")


def test_a_system_message_stands_before_the_prompt() -> None:
    prompt = Prompt.of("What?", system="Be brief.")
    assert prompt == Prompt((Message("system", "Be brief."), Message("user", "What?")), None)


@pytest.mark.parametrize("text", ["", " \n"])
def test_an_empty_prompt_is_refused_and_named(text: str) -> None:
    with pytest.raises(SettingError, match="the prompt 'q7' is empty"):
        Prompt.of(text, label="q7")
    with pytest.raises(SettingError, match=r"^a prompt is empty"):
        Prompt.of(text, system="Be brief.")
    with pytest.raises(SettingError, match=r"^a prompt is empty"):
        Prompt(())


def test_papers_are_no_prompts() -> None:
    paper = Paper(title="T", text="x", source="s", sections=(), language="en", reader="r")
    with pytest.raises(SettingError, match="takes prompts, not papers"):
        RECIPE.drafts(paper, RecipeOptions())


def test_a_completion_is_one_answer_with_all_it_brought() -> None:
    asked = planned(Prompt.of("What?", label="q1"))
    usage = Usage(prompt_tokens=1, completion_tokens=2, reasoning_tokens=1)
    outcome = Completion(
        request_id=asked.request.id, text=" {raw ", finish_reason="length", usage=usage, reasoning="hm", model="m-1"
    )
    assert list(RECIPE.entries(Answered(planned=asked, paper=None, outcome=outcome, backend="fake"))) == [
        Answer(
            request_id=asked.request.id,
            position=3,
            label="q1",
            output=" {raw ",
            reasoning="hm",
            finish_reason="length",
            usage=usage,
        )
    ]


def test_a_failure_stands_in_its_answers_place() -> None:
    asked = planned(Prompt.of("What?"), position=0)
    failure = Failure(request_id=asked.request.id, kind=FailureKind.TIMEOUT, message="late", retryable=True)
    assert list(RECIPE.entries(Answered(planned=asked, paper=None, outcome=failure, backend="fake"))) == [
        Answer(request_id=asked.request.id, position=0, label=None, error=failure)
    ]
