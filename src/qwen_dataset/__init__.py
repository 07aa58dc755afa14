"""Turn scientific papers into a grounded instruction-tuning dataset with Qwen models.

``Client`` (async) and ``BlockingClient`` make datasets and run prompts; ``BatchInferenceManager`` is the call that
people know from loose scripts, ``QianWenBatchInference`` its single steps; ``load_config`` reads the settings. Names
are imported when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from .adapters.inference.concurrent import ConcurrentBackend
    from .app.api.blocking import BlockingClient
    from .app.api.client import Client
    from .app.api.manager import BatchInferenceManager
    from .app.api.plan import Plan, PlannedWay
    from .app.api.qianwen import QianWenBatchInference
    from .app.api.reports import DamagedJob, Forecast, JobStatus, PilotReport, Report, Route, Watch
    from .app.dataset.target import Existing
    from .app.wiring.config import Config
    from .app.wiring.sources import get_safe_config, load_config
    from .domain.inference import Completion, Failure, FailureKind, Message, Outcome, Parameters, Request, Usage
    from .domain.pricing import PriceWay
    from .domain.recipes.prompts import Prompt
    from .errors import (
        CostLimitReached,
        JobBusy,
        JobNotFound,
        JobOverlap,
        JobUnfinished,
        NotApproved,
        PilotFailed,
        QwenDatasetError,
        SettingError,
    )
    from .ports.inference import BackendSettings, InferenceBackend, JobHandle, Limits, Offer, Progress
    from .ports.storage import Storage

_HOMES = {
    "adapters.inference.concurrent": ("ConcurrentBackend",),
    "app.api.blocking": ("BlockingClient",),
    "app.api.client": ("Client",),
    "app.api.manager": ("BatchInferenceManager",),
    "app.api.plan": ("Plan", "PlannedWay"),
    "app.api.qianwen": ("QianWenBatchInference",),
    "app.api.reports": ("DamagedJob", "Forecast", "JobStatus", "PilotReport", "Report", "Route", "Watch"),
    "app.dataset.target": ("Existing",),
    "app.wiring.config": ("Config",),
    "app.wiring.sources": ("get_safe_config", "load_config"),
    "domain.inference": (
        *("Completion", "Failure", "FailureKind", "Message", "Outcome", "Parameters", "Request", "Usage"),
    ),
    "domain.pricing": ("PriceWay",),
    "domain.recipes.prompts": ("Prompt",),
    "errors": (
        *("CostLimitReached", "JobBusy", "JobNotFound", "JobOverlap", "JobUnfinished"),
        *("NotApproved", "PilotFailed", "QwenDatasetError", "SettingError"),
    ),
    "ports.inference": ("BackendSettings", "InferenceBackend", "JobHandle", "Limits", "Offer", "Progress"),
    "ports.storage": ("Storage",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "BackendSettings",
    "BatchInferenceManager",
    "BlockingClient",
    "Client",
    "Completion",
    "ConcurrentBackend",
    "Config",
    "CostLimitReached",
    "DamagedJob",
    "Existing",
    "Failure",
    "FailureKind",
    "Forecast",
    "InferenceBackend",
    "JobBusy",
    "JobHandle",
    "JobNotFound",
    "JobOverlap",
    "JobStatus",
    "JobUnfinished",
    "Limits",
    "Message",
    "NotApproved",
    "Offer",
    "Outcome",
    "Parameters",
    "PilotFailed",
    "PilotReport",
    "Plan",
    "PlannedWay",
    "PriceWay",
    "Progress",
    "Prompt",
    "QianWenBatchInference",
    "QwenDatasetError",
    "Report",
    "Request",
    "Route",
    "SettingError",
    "Storage",
    "Usage",
    "Watch",
    "__version__",
    "get_safe_config",
    "load_config",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_HOME_OF[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
