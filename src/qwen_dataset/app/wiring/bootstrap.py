"""Settings to a wired client's parts: which storage, which backend, whose time."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Callable

from ...domain.jobs import JobSpec, Way
from ...domain.recipes.base import Recipe, RecipeOptions
from ...errors import SettingError
from ...ports.inference import BackendSettings, Offer
from ...ports.storage import Storage
from ..engine.clock import Clock
from ..engine.job import Host
from ..engine.patience import PatientStorage
from . import plugins
from .config import NOBODY_TO_ASK, Config
from .process import is_alive, this_process
from .tokens import vocabulary_of

BATCH_ABOVE = 100
"""Where nobody chose, more requests than this go in batches: the half price is worth the wait."""

DEFAULT_PROVIDER = "bailian"
"""Who answers where nobody named a backend and there is a key."""

_handed_out: set[str] = set()
"""Every key that a backend of this process was given: one that was rotated away may still stand in an error."""

_NO_NAME = re.compile(r"[^A-Za-z0-9\u3400-\u9fff._-]")


def host() -> Host:
    """Describe this process to the engine."""
    return Host(process=this_process(), is_alive=is_alive, clock=Clock())


def storage(address: str) -> Storage:
    """Return the storage with this address. Raises SettingError."""
    return plugins.open_storage(address)


def patient(inner: Storage, clock: Clock) -> Storage:
    """Return a storage that asks the inner one again while it is unavailable."""
    return PatientStorage(inner, clock.sleep)


def address_of(config: Config) -> str | None:
    """Return the address of the backend: the one named, the default provider's where there is a key, else None."""
    return config.backend or (None if config.api_key is None else DEFAULT_PROVIDER)


async def backend(address: str | None, config: Config, *, way: Way | None, window_hours: int) -> Offer:
    """Return the backend with this address, asked in this way (None: its own, or as the number of requests decides).

    Without an address it is that of ``address_of``. Loading an adapter may import an SDK for half a second, so it
    happens in a thread. Raises SettingError; a missing backend is never replaced by the fake in silence.
    """
    address = address or address_of(config)
    if address is None:
        raise SettingError(NOBODY_TO_ASK)
    settings = BackendSettings(
        realtime=None if way is None else way is Way.REALTIME,
        api_key=_key_of(config),
        base_url=config.base_url,
        region=config.region,
        window_hours=window_hours,
        concurrency=config.concurrency,
    )
    return await asyncio.to_thread(plugins.open_backend, address, settings)


def check_way(offer: Offer, address: str, way: Way | None) -> None:
    """Raise SettingError where a backend cannot be asked as it was chosen."""
    if way is None or way is way_of(offer):
        return
    message = (
        f"the backend {address!r} works in {way_of(offer)} only, and {way} is asked for"
        f" (--{way}, USE_BATCH or use_batch); change one of the two"
    )
    raise SettingError(message)


def _key_of(config: Config) -> Callable[[], str] | None:
    if config.api_key is None:
        return None

    def key() -> str:
        found = config.current_key() or ""
        _handed_out.add(found)
        return found

    return key


def keys(config: Config) -> list[str]:
    """Return the keys that no sentence may show: the one of now, and those that were handed out before it."""
    with contextlib.suppress(SettingError):
        _handed_out.add(config.current_key() or "")
    return sorted(filter(None, _handed_out))


def way_of(offer: Offer) -> Way:
    """Return how a backend is asked."""
    return Way.REALTIME if offer.realtime else Way.BATCH


def chosen_way(config: Config) -> Way | None:
    """Return how a person wants backends asked, None where the number of requests decides."""
    if config.use_batch is None:
        return None
    return Way.BATCH if config.use_batch else Way.REALTIME


def recipe(config: Config) -> Recipe:
    """Return the recipe that makes requests of papers, counting tokens as the model does. Raises SettingError."""
    return plugins.recipe(config.recipe, count=vocabulary_of(config.model).count)


def spec(config: Config, realm: str, way: Way, *, recipe: str, options: RecipeOptions, corpus: str) -> JobSpec:
    """Return the spec of the job that these settings and this corpus make."""
    found = plugins.recipe(recipe)
    return JobSpec(
        name=config.job_name or _NO_NAME.sub("-", JobSpec.default_name(recipe, config.model))[:80],
        recipe=found.name,
        prompt_version=found.prompt_version,
        model=config.model,
        realm=realm,
        way=way,
        corpus=corpus,
        parameters=config.parameters,
        options=options,
    )
