"""A small batch service whose every reply a test can bend, and which counts what it created (that is: what is paid)."""

import json
import re
import shutil
import threading
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import attrs

from tests.loopback import QuietServer

START = 1_790_000_000.0
KNOWN_QUERY = frozenset({"after", "limit"})
FILTERS = frozenset({"ds_name", "status", "input_file_ids", "create_after", "create_before"})

Line = dict[str, Any] | bytes


@attrs.frozen(kw_only=True)
class Fault:
    """What happens instead of the proper reply; ``is_done``: the service does what it was asked before that."""

    status: int | None = None  # None: the connection is cut
    body: Any = None
    headers: Mapping[str, str] = attrs.field(factory=dict)
    is_done: bool = False


def answer_line(custom_id: str, text: str = "fine", **more: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": text}
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    body = {"choices": [{"index": 0, "finish_reason": "stop", "message": message}], "usage": usage, "model": "m"}
    return {"id": "r", "custom_id": custom_id, "response": {"status_code": 200, "body": body}, "error": None, **more}


def error_line(custom_id: str, code: str, message: str = "no") -> dict[str, Any]:
    return {"id": "r", "custom_id": custom_id, "response": None, "error": {"code": code, "message": message}}


def joined(*lines: Line) -> bytes:
    return b"".join((line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n" for line in lines)


class Service:
    """Files and batches. Batches end by themselves after ``polls`` looks, or when a test says how they end."""

    def __init__(self) -> None:
        self.now = START
        self.files: dict[str, bytes] = {}
        self.on_disk: dict[str, Path] = {}
        self.names: dict[str, str] = {}
        self.file_status: deque[str] = deque()
        self.batches: dict[str, dict[str, Any]] = {}
        self.calls: Counter[str] = Counter()
        self.queries: list[dict[str, str]] = []
        self.created: list[dict[str, Any]] = []
        self.deleted: list[str] = []
        self.faults: dict[str, deque[Fault | None]] = defaultdict(deque)
        self.downloads: dict[str, deque[bytes | tuple[bytes, int]]] = defaultdict(deque)
        self.filters = "honoured"
        self.lists = True
        self.keeps_metadata = True
        self.names_files = True
        self.lists_files = True
        self.keeps_uploads = True
        self.has_more: Callable[[bool], Any] = bool
        self.late = 0.0
        self.polls = 2
        self._looks: Counter[str] = Counter()
        self._server = QuietServer(_handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    async def sleep(self, seconds: float) -> None:
        self.now += seconds

    def fail(self, endpoint: str, *faults: Fault | None) -> None:
        """Let the next calls of an endpoint end so; None is a proper reply."""
        self.faults[endpoint].extend(faults)

    def add(self, batch_id: str, status: str = "in_progress", **fields: Any) -> dict[str, Any]:
        """Put a batch there that nobody here created."""
        batch = _batch(batch_id, status, created_at=int(self.now)) | fields
        self.batches[batch_id] = batch
        return batch

    def finish(self, status: str, output: bytes | None = None, errors: bytes | None = None, **fields: Any) -> None:
        """Let the batch that was created last end now. Counts are those of the files unless given."""
        self.end(self.created[-1], status, output, errors, fields)

    def end(
        self,
        batch: dict[str, Any],
        status: str,
        output: bytes | None,
        errors: bytes | None = None,
        fields: Mapping[str, Any] = {},
    ) -> None:
        submitted = self.lines(batch)
        output_count = len((output or b"").splitlines())
        counts = {"total": len(submitted), "completed": output_count, "failed": len(submitted) - output_count}
        batch.update({"status": status, f"{status}_at": int(self.now), "request_counts": counts})
        for field, data in (("output_file_id", output), ("error_file_id", errors)):
            if data is not None:
                batch[field] = f"file-batch_output-{len(self.files):024d}"
                self.files[batch[field]] = data
        batch.update(fields)

    def lines(self, batch: Mapping[str, Any]) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.files[batch["input_file_id"]].splitlines()]

    def paid(self) -> Counter[str]:
        """Say how often each request was bought: by every batch that was not refused."""
        bought = (batch for batch in self.created if batch["status"] != "failed")
        return Counter(line["custom_id"] for batch in bought for line in self.lines(batch))

    # What the endpoints do.

    def upload(self, name: str, data: bytes) -> dict[str, Any]:
        file_id = f"file-batch-{len(self.files):024d}"
        self.files[file_id], self.names[file_id] = data, name
        return self.file(file_id)

    def file(self, file_id: str) -> dict[str, Any]:
        status = self.file_status.popleft() if self.file_status else "processed"
        return {
            "id": file_id,
            "object": "file",
            "filename": self.names.get(file_id) if self.names_files else None,
            "bytes": len(self.files[file_id]),
            "status": status,
            "purpose": "batch",
        }

    def create(self, body: dict[str, Any]) -> dict[str, Any]:
        batch = _batch(f"batch_{len(self.created):04d}", "validating", created_at=int(self.now)) | body
        if not self.keeps_metadata:
            batch["metadata"] = None
        batch["visible_at"] = self.now + self.late
        self.batches[batch["id"]] = batch
        self.created.append(batch)
        return batch

    def visible(self) -> dict[str, dict[str, Any]]:
        return {name: batch for name, batch in self.batches.items() if self.now >= batch.get("visible_at", 0)}

    def retrieve(self, batch_id: str) -> dict[str, Any] | None:
        batch = self.visible().get(batch_id)
        if batch is None or "input_file_id" not in batch or batch["input_file_id"] not in self.files:
            return batch
        self._looks[batch_id] += 1
        if batch["status"] in ("validating", "in_progress", "cancelling") and self._looks[batch_id] >= self.polls:
            ids = [line["custom_id"] for line in self.lines(batch)]
            if batch["status"] == "cancelling":
                half = ids[: len(ids) // 2]
                self.end(batch, "cancelled", joined(*map(answer_line, half)))
            else:
                self.end(batch, "completed", joined(*map(answer_line, ids)))
        return batch

    def cancel(self, batch_id: str) -> dict[str, Any] | None:
        batch = self.visible().get(batch_id)
        if batch is not None and batch["status"] in {"validating", "in_progress"}:
            batch["status"] = "cancelling"
        return batch

    def page(self, query: dict[str, str]) -> dict[str, Any]:
        everything = sorted(self.visible().values(), key=lambda batch: (-(batch["created_at"] or 0), batch["id"]))
        if self.filters == "honoured":
            everything = [batch for batch in everything if _is_wanted(batch, query)]
        ids = [batch["id"] for batch in everything]
        first = ids.index(query["after"]) + 1 if query.get("after") in ids else 0
        page = everything[first : first + int(query.get("limit", 20))]
        more = self.has_more(len(everything) > first + len(page))
        body = {"object": "list", "data": page or None, "first_id": None, "last_id": None, "has_more": more}
        return {name: value for name, value in body.items() if value != "left out"}


def _is_wanted(batch: Mapping[str, Any], query: Mapping[str, str]) -> bool:
    name = (batch.get("metadata") or {}).get("ds_name", "")
    return (
        query.get("ds_name", "") in name
        and batch["status"] in query.get("status", batch["status"]).split(",")
        and str(batch["input_file_id"]) in query.get("input_file_ids", str(batch["input_file_id"])).split(",")
    )


def _batch(batch_id: str, status: str, *, created_at: int) -> dict[str, Any]:
    times = ("in_progress", "expires", "finalizing", "completed", "failed", "expired", "cancelling", "cancelled")
    return {
        "id": batch_id,
        "object": "batch",
        "endpoint": "/v1/chat/completions",
        "errors": None,
        "input_file_id": None,
        "completion_window": "24h",
        "status": status,
        "output_file_id": None,
        "error_file_id": None,
        "created_at": created_at,
        **{f"{time}_at": None for time in times},
        "request_counts": {"total": 0, "completed": 0, "failed": 0},
        "metadata": None,
    }


def _handler(service: Service) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 1 << 16  # a reply in one piece: in two it waits for the other side's acknowledgement

        def log_message(self, *_: object) -> None:
            return

        def do_GET(self) -> None:
            self._serve(b"")

        def do_DELETE(self) -> None:
            self._serve(b"")

        def do_POST(self) -> None:
            if "chunked" in self.headers.get("Transfer-Encoding", ""):
                data = b""
                while size := int(self.rfile.readline(), 16):
                    data += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
            elif service.keeps_uploads:
                data = self.rfile.read(int(self.headers["Content-Length"] or 0))
            else:
                data = self._skip(int(self.headers["Content-Length"] or 0))
            self._serve(data)

        def _skip(self, left: int) -> bytes:
            """Read a body and keep only as much of it as a short one has."""
            kept = b""
            while left:
                piece = self.rfile.read(min(left, 1 << 16))
                left -= len(piece)
                kept = kept or piece
            return kept

        def _serve(self, data: bytes) -> None:
            url = urlsplit(self.path)
            query = dict(parse_qsl(url.query))
            parts = url.path.removeprefix("/v1/").split("/")
            endpoint = _endpoint(self.command, parts)
            service.calls[endpoint] += 1
            fault = service.faults[endpoint].popleft() if service.faults[endpoint] else None
            if fault is not None and not fault.is_done:
                self._fail(fault)
                return
            if endpoint == "content":
                self._send_file(parts[1])
                return
            status, body = self._done(endpoint, parts, query, data)
            if fault is not None:
                self._fail(fault)
            else:
                self._send(status, body)

        def _done(self, endpoint: str, parts: list[str], query: dict[str, str], data: bytes) -> tuple[int, Any]:
            if endpoint == "list":
                service.queries.append(query)
                if not service.lists:
                    return 405, {"detail": "Method Not Allowed"}
                if service.filters == "refused" and not query.keys() <= KNOWN_QUERY:
                    return 400, {"error": {"message": "Unrecognized request argument supplied: ds_name"}}
                return 200, service.page(query)
            if endpoint == "upload":
                return 200, service.upload(*_part(data))
            if endpoint == "list_files":
                if not service.lists_files:
                    return 405, {"detail": "Method Not Allowed"}
                return 200, {"object": "list", "data": [service.file(each) for each in service.names]}
            if endpoint == "create":
                return 200, service.create(json.loads(data))
            if endpoint == "models":
                return 200, {"object": "list", "data": [{"id": "m"}]}
            if endpoint == "delete_file":
                found = service.files.pop(parts[1], None)
                service.deleted.append(parts[1])
                return (200, {"deleted": True}) if found is not None else (404, {"error": {"code": "NotFound"}})
            found = {
                "retrieve": lambda: service.retrieve(parts[1]),
                "cancel": lambda: service.cancel(parts[1]),
                "file": lambda: service.file(parts[1]) if parts[1] in service.files else None,
            }[endpoint]()
            return (
                (200, found) if found is not None else (404, {"error": {"code": "NotFound", "message": "Not found!"}})
            )

        def _fail(self, fault: Fault) -> None:
            if fault.status is None:
                self.close_connection = True
            else:
                self._send(fault.status, fault.body, fault.headers)

        def _send(self, status: int, body: Any, headers: Mapping[str, str] = {}) -> None:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.send_header("Content-Type", "application/json;charset=UTF-8")
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        def _send_file(self, file_id: str) -> None:
            if file_id in service.on_disk:
                self.send_response(200)
                self.send_header("Content-Length", str(service.on_disk[file_id].stat().st_size))
                self.end_headers()
                with service.on_disk[file_id].open("rb") as file:
                    shutil.copyfileobj(file, self.wfile)
                return
            if file_id not in service.files:
                self._send(404, {"error": {"code": "NotFound", "message": "Not found!"}})
                return
            planned = service.downloads[file_id].popleft() if service.downloads[file_id] else service.files[file_id]
            data, promised = planned if isinstance(planned, tuple) else (planned, len(planned))
            self.send_response(200)
            self.send_header("Content-Length", str(promised))
            self.end_headers()
            self.wfile.write(data)
            if promised != len(data):
                self.close_connection = True

    return Handler


def _endpoint(method: str, parts: list[str]) -> str:
    match method, parts:
        case "GET", ["batches"]:
            return "list"
        case "POST", ["batches"]:
            return "create"
        case "GET", ["batches", _]:
            return "retrieve"
        case "POST", ["batches", _, "cancel"]:
            return "cancel"
        case "GET", ["files"]:
            return "list_files"
        case "POST", ["files"]:
            return "upload"
        case "GET", ["files", _, "content"]:
            return "content"
        case "GET", ["files", _]:
            return "file"
        case "DELETE", ["files", _]:
            return "delete_file"
        case "GET", ["models"]:
            return "models"
    raise AssertionError(f"nobody asks {method} {parts}")


def _part(data: bytes) -> tuple[str, bytes]:
    """Return the name and content of the file in a multipart form."""
    boundary = data[: data.index(b"\r\n")]
    for part in data.split(boundary):
        head, _, body = part.partition(b"\r\n\r\n")
        name = re.search(rb'filename="([^"]*)"', head)
        if name:
            return name[1].decode(), body.removesuffix(b"\r\n")
    raise AssertionError("no file in the form")
