"""The shipped contract suite over the DashScope SDK, against a small native service and the local Bailian server."""

from collections import Counter
from pathlib import Path

import pytest

from qwen_dataset.adapters.inference.bailian.provider import open_bailian
from qwen_dataset.domain.inference import Completion, Request
from qwen_dataset.ports.inference import BackendSettings
from qwen_dataset.testing.bailian import serve_in_thread
from qwen_dataset.testing.inference_contract import InferenceBackendContract


class TestDashScope(InferenceBackendContract):
    realtime = True

    @pytest.fixture(autouse=True)
    def _serve(self, native, service):
        self.native, self.service = native, service

    def make(self, tmp_path: Path):
        return self.native.backend_at(f"{self.service.url}/{tmp_path.name}")

    def paid(self, tmp_path: Path) -> Counter[str]:
        return self.service.paid.get(tmp_path.name, Counter())

    def belongs(self, request: Request, outcome) -> bool:
        return not isinstance(outcome, Completion) or outcome.text == request.messages[-1].content


class TestBailianInRealtime(InferenceBackendContract):
    """Through the provider, streamed, against the local Bailian server: its account of the native protocol."""

    realtime = True

    @pytest.fixture(autouse=True)
    def _serve(self):
        with serve_in_thread() as self.server:
            yield

    def make(self, tmp_path: Path):
        settings = BackendSettings(
            api_key=lambda: "sk-0123456789", base_url=self.server.base_url, realtime=True, parameters={"stream": "yes"}
        )
        return open_bailian(settings).backend
