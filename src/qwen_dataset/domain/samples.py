"""What comes out: Sample with its Evidence, Answer to a plain prompt, Reject with its reason."""

from __future__ import annotations

from enum import StrEnum

import attrs

from .identity import content_id
from .inference import Failure, Usage
from .papers import Paper


@attrs.frozen
class Span:
    """``paper.text[start:end]`` in code points."""

    start: int
    end: int


@attrs.frozen(kw_only=True)
class Evidence:
    """A quote and the exact place where it stands: ``paper.text[start:end] == quote``."""

    quote: str
    start: int
    end: int


@attrs.frozen(kw_only=True)
class PaperRef:
    """Enough of a paper to find it again."""

    id: str
    title: str
    source: str

    @classmethod
    def of(cls, paper: Paper) -> PaperRef:
        """Return the reference to a paper."""
        return cls(id=paper.id, title=paper.title, source=paper.source)


@attrs.frozen(kw_only=True)
class Origin:
    """Where a request came from: a passage of a paper, or a prompt of a person (then ``paper_id`` is None).

    ``section`` is the path of titles; ``start`` and ``end`` are the passage's span in the paper's text; ``kind`` and
    ``language`` are what was asked for. ``label`` is a person's own id of a prompt.
    """

    paper_id: str | None = None
    section: tuple[str, ...] = ()
    start: int = 0
    end: int = 0
    kind: str = ""
    language: str = ""
    label: str | None = None


@attrs.frozen(kw_only=True)
class Sample:
    """One line of the dataset, with all that leads back to its sentence."""

    instruction: str
    input: str
    output: str
    paper: PaperRef
    section: tuple[str, ...]
    passage: Span
    evidence: tuple[Evidence, ...]
    kind: str
    language: str
    model: str
    backend: str
    recipe: str
    prompt_version: str
    request_id: str
    usage: Usage

    @property
    def sample_id(self) -> str:
        return content_id([self.request_id, self.instruction, self.input, self.output])


@attrs.frozen(kw_only=True)
class Answer:
    """The raw answer to a plain prompt, or the failure in its place; one a prompt, in input order."""

    request_id: str
    position: int
    label: str | None
    output: str | None = None
    reasoning: str | None = None
    finish_reason: str | None = None
    usage: Usage | None = None
    error: Failure | None = None


class RejectReason(StrEnum):
    """Why a candidate did not become a sample."""

    EMPTY_ANSWER = "empty_answer"
    NO_JSON = "no_json"  # prose where a JSON object was asked for
    BROKEN_JSON = "broken_json"
    TRUNCATED = "truncated"  # the model ran into max_tokens
    MISSING_FIELD = "missing_field"
    WRONG_TYPE = "wrong_type"
    EVIDENCE_MISSING = "evidence_missing"  # no quote at all
    EVIDENCE_NOT_FOUND = "evidence_not_found"  # the quote stands nowhere in its passage
    EVIDENCE_AMBIGUOUS = "evidence_ambiguous"  # it stands more than once, so its span is not known
    EVIDENCE_MISPLACED = "evidence_misplaced"  # the offsets given are not where it stands
    DUPLICATE = "duplicate"  # an earlier sample says the same
    SURPLUS = "surplus"  # the answer had given its sample already


@attrs.frozen(kw_only=True)
class Reject:
    """A candidate that did not become a sample. ``paid``: this job paid for the answer it stood in.

    ``retryable``: asking again may give a usable answer (a matter of chance, not of the passage).
    """

    request_id: str
    reason: RejectReason
    detail: str
    excerpt: str
    paid: bool
    retryable: bool
    paper: PaperRef | None = None
    section: tuple[str, ...] = ()


Entry = Sample | Answer | Reject
