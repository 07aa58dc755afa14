"""A backend whose words hold no key: what it says goes into jobs, datasets, logs and terminals."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import attrs

from ...domain.inference import Failure, Outcome, Request
from ...ports.inference import InferenceBackend, JobHandle, Limits, Offer, Progress
from ...ports.remote import BatchFilter, RemoteBatch, RemoteBatches
from .discretion import Discretion

_ALL = BatchFilter()


def discreet(
    offer: Offer, keys: Callable[[], Iterable[str]], *, shared: Callable[[InferenceBackend], InferenceBackend]
) -> Offer:
    """Return an offer all of whose parts hide the keys in what they say and raise (see ``Discretion``).

    ``shared`` makes the backend fit for several users, below what hides.
    """
    veil = Discretion(keys)
    sleep, now, clean, probe, advice = offer.sleep, offer.now, offer.clean, offer.probe, offer.advice
    return attrs.evolve(
        offer,
        backend=Discreet(shared(offer.backend), keys),
        destination=veil.text(offer.destination),
        sleep=sleep and (lambda seconds: veil.ask(lambda: sleep(seconds))),
        now=now and (lambda: veil.ask_now(now)),
        remote=offer.remote and DiscreetRemote(offer.remote, veil),
        clean=clean and (lambda handle: veil.ask(lambda: clean(handle))),
        probe=probe and _telling(probe, veil),
        advice=advice and (lambda *what: veil.ask_now(lambda: [veil.text(each) for each in advice(*what)])),
    )


def _telling(probe: Callable[[], Awaitable[str]], veil: Discretion) -> Callable[[], Awaitable[str]]:
    async def told() -> str:
        return veil.text(await veil.ask(probe))

    return told


class Discreet:
    """Asks an inner backend, and hides the keys in the messages of its failures and in the errors it raises.

    ``keys`` and what becomes of errors are those of ``Discretion``. A completion is data that was paid for and passes
    as it is.
    """

    def __init__(self, inner: InferenceBackend, keys: Callable[[], Iterable[str]]) -> None:
        self._inner = inner
        self._veil = Discretion(keys)

    @property
    def limits(self) -> Limits:
        """Those of the inner backend."""
        return self._inner.limits

    @property
    def realm(self) -> str:
        """That of the inner backend."""
        return self._inner.realm

    async def submit(self, key: str, requests: AsyncIterable[Request]) -> JobHandle:
        """Find or create a submission. Spends money where the inner backend does."""
        return await self._veil.ask(lambda: self._inner.submit(key, requests))

    async def poll(self, handle: JobHandle) -> Progress:
        """Say how far a submission is. Spends nothing."""
        return await self._veil.ask(lambda: self._inner.poll(handle))

    async def cancel(self, handle: JobHandle) -> JobHandle:
        """Ask to stop a submission. Spends nothing."""
        return await self._veil.ask(lambda: self._inner.cancel(handle))

    def results(self, handle: JobHandle, requests: AsyncIterable[Request]) -> AsyncGenerator[Outcome, None]:
        """Yield the outcomes. Spends money where the inner backend does."""
        return self._veil.each(lambda: self._inner.results(handle, requests), self._told)

    async def __aenter__(self) -> Self:
        # Never a bound method: where variables are printed it shows the adapter, and whatever that is made of.
        await self._veil.ask(lambda: self._inner.__aenter__())  # noqa: PLW0108
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._veil.ask(lambda: self._inner.__aexit__(exc_type, exc, traceback))

    def _told(self, outcome: Outcome) -> Outcome:
        if not isinstance(outcome, Failure):
            return outcome
        message = self._veil.text(outcome.message)
        return outcome if message == outcome.message else attrs.evolve(outcome, message=message)


class DiscreetRemote:
    """Asks a service's batches one by one, and hides the keys in what is told of them and in the errors raised."""

    def __init__(self, inner: RemoteBatches, veil: Discretion) -> None:
        self._inner = inner
        self._veil = veil

    async def upload(self, lines: Path, *, name: str) -> str:
        """Upload a file of request lines. Spends nothing."""
        return await self._veil.ask(lambda: self._inner.upload(lines, name=name))

    async def create(
        self,
        input_file_id: str,
        *,
        completion_window: str,
        endpoint: str | None = None,
        metadata: Mapping[str, str] = {},
    ) -> RemoteBatch:
        """Create a batch of an uploaded file, and spend money."""
        return self._told(
            await self._veil.ask(
                lambda: self._inner.create(
                    input_file_id, completion_window=completion_window, endpoint=endpoint, metadata=metadata
                )
            )
        )

    async def retrieve(self, batch_id: str) -> RemoteBatch:
        """Return a batch as it is now."""
        return self._told(await self._veil.ask(lambda: self._inner.retrieve(batch_id)))

    def list(self, wanted: BatchFilter = _ALL, *, limit: int | None = None) -> AsyncGenerator[RemoteBatch, None]:
        """Yield batches, the newest first."""
        return self._veil.each(lambda: self._inner.list(wanted, limit=limit), self._told)

    async def cancel(self, batch_id: str) -> RemoteBatch:
        """Ask a batch to stop."""
        return self._told(await self._veil.ask(lambda: self._inner.cancel(batch_id)))

    def download(self, file_id: str) -> AsyncGenerator[bytes, None]:
        """Yield a file in pieces; what is in it is data and passes as it is."""
        return self._veil.each(lambda: self._inner.download(file_id))

    async def delete_file(self, file_id: str) -> None:
        """Delete a file at the service."""
        await self._veil.ask(lambda: self._inner.delete_file(file_id))

    def _told(self, batch: RemoteBatch) -> RemoteBatch:
        errors = tuple(attrs.evolve(each, message=self._veil.text(each.message)) for each in batch.errors)
        return attrs.evolve(batch, errors=errors)
