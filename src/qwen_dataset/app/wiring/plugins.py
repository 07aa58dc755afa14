"""Names to adapters: the only place where the app knows which there are. None is imported before it is asked for.

A backend or storage is named ``scheme:location?parameter=value&…``, everything else by a word. Names of ours come
first; a package of somebody else's adds its own by an entry point in one of these groups:

- ``qwen_dataset.backends``: ``(BackendSettings) -> Offer``
- ``qwen_dataset.storages``: ``(location, parameters) -> Storage``
- ``qwen_dataset.readers``, named by the suffix without its dot: ``(data: bytes, *, source: str) -> Paper``
- ``qwen_dataset.dumps``, likewise: ``(lines: Iterable[bytes], *, source: str) -> Iterable[Paper | ReadError]``; with
  ``first_line: int = 1`` besides, a large file is handed over in parts
- ``qwen_dataset.collections``, likewise: ``(data: bytes, *, source: str) -> Iterable[Paper | ReadError]``
- ``qwen_dataset.projects``, likewise: ``(data: bytes, *, source: str, companion: Companion) -> Paper``
- ``qwen_dataset.parts``, of projects: ``(data: bytes, *, source: str) -> Parts``
- ``qwen_dataset.recipes``: ``() -> Recipe``, whose ``name`` is the entry point's
- ``qwen_dataset.writers``: an ``OutputFormat``, as a module or an object
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import cast

import attrs

from ...domain.recipes.base import Recipe
from ...domain.tokens import CountTokens
from ...errors import SettingError
from ...ports.inference import BackendSettings, Offer
from ...ports.storage import Storage
from ..dataset.target import OutputFormat
from .addresses import Address
from .registry import Registry, Row
from .secrets import quoted

_ADAPTERS = "qwen_dataset.adapters"
_RECIPES = "qwen_dataset.domain.recipes"

_READERS = f"{_ADAPTERS}.readers"
_MARKDOWN = Row(f"{_READERS}.markdown:read_markdown")
_TEXT = Row(f"{_READERS}.text:read_text")
_PDF = Row(f"{_READERS}.pdf:read_pdf", extra="pdf")
_HTML = Row(f"{_READERS}.html:read_html", extra="html")
_LATEX = Row(f"{_READERS}.latex:read_latex", extra="latex")
_LATEX_PARTS = Row(f"{_READERS}.latex:parts_of", extra="latex")
_JSONL = Row(f"{_READERS}.jsonl:read_jsonl")
_JSON = Row(f"{_READERS}.jsonl:read_json")

BATCH_LINES = f"{_ADAPTERS}.inference.openai_api.lines"
"""The module that makes and reads the lines of the Batch API's files."""

VOCABULARIES = f"{_ADAPTERS}.inference.bailian.catalogue"
"""The module whose ``vocabulary`` says with which vocabulary a model counts tokens."""

_INFERENCE = f"{_ADAPTERS}.inference"

PRICE_FILES = f"{_INFERENCE}.price_file"
"""The module whose ``read_prices`` reads a file of prices."""

PRICES = f"{_INFERENCE}.bailian.prices"
"""The module whose ``listed_prices`` are those that come with the package."""

WAYS = f"{_INFERENCE}.bailian.ways"
"""The module that says what is known of asking a model in a region in one way."""

_FACTORIES = f"{_INFERENCE}.openai_api.factories"

backends = Registry(
    "backend",
    "qwen_dataset.backends",
    {
        "fake": Row(f"{_INFERENCE}.fake.backend:open_fake"),
        # One call at a time goes through the DashScope SDK.
        "bailian": Row(f"{_INFERENCE}.bailian.provider:open_bailian", extra="dashscope"),
        "openai-batch": Row(f"{_INFERENCE}.openai_api.batch:open_openai_batch"),
        "openai-chat": Row(f"{_FACTORIES}:open_openai_chat"),
        "batch-chat": Row(f"{_FACTORIES}:open_batch_chat"),
        "dashscope": Row(f"{_INFERENCE}.dashscope_sdk.adapter:open_dashscope", extra="dashscope"),
        "http": Row(f"{_FACTORIES}:open_http"),
        "https": Row(f"{_FACTORIES}:open_https"),
    },
)
storages = Registry(
    "storage",
    "qwen_dataset.storages",
    {
        "file": Row(f"{_ADAPTERS}.storage.file:from_url"),
        "memory": Row(f"{_ADAPTERS}.storage.memory:from_url"),
        "s3": Row(f"{_ADAPTERS}.storage.s3:from_url", extra="s3"),
    },
)
readers = Registry(
    "reader",
    "qwen_dataset.readers",
    {
        "md": _MARKDOWN, "markdown": _MARKDOWN, "txt": _TEXT, "text": _TEXT, "rst": _TEXT,
        "pdf": _PDF, "html": _HTML, "htm": _HTML, "xhtml": _HTML,
    },
)  # fmt: skip
dumps = Registry("reader", "qwen_dataset.dumps", {"jsonl": _JSONL, "ndjson": _JSONL})
collections = Registry("reader", "qwen_dataset.collections", {"json": _JSON})
projects = Registry("reader", "qwen_dataset.projects", {"tex": _LATEX, "latex": _LATEX, "ltx": _LATEX})
parts = Registry("reader", "qwen_dataset.parts", {"tex": _LATEX_PARTS, "latex": _LATEX_PARTS, "ltx": _LATEX_PARTS})
recipes = Registry(
    "recipe",
    "qwen_dataset.recipes",
    {"instruct": Row(f"{_RECIPES}.instruct:InstructRecipe"), "prompts": Row(f"{_RECIPES}.prompts:PromptsRecipe")},
)
writers = Registry("writer", "qwen_dataset.writers", {"jsonl": Row(f"{_ADAPTERS}.writers.jsonl")})

_OFFER = (
    "backend", "name", "realtime", "sleep", "now", "either", "destination", "remote", "clean", "probe", "advice",
)  # fmt: skip
_REMOTE = ("upload", "create", "retrieve", "list", "cancel", "download", "delete_file")
_BACKEND = ("limits", "realm", "submit", "poll", "results", "cancel", "__aenter__", "__aexit__")
_STORAGE = ("get", "stream", "put", "keys", "delete")
_RECIPE = ("name", "prompt_version", "drafts", "entries")
_FORMAT = ("open", "check", "digest", "recognise")
_NOTHING_SET = BackendSettings()


def open_backend(text: str, settings: BackendSettings = _NOTHING_SET) -> Offer:
    """Return the backend with this name or address, which takes the place of those in ``settings``.

    Raises SettingError; spends nothing.
    """
    address = Address.parse(text, setting="the backend")
    plugin = backends.find(address.scheme)
    settings = attrs.evolve(settings, location=address.location, parameters=address.parameters)
    offer = plugin.call(settings, needed=_OFFER, wanted="Offer", hidden=lambda: _keys(settings))
    plugin.check(offer.backend, needed=_BACKEND, wanted="backend", verb="offers")
    if offer.remote is not None:
        plugin.check(offer.remote, needed=_REMOTE, wanted="RemoteBatches", verb="offers")
    return cast("Offer", offer)


def open_storage(text: str) -> Storage:
    """Return the storage with this address. Raises SettingError."""
    address = Address.parse(text, setting="the storage")
    hint = f"; for a folder write {quoted(f'file:{text}')}" if text and ":" not in text else ""
    plugin = storages.find(address.scheme, hint=hint)
    storage = plugin.call(address.location, address.parameters, needed=_STORAGE, wanted="storage")
    return cast("Storage", storage)


def is_storage(scheme: str) -> bool:
    """Say whether there is a storage with this name."""
    return scheme in storages.rows or bool(storages.offered(scheme))


def local_folder(storage: str) -> Path | None:
    """Return the folder in which a storage keeps its jobs, None where that is no local folder. Raises SettingError."""
    return Address.parse(storage, setting="the storage").folder


def recipe(name: str, *, count: CountTokens | None = None) -> Recipe:
    """Return the recipe with this name, counting tokens like this where it counts any. Raises SettingError."""
    plugin = recipes.find(name)
    made = plugin.call(needed=_RECIPE, wanted="recipe")
    with plugin.guarded():
        own = made.name
    if own != name:
        # A job notes the recipe's own name, and finds it again by that.
        raise SettingError(f"{plugin} cannot be used: it calls itself {quoted(own)}; both names must be the same")
    if count is not None and hasattr(made, "with_counter"):
        with plugin.guarded():
            made = made.with_counter(count)
        plugin.check(made, needed=_RECIPE, wanted="recipe", verb="returned")
    return cast("Recipe", made)


def output_format(name: str = "jsonl") -> OutputFormat:
    """Return how a dataset file of this kind is written. Raises SettingError."""
    plugin = writers.find(name)
    loaded = plugin.load()
    plugin.check(loaded, needed=_FORMAT, wanted="output format", verb="is")
    return cast("OutputFormat", loaded)


def _keys(settings: BackendSettings) -> Collection[str]:
    """Return the key in use; whoever needs it says himself why it cannot be had."""
    with suppress(Exception):
        return [settings.api_key()] if settings.api_key is not None else []
    return []
