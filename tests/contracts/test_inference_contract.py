"""The shipped contract suite over every inference adapter, and over the fake at its worst."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import ClassVar

import attrs

from qwen_dataset.adapters.inference.concurrent import ConcurrentBackend
from qwen_dataset.adapters.inference.fake.author import draft
from qwen_dataset.adapters.inference.fake.backend import FakeBackend
from qwen_dataset.adapters.inference.fake.service import FakeService
from qwen_dataset.adapters.inference.fake.settings import FakeSettings
from qwen_dataset.domain.inference import Completion, Failure, FailureKind, Outcome, Request
from qwen_dataset.ports.inference import InferenceBackend
from qwen_dataset.testing.inference_contract import InferenceBackendContract


class _FakeContract(InferenceBackendContract):
    settings: ClassVar[FakeSettings]

    def make(self, tmp_path: Path) -> InferenceBackend:
        return FakeBackend(self.settings, service=FakeService(tmp_path / "remote.jsonl"))

    async def sleep(self, backend: InferenceBackend, seconds: float) -> None:
        assert isinstance(backend, FakeBackend)
        await backend.clock.sleep(seconds)

    def paid(self, tmp_path: Path) -> Counter[str]:
        return FakeService(tmp_path / "remote.jsonl").paid()


class _Faultless(_FakeContract):
    def belongs(self, request: Request, outcome: Outcome) -> bool:
        cancelled = isinstance(outcome, Failure) and outcome.kind is FailureKind.CANCELLED
        return cancelled or (
            isinstance(outcome, Completion) and outcome.text == draft(request, seed=self.settings.seed).text
        )


class TestFakeBatch(_Faultless):
    settings = FakeSettings()


class TestFakeBatchThatIsLongerThanItsWindow(_FakeContract):
    settings = FakeSettings(duration=100.0, window=40.0)


class TestFakeRealtime(_Faultless):
    settings = FakeSettings(mode="realtime", latency=0.5)
    realtime = True


_EVERYTHING = FakeSettings(
    seed=5,
    fail=0.1,
    delay=0.2,
    expire=0.5,
    reject=0.3,
    lose_submit=0.4,
    unavailable=0.3,
    late=0.5,
    missing=0.1,
    lose_reply=0.1,
    duplicate=0.2,
    stray=0.1,
    truncate=0.1,
    broken_json=0.1,
    fence=0.1,
    prose=0.1,
    empty=0.1,
    lie=0.2,
)


class TestFakeBatchWithAllFaults(_FakeContract):
    settings = _EVERYTHING


class TestFakeBatchWithAllFaultsAndAnotherSeed(_FakeContract):
    settings = attrs.evolve(_EVERYTHING, seed=11, shuffle=False)


class TestFakeRealtimeWithAllFaults(_FakeContract):
    settings = attrs.evolve(_EVERYTHING, mode="realtime")
    realtime = True


async def _echo(request: Request) -> Outcome:
    await asyncio.sleep(0)
    return Completion(request_id=request.id, text=request.messages[0].content)


class TestConcurrentBackend(InferenceBackendContract):
    realtime = True

    def make(self, tmp_path: Path) -> InferenceBackend:
        return ConcurrentBackend(_echo, realm="test:echo")

    def belongs(self, request: Request, outcome: Outcome) -> bool:
        return isinstance(outcome, Failure) or outcome.text == request.messages[0].content
