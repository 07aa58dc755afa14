"""What a server may write around an answer: a reply that one client reads and the other loses would be paid again."""

import asyncio
import gzip
import json
import re

import aiohttp
import pytest

from qwen_dataset.adapters.inference.calls import CallFailed
from qwen_dataset.adapters.inference.openai_api import fast
from qwen_dataset.adapters.inference.openai_api.chat import ChatBackend
from qwen_dataset.app.codec import encode_outcome
from qwen_dataset.domain.inference import Completion
from tests.raw_replies import replying

ANSWER = json.dumps({"choices": [{"message": {"content": "hello"}, "finish_reason": "stop"}]}).encode()
REFUSAL = json.dumps({"error": {"code": "limit_requests", "message": "slow down"}}).encode()


def _reply(*headers, status=b"200 OK", body=ANSWER, length=True):
    lengths = [b"Content-Length: %d" % len(body)] if length else []
    return b"\r\n".join([b"HTTP/1.1 " + status, *headers, *lengths, b"", body])


def _chunked(body, *headers):
    head = b"\r\n".join([b"HTTP/1.1 200 OK", *headers, b"Transfer-Encoding: chunked", b"", b""])
    return head + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)


JSON = b"Content-Type: application/json"
ANSWERED = {
    "plain": _reply(JSON),
    "no length": _reply(length=False),
    "chunked": _chunked(ANSWER),
    "packed": _reply(b"Content-Encoding: gzip", body=gzip.compress(ANSWER)),
    "packed in chunks": _chunked(gzip.compress(ANSWER), b"Content-Encoding: gzip"),
    "an unknown packing": _reply(b"Content-Encoding: foo"),
    "an unknown charset": _reply(b"Content-Type: application/json; charset=nope"),
    "no reason": _reply(status=b"200"),
    "a reason in GBK": _reply(status="200 成功".encode("gbk")),
    "a header in GBK": _reply("X-Said: 成功".encode("gbk")),
    "a header of 9 KB": _reply(b"X-Long: " + b"a" * 9_000),
    "a header of 60 KB": _reply(b"X-Long: " + b"a" * 60_000),
    "200 headers": _reply(*(b"X-%d: a" % number for number in range(200))),
    "a folded header": _reply(b"X-Folded: b\r\n c"),
    "a strange cookie": _reply(b"Set-Cookie: \x01=;;"),
    "HTTP/1.0": _reply(JSON).replace(b"HTTP/1.1", b"HTTP/1.0"),
    "100 before it": b"HTTP/1.1 100 Continue\r\n\r\n" + _reply(JSON),
    "103 before it": b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + _reply(JSON),
    "another success": _reply(status=b"299 Fine"),
}
REFUSED = {
    "429": _reply(JSON, status=b"429 Too Many Requests", body=REFUSAL),
    "429, its reason in GBK": _reply(JSON, status="429 请求过多".encode("gbk"), body=REFUSAL),
    "500 and nothing": _reply(status=b"500 Internal Server Error", body=b"", length=False),
}
LOST = {
    "nothing": b"",
    "no HTTP": b"hello\r\n\r\n",
    "cut": _reply(JSON)[:-10],
    "cut in chunks": _chunked(ANSWER)[:-40],
    "packed badly": _reply(b"Content-Encoding: gzip", body=b"no gzip"),
}
# The parser of aiohttp refuses what h11 takes, and has no switch for it.
ONLY_HTTPX = {
    "a length beside chunks": _chunked(ANSWER, b"Content-Length: %d" % len(ANSWER)),
    "the same length twice": _reply(b"Content-Length: %d" % len(ANSWER)),
}


async def _told(kit, reply, **parameters):
    """Make one call that is answered like this; return the answer or what the failure says, and the calls made."""
    async with replying(reply) as (url, bodies):
        options = kit.options_of(f"{url}/v1", parameters={"timeout": "5", **parameters})
        async with asyncio.timeout(20), ChatBackend(options) as backend:
            try:
                answer = await backend._send(kit.request_of("Hello"))
            except CallFailed as failed:
                return (failed.status, failed.sent), len(bodies)
            return answer.text, len(bodies)


@pytest.mark.usefixtures("connections")
@pytest.mark.parametrize("form", ANSWERED)
def test_an_answer_is_read_whatever_stands_around_it(kit, form):
    assert asyncio.run(_told(kit, ANSWERED[form])) == ("hello", 1)


@pytest.mark.usefixtures("connections")
@pytest.mark.parametrize("form", REFUSED)
def test_a_refusal_keeps_its_status(kit, form):
    status = int(re.match(rb"HTTP/1.1 (\d+)", REFUSED[form])[1])
    (told, _), calls = asyncio.run(_told(kit, REFUSED[form]))
    assert (told, calls) == (status, 1)


@pytest.mark.usefixtures("connections")
@pytest.mark.parametrize("form", LOST)
def test_what_cannot_be_read_may_have_been_paid(kit, form):
    (status, sent), calls = asyncio.run(_told(kit, LOST[form]))
    assert (status, sent, calls) == (None, True, 1)


@pytest.mark.parametrize("form", ONLY_HTTPX)
def test_what_only_httpx_reads_is_read_by_httpx_where_that_was_chosen(kit, form):
    assert asyncio.run(_told(kit, ONLY_HTTPX[form], connections="httpx")) == ("hello", 1)


def test_an_aiohttp_that_misses_an_error_is_not_used(monkeypatch, caplog):
    monkeypatch.delattr(aiohttp, "ConnectionTimeoutError")
    for each in (fast.is_usable, fast._kinds):
        each.cache_clear()
    try:
        assert not fast.is_usable()
        assert "too old" in caplog.text
    finally:
        for each in (fast.is_usable, fast._kinds):
            each.cache_clear()


HALF = json.dumps({"choices": [{"message": {"content": "so far \ud83d"}, "finish_reason": "length"}]}).encode()
BROKEN = '{"choices": [{"message": {"content": "so far é"}}]}'.encode("latin-1")


@pytest.mark.usefixtures("connections")
@pytest.mark.parametrize("body", [HALF, BROKEN])
def test_an_answer_that_ends_in_half_a_character_is_not_lost(kit, body):
    text, calls = asyncio.run(_told(kit, _reply(JSON, body=body)))
    assert text.startswith("so far ")
    assert calls == 1


@pytest.mark.usefixtures("connections")
def test_a_character_that_came_in_two_events_is_one(kit):
    pieces = [{"choices": [{"delta": {"content": half}}]} for half in ("\ud83d", "\ude00")]
    pieces.append({"choices": [{"delta": {}, "finish_reason": "stop"}]})
    body = b"".join(b"data: %b\n\n" % json.dumps(each).encode() for each in pieces)
    text, _ = asyncio.run(_told(kit, _reply(b"Content-Type: text/event-stream", body=body), stream="yes"))
    stored = encode_outcome(Completion(request_id="0" * 32, text=text), backend="b", round_number=1)
    assert json.loads(stored)["outcome"]["text"] == "\U0001f600"
