"""The dataset to its file, its rejects to the job: in one pass, visible only when whole."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path

import attrs
import orjson

from ...domain.recipes.base import Recipe
from ...domain.samples import Answer, Reject, Sample
from ..engine.job import Job
from ..engine.scratch import Spool
from .curator import FailedRequest, curate_job
from .pieces import Pieces
from .records import answer_record, failure_record, reject_record, sample_record
from .sums import Sums, Tally
from .target import Existing, OutputFormat, opened


@attrs.frozen(kw_only=True)
class Export:
    """What an export made. ``kept``: lines that a merge left as they were; ``known``: samples that were among them."""

    sums: Sums
    kept: int = 0
    known: int = 0


async def export(
    job: Job,
    recipe: Recipe,
    output: Path | None,
    output_format: OutputFormat,
    *,
    existing: Existing,
    on_sample: Callable[[int], None],
) -> Export:
    """Make the dataset from what is stored and put it at ``output`` (None: only count); spends nothing.

    ``on_sample`` is told the number of samples so far. Raises OutputError when the file cannot be written; nothing
    that was answered is lost then.
    """
    tally = Tally()
    samples = 0
    with opened(output, output_format, existing) as target, Spool() as rejects:
        entries = curate_job(job, recipe, tally)
        async with aclosing(entries):
            async for entry in entries:
                match entry:
                    case Sample():
                        target.add(sample_record(entry))
                        samples += 1
                        on_sample(samples)
                    case Answer():
                        target.add(answer_record(entry))
                    case Reject():
                        rejects.append(orjson.dumps(reject_record(entry), option=orjson.OPT_APPEND_NEWLINE))
                    case FailedRequest():
                        record = failure_record(entry.failure, entry.paper, entry.section)
                        rejects.append(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE))
        sums = tally.sums(possibly_paid=job.state.possibly_paid)
        await target.finish()
        await job.storage.put(job.layout.rejects, Pieces(rejects))
        # A former owner that slept meanwhile must not put its older dataset over the new owner's.
        await job.lease.verify()
        await target.commit(job)
    return Export(sums=sums, kept=target.kept, known=target.known)
