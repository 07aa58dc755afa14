from __future__ import annotations

import pytest

from qwen_dataset.testing.bailian import RunningServer
from tests.testing.bailian.asking import Asker


@pytest.fixture
def asker(bailian_server: RunningServer) -> Asker:
    return Asker(bailian_server)
