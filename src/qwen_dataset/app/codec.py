"""Objects to bytes that we read next year.

One converter for everything stored. Stored formats carry ``FORMAT``; a later version must still load every earlier one.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from typing import Any, TypeVar

import attrs
import orjson
from cattrs.errors import BaseValidationError
from cattrs.gen import make_dict_unstructure_fn, override
from cattrs.preconf.orjson import OrjsonConverter, make_converter
from cattrs.strategies import configure_tagged_union

from ..domain.characters import whole
from ..domain.events import Event
from ..domain.inference import Completion, Outcome, Parameters, Request, WrittenRequest
from ..domain.jobs import JobSpec
from ..domain.recipes.base import Planned
from ..domain.samples import Origin
from ..errors import LedgerCorrupt
from . import by_hand, quick
from .plan_lines import PlanLines

FORMAT = 1

T = TypeVar("T")

_DAMAGE = (orjson.JSONDecodeError, BaseValidationError, KeyError, TypeError, ValueError, AttributeError)
_OUTCOME = b'{"outcome":{"request_id":"'
_ID_END = len(_OUTCOME) + 32


@attrs.frozen(kw_only=True)
class Envelope:
    """An event as stored. ``nonce`` and ``serial`` tell a writer its own lost reply from another writer's event."""

    nonce: str
    serial: int
    at: float
    event: Event
    format: int = FORMAT


@attrs.frozen
class StoredOutcome:
    """An outcome as stored. ``source`` is the job that paid, when the answer was copied from there."""

    outcome: Outcome
    backend: str
    round: int
    source: str | None = None


@attrs.frozen(kw_only=True)
class StoredSpec:
    """A job's spec as stored."""

    spec: JobSpec
    format: int = FORMAT


@cache
def _converter() -> OrjsonConverter:
    """Return the converter of everything stored but what ``_straight`` knows, with some types by hand."""
    converter = plain_converter()
    for kind, to, of in by_hand.BOTH_WAYS:
        converter.register_unstructure_hook(kind, to)
        converter.register_structure_hook(kind, _taking_type(of))
    return converter


@cache
def _plan_lines() -> PlanLines:
    """Return what writes and reads the lines of plans."""
    converter = _fields_converter()
    to, of = converter.get_unstructure_hook(Parameters), converter.get_structure_hook(Parameters)
    return PlanLines(to, lambda plain: of(plain, Parameters))


def _taking_type(of: Callable[[Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda plain, _: of(plain)


def _stored_to(stored: StoredOutcome) -> dict[str, Any]:
    plain = {"outcome": by_hand.outcome_to(stored.outcome), "backend": stored.backend, "round": stored.round}
    if stored.source is not None:
        plain["source"] = stored.source
    return plain


def _stored_of(plain: dict[str, Any]) -> StoredOutcome:
    return StoredOutcome(
        outcome=by_hand.outcome_of(plain["outcome"]),
        backend=by_hand.text(plain["backend"]),
        round=int(plain["round"]),
        source=plain.get("source"),
    )


def _fields_converter() -> OrjsonConverter:
    """Return a converter that leaves out what is the default; nothing is made ready yet, which takes its time."""
    return make_converter(omit_if_default=True, detailed_validation=False)


def plain_converter() -> OrjsonConverter:
    """Return a converter that makes every type by its fields: what those by hand are held against."""
    converter = _fields_converter()
    # As text: money must not become a float on its way.
    converter.register_unstructure_hook(Decimal, str)
    converter.register_structure_hook(Decimal, lambda value, _: Decimal(value))
    configure_tagged_union(Outcome, converter, tag_name="is", tag_generator=lambda cls: cls.__name__.lower())
    configure_tagged_union(Event, converter, tag_name="is")
    for stored in (Envelope, StoredSpec):
        # The version is always written, also while it is the default.
        written = make_dict_unstructure_fn(
            stored, converter, _cattrs_omit_if_default=True, format=override(omit_if_default=False)
        )
        converter.register_unstructure_hook(stored, written)
    return converter


@cache
def _straight() -> tuple[dict[type, Callable[[Any], bytes]], dict[type, Callable[[bytes], Any]]]:
    """Return how lines are written and read without asking the converter: those that a job has one of a request."""
    made = _plan_lines()
    writers: dict[type, Callable[[Any], bytes]] = {Planned: _planned_line, StoredOutcome: _outcome_line}
    return writers, {Planned: lambda line: made.planned_of(orjson.loads(line)), StoredOutcome: _stored_in}


def _planned_line(planned: Planned) -> bytes:
    return encode_planned(planned.position, planned.request, planned.origin)


def _stored_in(line: bytes) -> StoredOutcome:
    found = quick.stored_completion(line)
    if found is None:
        return _stored_of(orjson.loads(line))
    return StoredOutcome(found.outcome, found.backend, found.round, found.source)


def _outcome_line(stored: StoredOutcome) -> bytes:
    return encode_outcome(stored.outcome, backend=stored.backend, round_number=stored.round, source=stored.source)


def encode(value: Any) -> bytes:
    """Return one line of JSON, newline included."""
    writer = _straight()[0].get(type(value))
    if writer is not None:
        return writer(value)
    # Copied: what orjson returns keeps the room that it grew into, sixteen times its own, and papers are gathered.
    return b"".join((orjson.dumps(_converter().unstructure(value)), b"\n"))


def encode_planned(position: int, request: Request, origin: Origin) -> bytes:
    """Return the line of a ``Planned`` of these, as ``encode`` does."""
    return _plan_lines().planned_line(position, request, origin)


def encode_outcome(outcome: Outcome, *, backend: str, round_number: int, source: str | None = None) -> bytes:
    """Return the line of a ``StoredOutcome`` of these, as ``encode`` does, whatever texts it holds.

    Halves of a character that stand apart become U+FFFD, and those that belong together the character; a number that is
    too large becomes the largest. An answer that was paid for is not lost for what a line of JSON cannot say.
    """
    if isinstance(outcome, Completion):
        line = quick.completion_line(outcome, backend, round_number, source)
        if line is not None:
            return line
    plain = _stored_to(StoredOutcome(outcome, backend, round_number, source))
    try:
        return orjson.dumps(plain, option=orjson.OPT_APPEND_NEWLINE)
    except orjson.JSONEncodeError:
        return orjson.dumps(_storable(plain), option=orjson.OPT_APPEND_NEWLINE)


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return whole(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return max(-quick.LARGEST, min(value, quick.LARGEST))
    return {name: _storable(each) for name, each in value.items()} if isinstance(value, dict) else value


def decode(cls: type[T], data: bytes, *, where: str) -> T:
    """Read what ``encode`` wrote. Raises LedgerCorrupt naming ``where`` for anything else."""
    reader = _straight()[1].get(cls)
    try:
        return _converter().structure(orjson.loads(data), cls) if reader is None else reader(data)
    except _DAMAGE as error:
        raise _unreadable(where, error) from error


def decode_request(data: bytes, *, where: str) -> Request:
    """Return the request of a line of a plan without the rest of it. Raises LedgerCorrupt as ``decode`` does."""
    try:
        return _plan_lines().request_in(data)
    except _DAMAGE as error:
        raise _unreadable(where, error) from error


def written_request(data: bytes, request_id: str, known: Request) -> WrittenRequest | None:
    """Return the request of a line of a plan, without reading what it says; the line is known to be whole and its own.

    None where it differs from that of a known request by more than its place, its origin and what is said.
    """
    return _plan_lines().written_request(data, request_id, known)


def decode_planned(data: bytes, request_id: str, *, where: str) -> Planned:
    """Read a line of a plan under an id that stands elsewhere; what it asks is read when somebody wants to know it.

    Raises LedgerCorrupt as ``decode`` does, also when that is read.
    """
    try:
        return _plan_lines().planned_late(data, request_id, lambda: decode_request(data, where=where))
    except _DAMAGE as error:
        raise _unreadable(where, error) from error


def decode_request_id(data: bytes, *, where: str) -> str:
    """Return the id of the request whose stored outcome this is. Raises LedgerCorrupt as ``decode`` does."""
    if data.startswith(_OUTCOME) and data[_ID_END : _ID_END + 1] == b'"':
        # As we write it. The id is looked up in the plan, so anything else that stands there is noticed.
        return data[len(_OUTCOME) : _ID_END].decode("ascii", "replace")
    try:
        return by_hand.text(orjson.loads(data)["outcome"]["request_id"])
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise _unreadable(where, error) from error


def lines_of(data: bytes) -> list[bytes]:
    """Return the lines of a stored object, newlines included.

    As ``splitlines`` does of what we write, in a fraction of the time: that looks at each byte for other line ends.
    """
    return io.BytesIO(data).readlines()


def _unreadable(where: str, error: Exception) -> LedgerCorrupt:
    return LedgerCorrupt(damaged(where, f"cannot be read ({type(error).__name__}: {error})"))


def damaged(where: str, what: str) -> str:
    """Return the sentence for a stored object that is not as it was written: what is wrong, and the way out."""
    way_out = "restore it from a copy, or delete its job's folder (with its paid answers) and run generate again"
    return f"{where} {what}; {way_out}"
