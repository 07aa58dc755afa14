"""How long answers will be: as an earlier job of the same kind had them, else a default that says that it is one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from decimal import Decimal

import attrs

from ...domain.events import Event, Stored
from ...domain.inference import Completion, Parameters
from ...domain.jobs import JobSpec
from ...errors import JobNotFound, LedgerCorrupt
from ...ports.storage import Storage
from ..codec import StoredOutcome, decode
from ..engine.job import job_ids, read_spec
from ..engine.layout import Layout, fetch
from ..engine.ledger import Ledger

_DEFAULTS = {"instruct": 400}
"""Tokens of an answer by recipe: an instruction, an answer of some sentences and two quotes, as JSON. Not measured."""

_JOBS = 10  # earlier jobs that are looked at, the newest first
_ANSWERS = 1000  # answers that are measured


@attrs.frozen(kw_only=True)
class Prior:
    """How long an answer is expected to be, in tokens, thinking included; None where nobody knows.

    ``answers`` is how many were measured in ``job``; 0 where this is a default.
    """

    tokens: Decimal | None = None
    answers: int = 0
    job: str = ""


def default_prior(recipe: str, parameters: Parameters) -> Prior:
    """Return what is expected where nothing was measured: nothing of a model that thinks."""
    tokens = None if parameters.enable_thinking else _DEFAULTS.get(recipe)
    if tokens is None:
        return Prior()
    return Prior(tokens=Decimal(min(tokens, parameters.max_tokens or tokens)))


async def stored_specs(storage: Storage, *, realms: Collection[str]) -> dict[str, JobSpec]:
    """Return the specs of the jobs of these realms, by id; a damaged one is passed over."""
    specs = {}
    async for job_id in job_ids(storage):
        try:
            spec = await read_spec(storage, job_id)
        except (JobNotFound, LedgerCorrupt):
            continue
        if spec.realm in realms:
            specs[job_id] = spec
    return specs


async def measured_prior(
    storage: Storage,
    specs: Mapping[str, JobSpec],
    *,
    recipe: str,
    prompt_version: str,
    model: str,
    parameters: Parameters,
) -> Prior | None:
    """Return how long the answers of an earlier job are: same recipe, prompts, model, thinking and length allowed.

    The newest such job among ``specs`` that has answers counts, and of that the first thousand. None where there is
    none. Reads the storage, stores nothing; a damaged job is passed over.
    """

    def fits(spec: JobSpec) -> bool:
        asked = spec.parameters
        return (
            (spec.recipe, spec.prompt_version, spec.model) == (recipe, prompt_version, model)
            and asked.max_tokens == parameters.max_tokens
            and asked.enable_thinking == parameters.enable_thinking
            and asked.thinking_budget == parameters.thinking_budget
        )

    found: list[tuple[float, str, list[str]]] = []
    for job_id in (job_id for job_id, spec in specs.items() if fits(spec)):
        try:
            found.append(await _segments(storage, job_id))
        except LedgerCorrupt:
            continue
    for _, job_id, segments in sorted(found, reverse=True)[:_JOBS]:
        prior = await _measured(storage, job_id, segments)
        if prior is not None:
            return prior
    return None


async def _segments(storage: Storage, job_id: str) -> tuple[float, str, list[str]]:
    """Return when a job was last written to, its id, and its segments with paid answers."""
    segments: list[str] = []

    async def note(event: Event) -> None:
        # Copied answers are those of another job, which stands for itself.
        if isinstance(event, Stored) and event.completed and event.source is None:
            segments.append(event.segment)

    ledger = Ledger(storage, Layout(job_id), listener=note)
    await ledger.load()
    return ledger.last_at, job_id, segments


async def _measured(storage: Storage, job_id: str, segments: list[str]) -> Prior | None:
    answers = tokens = 0
    for key in segments:
        try:
            lines = (await fetch(storage, key)).splitlines(keepends=True)
            outcomes = [decode(StoredOutcome, line, where=key).outcome for line in lines]
        except LedgerCorrupt:
            return None
        for outcome in outcomes:
            if isinstance(outcome, Completion) and outcome.usage.completion_tokens > 0:
                answers += 1
                tokens += outcome.usage.completion_tokens
        if answers >= _ANSWERS:
            break
    return Prior(tokens=Decimal(tokens) / answers, answers=answers, job=job_id) if answers else None
