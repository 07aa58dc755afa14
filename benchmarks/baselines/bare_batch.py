"""A batch as the documentation of the `openai` SDK shows it: one file, one batch, nothing that survives a crash.

python bare_batch.py BASE_URL PROMPTS ANSWERS
"""

import json
import sys
import tempfile
import time
from pathlib import Path

from openai import OpenAI


def main(base_url: str, prompts: str, answers: str) -> None:
    client = OpenAI(base_url=base_url, api_key="sk-bench")
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as lines:
        with open(prompts, encoding="utf-8") as asked:
            for number, prompt in enumerate(asked):
                body = {"model": "qwen-plus", "messages": [{"role": "user", "content": prompt.rstrip("\n")}]}
                line = {"custom_id": str(number), "method": "POST", "url": "/v1/chat/completions", "body": body}
                lines.write(json.dumps(line, ensure_ascii=False) + "\n")
        lines.flush()
        with open(lines.name, "rb") as file:
            uploaded = client.files.create(file=file, purpose="batch")
    batch = client.batches.create(input_file_id=uploaded.id, endpoint="/v1/chat/completions", completion_window="24h")
    while batch.status not in {"completed", "failed", "expired", "cancelled"}:
        time.sleep(1)
        batch = client.batches.retrieve(batch.id)
    assert batch.output_file_id is not None
    content = client.files.content(batch.output_file_id)
    with Path(answers).open("w", encoding="utf-8") as made:
        for answered in content.text.splitlines():
            answer = json.loads(answered)
            text = answer["response"]["body"]["choices"][0]["message"]["content"]
            made.write(json.dumps({"id": answer["custom_id"], "output": text}, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
