"""Outcomes to entries of the dataset: parsed and grounded by the recipe, exact duplicates turned away."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

import attrs

from ...domain.identity import wording_id
from ...domain.inference import Failure
from ...domain.jobs import JobState
from ...domain.recipes.base import Answered, Planned, Recipe
from ...domain.samples import Answer, Entry, PaperRef, Reject, RejectReason, Sample
from ...ports.storage import Storage
from ..engine.index import Index
from ..engine.job import Job
from ..engine.layout import Layout
from ..engine.scratch import ScratchDatabase
from .join import join
from .sums import Tally


@attrs.frozen(kw_only=True)
class FailedRequest:
    """A request that ended without an answer, and the paper it was about (None for a plain prompt)."""

    failure: Failure
    paper: PaperRef | None
    section: tuple[str, ...]


@attrs.frozen
class Unanswered:
    """A request that has no outcome yet."""

    planned: Planned


def curate_job(job: Job, recipe: Recipe, tally: Tally) -> AsyncGenerator[Entry | FailedRequest | Unanswered, None]:
    """Curate a job that this process has open, see ``curate``: with the prompt version that it was asked with."""
    return curate(
        job.storage,
        job.layout,
        job.index,
        state=job.state,
        recipe=recipe,
        prompt_version=job.spec.prompt_version,
        tally=tally,
    )


async def curate(
    storage: Storage,
    layout: Layout,
    index: Index,
    *,
    state: JobState,
    recipe: Recipe,
    prompt_version: str,
    tally: Tally,
) -> AsyncGenerator[Entry | FailedRequest | Unanswered, None]:
    """Yield the dataset in order of papers and positions: samples, answers, rejects, and failed requests.

    What is not answered yet stands at its place, so that who asked for it can be told.

    Nothing is spent and nothing is stored; what is counted goes into ``tally``. The same stored outcomes and the same
    recipe give the same entries, whenever and wherever this runs. Samples carry the ``prompt_version`` that was asked,
    which the recipe of today may no longer have.
    """
    with _Seen() as seen:
        # Closed here and now: it holds files of the local disk.
        async with aclosing(join(storage, layout, index, state)) as all_joined:
            async for joined in all_joined:
                planned, paper, stored = joined.planned, joined.paper, joined.stored
                if stored is None:
                    tally.request(None, paid=False)
                    yield Unanswered(planned)
                    continue
                outcome, paid = stored.outcome, stored.source is None
                tally.request(outcome, paid=paid)
                answered = Answered(planned=planned, paper=paper, outcome=outcome, backend=stored.backend, paid=paid)
                for entry in recipe.entries(answered):
                    judged: Entry = entry
                    # The answer that carries a failure is no candidate.
                    if not isinstance(entry, Answer) or entry.error is None:
                        tally.candidate()
                    if isinstance(entry, Sample):
                        judged = seen.judge(attrs.evolve(entry, prompt_version=prompt_version), paid=paid)
                    tally.entry(judged)
                    yield judged
                if isinstance(outcome, Failure):
                    yield FailedRequest(
                        failure=outcome,
                        paper=PaperRef.of(paper) if paper else None,
                        section=planned.origin.section,
                    )


class _Seen:
    """The samples met so far, as hashes on the local disk."""

    def __init__(self) -> None:
        self._db = ScratchDatabase("CREATE TABLE seen (id BLOB PRIMARY KEY, request TEXT NOT NULL) WITHOUT ROWID")

    def __enter__(self) -> _Seen:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.__exit__()

    def judge(self, sample: Sample, *, paid: bool) -> Sample | Reject:
        """Return the sample, or its reject when an earlier one says the same but for white space."""
        key = bytes.fromhex(wording_id(sample.instruction, sample.input, sample.output))
        added = self._db.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (key, sample.request_id)).rowcount
        if added:
            return sample
        (first,) = self._db.execute("SELECT request FROM seen WHERE id = ?", (key,)).fetchone()
        return Reject(
            request_id=sample.request_id,
            reason=RejectReason.DUPLICATE,
            detail=f"request {first} gave the same sample",
            excerpt=sample.instruction[:300],
            paid=paid,
            retryable=False,
            paper=sample.paper,
            section=sample.section,
        )
