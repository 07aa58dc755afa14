"""Realtime as the documentation of the `openai` SDK shows it: a semaphore and `asyncio.gather`, nothing durable.

python gather.py BASE_URL PROMPTS ANSWERS CONCURRENCY
"""

import asyncio
import json
import sys
from pathlib import Path

from openai import AsyncOpenAI


async def ask_all(base_url: str, prompts: list[str], concurrency: int) -> list[str]:
    client = AsyncOpenAI(base_url=base_url, api_key="sk-bench")
    free = asyncio.Semaphore(concurrency)

    async def ask(prompt: str) -> str:
        async with free:
            answer = await client.chat.completions.create(
                model="qwen-plus",
                messages=[{"role": "user", "content": prompt}],
            )
        return answer.choices[0].message.content or ""

    return await asyncio.gather(*(ask(prompt) for prompt in prompts))


def main(base_url: str, prompts: str, answers: str, concurrency: str) -> None:
    asked = Path(prompts).read_text(encoding="utf-8").splitlines()
    texts = asyncio.run(ask_all(base_url, asked, int(concurrency)))
    lines = [json.dumps({"id": number, "output": text}, ensure_ascii=False) for number, text in enumerate(texts)]
    Path(answers).write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
