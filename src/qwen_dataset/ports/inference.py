"""The port to whatever answers requests: a batch service, a realtime service, or the fake."""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Mapping, Sequence
from types import TracebackType
from typing import Protocol, Self, runtime_checkable

import attrs

from ..domain.inference import AnyRequest, Outcome, Parameters, Request
from ..domain.pricing import PriceWay
from .remote import RemoteBatches


@attrs.frozen(kw_only=True)
class Limits:
    """What one submission may hold, and how often outcomes must be saved. Data of the adapter, not of the engine.

    ``requests`` and ``submission_bytes`` bound a submission, ``line_bytes`` one encoded request; ``concurrency`` is the
    number of calls in flight at once (1 where the service decides). An unsaved segment holds at most
    ``segment_outcomes`` outcomes, ``segment_bytes`` bytes and ``segment_seconds`` seconds of answers: where fetching an
    answer again costs money these are small. ``settle_seconds`` is how long a remote job that was created may stay
    invisible to ``submit``'s look-up; ``findable_seconds`` is how long after it was planned that look-up can still find
    it (0: never). What may have been created and cannot be found is unknown, never absent.
    """

    requests: int = 50_000
    submission_bytes: int = 500_000_000
    line_bytes: int = 1_000_000
    concurrency: int = 1
    segment_outcomes: int = 100
    segment_bytes: int = 8_000_000
    segment_seconds: float = 2.0
    settle_seconds: float = 60.0
    findable_seconds: float = math.inf


@attrs.frozen(kw_only=True)
class JobHandle:
    """Plain data that finds one submission again from any process. ``token`` is the adapter's own."""

    backend: str
    key: str
    token: str


@attrs.frozen(kw_only=True)
class Progress:
    """How far a submission is. ``retry_after`` is the backend's wish for the next poll, in seconds, or None.

    ``ending``: nothing more begins there, and it will soon be ready (somebody cancels it, or its files are written).
    """

    ready: bool
    completed: int = 0
    failed: int = 0
    total: int = 0
    retry_after: float | None = None
    ending: bool = False


@runtime_checkable
class KnowsIds(Protocol):
    """Requests whose ids can be had without reading them: what ``results`` is given may be that as well."""

    def ids(self) -> AsyncGenerator[str, None]:
        """Yield the id of each request, in their order."""
        ...


@runtime_checkable
class GivesWritten(Protocol):
    """Requests that can be had without reading what they say: what ``submit`` is given may be that as well."""

    def written(self) -> AsyncGenerator[AnyRequest, None]:
        """Yield each request, in their order; most of them are a ``WrittenRequest``."""
        ...


class InferenceBackend(Protocol):
    """Answers requests. An async context manager, entered before it is asked anything and left at the end.

    Whoever built it may use it for several runs, one after another: once left it can be entered again, and works as
    it did. It is never entered while it is open.

    Every method may raise ``BackendUnavailable`` (no definite answer; ask again), ``BackendRejected`` (a definite
    no; nothing was bought by this call) or ``BackendDenied`` (a definite no to everything, until a person mends a key,
    an account or a name; nothing was bought by this call). All mean "the backend could not be asked", never "one
    request failed".
    """

    @property
    def limits(self) -> Limits:
        """What this backend accepts; constant while it is open."""
        ...

    @property
    def realm(self) -> str:
        """Where answers come from (``bailian:cn-beijing``, ``fake:7``). Answers are reused inside one realm only."""
        ...

    async def submit(self, key: str, requests: AsyncIterable[Request]) -> JobHandle:
        """Find the submission that has this key, or create it.

        - The only method that may create a remote job. A batch backend spends money here; a realtime one does not.
        - Called again with the same key it returns a handle to the same submission and buys nothing, also when the
          first call created the submission and its reply was lost. A submission that is still invisible to look-ups
          cannot be found: the caller waits ``limits.settle_seconds`` before it calls again with a key that may have
          been submitted.
        - ``BackendRejected`` means that nothing was bought under this key, by this call or an earlier one: the caller
          may buy it again under another key. Where that is not sure, raise ``BackendUnavailable`` or ``BackendDenied``.
        - ``requests`` may be iterated more than once, is within ``limits`` and holds no id twice. It may be
          ``GivesWritten`` as well: whoever sends what requests say as it stands need not have it read.
        """
        ...

    async def poll(self, handle: JobHandle) -> Progress:
        """Say how far the submission is. Never blocks for long, spends nothing; a realtime backend is ready at once."""
        ...

    def results(self, handle: JobHandle, requests: AsyncIterable[Request]) -> AsyncGenerator[Outcome, None]:
        """Yield exactly one outcome for each request given, in any order.

        - Called only after ``poll`` said ready; for any subset of what was submitted; as often as asked.
        - What the service lost, expired, refused or garbled becomes a ``Failure``, also when the whole submission
          was refused. Unknown and duplicated ids are counted and logged, never yielded.
        - **A realtime backend calls and spends here**, once for each request given, unless the handle is cancelled.
          It stops taking new requests when the iterable ends, and still yields those it has started.
        - Closing the generator leaves no task behind.
        """
        ...

    async def cancel(self, handle: JobHandle) -> JobHandle:
        """Ask to stop, and return the handle to store in place of the old one. Idempotent, spends nothing.

        After it, ``poll`` until ready; with the returned handle ``results`` starts no paid call and still answers
        every request given: what had been done is yielded, the rest is a ``Failure`` of kind ``cancelled``.
        """
        ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None: ...


@attrs.frozen(kw_only=True)
class BackendSettings:
    """What a backend's factory is given: its address taken apart, and the settings that may concern it.

    ``location`` and ``parameters`` are those of ``scheme:location?name=value``. ``realtime`` says how requests are to
    be asked (True: one call at a time, False: in batches, None: nobody chose). ``api_key`` returns the key as it is
    now, so that it can be rotated while a job runs; it must not be stored, logged or put into an error.
    ``window_hours`` is how long a batch may take; ``concurrency`` bounds the calls in flight (None: the backend's own).
    """

    location: str = ""
    parameters: Mapping[str, str] = attrs.field(factory=dict)
    realtime: bool | None = None
    api_key: Callable[[], str] | None = attrs.field(default=None, repr=False)
    base_url: str | None = None
    region: str = "cn-beijing"
    window_hours: int = 24
    concurrency: int | None = None


@attrs.frozen(kw_only=True)
class Offer:
    """What an adapter's factory hands to whoever wires the app: the backend, and what cannot be asked through the port.

    ``name`` goes into handles and samples. ``realtime`` says that ``results`` calls and spends; ``either`` that the
    same address could be opened the other way as well, so that the number of requests may decide. ``sleep`` waits, and
    ``now`` tells the time in seconds, in the backend's own time where that is not the wall clock's (the fake's is
    virtual). ``destination`` says to a person where requests go ("a host, a region").

    ``remote`` is the service's batches one by one, where it has any; ``clean`` deletes the remote files of a
    submission (only called when its results are safe). Both work while the backend is entered.

    ``probe`` asks something free and says what came of it, or raises BackendError; it needs nothing entered.
    ``advice`` says to a person, a sentence each, what to know before this model is asked here with these parameters:
    that it is not known, or retired, or cannot do what is asked.

    ``billed_as`` is the way under which a list of prices has what is charged here (None: by ``realtime``). ``is_play``:
    nothing is paid here, and what it would cost is reckoned at a service's list prices, so that a limit can be tried.
    ``switches_thinking``: whether ``enable_thinking`` is sent in a form that the service obeys.
    """

    backend: InferenceBackend
    name: str
    realtime: bool
    sleep: Callable[[float], Awaitable[None]] | None = None
    now: Callable[[], float] | None = None
    either: bool = False
    destination: str = ""
    remote: RemoteBatches | None = None
    clean: Callable[[JobHandle], Awaitable[None]] | None = None
    probe: Callable[[], Awaitable[str]] | None = None
    advice: Callable[[str, Parameters], Sequence[str]] | None = None
    billed_as: PriceWay | None = None
    is_play: bool = False
    switches_thinking: bool = True


BackendFactory = Callable[[BackendSettings], Offer]
"""What an adapter offers by name; raises SettingError."""
