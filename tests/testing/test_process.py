"""A process that takes a job over from a dead one, all in one test."""

from __future__ import annotations

import asyncio

import pytest

from qwen_dataset import Client, Config, Offer
from qwen_dataset.adapters.storage.memory import MemoryStorage
from qwen_dataset.errors import JobBusy
from qwen_dataset.testing.crash import CrashingStorage, CrashPlan, CrashSwitch, SimulatedCrash
from qwen_dataset.testing.process import another_process


def test_another_process_knows_only_itself_to_be_alive() -> None:
    first, second = another_process(), another_process()
    assert first.is_alive(first.process)
    assert not second.is_alive(first.process)
    assert not first.is_alive(second.process)


def test_what_a_killed_run_held_is_free_for_another_process_only(
    fake_backend: Offer, memory_storage: MemoryStorage
) -> None:
    async def run(storage: object, **host: object) -> None:
        await Client(Config(), backend=fake_backend, storage=storage, **host).run_prompts(["a", "b"])

    with pytest.raises(SimulatedCrash):
        asyncio.run(run(CrashingStorage(memory_storage, CrashSwitch(CrashPlan(30, "after")))))
    with pytest.raises(JobBusy):
        asyncio.run(run(memory_storage))
    asyncio.run(run(memory_storage, host=another_process()))
