"""What an object store can answer, each as one sentence in our words, against a server that answers as told."""

from __future__ import annotations

import asyncio
import inspect
import shutil
import subprocess
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import obstore.exceptions
import pytest

from qwen_dataset.adapters.storage import _s3_client
from qwen_dataset.adapters.storage._s3_credentials import KeyRing
from qwen_dataset.adapters.storage._s3_errors import NAMES, translated
from qwen_dataset.adapters.storage._s3_settings import S3Settings
from qwen_dataset.adapters.storage.s3 import S3Storage, from_url
from qwen_dataset.errors import (
    InvalidKey,
    KeyExists,
    KeyNotFound,
    StorageError,
    StorageFull,
    StorageUnavailable,
)
from tests.loopback import Asked, Loopback, Reply
from tests.s3 import free_ports

SECRET = "made-up-secret"


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "made-up-access")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


class Service(Loopback):
    """Answers every request with ``reply``."""

    def __init__(self) -> None:
        super().__init__(lambda asked: self.next)
        self.next: Reply | None = Reply()

    def refuses(self, status: int, code: str) -> None:
        # Some services repeat the access key in what they answer.
        text = f"<Error><Code>{code}</Code><AWSAccessKeyId>made-up-access</AWSAccessKeyId></Error>"
        self.next = Reply(status, text.encode(), {"Content-Type": "application/xml"})

    def storage(self, **more: str) -> S3Storage:
        return from_url("lake/jobs", {"endpoint": self.endpoint, **more})


@pytest.fixture
def service() -> Iterator[Service]:
    with Service() as running:
        assert isinstance(running, Service)
        yield running


async def drained(storage: S3Storage) -> None:
    async for _ in storage.keys():
        pass


async def read(storage: S3Storage) -> None:
    async for _ in storage.stream("a"):
        pass


VERBS: dict[str, Callable[[S3Storage], Awaitable[object]]] = {
    "get": lambda storage: storage.get("a"),
    "stream": read,
    "put": lambda storage: storage.put("a", b"1"),
    "create": lambda storage: storage.put("a", b"1", if_absent=True),
    "keys": drained,
    "delete": lambda storage: storage.delete("a"),
}


def error_of(verb: str, storage: S3Storage) -> StorageError:
    """Return what a verb raises, and check that it tells nothing that it must not."""
    with pytest.raises(StorageError) as caught:
        asyncio.run(VERBS[verb](storage))
    told = "".join(traceback.format_exception(caught.value))
    for word in (SECRET, "made-up-access", "Debug source", "obstore.exceptions"):
        assert word not in told
    assert "\n" not in str(caught.value)
    return caught.value


REFUSALS = [
    (404, "NoSuchBucket", StorageError, "there is no bucket 'lake' at http://127.0.0.1"),
    (403, "AccessDenied", StorageError, "denies access (403 AccessDenied); the key must be allowed"),
    (403, "InvalidAccessKeyId", StorageError, "does not take the key (403 InvalidAccessKeyId); check AWS_"),
    (403, "SignatureDoesNotMatch", StorageError, "does not take the key"),
    (400, "ExpiredToken", StorageError, "does not take the key (400 ExpiredToken)"),
    (401, "", StorageError, "does not take the key"),
    (403, "RequestTimeTooSkewed", StorageError, "finds the clock of this machine wrong"),
    (400, "AuthorizationHeaderMalformed", StorageError, "is not in the region us-east-1"),
    (301, "PermanentRedirect", StorageError, "is not in the region us-east-1"),
    (403, "QuotaExceeded", StorageFull, "takes no more: it answered 403 QuotaExceeded"),
    (507, "", StorageFull, "takes no more"),
    (400, "KeyTooLongError", InvalidKey, "cannot hold it"),
    (400, "InvalidArgument", StorageError, "refuses to do this: it answered 400 InvalidArgument"),
    (501, "NotImplemented", StorageError, "refuses to do this: it answered 501 NotImplemented"),
    (400, "RequestTimeout", StorageUnavailable, "cannot be reached: it answered 400 RequestTimeout"),
    (429, "", StorageUnavailable, "cannot be reached: it answered 429"),
]


@pytest.mark.parametrize("verb", ["get", "create", "keys"])
@pytest.mark.parametrize(("status", "code", "kind", "words"), REFUSALS, ids=lambda value: str(value)[:24])
def test_each_refusal_is_one_sentence(
    service: Service, monkeypatch: pytest.MonkeyPatch, status: int, code: str, kind: type, words: str, verb: str
) -> None:
    monkeypatch.setattr(_s3_client, "REPEATS", 0)
    service.refuses(status, code)
    found = error_of(verb, service.storage(region="us-east-1"))
    assert type(found) is kind
    assert words in str(found)


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("code", ["SlowDown", ""])
def test_a_service_in_trouble_is_asked_a_few_times_and_then_unavailable(service: Service, verb: str, code: str) -> None:
    service.refuses(503, code)
    found = error_of(verb, service.storage())
    assert type(found) is StorageUnavailable
    assert 2 <= len(service.asked) <= 4


@pytest.mark.parametrize("verb", VERBS)
def test_a_connection_that_closes_without_an_answer_is_unavailable(
    service: Service, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    monkeypatch.setattr(_s3_client, "REPEATS", 0)
    service.next = None
    found = error_of(verb, service.storage())
    assert type(found) is StorageUnavailable
    assert "no answer came" in str(found)


@pytest.mark.parametrize("verb", VERBS)
def test_nobody_there_is_unavailable(verb: str) -> None:
    storage = from_url("lake", {"endpoint": f"http://127.0.0.1:{free_ports(1)[0]}"})
    found = error_of(verb, storage)
    assert type(found) is StorageUnavailable
    assert "no answer came" in str(found)


def test_a_name_that_nobody_knows_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_s3_client, "REPEATS", 0)
    assert type(error_of("get", from_url("lake", {"endpoint": "http://lake.invalid"}))) is StorageUnavailable


@pytest.mark.parametrize("verb", ["get", "stream"])
def test_a_body_that_ends_early_is_unavailable(service: Service, monkeypatch: pytest.MonkeyPatch, verb: str) -> None:
    monkeypatch.setattr(_s3_client, "REPEATS", 0)
    when = {"Last-Modified": "Wed, 01 Jan 2025 00:00:00 GMT", "ETag": '"1"'}
    service.next = Reply(200, b"half", when, promised=1000)
    assert type(error_of(verb, service.storage())) is StorageUnavailable


def test_a_race_that_the_service_left_open_is_no_lost_race(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody may have won: KeyExists would say that somebody has."""
    monkeypatch.setattr(_s3_client, "REPEATS", 0)
    service.refuses(409, "ConditionalRequestConflict")
    assert type(error_of("create", service.storage())) is StorageUnavailable
    service.refuses(412, "PreconditionFailed")
    assert type(error_of("create", service.storage())) is KeyExists


def test_an_absent_object_is_not_found_and_its_deletion_no_error(service: Service) -> None:
    service.refuses(404, "NoSuchKey")
    storage = service.storage()
    assert type(error_of("get", storage)) is KeyNotFound
    assert type(error_of("stream", storage)) is KeyNotFound
    asyncio.run(storage.delete("a"))


def test_keys_that_vanish_while_a_job_runs_are_a_sentence(
    service: Service, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    storage = service.storage()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert "cannot be asked: there are no keys for the storage s3" in str(error_of("get", storage))


def test_keys_that_vanish_after_the_first_use_are_told_as_well(
    service: Service, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # As good as over at once, so that the client asks for them again.
    monkeypatch.setattr(_s3_client, "_KEYS_LAST", _s3_client.timedelta(seconds=1))
    storage = service.storage()
    service.next = Reply(200, headers={"ETag": '"1"'})
    asyncio.run(storage.put("a", b""))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    time.sleep(0.15)  # the client asks no more often than this
    assert "does not take the key (UnauthenticatedError)" in str(error_of("put", storage))


def test_a_role_that_is_not_there_is_a_sentence(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """A container asks a server on loopback for its role; that has none."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", "/nowhere")
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{service.endpoint}/role")
    monkeypatch.setattr(_s3_client, "REPEATS", 0)
    service.refuses(403, "NoRole")
    error_of("get", service.storage())


def settings(**more: object) -> S3Settings:
    return S3Settings(bucket="lake", keyring=KeyRing(environ={}), **more)  # type: ignore[arg-type]


def test_what_the_instance_says_about_its_role_is_a_sentence() -> None:
    text = "Error performing PUT http://169.254.169.254/latest/api/token in 1s - HTTP error: error sending request"
    told = str(translated(obstore.exceptions.GenericError(text), settings(), "a"))
    assert told.startswith("there are no keys for the storage s3://lake: set AWS_ACCESS_KEY_ID")


def test_a_certificate_that_is_not_trusted_is_no_outage() -> None:
    error = obstore.exceptions.GenericError(
        "HTTP error: error sending request: invalid peer certificate: UnknownIssuer"
    )
    found = translated(error, settings(endpoint="https://s3.example.org"), "a")
    assert type(found) is StorageError
    assert str(found) == "the certificate of https://s3.example.org is not trusted; name the one to trust: ca=path.pem"
    assert "neither its issuer nor itself" in str(translated(error, settings(ca=b"another"), "a"))


def test_a_client_that_cannot_do_it_is_no_outage() -> None:
    found = translated(obstore.exceptions.NotSupportedError("no"), settings(), "a")
    assert type(found) is StorageError
    assert "upgrade" in str(found)


def test_a_panic_of_the_client_is_a_sentence(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    panic = type("PanicException", (BaseException,), {"__module__": "pyo3_runtime"})

    def panicking() -> object:
        raise panic("request valid: InvalidUri")

    storage = service.storage()
    monkeypatch.setattr("qwen_dataset.adapters.storage.s3.obstore", panicking)
    assert "its client broke down; check the endpoint" in str(error_of("get", storage))


def test_a_fault_of_our_own_goes_through(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    def faulty() -> object:
        raise ZeroDivisionError

    storage = service.storage()
    monkeypatch.setattr("qwen_dataset.adapters.storage.s3.obstore", faulty)
    with pytest.raises(ZeroDivisionError):
        asyncio.run(storage.get("a"))


def test_every_exception_of_the_client_is_accounted_for() -> None:
    there = {name for name, each in inspect.getmembers(obstore.exceptions, inspect.isclass)}
    assert there == NAMES


# ---- Alibaba OSS: the host names the bucket, create-only is ignored -------------------------------------------------

OSS_HOST = "lake.s3.oss-cn-beijing.aliyuncs.com"


class Oss:
    """The part of OSS that matters: refuses other hosts, aws-chunked and bulk deletes; ignores If-None-Match."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.after_put: Callable[[str], None] = lambda _: None

    def __call__(self, asked: Asked) -> Reply:
        _, _, rest = asked.target.partition("://")
        host, _, path = rest.partition("/")
        name, _, query = path.partition("?")
        if host != OSS_HOST or asked.headers["host"] != OSS_HOST:
            return Reply(403, b"<Error><Code>SecondLevelDomainForbidden</Code></Error>")
        if asked.method == "POST" or "aws-chunked" in str(asked.headers):
            return Reply(501, b"<Error><Code>NotImplemented</Code></Error>")
        if "list-type" in query:
            return Reply(200, self._list())
        return getattr(self, f"_{asked.method.lower()}")(name, asked.body)

    def _put(self, name: str, body: bytes) -> Reply:
        self.objects[name] = body
        self.after_put(name)
        return Reply(200, headers={"ETag": '"1"'})

    def _get(self, name: str, _: bytes) -> Reply:
        if name not in self.objects:
            return Reply(404, b"<Error><Code>NoSuchKey</Code></Error>")
        when = {"Last-Modified": "Wed, 01 Jan 2025 00:00:00 GMT", "ETag": '"1"'}
        return Reply(200, self.objects[name], when)

    def _head(self, name: str, _: bytes) -> Reply:
        found = self._get(name, b"")
        return Reply(found.status, b"", found.headers, promised=len(found.body))

    def _delete(self, name: str, _: bytes) -> Reply:
        self.objects.pop(name, None)
        return Reply(204)

    def _list(self) -> bytes:
        rows = "".join(
            f"<Contents><Key>{name}</Key><LastModified>2025-01-01T00:00:00.000Z</LastModified><ETag>1</ETag>"
            f"<Size>{len(data)}</Size></Contents>"
            for name, data in self.objects.items()
        )
        return f"<ListBucketResult><Name>lake</Name><IsTruncated>false</IsTruncated>{rows}</ListBucketResult>".encode()


@pytest.fixture
def oss(monkeypatch: pytest.MonkeyPatch) -> Iterator[Oss]:
    """OSS by its own name: requests reach it because it is the proxy."""
    made = Oss()
    with Loopback(made) as proxy:
        for name in ("NO_PROXY", "no_proxy", "http_proxy"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("http_proxy", proxy.endpoint)
        yield made


def on_oss(**more: str) -> S3Storage:
    return from_url("lake/jobs", {"endpoint": "http://s3.oss-cn-beijing.aliyuncs.com", **more})


def test_the_verbs_work_in_virtual_hosted_style(oss: Oss) -> None:
    async def check(storage: S3Storage) -> None:
        await storage.put("a/b", b"1")
        await storage.put("a/c", b"2", if_absent=True)
        assert list(oss.objects) == ["jobs/a/b", "jobs/a/c"]
        assert await storage.get("a/b") == b"1"
        assert [key async for key in storage.keys()] == ["a/b", "a/c"]
        await storage.delete("a/b")
        with pytest.raises(KeyNotFound):
            await storage.get("a/b")

    asyncio.run(check(on_oss()))


def test_path_style_is_what_oss_refuses(oss: Oss) -> None:
    with pytest.raises(StorageError):
        asyncio.run(on_oss(virtual_hosted="no").get("a"))


def test_an_advisory_create_looks_first(oss: Oss) -> None:
    oss.objects["jobs/a"] = b"first"
    with pytest.raises(KeyExists):
        asyncio.run(on_oss().put("a", b"second", if_absent=True))
    assert oss.objects["jobs/a"] == b"first"


@pytest.mark.parametrize("streamed", [False, True])
def test_a_service_that_ignores_the_condition_shows_it_at_the_first_create(
    oss: Oss, caplog: pytest.LogCaptureFixture, streamed: bool
) -> None:
    """As behind a domain of one's own, where the host does not tell that it is OSS."""

    async def pieces() -> AsyncIterator[bytes]:
        yield b"second"

    async def check(storage: S3Storage) -> None:
        await storage.put("b", b"not create-only")
        assert not storage.is_advisory
        assert not caplog.records
        for _ in range(2):
            with pytest.raises(KeyExists):
                await storage.put("a", pieces() if streamed else b"second", if_absent=True)
            assert storage.is_advisory
        await storage.put("c", b"3", if_absent=True)

    oss.objects["jobs/a"] = b"first"
    asyncio.run(check(on_oss(create="conditional")))
    assert oss.objects == {"jobs/a": b"first", "jobs/b": b"not create-only", "jobs/c": b"3"}
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert "s3://lake/jobs ignores conditional writes" in record.getMessage()
    assert "one writer only" in record.getMessage()


def test_creators_of_the_same_moment_warn_once(oss: Oss, caplog: pytest.LogCaptureFixture) -> None:
    async def check(storage: S3Storage) -> None:
        await asyncio.gather(*(storage.put(key, b"1", if_absent=True) for key in "abcd"))

    asyncio.run(check(on_oss(create="conditional")))
    assert sorted(oss.objects) == ["jobs/a", "jobs/b", "jobs/c", "jobs/d"]
    assert len(caplog.records) == 1


def test_where_it_is_said_to_be_advisory_nothing_is_tried_out(oss: Oss, caplog: pytest.LogCaptureFixture) -> None:
    put: list[str] = []
    oss.after_put = put.append
    storage = on_oss()
    assert storage.is_advisory
    asyncio.run(storage.put("a", b"1", if_absent=True))
    assert put == ["jobs/a"]
    assert not caplog.records


def test_an_advisory_create_that_reads_back_other_bytes_has_lost(oss: Oss) -> None:
    oss.after_put = lambda name: oss.objects.update({name: b"another writer's nonce"})
    with pytest.raises(KeyExists):
        asyncio.run(on_oss().put("a", b"our nonce", if_absent=True))


def test_an_advisory_create_whose_object_is_gone_again_says_so(oss: Oss) -> None:
    oss.after_put = lambda _: oss.objects.clear()
    with pytest.raises(KeyNotFound):
        asyncio.run(on_oss().put("a", b"1", if_absent=True))


# ---- certificates ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate that nobody trusts, and its key."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("certificate")
    chain, key = folder / "ca.pem", folder / "key.pem"
    options = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=loopback -addext subjectAltName=IP:127.0.0.1"
    options += " -addext basicConstraints=critical,CA:FALSE"
    command = [openssl, *options.split(), "-keyout", str(key), "-out", str(chain)]
    subprocess.run(command, check=True, capture_output=True)
    return chain, key


def test_a_certificate_of_our_own_is_trusted_when_it_is_named(
    certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_s3_client, "REPEATS", 0)
    monkeypatch.delenv("AWS_CA_BUNDLE", raising=False)
    chain, key = certificate
    with Service() as running:
        assert isinstance(running, Service)
        running.next = Reply(200, headers={"ETag": '"1"'})
        running.use_tls(chain, key)
        found = error_of("put", running.storage())
        assert type(found) is StorageError
        assert "is not trusted; name the one to trust: ca=path.pem" in str(found)
        asyncio.run(running.storage(ca=str(chain)).put("a", b"1"))
        monkeypatch.setenv("AWS_CA_BUNDLE", str(chain))
        asyncio.run(running.storage().put("a", b"1"))
        assert len(running.asked) == 2
