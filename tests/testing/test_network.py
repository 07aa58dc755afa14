"""Nothing leaves this machine; everything on it still works."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import socket
import threading
import urllib.request
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from qwen_dataset.testing.network import NetworkBlocked, network_blocked

# Addresses that are reserved for documentation: nobody is there, should a guard have a hole.
FOREIGN = "192.0.2.7"
FOREIGN_6 = "2001:db8::7"
NAME = "example.invalid"


@pytest.fixture(autouse=True)
def blocked():
    """What is tested here is the function, with or without the plugin around it."""
    with network_blocked():
        yield


def _sock(family: int = socket.AF_INET, kind: int = socket.SOCK_STREAM) -> socket.socket:
    return socket.socket(family, kind)


def _on(kind: int, call: Callable[[socket.socket], object], family: int = socket.AF_INET) -> Callable[[], object]:
    def ask() -> object:
        with _sock(family, kind) as sock:
            return call(sock)

    return ask


TCP, UDP = socket.SOCK_STREAM, socket.SOCK_DGRAM
LEAVING = {
    "connect to a number": (FOREIGN, _on(TCP, lambda sock: sock.connect((FOREIGN, 80)))),
    "connect to a name": (NAME, _on(TCP, lambda sock: sock.connect((NAME, 80)))),
    "connect over IPv6": (FOREIGN_6, _on(TCP, lambda sock: sock.connect((FOREIGN_6, 80, 0, 0)), socket.AF_INET6)),
    "connect to a mapped number": (
        f"::ffff:{FOREIGN}",
        _on(TCP, lambda sock: sock.connect((f"::ffff:{FOREIGN}", 80)), socket.AF_INET6),
    ),
    "connect to a name in bytes": (NAME, _on(TCP, lambda sock: sock.connect((NAME.encode(), 80)))),
    "connect_ex": (FOREIGN, _on(TCP, lambda sock: sock.connect_ex((FOREIGN, 80)))),
    "sendto": (FOREIGN, _on(UDP, lambda sock: sock.sendto(b"x", (FOREIGN, 53)))),
    "sendto with flags": (FOREIGN, _on(UDP, lambda sock: sock.sendto(b"x", 0, (FOREIGN, 53)))),
    "broadcast": ("<broadcast>", _on(UDP, lambda sock: sock.sendto(b"x", ("<broadcast>", 53)))),
    "sendmsg": (FOREIGN, _on(UDP, lambda sock: sock.sendmsg([b"x"], [], 0, (FOREIGN, 53)))),
    "getaddrinfo": (NAME, lambda: socket.getaddrinfo(NAME, 443)),
    "getaddrinfo by keyword": (NAME, lambda: socket.getaddrinfo(host=NAME, port=443)),
    "gethostbyname": (NAME, lambda: socket.gethostbyname(NAME)),
    "gethostbyname_ex": (NAME, lambda: socket.gethostbyname_ex(NAME)),
    "gethostbyaddr": (FOREIGN, lambda: socket.gethostbyaddr(FOREIGN)),
    "getnameinfo": (FOREIGN, lambda: socket.getnameinfo((FOREIGN, 80), 0)),
    "create_connection": (NAME, lambda: socket.create_connection((NAME, 443))),
    "urllib": (NAME, lambda: urllib.request.urlopen(f"https://{NAME}/")),
    "asyncio to a name": (NAME, lambda: asyncio.run(asyncio.open_connection(NAME, 443))),
    "asyncio to a number": (FOREIGN, lambda: asyncio.run(asyncio.open_connection(FOREIGN, 443))),
}


@pytest.mark.parametrize(("host", "leave"), LEAVING.values(), ids=LEAVING.keys())
def test_what_leaves_the_machine_is_refused_with_a_sentence(host: str, leave: Callable[[], object]) -> None:
    with pytest.raises(NetworkBlocked) as caught:
        leave()
    assert str(caught.value) == (
        f"a test tried to reach {host}, and the network is blocked:"
        " give the test a local server or the fake, or mark it with @pytest.mark.network"
    )


def test_other_kinds_of_sockets_are_refused_too() -> None:
    class Bluetooth(socket.socket):
        family = 31  # type: ignore[assignment]

    with Bluetooth() as sock, pytest.raises(NetworkBlocked, match="00:11:22"):
        sock.connect(("00:11:22", 1))


def test_another_thread_is_refused_as_well() -> None:
    with concurrent.futures.ThreadPoolExecutor() as pool, pytest.raises(NetworkBlocked):
        pool.submit(socket.getaddrinfo, NAME, 443).result()


def test_code_that_forgives_a_bad_line_does_not_hide_it() -> None:
    with pytest.raises(NetworkBlocked), contextlib.suppress(OSError):
        socket.create_connection((NAME, 443))


def test_a_refused_connection_leaves_no_socket_open() -> None:
    sock = _sock()
    with pytest.raises(NetworkBlocked):
        sock.connect((FOREIGN, 80))
    assert sock.fileno() == -1


class _Hello(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize("bound", ["127.0.0.1", "localhost", ""])
def test_a_local_server_can_be_asked(bound: str) -> None:
    with HTTPServer((bound, 0), _Hello) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        for_proxies = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with for_proxies.open(f"http://localhost:{server.server_port}/") as answer:
            assert answer.read() == b"hello"
        thread.join()


def test_asyncio_speaks_over_loopback() -> None:
    async def scenario() -> bytes:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(await reader.readline())
            writer.close()

        server = await asyncio.start_server(serve, "localhost", 0)
        port = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("localhost", port)
        writer.write(b"hello\n")
        said = await reader.read()
        writer.close()
        await writer.wait_closed()
        server.close()
        return said

    assert asyncio.run(scenario()) == b"hello\n"


def test_unix_sockets_pairs_and_datagrams_work(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)  # the path of a unix socket may not be long
    with _sock(socket.AF_UNIX) as server, _sock(socket.AF_UNIX) as client:
        server.bind("s")
        server.listen()
        assert client.connect_ex("s") == 0
    one, other = socket.socketpair()
    with one, other:
        one.sendmsg([b"x"])
        assert other.recv(1) == b"x"
    with _sock(kind=UDP) as receiver, _sock(kind=UDP) as sender:
        receiver.bind(("127.0.0.1", 0))
        sender.sendto(b"y", receiver.getsockname())
        assert receiver.recv(1) == b"y"
        sender.sendmsg([b"z"], [], 0, receiver.getsockname())
        assert receiver.recv(1) == b"z"


def test_what_is_asked_of_nobody_else_is_answered() -> None:
    assert socket.getaddrinfo(FOREIGN, 80)
    assert socket.getaddrinfo(None, 80)
    assert socket.gethostbyname(FOREIGN) == FOREIGN
    assert socket.getnameinfo((FOREIGN, 80), socket.NI_NUMERICHOST | socket.NI_NUMERICSERV) == (FOREIGN, "80")
    assert socket.gethostbyname("LocalHost").startswith("127.")


@pytest.mark.parametrize("call", [lambda sock: sock.connect("nonsense"), lambda sock: sock.sendto(b"x")])
def test_a_wrong_call_gets_the_socket_s_own_error(call: Callable[[socket.socket], object]) -> None:
    with _sock() as sock, pytest.raises(TypeError):
        call(sock)


def _faces() -> list[object]:
    names = ("getaddrinfo", "gethostbyname", "gethostbyname_ex", "gethostbyaddr", "getnameinfo")
    methods = ("connect", "connect_ex", "sendto", "sendmsg")
    return [getattr(socket, name) for name in names] + [vars(socket.socket).get(name) for name in methods]


def test_everything_is_put_back_also_after_an_error_and_around_another_block() -> None:
    def disturbed() -> None:
        with network_blocked():
            assert all(one is not other for one, other in zip(_faces(), before, strict=True))
            with network_blocked():
                pass
            with pytest.raises(NetworkBlocked):
                socket.getaddrinfo(NAME, 1)
            raise KeyError

    before = _faces()
    with pytest.raises(KeyError):
        disturbed()
    assert all(one is other for one, other in zip(_faces(), before, strict=True))


def test_what_another_tool_has_removed_meanwhile_is_no_trouble() -> None:
    with network_blocked(), network_blocked():
        pass
    connect = vars(socket.socket)["connect"]
    del socket.socket.connect
    with network_blocked():
        del socket.socket.connect
    assert "connect" not in vars(socket.socket)
    socket.socket.connect = connect
