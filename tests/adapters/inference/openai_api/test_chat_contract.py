"""The shipped contract suite over openai-chat and batch-chat, against the local Bailian and its ledger."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import ClassVar

import pytest

from qwen_dataset.adapters.inference.openai_api.chat import ChatBackend
from qwen_dataset.adapters.inference.openai_api.options import BATCH_CHAT, OPENAI_CHAT, Options
from qwen_dataset.domain.inference import Completion, Request
from qwen_dataset.ports.inference import BackendSettings, InferenceBackend
from qwen_dataset.testing.inference_contract import InferenceBackendContract


class _Clock:
    """Time that passes when somebody sleeps: pauses after a refusal take none."""

    def __init__(self) -> None:
        self._at = 0.0

    def now(self) -> float:
        return self._at

    async def sleep(self, seconds: float) -> None:
        self._at += seconds
        await asyncio.sleep(0)


class _Chat(InferenceBackendContract):
    realtime = True
    name: ClassVar[str]
    stream: ClassVar[str] = "no"

    @pytest.fixture(autouse=True)
    def _server(self, bailian_server):
        self.server = bailian_server

    def make(self, tmp_path: Path) -> InferenceBackend:
        url = self.server.batch_chat_url if self.name == BATCH_CHAT else self.server.base_url
        parameters = {"stream": self.stream, "concurrency": "16"}
        settings = BackendSettings(base_url=url, parameters=parameters, api_key=lambda: "sk-any-key")
        clock = _Clock()
        return ChatBackend(Options.from_settings(settings, name=self.name), now=clock.now, sleep=clock.sleep)

    def paid(self, tmp_path: Path) -> Counter[str]:
        return Counter(self.server.totals()["paid"])


@pytest.mark.bailian(answers="echo")
class TestOpenAIChat(_Chat):
    name = OPENAI_CHAT

    def belongs(self, request: Request, outcome: object) -> bool:
        return not isinstance(outcome, Completion) or outcome.text in request.messages[-1].content


@pytest.mark.bailian(answers="echo")
class TestBatchChat(_Chat):
    name = BATCH_CHAT


@pytest.mark.bailian(
    answers="echo", seed=3, throttle=0.1, throttle_after=0.05, error_500=0.05, error_503=0.05, reset=0.02,
    fail=0.05, inspect=0.05, lose_reply=0.02, choices_null=0.05, sse_error=0.1,
)  # fmt: skip
class TestOpenAIChatAtItsWorst(_Chat):
    name = OPENAI_CHAT
    stream = "yes"
