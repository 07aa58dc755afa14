"""What the registry opens: chat, Batch Chat, and any server by its URL."""

from __future__ import annotations

from functools import partial

import attrs
import orjson

from ....domain.pricing import PriceWay
from ....ports.inference import BackendSettings, Offer
from ..bailian import models
from ..calls import CallFailed
from . import fast
from .advice import advice
from .chat import ChatBackend
from .client import load_sdk, open_client
from .errors import backend_error, translated
from .options import BATCH_CHAT, OPENAI_CHAT, Options, settings_of_url

_ABSENT = frozenset({404, 405, 501})


def open_openai_chat(settings: BackendSettings) -> Offer:
    """Open realtime chat through the OpenAI protocol: Bailian's, or that of ``base_url``.

    Takes half a second (the SDK is imported), asks nobody and spends nothing. Raises SettingError.
    """
    return chat_offer(Options.from_settings(settings, name=OPENAI_CHAT))


def open_batch_chat(settings: BackendSettings) -> Offer:
    """Open Bailian's Batch Chat: half the price, each call held for up to an hour; as ``open_openai_chat``."""
    return chat_offer(Options.from_settings(settings, name=BATCH_CHAT))


def open_http(settings: BackendSettings) -> Offer:
    """Open the server at ``http:`` + ``settings.location``: in batches unless realtime was chosen."""
    return open_url(settings, scheme="http")


def open_https(settings: BackendSettings) -> Offer:
    """Open the server at ``https:`` + ``settings.location``: in batches unless realtime was chosen."""
    return open_url(settings, scheme="https")


def open_url(settings: BackendSettings, *, scheme: str) -> Offer:
    """Open the server whose URL the address is. The offer says ``either``: the number of requests may decide."""
    settings = settings_of_url(settings, scheme=scheme)
    if settings.realtime:
        return attrs.evolve(open_openai_chat(settings), either=True)
    from .batch import open_openai_batch  # noqa: PLC0415  # what batches need is not needed for chat

    return attrs.evolve(open_openai_batch(settings), either=True)


def chat_offer(options: Options) -> Offer:
    """Return the offer of a chat backend with these options. Imports the SDK."""
    load_sdk()
    fast.is_usable()  # imports it: that must not pass inside a running loop
    models.names()  # reads the catalogue, which the first call would wait for
    is_half = options.name == BATCH_CHAT and options.is_bailian
    return Offer(
        backend=ChatBackend(options),
        name=options.name,
        realtime=True,
        destination=f"{options.destination} (Batch Chat, half price)" if is_half else options.destination,
        probe=partial(probe, options),
        advice=partial(advice, options),
        switches_thinking=options.switches_thinking,
        billed_as=PriceWay.BATCH_CHAT if options.name == BATCH_CHAT else PriceWay.REALTIME,
    )


async def probe(options: Options) -> str:
    """Ask the server for its models, which is free, and say what came. Raises BackendError."""
    client = open_client(options)
    try:
        with translated(options.key.hide):
            reply = await client.models.with_raw_response.list()
    except CallFailed as failed:
        if failed.status in _ABSENT:
            return f"{options.destination} answers; it has no list of models"
        raise backend_error(failed, is_bailian=options.is_bailian) from None
    finally:
        await client.close()
    return f"{options.destination} answers{_listed(reply.content)}"


def _listed(body: bytes) -> str:
    try:
        listed = orjson.loads(body).get("data")
    except (orjson.JSONDecodeError, AttributeError):
        return ", but not in the form of the OpenAI protocol: look at base_url"
    return f" and lists {len(listed)} models" if isinstance(listed, list) and listed else ""
