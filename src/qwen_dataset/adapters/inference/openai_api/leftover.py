"""What becomes of a request that has no line in the files of its batch, by how the batch ended."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from ....domain.inference import Failure, FailureKind
from ....ports.remote import RemoteBatch
from ..bailian.verdicts import verdict
from .batch_object import told

_UNDONE: Mapping[str, FailureKind] = {"expired": FailureKind.EXPIRED, "cancelled": FailureKind.CANCELLED}
_SAID = frozenset({FailureKind.UNKNOWN, FailureKind.CONTENT_FILTER})  # what holds however the batch ended
_BAD_REQUEST = 400


@attrs.frozen(kw_only=True)
class Leftover:
    """The failure of every request that has no line."""

    kind: FailureKind
    message: str
    retryable: bool

    def failure(self, request_id: str) -> Failure:
        """Return it for one request."""
        return Failure(request_id=request_id, kind=self.kind, message=self.message, retryable=self.retryable)


def leftover_of(batch_id: str, batch: RemoteBatch | None, *, may_be_billed: bool) -> Leftover:
    """Say what a missing line means. ``batch`` is None where the service does not know it any more.

    What may have been billed is unknown, and nobody sends it again unasked.
    """
    if batch is None:
        return _unknown(f"the service does not know batch {batch_id} any more")
    if may_be_billed:
        return _unknown(f"the service has no result for this request in batch {batch.id} ({batch.status})")
    if batch.status == "failed":
        return Leftover(
            kind=FailureKind.REJECTED,
            message=f"the service refused batch {batch.id}: {told(batch.errors) or 'no reason given'}",
            retryable=may_succeed_later(batch),
        )
    kind = _UNDONE[batch.status]
    message = (
        f"batch {batch.id} {'has expired' if kind is FailureKind.EXPIRED else 'was cancelled'} before this line ran"
    )
    return Leftover(kind=kind, message=message, retryable=True)


def may_succeed_later(batch: RemoteBatch) -> bool:
    """Whether each reason that the service gave for refusing the batch says that it may be asked again."""
    # As a bad request: an unknown reason for refusing a file is not one that goes away.
    verdicts = [verdict(_BAD_REQUEST, error.code, error.message) for error in batch.errors]
    return bool(verdicts) and all(each.retryable for each in verdicts)


def never_ran(failure: Failure, status: str) -> Failure:
    """Return the failure of an error line without a response, in a batch that ended early: it never ran.

    Which codes services write there is not known, so the end of the batch says what it means.
    """
    kind = _UNDONE.get(status)
    if kind is None or failure.kind in _SAID:
        return failure
    return attrs.evolve(failure, kind=kind, retryable=True)


def _unknown(what: str) -> Leftover:
    return Leftover(kind=FailureKind.UNKNOWN, message=f"{what}; it may have been paid for", retryable=False)
