"""What a request may cost at most, before it is sent, and what an answer did cost.

The most is an upper bound, never an estimate: a token of a byte-level vocabulary is at least one byte, so a text has at
most as many tokens as it has UTF-8 bytes; the answer has at most the tokens that the request allows.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import attrs

from .inference import Completion, Outcome, Parameters, Request
from .pricing import Price

_PER_MESSAGE = 16
"""Tokens that a chat template adds to a message at most; ChatML adds five."""
_PER_REQUEST = 64
"""Tokens that a chat template adds to a request at most: an opening for the answer, a system message of its own."""

# What passes through and changes neither how much is read nor how much is written.
_HARMLESS = frozenset(
    {
        *("top_k", "min_p", "stop", "presence_penalty", "frequency_penalty", "repetition_penalty", "logprobs"),
        *("top_logprobs", "user", "result_format", "parallel_tool_calls"),
    }
)
_COUNTED = frozenset({"n", "tools", "tool_choice"})


@attrs.frozen(kw_only=True)
class OutputBound:
    """How many tokens a model writes at most, None where that is not known.

    ``answer`` is bounded by a request's own ``max_tokens`` where that is set; ``thinking`` counts apart, and is 0 for a
    request that does not think.
    """

    answer: int | None = None
    thinking: int | None = None


@attrs.frozen(kw_only=True)
class Meter:
    """Reckons the requests of one job at one price. ``output`` is the most tokens of one answer, thinking included."""

    price: Price
    output: int
    answers: int
    thinks: bool

    def most(self, request: Request) -> Decimal | None:
        """Return the most that a call can cost; None where no price is known for a request that may be so large."""
        return self.price.ceiling(
            prompt_tokens=most_input(request), completion_tokens=self.output * self.answers, thinking=self.thinks
        )

    def cost(self, outcome: Outcome) -> Decimal | None:
        """Return what an outcome cost by the usage that came with it; None where no usage was read."""
        if not isinstance(outcome, Completion) or not outcome.usage.prompt_tokens:
            return None
        usage = outcome.usage
        if not usage.completion_tokens and (outcome.text or outcome.reasoning):
            return None
        # A model may think although nobody asked it to.
        thinking = self.thinks or usage.reasoning_tokens > 0
        return self.price.cost(
            prompt_tokens=usage.prompt_tokens, completion_tokens=usage.completion_tokens, thinking=thinking
        )


def meter(price: Price, parameters: Parameters, bound: OutputBound, *, thinks: bool) -> Meter | str:
    """Return the meter of a job's calls, or the sentence that says why nobody can bound what they cost.

    ``thinks``: whether the model thinks with these parameters.
    """
    if unbounded := sorted(set(parameters.extra_body) - _HARMLESS - _COUNTED):
        return f"nobody can say what the parameter {unbounded[0]!r} of extra_body may cost at most; leave it out"
    answer = parameters.max_tokens if parameters.max_tokens is not None else bound.answer
    if answer is None:
        return "it is not known how much the model writes at most; set max_tokens"
    thinking: int | None = 0
    if thinks:
        thinking = parameters.thinking_budget if parameters.thinking_budget is not None else bound.thinking
    if thinking is None:
        return "it is not known how much the model thinks at most; set thinking_budget"
    answers = parameters.extra_body.get("n", 1)
    if not isinstance(answers, int) or isinstance(answers, bool) or answers < 1:
        return f"the parameter 'n' of extra_body is {answers!r}; it must be a whole number of at least 1"
    return Meter(price=price, output=answer + thinking, answers=answers, thinks=thinks)


def most_input(request: Request) -> int:
    """Return the most tokens that a service can count as a request's input."""
    said = sum(_size(message.content) + _PER_MESSAGE for message in request.messages)
    beside = [request.parameters.response_format, request.parameters.extra_body.get("tools")]
    return said + _PER_REQUEST + sum(_bytes(each) for each in beside if each)


def _size(text: str) -> int:
    """Return the most bytes that a tokenizer can look at: some normalise the text first, which may lengthen it."""
    size = len(text.encode("utf-8", "surrogatepass"))
    if text.isascii():
        return size
    return max(size, len(unicodedata.normalize("NFC", text).encode("utf-8", "surrogatepass")))


def _bytes(value: Mapping[str, Any] | list[Any]) -> int:
    # A service may write a schema into the prompt, spread over lines.
    return 2 * len(json.dumps(value, indent=2).encode())
