"""What is to be asked, put aside on the local disk: counted and hashed before anything is stored or spent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

from ...domain.identity import RunningId
from ...domain.inference import Parameters
from ...domain.papers import Paper
from ...domain.recipes.base import Draft
from ...domain.recipes.prompts import Prompt, PromptsRecipe
from ..engine.planner import UnwrittenPlan, Work

_NOTED = 100


class Intake:
    """Papers or prompts in order with what is to be asked of them, and the id of all.

    Everything is made once, when it is added: to cut a paper and to count its tokens is most of the work. ``silent``
    holds the sources of the first hundred papers that gave no request.
    """

    def __init__(self, model: str, parameters: Parameters) -> None:
        self.silent: list[str] = []
        self.plan = UnwrittenPlan(model, parameters)
        self._corpus = RunningId()
        self._prompts = PromptsRecipe()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.plan.__exit__()

    def add_paper(self, paper: Paper, drafts: Iterable[Draft]) -> Work:
        """Put a paper aside, and return it with what is to be asked of it."""
        work = Work(paper, tuple(drafts))
        self._corpus.add(paper.id)
        self.plan.add_paper(paper)
        for draft in work.drafts:
            self.plan.add(draft)
        if not work.drafts and len(self.silent) < _NOTED:
            self.silent.append(paper.source)
        return work

    def add_prompt(self, prompt: Prompt) -> None:
        """Put a prompt aside."""
        ident = self.plan.add(self._prompts.draft(prompt))
        self._corpus.add(ident if prompt.label is None else f"{ident} {prompt.label}")

    @property
    def requests(self) -> int:
        return self.plan.requests

    @property
    def corpus(self) -> str:
        return self._corpus.hexdigest()
