"""The dataset to its file, its rejects to the job: in one pass, visible only when whole."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

import attrs
import orjson

from ...domain.events import Exporting
from ...domain.recipes.base import Recipe
from ...domain.samples import Answer, Reject, Sample
from ...errors import OutputError, SettingError
from ..codec import answer_record, failure_record, reject_record, sample_record
from ..engine.job import Job
from ..engine.scratch import Spool
from .curator import FailedRequest, curate
from .sums import Sums, Tally

_PIECE_BYTES = 1_000_000
_EMPTY = hashlib.sha256().hexdigest()


class Writer(Protocol):
    """Writes records to a file that nobody sees before ``commit``. Adapters provide it; errors are OutputError."""

    @property
    def digest(self) -> str:
        """SHA-256 of what was written so far, in hex."""
        ...

    def write(self, record: Mapping[str, Any]) -> None: ...

    def commit(self) -> None: ...


OpenWriter = Callable[[Path], AbstractContextManager[Writer]]


@attrs.frozen(kw_only=True)
class OutputFormat:
    """A kind of dataset file, provided by an adapter.

    ``check`` raises SettingError for a path that cannot be written; ``digest`` returns the SHA-256 of an existing file,
    None without one. ``recognise`` says whether a file looks like a dataset of this kind.
    """

    open: OpenWriter
    check: Callable[[Path], None]
    digest: Callable[[Path], str | None]
    recognise: Callable[[Path], bool]


def check_output(job: Job, output: Path, output_format: OutputFormat, *, force: bool) -> None:
    """Refuse to replace what this job did not write. Raises SettingError, before anything is spent."""
    if not force and not _is_ours(job, output, output_format):
        message = (
            f"{output} exists and was not written by job {job.id} (or was changed since); choose another --output,"
            " or pass --force to replace it"
        )
        raise SettingError(message)


def _is_ours(job: Job, output: Path, output_format: OutputFormat) -> bool:
    digest = output_format.digest(output)
    return digest is None or digest == _EMPTY or digest in job.state.exported


async def export(
    job: Job,
    recipe: Recipe,
    output: Path,
    output_format: OutputFormat,
    *,
    force: bool,
    on_sample: Callable[[int], None],
) -> Sums:
    """Make the dataset from what is stored and put it at ``output``; spends nothing.

    ``on_sample`` is told the number of samples so far. Raises OutputError when the file cannot be written; nothing
    that was answered is lost then.
    """
    tally = Tally()
    samples = 0
    with output_format.open(output) as writer, Spool() as rejects:
        entries = curate(job.storage, job.layout, job.index, state=job.state, recipe=recipe, tally=tally)
        async for entry in entries:
            match entry:
                case Sample():
                    writer.write(sample_record(entry))
                    samples += 1
                    on_sample(samples)
                case Answer():
                    writer.write(answer_record(entry))
                case Reject():
                    rejects.append(orjson.dumps(reject_record(entry), option=orjson.OPT_APPEND_NEWLINE))
                case FailedRequest():
                    record = failure_record(entry.failure, entry.paper, entry.section)
                    rejects.append(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE))
        sums = tally.sums(possibly_paid=job.state.possibly_paid)
        await job.storage.put(job.layout.rejects, _Pieces(rejects))
        # A former owner that slept meanwhile must not put its older dataset over the new owner's.
        await job.lease.verify()
        if not force and not _is_ours(job, output, output_format):
            # It came while the job ran: somebody else's work all the same.
            message = f"{output} was written by something else while job {job.id} ran; choose another --output"
            raise OutputError(message)
        # The intent first: a run that dies after the commit must still know the file as its own.
        await job.ledger.append(Exporting(output=str(output), digest=writer.digest))
        writer.commit()
    return sums


@attrs.frozen
class _Pieces:
    """A spool as pieces of bounded size, readable more than once."""

    spool: Spool

    async def __aiter__(self) -> AsyncIterator[bytes]:
        piece = bytearray()
        for line in self.spool:
            piece += line
            if len(piece) >= _PIECE_BYTES:
                yield bytes(piece)
                piece.clear()
        yield bytes(piece)
