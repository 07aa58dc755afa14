"""Hypothesis strategies for the values that flow through the library. Public API.

    @given(papers("zh"))
    def test_my_filter_keeps_every_formula(paper): ...

What is drawn is valid: a paper comes out of the Markdown reader, a passage out of ``split``, an outcome belongs to its
request. Texts hold every character that UTF-8 can (control characters and those beyond the basic plane included), but
no lone surrogates, which neither a file nor a wire could carry.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, ParamSpec, TypeVar, cast

import attrs

try:
    from hypothesis import strategies as st
except ImportError:
    message = 'qwen_dataset.testing.strategies needs Hypothesis: pip install "qwen-dataset[testing]"'
    raise ImportError(message) from None

from ..adapters.readers.markdown import read_markdown
from ..adapters.storage.keys import segment_problem
from ..domain.inference import Completion, Failure, FailureKind, Message, Outcome, Parameters, Request, Usage
from ..domain.papers import Paper
from ..domain.passages import Passage, split
from ..domain.recipes.prompts import Prompt
from ._markdown import LANGUAGES, documents

_P = ParamSpec("_P")
_T = TypeVar("_T")

_FINAL = frozenset({FailureKind.CONTENT_FILTER, FailureKind.INVALID_REQUEST, FailureKind.TOO_LARGE})
_DEEPEST = 4
_TOKENS = st.integers(0, 2**31)
_MODELS = st.sampled_from(["qwen-plus", "qwen3-max", "qwen3.5-flash", "my/fine-tuned 模型"])
_SOURCES = st.sampled_from(["surface-codes", "2024/arXiv.2401.00001v2", "论文/量子 纠错", "𠮷田"])
_IDS = st.integers(0, 2**128 - 1).map("{:032x}".format)


def _kept(make: Callable[_P, _T]) -> Callable[_P, _T]:
    """Build a strategy once: that takes longer than to draw from it, and a test with ``st.data()`` asks each time."""
    return cast("Callable[_P, _T]", cache(make))


@_kept
def texts(*, min_size: int = 0, max_size: int = 60) -> st.SearchStrategy[str]:
    """Any text that can be stored and sent; sizes count code points."""
    return st.text(st.characters(codec="utf-8"), min_size=min_size, max_size=max_size)


@_kept
def papers(language: str | None = None) -> st.SearchStrategy[Paper]:
    """Papers as the Markdown reader makes them: nested sections, prose, lists, formulas, tables, code, back matter.

    ``language`` is ``zh`` or ``en``, or None for both. Every paper has at least one passage. Raises ValueError for
    another language.
    """
    if language not in (None, *LANGUAGES):
        message = f"there are papers in {' and '.join(LANGUAGES)}, not in {language!r}"
        raise ValueError(message)
    text = st.sampled_from(LANGUAGES).flatmap(documents) if language is None else documents(language)
    return st.builds(lambda text, name: read_markdown(text.encode(), source=f"{name}.md"), text, _SOURCES)


def passages(of: st.SearchStrategy[Paper] | None = None) -> st.SearchStrategy[tuple[Paper, Passage]]:
    """Papers (of the strategy ``of``, default ``papers()``), each with one of its passages as ``split`` makes them."""
    drawn = papers() if of is None else of
    return drawn.flatmap(lambda paper: st.tuples(st.just(paper), st.sampled_from(tuple(split(paper)))))


@_kept
def messages(role: str | None = None) -> st.SearchStrategy[Message]:
    """Messages of any content, the empty one included; of every role unless one is named."""
    roles = st.sampled_from(["system", "user", "assistant"]) if role is None else st.just(role)
    return st.builds(Message, roles, texts())


@_kept
def conversations() -> st.SearchStrategy[tuple[Message, ...]]:
    """Messages that a model can answer: perhaps a system message, turns, and a question that is not blank."""
    system = st.lists(messages("system"), max_size=1)
    turns = st.lists(st.tuples(messages("user"), messages("assistant")), max_size=2)
    question = texts(min_size=1).filter(str.strip).map(lambda text: Message("user", text))
    return st.builds(
        lambda system, turns, last: (*system, *(message for turn in turns for message in turn), last),
        system,
        turns,
        question,
    )


@_kept
def parameters() -> st.SearchStrategy[Parameters]:
    """Parameters within the ranges that the service takes; a thinking budget only with thinking."""
    return _parameters(thinking=False) | _parameters(thinking=True)


@_kept
def requests() -> st.SearchStrategy[Request]:
    """Requests. For a submission draw ``st.lists(requests(), unique_by=lambda request: request.id)``."""
    return st.builds(Request, messages=conversations(), model=_MODELS, parameters=parameters(), index=st.integers(0, 3))


def completions(request: Request | None = None) -> st.SearchStrategy[Completion]:
    """Answers to a request (None: to one that nobody has seen), the cut off and the empty ones included.

    There is reasoning only where the request may think.
    """
    if request is None:
        return _completions(thinking=True)

    def answer(drawn: Completion) -> Completion:
        model = None if drawn.model is None else request.model
        return attrs.evolve(drawn, request_id=request.id, model=model)

    return _completions(thinking=request.parameters.enable_thinking).map(answer)


def failures(request: Request | None = None) -> st.SearchStrategy[Failure]:
    """Failures of a request (None: of one that nobody has seen), of every kind, retryable where the kind may be."""
    if request is None:
        return _failures()
    return _failures().map(lambda drawn: attrs.evolve(drawn, request_id=request.id))


def outcomes(request: Request | None = None) -> st.SearchStrategy[Outcome]:
    """Outcomes of a request: completions and failures."""
    return completions(request) | failures(request)


@_kept
def prompts() -> st.SearchStrategy[Prompt]:
    """Prompts for ``run_prompts``, with and without a label."""
    return st.builds(Prompt, conversations(), st.none() | texts(min_size=1))


@_kept
def storage_keys() -> st.SearchStrategy[str]:
    """Keys that every storage takes, among them those whose order is easily got wrong (``a.b``, ``a/b``, ``a0``).

    Draw a set of them with care: where ``a/b`` is an object, ``a`` cannot be one on a disk.
    """
    awkward = st.sampled_from(["a", "a.b", "a-", "a0", "ab", "é", "e\u0301", "论文", "000000000007.json", "x" * 255])
    anything = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"], exclude_characters="/\\"), max_size=20)
    segments = awkward | anything.filter(lambda segment: segment_problem(segment) is None)
    return st.lists(segments, min_size=1, max_size=_DEEPEST).map("/".join)


def _parameters(*, thinking: bool) -> st.SearchStrategy[Parameters]:
    return st.builds(
        Parameters,
        temperature=st.none() | st.floats(0, 2, exclude_max=True),
        top_p=st.none() | st.floats(0, 1, exclude_min=True),
        max_tokens=st.none() | st.integers(1, 1_000_000),
        seed=st.none() | st.integers(0, 2**31 - 1),
        enable_thinking=st.just(thinking),
        thinking_budget=st.none() | st.integers(1, 100_000) if thinking else st.none(),
        response_format=st.none() | st.sampled_from([{"type": "text"}, {"type": "json_object"}]),
        extra_body=st.dictionaries(texts(max_size=10), _json(), max_size=2),
    )


def _json() -> st.SearchStrategy[Any]:
    """Values that come back from JSON as they were."""
    numbers = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
    plain = st.none() | st.booleans() | numbers | texts(max_size=10)
    return st.recursive(
        plain,
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts(max_size=5), inner, max_size=2),
        max_leaves=4,
    )


@_kept
def _completions(*, thinking: bool) -> st.SearchStrategy[Completion]:
    def complete(reasoning: st.SearchStrategy[str | None], tokens: st.SearchStrategy[int]) -> st.SearchStrategy[Any]:
        return st.builds(
            Completion,
            request_id=_IDS,
            text=texts(),
            finish_reason=st.sampled_from(["stop", "length"]),
            usage=st.builds(_usage, _TOKENS, tokens, _TOKENS),
            reasoning=reasoning,
            model=st.none() | _MODELS,
        )

    plain = complete(st.none(), st.just(0))
    return plain | complete(texts(), _TOKENS) if thinking else plain


@_kept
def _failures() -> st.SearchStrategy[Failure]:
    kinds = st.sampled_from(FailureKind)
    drawn = st.builds(Failure, request_id=_IDS, kind=kinds, message=texts(min_size=1), retryable=st.booleans())
    return drawn.map(lambda failure: attrs.evolve(failure, retryable=failure.retryable and failure.kind not in _FINAL))


def _usage(asked: int, thought: int, said: int) -> Usage:
    return Usage(prompt_tokens=asked, completion_tokens=thought + said, reasoning_tokens=thought)
