"""Clients that share a backend object, and jobs that are met again by another road."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from qwen_dataset import BatchInferenceManager, Client, Completion, ConcurrentBackend, Config, Offer, SettingError
from qwen_dataset.domain.jobs import Phase, Way
from tests.library.stage import Stage


class Closing:
    """A realtime service whose calls fail once it was closed, as a real client's do."""

    def __init__(self) -> None:
        self.paid: Counter[str] = Counter()
        self.visits: list[str] = []
        self._calls = ConcurrentBackend(self._complete, realm="closing")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._calls, name)

    async def _complete(self, request: Any) -> Completion:
        for _ in range(len(request.messages[-1].content)):
            await asyncio.sleep(0.002)
        self.paid[request.id] += 1
        if self.visits[-1] == "close":
            raise RuntimeError("the client has been closed")
        return Completion(request_id=request.id, text="x")

    async def __aenter__(self) -> Closing:
        self.visits.append("open")
        return self

    async def __aexit__(self, *_: object) -> None:
        self.visits.append("close")


def offered() -> tuple[Closing, Offer]:
    service = Closing()
    return service, Offer(backend=service, name="closing", realtime=True)


def test_two_managers_on_one_offer_do_not_close_it_under_each_other(stage: Stage) -> None:
    service, offer = offered()

    async def both() -> list[dict[str, Any]]:
        quick, slow = (BatchInferenceManager(backend=offer, storage=f"file:{name}") for name in ("one", "two"))
        return await asyncio.gather(
            quick.run_batch_inference(["a"]), slow.run_batch_inference(["b" * 40, "c" * 60, "d" * 80])
        )

    one, two = asyncio.run(both())
    assert (one["status"], two["status"]) == ("completed", "completed")
    assert set(service.paid.values()) == {1}
    assert service.visits == ["open", "close"]


def test_an_offer_that_is_open_in_another_loop_is_refused(stage: Stage) -> None:
    _, offer = offered()
    client = Client(Config(), storage="memory:", backend=offer)

    async def outer() -> None:
        shared = client._backends._offer
        assert shared is not None
        async with shared.backend:
            with pytest.raises(SettingError, match="another event loop"):
                await asyncio.to_thread(lambda: asyncio.run(client.run_prompts(["a"])))
        await client.run_prompts(["a"])

    asyncio.run(outer())


def test_what_was_submitted_is_what_a_later_run_goes_on_with(stage: Stage) -> None:
    client = Client(Config(backend="fake", poll=1.0))

    async def work() -> None:
        submitted = await client.submit_prompts(["a", "b"], "o.jsonl")
        status = await client.status()
        assert (status.job_id, status.spec.way) == (submitted.job_id, Way.BATCH)
        ended = await client.run_prompts(["a", "b"], "o.jsonl")
        assert ended.job_id == submitted.job_id
        assert ended.sums is not None
        assert ended.sums.completions == 2
        assert len(await client.list_jobs()) == 1

    asyncio.run(work())
    assert stage.paid()["paid"] == 2


def test_the_newest_job_is_one_in_flight_before_one_that_gave_way(stage: Stage) -> None:
    client = Client(Config(backend="fake", use_batch=True))

    async def work() -> None:
        first = await client.submit_prompts(["a", "b"])
        with pytest.raises(Exception, match="under way"):
            await client.with_settings(job_name="second").submit_prompts(["b", "c"])
        assert (await client.status()).job_id == first.job_id

    asyncio.run(work())


def test_work_without_anything_to_ask_leaves_no_job(stage: Stage) -> None:
    stage.write("empty.md", "# Only a heading\n")
    client = Client(Config(backend="fake"))
    with pytest.raises(SettingError, match="nothing to ask about"):
        asyncio.run(client.generate("empty.md"))
    assert asyncio.run(client.list_jobs()) == []


def test_an_object_given_once_does_not_forget_the_address_of_a_job(stage: Stage) -> None:
    from qwen_dataset.adapters.inference.fake.backend import open_fake
    from qwen_dataset.ports.inference import BackendSettings

    named = Client(Config(backend="fake:?mode=batch", use_batch=True))
    job = asyncio.run(named.submit_prompts(["a"])).job_id
    given = Client(Config(backend="fake:other.jsonl?seed=9"), backend=open_fake(BackendSettings(realtime=False)))
    asyncio.run(given.collect(job))
    status = asyncio.run(named.status(job))
    assert status.state.backend == "fake:?mode=batch"
    assert status.state.phase is Phase.FINISHED


def test_a_job_keeps_its_window(stage: Stage) -> None:
    manager = BatchInferenceManager(backend="fake")

    async def work() -> list[str]:
        job = (await manager.run_batch_inference(["a"], completion_window="48h", wait_for_completion=False))["job_id"]
        told = [(await manager.get_job_status(job))["completion_window"]]
        told.append((await manager.get_job_results(job))["completion_window"])
        return told

    assert asyncio.run(work()) == ["48h", "48h"]


def test_a_service_in_memory_lasts_from_call_to_call(stage: Stage) -> None:
    manager = BatchInferenceManager(backend="fake:memory", storage="memory:")

    async def work() -> dict[str, Any]:
        job = (await manager.run_batch_inference(["a", "b"], wait_for_completion=False))["job_id"]
        assert (await manager.get_job_status(job))["status"] == "in_progress"
        return await manager.get_job_results(job)

    assert asyncio.run(work())["status"] == "completed"


def test_a_client_stays_on_its_storage(stage: Stage) -> None:
    client = Client(Config(backend="fake"), storage="memory:")
    with pytest.raises(SettingError, match="stays on its storage"):
        client.with_settings(storage="file:other")
    assert client.with_settings(temperature=0.1).storage is client.storage
    assert not Path("other").exists()


def test_a_lone_path_is_one_paper_and_none_is_told(stage: Stage) -> None:
    stage.papers()
    client = Client(Config(backend="fake"), storage="memory:")
    report = asyncio.run(client.generate("papers"))
    assert report.reading is not None
    assert report.reading.papers > 0
    with pytest.raises(SettingError, match="no papers are named"):
        asyncio.run(client.generate([]))
    with pytest.raises(SettingError) as told:
        asyncio.run(client.generate(["nope", "no.md"]))
    assert len(told.value.problems) == 2
