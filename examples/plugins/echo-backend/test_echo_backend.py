"""The contract suite that qwen_dataset ships, run on this backend."""

from pathlib import Path

from echo_backend import open_echo

from qwen_dataset.ports.inference import BackendSettings, InferenceBackend
from qwen_dataset.testing.inference_contract import InferenceBackendContract


class TestEchoBackend(InferenceBackendContract):
    """Every duty of a backend."""

    realtime = True

    def make(self, tmp_path: Path) -> InferenceBackend:  # noqa: ARG002  # it keeps nothing
        """Return a new backend."""
        return open_echo(BackendSettings()).backend
