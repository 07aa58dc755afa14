"""The dataset's file: whole or unchanged, and special files left where they are."""

from __future__ import annotations

import errno
import hashlib
import itertools
import os
import stat
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import orjson
import pytest

from qwen_dataset.adapters._durable import Disk
from qwen_dataset.adapters.writers import jsonl
from qwen_dataset.adapters.writers.jsonl import JsonlWriter
from qwen_dataset.errors import OutputError, SettingError


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def _write(path: Path, *records: dict[str, object], disk: Disk | None = None) -> str:
    with JsonlWriter(path, disk=disk) as writer:
        for record in records:
            writer.write(record)
        writer.commit()
        return writer.digest


# ---- content -------------------------------------------------------------------------------------------------------


def test_each_record_is_one_line_with_its_keys_in_order_and_its_characters_kept(tmp_path: Path) -> None:
    _write(tmp_path / "out.jsonl", {"z": "论文 é 🧪\n", "a": [1, None, 0.5]}, {"": {}})
    text = (tmp_path / "out.jsonl").read_text(encoding="utf-8")
    assert text == '{"z":"论文 é 🧪\\n","a":[1,null,0.5]}\n{"":{}}\n'


def test_no_records_make_an_empty_file(tmp_path: Path) -> None:
    assert _write(tmp_path / "out.jsonl") == hashlib.sha256(b"").hexdigest()
    assert (tmp_path / "out.jsonl").read_bytes() == b""


def test_many_records_arrive_whole_and_the_digest_is_that_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    digest = _write(path, *({"number": number, "text": "x" * 1000} for number in range(2000)))
    lines = path.read_bytes().splitlines()
    assert [orjson.loads(line)["number"] for line in lines] == list(range(2000))
    assert digest == hashlib.sha256(path.read_bytes()).hexdigest() == jsonl.digest(path)


def test_the_digest_follows_what_was_written_so_far(tmp_path: Path) -> None:
    with JsonlWriter(tmp_path / "out") as writer:
        writer.write({"a": 1})
        assert writer.digest == hashlib.sha256(b'{"a":1}\n').hexdigest()
        writer.write({})
        assert writer.digest == hashlib.sha256(b'{"a":1}\n{}\n').hexdigest()


def test_what_json_cannot_hold_is_refused_by_name(tmp_path: Path) -> None:
    with JsonlWriter(tmp_path / "out") as writer:
        for value in (object(), "\ud800"):
            with pytest.raises(OutputError, match=r"out cannot be written as JSON"):
                writer.write({"a": value})
        writer.write({"a": 1})
        writer.commit()
    assert (tmp_path / "out").read_bytes() == b'{"a":1}\n'


# ---- all or nothing ------------------------------------------------------------------------------------------------


def test_the_file_changes_only_at_commit(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_bytes(b"old")
    with JsonlWriter(path) as writer:
        for _ in range(1000):
            writer.write({"text": "x" * 1000})
        assert path.read_bytes() == b"old"
        writer.commit()
        assert path.stat().st_size == 1000 * len('{"text":""}\n' + "x" * 1000)
    assert _names(tmp_path) == ["out.jsonl"]


@pytest.mark.parametrize("error", [None, ValueError, KeyboardInterrupt])
def test_without_commit_nothing_changes_and_nothing_is_left(tmp_path: Path, error: type[BaseException] | None) -> None:
    (tmp_path / "old").write_bytes(b"old")

    def stop_early(path: Path) -> None:
        with JsonlWriter(path) as writer:
            writer.write({"text": "x" * 1_000_000})
            if error is not None:
                raise error

    for name in ("old", "new"):
        if error is None:
            stop_early(tmp_path / name)
        else:
            with pytest.raises(error):
                stop_early(tmp_path / name)
    assert _names(tmp_path) == ["old"]
    assert (tmp_path / "old").read_bytes() == b"old"


def test_everything_is_written_and_synced_before_the_file_is_replaced_and_then_its_folder_is_synced(
    tmp_path: Path,
) -> None:
    calls: list[str] = []

    class Recording(Disk):
        def fsync(self, descriptor: int) -> None:
            calls.append(f"fsync {os.fstat(descriptor).st_size}")

        def replace(self, source: str, target: str) -> None:
            calls.append(f"replace {os.path.relpath(target, tmp_path)}")
            super().replace(source, target)

        def fsync_folder(self, path: str) -> None:
            calls.append(f"fsync folder {os.path.relpath(path, tmp_path)}")

    _write(tmp_path / "out", {"text": "x" * 1_000_000}, {}, disk=Recording())
    assert calls == [f"fsync {1_000_000 + 12 + 3}", "replace out", "fsync folder ."]


def test_a_long_file_goes_to_the_disk_as_it_grows_so_that_a_commit_need_not_wait_for_all_of_it(tmp_path: Path) -> None:
    begun: list[tuple[int, int]] = []

    class Recording(Disk):
        def begin_sync(self, descriptor: int, start: int, length: int) -> None:
            begun.append((start, length))
            assert os.fstat(descriptor).st_size == start + length, "what is not written yet cannot be begun"

    records = [{"number": number, "text": "x" * 1000} for number in range(20_000)]
    _write(tmp_path / "out", *records, disk=Recording())
    size = (tmp_path / "out").stat().st_size
    assert begun[0][0] == 0
    assert all(start + length == next_start for (start, length), (next_start, _) in itertools.pairwise(begun))
    assert size - sum(length for _, length in begun) < 5_000_000
    assert 3 <= len(begun) <= 6, "each time costs a system call that may wait"
    begun.clear()
    with JsonlWriter(Path(os.devnull), disk=Recording()) as writer:
        for record in records:
            writer.write(record)
        writer.commit()
    assert begun == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux is told so")
def test_linux_is_told_of_the_part_that_is_new_and_may_refuse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[int, int, int]] = []

    def refuse(descriptor: int, start: int, length: int, advice: int) -> None:
        told.append((start, length, advice))
        raise OSError(errno.ESPIPE, os.strerror(errno.ESPIPE))

    monkeypatch.setattr(os, "posix_fadvise", refuse)
    digest = _write(tmp_path / "out", *({"number": number, "text": "x" * 1000} for number in range(9_000)))
    assert digest == jsonl.digest(tmp_path / "out")
    assert [start for start, _, _ in told] == [0, told[0][1]]
    assert {advice for _, _, advice in told} == {os.POSIX_FADV_DONTNEED}


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EDQUOT])
@pytest.mark.parametrize("call", ["create", "write", "fsync", "replace"])
def test_a_refusal_of_the_system_is_one_sentence_and_changes_nothing(tmp_path: Path, call: str, number: int) -> None:
    path = tmp_path / "out.jsonl"
    path.write_bytes(b"old")

    def fail(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    disk = Disk()
    setattr(disk, call, fail)
    with pytest.raises(OutputError, match=r"out\.jsonl could not be written: \S+") as caught:
        _write(path, {"a": 1}, disk=disk)
    assert "\n" not in str(caught.value)
    assert _names(tmp_path) == ["out.jsonl"]
    assert path.read_bytes() == b"old"


def test_after_a_failed_write_the_file_cannot_be_committed(tmp_path: Path) -> None:
    """Part of the lines may be on the disk: going on would write some of them twice."""
    disk = Disk()

    def half(descriptor: int, data: memoryview) -> int:
        if len(data) > 1000:
            return os.write(descriptor, data[:1000])
        raise OSError(errno.ENOSPC, "full")

    disk.write = half  # type: ignore[method-assign]
    with JsonlWriter(tmp_path / "out", disk=disk) as writer:
        with pytest.raises(OutputError, match="no space"):
            writer.write({"text": "x" * 1_000_000})
        disk.write = Disk().write  # type: ignore[method-assign]
        for call in (lambda: writer.write({}), writer.commit):
            with pytest.raises(OutputError, match="not open"):
                call()
    assert _names(tmp_path) == []


def test_nothing_can_be_written_before_entering_or_after_commit(tmp_path: Path) -> None:
    writer = JsonlWriter(tmp_path / "out")
    with pytest.raises(OutputError, match="not open"):
        writer.write({})
    with writer:
        writer.commit()
        for call in (lambda: writer.write({}), writer.commit):
            with pytest.raises(OutputError, match="not open"):
                call()
    assert (tmp_path / "out").read_bytes() == b""


def test_leftovers_of_killed_writers_go_after_a_day(tmp_path: Path) -> None:
    for name in (".tmp-qwen-dataset-1-0123456789abcdef", ".tmp-of-somebody-else"):
        (tmp_path / name).write_bytes(b"x")
        os.utime(tmp_path / name, (1000, 1000))
    _write(tmp_path / "out")
    assert _names(tmp_path) == [".tmp-of-somebody-else", "out"]


# ---- what stands there already -------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o777])
def test_an_existing_file_keeps_its_permissions_from_the_first_line_on(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "out"
    path.write_bytes(b"")
    path.chmod(mode)
    with JsonlWriter(path) as writer:
        hidden = next(each for each in tmp_path.iterdir() if each != path)
        assert stat.S_IMODE(hidden.stat().st_mode) == mode
        writer.commit()
    assert stat.S_IMODE(path.stat().st_mode) == mode


def test_a_new_file_has_the_permissions_of_the_umask(tmp_path: Path) -> None:
    _write(tmp_path / "out")
    (tmp_path / "usual").write_bytes(b"")
    assert (tmp_path / "out").stat().st_mode == (tmp_path / "usual").stat().st_mode


@pytest.mark.parametrize("permitted", [True, False])
def test_the_owner_is_kept_where_the_system_permits_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, permitted: bool
) -> None:
    path = tmp_path / "out"
    path.write_bytes(b"")
    asked = []
    real = os.stat

    def elsewhere(target: str | Path, **options: object) -> os.stat_result:
        found = real(target, **options)  # type: ignore[arg-type]
        return os.stat_result([*found[:4], 12345, 54321, *found[6:]]) if str(target) == str(path) else found

    def fchown(descriptor: int, user: int, group: int) -> None:
        asked.append((user, group))
        if not permitted:
            raise PermissionError(errno.EPERM, "not root")

    monkeypatch.setattr("qwen_dataset.adapters.writers.jsonl.os.stat", elsewhere)
    monkeypatch.setattr("qwen_dataset.adapters.writers.jsonl.os.fchown", fchown)
    _write(path, {})
    assert asked == [(12345, 54321)]
    assert path.read_bytes() == b"{}\n"


@pytest.mark.parametrize("exists", [True, False])
def test_a_link_is_followed_and_stays_a_link(tmp_path: Path, exists: bool) -> None:
    (tmp_path / "data").mkdir()
    target, link = tmp_path / "data" / "real.jsonl", tmp_path / "link.jsonl"
    link.symlink_to(Path("data") / "real.jsonl")
    if exists:
        target.write_bytes(b"old")
    jsonl.check(link)
    _write(link, {})
    assert link.is_symlink()
    assert target.read_bytes() == b"{}\n"
    assert _names(tmp_path / "data") == ["real.jsonl"]


def test_a_pipe_is_written_in_place_and_stays(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    jsonl.check(pipe)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    digest = _write(pipe, {"a": 1}, {"a": 2})
    reader.join(20)
    assert read == [b'{"a":1}\n{"a":2}\n']
    assert digest == hashlib.sha256(read[0]).hexdigest()
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert _names(tmp_path) == ["pipe"]


def test_a_pipe_whose_reader_went_away_says_so(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: pipe.open("rb").close())
    reader.start()
    with JsonlWriter(pipe) as writer:
        reader.join(20)
        with pytest.raises(OutputError, match="went away"):
            writer.write({"text": "x" * 1_000_000})


def test_dev_null_takes_everything_and_stays() -> None:
    jsonl.check(Path("/dev/null"))
    jsonl.check(Path("/dev/stdout"))
    _write(Path("/dev/null"), {"text": "x" * 1_000_000})
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("size", [10, 1_000_000])
def test_dev_full_is_a_full_disk_and_stays(size: int) -> None:
    jsonl.check(Path("/dev/full"))
    with pytest.raises(OutputError, match="/dev/full could not be written: no space is left"):
        _write(Path("/dev/full"), {"text": "x" * size})
    assert stat.S_ISCHR(Path("/dev/full").stat().st_mode)


def test_a_special_file_that_cannot_be_synced_for_a_real_reason_fails() -> None:
    disk = Disk()

    def fail(descriptor: int) -> None:
        raise OSError(errno.EIO, "broken")

    disk.fsync = fail  # type: ignore[method-assign]
    with pytest.raises(OutputError, match="input/output error"):
        _write(Path("/dev/null"), disk=disk)


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "/dev/stderr"])
@pytest.mark.parametrize("to_file", [True, False])
def test_standard_output_is_appended_to_also_where_it_is_a_file(tmp_path: Path, name: str, to_file: bool) -> None:
    if name.startswith("/proc") and not Path("/proc/self/fd").is_dir():
        pytest.skip("this system has no /proc")
    program = textwrap.dedent("""
        import sys
        from pathlib import Path
        from qwen_dataset.adapters.writers.jsonl import JsonlWriter, check

        stream = sys.stderr if sys.argv[1].endswith("err") else sys.stdout
        print("before", file=stream, flush=True)
        check(Path(sys.argv[1]))
        with JsonlWriter(Path(sys.argv[1])) as writer:
            writer.write({"a": 1})
            writer.commit()
        print("after", file=stream, flush=True)
    """)
    path = tmp_path / "shell"
    command = [sys.executable, "-c", program, name]
    if to_file:
        with path.open("wb") as file:
            subprocess.run(command, stdout=file, stderr=file, timeout=60, check=True)
        output = path.read_bytes()
    else:
        output = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=True
        ).stdout
    assert output == b'before\n{"a":1}\nafter\n'


def test_a_descriptor_that_is_not_open_says_so() -> None:
    with pytest.raises(OutputError, match="/dev/fd/987"):
        _write(Path("/dev/fd/987"))


# ---- bad targets ---------------------------------------------------------------------------------------------------


def _check_both(path: Path, *words: str) -> None:
    """Up front it is a bad setting; when the writer meets it, a failed output; the same sentence, and no file."""
    for error, call in ((SettingError, lambda: jsonl.check(path)), (OutputError, lambda: _write(path))):
        with pytest.raises(error) as caught:
            call()
        assert type(caught.value) is error
        for word in (str(path), *words):
            assert word in str(caught.value)


def test_a_folder_is_refused_with_an_example(tmp_path: Path) -> None:
    _check_both(tmp_path, "it is a folder", str(tmp_path / "dataset.jsonl"))


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    _check_both(tmp_path / "no" / "such" / "out", f"the folder {tmp_path / 'no' / 'such'} does not exist; create it")
    assert _names(tmp_path) == []


def test_a_file_where_a_folder_should_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    _check_both(tmp_path / "file" / "out", f"{tmp_path / 'file'} is not a folder")
    _check_both(tmp_path / "file" / "deep" / "out", f"{tmp_path / 'file'} is not a folder")


def test_a_name_that_is_too_long_is_refused(tmp_path: Path) -> None:
    _check_both(tmp_path / ("x" * 300), "too long")


def test_a_path_that_no_system_can_hold_is_refused(tmp_path: Path) -> None:
    _check_both(tmp_path / "a\x00b", "null")


@pytest.mark.parametrize("denied", ["the file", "the folder of an existing file", "the folder of a new file"])
def test_a_place_without_permission_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, denied: str) -> None:
    """Asked of the system's answer, because root may write everywhere."""
    path = tmp_path / "out"
    if denied != "the folder of a new file":
        path.write_bytes(b"kept")
    forbidden = str(path) if denied == "the file" else str(tmp_path)
    monkeypatch.setattr("qwen_dataset.adapters.writers.jsonl.os.access", lambda target, mode: str(target) != forbidden)
    _check_both(path, "permission")
    assert not path.exists() or path.read_bytes() == b"kept"


def test_a_read_only_file_and_folder_are_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(b"kept")
    (tmp_path / "out").chmod(0o444)
    if os.access(tmp_path / "out", os.W_OK):
        pytest.skip("this user (root) may write everywhere")
    _check_both(tmp_path / "out", "permission")
    tmp_path.chmod(0o555)
    try:
        _check_both(tmp_path / "new", "permission")
    finally:
        tmp_path.chmod(0o755)


def test_a_good_target_is_accepted_and_untouched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old").write_bytes(b"old")
    for path in (Path("new.jsonl"), tmp_path / "new.jsonl", tmp_path / "old"):
        jsonl.check(path)
    assert _names(tmp_path) == ["old"]
    _write(Path("new.jsonl"), {})
    assert (tmp_path / "new.jsonl").read_bytes() == b"{}\n"


# ---- digest of a file, and a real limit ----------------------------------------------------------------------------


def test_what_is_no_regular_file_has_no_digest(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").write_bytes(b"")
    for path in (tmp_path / "absent", tmp_path, tmp_path / "pipe", tmp_path / "file" / "below", Path("/dev/null")):
        assert jsonl.digest(path) is None


def test_a_file_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="could not be read"):
        jsonl.digest(tmp_path / ("x" * 300))


def test_a_file_size_limit_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    """A real limit in a real process: the kernel refuses in the middle of a write."""
    program = textwrap.dedent("""
        import resource, sys
        from pathlib import Path
        from qwen_dataset.adapters.writers.jsonl import JsonlWriter
        from qwen_dataset.errors import OutputError

        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        try:
            with JsonlWriter(Path(sys.argv[1])) as writer:
                for number in range(1000):
                    writer.write({"number": number, "text": "x" * 1000})
                writer.commit()
        except OutputError as error:
            print(error)
    """)
    path = tmp_path / "out.jsonl"
    path.write_bytes(b"old")
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert f"{path} could not be written: it would be larger than the limit" in done.stdout
    assert path.read_bytes() == b"old"
    assert _names(tmp_path) == ["out.jsonl"]
