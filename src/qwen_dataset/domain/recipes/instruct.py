"""The ``instruct`` recipe: from each chosen passage one instruction, its answer, and the quotes that prove it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs

from ...errors import SettingError
from ..grounding import PassageText, Ungrounded
from ..inference import Completion, Message
from ..papers import BlockKind, Paper
from ..passages import Passage, choose, split
from ..samples import Entry, Evidence, Origin, PaperRef, Reject, RejectReason, Sample, Span
from ..tokens import CountTokens, approximate_tokens
from .answers import Unparsed, parse_answer
from .base import Answered, Draft, RecipeOptions
from .instruct_prompts import KINDS, VERSION, WORDINGS, user_prompt

_EXCERPT_CHARS = 300
_SPECIAL_KINDS = frozenset({"algorithm", "derivation", "implementation"})
_ALGORITHM = re.compile(r"\balgorithm\s*\d|\bpseudo-?code\b|算法\s*\d|伪代码", re.IGNORECASE)


class _Refused(Exception):
    """A candidate is no sample; ``quote`` is the one that failed, "" where it was something else."""

    def __init__(self, reason: RejectReason, detail: str, quote: str = "") -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.quote = quote


@attrs.frozen(kw_only=True)
class _Candidate:
    instruction: str
    input: str
    output: str
    evidence: tuple[Evidence, ...]


@attrs.frozen
class InstructRecipe:
    """Asks for one sample a passage, and lets only those through whose every quote stands in that passage.

    ``count`` measures the passages; whoever knows the model that will be asked gives its own count.
    """

    count: CountTokens = approximate_tokens

    def with_counter(self, count: CountTokens) -> InstructRecipe:
        """Return the recipe with passages that are measured like this."""
        return attrs.evolve(self, count=count)

    @property
    def name(self) -> str:
        return "instruct"

    @property
    def prompt_version(self) -> str:
        return VERSION

    def drafts(self, paper: Paper, options: RecipeOptions) -> Iterator[Draft]:
        """Yield one request a chosen passage. Raises ``SettingError`` for an unknown language."""
        language = _language(paper, options)
        found = split(
            paper, count=self.count, target_tokens=options.passage_tokens, overlap_tokens=options.passage_overlap
        )
        passages = choose(list(found), options.max_samples)
        for passage, kind in zip(passages, _kinds(paper, passages), strict=True):
            prompt = user_prompt(
                language=language,
                kind=kind,
                title=paper.title,
                section=passage.section,
                passage=paper.text[passage.start : passage.end],
            )
            origin = Origin(
                paper_id=paper.id,
                section=passage.section,
                start=passage.start,
                end=passage.end,
                kind=kind,
                language=language,
            )
            yield Draft(messages=(Message("system", WORDINGS[language].system), Message("user", prompt)), origin=origin)

    def entries(self, answered: Answered) -> Iterator[Entry]:
        """Yield the first candidate that stands as a sample, every other one as a reject; nothing for a failure.

        Raises ``ValueError`` if ``answered`` lacks the paper: evidence cannot be located without it.
        """
        completion = answered.outcome
        if not isinstance(completion, Completion):
            return
        paper = answered.paper
        if paper is None:
            raise ValueError("the paper of an instruct request is needed to locate its evidence")
        found = parse_answer(completion.text, truncated=completion.finish_reason == "length")
        if isinstance(found, Unparsed):
            yield _reject(answered, paper, completion, _Refused(found.reason, found.detail))
            return
        origin = answered.planned.origin
        passage = PassageText(paper.text, origin.start, origin.end)
        given = False
        for item in found:
            try:
                candidate = _candidate(item, passage)
                if given:
                    raise _Refused(RejectReason.SURPLUS, "the answer had given the one sample asked for already")
            except _Refused as refused:
                yield _reject(answered, paper, completion, refused)
            else:
                given = True
                yield self._sample(answered, paper, completion, candidate)

    def _sample(self, answered: Answered, paper: Paper, completion: Completion, candidate: _Candidate) -> Sample:
        origin, request = answered.planned.origin, answered.planned.request
        return Sample(
            instruction=candidate.instruction,
            input=candidate.input,
            output=candidate.output,
            paper=PaperRef.of(paper),
            section=origin.section,
            passage=Span(origin.start, origin.end),
            evidence=candidate.evidence,
            kind=origin.kind,
            language=origin.language,
            model=request.model,
            backend=answered.backend,
            recipe=self.name,
            prompt_version=self.prompt_version,
            request_id=request.id,
            usage=completion.usage,
        )


def _language(paper: Paper, options: RecipeOptions) -> str:
    if options.language == "auto":
        return "zh" if paper.language == "zh" else "en"
    if options.language not in WORDINGS:
        raise SettingError(f"the language {options.language!r} is not known; choose auto, zh or en")
    return options.language


def _kinds(paper: Paper, passages: Sequence[Passage]) -> Iterator[str]:
    """Yield a kind for each passage: the least used so far that fits, the rarely fitting before the others.

    The order in which equals are taken starts at a place of its own in each paper, so that a corpus covers all kinds
    even where one sample is made of each paper.
    """
    offset = int(paper.id[:8], 16)
    used = dict.fromkeys(KINDS, 0)
    for number, passage in enumerate(passages):
        special = _special_kinds(paper, passage)
        order = [KINDS[(offset + number + step) % len(KINDS)] for step in range(len(KINDS))]
        fitting = [kind for kind in order if kind in special or kind not in _SPECIAL_KINDS]
        kind = min(fitting, key=lambda kind: (used[kind], kind not in special))
        used[kind] += 1
        yield kind


def _special_kinds(paper: Paper, passage: Passage) -> set[str]:
    """Return the kinds for which a passage needs something that is cheap to see, and this one has."""
    present = {
        block.kind
        for section in paper.sections
        for block in section.blocks
        if block.start < passage.end and block.end > passage.start
    }
    special: set[str] = set()
    if BlockKind.FORMULA in present:
        special.add("derivation")
    if BlockKind.CODE in present:
        special |= {"implementation", "algorithm"}
    if _ALGORITHM.search(paper.text, passage.start, passage.end):
        special.add("algorithm")
    return special


def _candidate(item: Mapping[str, Any], passage: PassageText) -> _Candidate:
    """Check one object of an answer. Raises ``_Refused``."""
    instruction, output = _text(item, "instruction"), _text(item, "output")
    extra = item.get("input")
    if not isinstance(extra, str | None):
        raise _wrong_type("input", "a string", extra)
    evidence: dict[tuple[int, int], Evidence] = {}
    for quote, claimed in _quotes(item.get("evidence")):
        found = passage.locate(quote, claimed)
        if isinstance(found, Ungrounded):
            raise _Refused(found.reason, found.detail, quote)
        evidence[found.start, found.end] = found
    return _Candidate(
        instruction=instruction,
        # Code keeps the indentation of its first line.
        input=extra.strip("\r\n") if extra and extra.strip() else "",
        output=output,
        evidence=tuple(evidence[place] for place in sorted(evidence)),
    )


def _text(item: Mapping[str, Any], field: str) -> str:
    value = item.get(field)
    if value is None:
        raise _Refused(RejectReason.MISSING_FIELD, f"{field!r} is missing")
    if not isinstance(value, str):
        raise _wrong_type(field, "a string", value)
    if not value.strip():
        raise _Refused(RejectReason.MISSING_FIELD, f"{field!r} is empty")
    return value.strip()


def _quotes(evidence: object) -> Iterator[tuple[str, tuple[int, int] | None]]:
    """Yield the quotes with the offsets that came with them, if any. Raises ``_Refused``."""
    if evidence is None or evidence in ("", []):
        raise _Refused(RejectReason.EVIDENCE_MISSING, "the answer quotes nothing")
    for item in evidence if isinstance(evidence, list) else [evidence]:
        quote = item.get("quote") if isinstance(item, Mapping) else item
        if not isinstance(quote, str):
            raise _wrong_type("evidence", "a list of quotes", item)
        yield quote, _claimed(item) if isinstance(item, Mapping) else None


def _claimed(item: Mapping[str, Any]) -> tuple[int, int] | None:
    start, end = item.get("start"), item.get("end")
    if start is None and end is None:
        return None
    if type(start) is not int or type(end) is not int:  # True is an int to isinstance
        raise _wrong_type("evidence", "offsets that are two whole numbers", item)
    return start, end


def _wrong_type(field: str, wanted: str, value: object) -> _Refused:
    return _Refused(RejectReason.WRONG_TYPE, f"{field!r} is not {wanted} but {type(value).__name__}")


def _reject(answered: Answered, paper: Paper, completion: Completion, refused: _Refused) -> Reject:
    return Reject(
        request_id=answered.planned.request_id,
        reason=refused.reason,
        detail=refused.detail,
        excerpt=(refused.quote or completion.text)[:_EXCERPT_CHARS],
        paid=answered.paid,
        # Every other reason is a matter of what the model happened to write.
        retryable=refused.reason is not RejectReason.SURPLUS,
        paper=PaperRef.of(paper),
        section=answered.planned.origin.section,
    )
