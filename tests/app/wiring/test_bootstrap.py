"""Which backend answers where nobody named one."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from qwen_dataset.adapters.inference.concurrent import ConcurrentBackend
from qwen_dataset.app.wiring import bootstrap, plugins
from qwen_dataset.app.wiring.addresses import Address
from qwen_dataset.app.wiring.config import Config
from qwen_dataset.domain.jobs import Way
from qwen_dataset.errors import SettingError
from qwen_dataset.ports.inference import BackendSettings, Offer

KEY = "sk-0123456789abcdef"


@pytest.mark.parametrize(
    ("settings", "address"),
    [
        ({}, None),
        ({"base_url": "http://localhost:1/v1"}, None),
        ({"api_key": KEY}, "bailian"),
        ({"api_key": lambda: KEY}, "bailian"),
        ({"backend": "fake"}, "fake"),
        ({"backend": "fake:?seed=7", "api_key": KEY}, "fake:?seed=7"),
    ],
)
def test_the_address_is_the_one_named_else_the_providers_where_there_is_a_key(
    settings: dict[str, Any], address: str | None
) -> None:
    assert bootstrap.address_of(Config(**settings)) == address


@pytest.mark.parametrize("named", [None, "bailian", "https://host:8000/v1"])
def test_a_key_alone_opens_the_default_provider(monkeypatch: pytest.MonkeyPatch, named: str | None) -> None:
    opened: list[tuple[str, BackendSettings]] = []

    def open_backend(address: str, settings: BackendSettings) -> Offer:
        opened.append((address, settings))
        return Offer(backend=ConcurrentBackend(None, realm="r"), name="n", realtime=True)  # type: ignore[arg-type]

    monkeypatch.setattr(plugins, "open_backend", open_backend)
    config = Config(api_key=KEY, region="ap-southeast-1")
    asyncio.run(bootstrap.backend(named, config, way=Way.BATCH, window_hours=48))
    ((address, settings),) = opened
    assert address == (named or "bailian")
    assert (settings.realtime, settings.region, settings.window_hours) == (False, "ap-southeast-1", 48)
    assert settings.api_key is not None
    assert settings.api_key() == KEY


def test_with_neither_it_is_said_what_to_do() -> None:
    with pytest.raises(SettingError, match=r"set DASHSCOPE_API_KEY, or choose the backend `fake` \(--backend fake\)"):
        asyncio.run(bootstrap.backend(None, Config(), way=None, window_hours=24))


def test_the_address_of_a_server_is_a_backend() -> None:
    for text in ("https://host/v1", "http://localhost:8000/v1", "https://host:443/a/b/v1"):
        address = Address.parse(text, setting="the backend")
        assert address.scheme in plugins.backends.rows
        assert address.location == text.partition("://")[2]
        assert address.parameters == {}
    with pytest.raises(SettingError, match="user:password@"):
        Address.parse("https://me:secret@host/v1", setting="the backend")
    assert Address.parse("https://host/v1?timeout=7", setting="the backend").parameters == {"timeout": "7"}
