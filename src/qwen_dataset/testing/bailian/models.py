"""What the server knows about models by their names: enough to refuse as the service does."""

from __future__ import annotations

import re

from .settings import BailianSettings

TEST_MODEL = "batch-test-model"
TEST_URL = "/v1/chat/ds-test"

_MULTIMODAL = re.compile(r"qwen3\.[5-9]-(plus|flash|omni)|qwen3\.8-max|.*-vl\b|.*-omni|qwen-vl|qvq")
_THINKS_UNASKED = re.compile(r"qwen3\.[5-9]-|deepseek-v4")
_ALWAYS_THINKS = re.compile(r"qwq-|deepseek-r1|qwen3\.7-max-preview")
_NEVER_THINKS = re.compile(r"qwen-max|qwen-long|deepseek-v3$")


def exists(model: str, settings: BailianSettings) -> bool:
    """Say whether there is such a model."""
    if model == TEST_MODEL:
        return True
    return model in settings.models if settings.models else not model.startswith("no-such-")


def is_multimodal(model: str) -> bool:
    """Say whether the native text endpoint refuses it."""
    return _MULTIMODAL.match(model) is not None


def thinks(model: str, asked: bool | None) -> bool:
    """Say whether it thinks, when asked to, asked not to, or not asked at all."""
    if model == TEST_MODEL or _NEVER_THINKS.match(model):
        return False
    if _ALWAYS_THINKS.match(model):
        return True
    return _THINKS_UNASKED.match(model) is not None if asked is None else asked


def cannot_think(model: str) -> bool:
    """Say whether asking it to think is an error."""
    return _NEVER_THINKS.match(model) is not None
