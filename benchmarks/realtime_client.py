"""Plain prompts in realtime by our library, a file of prompts to a file of answers.

    python realtime_client.py BASE_URL PROMPTS ANSWERS CONCURRENCY [lag]

With ``lag`` it prints how late its event loop was, as ``lagging.Probe`` finds it.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from lagging import Probe

from qwen_dataset import Client, load_config


def main(base_url: str, prompts: str, answers: str, concurrency: str, measured: str = "") -> None:
    config = load_config(
        api_key="sk-bench",
        base_url=base_url,
        backend="openai-chat",
        concurrency=int(concurrency),
        storage="file:batch_jobs",
    )
    with Path(prompts).open(encoding="utf-8") as lines:
        asking = Client(config).run_prompts((line.rstrip("\n") for line in lines), answers)
        if not measured:
            asyncio.run(asking)
            return
        probe = Probe()
        asyncio.run(probe.around(asking))
    print(json.dumps(probe.found()))


if __name__ == "__main__":
    main(*sys.argv[1:])
