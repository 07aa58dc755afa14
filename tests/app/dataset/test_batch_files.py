"""The Batch API's two files of a job: answers apart from errors, the same bytes each time."""

from __future__ import annotations

import asyncio
from typing import Any

from qwen_dataset.adapters.storage.memory import MemoryStorage
from qwen_dataset.app.dataset.batch_files import BatchFiles
from qwen_dataset.app.engine.layout import Layout

LAYOUT = Layout("job")


def line(number: int, error: Any = None) -> dict[str, Any]:
    return {"id": f"batch_req_{number}", "custom_id": str(number), "response": None, "error": error}


def stored(storage: MemoryStorage, *lines: dict[str, Any]) -> tuple[str | None, str | None]:
    with BatchFiles() as files:
        for each in lines:
            files.add(each)
        return asyncio.run(files.store(storage, LAYOUT))


def test_answers_and_errors_stand_apart_in_their_order() -> None:
    storage = MemoryStorage()
    keys = stored(storage, line(0), line(1, {"code": "x"}), line(2))
    assert keys == ("job/dataset/output.jsonl", "job/dataset/errors.jsonl")
    first = dict(storage._objects)
    assert [b'"custom_id":"1"' in data for data in first.values()] == [False, True]
    assert first["job/dataset/output.jsonl"].count(b"\n") == 2
    stored(storage, line(0), line(1, {"code": "x"}), line(2))
    assert storage._objects == first


def test_a_file_without_lines_is_none_and_an_earlier_one_goes() -> None:
    storage = MemoryStorage()
    assert stored(storage, line(0, {"code": "x"})) == (None, "job/dataset/errors.jsonl")
    assert stored(storage, line(0)) == ("job/dataset/output.jsonl", None)
    assert list(storage._objects) == ["job/dataset/output.jsonl"]


def test_more_lines_than_fit_a_piece_arrive_whole_and_may_be_read_again() -> None:
    storage = MemoryStorage()
    lines = [line(number) | {"response": "word " * 10_000} for number in range(50)]
    stored(storage, *lines)
    data = storage._objects["job/dataset/output.jsonl"]
    assert data.count(b"\n") == 50
    assert len(data) > 2_000_000
