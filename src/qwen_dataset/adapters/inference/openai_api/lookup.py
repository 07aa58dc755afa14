"""How a batch is found again by the key of its submission, so that it is never bought twice."""

from __future__ import annotations

import hashlib
import logging
import math

from ....errors import BackendDenied, BackendRejected
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
_LIST_PAUSE = 5.0
_MOST_FILES = 50  # files that are asked for one by one


def name_of(key: str) -> str:
    """Return the name of the batch of a submission, for filters that take a part of a name.

    One word of letters and digits: how the service's filter cuts names into words is not known.
    """
    return f"qd{hashlib.sha256(key.encode()).hexdigest()[:_NAME_DIGITS]}"


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


async def find(
    batches: OpenAIBatches, key: str, *, keeps_metadata: bool | None, uploaded: str | None = None
) -> RemoteBatch | None:
    """Return the batch of this submission, or None. Spends nothing.

    A failed one cost nothing and is passed over. Of several the oldest is taken, then the one with the smallest id, so
    that everybody takes the same; the others are asked to stop. Unless the service is known to keep metadata, a batch
    without any is told by the name of its input file. ``uploaded`` is the id of a file that was uploaded for this
    submission: by it can be told whether the service keeps the names of files.

    Raises BackendDenied, saying what to do, where the service has no list of batches or it cannot be told whose a batch
    is; other errors mean that nobody knows whether the batch is there.
    """
    everything = BatchFilter()
    listed = await _listed(batches, everything if keeps_metadata is False else BatchFilter(name=name_of(key)))
    if not listed and keeps_metadata is None and uploaded:
        # Before money is spent: a service that forgets metadata finds nothing by a name.
        listed = await _listed(batches, everything)
    candidates = [batch for batch in listed if batch.status != "failed"]
    named = [batch for batch in candidates if batch.metadata.get(KEY_FIELD) == key]
    nameless = [batch for batch in candidates if _is_nameless(batch)]
    if nameless and not keeps_metadata and not named:
        is_kept = len(nameless) < len(candidates)
        named = await _by_file(batches, nameless, name_of(key), uploaded, is_kept=is_kept)
    if not named:
        return None
    first, *others = sorted(named, key=_age)
    for other in others:
        await _stop(batches, other, kept=first)
    return first


async def _listed(batches: OpenAIBatches, wanted: BatchFilter) -> list[RemoteBatch]:
    """Return what may be meant. That there is no list is believed when it is said twice: a proxy may have said it."""
    try:
        return await _whole_list(batches, wanted)
    except Refused as error:
        if error.status not in _LISTS_NOTHING:
            raise
    await batches.pause(_LIST_PAUSE)
    try:
        return await _whole_list(batches, wanted)
    except Refused as error:
        if error.status not in _LISTS_NOTHING:
            raise
        raise BackendDenied(
            f"the service has no list of batches ({error}), so one whose creation got no reply could not be found"
            " again: check base_url, or add lookup=none to the backend's address to go on without"
            " (such a batch then counts as unknown)"
        ) from None


async def _whole_list(batches: OpenAIBatches, wanted: BatchFilter) -> list[RemoteBatch]:
    return [batch async for batch in batches.listed(wanted)]


def _is_nameless(batch: RemoteBatch) -> bool:
    return not any(batch.metadata.values())


async def _by_file(
    batches: OpenAIBatches, nameless: list[RemoteBatch], name: str, uploaded: str | None, *, is_kept: bool
) -> list[RemoteBatch]:
    """Return the batches whose input file bears this name.

    Raises BackendDenied where that cannot be told, unless the metadata of other batches ``is_kept``: then those without
    any are somebody else's.
    """
    file_ids = {batch.input_file_id or "" for batch in nameless}
    names = await _file_names(batches, file_ids | ({uploaded} if uploaded else set()))
    found = [batch for batch in nameless if name in names.get(batch.input_file_id or "", "")]
    is_told = all(names.get(file_id) for file_id in file_ids) and (not uploaded or name in names.get(uploaded, ""))
    if not found and not is_told and not is_kept:
        raise BackendDenied(
            "the service keeps neither the metadata of batches nor the names of their files, so one whose creation got"
            " no reply could not be found again: add lookup=none to the backend's address to go on without"
            " (such a batch then counts as unknown)"
        )
    return found


async def _file_names(batches: OpenAIBatches, wanted: set[str]) -> dict[str, str]:
    """Return the names of files as far as the service tells them: listed once, the rest asked for, but not too many."""
    names = batches.known_files
    if not wanted <= names.keys():
        try:
            names.update(await batches.file_names())
        except BackendRejected as error:
            logger.debug("the service does not list its files: %s", error)
    for file_id in sorted(wanted - names.keys() - {""})[:_MOST_FILES]:
        try:
            names[file_id] = await batches.file_name(file_id)
        except BackendRejected as error:
            logger.debug("file %s cannot be looked at: %s", file_id, error)
    return names


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
