"""What comes out, as the lines that people load: samples, answers, rejects and failed requests."""

from __future__ import annotations

from typing import Any

import attrs

from ...domain.inference import Failure, Usage
from ...domain.samples import Answer, PaperRef, Reject, Sample


def sample_record(sample: Sample) -> dict[str, Any]:
    """Return a sample as the line of the dataset that people load: four columns, the rest under ``metadata``."""
    return {
        "instruction": sample.instruction,
        "input": sample.input,
        "output": sample.output,
        "metadata": {
            "sample_id": sample.sample_id,
            "paper": attrs.asdict(sample.paper),
            "section": " > ".join(sample.section),
            "passage": attrs.asdict(sample.passage),
            "evidence": [attrs.asdict(evidence) for evidence in sample.evidence],
            "kind": sample.kind,
            "language": sample.language,
            "model": sample.model,
            "backend": sample.backend,
            "recipe": sample.recipe,
            "prompt_version": sample.prompt_version,
            "request_id": sample.request_id,
            "usage": _usage_record(sample.usage),
        },
    }


def answer_record(answer: Answer) -> dict[str, Any]:
    """Return the answer to a plain prompt as its line: ``output`` and how it came, or ``error``."""
    ident = answer.label or str(answer.position)
    if answer.error is not None:
        error = {"kind": answer.error.kind.value, "message": answer.error.message, "retryable": answer.error.retryable}
        return {"id": ident, "request_id": answer.request_id, "error": error}
    return {
        "id": ident,
        "request_id": answer.request_id,
        "output": answer.output,
        "reasoning": answer.reasoning,
        "finish_reason": answer.finish_reason,
        "usage": _usage_record(answer.usage) if answer.usage else None,
    }


def _usage_record(usage: Usage) -> dict[str, int]:
    # By hand, as it is for each answer.
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
    }


def reject_record(reject: Reject) -> dict[str, Any]:
    """Return a reject as its line."""
    return {
        "is": "reject",
        "request_id": reject.request_id,
        "reason": reject.reason.value,
        "detail": reject.detail,
        "excerpt": reject.excerpt,
        "paid": reject.paid,
        "retryable": reject.retryable,
        "paper": attrs.asdict(reject.paper) if reject.paper else None,
        "section": " > ".join(reject.section),
    }


def failure_record(failure: Failure, paper: PaperRef | None, section: tuple[str, ...]) -> dict[str, Any]:
    """Return a failed request as its line, told apart from a reject by ``is``."""
    return {
        "is": "failure",
        "request_id": failure.request_id,
        "reason": failure.kind.value,
        "detail": failure.message,
        "retryable": failure.retryable,
        "paper": attrs.asdict(paper) if paper else None,
        "section": " > ".join(section),
    }
