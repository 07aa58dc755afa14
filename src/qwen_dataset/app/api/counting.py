"""What is to be asked, counted and not kept: running sums over any number of requests, in flat memory."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import lru_cache

import attrs

from ...domain.estimates import Size, Sizes
from ...domain.inference import Message, Parameters, Request
from ...domain.recipes.base import Draft, Planned
from ...ports.inference import Limits
from ..codec import encode
from ..engine.planner import Work
from ..wiring.tokens import Vocabulary, template_tokens

_GROUPS = 16  # beginnings that are told apart: a recipe has one system message a language
_KNOWN_BY = 256  # characters of the first message that say to which beginning a request belongs
_REPEATED = 16  # system messages whose tokens are remembered


@attrs.frozen(kw_only=True)
class Tokens:
    """The input as one vocabulary counts it; ``shared`` are the tokens that begin like an earlier request, in all."""

    sizes: tuple[Size, ...]
    shared: int


@attrs.frozen(kw_only=True)
class Counted:
    """What would be asked. ``passages`` are spans of papers; ``too_large`` requests fit in no line and are not sent.

    ``tokens`` has the sums of each vocabulary by its name; ``largest_shard`` is in requests, ``size`` in bytes.
    """

    papers: int
    passages: int
    requests: int
    too_large: int
    shards: int
    largest_shard: int
    size: int
    tokens: dict[str, Tokens]


class Counting:
    """Counts the requests of one job for the models of several vocabularies. ``bounds`` are where tiers end."""

    def __init__(
        self, vocabularies: Collection[Vocabulary], *, limits: Limits, bounds: Collection[int], model: str
    ) -> None:
        self._limits = limits
        self._model = model
        self._counters = {each.name: _Counter(each, Sizes(bounds)) for each in vocabularies}
        self._beginnings = _Beginnings()
        self._place: tuple[str | None, int, int] | None = None
        self._papers = self._passages = self._requests = self._too_large = 0
        self._shards = self._largest = self._size = 0
        self._open = (0, 0)  # requests and bytes of the last shard

    def add(self, work: Work, parameters: Parameters) -> int:
        """Count a paper with its requests, or plain prompts; return how many requests that were."""
        self._papers += work.paper is not None
        before = self._requests + self._too_large
        for draft in work.drafts:
            self._add(draft, parameters)
        return self._requests + self._too_large - before

    def counted(self) -> Counted:
        """Return the sums so far."""
        return Counted(
            papers=self._papers,
            passages=self._passages,
            requests=self._requests,
            too_large=self._too_large,
            shards=self._shards,
            largest_shard=self._largest,
            size=self._size,
            tokens={
                name: Tokens(sizes=counter.sizes.found(), shared=self._beginnings.shared(counter.count))
                for name, counter in self._counters.items()
            },
        )

    def _add(self, draft: Draft, parameters: Parameters) -> None:
        request = Request(messages=draft.messages, model=self._model, parameters=parameters)
        # As the engine measures it when it cuts shards.
        length = len(encode(Planned(position=self._requests, request=request, origin=draft.origin)))
        if length > self._limits.line_bytes:
            self._too_large += 1
            return
        self._requests += 1
        place = (draft.origin.paper_id, draft.origin.start, draft.origin.end)
        self._passages += place[0] is not None and place != self._place
        self._place = place
        self._assign(length)
        self._beginnings.add(draft.messages)
        for counter in self._counters.values():
            counter.sizes.add(template_tokens(draft.messages) + sum(map(counter.count, draft.messages)))

    def _assign(self, length: int) -> None:
        requests, size = self._open
        full = requests >= self._limits.requests or size + length > self._limits.submission_bytes
        if not requests or full:
            self._shards += 1
            requests = size = 0
        self._open = (requests + 1, size + length)
        self._largest = max(self._largest, requests + 1)
        self._size += length


class _Counter:
    def __init__(self, vocabulary: Vocabulary, sizes: Sizes) -> None:
        self.sizes = sizes
        self._count = vocabulary.count
        self._remembered = lru_cache(maxsize=_REPEATED)(vocabulary.count)

    def count(self, message: Message) -> int:
        # Every request of a recipe begins with the same system message.
        return self._remembered(message.content) if message.role == "system" else self._count(message.content)


@attrs.define
class _Beginning:
    common: tuple[Message, ...]
    requests: int = 1


class _Beginnings:
    """The text with which requests begin alike, for each of a few beginnings."""

    def __init__(self) -> None:
        self._found: dict[str, _Beginning] = {}

    def add(self, messages: Sequence[Message]) -> None:
        if not messages:
            return
        first = messages[0]
        # A recipe has a system message for each language; plain prompts may begin with anything.
        key = f"{first.role}\n{first.content[:_KNOWN_BY]}" if first.role == "system" else first.role
        found = self._found.get(key)
        if found is not None:
            found.common = _common(found.common, messages)
            found.requests += 1
        elif len(self._found) < _GROUPS:
            self._found[key] = _Beginning(tuple(messages))

    def shared(self, count: Callable[[Message], int]) -> int:
        """Return the tokens that begin like an earlier request, over all requests."""
        return sum((each.requests - 1) * sum(map(count, each.common)) for each in self._found.values())


def _common(one: Sequence[Message], other: Sequence[Message]) -> tuple[Message, ...]:
    """Return with what both begin: whole messages, and the beginning of the first that differs."""
    same: list[Message] = []
    for mine, others in zip(one, other, strict=False):
        if mine == others:
            same.append(mine)
            continue
        if mine.role == others.role:
            length = _common_length(mine.content, others.content)
            same.append(Message(mine.role, mine.content[:length]))
        break
    return tuple(same)


def _common_length(one: str, other: str) -> int:
    """Return how many characters two texts begin with alike: few comparisons of slices, none of characters."""
    if other.startswith(one):
        return len(one)
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
