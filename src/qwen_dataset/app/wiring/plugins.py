"""Names to adapters: the only place where the app knows which there are. None is imported before it is asked for.

A backend or storage is named ``scheme:location?parameter=value&…``. Its factory takes the location and the parameters
and returns an ``Offer`` (backends) or a ``Storage``; it raises SettingError for a parameter that it does not know.
A reader is a function of a file's bytes or, for a dump, of its lines.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path, PurePath
from typing import Any, cast
from urllib.parse import parse_qsl

import attrs

from ...domain.papers import Paper
from ...domain.recipes.base import Recipe
from ...domain.recipes.instruct import InstructRecipe
from ...domain.recipes.prompts import PromptsRecipe
from ...errors import ReadError, SettingError
from ...ports.inference import Offer
from ...ports.storage import Storage
from ..dataset.exporter import OutputFormat

_ADAPTERS = "qwen_dataset.adapters"

_BACKENDS = {"fake": f"{_ADAPTERS}.inference.fake.backend:from_url"}
_STORAGES = {"file": f"{_ADAPTERS}.storage.file:from_url", "memory": f"{_ADAPTERS}.storage.memory:from_url"}
_FORMATS = {"jsonl": f"{_ADAPTERS}.writers.jsonl"}
_RECIPES: dict[str, Callable[[], Recipe]] = {"instruct": InstructRecipe, "prompts": PromptsRecipe}

_DOCUMENTS = {
    ".md": f"{_ADAPTERS}.readers.markdown:read_markdown",
    ".markdown": f"{_ADAPTERS}.readers.markdown:read_markdown",
    ".txt": f"{_ADAPTERS}.readers.text:read_text",
    ".text": f"{_ADAPTERS}.readers.text:read_text",
    ".rst": f"{_ADAPTERS}.readers.text:read_text",
}
_DUMPS = {
    ".jsonl": f"{_ADAPTERS}.readers.jsonl:read_jsonl",
    ".ndjson": f"{_ADAPTERS}.readers.jsonl:read_jsonl",
}


@attrs.frozen
class Address:
    """``fake:?seed=7`` taken apart: scheme ``fake``, location "", parameters ``{"seed": "7"}``."""

    scheme: str
    location: str
    parameters: Mapping[str, str]

    @classmethod
    def parse(cls, text: str, *, setting: str) -> Address:
        """Take an address apart; a bare name is a scheme. Raises SettingError naming ``setting``."""
        scheme, _, rest = text.partition(":")
        location, _, query = rest.partition("?")
        try:
            pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
        except ValueError as error:
            message = f"{setting} {text!r} cannot be read: after `?` write name=value, joined by `&`"
            raise SettingError(message) from error
        doubled = {name for name, _ in pairs if [n for n, _ in pairs].count(name) > 1}
        if doubled:
            message = f"{setting} {text!r} gives {min(doubled)!r} twice"
            raise SettingError(message)
        return cls(scheme, location.removeprefix("//") if location.startswith("///") else location, dict(pairs))


def open_backend(text: str) -> Offer:
    """Return the backend with this name or address. Raises SettingError; spends nothing."""
    address = Address.parse(text, setting="the backend")
    factory = _load(_BACKENDS, address.scheme, setting="backend")
    return cast("Offer", factory(address.location, address.parameters))


def open_storage(text: str) -> Storage:
    """Return the storage with this address. Raises SettingError."""
    address = Address.parse(text, setting="the storage")
    factory = _load(_STORAGES, address.scheme, setting="storage")
    return cast("Storage", factory(address.location, address.parameters))


def local_folder(storage: str) -> Path | None:
    """Return the folder in which a storage keeps its jobs, None where that is no local folder."""
    address = Address.parse(storage, setting="the storage")
    return Path(address.location).expanduser() if address.scheme == "file" else None


def recipe(name: str) -> Recipe:
    """Return the recipe with this name. Raises SettingError."""
    if name not in _RECIPES:
        raise SettingError(_unknown("recipe", name, _RECIPES))
    return _RECIPES[name]()


def output_format() -> OutputFormat:
    """Return how a dataset file is written."""
    module = importlib.import_module(_FORMATS["jsonl"])
    return OutputFormat(
        open=module.JsonlWriter, check=module.check_target, digest=module.file_digest, recognise=module.is_dataset
    )


def has_reader(path: PurePath) -> bool:
    """Say whether files of this name are read as papers."""
    return path.suffix.lower() in _DOCUMENTS or path.suffix.lower() in _DUMPS


def known_suffixes() -> list[str]:
    """Return the suffixes that have a reader."""
    return sorted([*_DOCUMENTS, *_DUMPS])


def read_file(path: Path, *, source: str) -> Iterator[Paper | ReadError]:
    """Yield the papers of one file; what cannot be read is yielded as the error it is. May raise OSError."""
    suffix = path.suffix.lower()
    if suffix in _DUMPS:
        read_dump = cast("Callable[..., Iterable[Paper | ReadError]]", _load(_DUMPS, suffix, setting="reader"))
        with path.open("rb") as lines:
            yield from read_dump(lines, source=source)
        return
    read = cast("Callable[..., Paper]", _load(_DOCUMENTS, suffix, setting="reader"))
    try:
        yield read(path.read_bytes(), source=source)
    except ReadError as error:
        yield error


def _load(table: Mapping[str, str], name: str, *, setting: str) -> Callable[..., Any]:
    if name not in table:
        raise SettingError(_unknown(setting, name, table))
    module, _, attribute = table[name].partition(":")
    return cast("Callable[..., Any]", getattr(importlib.import_module(module), attribute))


def _unknown(setting: str, name: str, known: Iterable[str]) -> str:
    return f"there is no {setting} {name!r}; known: {', '.join(sorted(known))}"
