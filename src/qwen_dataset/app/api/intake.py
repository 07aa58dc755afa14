"""What is to be asked, put aside on the local disk: counted and hashed before anything is stored or spent."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from ...domain.identity import RunningId
from ...domain.papers import Paper
from ...domain.recipes.base import Draft, Recipe, RecipeOptions
from ...domain.recipes.prompts import Prompt, PromptsRecipe
from ..codec import decode, encode
from ..engine.planner import Work
from ..engine.scratch import Spool


@attrs.frozen(kw_only=True)
class _Put:
    """What was put aside together: a paper with its drafts, or one plain prompt."""

    paper: Paper | None
    drafts: tuple[Draft, ...]


class Intake:
    """Papers or prompts in order with what is to be asked of them, readable more than once; and the id of all.

    Drafts are made once, when something is added: to cut a paper and to count its tokens is most of the work.
    """

    def __init__(self) -> None:
        self.requests = 0
        self._corpus = RunningId()
        self._spool = Spool()

    def __enter__(self) -> Intake:
        return self

    def __exit__(self, *_: object) -> None:
        self._spool.__exit__()

    def add(self, work: Work, ident: str | bytes) -> Work:
        """Put aside what is planned together, and return it; ``ident`` says what it is made of."""
        put = _Put(paper=work.paper, drafts=tuple(work.drafts))
        self.requests += len(put.drafts)
        self._corpus.add(ident)
        self._spool.append(encode(put))
        return Work(put.paper, put.drafts)

    @property
    def corpus(self) -> str:
        return self._corpus.hexdigest()

    def work(self) -> Iterator[Work]:
        """Yield what is to be planned."""
        for line in self._spool:
            put = decode(_Put, line, where="a paper on the local disk")
            yield Work(put.paper, put.drafts)


def add_paper(intake: Intake, recipe: Recipe, options: RecipeOptions, paper: Paper) -> Work:
    """Put a paper aside, and return it with what is to be asked of it."""
    return intake.add(Work(paper, recipe.drafts(paper, options)), paper.id)


def add_prompt(intake: Intake, prompt: Prompt) -> Work:
    """Put a prompt aside, and return it."""
    return intake.add(Work(None, [PromptsRecipe().draft(prompt)]), encode(prompt))
