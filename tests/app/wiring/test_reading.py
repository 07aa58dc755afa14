"""Reading in processes of our own: what goes wrong with one file is one sentence, and nothing is left behind."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from qwen_dataset.app.wiring import reading, reading_process
from qwen_dataset.app.wiring.corpus import ReadLimits, ReadReport, read_papers
from qwen_dataset.domain.papers import Paper
from qwen_dataset.errors import JobUnfinished, ReadError, SettingError

from . import strange_readers

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="papers are read in this process there")

ONE = ReadLimits(processes=1)
TWO = ReadLimits(processes=2)
HASTY = ReadLimits(processes=2, seconds=3)
HUNG = "took longer than 3 seconds to read and was left out (read_timeout)"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a folder for papers, where the strange readers are installed."""
    with strange_readers.installed(tmp_path / "site", monkeypatch):
        (tmp_path / "papers").mkdir()
        yield tmp_path / "papers"


@pytest.fixture
def pids(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that every process that is started gets into."""
    started: list[int] = []

    class Noted(reading_process.ReadingProcess):
        def __init__(self, limits: ReadLimits) -> None:
            super().__init__(limits)
            started.append(self.pid)

    monkeypatch.setattr(reading, "ReadingProcess", Noted)
    return started


def write(folder: Path, **texts: str) -> None:
    for name, text in texts.items():
        suffix = "lines" if "\n" in text else "strange"
        (folder / f"{name}.{suffix}").write_text(text, encoding="utf-8")


def read(folder: Path, limits: ReadLimits = TWO) -> tuple[list[Paper], ReadReport]:
    report = ReadReport()
    return list(read_papers([folder], report, limits=limits)), report


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def ended(pid: int) -> bool:
    """Wait for a process that is not a child of ours, at most a minute."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], 60)[0])
    finally:
        os.close(handle)


# ---- order and sameness ----------------------------------------------------------------------------------------------


def test_papers_come_in_the_order_of_their_names_whoever_is_read_first(folder: Path) -> None:
    """The first file is read only while the second one is, so both are read at the same time."""
    write(folder, a=f"wait-for {folder.parent}/made", b=f"make {folder.parent}/made", c="c")
    papers, report = read(folder)
    assert [paper.source for paper in papers] == ["papers/a.strange", "papers/b.strange", "papers/c.strange"]
    assert report.unread == 0


def test_however_many_processes_read_the_papers_are_the_same(folder: Path) -> None:
    for number in range(12):
        (folder / f"{number:02}.plain").write_text(f"# Paper {number}\n\nIts text, {number} times.\n")
    records = [json.dumps({"id": n, "title": f"Record {n}", "text": f"It is {n}. " * 400}) for n in range(300)]
    records[7:7] = ["", "{broken", "   "]
    (folder / "dump.jsonl").write_text("\n".join(records))
    (folder / "zz.md").write_text("# Last\n\nThe last one.\n")
    assert (folder / "dump.jsonl").stat().st_size > 1_000_000, "cut into parts"
    found = [read(folder, ReadLimits(processes=count)) for count in (0, 1, 2)]
    assert found[0] == found[1] == found[2]
    papers, report = found[0]
    assert len(papers) == 12 + 300 + 1
    assert report.unread_notes == [
        "papers/dump.jsonl line 9 is not JSON: unexpected character, expected a string key (character 2)"
    ] or report.unread_notes[0].startswith("papers/dump.jsonl line 9 is not JSON")


def test_a_few_small_files_start_no_process(folder: Path, pids: list[int]) -> None:
    for number in range(5):
        (folder / f"{number}.md").write_text(f"# Paper {number}\n\nIts text.\n")
    (folder / "d.jsonl").write_text('{"text": "Some words stand here."}\n')
    assert len(read(folder)[0]) == 6
    assert pids == []
    for number in range(6):
        (folder / f"large-{number}.md").write_text(f"# Large {number}\n\n" + "Its text. " * 20_000)
    assert len(read(folder)[0]) == 12
    assert len(pids) in {1, 2}


def test_names_that_are_no_text_are_read_too(folder: Path) -> None:
    for name in (b"caf\xe9", "纸".encode(), b"new\nline"):
        (folder / os.fsdecode(name + b".strange")).write_text(name.hex())
    papers, _ = read(folder, ONE)
    assert [paper.source for paper in papers] == [
        "papers/caf\\xe9.strange", "papers/new\nline.strange", "papers/纸.strange"
    ]  # fmt: skip


def test_one_file_starts_one_process(folder: Path, pids: list[int]) -> None:
    write(folder, a="a")
    read(folder, ReadLimits(processes=8))
    assert len(pids) == 1


def test_a_dump_that_says_nothing_of_parts_is_read_in_one_go(folder: Path) -> None:
    (folder / "a.mixed").write_text("one\ntwo\nthree\n")
    papers, _ = read(folder)
    assert [paper.source for paper in papers] == ["papers/a.mixed"] * 3


# ---- what goes wrong -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "limits", "sentence"),
    [
        pytest.param("hang", HASTY, HUNG, marks=pytest.mark.long),
        ("hang-in-c", HASTY, HUNG),
        ("crash", TWO, "ended the process that read it (SIGABRT) and was left out"),
        ("leave", TWO, "ended the process that read it (exit code 3) and was left out"),
        (
            "eat",
            ReadLimits(processes=2, memory_mb=400),
            "needs more than 400 MB of memory to be read and was left out (read_memory)",
        ),
        ("explode", TWO, "holds more text than a file of its size can and was left out"),
        ("half", TWO, "gave a paper that cannot be stored"),
    ],
)
def test_a_file_that_its_reader_cannot_cope_with_is_one_sentence_and_the_others_go_on(
    folder: Path, pids: list[int], text: str, limits: ReadLimits, sentence: str
) -> None:
    write(folder, a="a", b=text, c="c", d="d")
    papers, report = read(folder, limits)
    assert [paper.source for paper in papers] == [f"papers/{name}.strange" for name in "acd"]
    assert len(report.unread_notes) == 1
    assert report.unread_notes[0].startswith(f"papers/b.strange {sentence}")
    assert all(is_gone(pid) for pid in pids)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("crash", "ended the process that read it (SIGABRT) and was left out"),
        pytest.param("hang", HUNG, marks=pytest.mark.long),
    ],
)
def test_a_line_that_ends_its_process_costs_itself_alone(folder: Path, text: str, why: str) -> None:
    write(folder, a=f"one\n\ntwo\n{text}\n\nthree\nfour\n{text}", b="b")
    papers, report = read(folder, HASTY)
    lines = [f"papers/a.lines#{number}" for number in (1, 3, 6, 7)]
    assert [paper.source for paper in papers] == [*lines, "papers/b.strange"]
    assert report.unread_notes == [f"papers/a.lines line {number} {why}" for number in (4, 8)]


@pytest.mark.long
def test_a_dump_of_nothing_but_traps_is_given_up_in_time(folder: Path) -> None:
    write(folder, a="good\n" + "leave\n" * 500, b="b")
    papers, report = read(folder)
    assert [paper.source for paper in papers] == ["papers/a.lines#1", "papers/b.strange"]
    assert report.unread == 11
    assert report.unread_notes[9].startswith("papers/a.lines line 11 ended the process")


def test_a_dump_without_end_is_stopped(folder: Path) -> None:
    (folder / "a.endless").write_text("x\n")
    write(folder, b="b")
    papers, report = read(folder)
    assert papers[-1].source == "papers/b.strange"
    assert len(papers) == 2, "the same paper is yielded once"
    told = "the rest of papers/a.endless (after 3 papers) holds more text than a file of its size can and was left out"
    assert report.unread_notes == [told]


def test_a_reader_that_cannot_be_used_stops_the_run(folder: Path, pids: list[int]) -> None:
    write(folder, a="a", b="refuse")
    with pytest.raises(SettingError, match="^this reader cannot be used$"):
        read(folder)
    assert all(is_gone(pid) for pid in pids)
    (folder / "b.strange").unlink()
    (folder / "b.absent").write_text("x")
    with pytest.raises(SettingError, match="reader 'absent' of the package strange cannot be used: ModuleNotFound"):
        read(folder)


def test_strict_stops_at_the_first_and_leaves_nothing(folder: Path, pids: list[int]) -> None:
    write(folder, a="a", b="leave", c="c")
    with pytest.raises(ReadError, match="b.strange ended the process"):
        list(read_papers([folder], ReadReport(), strict=True, limits=TWO))
    assert pids
    assert all(is_gone(pid) for pid in pids)


def test_a_process_that_cannot_be_started_is_one_sentence(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder, a="a")
    monkeypatch.setattr(sys, "executable", str(folder / "no-python"))
    with pytest.raises(SettingError, match=r"could be started \(No such file or directory\); read_processes = 0 does"):
        read(folder)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(SettingError, match=r"could be started \(exit code 1\); read_processes = 0 does"):
        read(folder)
    assert len(read(folder, ReadLimits(processes=0))[0]) == 1
    monkeypatch.setattr(sys, "executable", "")
    assert len(read(folder)[0]) == 1, "without an interpreter there is this process"


# ---- what is left, and what is seen ----------------------------------------------------------------------------------


def test_a_generator_that_is_closed_early_leaves_no_process(folder: Path, pids: list[int]) -> None:
    write(folder, a="a", b="hang", c="c", d="hang")
    papers = read_papers([folder], ReadReport(), limits=TWO)
    next(papers)
    papers.close()
    assert len(pids) == 2
    assert all(is_gone(pid) for pid in pids)


def test_who_stops_it_need_not_wait_for_a_file(folder: Path, pids: list[int]) -> None:
    write(folder, a="a", b="hang")
    is_stopped = False
    papers = read_papers([folder], ReadReport(), limits=TWO, stopped=lambda: is_stopped)
    next(papers)
    is_stopped = True
    with pytest.raises(JobUnfinished, match="interrupted while papers were read; nothing was submitted"):
        next(papers)
    assert all(is_gone(pid) for pid in pids)


def test_a_process_sees_no_key_and_imports_nothing_of_the_current_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = folder.parent / "here"
    here.mkdir()
    (here / "orjson.py").write_text("raise SystemExit(5)")
    monkeypatch.chdir(here)
    for name in ("DASHSCOPE_API_KEY", "QIANWEN_API_KEY", "QWEN_DATASET_API_KEY"):
        monkeypatch.setenv(name, "a-key-of-somebody")
    write(folder, a="environment", b="path")
    (environment, path), _ = read(folder)
    assert "API_KEY" not in environment.text
    assert "HOME" in environment.text or "PATH" in environment.text
    assert str(here) not in path.text.split()


SCRIPT = """
import sys
from qwen_dataset.app.wiring.corpus import ReadLimits, ReadReport, read_papers
from qwen_dataset.app.wiring import reading, reading_process
class Noted(reading_process.ReadingProcess):
    def __init__(self, limits):
        super().__init__(limits)
        print(self.pid, flush=True)
reading.ReadingProcess = Noted
print("begun", flush=True)
for paper in read_papers([sys.argv[1]], ReadReport(), limits=ReadLimits(processes=2, seconds=3)):
    print(paper.source, flush=True)
    if len(sys.argv) > 2:
        sys.stdin.read()
"""


def start(folder: Path, *more: str) -> subprocess.Popen[str]:
    script = folder.parent / "script.py"
    script.write_text(SCRIPT)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, str(script), str(folder), *more]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)


def test_a_script_without_a_guard_runs_once(folder: Path) -> None:
    write(folder, a="a", b="b", c="c")
    out, _ = start(folder).communicate()
    lines = [line for line in out.splitlines() if not line.isdecimal()]
    assert lines == ["begun", "papers/a.strange", "papers/b.strange", "papers/c.strange"]


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="the end of another process cannot be waited for")
@pytest.mark.parametrize("text", ["idle", "hang", pytest.param("hang-in-c", marks=pytest.mark.long)])
def test_when_whoever_reads_is_killed_its_processes_end(folder: Path, text: str) -> None:
    write(folder, a="a", b=text)
    with start(folder, "wait") as process:
        assert process.stdout is not None
        lines = [process.stdout.readline().strip() for _ in range(4)]
        pids = [int(line) for line in lines if line.isdecimal()]
        assert len(pids) == 2, lines
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert all(ended(pid) for pid in pids)


def test_ctrl_c_is_for_this_process_alone(folder: Path) -> None:
    write(folder, a="pid", b="b")
    with read_in_own_session(folder) as found:
        assert os.getsid(found) != os.getsid(0)


class read_in_own_session:  # noqa: N801
    """The pid of the process that has read the first paper, while it is there."""

    def __init__(self, folder: Path) -> None:
        self._papers = read_papers([folder], ReadReport(), limits=ONE)

    def __enter__(self) -> int:
        return int(next(self._papers).text.split("pid ")[1].split()[0])

    def __exit__(self, *_: object) -> None:
        self._papers.close()
