"""Never run: what the types must refuse. A needless ignore is an error, so each line must really be one."""

from __future__ import annotations

from qwen_dataset import BatchInferenceManager, Client, Config, Offer


async def wrong(client: Client, manager: BatchInferenceManager) -> None:
    Config("qwen-plus")  # type: ignore[call-arg]
    Config(temprature=0.7)  # type: ignore[call-arg]
    client.config.model = "qwen-max"  # type: ignore[misc]
    await client.generate("papers", 3)  # type: ignore[arg-type]
    await client.generate(["papers"], strict="yes")  # type: ignore[arg-type]
    await manager.run_batch_inference(["a"], max_token=3)  # type: ignore[call-arg]
    Client(backend=object())  # type: ignore[arg-type]
    Offer(name="echo", realtime=True)  # type: ignore[call-arg]
