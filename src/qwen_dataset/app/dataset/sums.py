"""The sums that must always hold, counted while the dataset is made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import attrs

from ...domain.inference import Failure, Outcome, Usage
from ...domain.samples import Answer, Entry, Reject, Sample
from ...errors import LedgerCorrupt


@attrs.frozen(kw_only=True)
class Sums:
    """requests = completions + failures + unanswered; candidates = samples + rejects.

    ``samples`` counts answers to plain prompts as well. ``usage`` adds up the tokens of the completions; ``reused``
    counts those that an earlier job paid for, ``possibly_paid`` the calls that got no reply.
    """

    requests: int
    completions: int
    failures: int
    unanswered: int
    candidates: int
    samples: int
    rejects: int
    reused: int
    possibly_paid: int
    usage: Usage
    failures_by_kind: Mapping[str, int]
    rejects_by_reason: Mapping[str, int]

    def __attrs_post_init__(self) -> None:
        if self.requests != self.completions + self.failures + self.unanswered:
            message = f"{self.requests} requests are not {self.completions} + {self.failures} + {self.unanswered}"
            raise LedgerCorrupt(message)
        if self.candidates != self.samples + self.rejects:
            message = f"{self.candidates} candidates are not {self.samples} + {self.rejects}"
            raise LedgerCorrupt(message)


class Tally:
    """Counts outcomes and entries, each on its own way, so that the sums can disagree if something was lost."""

    def __init__(self) -> None:
        self._requests = self._unanswered = self._completions = self._reused = 0
        self._candidates = self._samples = 0
        self._failures: Counter[str] = Counter()
        self._rejects: Counter[str] = Counter()
        self._tokens = [0, 0, 0]

    def request(self, outcome: Outcome | None, *, paid: bool) -> None:
        """Count a planned request and its final outcome."""
        self._requests += 1
        if outcome is None:
            self._unanswered += 1
        elif isinstance(outcome, Failure):
            self._failures[outcome.kind.value] += 1
        else:
            self._completions += 1
            self._reused += not paid
            usage, tokens = outcome.usage, self._tokens
            tokens[0] += usage.prompt_tokens
            tokens[1] += usage.completion_tokens
            tokens[2] += usage.reasoning_tokens

    @property
    def outcomes(self) -> int:
        """How many of the requests counted so far have an outcome."""
        return self._requests - self._unanswered

    def candidate(self) -> None:
        """Count what a recipe made of a completion, before it is judged further."""
        self._candidates += 1

    def entry(self, entry: Entry) -> None:
        """Count a finished entry."""
        match entry:
            case Sample():
                self._samples += 1
            case Answer():
                # The answer that carries a failure is the failure's line, not a candidate.
                self._samples += entry.error is None
            case Reject():
                self._rejects[entry.reason.value] += 1

    def sums(self, *, possibly_paid: int) -> Sums:
        """Return the sums. Raises LedgerCorrupt if they do not hold."""
        prompt, completion, reasoning = self._tokens
        return Sums(
            requests=self._requests,
            completions=self._completions,
            failures=self._failures.total(),
            unanswered=self._unanswered,
            candidates=self._candidates,
            samples=self._samples,
            rejects=self._rejects.total(),
            reused=self._reused,
            possibly_paid=possibly_paid,
            usage=Usage(prompt_tokens=prompt, completion_tokens=completion, reasoning_tokens=reasoning),
            failures_by_kind=dict(sorted(self._failures.items())),
            rejects_by_reason=dict(sorted(self._rejects.items())),
        )
