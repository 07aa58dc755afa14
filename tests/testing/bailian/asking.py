"""A client of few lines, so that the tests see what stands on the wire."""

from __future__ import annotations

import http.client
import json
import time
from typing import Any
from urllib.parse import urlencode, urlsplit

import attrs

from qwen_dataset.testing.bailian import RunningServer

CHAT = "/v1/chat/completions"
BROKEN = (http.client.HTTPException, ConnectionError)
"""What a client meets when a reply is cut off or never comes."""


@attrs.frozen
class Reply:
    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)


def ask(
    method: str, url: str, body: Any = None, *, headers: dict[str, str] | None = None, data: bytes | None = None
) -> Reply:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=20)
    try:
        content = data if body is None else json.dumps(body).encode()
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        connection.request(method, path, body=content, headers=headers or {})
        reply = connection.getresponse()
        return Reply(reply.status, {k.lower(): v for k, v in reply.getheaders()}, reply.read())
    finally:
        connection.close()


def line(number: int, *, model: str = "qwen-plus", url: str = CHAT, **body: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": f"What is {number}?"}]
    whole = {"model": model, "messages": messages, "enable_thinking": False, **body}
    return {"custom_id": f"id-{number}", "method": "POST", "url": url, "body": whole}


def chat_body(text: str = "What is a qubit?", **more: Any) -> dict[str, Any]:
    return {"model": "qwen-plus", "messages": [{"role": "user", "content": text}], "enable_thinking": False, **more}


@attrs.frozen
class Asker:
    """Asks one server."""

    server: RunningServer

    def get(self, path: str, **query: Any) -> Reply:
        return ask("GET", self.server.base_url + path + (f"?{urlencode(query)}" if query else ""))

    def post(self, path: str, body: Any = None) -> Reply:
        return ask("POST", self.server.base_url + path, body or {})

    def delete(self, path: str) -> Reply:
        return ask("DELETE", self.server.base_url + path)

    def chat(self, **body: Any) -> Reply:
        return self.post("/chat/completions", chat_body(**body))

    def native(
        self, model: str, *, kind: str = "text", headers: dict[str, str] | None = None, **parameters: Any
    ) -> Reply:
        content: Any = [{"text": "What is a qubit?"}] if kind == "multimodal" else "What is a qubit?"
        body = {"model": model, "input": {"messages": [{"role": "user", "content": content}]}, "parameters": parameters}
        return ask(
            "POST", f"{self.server.native_url}/services/aigc/{kind}-generation/generation", body, headers=headers
        )

    def upload(self, lines: list[Any], *, name: str = "input.jsonl", purpose: str = "batch") -> Reply:
        text = "".join((one if isinstance(one, str) else json.dumps(one)) + "\n" for one in lines)
        return self.upload_parts(("purpose", None, purpose), ("file", name, text))

    def upload_parts(self, *parts: tuple[str, str | None, str]) -> Reply:
        said = b""
        for name, filename, content in parts:
            extra = f'; filename="{filename}"' if filename is not None else ""
            said += f'--x\r\nContent-Disposition: form-data; name="{name}"{extra}\r\n\r\n{content}\r\n'.encode()
        headers = {"Content-Type": "multipart/form-data; boundary=x"}
        return ask("POST", f"{self.server.base_url}/files", headers=headers, data=said + b"--x--\r\n")

    def create(self, file_id: str, **more: Any) -> Reply:
        body = {"input_file_id": file_id, "endpoint": CHAT, "completion_window": "24h", **more}
        return self.post("/batches", {name: value for name, value in body.items() if value is not None})

    def start(self, lines: list[Any] | int, **more: Any) -> dict[str, Any]:
        chosen = [line(number) for number in range(lines)] if isinstance(lines, int) else lines
        return self.create(self.upload(chosen).json["id"], **more).json

    def look(self, batch: dict[str, Any]) -> dict[str, Any]:
        return self.get(f"/batches/{batch['id']}").json

    def wait(self, batch: dict[str, Any]) -> dict[str, Any]:
        for _ in range(20):
            batch = self.look(batch)
            if batch["status"] in {"completed", "failed", "expired", "cancelled"}:
                return batch
        raise AssertionError(batch)

    def lines(self, file_id: str) -> list[dict[str, Any]]:
        return [json.loads(raw) for raw in self.get(f"/files/{file_id}/content").content.splitlines()]

    def run(self, lines: list[Any] | int, **more: Any) -> dict[str, Any]:
        return self.wait(self.start(lines, **more))


def passed(began: float) -> float:
    return time.monotonic() - began
