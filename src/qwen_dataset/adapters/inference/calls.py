"""What all realtime adapters share: when a call starts, when it is asked again, and what its failure means."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from ...domain.characters import whole
from ...domain.inference import Completion, Failure, FailureKind, Outcome, Request
from ...errors import BackendDenied, BackendUnreached
from .admission import Admission
from .bailian.models import find
from .bailian.verdicts import POSSIBLY_PAID, Action, Verdict, gateway_gave_up, sentence, verdict
from .pacing import sane_wait

_FIRST_WAIT_SECONDS = 1.0
_LONGEST_WAIT_SECONDS = 30.0
_ADDRESS_UNKNOWN = frozenset({404, 405})


class CallFailed(Exception):
    """One call got no completion. Adapters raise it from ``send``; it never leaves ``RealtimeCaller``.

    ``status`` is the HTTP status of the reply, None where no reply came. ``code`` and ``message`` are the service's
    own words. ``retry_after`` is what the service asked to wait, in seconds. ``sent`` matters only where no reply
    came: False means that nothing left this machine (no connection); True or None that it did or may have. ``begun``:
    something of an answer had come, or its usage, so that it may be billed although it was refused then.
    """

    def __init__(
        self,
        status: int | None = None,
        code: str = "",
        message: str = "",
        retry_after: float | None = None,
        sent: bool | None = None,
        *,
        begun: bool = False,
    ) -> None:
        # Of whatever a service wrote, and stored with the failure.
        code, message = whole(code), whole(message)
        super().__init__(sentence(status, code, message))
        self.status = status
        self.code = code
        self.message = message
        self.retry_after = retry_after
        self.sent = sent
        self.begun = begun

    def told(self, *, is_bailian: bool) -> str:
        """Return what happened and what to do, in words that suit the server."""
        return sentence(self.status, self.code, self.message, is_bailian=is_bailian)


class Admissions:
    """One ``Admission`` for each model, made when it is first asked for; services count each model by itself.

    ``region`` is the region of Bailian whose documented rates apply where ``rpm`` and ``tpm`` are None; a region of
    None (another server, or Batch Chat, where they do not apply) leaves what is None unlimited.
    """

    def __init__(
        self,
        *,
        concurrency: int,
        region: str | None = None,
        rpm: int | None = None,
        tpm: int | None = None,
        ramp_seconds: float = 0.0,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._concurrency = concurrency
        self._region = region
        self._rpm = rpm
        self._tpm = tpm
        self._ramp_seconds = ramp_seconds
        self._now = now
        self._sleep = sleep
        self._made: dict[str, Admission] = {}

    def __call__(self, model: str) -> Admission:
        """Return the admission of this model, the same one each time."""
        if model not in self._made:
            rpm, tpm = self._rates(model)
            self._made[model] = Admission(
                concurrency=self._concurrency,
                rpm=rpm,
                tpm=tpm,
                ramp_seconds=self._ramp_seconds,
                now=self._now,
                sleep=self._sleep,
            )
        return self._made[model]

    def _rates(self, model: str) -> tuple[int | None, int | None]:
        known = None if self._region is None else find(model)
        rates = None if known is None else known.rates.get(self._region or "")
        if rates is None:
            return self._rpm, self._tpm
        return (
            rates.rpm if self._rpm is None else self._rpm,
            rates.tpm if self._tpm is None else self._tpm,
        )


class RealtimeCaller:
    """Answers one request by a paid call: the function that a ``ConcurrentBackend`` is made of. Spends money.

    ``send`` makes the call, once, and raises ``CallFailed``. What the service refused by an error status was not paid
    for, and what never left this machine neither: these are asked again, up to ``attempts`` times in all (once at
    least), after what the service asked to wait, else after 1, 2, 4 … 30 seconds. What was sent and got no reply, or
    only a gateway's, may have been paid for: it is never asked again here, but becomes a ``Failure`` of kind
    ``unknown``. ``is_bailian`` says whether errors may name what is Bailian's.

    Raises ``BackendDenied`` where no request can pass until a person mends something, and ``BackendUnreached``
    where no connection came about in all attempts: nothing was sent.
    """

    def __init__(
        self,
        send: Callable[[Request], Awaitable[Completion]],
        admission_for: Callable[[str], Admission],
        *,
        attempts: int = 5,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        is_bailian: bool = True,
    ) -> None:
        self._send = send
        self._admission_for = admission_for
        self._attempts = attempts
        self._sleep = sleep
        self._is_bailian = is_bailian

    async def __call__(self, request: Request) -> Outcome:
        """Return the completion, or why there is none."""
        tokens = estimated_tokens(request)
        attempt = 1
        while True:
            answer = await self._attempt(request, tokens)
            if isinstance(answer, Completion):
                return answer
            said = _verdict_of(answer)
            if said.action is Action.STOP:
                raise BackendDenied(answer.told(is_bailian=self._is_bailian)) from None
            if said.action is Action.FAIL or attempt >= self._attempts:
                return self._failure(request, answer, said)
            await self._sleep(_wait_seconds(answer, attempt))
            attempt += 1

    async def _attempt(self, request: Request, tokens: int) -> Completion | CallFailed:
        """Make one call when there is room; the wait before the next one must not hold that room."""
        async with self._admission_for(request.model).enter(tokens) as ticket:
            try:
                completion = await self._send(request)
            except CallFailed as error:
                said = _verdict_of(error)
                if said.slow_down or (error.retry_after is not None and said.action is Action.RETRY):
                    ticket.refused(error.retry_after)
                return error
            usage = completion.usage
            ticket.done(usage.prompt_tokens + usage.completion_tokens or None)
            return completion

    def _failure(self, request: Request, error: CallFailed, said: Verdict) -> Failure:
        message = error.told(is_bailian=self._is_bailian)
        if said.kind is FailureKind.NOT_SENT:
            raise BackendUnreached(message) from None
        return Failure(
            request_id=request.id,
            kind=said.kind,
            message=message,
            retryable=said.retryable,
            possibly_paid=error.begun,
        )


def estimated_tokens(request: Request) -> int:
    """Return about how many tokens the messages are, by their characters: exact counting costs more than it is worth.

    Four ASCII characters make a token, or one and a half others.
    """
    characters = sum(len(message.content) for message in request.messages)
    ascii_ones = sum(
        len(message.content) if message.content.isascii() else len(message.content.encode("ascii", "ignore"))
        for message in request.messages
    )
    return round(ascii_ones / 4 + (characters - ascii_ones) / 1.5)


def _verdict_of(error: CallFailed) -> Verdict:
    if error.status is None and error.sent is False:
        return Verdict(action=Action.RETRY, kind=FailureKind.NOT_SENT, retryable=True)
    if gateway_gave_up(error.status, error.code, error.message):
        return POSSIBLY_PAID
    # An error without an error status came where an answer should have been: only a code that is known tells that
    # nothing was paid for.
    said = verdict(HTTPStatus.OK if error.status is None else error.status, error.code, error.message)
    if said.action is Action.FAIL and error.status in _ADDRESS_UNKNOWN:
        # A chat call names no object that could be missing: the base URL is wrong, and so for every request.
        return Verdict(action=Action.STOP, kind=said.kind, retryable=False)
    return said


def _wait_seconds(error: CallFailed, attempt: int) -> float:
    asked = sane_wait(error.retry_after)
    if asked is not None:
        return asked
    return min(_FIRST_WAIT_SECONDS * 2.0 ** (attempt - 1), _LONGEST_WAIT_SECONDS)
