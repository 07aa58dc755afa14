"""A pytest plugin: a fake service, a local Bailian server, a storage in memory, and no network.

Nothing happens until it is asked for, in the topmost ``conftest.py`` or with ``-p`` on the command line::

    pytest_plugins = ["qwen_dataset.testing.plugin"]

Then the fixtures below exist, the contract suites explain their failed asserts, and a test that tries to leave this
machine is refused with ``NetworkBlocked`` (see ``qwen_dataset.testing.network``), from the set-up of its fixtures to
their end, unless it is marked ``@pytest.mark.network``.

PYTEST_DONT_REWRITE: there is no assert in here, and whoever imports it first must not be warned.
"""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ..adapters.inference.fake.backend import open_fake
from ..adapters.inference.fake.service import FakeService
from ..adapters.storage.memory import MemoryStorage
from ..errors import SettingError
from ..ports.inference import BackendSettings, Offer
from .network import network_blocked

if TYPE_CHECKING:
    from .bailian import RunningServer

_SUITES = ("storage_contract", "_storage_keys_contract", "inference_contract", "_inference_driver")
_MARKERS = (
    "network: the test may leave this machine",
    "fake(name=value, ...): parameters of the test's fake_backend, as in fake:?name=value",
    "bailian(name=value, ...): settings of the test's bailian_server, as BailianSettings has them",
)


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers, and let the asserts of the suites be rewritten."""
    for marker in _MARKERS:
        config.addinivalue_line("markers", marker)
    suites = [f"{__package__}.{name}" for name in _SUITES]
    # Pytest warns about what was imported before it could be rewritten, and nobody can do anything about it.
    pytest.register_assert_rewrite(*(name for name in suites if name not in sys.modules))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Block the network around a whole test, fixtures included."""
    if item.get_closest_marker("network"):
        return (yield)
    with network_blocked():
        return (yield)


@pytest.fixture
def fake_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file that holds the remote side of ``fake_backend``: ``fake:PATH`` reaches it from another process too."""
    return tmp_path_factory.mktemp("fake") / "remote.jsonl"


@pytest.fixture
def fake_backend(request: pytest.FixtureRequest, fake_file: Path) -> Offer:
    """A backend that needs no key, costs nothing and never waits: give it to a client as ``backend``.

    ``@pytest.mark.fake(fail=0.1, seed=7)`` chooses its faults; the parameters are those of ``FakeSettings``. Marks of a
    test, its class and its module add up, the nearest wins.
    """
    chosen = {name: _written(value) for name, value in _marked(request, "fake").items()}
    try:
        return open_fake(BackendSettings(location=str(fake_file), parameters={"mode": "batch", **chosen}))
    except SettingError as error:
        pytest.fail(f"@pytest.mark.fake: {error}", pytrace=False)


@pytest.fixture
def fake_service(fake_file: Path) -> FakeService:
    """The far side of ``fake_backend``: ``paid()`` and ``totals()`` say what a real service would have billed."""
    return FakeService(fake_file)


@pytest.fixture
def memory_storage() -> MemoryStorage:
    """A storage in memory, empty: give it to a client as ``storage``."""
    return MemoryStorage()


@pytest.fixture
def bailian_server(request: pytest.FixtureRequest) -> Iterator[RunningServer]:
    """A local server that speaks Bailian's HTTP, in a thread of its own: give its ``base_url`` to any client.

    ``@pytest.mark.bailian(fail=0.1, seed=7)`` chooses its faults; the parameters are those of ``BailianSettings``.
    Marks add up as those of ``fake_backend`` do.
    """
    from .bailian import BailianSettings, serve_in_thread  # noqa: PLC0415 - aiohttp, only for those who ask for it

    try:
        settings = BailianSettings.from_params(_marked(request, "bailian"))
    except SettingError as error:
        pytest.fail(f"@pytest.mark.bailian: {error}", pytrace=False)
    with serve_in_thread(settings) as server:
        yield server


def _marked(request: pytest.FixtureRequest, name: str) -> Mapping[str, object]:
    """Return the values of a test's marks of this name, the nearest last."""
    chosen: dict[str, object] = {}
    for mark in reversed(list(request.node.iter_markers(name))):
        if mark.args:
            pytest.fail(f"@pytest.mark.{name} takes name=value only, not {mark.args[0]!r}", pytrace=False)
        chosen |= mark.kwargs
    return chosen


def _written(value: object) -> str:
    """Return a value as a ``fake:?…`` address has it."""
    return "+".join(map(str, value)) if isinstance(value, tuple | list) else str(value)
