"""A program: submits and harvests a batch of many megabytes, and prints by how many bytes the process grew meanwhile.

The service runs in the same process and keeps nothing of what passes through it.
"""

import asyncio
import json
import resource
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from qwen_dataset.domain.inference import Message, Request
from qwen_dataset.ports.inference import JobHandle

from .service import Service, answer_line
from .stage import KEY, backend_for

TEXT = "A sentence of fifty characters that says very little. " * 80


class Many:
    """Requests that exist one at a time."""

    def __init__(self, count: int) -> None:
        self._count = count

    async def __aiter__(self) -> AsyncIterator[Request]:
        for number in range(self._count):
            yield Request(messages=(Message("user", f"{number} {TEXT}"),), model="m")


async def pass_through(service: Service, folder: Path, count: int) -> int:
    """Submit and harvest; return how large the result file was."""
    path = folder / f"output-{count}"
    with path.open("w") as file:
        async for request in Many(count):
            file.write(json.dumps(answer_line(request.id, TEXT)) + "\n")
    service.on_disk["big"] = path
    counts = {"total": count, "completed": count, "failed": 0}
    service.add("batch_big", "completed", output_file_id="big", request_counts=counts)
    async with backend_for(service, lookup="none") as backend:
        await backend.submit(f"{KEY} {count}", Many(count))
        handle = JobHandle(backend="openai-batch", key=KEY, token="batch_big@0")
        found = 0
        async for outcome in backend.results(handle, Many(count)):
            found += len(outcome.text) == len(TEXT)
    assert found == count
    return path.stat().st_size


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def main(count: int) -> None:
    service = Service()
    service.keeps_uploads = False
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(pass_through(service, Path(folder), 100))
        before = _peak()
        size = asyncio.run(pass_through(service, Path(folder), count))
    service.close()
    sys.stdout.write(json.dumps({"size": size, "grown": _peak() - before}))


if __name__ == "__main__":
    main(int(sys.argv[1]))
