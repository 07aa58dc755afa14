"""Where a job stands, in the Batch API's words, which people's scripts wait for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...domain.inference import FailureKind
from ...domain.jobs import JobState, Phase
from .reports import JobStatus

VALIDATING = "validating"
IN_PROGRESS = "in_progress"
FINALIZING = "finalizing"
COMPLETED = "completed"
FAILED = "failed"
EXPIRED = "expired"
CANCELLING = "cancelling"
CANCELLED = "cancelled"


def batch_status(status: JobStatus, failures_by_kind: Mapping[str, int] | None = None) -> str:
    """Return the word for a job.

    Of a job that runs, ``Client.poll`` tells more: ``finalizing`` while every line has run and the answers are being
    written at the backend, ``completed`` when they can be fetched, since scripts wait for that word. ``failed``: there
    is no answer at all. ``expired`` needs ``failures_by_kind`` (of a report's sums): the window closed on whatever has
    no answer.
    """
    state = status.state
    if state.phase is Phase.STOPPED:
        return CANCELLED
    if state.phase is Phase.FINISHED:
        expired = bool(failures_by_kind) and set(failures_by_kind or ()) == {FailureKind.EXPIRED}
        return EXPIRED if expired else COMPLETED if state.completed else FAILED
    if state.cancelling:
        return CANCELLING
    if not state.round:
        return VALIDATING
    return _stopped_there(status) or _in_flight(status)


def _in_flight(status: JobStatus) -> str:
    if is_ready(status):
        return FAILED if is_unanswered(status) else COMPLETED
    return FINALIZING if is_all_run(status) else IN_PROGRESS


def is_submitted(state: JobState) -> bool:
    """Say whether all that is open is at the backend, so that nothing has to be bought before it is answered."""
    shards = state.shards.values()
    open_there = sum(shard.requests for shard in shards)
    return state.phase is Phase.RUNNING and all(shard.token for shard in shards) and state.open <= open_there


def is_ready(status: JobStatus) -> bool:
    """Say whether all that is open has ended at the backend, so that fetching it spends nothing."""
    return status.remote is not None and status.remote.ready and is_submitted(status.state)


def is_unanswered(status: JobStatus) -> bool:
    """Say whether all that is open has ended at the backend, and nothing of the job has an answer, nor will have one.

    Told of a cancelled batch only where its service was asked for its word (``words``): a backend need not count.
    """
    remote = status.remote
    if remote is None or not is_ready(status) or status.state.completed or remote.completed:
        return False
    return remote.failed >= remote.total or (bool(status.words) and COMPLETED not in status.words)


def is_cancelled_there(status: JobStatus) -> bool:
    """Say whether somebody cancelled a job's batch at the service, before there was any answer."""
    return CANCELLED in status.words and is_unanswered(status)


def _stopped_there(status: JobStatus) -> str | None:
    """Return the service's word where somebody stopped a batch there, or its window closed; None where it goes on."""
    words = set(status.words)
    if CANCELLING in words:
        return CANCELLING
    for word in (CANCELLED, EXPIRED):
        # Of several batches the others may have their answers.
        if words == {word}:
            return word
    return None


def is_all_run(status: JobStatus) -> bool:
    """Say whether every line that is open has run at the backend, which may still be writing the answers."""
    remote = status.remote
    return remote is not None and remote.completed + remote.failed >= remote.total and is_submitted(status.state)


def request_counts(status: JobStatus) -> dict[str, int]:
    """Return how many requests have an answer, how many failed, and how many there are.

    What the backend says of the requests in flight counts as well, where it was asked.
    """
    state, remote = status.state, status.remote
    completed, failed = state.completed, state.failed
    if remote is not None:
        # What was fetched before a crash is counted already, so no more than what is open is added.
        gained = min(remote.completed, state.open)
        completed += gained
        # In round 1 nothing had failed before; later, everything that is open had, until it succeeds.
        failed += min(remote.failed, state.open - gained) if state.round == 1 else -gained
    return {"completed": completed, "failed": failed, "total": state.requests}


def batch_record(status: JobStatus, word: str) -> dict[str, Any]:
    """Return a job as a JSON object with the Batch API's field names, ``word`` as its status. Times are in seconds."""
    ended = status.state.phase in (Phase.STOPPED, Phase.FINISHED)
    return {
        "id": status.job_id,
        "name": status.spec.name,
        "status": word,
        "request_counts": request_counts(status),
        "created_at": int(status.created_at),
        "ended_at": int(status.ended_at) if ended else None,
        "model": status.spec.model,
        "output": status.state.output,
    }
