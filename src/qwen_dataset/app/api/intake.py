"""What is to be asked, put aside on the local disk: counted and hashed before anything is stored or spent."""

from __future__ import annotations

from collections.abc import Iterator

from ...domain.identity import RunningId
from ...domain.inference import Parameters
from ...domain.papers import Paper
from ...domain.recipes.base import Recipe, RecipeOptions
from ...domain.recipes.prompts import Prompt, PromptsRecipe
from ..codec import encode
from ..engine.planner import Numbering, PlannedLine, Work, planned_lines
from ..engine.scratch import Spool

_NOTED = 100
_ID = 32  # characters


class Intake:
    """Papers or prompts in order with what is to be asked of them, as a plan holds it; and the id of all.

    Everything is made once, when it is added: to cut a paper and to count its tokens is most of the work. ``silent``
    holds the sources of the first hundred papers that gave no request.
    """

    def __init__(self, model: str, parameters: Parameters) -> None:
        self.silent: list[str] = []
        self._corpus = RunningId()
        self._spool = Spool()
        self._numbering = Numbering(model, parameters)

    def __enter__(self) -> Intake:
        return self

    def __exit__(self, *_: object) -> None:
        self.discard()

    def discard(self) -> None:
        """Give back the disk and memory of what was put aside, once it is planned; only the figures stay."""
        self._spool.__exit__()
        self._numbering.__exit__()

    def add(self, work: Work, ident: str | bytes) -> Work:
        """Put aside what is planned together, and return it; ``ident`` says what it is made of."""
        put, before = Work(work.paper, tuple(work.drafts)), self.requests
        self._corpus.add(ident)
        for each in planned_lines(put, self._numbering):
            self._spool.append((each.request_id or "").encode("ascii").ljust(_ID) + each.line)
        if put.paper is not None and self.requests == before and len(self.silent) < _NOTED:
            self.silent.append(put.paper.source)
        return put

    @property
    def requests(self) -> int:
        return self._numbering.count

    @property
    def corpus(self) -> str:
        return self._corpus.hexdigest()

    def lines(self) -> Iterator[PlannedLine]:
        """Yield what is to be planned."""
        for each in self._spool:
            yield PlannedLine(each[_ID:], each[:_ID].decode("ascii").strip() or None)


def add_paper(intake: Intake, recipe: Recipe, options: RecipeOptions, paper: Paper) -> Work:
    """Put a paper aside, and return it with what is to be asked of it."""
    return intake.add(Work(paper, recipe.drafts(paper, options)), paper.id)


def add_prompt(intake: Intake, prompt: Prompt) -> Work:
    """Put a prompt aside, and return it."""
    return intake.add(Work(None, [PromptsRecipe().draft(prompt)]), encode(prompt))
