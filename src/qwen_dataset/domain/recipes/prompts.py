"""The ``prompts`` recipe: plain prompts in, raw answers out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Self

import attrs

from ...errors import SettingError
from ..inference import Failure, Message
from ..papers import Paper
from ..samples import Answer, Entry, Origin
from .base import Answered, Draft, RecipeOptions

_UNNAMED = Origin(kind="prompt")


@attrs.frozen
class Prompt:
    """A conversation to be answered once. ``label`` is a person's own id of it; it comes back with the answer."""

    messages: tuple[Message, ...]
    label: str | None = None

    def __attrs_post_init__(self) -> None:
        for message in self.messages:
            if message.role != "system" and message.content and not message.content.isspace():
                return
        name = "a prompt" if self.label is None else f"the prompt {self.label!r}"
        raise SettingError(f"{name} is empty: there is nothing to ask")

    @classmethod
    def of(cls, text: str, system: str | None = None, label: str | None = None) -> Self:
        """Make a prompt of what the user says and, optionally, a system message. Raises ``SettingError`` if empty."""
        before = () if system is None else (Message("system", system),)
        return cls((*before, Message("user", text)), label)


@attrs.frozen
class PromptsRecipe:
    """Sends prompts as they are and keeps the answers as they come; a failure stands in its answer's place."""

    @property
    def name(self) -> str:
        return "prompts"

    @property
    def prompt_version(self) -> str:
        return "prompts-1"

    def draft(self, prompt: Prompt) -> Draft:
        """Return the request to make of one prompt."""
        origin = _UNNAMED if prompt.label is None else Origin(kind="prompt", label=prompt.label)
        return Draft(messages=prompt.messages, origin=origin)

    def drafts(self, paper: Paper, options: RecipeOptions) -> Iterator[Draft]:  # noqa: ARG002
        """Raise ``SettingError``: this recipe is made of prompts, and yielding nothing would hide the mistake."""
        raise SettingError("the recipe 'prompts' takes prompts, not papers; use the recipe 'instruct' for papers")

    def entries(self, answered: Answered) -> Iterator[Entry]:
        """Return exactly one ``Answer``."""
        planned, outcome = answered.planned, answered.outcome
        position, label = planned.position, planned.origin.label
        if isinstance(outcome, Failure):
            answer = Answer(request_id=outcome.request_id, position=position, label=label, error=outcome)
        else:
            answer = Answer(
                request_id=outcome.request_id,
                position=position,
                label=label,
                output=outcome.text,
                reasoning=outcome.reasoning,
                finish_reason=outcome.finish_reason,
                usage=outcome.usage,
            )
        return iter((answer,))
