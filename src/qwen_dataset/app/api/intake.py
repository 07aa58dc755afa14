"""What is to be asked, put aside on the local disk: counted and hashed before anything is stored or spent."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

from ...domain.identity import RunningId
from ...domain.papers import Paper
from ...domain.recipes.base import Recipe, RecipeOptions
from ...domain.recipes.prompts import Prompt, PromptsRecipe
from ..codec import decode, encode
from ..engine.planner import Work
from ..engine.scratch import Spool


class Intake:
    """Papers or prompts in order, readable more than once, with the id of the whole sequence."""

    def __init__(self, work_of: Callable[[bytes], Work]) -> None:
        self._work_of = work_of
        self._corpus = RunningId()
        self._spool = Spool()

    def __enter__(self) -> Intake:
        return self

    def __exit__(self, *_: object) -> None:
        self._spool.__exit__()

    def add(self, line: bytes, ident: str) -> None:
        """Put one paper or prompt aside."""
        self._corpus.add(ident)
        self._spool.append(line)

    @property
    def corpus(self) -> str:
        return self._corpus.hexdigest()

    def work(self) -> Iterator[Work]:
        """Yield what is to be planned."""
        return (self._work_of(line) for line in self._spool)

    def exceeds(self, requests: int) -> bool:
        """Say whether this makes more requests than so many; looks no further than it must."""
        drafts = (draft for work in self.work() for draft in work.drafts)
        return next(itertools.islice(drafts, requests, None), None) is not None


def of_papers(recipe: Recipe, options: RecipeOptions) -> Intake:
    """Return an intake for papers, added by ``add_paper``."""

    def work_of(line: bytes) -> Work:
        paper = decode(Paper, line, where="a paper on the local disk")
        return Work(paper, recipe.drafts(paper, options))

    return Intake(work_of)


def add_paper(intake: Intake, paper: Paper) -> None:
    """Put a paper aside."""
    intake.add(encode(paper), paper.id)


def of_prompts() -> Intake:
    """Return an intake for plain prompts, added by ``add_prompt``."""
    recipe = PromptsRecipe()

    def work_of(line: bytes) -> Work:
        return Work(None, [recipe.draft(decode(Prompt, line, where="a prompt on the local disk"))])

    return Intake(work_of)


def add_prompt(intake: Intake, prompt: Prompt) -> None:
    """Put a prompt aside."""
    line = encode(prompt)
    intake.add(line, line.decode())
