"""How a batch is found again by the key of its submission, so that it is never bought twice."""

from __future__ import annotations

import hashlib
import logging
import math

from ....errors import BackendRejected
from ....ports.remote import BatchFilter, RemoteBatch
from .remote import OpenAIBatches
from .service import Refused

logger = logging.getLogger(__name__)

NAME_FIELD = "ds_name"
KEY_FIELD = "qwen_dataset_key"
HASH_FIELD = "qwen_dataset_hash"
TIME_FIELD = "qwen_dataset_time"

_DESCRIPTION_FIELD = "ds_description"
_NAME_DIGITS = 32
_DESCRIPTION_CHARACTERS = 200
_LISTS_NOTHING = frozenset({404, 405, 501})


def name_of(key: str) -> str:
    """Return the name of the batch of a submission, for filters that take a part of a name."""
    return f"qwen-dataset-{hashlib.sha256(key.encode()).hexdigest()[:_NAME_DIGITS]}"


def metadata_of(key: str, *, requests: int, content_hash: str, now: float) -> dict[str, str]:
    """Return what a batch carries so that it can be found: its name for filters, its key to be sure.

    The time of creation by our clock goes along: whoever finds the batch writes the same token as whoever made it.
    """
    return {
        NAME_FIELD: name_of(key),
        _DESCRIPTION_FIELD: f"{requests} requests of {key}"[:_DESCRIPTION_CHARACTERS],
        KEY_FIELD: key,
        HASH_FIELD: content_hash,
        TIME_FIELD: str(int(now)),
    }


async def find(batches: OpenAIBatches, key: str) -> RemoteBatch | None:
    """Return the batch of this submission, or None. Spends nothing.

    A failed one cost nothing and is passed over. Of several the oldest is taken, then the one with the smallest id, so
    that everybody takes the same; the others are asked to stop. Raises BackendRejected, saying what to do, where the
    service has no list of batches.
    """
    wanted = BatchFilter(name=name_of(key))
    try:
        named = [batch async for batch in batches.listed(wanted) if batch.metadata.get(KEY_FIELD) == key]
    except Refused as error:
        if error.status not in _LISTS_NOTHING:
            raise
        raise BackendRejected(
            f"the service has no list of batches ({error}), so one whose creation got no reply could not be found"
            " again: check base_url, or add lookup=none to the backend's address to go on without"
            " (such a batch then counts as unknown)"
        ) from None
    candidates = [batch for batch in named if batch.status != "failed"]
    if not candidates:
        return None
    first, *others = sorted(candidates, key=_age)
    for other in others:
        await _stop(batches, other, kept=first)
    return first


async def _stop(batches: OpenAIBatches, other: RemoteBatch, *, kept: RemoteBatch) -> None:
    """Ask a second batch of the same submission to stop. Raises BackendUnavailable: then it is looked for again."""
    if other.is_ended:
        logger.warning("batch %s is a second one of a submission; batch %s is taken", other.id, kept.id)
        return
    try:
        await batches.cancel(other.id)
    except BackendRejected as error:
        logger.warning(
            "batch %s is a second one of a submission and could not be cancelled (%s): cancel it in the console;"
            " batch %s is taken", other.id, error, kept.id
        )  # fmt: skip
    else:
        logger.warning(
            "batch %s is a second one of a submission and was cancelled; batch %s is taken", other.id, kept.id
        )


def _age(batch: RemoteBatch) -> tuple[float, str]:
    return (math.inf if batch.created_at is None else batch.created_at.timestamp(), batch.id)
