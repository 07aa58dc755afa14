"""A batch without any SDK: http.client and orjson, line by line, nothing that survives a crash.

python raw_batch.py BASE_URL PROMPTS ANSWERS
"""

import http.client
import sys
import tempfile
import time
from typing import IO
from urllib.parse import urlsplit

import orjson

EDGE = "qwen-dataset-benchmark"


def main(base_url: str, prompts: str, answers: str) -> None:
    parts = urlsplit(base_url)
    link = http.client.HTTPConnection(str(parts.hostname), parts.port)

    def ask(method: str, path: str, body: IO[bytes] | bytes | None = None, **headers: str) -> http.client.HTTPResponse:
        link.request(method, parts.path + path, body, {"Authorization": "Bearer sk-bench", **headers})
        return link.getresponse()

    with tempfile.TemporaryFile() as form:
        form.write(f'--{EDGE}\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n'.encode())
        form.write(f'--{EDGE}\r\nContent-Disposition: form-data; name="file"; filename="l.jsonl"\r\n\r\n'.encode())
        with open(prompts, encoding="utf-8") as asked:
            for number, prompt in enumerate(asked):
                body = {"model": "qwen-plus", "messages": [{"role": "user", "content": prompt.rstrip("\n")}]}
                line = {"custom_id": str(number), "method": "POST", "url": "/v1/chat/completions", "body": body}
                form.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
        form.write(f"\r\n--{EDGE}--\r\n".encode())
        length = form.tell()
        form.seek(0)
        kind = f"multipart/form-data; boundary={EDGE}"
        sent = ask("POST", "/files", form, **{"Content-Type": kind, "Content-Length": str(length)})
        uploaded = orjson.loads(sent.read())
    order = {"input_file_id": uploaded["id"], "endpoint": "/v1/chat/completions", "completion_window": "24h"}
    batch = orjson.loads(ask("POST", "/batches", orjson.dumps(order)).read())
    while batch["status"] not in {"completed", "failed", "expired", "cancelled"}:
        time.sleep(1)
        batch = orjson.loads(ask("GET", f"/batches/{batch['id']}").read())
    with open(answers, "wb", buffering=1 << 20) as made:
        for answered in ask("GET", f"/files/{batch['output_file_id']}/content"):
            answer = orjson.loads(answered)
            text = answer["response"]["body"]["choices"][0]["message"]["content"]
            made.write(orjson.dumps({"id": answer["custom_id"], "output": text}, option=orjson.OPT_APPEND_NEWLINE))


if __name__ == "__main__":
    main(*sys.argv[1:])
