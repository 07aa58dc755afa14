"""A loopback service that is faster than any client: what is measured is the client, not the server.

    python benchmarks/stub.py [--latency SECONDS] [--spread SIGMA] [--answer BYTES] [--burst AFTER,SECONDS]

Speaks what the benchmarks need of the OpenAI-compatible API: files, batches (done at once), chat completions (answered
after the latency, which varies log-normally with ``--spread``). ``--burst`` answers 429 for some seconds, once so many
calls were answered. Prints its port; ``GET /stats`` tells what was asked, ``POST /quit`` ends it. Whole bodies are held
in memory: it is no example of a server.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import math
import random
import time
from collections import Counter
from collections.abc import Callable
from email.message import Message
from functools import partial

import orjson

FILLING = "The lifetime of the state was measured with a laser, and it grew with the depth of the trap. "
USAGE = {"prompt_tokens": 700, "completion_tokens": 250, "total_tokens": 950}


class Service:
    """What is kept: files, batches, and how often what was asked."""

    def __init__(self, *, answer: int, latency: float, spread: float, burst: tuple[int, float] | None) -> None:
        self.files: dict[str, bytes] = {}
        self.batches: dict[str, dict[str, object]] = {}
        self.calls: Counter[str] = Counter()
        self.answered: list[float] = []
        self._text = (FILLING * (answer // len(FILLING) + 1))[:answer]
        self._tail = self._chat_tail()
        self._latency = latency
        self._spread = spread
        self._burst = burst
        self._refuses_until = 0.0
        self._dice = random.Random(1)

    def wait(self) -> float:
        """Return how long this call takes, in seconds; the mean is the latency whatever the spread."""
        if not self._spread:
            return self._latency
        return self._latency * self._dice.lognormvariate(-self._spread * self._spread / 2, self._spread)

    def refuses(self) -> bool:
        """Say whether a call is answered by 429 now."""
        now = time.monotonic()
        if self._burst is not None and len(self.answered) >= self._burst[0]:
            self._refuses_until, self._burst = now + self._burst[1], None
        return now < self._refuses_until

    def chat(self) -> bytes:
        """Return the body of one answer."""
        self.answered.append(time.monotonic())
        return b'{"id":"chatcmpl-%d"' % len(self.answered) + self._tail

    def upload(self, body: bytes) -> dict[str, object]:
        file_id = f"file-{len(self.files)}"
        self.files[file_id] = body
        return {"id": file_id, "object": "file", "bytes": len(body), "created_at": int(time.time()),
                "filename": "lines.jsonl", "purpose": "batch", "status": "processed"}  # fmt: skip

    def create(self, asked: dict[str, object]) -> dict[str, object]:
        """Do a whole batch at once; its answers come in no order, as the service's may."""
        lines = self.files[str(asked["input_file_id"])].splitlines()
        batch_id, output = f"batch_{len(self.batches)}", f"out-{len(self.batches)}"
        made = []
        for number, line in enumerate(lines):
            answered = b',"error":null,"response":{"status_code":200,"request_id":"r","body":{"id":"c"' + self._tail
            made.append(
                b'{"id":"l%d","custom_id":%s%s}}' % (number, orjson.dumps(orjson.loads(line)["custom_id"]), answered)
            )
        self._dice.shuffle(made)
        self.files[output] = b"\n".join(made) + b"\n"
        now, count = int(time.time()), len(lines)
        self.batches[batch_id] = {
            "id": batch_id, "object": "batch", "endpoint": asked["endpoint"], "errors": None,
            "input_file_id": asked["input_file_id"], "completion_window": asked["completion_window"],
            "status": "completed", "output_file_id": output, "error_file_id": None, "created_at": now,
            "in_progress_at": now, "completed_at": now, "metadata": asked.get("metadata") or {},
            "request_counts": {"total": count, "completed": count, "failed": 0},
        }  # fmt: skip
        return self.batches[batch_id]

    def _chat_tail(self) -> bytes:
        choice = {"index": 0, "message": {"role": "assistant", "content": self._text}, "finish_reason": "stop"}
        rest = {"object": "chat.completion", "created": 1, "model": "qwen-plus", "choices": [choice], "usage": USAGE}
        return b"," + orjson.dumps(rest)[1:]


class Connection(asyncio.Protocol):
    """One connection: requests one after the other, each with its whole body."""

    def __init__(self, service: Service, quit_now: Callable[[], None]) -> None:
        self._service = service
        self._quit = quit_now
        self._parts: list[bytes] = []
        self._held = 0
        self._head: bytes | None = None
        self._length = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._parts.append(data)
        self._held += len(data)
        if self._head is not None and self._held < self._length:
            return
        whole = b"".join(self._parts)
        if self._head is None:
            head, found, whole = whole.partition(b"\r\n\r\n")
            if not found:
                self._parts = [head]
                return
            self._head, self._length = head, _length(head)
        self._parts, self._held = [whole], len(whole)
        chunked = self._length < 0
        if self._held >= self._length and (not chunked or whole.endswith(b"0\r\n\r\n")):
            head, body = self._head, _dechunked(whole) if chunked else whole
            self._parts, self._held, self._head = [], 0, None
            self._answer(head, body)

    def _answer(self, head: bytes, body: bytes) -> None:
        method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
        path = target.partition("?")[0].removeprefix("/v1")
        service = self._service
        if path == "/chat/completions":
            service.calls["chat"] += 1
            if service.refuses():
                refused = b'{"error":{"code":"limit_requests","message":"Requests rate limit exceeded"}}'
                self._send(429, refused)
            elif wait := service.wait():
                asyncio.get_running_loop().call_later(wait, self._chat)
            else:
                self._chat()
            return
        service.calls[f"{method} {path.split('/')[1]}"] += 1
        match (method, *path.strip("/").split("/")):
            case ("POST", "files"):
                self._json(service.upload(_uploaded(head, body)))
            case ("GET", "files", file_id, "content"):
                self._send(200, service.files[file_id], "application/octet-stream")
            case ("POST", "batches"):
                self._json(service.create(orjson.loads(body)))
            case ("GET", "batches"):
                rows = list(service.batches.values())[::-1]
                self._json({"object": "list", "data": rows, "has_more": False, "first_id": None, "last_id": None})
            case ("GET", "batches", batch_id):
                self._json(service.batches[batch_id])
            case ("GET", "stats"):
                first, *_, last = service.answered or [0.0, 0.0]
                times = [round(each - first, 3) for each in service.answered]
                self._json({"calls": service.calls, "seconds": last - first, "times": times})
            case ("POST", "quit"):
                self._json({})
                self._quit()
            case _:
                self._send(404, b'{"error":{"code":"not_found","message":"no such path"}}')

    def _chat(self) -> None:
        if not self._transport.is_closing():
            self._send(200, self._service.chat())

    def _json(self, value: object) -> None:
        self._send(200, orjson.dumps(value))

    def _send(self, status: int, body: bytes, kind: str = "application/json") -> None:
        head = f"HTTP/1.1 {status} OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
        self._transport.writelines([head.encode(), body])


def _length(head: bytes) -> int:
    """Return the length of the body that a head announces; -1: it comes in chunks."""
    fields = head.lower()
    if b"transfer-encoding: chunked" in fields:
        return -1
    _, found, rest = fields.partition(b"content-length:")
    return int(rest.partition(b"\r\n")[0]) if found else 0


def _dechunked(body: bytes) -> bytes:
    parts, start = [], 0
    while size := int(body[start : (line := body.index(b"\r\n", start))], 16):
        parts.append(body[line + 2 : line + 2 + size])
        start = line + 4 + size
    return b"".join(parts)


def _uploaded(head: bytes, body: bytes) -> bytes:
    """Return the file of a multipart form."""
    message = Message()
    kind = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"content-type:"))
    message["content-type"] = kind.partition(b":")[2].decode().strip()
    boundary = str(message.get_param("boundary")).encode()
    for part in body.split(b"--" + boundary):
        fields, found, content = part.partition(b"\r\n\r\n")
        if found and b'name="file"' in fields:
            return content.removesuffix(b"\r\n")
    raise ValueError("the form has no file")


async def serve(service: Service) -> None:
    done = asyncio.Event()
    server = await asyncio.get_running_loop().create_server(
        partial(Connection, service, done.set), "127.0.0.1", 0, backlog=2048
    )
    async with server:
        print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
        # Ends by itself where nobody ends it.
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(done.wait(), 6 * 3600)


def main() -> None:
    parser = argparse.ArgumentParser(description="A loopback service that is faster than any client.")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds that a chat completion takes [0]")
    parser.add_argument("--spread", type=float, default=0.0, help="sigma of the latency's logarithm [0: none]")
    parser.add_argument("--answer", type=int, default=1000, help="bytes of an answer [1000]")
    parser.add_argument("--burst", default="", help="AFTER,SECONDS: 429 for so long after so many answers")
    chosen = parser.parse_args()
    after, _, seconds = chosen.burst.partition(",")
    burst = (int(after), float(seconds)) if seconds else None
    if not (math.isfinite(chosen.latency) and chosen.latency >= 0):
        parser.error("--latency is a number of seconds")
    asyncio.run(serve(Service(answer=chosen.answer, latency=chosen.latency, spread=chosen.spread, burst=burst)))


if __name__ == "__main__":
    main()
