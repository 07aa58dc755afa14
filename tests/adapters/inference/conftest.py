"""Shared by the tests of the fake, as the fixture ``kit``: run a submission to its end, and look at what came."""

import asyncio
import sys
from collections.abc import Sequence
from types import ModuleType

import pytest

from qwen_dataset.adapters.inference.fake.backend import FakeBackend
from qwen_dataset.adapters.inference.fake.service import FakeService
from qwen_dataset.adapters.inference.fake.settings import FakeSettings
from qwen_dataset.domain.inference import Message, Outcome, Request
from qwen_dataset.testing.inference_contract import Asked

PASSAGE = """## Gradient clipping

Gradient clipping keeps the norm of a gradient below a threshold of 5.0 during training. Without it, the loss of a
recurrent network can diverge within 200 steps. The threshold is chosen once, before training begins.

| setting | loss |
| --- | --- |
| none | 9.1 |

Gradient clipping keeps the loss finite, but it does not speed up training. Smaller models are less sensitive to it."""

CHINESE_PASSAGE = """## 梯度裁剪

梯度裁剪在训练过程中将梯度的范数限制在阈值 5.0 以下。如果没有它，循环网络的损失可能在 200 步之内发散。
阈值只在训练开始之前选择一次。梯度裁剪使损失保持有限，但它不能加快训练速度。较小的模型对它不太敏感。"""


def passage_request(passage: str = PASSAGE, *, kind: str = "concept", language: str = "en", index: int = 0) -> Request:
    """Ask for a sample in words of our own: the fake must not depend on one wording."""
    if language == "zh":
        head, task = "论文标题：训练技巧", f"样例类型：{kind}\n请用中文写一个训练样例，返回一个对象。"
    else:
        head, task = "Title: Tricks of training", f"Kind: {kind}\nWrite one training example in English, as one object."
    prompt = f"{head}\n\n<passage>\n{passage}\n</passage>\n\n{task}"
    return Request(messages=(Message("user", prompt),), model="m", index=index)


def passage_requests(count: int) -> list[Request]:
    """Make requests whose passages differ."""
    return [
        passage_request(f"{PASSAGE} Run number {number} was repeated {number + 7} times on other machines.")
        for number in range(count)
    ]


async def run_through(backend: FakeBackend, requests: Sequence[Request], key: str = "job/1/a") -> dict[str, Outcome]:
    """Submit, wait on the backend's clock, collect. Exactly one outcome a request, or the test fails."""
    handle = await backend.submit(key, Asked(requests))
    while not (progress := await backend.poll(handle)).ready:
        await backend.clock.sleep(progress.retry_after or 1.0)
    outcomes = [outcome async for outcome in backend.results(handle, Asked(requests))]
    by_id = {outcome.request_id: outcome for outcome in outcomes}
    assert len(outcomes) == len(by_id) == len(requests)
    return {request.id: by_id[request.id] for request in requests}


def answered(settings: FakeSettings, requests: Sequence[Request], service: FakeService | None = None):
    """Return the outcomes and the backend of one whole run."""
    backend = FakeBackend(settings, service=service)
    return asyncio.run(run_through(backend, requests)), backend


@pytest.fixture(scope="session")
def kit() -> ModuleType:
    """This module: in pytest's importlib mode tests cannot import their neighbours."""
    return sys.modules[__name__]
