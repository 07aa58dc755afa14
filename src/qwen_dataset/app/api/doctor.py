"""Looks whether everything is there that a run needs, and says of each thing that it is, or what to do."""

from __future__ import annotations

import asyncio
import contextlib
import platform
import secrets
import sys
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from textwrap import shorten
from urllib.parse import urlsplit

import attrs

from ...domain.events import Event, ShardSubmitted
from ...errors import (
    BackendDenied,
    BackendRejected,
    BackendUnavailable,
    JobUnfinished,
    KeyExists,
    QwenDatasetError,
    SettingError,
    StorageError,
    StorageUnavailable,
)
from ...ports.inference import Offer
from ...ports.storage import Storage
from ..engine.layout import Layout
from ..engine.ledger import Ledger
from ..wiring import bootstrap, plugins
from ..wiring.config import Config
from .backends import Backends
from .client import Client

TEST_MODEL = "batch-test-model"
"""The service's own model for trying the way through it: it answers every prompt with one sentence, for free."""

_PACKAGES = {"openai": "", "dashscope": "dashscope", "obstore": "s3"}
"""What talks to services, and the extra of our package that brings it (none: it always comes along)."""

_USED_FOR = {"dashscope": "realtime calls to Bailian", "obstore": "storages at s3: addresses"}
_KEY_BEGINS = "sk-"
_LONGEST_ANSWER = 80
_PROBE = b"qwen-dataset doctor"


class Verdict(StrEnum):
    """What came of a check. ``HINT`` stops nothing, ``WRONG`` is for a person to mend, the last may pass by itself."""

    OK = "ok"
    HINT = "hint"
    WRONG = "wrong"
    UNREACHABLE = "unreachable"


@attrs.frozen
class Check:
    """One thing that was looked at, and a sentence about it: what was found, or what to do."""

    name: str
    verdict: Verdict
    sentence: str


_SKIPPED = Check("live", Verdict.HINT, "skipped, as the backend cannot be asked")


async def examine(
    config: Config, *, live: bool = False, problems: Sequence[str] = (), stop: asyncio.Event | None = None
) -> AsyncGenerator[Check, None]:
    """Yield the checks one by one, as they are made.

    ``problems`` are sentences about settings that could not be used; ``config`` holds them at their defaults. With
    ``live`` the service's free test model is asked through the whole chain, and its batch is waited for, until ``stop``
    is set. Spends nothing: a service that does not have that model refuses it. Nothing is left in the storage.

    Raises JobUnfinished where ``stop`` was set; everything else that goes wrong is a check.
    """
    for each in _packages():
        yield each
    for sentence in problems:
        yield Check("config", Verdict.WRONG, sentence)
    if not problems:
        yield Check("config", Verdict.OK, "every setting can be used")
    yield _key(config)
    yield await _storage(config)
    backends = Backends(config, None, prefer=None, opened={})
    try:
        offer = await backends.first()
    except QwenDatasetError as error:
        yield _failed("backend", error)
        if live:
            yield _SKIPPED
        return
    reached = await _reach(offer)
    yield reached
    for each in _model(offer, config):
        yield each
    if live:
        yield await _live(config, stop) if reached.verdict is Verdict.OK else _SKIPPED


def _packages() -> Iterator[Check]:
    yield Check("python", Verdict.OK, f"{platform.python_version()} ({sys.platform})")
    yield Check("qwen-dataset", Verdict.OK, version("qwen-dataset"))
    for package, extra in _PACKAGES.items():
        try:
            yield Check(package, Verdict.OK, version(package))
        except PackageNotFoundError:
            install = f'pip install "qwen-dataset{f"[{extra}]" if extra else ""}"'
            if extra:
                sentence = f"not installed; only {_USED_FOR[package]} need it: {install}"
                yield Check(package, Verdict.HINT, sentence)
            else:
                yield Check(package, Verdict.WRONG, f"not installed; nothing can be asked without it: {install}")


def _key(config: Config) -> Check:
    address = bootstrap.address_of(config)
    try:
        key = config.current_key()
    except SettingError as error:
        return Check("key", Verdict.WRONG, str(error))
    if key is None:
        without = "" if address is None else f"; the backend {address!r} has to do without"
        return Check("key", Verdict.OK if address else Verdict.HINT, f"none is set{without}")
    if not key.startswith(_KEY_BEGINS):
        return Check(
            "key", Verdict.HINT, "is set, but does not begin with sk- as keys of Bailian do; check it if it is one"
        )
    return Check("key", Verdict.OK, "is set, and begins with sk- as it should")


async def _storage(config: Config) -> Check:
    try:
        folder = plugins.local_folder(config.storage)
        storage = bootstrap.storage(config.storage)
        new = folder is not None and not folder.exists()
        try:
            return await _tried(storage, config.storage)
        finally:
            if new and folder is not None:
                with contextlib.suppress(OSError):
                    folder.rmdir()
    except QwenDatasetError as error:
        return _failed("storage", error)


def _is_advisory(storage: Storage) -> bool:
    """Whether a storage says of itself that create-only is a promise that it cannot keep."""
    return bool(getattr(storage, "is_advisory", False))


async def _tried(storage: Storage, address: str) -> Check:
    """Try what jobs rely on, in a folder of its own that is taken away again."""
    folder = f"doctor-{secrets.token_hex(8)}"
    # No folder of their own: a local one would be left behind.
    once, often = f"{folder}-once", f"{folder}-often"
    try:
        await storage.put(often, b"")
        await storage.put(often, _PROBE)
        await storage.put(once, _PROBE, if_absent=True)
        try:
            await storage.put(once, b"", if_absent=True)
            refuses = False
        except KeyExists:
            refuses = True
        found = [key for each in (often, once) async for key in storage.keys(each)]
        whole = await storage.get(often) == _PROBE and (not refuses or await storage.get(once) == _PROBE)
    finally:
        for key in (once, often):
            await storage.delete(key)
    left = [key for each in (often, once) async for key in storage.keys(each)]
    if not whole or found != [often, once] or left:
        sentence = f"{address} does not give back what was written, or lists it wrongly; choose another storage"
        return Check("storage", Verdict.WRONG, sentence)
    if _is_advisory(storage):
        sentence = f"{address} cannot promise to create an object only once: let one writer only work in it at a time"
        return Check("storage", Verdict.HINT, sentence)
    if not refuses:
        sentence = f"{address} creates an object twice, so two processes could pay for one job; choose another storage"
        return Check("storage", Verdict.WRONG, sentence)
    return Check("storage", Verdict.OK, f"{address}: written, created once only, listed and deleted")


async def _reach(offer: Offer) -> Check:
    if offer.probe is None:
        return Check("backend", Verdict.OK, offer.destination or offer.name)
    try:
        told = await offer.probe()
    except BackendUnavailable as error:
        return Check("backend", Verdict.UNREACHABLE, f"{_in_a_line(error)}; check base_url, region, network and proxy")
    except QwenDatasetError as error:
        return _failed("backend", error)
    return Check("backend", Verdict.OK, told)


def _model(offer: Offer, config: Config) -> Iterator[Check]:
    try:
        advice = offer.advice(config.model, config.parameters) if offer.advice is not None else ()
    except QwenDatasetError as error:
        yield _failed("model", error)
        return
    for sentence in advice:
        yield Check("model", Verdict.HINT, sentence)
    if advice:
        return
    realm = offer.backend.realm
    if urlsplit(realm).scheme in ("http", "https"):
        # Every server names its models as it likes.
        where = urlsplit(realm).netloc
        yield Check("model", Verdict.OK, f"{config.model} (not checked: {where} is another server)")
    else:
        yield Check("model", Verdict.OK, f"{config.model} ({realm})")


async def _live(config: Config, stop: asyncio.Event | None) -> Check:
    """Ask the test model in a batch, in a storage that is gone afterwards, and wait for the answer."""
    plain = attrs.evolve(
        config,
        model=TEST_MODEL,
        use_batch=True,
        storage="memory:",
        job_name=None,
        rounds=1,
        enable_thinking=False,
        thinking_budget=None,
        response_format=None,
        extra_body=None,
        finish=None,
        after=None,
    )
    began = time.monotonic()
    storage = bootstrap.storage(plain.storage)
    try:
        client = Client(plain, storage=storage, stop=stop)
        # The same words would be the same job, and find the batch of the last time.
        report = await client.run_prompts([f"This is test {secrets.token_hex(8)}."])
        answers = [answer async for answer in client.answers(report.job_id)]
        batch = await _batch_of(storage, report.job_id)
    except QwenDatasetError as error:
        if isinstance(error, JobUnfinished) and stop is not None and stop.is_set():
            raise
        return _failed("live", error)
    seconds = round(time.monotonic() - began)
    answer = answers[0]
    if answer.output is None:
        why = answer.error.message if answer.error is not None else ""
        return Check("live", Verdict.WRONG, f"batch {batch} ended after {seconds} s without an answer: {why}")
    text = shorten(answer.output, _LONGEST_ANSWER, placeholder=" …")
    return Check("live", Verdict.OK, f"batch {batch} answered after {seconds} s: {text}")


async def _batch_of(storage: Storage, job_id: str) -> str:
    """Return the service's id of the one batch of a job."""
    tokens: list[str] = []

    async def note(event: Event) -> None:
        if isinstance(event, ShardSubmitted):
            tokens.append(event.token)

    await Ledger(storage, Layout(job_id), listener=note).load()
    # What stands behind the id is the adapter's own.
    return tokens[0].partition("@")[0]


def _failed(name: str, error: QwenDatasetError) -> Check:
    mend = isinstance(error, SettingError | BackendRejected | BackendDenied)
    mend = mend or (isinstance(error, StorageError) and not isinstance(error, StorageUnavailable))
    return Check(name, Verdict.WRONG if mend else Verdict.UNREACHABLE, _in_a_line(error))


def _in_a_line(error: QwenDatasetError) -> str:
    # There is no job here that could go on.
    return " ".join(str(error).split()).removesuffix(", then resume")
