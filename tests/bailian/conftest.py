"""The real command line in real processes, against the local Bailian server."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

pytest.register_assert_rewrite("stored", "tests.bailian.scene")
sys.path.insert(0, str(Path(__file__).parents[1] / "app"))

from world import write_papers  # noqa: E402 - found by the line above

from qwen_dataset.testing.bailian import BailianSettings, serve_in_thread  # noqa: E402
from tests import s3  # noqa: E402
from tests.bailian.nursery import Nursery, nursery  # noqa: E402
from tests.bailian.scene import Scene  # noqa: E402

Stage = Callable[..., Scene]


@pytest.fixture(scope="session")
def children() -> Iterator[Nursery]:
    with nursery() as made:
        yield made


@pytest.fixture(scope="session")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight requests."""
    return write_papers(tmp_path_factory.mktemp("few") / "papers", ["alpha", "beta"], sections=4)


@pytest.fixture(scope="session")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three hundred and twenty requests."""
    names = [f"paper-{number:02d}" for number in range(16)]
    return write_papers(tmp_path_factory.mktemp("many") / "papers", names, sections=20)


@pytest.fixture
def stage(children: Nursery, few: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """Make a scene: a fresh server with these settings and a fresh storage. One at a time is alive."""
    numbers = iter(range(1_000_000))
    with ExitStack() as open_server:

        def made(*, storage: str = "file", papers: Path = few, faults: dict[str, Any] | None = None, **more: Any):
            open_server.close()
            folder = tmp_path / f"scene-{next(numbers)}"
            folder.mkdir()
            server = open_server.enter_context(serve_in_thread(BailianSettings.from_params(faults or {})))
            address = "file:batch_jobs"
            if storage == "s3":
                lake = s3.server()
                address = lake.url()
                for name, value in lake.environment.items():
                    monkeypatch.setenv(name, value)
                more["env"] = dict(lake.environment)
            return Scene(folder=folder, papers=papers, server=server, children=children, storage=address, **more)

        yield made
