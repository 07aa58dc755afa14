"""Settings to a wired client's parts: which storage, which backend, whose time."""

from __future__ import annotations

import asyncio
import re

from ...domain.jobs import JobSpec, Way
from ...errors import SettingError
from ...ports.inference import Offer
from ...ports.storage import Storage
from ..engine.clock import Clock
from ..engine.job import Host
from ..engine.patience import PatientStorage
from . import plugins
from .config import Config
from .process import is_alive, this_process

_NO_NAME = re.compile(r"[^A-Za-z0-9\u3400-\u9fff._-]")


def host() -> Host:
    """Describe this process to the engine."""
    return Host(process=this_process(), is_alive=is_alive, clock=Clock())


def storage(config: Config) -> Storage:
    """Return the configured storage. Raises SettingError."""
    return plugins.open_storage(config.storage)


def patient(inner: Storage, clock: Clock) -> Storage:
    """Return a storage that asks the inner one again while it is unavailable."""
    return PatientStorage(inner, clock.sleep)


async def backend(address: str | None) -> Offer:
    """Return the backend with this address.

    Loading an adapter may import an SDK for half a second, so it happens in a thread. Raises SettingError; a missing
    backend is never replaced by the fake in silence.
    """
    if address is None:
        message = "no backend is named; pass --backend fake to try everything offline, without a key and for free"
        raise SettingError(message)
    return await asyncio.to_thread(plugins.open_backend, address)


def way_of(offer: Offer) -> Way:
    """Return how a backend is asked."""
    return Way.REALTIME if offer.realtime else Way.BATCH


def spec(config: Config, offer: Offer, *, corpus: str) -> JobSpec:
    """Return the spec of the job that these settings and this corpus make."""
    recipe = plugins.recipe(config.recipe)
    return JobSpec(
        name=config.job_name or _NO_NAME.sub("-", JobSpec.default_name(config.recipe, config.model))[:80],
        recipe=recipe.name,
        prompt_version=recipe.prompt_version,
        model=config.model,
        realm=offer.backend.realm,
        way=way_of(offer),
        corpus=corpus,
        parameters=config.parameters,
        options=config.options,
    )
