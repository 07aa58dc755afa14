"""What to tell a person before a model is asked, the same for every way to ask."""

from __future__ import annotations

from datetime import UTC, datetime

from ....domain.inference import Parameters
from ..bailian import models
from .options import BATCH_CHAT, OPENAI_BATCH, Options

_WAYS: dict[str, models.Way] = {OPENAI_BATCH: "batch", BATCH_CHAT: "batch-chat"}


def advice(options: Options, model: str, parameters: Parameters) -> list[str]:
    """Return what to know before this model is asked there; other servers name their models as they like."""
    if not options.is_bailian:
        return []
    today = datetime.now(UTC).date()
    way = _WAYS.get(options.name, "realtime")
    return models.advice(model, parameters, region=options.region, way=way, today=today)
