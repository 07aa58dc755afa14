"""What the storage makes of services that guard puts and not copies, or that know no conditional copy at all."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator

import attrs
import pytest

from qwen_dataset.adapters.storage._s3_upload import PIECE_BYTES
from qwen_dataset.adapters.storage.s3 import S3Storage, from_url
from qwen_dataset.errors import KeyExists, StorageFull, StorageUnavailable
from tests.loopback import Asked, Loopback, Reply

LARGE = b"x" * (PIECE_BYTES + 1)
NOT_IMPLEMENTED = Reply(501, b"<Error><Code>NotImplemented</Code></Error>")
REFUSED = Reply(412, b"<Error><Code>PreconditionFailed</Code></Error>")


class Service:
    """Objects and uploads; puts are guarded, and what a conditional copy gets is ``copies``: None copies always."""

    def __init__(self, copies: Reply | None) -> None:
        self.objects: dict[str, bytes] = {}
        self.parts: dict[str, bytes] = {}
        self.copies = copies
        self.copied: list[str] = []

    def __call__(self, asked: Asked) -> Reply:
        path, _, query = asked.target.partition("?")
        name = path.removeprefix("/lake/")
        return getattr(self, f"_{asked.method.lower()}")(name, query, asked)

    def _put(self, name: str, query: str, asked: Asked) -> Reply:
        number = re.search(r"partNumber=(\d+)", query)
        if number:
            self.parts[f"{name} {int(number[1]):05}"] = asked.body
            return Reply(headers={"ETag": '"1"'})
        conditional = asked.headers.get("if-none-match") == "*"
        source = asked.headers.get("x-amz-copy-source")
        if source is not None:
            self.copied.append(name)
            if conditional and self.copies is not None:
                return self.copies
            self.objects[name] = self.objects[source.strip("/").removeprefix("lake/")]
            return Reply(body=b"<CopyObjectResult><ETag>1</ETag></CopyObjectResult>")
        if conditional and name in self.objects:
            return REFUSED
        self.objects[name] = asked.body
        return Reply(headers={"ETag": '"1"'})

    def _post(self, name: str, query: str, _: Asked) -> Reply:
        if "uploads" in query:
            return Reply(body=b"<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>")
        mine = sorted(key for key in self.parts if key.startswith(f"{name} "))
        self.objects[name] = b"".join(self.parts.pop(key) for key in mine)
        return Reply(body=b"<CompleteMultipartUploadResult><ETag>1</ETag></CompleteMultipartUploadResult>")

    def _get(self, name: str, _: str, __: Asked) -> Reply:
        if name not in self.objects:
            return Reply(404, b"<Error><Code>NoSuchKey</Code></Error>")
        when = {"Last-Modified": "Wed, 01 Jan 2025 00:00:00 GMT", "ETag": '"1"'}
        return Reply(200, self.objects[name], when)

    def _head(self, name: str, query: str, asked: Asked) -> Reply:
        found = self._get(name, query, asked)
        return Reply(found.status, b"", found.headers, promised=len(found.body))

    def _delete(self, name: str, _: str, __: Asked) -> Reply:
        self.objects.pop(name, None)
        return Reply(204)


@attrs.frozen
class Running:
    service: Service
    storage: S3Storage

    def create(self, key: str) -> None:
        asyncio.run(self.storage.put(key, large(), if_absent=True))


async def large() -> AsyncIterator[bytes]:
    yield LARGE


@pytest.fixture
def running(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "made-up-access")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "made-up-secret")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr("qwen_dataset.adapters.storage._s3_client.REPEATS", 0)
    service = Service(request.param)
    with Loopback(service) as loopback:
        yield Running(service, from_url("lake/jobs", {"endpoint": loopback.endpoint}))


@pytest.mark.parametrize("running", [None, NOT_IMPLEMENTED], ids=["ignores", "refuses"], indirect=True)
def test_where_copies_are_not_guarded_a_large_create_looks_and_reads_back(
    running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    running.create("a")
    running.create("b")
    assert running.service.objects == {"jobs/a": LARGE, "jobs/b": LARGE}
    with pytest.raises(KeyExists):
        running.create("a")
    assert len(running.service.copied) == 1, "it is tried out once, and then never used"
    (record,) = caplog.records
    assert "s3://lake/jobs does not keep the condition of a copy" in record.getMessage()
    assert not running.storage.is_advisory, "small objects, of which a ledger is made, are guarded there"


@pytest.mark.parametrize("running", [REFUSED], indirect=True)
def test_where_copies_are_guarded_a_large_create_that_comes_second_at_the_end_has_lost(
    running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(KeyExists):
        running.create("a")
    assert running.service.objects == {}, "what was uploaded under a hidden name is gone again"
    assert running.service.copied[-1] == "jobs/a"
    assert not caplog.records


@pytest.mark.parametrize(
    ("running", "raised"),
    [(Reply(503, b""), StorageUnavailable), (Reply(507, b""), StorageFull)],
    ids=["away", "full"],
    indirect=["running"],
)
def test_a_trial_without_an_answer_decides_nothing(
    running: Running, raised: type[Exception], caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(raised):
        running.create("a")
    assert "jobs/a" not in running.service.objects
    running.service.copies = None
    running.create("a")
    assert running.service.objects["jobs/a"] == LARGE
    assert len(caplog.records) == 1


@pytest.mark.parametrize("running", [NOT_IMPLEMENTED], indirect=True)
def test_what_is_not_create_only_tries_nothing_out(running: Running) -> None:
    asyncio.run(running.storage.put("a", large()))
    asyncio.run(running.storage.put("a", large()))
    assert running.service.copied == []
    assert running.service.objects == {"jobs/a": LARGE}
