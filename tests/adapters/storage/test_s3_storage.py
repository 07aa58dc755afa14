"""The storage on a real S3 server, beyond the contract: races of processes, uploads that break off, odd keys."""

from __future__ import annotations

import _thread
import asyncio
import hashlib
import re
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from hmac import digest
from http.client import HTTPConnection
from pathlib import Path
from threading import Event, Timer

import pytest

from qwen_dataset.adapters.storage import _s3_client
from qwen_dataset.adapters.storage._s3_upload import PIECE_BYTES, ended
from qwen_dataset.adapters.storage.s3 import MAX_KEY_BYTES, S3Storage, from_url
from qwen_dataset.errors import InvalidKey, KeyExists, KeyNotFound, StorageError
from qwen_dataset.ports.storage import Storage
from tests.s3 import ACCESS_KEY, REGION, SECRET_KEY, S3Server, server

MEGABYTE = 1024 * 1024


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> S3Server:
    running = server()
    for name, value in running.environment.items():
        monkeypatch.setenv(name, value)
    return running


@pytest.fixture
def storage(s3: S3Server) -> S3Storage:
    return from_url(s3.location(), s3.parameters())


async def listed(storage: Storage, prefix: str = "") -> list[str]:
    return [key async for key in storage.keys(prefix)]


async def pieces(count: int, size: int = MEGABYTE) -> AsyncIterator[bytes]:
    for number in range(count):
        await asyncio.sleep(0)
        yield bytes([number % 256]) * size


def uploads(running: S3Server) -> list[str]:
    """Return the keys of the multipart uploads that are neither finished nor taken back."""
    now = datetime.now(UTC)
    stamp, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
    host = f"127.0.0.1:{running.port}"
    empty = hashlib.sha256(b"").hexdigest()
    names = "host;x-amz-content-sha256;x-amz-date"
    canonical = f"GET\n/{running.bucket}\nuploads=\nhost:{host}\nx-amz-content-sha256:{empty}\nx-amz-date:{stamp}\n\n"
    scope = f"{day}/{REGION}/s3/aws4_request"
    hashed = hashlib.sha256(f"{canonical}{names}\n{empty}".encode()).hexdigest()
    signature = f"AWS4{SECRET_KEY}".encode()
    for part in (day, REGION, "s3", "aws4_request", f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashed}"):
        signature = digest(signature, part.encode(), "sha256")
    signed = f"AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/{scope}, SignedHeaders={names}, Signature={signature.hex()}"
    connection = HTTPConnection(host, timeout=30)
    headers = {"x-amz-date": stamp, "x-amz-content-sha256": empty, "Authorization": signed}
    connection.request("GET", f"/{running.bucket}?uploads=", headers=headers)
    reply = connection.getresponse()
    text = reply.read().decode()
    connection.close()
    assert reply.status == 200, text
    return re.findall(r"<Upload>.*?<Key>(.*?)</Key>", text)


# ---- keys -----------------------------------------------------------------------------------------------------------


def test_keys_beyond_the_first_plane_come_in_code_point_order(storage: S3Storage) -> None:
    """UTF-16 would put the astral ones before U+FB01."""
    keys = ["x/\ufb01", "x/\U0001f9ea", "x/\ud7ff", "x/\uffee", "x y/1", "x-/1", "x/1", "x.1", "y%41", "*?", "x\u00a0z"]

    async def check() -> None:
        for key in keys:
            await storage.put(key, key.encode())
        assert await listed(storage) == sorted(keys)
        for key in keys:
            assert await storage.get(key) == key.encode()

    asyncio.run(check())


@pytest.mark.parametrize("key", ["trail/", "a/../b", "x\uffff", "x\ufffe/y", "/".join(["x" * 200] * 6)])
def test_keys_that_s3_cannot_hold_are_refused_before_anything_is_sent(
    monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "made-up")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "made-up")
    nowhere = from_url("lake", {"endpoint": "http://127.0.0.1:1"})

    async def check() -> None:
        for call in (nowhere.get(key), nowhere.put(key, b""), nowhere.delete(key), listed(nowhere, key)):
            with pytest.raises(InvalidKey):
                await call

    asyncio.run(check())


def test_the_prefix_counts_for_the_length_of_a_key(s3: S3Server) -> None:
    prefix = "p" * 100
    storage = from_url(f"{s3.bucket}/{prefix}", s3.parameters())
    room = MAX_KEY_BYTES - len(prefix) - 1
    key = "/".join(["x" * 199] * 5)[: room - 200]
    longest = f"{key}/{'y' * (room - len(key) - 1)}"
    asyncio.run(storage.put(longest, b"1"))
    assert asyncio.run(listed(storage)) == [longest]
    with pytest.raises(InvalidKey, match="longer than 1024 bytes"):
        asyncio.run(storage.put(f"{longest}z", b"1"))


def test_a_storage_sees_only_what_is_below_its_prefix(s3: S3Server) -> None:
    first, second = (from_url(s3.location(name), s3.parameters()) for name in ("within/a", "within/ab"))
    asyncio.run(first.put("key", b"1"))
    assert asyncio.run(listed(second)) == []
    whole = from_url(s3.bucket, s3.parameters())
    assert "within/a/key" in asyncio.run(listed(whole, "within"))


def test_unfinished_writes_of_others_are_not_listed(storage: S3Storage, s3: S3Server) -> None:
    raw = _s3_client.open_client(storage.settings)
    raw.put("a/.tmp-1234", b"half")
    asyncio.run(storage.put("a/b", b""))
    assert asyncio.run(listed(storage)) == ["a/b"]
    with pytest.raises(InvalidKey):
        asyncio.run(storage.get("a/.tmp-1234"))


# ---- large objects --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("if_absent", [False, True])
@pytest.mark.parametrize("create", ["conditional", "advisory"])
@pytest.mark.parametrize("whole", [False, True])
def test_objects_of_several_parts_arrive_whole(s3: S3Server, create: str, if_absent: bool, whole: bool) -> None:
    storage = from_url(s3.location(), s3.parameters(create=create))
    expected = b"".join(bytes([number]) * MEGABYTE for number in range(20))

    async def check() -> None:
        await storage.put("a/large", expected if whole else pieces(20), if_absent=if_absent)
        assert await storage.get("a/large") == expected
        assert await listed(storage) == ["a/large"]
        with pytest.raises(KeyExists):
            await storage.put("a/large", b"other" * 2 * MEGABYTE if whole else pieces(11), if_absent=True)
        assert await storage.get("a/large") == expected
        assert await listed(storage) == ["a/large"]

    asyncio.run(check())
    assert uploads(s3) == []


async def race(s3: S3Server, location: str, key: str) -> None:
    """Let four storages create a large object at once; one must win, and what is there must be its own."""
    racers = [from_url(location, s3.parameters()) for _ in range(4)]
    made = await asyncio.gather(
        *(each.put(key, pieces(9 + number), if_absent=True) for number, each in enumerate(racers)),
        return_exceptions=True,
    )
    assert sorted(type(each).__name__ for each in made) == ["KeyExists"] * 3 + ["NoneType"]
    winner = next(number for number, each in enumerate(made) if each is None)
    assert len(await racers[0].get(key)) == (9 + winner) * MEGABYTE
    # What the losers uploaded is gone again, also where nobody looks.
    assert [each["path"] for some in _s3_client.open_client(racers[0].settings).list() for each in some] == [key]
    await racers[0].delete(key)


@pytest.mark.parametrize("rounds", [3, pytest.param(60, marks=pytest.mark.long)])
def test_of_racing_creators_of_large_objects_one_wins(s3: S3Server, rounds: int) -> None:
    async def check() -> None:
        for number in range(rounds):
            await race(s3, location, f"large/{number}")

    location = s3.location()
    asyncio.run(check())
    assert uploads(s3) == []


def test_a_large_create_beside_a_small_one_of_the_same_name_has_one_winner(s3: S3Server) -> None:
    async def check() -> None:
        for number in range(5):
            key = f"mixed/{number}"
            # Offered again and again, so that one falls between the look and the write of the large one.
            large = asyncio.create_task(storage.put(key, pieces(9), if_absent=True))
            won = 0
            while not large.done():
                try:
                    await storage.put(key, b"small", if_absent=True)
                    won += 1
                except KeyExists:
                    await asyncio.sleep(0)
            try:
                await large
            except KeyExists:
                assert (won, await storage.get(key)) == (1, b"small")
            else:
                assert (won, len(await storage.get(key))) == (0, 9 * MEGABYTE)

    storage = from_url(s3.location(), s3.parameters())
    asyncio.run(check())


def test_an_upload_whose_source_breaks_is_taken_back(storage: S3Storage, s3: S3Server) -> None:
    async def failing() -> AsyncIterator[bytes]:
        async for piece in pieces(20):
            yield piece
        assert uploads(s3) != [], "this was to be about an upload under way"
        raise LookupError("the source broke")

    for if_absent in (False, True):
        with pytest.raises(LookupError, match="the source broke"):
            asyncio.run(storage.put("large", failing(), if_absent=if_absent))
        assert uploads(s3) == []
        assert asyncio.run(listed(storage)) == []


def test_a_cancelled_upload_is_taken_back_and_leaves_no_task(storage: S3Storage, s3: S3Server) -> None:
    async def stalling() -> AsyncIterator[bytes]:
        async for piece in pieces(20):
            yield piece
        stalled.set()
        await asyncio.sleep(3600)

    async def check() -> None:
        putting = asyncio.create_task(storage.put("large", stalling()))
        await stalled.wait()
        putting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await putting
        await asyncio.sleep(0.05)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    stalled = asyncio.Event()
    asyncio.run(check())
    assert uploads(s3) == []
    assert asyncio.run(listed(storage)) == []


def test_who_cancels_twice_waits_for_the_end_as_well() -> None:
    async def check() -> None:
        async def work() -> str:
            await asyncio.wait([release])
            return "done"

        release: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        working = asyncio.create_task(work())
        waiting = asyncio.create_task(ended(working))
        for _ in range(2):
            await asyncio.sleep(0)
            waiting.cancel()
        await asyncio.sleep(0)
        assert not waiting.done()
        release.set_result(None)
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert working.result() == "done"

    asyncio.run(check())


def test_an_upload_that_the_service_refuses_ends_at_once(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    storage = from_url(s3.location(), s3.parameters())
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += MEGABYTE
            yield b"x" * MEGABYTE

    with pytest.raises(StorageError, match="does not take the key"):
        asyncio.run(storage.put("large", endless()))
    assert sent < 8 * PIECE_BYTES


MEASURED = """
    import asyncio, resource, sys

    from qwen_dataset.adapters.storage.s3 import from_url

    location, endpoint, if_absent = sys.argv[1:]
    storage = from_url(location, {"endpoint": endpoint, "region": "us-east-1"})

    def peak():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 if sys.platform == "darwin" else 1024)

    async def pieces():
        for number in range(200):
            yield bytes([number]) * (1 << 20)

    async def main():
        await storage.put("warm", b"x" * (1 << 20))
        before = peak()
        await storage.put("large", pieces(), if_absent=if_absent == "True")
        size = 0
        async for piece in storage.stream("large"):
            size += len(piece)
        assert size == 200 << 20, size
        print(peak() - before)

    asyncio.run(main())
"""


@pytest.mark.long
@pytest.mark.parametrize("if_absent", [False, True])
def test_two_hundred_megabytes_go_through_flat_memory(s3: S3Server, if_absent: bool) -> None:
    arguments = [s3.location(), s3.endpoint, str(if_absent)]
    command = [sys.executable, "-c", textwrap.dedent(MEASURED), *arguments]
    printed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert float(printed.stdout) < 120, "megabytes more than before"


def test_the_end_of_a_process_waits_for_a_result_that_is_being_handed_over() -> None:
    steps: list[str] = []

    def call_soon_threadsafe() -> None:
        entered.set()
        go_on.wait(10)
        steps.append("handed over")

    entered, go_on = Event(), Event()
    _thread.start_new_thread(call_soon_threadsafe, ())
    assert entered.wait(10)
    _s3_client.await_deliveries(0.01)
    assert steps == [], "it is bounded"
    Timer(0.05, go_on.set).start()
    _s3_client.await_deliveries(10)
    assert steps == ["handed over"]


@pytest.mark.long
def test_a_process_that_ends_with_its_last_answer_ends_well(s3: S3Server) -> None:
    """Of thirty, about eight were aborted before the end waited."""
    command = [sys.executable, "-c", textwrap.dedent(MEASURED), s3.location(), s3.endpoint, "False"]
    assert [subprocess.run(command, check=False, capture_output=True).returncode for _ in range(60)] == [0] * 60


# ---- processes ------------------------------------------------------------------------------------------------------

RACER = """
    import asyncio, sys

    from qwen_dataset.adapters.storage.s3 import from_url
    from qwen_dataset.errors import KeyExists

    location, endpoint, name = sys.argv[1:]
    storage = from_url(location, {"endpoint": endpoint, "region": "us-east-1"})

    async def main():
        await storage.put(f"ready/{name}", b"")
        while len([key async for key in storage.keys("ready")]) < 2:
            await asyncio.sleep(0.01)
        won = 0
        for number in range(40):
            try:
                await storage.put(f"events/{number:012d}.json", name.encode(), if_absent=True)
                won += 1
            except KeyExists:
                pass
        print(won)

    asyncio.run(main())
"""


def test_of_two_processes_that_create_the_same_keys_one_wins_each(s3: S3Server) -> None:
    location = s3.location()
    command = [sys.executable, "-c", textwrap.dedent(RACER), location, s3.endpoint]
    racers = {name: subprocess.Popen([*command, name], stdout=subprocess.PIPE, text=True) for name in ("one", "two")}
    won = {name: int(racer.communicate(timeout=60)[0]) for name, racer in racers.items()}
    assert sum(won.values()) == 40

    async def counted() -> dict[str, int]:
        storage = from_url(location, s3.parameters())
        keys = await listed(storage, "events")
        assert len(keys) == 40
        written = [(await storage.get(key)).decode() for key in keys]
        return {name: written.count(name) for name in won}

    assert asyncio.run(counted()) == won


def test_one_object_serves_several_event_loops(storage: S3Storage) -> None:
    asyncio.run(storage.put("a", b"1"))
    assert asyncio.run(storage.get("a")) == b"1"
    assert asyncio.run(listed(storage)) == ["a"]


def test_a_fork_before_the_first_use_does_no_harm_and_one_after_it_is_told(s3: S3Server) -> None:
    """Without the check the child would wait for ever."""
    program = """
        import asyncio, os, sys

        from qwen_dataset.adapters.storage.s3 import from_url
        from qwen_dataset.errors import StorageError

        storage = from_url(sys.argv[1], {"endpoint": sys.argv[2]})

        def forked():
            child = os.fork()
            if not child:
                try:
                    asyncio.run(storage.put("a", b"1"))
                    os._exit(0)
                except StorageError as error:
                    os._exit(7 if "before this process was forked" in str(error) else 8)
                finally:
                    os._exit(9)
            return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

        print(forked())
        asyncio.run(storage.put("a", b"1"))
        print(forked())
    """
    command = [sys.executable, "-c", textwrap.dedent(program), s3.location(), s3.endpoint]
    printed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert printed.stdout.split() == ["0", "7"], printed.stderr


def test_a_process_that_was_forked_from_one_that_used_it_is_told(
    storage: S3Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_s3_client, "_used_by", [1])
    with pytest.raises(StorageError, match="before this process was forked; spawn it instead"):
        asyncio.run(storage.get("a"))


def test_aws_itself_and_roles_need_no_endpoint_and_no_keys_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/nowhere")
    made = _s3_client.open_client(from_url("lake", {"region": "eu-1"}).settings)
    assert (made.credential_provider, made.config["region"]) == (None, "eu-1")
    assert "endpoint" not in made.config


def test_importing_the_adapter_does_not_load_the_client() -> None:
    program = "import sys, qwen_dataset.adapters.storage.s3; print('obstore' in sys.modules)"
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert printed.stdout.strip() == "False"


def test_keys_that_are_renewed_are_used(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job outlives its temporary keys; those of later are found where those of now were."""
    monkeypatch.setattr(_s3_client, "_KEYS_LAST", _s3_client.timedelta(seconds=1))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of yesterday")
    storage = from_url(s3.location(), s3.parameters())
    with pytest.raises(StorageError, match="does not take the key"):
        asyncio.run(storage.put("a", b"1"))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    time.sleep(0.15)  # the client asks no more often than this
    asyncio.run(storage.put("a", b"1"))
    with pytest.raises(KeyNotFound):
        asyncio.run(storage.get("b"))


def test_the_server_of_the_tests_ends_with_the_tests_also_when_they_are_killed() -> None:
    program = """
        import os, signal, sys

        sys.path.insert(0, sys.argv[1])
        from tests.s3 import server

        print(server().endpoint, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    server()  # skips where there is none
    command = [sys.executable, "-c", textwrap.dedent(program), str(Path(__file__).parents[3])]
    printed = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    port = int(printed.stdout.strip().rpartition(":")[2])
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return
        time.sleep(0.05)
    pytest.fail("the server outlived the tests")
