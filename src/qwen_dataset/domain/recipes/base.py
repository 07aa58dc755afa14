"""What a recipe is: papers to drafts of requests, outcomes to entries of the dataset. Pure functions both ways."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import attrs

from ..inference import Message, Outcome, Request
from ..papers import Paper
from ..samples import Entry, Origin
from ..tokens import PASSAGE_TOKENS, CountTokens


@attrs.define(kw_only=True)
class Draft:
    """A request before it has a model and parameters: what is said, and where it came from.

    Not frozen: one is made of each request, and that takes twice as long.
    """

    messages: tuple[Message, ...]
    origin: Origin


@attrs.frozen(kw_only=True)
class Planned:
    """A request at its place in the plan; ``position`` counts from 0 over the job."""

    position: int
    request: Request
    origin: Origin

    @property
    def request_id(self) -> str:
        """The id of the request."""
        return self.request.id


@attrs.define(kw_only=True)
class Answered:
    """A planned request with its final outcome, and what the entry has to carry.

    ``paper`` is None for plain prompts. ``paid`` is False when the answer was copied from an earlier job. ``backend``
    is the name of the backend that answered. Not frozen, as a ``Draft`` is not.
    """

    planned: Planned
    paper: Paper | None
    outcome: Outcome
    backend: str
    paid: bool = True


@attrs.frozen(kw_only=True)
class RecipeOptions:
    """What a person may choose. ``language`` is auto, zh or en; ``max_samples`` bounds the samples of one paper.

    ``passage_tokens`` is about how long a passage is, at most twice that; ``passage_overlap`` how much of the passage
    before it may begin with; both in tokens.
    """

    max_samples: int = 4
    language: str = "auto"
    passage_tokens: int = PASSAGE_TOKENS
    passage_overlap: int = 0


class Recipe(Protocol):
    """One stage. ``prompt_version`` names the exact wording of the prompts; it changes whenever they do.

    A recipe that measures in tokens also has ``with_counter`` (see ``CountingRecipe``); one that does not is asked as
    it is.
    """

    @property
    def name(self) -> str: ...

    @property
    def prompt_version(self) -> str: ...

    def drafts(self, paper: Paper, options: RecipeOptions) -> Iterator[Draft]:
        """Yield the requests to make of one paper, in the order of their passages; depends on nothing else."""
        ...

    def entries(self, answered: Answered) -> Iterator[Entry]:
        """Yield what an outcome gives: samples and rejects, or one answer.

        A completion gives at least one entry (an answer without any candidate is one reject). A failure gives none,
        or an ``Answer`` that carries it.
        """
        ...


class CountingRecipe(Recipe, Protocol):
    """A recipe whose drafts depend on how many tokens a text has for the model that will be asked."""

    def with_counter(self, count: CountTokens) -> Recipe:
        """Return the same recipe, counting like this; asked once, before ``drafts``."""
        ...
