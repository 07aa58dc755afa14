"""What a server may write around an answer: one that is not read for it was paid, and would be paid again."""

import asyncio
import gzip
import json

import orjson
import pytest

from qwen_dataset.app.codec import encode_outcome
from qwen_dataset.domain.inference import Completion, Failure, FailureKind
from tests.raw_replies import replying

REFUSAL = json.dumps({"code": "Throttling", "message": "slow down"}).encode()
JSON = b"Content-Type: application/json"


def _reply(body, *headers, status=b"200 OK"):
    return b"\r\n".join([b"HTTP/1.1 " + status, JSON, *headers, b"Content-Length: %d" % len(body), b"", body])


def _answer(native):
    return json.dumps(native.message("hello")).encode()


AROUND = {
    "plain": ((), b"200 OK"),
    "a header of 9 KB": ((b"X-Long: " + b"a" * 9_000,), b"200 OK"),
    "a header of 60 KB": ((b"X-Long: " + b"a" * 60_000,), b"200 OK"),
    "200 headers": (tuple(b"X-%d: a" % number for number in range(200)), b"200 OK"),
    "a header in GBK": (("X-Said: 成功".encode("gbk"),), b"200 OK"),
    "a reason in GBK": ((), "200 成功".encode("gbk")),
    "a strange cookie": ((b"Set-Cookie: \x01=;;",), b"200 OK"),
}


async def _asked(native, reply):
    """Return the outcome of one request, each call of which is answered like this, and how often it was made."""
    async with replying(reply) as (url, bodies), native.backend_at(url, attempts=1) as backend:
        (outcome,) = await native.outcomes_of(backend, native.request_of())
        return outcome, len(bodies)


@pytest.mark.parametrize("form", AROUND)
def test_an_answer_is_read_whatever_stands_around_it(native, form):
    headers, status = AROUND[form]
    outcome, calls = asyncio.run(_asked(native, _reply(_answer(native), *headers, status=status)))
    assert isinstance(outcome, Completion), outcome
    assert (outcome.text, calls) == ("hello", 1)


def test_a_packed_answer_is_unpacked(native):
    packed = _reply(gzip.compress(_answer(native)), b"Content-Encoding: gzip")
    outcome, _ = asyncio.run(_asked(native, packed))
    assert outcome.text == "hello"


@pytest.mark.parametrize("body", [REFUSAL, b"", "请求过多".encode("gbk")])
@pytest.mark.parametrize("status", ["429 Too Many", "429 请求过多"])
def test_a_refusal_keeps_its_status_and_can_be_stored(native, status, body):
    outcome, calls = asyncio.run(_asked(native, _reply(body, status=status.encode("gbk"))))
    assert isinstance(outcome, Failure)
    assert (outcome.kind, calls) == (FailureKind.RATE_LIMITED, 1)
    stored = encode_outcome(outcome, backend="b", round_number=1)
    assert orjson.loads(stored)["outcome"]["kind"] == "rate_limited"


def test_half_a_character_in_an_answer_does_not_lose_the_rest(native):
    body = json.dumps(native.message("so far \ud83d")).encode()
    outcome, _ = asyncio.run(_asked(native, _reply(body)))
    assert isinstance(outcome, Completion)
    stored = encode_outcome(outcome, backend="b", round_number=1)
    assert orjson.loads(stored)["outcome"]["text"].startswith("so far ")
