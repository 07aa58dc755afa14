"""Never run: mypy checks that the public names have the types that the documentation promises."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Iterator
from pathlib import Path
from typing import Any, assert_type

from qwen_dataset import (
    BackendSettings,
    BatchInferenceManager,
    BlockingClient,
    Client,
    Completion,
    ConcurrentBackend,
    Config,
    DamagedJob,
    Existing,
    InferenceBackend,
    JobStatus,
    Offer,
    Outcome,
    Plan,
    PlannedWay,
    PriceWay,
    QianWenBatchInference,
    Report,
    Request,
    Storage,
    Watch,
    get_safe_config,
    load_config,
)
from qwen_dataset.adapters.storage.memory import MemoryStorage
from qwen_dataset.domain.recipes.base import Planned
from qwen_dataset.domain.samples import Answer


async def complete(request: Request) -> Completion:
    return Completion(request_id=request.id, text=request.messages[-1].content)


def backend(settings: BackendSettings) -> Offer:
    return Offer(backend=ConcurrentBackend(complete, realm=settings.location), name="echo", realtime=True)


def settings() -> None:
    config = load_config()
    assert_type(config, Config)
    assert_type(get_safe_config(temperature=0.1), Config)
    assert_type(load_config(Path("other.toml"), model="qwen-max", use_batch=None), Config)
    assert_type(config.use_batch, bool | None)
    assert_type(config.batch_completion_window, str)
    assert_type(config.max_samples_per_paper, int)
    assert_type(config.output_file, Path)
    assert_type(config.qianwen_model, str)
    assert_type(config.temperature, float)
    Config(api_key=lambda: "key of the day", backend="fake", temperature=0)


async def asynchronous(offer: Offer, storage: Storage) -> None:
    client = Client(Config(), storage=storage, backend=offer)
    assert_type(await client.generate(["papers"], "dataset.jsonl", existing="merge"), Report)
    assert_type(await client.submit([Path("papers")], existing=Existing.REPLACE, watch=Watch()), Report)
    assert_type(await client.run_prompts(["a", {"prompt": "b", "id": 1}]), Report)
    assert_type(await client.submit_prompts(["a"], Path("answers.jsonl")), Report)
    assert_type(await client.collect("job", wait=False), Report)
    assert_type(await client.resume(), Report)
    assert_type(await client.rebuild("job"), Report)
    assert_type(await client.status(), JobStatus)
    assert_type(await client.poll("job"), JobStatus)
    assert_type(await client.cancel("job"), JobStatus)
    assert_type(await client.list_jobs(), list[JobStatus | DamagedJob])
    assert_type(client.answers("job"), AsyncGenerator[Answer, None])
    assert_type(client.preview(["papers"]), Generator[Planned, None, None])
    plan = await client.plan(["papers"], models=["qwen-flash"], regions=["cn-beijing"], deadline="6h")
    assert_type(plan, Plan)
    assert_type(plan.way("cn-beijing", PriceWay.BATCH), PlannedWay | None)
    assert_type(client.with_settings(temperature=0.0), Client)


def blocking() -> None:
    with BlockingClient(Config(), storage="memory:", backend="fake:memory") as client:
        assert_type(client.generate(["papers"]), Report)
        assert_type(client.run_prompts(["a"]), Report)
        assert_type(client.status(), JobStatus)
        assert_type(client.answers(), Iterator[Answer])
        assert_type(client.plan(["papers"]), Plan)


async def familiar() -> None:
    manager = BatchInferenceManager("key", model="qwen-plus", storage=MemoryStorage())
    result = await manager.run_batch_inference(
        prompts=["a"], job_name="my_batch_job", completion_window="24h", wait_for_completion=True, temperature=0.7
    )
    assert_type(result, dict[str, Any])
    assert_type(await manager.list_jobs(limit=3), list[dict[str, Any]])


async def by_hand() -> None:
    async with QianWenBatchInference("key", model="qwen-plus", backend="fake:memory") as steps:
        assert_type(steps, QianWenBatchInference)
        requests = steps.create_batch_requests(["a", {"prompt": "b"}], system="s", temperature=0.7)
        assert_type(requests, list[dict[str, Any]])
        assert_type(steps.write_batch_file(requests, "in.jsonl"), Path)
        assert_type(await steps.upload_file("in.jsonl"), str)
        assert_type(await steps.create_batch_job("file", completion_window="24h", job_name="n"), dict[str, Any])
        assert_type(await steps.get_batch_status("batch"), dict[str, Any])
        assert_type(await steps.wait_for_completion("batch", poll=60, on_status=print), dict[str, Any])
        assert_type(await steps.download_results("batch", "out.jsonl"), dict[str, Any])
        assert_type(steps.parse_results("out.jsonl", requests), list[dict[str, Any]])
        assert_type(await steps.cancel_batch("batch"), dict[str, Any])
        assert_type(await steps.list_batches(limit=20, statuses=["completed"]), list[dict[str, Any]])


def ports(concurrent: ConcurrentBackend, memory: MemoryStorage) -> tuple[InferenceBackend, Storage, type[Outcome]]:
    return concurrent, memory, Completion
