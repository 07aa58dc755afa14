"""Papers read by the library's verbs: the event loop goes on meanwhile, and whoever stops is obeyed at once."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from qwen_dataset import BlockingClient, Client, Config
from qwen_dataset.app.wiring import reading, reading_process
from qwen_dataset.app.wiring.corpus import ReadLimits
from qwen_dataset.errors import JobUnfinished, ReadError, SettingError
from tests.app.wiring import strange_readers

CONFIG = Config(backend="fake:memory", storage="memory:", read_processes=1)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with strange_readers.installed(tmp_path / "site", monkeypatch):
        (tmp_path / "here").mkdir()
        monkeypatch.chdir(tmp_path / "here")
        yield tmp_path / "here"


@pytest.fixture
def pids(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    started: list[int] = []

    class Noted(reading_process.ReadingProcess):
        def __init__(self, limits: ReadLimits) -> None:
            super().__init__(limits)
            started.append(self.pid)

    monkeypatch.setattr(reading, "ReadingProcess", Noted)
    return started


def gone(pids: list[int]) -> bool:
    assert pids
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    return True


def test_strings_mean_the_same_as_on_the_command_line(here: Path) -> None:
    for name in ("a", "b"):
        (here / f"{name}.strange").write_text(name)
    with BlockingClient(CONFIG) as client:
        report = client.generate(["*.strange"], "o.jsonl")
        assert report.reading is not None
        assert report.reading.papers == 2
        assert len(list(client.preview("*.strange"))) == len(list(client.preview([Path("a.strange"), "b.strange"])))
        with pytest.raises(SettingError, match="no file fits"):
            client.generate(["*.pdf"], "p.jsonl")
        with pytest.raises(SettingError, match="the output a.strange is one of the papers"):
            client.generate(["[ab].strange"], "a.strange")


def test_a_paper_that_is_read_does_not_hold_the_loop_and_stops_when_told(here: Path, pids: list[int]) -> None:
    (here / "a.strange").write_text(f"note-pid {here.parent}/pid")
    os.mkfifo(here.parent / "pid")

    async def main() -> int:
        client = Client(CONFIG)
        run = asyncio.create_task(client.generate(["a.strange"], "o.jsonl"))
        # Answered in the middle of the reading, or never.
        pid = int(await asyncio.to_thread((here.parent / "pid").read_text))
        client.stop.set()
        with pytest.raises(JobUnfinished, match="interrupted while papers were read"):
            await run
        return pid

    assert asyncio.run(main()) == pids[0]
    assert gone(pids)


def test_a_run_that_is_cancelled_leaves_no_process(here: Path, pids: list[int]) -> None:
    (here / "a.strange").write_text(f"note-pid {here.parent}/pid")
    os.mkfifo(here.parent / "pid")

    async def main() -> None:
        run = asyncio.create_task(Client(CONFIG).generate(["a.strange"], "o.jsonl"))
        await asyncio.to_thread((here.parent / "pid").read_text)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run

    asyncio.run(main())
    assert gone(pids)


def test_what_reading_raises_is_raised(here: Path, pids: list[int]) -> None:
    (here / "a.strange").write_text("a")
    (here / "b.strange").write_text("leave")
    with BlockingClient(CONFIG) as client, pytest.raises(ReadError, match="b.strange ended the process"):
        client.generate(["a.strange", "b.strange"], "o.jsonl", strict=True)
    assert gone(pids)


def test_a_preview_that_is_closed_leaves_no_process(here: Path, pids: list[int]) -> None:
    (here / "a.strange").write_text("a")
    (here / "b.strange").write_text("hang")
    requests = Client(CONFIG).preview(["a.strange", "b.strange"])
    next(requests)
    requests.close()
    assert gone(pids)
