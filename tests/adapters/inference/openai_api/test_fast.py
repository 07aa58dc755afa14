"""Connections by aiohttp: httpx's exceptions, nothing sent twice, and connections used again."""

import asyncio
import gzip
import importlib

import aiohttp
import openai
import pytest

from qwen_dataset.adapters.inference.openai_api import fast
from qwen_dataset.adapters.inference.openai_api.chat import ChatBackend
from qwen_dataset.adapters.inference.openai_api.client import open_calls
from qwen_dataset.adapters.inference.openai_api.errors import failure_of
from qwen_dataset.domain.inference import Completion, FailureKind
from qwen_dataset.testing.inference_contract import Asked

# httpx or httpx2, by the version of the SDK.
library = importlib.import_module(openai.DefaultAsyncHttpxClient.__mro__[1].__module__.partition(".")[0])

NOT_SENT = {
    "ConnectionTimeoutError": "ConnectTimeout",
    "ClientConnectorError": "ConnectError",
    "ClientConnectorDNSError": "ConnectError",
    "ClientConnectorSSLError": "ConnectError",
    "ClientConnectorCertificateError": "ConnectError",
    "ClientSSLError": "ConnectError",
    "UnixClientConnectorError": "ConnectError",
    "ClientProxyConnectionError": "ProxyError",
    "ClientHttpProxyError": "ProxyError",
    "InvalidURL": "UnsupportedProtocol",
    "InvalidUrlClientError": "UnsupportedProtocol",
    "InvalidUrlRedirectClientError": "UnsupportedProtocol",
    "NonHttpUrlClientError": "UnsupportedProtocol",
    "NonHttpUrlRedirectClientError": "UnsupportedProtocol",
}
SENT = {
    "SocketTimeoutError": "ReadTimeout",
    "ServerTimeoutError": "ReadTimeout",
    "ServerDisconnectedError": "RemoteProtocolError",
    "ClientPayloadError": "RemoteProtocolError",
    "ClientOSError": "ReadError",
    "ClientConnectionResetError": "ReadError",
}


def _kinds(kind):
    yield kind
    for below in kind.__subclasses__():
        yield from _kinds(below)


@pytest.mark.parametrize("kind", sorted(set(_kinds(aiohttp.ClientError)), key=lambda kind: kind.__name__))
def test_only_what_left_no_trace_says_that_nothing_was_sent(kind):
    made = type(kind.__name__, (kind,), {"__init__": lambda self: None, "__str__": lambda self: "why"})()
    translated = fast._translated(library, made)
    assert isinstance(translated, library.RequestError)
    name = type(translated).__name__
    assert name == {**NOT_SENT, **SENT}.get(kind.__name__, name)
    assert failure_of(translated).sent is (kind.__name__ not in NOT_SENT)


def test_any_other_exception_stays_what_it_is():
    assert fast._translated(library, ValueError("x")) is None


class _Server:
    """Answers as a list of bytes says, request by request; empty: hangs up."""

    def __init__(self, *replies):
        self.replies = list(replies)
        self.connections = 0
        self.requests = []

    async def __aenter__(self):
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.base_url = f"http://127.0.0.1:{self.server.sockets[0].getsockname()[1]}/v1"
        return self

    async def __aexit__(self, *_):
        self.server.close()
        await self.server.wait_closed()

    async def _serve(self, reader, writer):
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
                self.requests.append((head, await reader.readexactly(length)))
                reply = self.replies.pop(0)
                if not reply:
                    break
                writer.write(reply)
        except asyncio.IncompleteReadError:
            pass
        writer.close()


def _reply(body, *headers):
    head = "".join(f"{line}\r\n" for line in ("HTTP/1.1 200 OK", f"content-length: {len(body)}", *headers))
    return head.encode() + b"\r\n" + body


ANSWER = b'{"choices": [{"message": {"content": "Hi"}}]}'


async def _ask(kit, server, count, prompt="Hello"):
    requests = [kit.request_of(f"{prompt}{number}") for number in range(count)]
    async with ChatBackend(kit.options_of(server.base_url, concurrency=1)) as backend:
        handle = await backend.submit("k", Asked(requests))
        return [outcome async for outcome in backend.results(handle, Asked(requests))]


def test_a_connection_is_used_again(kit):
    async def scenario():
        async with _Server(*[_reply(ANSWER)] * 5) as server:
            assert [outcome.text for outcome in await _ask(kit, server, 5)] == ["Hi"] * 5
            assert server.connections == 1

    asyncio.run(scenario())


def test_what_a_kept_connection_lost_is_not_sent_again(kit):
    async def scenario():
        async with _Server(_reply(ANSWER), b"", _reply(ANSWER)) as server:
            first, lost, last = await _ask(kit, server, 3)
            assert isinstance(first, Completion)
            assert lost.kind is FailureKind.UNKNOWN
            assert isinstance(last, Completion)
            assert [body.count(b"Hello") for _, body in server.requests] == [1, 1, 1]

    asyncio.run(scenario())


def test_what_came_packed_is_unpacked(kit):
    async def scenario():
        packed = "content-encoding: gzip"
        async with _Server(_reply(gzip.compress(ANSWER), packed), _reply(b"no gzip", packed)) as server:
            good, bad = await _ask(kit, server, 2)
            assert good.text == "Hi"
            assert bad.kind is FailureKind.UNKNOWN
            assert len(server.requests) == 2

    asyncio.run(scenario())


def test_a_long_prompt_is_sent_whole(kit):
    async def scenario():
        async with _Server(_reply(ANSWER)) as server:
            (outcome,) = await _ask(kit, server, 1, prompt="long " * 300_000)
            assert outcome.text == "Hi"
            assert len(server.requests[0][1]) > 1_500_000

    asyncio.run(scenario())


AT_ONCE = 150  # more than aiohttp would have open by itself


def test_no_call_waits_for_a_place_among_the_connections(kit):
    async def scenario():
        there, all_there = [], asyncio.Event()

        async def serve(reader, writer):
            await reader.readuntil(b"\r\n\r\n")
            there.append(writer)
            if len(there) == AT_ONCE:
                all_there.set()

        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
            async with open_calls(kit.options_of(base_url, concurrency=2)) as client:
                calls = [asyncio.create_task(client.post(base_url, content=b"")) for _ in range(AT_ONCE)]
                async with asyncio.timeout(10):
                    await all_there.wait()
                for writer in there:
                    writer.close()
                await asyncio.gather(*calls, return_exceptions=True)

    asyncio.run(scenario())


def _clients(**chosen):
    base = openai.DefaultAsyncHttpxClient
    return base(**chosen), fast.fast_client(base, library)(**chosen)


def _said(request):
    return request.method, request.url, sorted(request.headers.multi_items()), request.content, request.extensions


CALLS = [
    {"headers": [("Authorization", "Bearer a"), ("X-One", "1")], "timeout": 3.0},
    {"headers": [("Authorization", "Bearer b"), ("X-One", "1")], "timeout": 3.0},
    {"headers": [("Authorization", "Bearer b"), ("X-One", "1")], "timeout": 4.0},
    {"headers": [("Authorization", "Bearer b"), ("X-One", "1"), ("X-One", "2")], "timeout": 4.0},
    {"headers": [("Content-Length", "3")], "timeout": 4.0},
    {"headers": [("Host", "elsewhere")], "timeout": 4.0, "params": {"a": "b"}},
    {"headers": {}, "timeout": 4.0},
]


def test_requests_are_built_as_the_client_builds_them():
    plain, quick = _clients(headers={"User-Agent": "ours"})
    for given in CALLS:
        for method in ("POST", "PUT"):
            for url in ("http://127.0.0.1/v1/chat/completions", "http://127.0.0.1/other?a=b"):
                # Again and again: from the second on it is made from what is known.
                for content in (b"one", b"another", b"", None, "text"):
                    made = (each.build_request(method, url, content=content, **given) for each in (plain, quick))
                    one, other = map(_said, made)
                    assert one == other


@pytest.mark.parametrize("headers", [[("X-One", "1")], [("Cookie", "ours=1")]])
def test_a_cookie_is_sent_from_then_on(headers):
    plain, quick = _clients()
    for cookie in ("", "1", "2", None):
        for each in (plain, quick):
            if cookie is None:
                each.cookies.clear()
            elif cookie:
                each.cookies.set("session", cookie, domain="127.0.0.1")
        for body in (b"one", b"two"):
            given = {"url": "http://127.0.0.1/", "headers": headers, "content": body}
            one, other = (_said(each.build_request("POST", **given)) for each in (plain, quick))
            assert one == other
            assert (f"session={cookie}" in str(one)) is (bool(cookie) and headers[0][0] != "Cookie")


def test_nothing_that_is_changed_in_a_request_is_in_the_next_one():
    _, quick = _clients()
    given = {"url": "http://127.0.0.1/", "headers": [("X-One", "1")], "content": b"body"}
    first = quick.build_request("POST", **given)
    first.headers["X-Two"] = "2"
    first.extensions["more"] = 1
    second = quick.build_request("POST", **given)
    second.headers["X-Three"] = "3"
    third = quick.build_request("POST", **given)
    assert "X-Two" not in second.headers
    assert "X-Three" not in third.headers
    assert "more" not in second.extensions


def test_cookies_of_a_gateway_are_not_kept(kit):
    async def scenario():
        async with _Server(*[_reply(ANSWER, "Set-Cookie: acw_tc=1; path=/", "set-cookie: other=2")] * 3) as server:
            assert [outcome.text for outcome in await _ask(kit, server, 3)] == ["Hi"] * 3
            assert not any(b"cookie" in head.lower() for head, _ in server.requests)

    asyncio.run(scenario())
