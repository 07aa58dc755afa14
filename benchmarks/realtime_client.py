"""Plain prompts in realtime by our library, a file of prompts to a file of answers; prints the event loop's lag.

    python realtime_client.py BASE_URL PROMPTS ANSWERS CONCURRENCY STORAGE

The lag is by how much the loop is late for a timer of 10 ms: [median, 99.9th percentile, most], in seconds.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from qwen_dataset import Client, Config, load_config

TICK = 0.01


async def watch(lags: list[float]) -> None:
    while True:
        started = time.perf_counter()
        await asyncio.sleep(TICK)
        lags.append(time.perf_counter() - started - TICK)


async def ask(config: Config, prompts: Iterator[str], answers: str) -> list[float]:
    lags: list[float] = []
    watching = asyncio.create_task(watch(lags))
    await Client(config).run_prompts(prompts, answers)
    watching.cancel()
    return sorted(lags)


def main(base_url: str, prompts: str, answers: str, concurrency: str, storage: str) -> None:
    config = load_config(
        api_key="sk-bench", base_url=base_url, backend="openai-chat", concurrency=int(concurrency), storage=storage
    )
    with Path(prompts).open(encoding="utf-8") as lines:
        lags = asyncio.run(ask(config, (line.rstrip("\n") for line in lines), answers))
    print(json.dumps([lags[len(lags) // 2], lags[int(len(lags) * 0.999)], lags[-1]]))


if __name__ == "__main__":
    main(*sys.argv[1:])
