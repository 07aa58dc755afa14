"""What the system refuses becomes the right error, says what is wrong, and changes nothing."""

from __future__ import annotations

import asyncio
import errno
import os
import stat
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from qwen_dataset.adapters._durable import Disk, reason
from qwen_dataset.adapters.storage.file import FileStorage
from qwen_dataset.errors import KeyExists, StorageError, StorageFull, StorageUnavailable

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
REFUSED = (errno.EACCES, errno.EPERM, errno.EROFS)
UNAVAILABLE = (errno.EIO, errno.ESTALE, errno.EINTR, errno.EMFILE, errno.ETIMEDOUT)


class FailingDisk(Disk):
    """Makes one kind of system call fail with an errno, while ``number`` is not None."""

    def __init__(self, call: str, number: int | None) -> None:
        self.call = call
        self.number = number

    def _fail(self, call: str) -> None:
        if call == self.call and self.number is not None:
            raise OSError(self.number, os.strerror(self.number))

    def create(self, path: str) -> int:
        self._fail("create")
        return super().create(path)

    def write(self, descriptor: int, data: memoryview) -> int:
        self._fail("write")
        return super().write(descriptor, data)

    def fsync(self, descriptor: int) -> None:
        self._fail("fsync")
        super().fsync(descriptor)

    def link(self, source: str, target: str) -> None:
        self._fail("link")
        super().link(source, target)
        # The system did it, but says something else.
        self._fail("link reply")

    def replace(self, source: str, target: str) -> None:
        self._fail("replace")
        super().replace(source, target)

    def unlink(self, path: str) -> None:
        self._fail("unlink")
        super().unlink(path)

    def mkdir(self, path: str) -> None:
        self._fail("mkdir")
        super().mkdir(path)

    def fsync_folder(self, path: str) -> None:
        self._fail("fsync_folder")
        super().fsync_folder(path)


async def _streamed(data: bytes) -> AsyncIterator[bytes]:
    yield data


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def _keys(storage: FileStorage) -> list[str]:
    return [key async for key in storage.keys("")]


def _kind(number: int) -> type[StorageError]:
    return StorageFull if number in FULL else StorageUnavailable if number in UNAVAILABLE else StorageError


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("if_absent", [False, True])
@pytest.mark.parametrize("number", [*FULL, *REFUSED, *UNAVAILABLE, errno.ENXIO])
@pytest.mark.parametrize("call", ["create", "write", "fsync", "publish"])
def test_a_failed_write_leaves_the_old_object_and_nothing_else(
    tmp_path: Path, call: str, number: int, if_absent: bool, streamed: bool
) -> None:
    if call == "publish":
        call = "link" if if_absent else "replace"
    disk = FailingDisk(call, number)
    storage = FileStorage(tmp_path, disk=disk)
    key = "a/new" if if_absent else "a/old"
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "old").write_bytes(b"old")

    async def put() -> None:
        await storage.put(key, _streamed(b"x" * 2_000_000) if streamed else b"xxx", if_absent=if_absent)

    with pytest.raises(StorageError) as caught:
        asyncio.run(put())
    assert type(caught.value) is _kind(number)
    assert str(tmp_path / key) in str(caught.value)
    assert isinstance(caught.value.__cause__, OSError)
    assert _names(tmp_path / "a") == ["old"]
    assert (tmp_path / "a" / "old").read_bytes() == b"old"
    disk.number = None
    asyncio.run(put())
    assert len((tmp_path / key).read_bytes()) == (2_000_000 if streamed else 3)


@pytest.mark.parametrize("number", [errno.EPERM, errno.ENOTSUP, errno.ENOSYS])
def test_a_file_system_without_hard_links_is_named(tmp_path: Path, number: int) -> None:
    storage = FileStorage(tmp_path, disk=FailingDisk("link", number))
    with pytest.raises(StorageError, match="refuses hard links") as caught:
        asyncio.run(storage.put("a", b"x", if_absent=True))
    assert str(tmp_path) in str(caught.value)
    asyncio.run(storage.put("b", b"replacing needs none"))
    assert _names(tmp_path) == ["b"]


def test_a_link_whose_reply_was_lost_by_the_network_file_system_is_ours(tmp_path: Path) -> None:
    """The system repeats the request by itself and gets EEXIST from its own first one."""
    asyncio.run(FileStorage(tmp_path, disk=FailingDisk("link reply", errno.EEXIST)).put("a", b"x", if_absent=True))
    assert _names(tmp_path) == ["a"]


def test_an_object_created_by_another_between_look_and_link_wins(tmp_path: Path) -> None:
    class Overtaken(Disk):
        def link(self, source: str, target: str) -> None:
            Path(target).write_bytes(b"the other")
            super().link(source, target)

    with pytest.raises(KeyExists):
        asyncio.run(FileStorage(tmp_path, disk=Overtaken()).put("a", b"x", if_absent=True))
    assert _names(tmp_path) == ["a"]
    assert (tmp_path / "a").read_bytes() == b"the other"


def test_a_leftover_that_cannot_be_removed_does_not_hide_the_error(tmp_path: Path) -> None:
    class Stuck(FailingDisk):
        def unlink(self, path: str) -> None:
            raise OSError(errno.EIO, "stuck")

        def close(self, descriptor: int) -> None:
            super().close(descriptor)
            raise OSError(errno.EIO, "stuck")

    async def check() -> None:
        storage = FileStorage(tmp_path, disk=Stuck("write", errno.ENOSPC))
        with pytest.raises(StorageFull):
            await storage.put("a", b"x")
        assert await _keys(storage) == []
        assert len(_names(tmp_path)) == 1

    asyncio.run(check())


@pytest.mark.parametrize(("number", "kind"), [(errno.EIO, StorageUnavailable), (errno.EACCES, StorageError)])
def test_a_folder_that_cannot_be_synced_means_the_write_is_not_promised(
    tmp_path: Path, number: int, kind: type[StorageError]
) -> None:
    disk = FailingDisk("fsync_folder", number)
    with pytest.raises(kind):
        asyncio.run(FileStorage(tmp_path, disk=disk).put("a", b"x"))


def test_a_file_system_that_cannot_sync_folders_is_used_all_the_same(tmp_path: Path) -> None:
    class NoFolderSync(Disk):
        number = errno.EINVAL

        def fsync(self, descriptor: int) -> None:
            if stat.S_ISDIR(os.fstat(descriptor).st_mode):
                raise OSError(self.number, "cannot sync a folder")
            super().fsync(descriptor)

    disk = NoFolderSync()
    asyncio.run(FileStorage(tmp_path, disk=disk).put("a/b", b"x"))
    assert (tmp_path / "a" / "b").read_bytes() == b"x"
    disk.number = errno.EIO
    with pytest.raises(StorageUnavailable):
        asyncio.run(FileStorage(tmp_path, disk=disk).put("a/b", b"y"))


def test_a_folder_that_is_gone_again_at_once_can_be_tried_again(tmp_path: Path) -> None:
    with pytest.raises(StorageUnavailable, match="does not exist"):
        asyncio.run(FileStorage(tmp_path, disk=FailingDisk("create", errno.ENOENT)).put("a/b", b"x"))


def test_a_root_that_is_a_file_or_lies_below_one_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")

    async def check() -> None:
        with pytest.raises(StorageError, match="file: it is not a folder"):
            await FileStorage(tmp_path / "file").put("a", b"x")
        with pytest.raises(StorageError, match="file: it is not a folder"):
            await FileStorage(tmp_path / "file" / "below").put("a", b"x")
        assert await _keys(FileStorage(tmp_path / "file")) == []

    asyncio.run(check())


def test_folders_that_cannot_be_made_say_so(tmp_path: Path) -> None:
    disk = FailingDisk("mkdir", errno.EROFS)
    with pytest.raises(StorageError, match="read-only"):
        asyncio.run(FileStorage(tmp_path / "new", disk=disk).put("a", b"x"))


def test_a_delete_that_fails_says_so(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"kept")
    with pytest.raises(StorageError, match="could not be deleted: permission is denied"):
        asyncio.run(FileStorage(tmp_path, disk=FailingDisk("unlink", errno.EACCES)).delete("a"))
    assert (tmp_path / "a").read_bytes() == b"kept"


@pytest.mark.parametrize(("number", "kind"), [(errno.EACCES, StorageError), (errno.EIO, StorageUnavailable)])
def test_reads_and_listings_that_fail_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, kind: type[StorageError]
) -> None:
    (tmp_path / "a").write_bytes(b"x")
    storage = FileStorage(tmp_path)

    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    async def check(word: str, call: str) -> None:
        calls = {
            "get": lambda: storage.get("a"),
            "stream": lambda: anext(storage.stream("a")),
            "keys": lambda: anext(storage.keys()),
            "prefix": lambda: anext(storage.keys("a")),
        }
        with pytest.raises(StorageError, match=word) as caught:
            await calls[call]()
        assert type(caught.value) is kind
        assert str(tmp_path) in str(caught.value)

    module = "qwen_dataset.adapters.storage._folder.os."
    for function, calls, word in (
        ("open", ("get", "stream"), "read"),
        ("read", ("get", "stream"), "read"),
        ("scandir", ("keys",), "listed"),
    ):
        for call in calls:
            with monkeypatch.context() as patched:
                patched.setattr(module + function, fail)
                asyncio.run(check(word, call))
    real = os.lstat

    def lstat(path: str, **options: object) -> os.stat_result:
        # realpath uses it too, and copes.
        return fail() if path == str(tmp_path / "a") and not options else real(path, **options)  # type: ignore[return-value,arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(module + "lstat", lstat)
        asyncio.run(check("listed", "prefix"))


def test_every_reason_is_a_phrase_and_unknown_ones_are_the_systems_own() -> None:
    assert "no space" in reason(OSError(errno.ENOSPC, "x"))
    assert reason(OSError(errno.EXDEV, "Invalid cross-device link")) == "Invalid cross-device link"
    assert reason(OSError("only a text")) == "only a text"
    assert reason(OSError()) == "OSError"


def test_a_file_size_limit_is_a_full_storage_and_everything_old_is_intact(tmp_path: Path) -> None:
    """A real limit in a real process: the kernel refuses in the middle of a write."""
    program = textwrap.dedent("""
        import asyncio, resource, sys
        from qwen_dataset.adapters.storage.file import FileStorage
        from qwen_dataset.errors import StorageFull

        async def pieces():
            for _ in range(40):
                yield b"x" * 100_000

        async def main():
            storage = FileStorage(sys.argv[1])
            await storage.put("a/old", b"o" * 50_000)
            resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
            for data in (b"x" * 500_000, pieces()):
                for key, if_absent in (("a/old", False), ("a/new", True)):
                    try:
                        await storage.put(key, data, if_absent=if_absent)
                    except StorageFull as error:
                        print(error)
            assert await storage.get("a/old") == b"o" * 50_000
            assert [key async for key in storage.keys()] == ["a/old"]
            await storage.put("a/small", b"still works")

        asyncio.run(main())
    """)
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 4
    assert all("could not be written: it would be larger than the limit" in line for line in lines)
    assert _names(tmp_path / "a") == ["old", "small"]
