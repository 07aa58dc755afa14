"""Plain prompts by our library, as a program that imports it runs them: a file of prompts to a file of answers.

    python library.py BASE_URL PROMPTS ANSWERS BACKEND [--concurrency CALLS] [--lag]

With ``--lag`` it prints how late its event loop was, as ``lagging.Probe`` finds it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path

from lagging import Probe

from qwen_dataset import Client, load_config


def main() -> None:
    parser = argparse.ArgumentParser(description="Runs plain prompts by our library.")
    parser.add_argument("base_url")
    parser.add_argument("prompts", type=Path)
    parser.add_argument("answers", type=Path)
    parser.add_argument("backend")
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--lag", action="store_true")
    chosen = parser.parse_args()
    config = load_config(
        api_key="sk-bench",
        base_url=chosen.base_url,
        backend=chosen.backend,
        concurrency=chosen.concurrency,
        poll=1,
        storage="file:batch_jobs",
    )
    with chosen.prompts.open(encoding="utf-8") as lines:
        asking = Client(config).run_prompts((line.rstrip("\n") for line in lines), chosen.answers)
        if not chosen.lag:
            asyncio.run(asking)
            return
        probe = Probe()
        asyncio.run(probe.around(asking))
    print(json.dumps(probe.found()))


if __name__ == "__main__":
    main()
