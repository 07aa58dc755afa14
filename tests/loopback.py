"""HTTP servers on loopback for tests: one that gives any reply, and one that passes on and loses replies."""

from __future__ import annotations

import http.client
import ssl
import sys
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import attrs


class QuietServer(ThreadingHTTPServer):
    """A server on loopback that does not speak of clients that went away or fell silent.

    Its threads outlive the test, and what they say would stand in the output of another one that looks at it.
    """

    def __init__(self, handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError | TimeoutError | ssl.SSLError):
            super().handle_error(request, client_address)


@attrs.frozen
class Asked:
    """A request as it came; ``target`` is its path and query, or a whole URL where we are its proxy."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


@attrs.frozen
class Reply:
    """An answer. ``promised`` is the length it claims where that is a lie."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = attrs.field(factory=dict)
    promised: int | None = None


class Loopback:
    """An HTTP server in this process: ``answer`` is called in its threads; None closes the connection, no reply."""

    def __init__(self, answer: Callable[[Asked], Reply | None]) -> None:
        self.asked: list[Asked] = []
        self._answer = answer
        self._server = QuietServer(_handler(self))
        self.endpoint = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Loopback:
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def use_tls(self, chain: Path, key: Path) -> None:
        """Speak TLS with this certificate from now on."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain, key)
        # The handshake is left to the thread of the request: one that is refused must not end the server.
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.endpoint = self.endpoint.replace("http://", "https://")

    def reply(self, asked: Asked) -> Reply | None:
        self.asked.append(asked)
        return self._answer(asked)


def relay(port: int, loses: Callable[[Asked], bool]) -> Loopback:
    """Return a server that passes everything on to ``port`` here, and swallows the replies that ``loses`` names.

    What was asked is done all the same.
    """

    def answer(asked: Asked) -> Reply | None:
        upstream = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            # The signature is about the headers, Host among them, so they stay as they are.
            upstream.putrequest(asked.method, asked.target, skip_host=True, skip_accept_encoding=True)
            for name, value in asked.headers.items():
                upstream.putheader(name, value)
            upstream.endheaders(asked.body)
            got = upstream.getresponse()
            body = got.read()
            headers = {name: value for name, value in got.getheaders() if name.lower() not in _OF_A_HOP}
        except OSError as error:
            raise RuntimeError(f"the server behind the relay failed: {error}") from error
        finally:
            upstream.close()
        if loses(asked):
            return None
        length = int(got.headers.get("Content-Length") or len(body))
        return Reply(got.status, body, headers, promised=length if asked.method == "HEAD" else None)

    return Loopback(answer)


_OF_A_HOP = {"content-length", "transfer-encoding", "connection", "date", "server"}


def _handler(owner: Loopback) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 60

        def handle_one_request(self) -> None:
            self.raw_requestline = self.rfile.readline(65537)
            if not self.raw_requestline or not self.parse_request():
                self.close_connection = True
                return
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            reply = owner.reply(Asked(self.command, self.path, dict(self.headers.items()), body))
            if reply is None:
                self.close_connection = True
                return
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body) if reply.promised is None else reply.promised))
            self.end_headers()
            self.wfile.write(reply.body)
            self.wfile.flush()
            if reply.promised is not None and self.command != "HEAD":
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    return Handler
