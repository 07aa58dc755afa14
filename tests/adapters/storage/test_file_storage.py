"""Files: the order of system calls, links, leftovers, cancellation."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import stat
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qwen_dataset.adapters._durable import STALE_SECONDS, Disk
from qwen_dataset.adapters.storage.file import FileStorage
from qwen_dataset.errors import InvalidKey, KeyExists, KeyNotFound, StorageError


class RecordingDisk(Disk):
    """Writes down each system call with the names below ``root``; at an fsync also how much had been written."""

    def __init__(self, root: Path) -> None:
        self.calls: list[str] = []
        self._root = str(root)
        self._paths: dict[int, str] = {}

    def create(self, path: str) -> int:
        descriptor = super().create(path)
        self._paths[descriptor] = path
        self.calls.append("create temp")
        return descriptor

    def write(self, descriptor: int, data: memoryview) -> int:
        # As the system may: less than it was given.
        written = super().write(descriptor, data[: max(1, len(data) // 2)])
        if self.calls[-1] != "write":
            self.calls.append("write")
        return written

    def fsync(self, descriptor: int) -> None:
        super().fsync(descriptor)
        if descriptor in self._paths:
            self.calls.append(f"fsync temp holding {Path(self._paths[descriptor]).stat().st_size}")

    def close(self, descriptor: int) -> None:
        self._paths.pop(descriptor, None)
        super().close(descriptor)
        self.calls.append("close")

    def link(self, source: str, target: str) -> None:
        super().link(source, target)
        self.calls.append(f"link {self._name(target)}")

    def replace(self, source: str, target: str) -> None:
        super().replace(source, target)
        self.calls.append(f"replace {self._name(target)}")

    def unlink(self, path: str) -> None:
        super().unlink(path)
        self.calls.append(f"unlink {self._name(path)}")

    def mkdir(self, path: str) -> None:
        super().mkdir(path)
        self.calls.append(f"mkdir {self._name(path)}")

    def fsync_folder(self, path: str) -> None:
        super().fsync_folder(path)
        self.calls.append(f"fsync folder {self._name(path)}")

    def _name(self, path: str) -> str:
        name = os.path.relpath(path, self._root)
        return "temp" if ".tmp-" in name else name


async def _lines(count: int = 1, size: int = 3) -> AsyncIterator[bytes]:
    for _ in range(count):
        await asyncio.sleep(0)
        yield b"x" * size


async def _keys(storage: FileStorage, prefix: str = "") -> list[str]:
    return [key async for key in storage.keys(prefix)]


def _files(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir())


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# ---- order ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("streamed", [False, True])
def test_a_created_object_is_written_synced_linked_and_its_folder_synced(tmp_path: Path, streamed: bool) -> None:
    disk = RecordingDisk(tmp_path)
    data = _lines(4, 3) if streamed else b"x" * 12
    asyncio.run(FileStorage(tmp_path / "root", disk=disk).put("a/b/c", data, if_absent=True))
    assert disk.calls == [
        "mkdir root",
        "fsync folder .",
        "mkdir root/a",
        "fsync folder root",
        "mkdir root/a/b",
        "fsync folder root/a",
        "create temp",
        "write",
        "fsync temp holding 12",
        "close",
        "link root/a/b/c",
        "unlink temp",
        "fsync folder root/a/b",
    ]


@pytest.mark.parametrize("streamed", [False, True])
def test_a_replaced_object_is_written_synced_renamed_and_its_folder_synced(tmp_path: Path, streamed: bool) -> None:
    disk = RecordingDisk(tmp_path)
    storage = FileStorage(tmp_path, disk=disk)

    async def check() -> None:
        await storage.put("c", b"old")
        disk.calls.clear()
        await storage.put("c", _lines(3, 1_000_000) if streamed else b"x" * 3_000_000)

    asyncio.run(check())
    assert disk.calls == [
        *("create temp", "write", "fsync temp holding 3000000", "close", "replace c", "fsync folder ."),
    ]


def test_a_delete_is_durable(tmp_path: Path) -> None:
    disk = RecordingDisk(tmp_path)
    storage = FileStorage(tmp_path, disk=disk)

    async def check() -> None:
        await storage.put("a/b", b"1")
        disk.calls.clear()
        await storage.delete("a/b")
        await storage.delete("a/b")

    asyncio.run(check())
    assert disk.calls == ["unlink a/b", "fsync folder a"]


def test_a_folder_that_another_process_made_is_synced_too(tmp_path: Path) -> None:
    """Its maker may have been killed between mkdir and fsync."""
    (tmp_path / "a").mkdir()

    class Existing(RecordingDisk):
        def mkdir(self, path: str) -> None:
            self.calls.append("mkdir")
            super().mkdir(path)

    disk = Existing(tmp_path)
    asyncio.run(FileStorage(tmp_path, disk=disk).put("a/b", b""))
    assert disk.calls[:2] == ["mkdir", "fsync folder ."]


def test_an_existing_object_is_made_durable_before_it_is_reported(tmp_path: Path) -> None:
    """The caller reads it back and relies on it, whoever wrote it."""
    (tmp_path / "a").write_bytes(b"written by a process that was killed before its fsync of the folder")
    disk = RecordingDisk(tmp_path)
    with pytest.raises(KeyExists):
        asyncio.run(FileStorage(tmp_path, disk=disk).put("a", b"", if_absent=True))
    assert disk.calls == ["fsync folder ."]


# ---- places --------------------------------------------------------------------------------------------------------


def test_objects_are_plain_files_with_the_permissions_of_the_umask(tmp_path: Path) -> None:
    asyncio.run(FileStorage(str(tmp_path)).put("a/论文.json", b"{}"))
    assert (tmp_path / "a" / "论文.json").read_bytes() == b"{}"
    (tmp_path / "usual").write_bytes(b"")
    assert (tmp_path / "a" / "论文.json").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_a_later_chdir_does_not_move_a_relative_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    storage = FileStorage("jobs")
    monkeypatch.chdir(tmp_path / "elsewhere")
    asyncio.run(storage.put("a", b"1"))
    assert _files(tmp_path) == ["jobs/a"]


def test_a_linked_root_is_fine_but_links_below_it_are_not_followed(tmp_path: Path) -> None:
    outside, root = tmp_path / "outside", tmp_path / "root"
    outside.mkdir()
    root.mkdir()
    (outside / "secret").write_bytes(b"secret")
    (root / "folder").symlink_to(outside)
    (root / "object").symlink_to(outside / "secret")
    (root / "loop").symlink_to(root)
    (root / "real" / "real").mkdir(parents=True)
    (root / "real" / "folder").symlink_to(outside)
    (root / "real" / "real" / "folder").symlink_to(outside)
    (tmp_path / "link").symlink_to(root)
    storage = FileStorage(tmp_path / "link")

    async def check() -> None:
        await storage.put("kept", b"1")
        for call in (
            lambda: storage.get("folder/secret"),
            lambda: anext(storage.stream("folder/secret")),
            lambda: storage.get("object"),
            lambda: storage.put("folder/new", b"x"),
            lambda: storage.put("folder/deep/new", _lines()),
            lambda: storage.delete("folder/secret"),
            lambda: _keys(storage, "folder"),
            lambda: _keys(storage, "folder/secret"),
            lambda: storage.get("loop/kept"),
            lambda: storage.get("real/folder/secret"),
            lambda: storage.put("real/real/folder/new", b"x"),
        ):
            with pytest.raises(InvalidKey, match="link"):
                await call()
        assert await _keys(storage) == ["kept"]
        await storage.delete("object")
        with pytest.raises(KeyNotFound):
            await storage.get("object")

    asyncio.run(check())
    assert _files(outside) == ["secret"]


def test_replacing_an_object_that_is_a_link_replaces_the_link(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"untouched")
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "a").symlink_to(tmp_path / "target")
    asyncio.run(FileStorage(tmp_path / "root").put("a", b"new"))
    assert (tmp_path / "target").read_bytes() == b"untouched"
    assert (tmp_path / "root" / "a").read_bytes() == b"new"


def test_a_folder_is_no_object_and_an_object_no_folder(tmp_path: Path) -> None:
    async def check() -> None:
        storage = FileStorage(tmp_path)
        await storage.put("a/b", b"1")
        for if_absent in (False, True):
            with pytest.raises(StorageError, match="is a folder") as caught:
                await storage.put("a", b"2", if_absent=if_absent)
            assert not isinstance(caught.value, KeyExists)
            with pytest.raises(StorageError, match="nothing can be stored below"):
                await storage.put("a/b/c/d", b"2", if_absent=if_absent)
        with pytest.raises(KeyNotFound):
            await storage.get("a")
        assert await _keys(storage) == ["a/b"]

    asyncio.run(check())
    assert _files(tmp_path) == ["a/b"]


def test_a_pipe_in_the_folder_is_no_object_and_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    async def check() -> None:
        storage = FileStorage(tmp_path)
        with pytest.raises(KeyNotFound):
            await storage.get("pipe")
        assert await _keys(storage) == []
        assert await _keys(storage, "pipe") == []

    asyncio.run(check())


def test_names_that_are_no_keys_are_not_listed(tmp_path: Path) -> None:
    for name in (b"a\nb", b"back\\slash", b"\xff\xfe", b".tmp-mine", b"fine"):
        (tmp_path / os.fsdecode(name)).write_bytes(b"")
    assert asyncio.run(_keys(FileStorage(tmp_path))) == ["fine"]


@pytest.mark.parametrize("key", ["x" * 256, "论" * 86, "a/.tmp-b", ".tmp-b/a", "/".join(["x" * 250] * 20)])
def test_what_the_file_system_cannot_hold_is_an_invalid_key(tmp_path: Path, key: str) -> None:
    async def check() -> None:
        storage = FileStorage(tmp_path)
        for call in (lambda: storage.put(key, b"x"), lambda: storage.get(key), lambda: storage.delete(key)):
            with pytest.raises(InvalidKey):
                await call()

    asyncio.run(check())
    assert _files(tmp_path) == []


def test_a_folder_removed_while_we_work_is_made_again(tmp_path: Path) -> None:
    async def check() -> None:
        storage = FileStorage(tmp_path / "root")
        await storage.put("a/b", b"1")
        (tmp_path / "root" / "a" / "b").unlink()
        (tmp_path / "root" / "a").rmdir()
        (tmp_path / "root").rmdir()
        await storage.put("a/c", b"2")
        assert await _keys(storage) == ["a/c"]

    asyncio.run(check())


def test_a_folder_that_vanishes_while_listing_is_skipped(tmp_path: Path) -> None:
    async def check() -> None:
        storage = FileStorage(tmp_path)
        for key in ("a/1", "b/1", "c/1"):
            await storage.put(key, b"")
        listing = storage.keys()
        assert await anext(listing) == "a/1"
        (tmp_path / "b" / "1").unlink()
        (tmp_path / "b").rmdir()
        assert [key async for key in listing] == ["c/1"]

    asyncio.run(check())


def test_the_number_of_remembered_folders_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qwen_dataset.adapters.storage._folder._KNOWN_FOLDERS", 3)

    async def check() -> None:
        storage = FileStorage(tmp_path)
        for number in range(20):
            await storage.put(f"{number:02d}/a", b"")
            assert len(storage._folder._known) <= 4
        assert len(await _keys(storage)) == 20

    asyncio.run(check())


_TREES = st.sets(
    st.lists(st.sampled_from(["a", "a.b", "a-", "a0", "ab", "é", "b"]), min_size=1, max_size=4).map("/".join),
    max_size=12,
)


@settings(max_examples=25, deadline=None)
@given(wanted=_TREES, prefix=st.sampled_from(["", "a", "a/a", "a.b", "ab/b"]))
def test_any_tree_is_listed_in_the_order_of_its_whole_keys(
    tmp_path_factory: pytest.TempPathFactory, wanted: set[str], prefix: str
) -> None:
    keys = {key for key in wanted if not any(other.startswith(f"{key}/") for other in wanted)}
    root = tmp_path_factory.mktemp("tree")
    for key in keys:
        (root / key).parent.mkdir(parents=True, exist_ok=True)
        (root / key).write_bytes(b"")
    below = [key for key in sorted(keys) if not prefix or key == prefix or key.startswith(f"{prefix}/")]
    assert asyncio.run(_keys(FileStorage(root), prefix)) == below


# ---- leftovers, cancellation, threads ------------------------------------------------------------------------------


def test_leftovers_of_killed_writers_go_after_a_day_and_nothing_else(tmp_path: Path) -> None:
    old = ".tmp-qwen-dataset-123-0123456789abcdef"
    fresh = ".tmp-qwen-dataset-123-fedcba9876543210"
    linked = ".tmp-qwen-dataset-123-00000000000000ff"
    foreign = ".tmp-of-somebody-else"
    for name in (old, fresh, foreign, "object"):
        (tmp_path / name).write_bytes(b"x")
        os.utime(tmp_path / name, (1000, 1000))
    os.utime(tmp_path / fresh, (2000, 2000))
    (tmp_path / linked).mkdir()
    os.utime(tmp_path / linked, (1000, 1000))
    asyncio.run(FileStorage(tmp_path, now=lambda: 1001 + STALE_SECONDS).put("new", b""))
    assert _names(tmp_path) == sorted([fresh, linked, foreign, "object", "new"])


class PausingDisk(Disk):
    """Stops in the middle of an fsync of a file until it is told to go on."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.go_on = threading.Event()

    def fsync(self, descriptor: int) -> None:
        if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            self.reached.set()
            assert self.go_on.wait(20)
        super().fsync(descriptor)


@pytest.mark.parametrize("streamed", [False, True])
def test_a_cancelled_put_ends_before_the_cancellation_does_and_leaves_no_leftover(
    tmp_path: Path, streamed: bool
) -> None:
    disk = PausingDisk()
    storage = FileStorage(tmp_path, disk=disk)

    async def check() -> None:
        putting = asyncio.create_task(storage.put("a", _lines() if streamed else b"xxx"))
        await asyncio.to_thread(disk.reached.wait, 20)
        for _ in range(2):
            putting.cancel()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert not putting.done(), "the system call is still under way"
        disk.go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await putting
        # It had begun, so it was finished; nothing happens from here on.
        assert _files(tmp_path) == ["a"]

    asyncio.run(check())


def test_a_put_cancelled_while_its_data_comes_changes_nothing(tmp_path: Path) -> None:
    storage = FileStorage(tmp_path)

    async def check() -> None:
        waiting = asyncio.Event()

        async def endless() -> AsyncIterator[bytes]:
            yield b"x" * 3_000_000
            waiting.set()
            await asyncio.Event().wait()

        putting = asyncio.create_task(storage.put("a", endless()))
        await waiting.wait()
        putting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await putting
        assert _names(tmp_path) == []

    asyncio.run(check())


def test_a_put_whose_coroutine_is_closed_leaves_no_leftover(tmp_path: Path) -> None:
    storage = FileStorage(tmp_path)

    async def check() -> None:
        class Stuck:
            """Gives much, then nothing any more."""

            given = False

            def __aiter__(self) -> Stuck:
                return self

            async def __anext__(self) -> bytes:
                if self.given:
                    await asyncio.Event().wait()
                self.given = True
                return b"x" * 3_000_000

        putting = storage.put("a", Stuck())
        # Driven by hand, as a foreign event loop would that then gives up on it.
        pending = putting.send(None)
        for _ in range(2):
            await asyncio.wait([pending])
            pending = putting.send(None)
        assert len(_names(tmp_path)) == 1
        putting.close()
        assert _names(tmp_path) == []

    asyncio.run(check())


def test_the_loop_goes_on_while_a_disk_is_slow(tmp_path: Path) -> None:
    disk = PausingDisk()

    async def check() -> None:
        putting = asyncio.create_task(FileStorage(tmp_path, disk=disk).put("a", b"x"))
        # Would never come back if the loop itself waited for the disk.
        await asyncio.to_thread(disk.reached.wait, 20)
        disk.go_on.set()
        await putting

    asyncio.run(check())


def test_storage_does_not_wait_for_the_blocking_calls_of_others(tmp_path: Path) -> None:
    """A user's blocking calls fill the loop's own threads; the lease must be renewed all the same."""
    released = threading.Event()

    async def check() -> None:
        others = [asyncio.create_task(asyncio.to_thread(released.wait, 20)) for _ in range(64)]
        await asyncio.sleep(0)
        await asyncio.wait_for(FileStorage(tmp_path).put("lease", b"1"), 10)
        released.set()
        await asyncio.gather(*others)

    asyncio.run(check())


def test_one_object_serves_one_event_loop_after_another(tmp_path: Path) -> None:
    storage = FileStorage(tmp_path)
    asyncio.run(storage.put("a", b"1"))
    assert asyncio.run(storage.get("a")) == b"1"


def _get(storage: FileStorage, answers: multiprocessing.Queue[bytes]) -> None:
    answers.put(asyncio.run(storage.get("a")))


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_has_threads_of_its_own(tmp_path: Path) -> None:
    storage = FileStorage(tmp_path)
    asyncio.run(storage.put("a", b"1"))
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    child = context.Process(target=_get, args=(storage, answers))
    child.start()
    assert answers.get(timeout=20) == b"1"
    child.join(20)
    assert child.exitcode == 0


@pytest.fixture(autouse=True)
def no_open_files_are_left() -> Iterator[None]:
    def opened() -> set[str]:
        links = set()
        for link in Path("/proc/self/fd").iterdir():
            with suppress(OSError):
                links.add(str(link.readlink()))
        return links

    if not Path("/proc/self/fd").is_dir():
        yield
        return
    before = opened()
    yield
    left = {path for path in opened() - before if "/pytest-" in path}
    assert left == set()
