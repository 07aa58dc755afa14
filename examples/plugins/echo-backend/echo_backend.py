"""A backend for qwen_dataset: it answers with the longest sentence of the passage it is shown."""

import json
import re

from qwen_dataset import BackendSettings, Completion, ConcurrentBackend, Offer, Request


async def answer(request: Request) -> Completion:
    """Answer one request in the shape that the recipe ``instruct`` asks for."""
    passage = request.messages[-1].content.partition("<passage>\n")[2].partition("\n</passage>")[0]
    quote = max(re.split(r"(?<=[.。])\s*", passage), key=len)
    sample = {"instruction": "What is the longest sentence?", "input": "", "output": quote, "evidence": [quote]}
    return Completion(request_id=request.id, text=json.dumps(sample))


def open_echo(settings: BackendSettings) -> Offer:
    """Return the backend that ``backend = "echo"`` names."""
    backend = ConcurrentBackend(answer, realm="echo", concurrency=settings.concurrency)
    return Offer(backend=backend, name="echo", realtime=True, destination="this process; nothing leaves it")
