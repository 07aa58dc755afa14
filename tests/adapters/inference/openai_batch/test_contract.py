"""The port's duties, over our own small service and over the local Bailian; and what a line may weigh."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import given, settings

from qwen_dataset.adapters.inference.openai_api.batch import OpenAIBatchBackend
from qwen_dataset.adapters.inference.openai_api.lines import line_of
from qwen_dataset.app.codec import encode
from qwen_dataset.domain.inference import Request
from qwen_dataset.ports.inference import InferenceBackend
from qwen_dataset.testing.bailian import BailianSettings, RunningServer, serve_in_thread
from qwen_dataset.testing.inference_contract import InferenceBackendContract
from qwen_dataset.testing.strategies import requests

from .service import START, Fault, Service
from .stage import backend_for, options_for


class _OverOurService(InferenceBackendContract):
    service: Service

    @pytest.fixture(autouse=True)
    def _service(self) -> Iterator[None]:
        self.service = Service()
        self.prepare(self.service)
        yield
        self.service.close()

    def prepare(self, service: Service) -> None:
        return

    def make(self, tmp_path: Path) -> InferenceBackend:
        return backend_for(self.service)

    async def sleep(self, backend: InferenceBackend, seconds: float) -> None:
        await self.service.sleep(seconds)

    def paid(self, tmp_path: Path) -> Counter[str]:
        return self.service.paid()


class TestOverAProperService(_OverOurService):
    pass


class TestOverAServiceThatLosesRepliesAndShowsBatchesLate(_OverOurService):
    def prepare(self, service: Service) -> None:
        service.late = 48.0
        service.filters = "refused"
        service.fail("create", Fault(is_done=True), Fault(status=503))
        service.fail("upload", Fault(is_done=True), Fault(status=500))
        service.fail("list", Fault(), None, Fault(status=429))
        service.fail("retrieve", Fault(status=502), None, Fault())
        service.fail("cancel", Fault(is_done=True))


class _OverBailian(InferenceBackendContract):
    """The batches' time is the server's: it moves on whenever a batch is looked at."""

    settings: ClassVar[BailianSettings]
    server: RunningServer

    @pytest.fixture(autouse=True)
    def _server(self) -> Iterator[None]:
        self.now = START
        with serve_in_thread(self.settings) as self.server:
            yield

    async def _pass(self, seconds: float) -> None:
        self.now += seconds
        self.server.advance(seconds)

    def make(self, tmp_path: Path) -> InferenceBackend:
        return OpenAIBatchBackend(options_for(self.server.base_url), sleep=self._pass, now=lambda: self.now)

    async def sleep(self, backend: InferenceBackend, seconds: float) -> None:
        await self._pass(seconds)

    def paid(self, tmp_path: Path) -> Counter[str]:
        return Counter(self.server.ledger.paid())


class TestOverBailian(_OverBailian):
    settings = BailianSettings()


class TestOverBailianWithAllFaults(_OverBailian):
    # The suite asks for results once: what may be raised there has tests of its own.
    settings = BailianSettings(
        seed=3,
        on=("upload", "retrieve_file", "create", "list", "cancel"),
        throttle=0.1,
        error_500=0.1,
        error_503=0.05,
        lose_upload=0.3,
        lose_create=0.5,
        processing=0.5,
        late=0.5,
        invalid=0.1,
        expire=0.2,
        truncate_clean=0.3,
        fail=0.1,
        fail_in_output=0.1,
        missing=0.05,
        corrupt=0.05,
        duplicate=0.1,
        stray=0.05,
        string_body=0.2,
        no_role=0.2,
    )


@settings(max_examples=60)
@given(request=requests())
def test_the_room_that_the_limits_leave_is_enough_for_any_line(request: Request) -> None:
    options = options_for("http://localhost:1/v1")
    limits = OpenAIBatchBackend(options).limits
    room = options.line_bytes - limits.line_bytes
    assert len(line_of(request, options.url, options.thinking)) <= len(encode(request)) + room
