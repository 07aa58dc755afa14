"""The prices that count: those that come with the package, and a person's own over them."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import Any

from ...domain.pricing import PriceList
from ...errors import SettingError
from . import plugins
from .config import Config

_LARGEST = 1_000_000
_BAILIAN = "bailian:"


def price_list(config: Config) -> PriceList:
    """Return every price that is known with these settings. Raises SettingError with each bad row of the own file."""
    listed: PriceList = importlib.import_module(plugins.PRICES).listed_prices()
    return listed if config.prices is None else listed.merge(_own(config.prices))


def region_of_realm(realm: str) -> str:
    """Return by what region the prices of a realm are found: Bailian's own, or the realm itself.

    For another server that is its base URL, without a slash at the end.
    """
    return realm.removeprefix(_BAILIAN)


def _own(file: Path) -> PriceList:
    module: Any = importlib.import_module(plugins.PRICE_FILES)
    found: PriceList = module.read_prices(_text(file), where=str(file))
    return found


def _text(file: Path) -> str:
    try:
        if not file.is_file():
            # A pipe or device would be waited for without end.
            why = "that is no file" if file.exists() else "it is not there"
        else:
            with file.open("rb") as stream:
                data = stream.read(_LARGEST + 1)
            if len(data) <= _LARGEST:
                # Editors of some systems put a mark in front.
                return data.decode("utf-8-sig")
            why = f"it is larger than {_LARGEST} bytes"
    except UnicodeDecodeError:
        why = "it is not UTF-8 text"
    except OSError as error:
        why = os.strerror(error.errno or 0)
    message = f"the prices cannot be read from {file}: {why}"
    raise SettingError(message)
