"""What the tests of the batch adapter do again and again."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from qwen_dataset.adapters.inference.openai_api.batch import OpenAIBatchBackend
from qwen_dataset.adapters.inference.openai_api.options import OPENAI_BATCH, Options
from qwen_dataset.domain.inference import Outcome, Request
from qwen_dataset.errors import BackendUnavailable
from qwen_dataset.ports.inference import BackendSettings, JobHandle
from qwen_dataset.testing.inference_contract import Asked, requests_of

from .service import Service

KEY = "job-1/round-1/0123456789abcdef"
REQUESTS = requests_of(4)
IDS = [request.id for request in REQUESTS]


def options_for(base_url: str, **parameters: str) -> Options:
    settings = BackendSettings(base_url=base_url, parameters=parameters, api_key=lambda: "sk-secret-of-mine")
    return Options.from_settings(settings, name=OPENAI_BATCH)


def backend_for(service: Service, **parameters: str) -> OpenAIBatchBackend:
    """Return a backend whose time is the service's, so that nothing waits."""
    options = options_for(service.base_url, **parameters)
    return OpenAIBatchBackend(options, sleep=service.sleep, now=lambda: service.now)


def run(service: Service, scenario: Callable[[OpenAIBatchBackend], Awaitable[Any]], **parameters: str) -> Any:
    """Run a scenario with an entered backend."""

    async def entered() -> Any:
        async with backend_for(service, **parameters) as backend:
            return await scenario(backend)

    return asyncio.run(entered())


async def submitted(backend: OpenAIBatchBackend, requests: Sequence[Request] = REQUESTS, key: str = KEY) -> JobHandle:
    return await backend.submit(key, Asked(requests))


async def submitted_at_last(
    backend: OpenAIBatchBackend, service: Service, requests: Sequence[Request] = REQUESTS, tries: int = 5
) -> JobHandle:
    """Submit as the engine does: after no definite answer wait the settle time, then ask again."""
    for _ in range(tries):
        try:
            return await submitted(backend, requests)
        except BackendUnavailable:
            await service.sleep(backend.limits.settle_seconds)
    raise AssertionError(f"not submitted after {tries} tries")


async def outcomes_of(
    backend: OpenAIBatchBackend, handle: JobHandle, requests: Sequence[Request] = REQUESTS
) -> dict[str, Outcome]:
    """Collect the outcomes, and see that there is one for each request."""
    found = [outcome async for outcome in backend.results(handle, Asked(requests))]
    assert sorted(outcome.request_id for outcome in found) == sorted(request.id for request in requests)
    return {outcome.request_id: outcome for outcome in found}


def told(outcomes: dict[str, Outcome]) -> list[str]:
    """Say in the order of REQUESTS what came: the text, or the failure's kind and whether it may be asked again."""
    words = []
    for request_id in IDS:
        outcome = outcomes[request_id]
        again = "!" if getattr(outcome, "retryable", False) else ""
        words.append(getattr(outcome, "text", None) or f"{outcome.kind.value}{again}")
    return words
