"""Files that are larger than they look, deeper than they should be, or something else than they say."""

from __future__ import annotations

import gzip
import json
import random
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from qwen_dataset.app.wiring.corpus import ReadLimits, ReadReport, read_papers
from qwen_dataset.domain.papers import Paper
from qwen_dataset.errors import SettingError

HERE = ReadLimits(processes=0)
SMALL = ReadLimits(processes=0, size_mb=1)
RECORD = json.dumps({"title": "A record", "text": "Some words stand here."}).encode() + b"\n"


def read(folder: Path, limits: ReadLimits = HERE) -> tuple[list[Paper], list[str]]:
    report = ReadReport()
    try:
        papers = list(read_papers([folder], report, limits=limits))
    except SettingError:
        papers = []
    assert report.unread == len(report.unread_notes)
    return papers, report.unread_notes


def zeros(path: Path, megabytes: int, *, begin: bytes = b"") -> None:
    """Write a packed file of one byte a thousand times a thousand times over."""
    with gzip.open(path, "wb", compresslevel=9) as file:
        file.write(begin)
        for _ in range(megabytes):
            file.write(b"x" * 1_000_000)


@pytest.mark.parametrize("name", ["a.md", "a.txt", "a.jsonl"])
def test_packed_files_are_read_as_what_they_are(tmp_path: Path, name: str) -> None:
    data = RECORD if name.endswith("jsonl") else b"# A title\n\nSome words stand here.\n"
    (tmp_path / f"{name}.gz").write_bytes(gzip.compress(data[:20], mtime=0) + gzip.compress(data[20:], mtime=0))
    (tmp_path / f"B{name}.GZ").write_bytes(gzip.compress(data.replace(b"words", b"other words"), mtime=0))
    papers, unread = read(tmp_path, ReadLimits(processes=1))
    assert [paper.source.partition("#")[0].partition("/")[2] for paper in papers] == [f"B{name}.GZ", f"{name}.gz"]
    assert not unread
    assert all(paper.title in {"A title", "A record"} for paper in papers)


def test_what_is_packed_and_no_paper_is_ignored(tmp_path: Path) -> None:
    for name in ("a.tar.gz", "b.gz", "c.bib.gz"):
        (tmp_path / name).write_bytes(gzip.compress(b"x", mtime=0))
    report = ReadReport()
    with pytest.raises(SettingError, match="no paper was found"):
        list(read_papers([tmp_path], report, limits=HERE))
    assert report.ignored == 3


@pytest.mark.parametrize("name", ["a.md.gz", "a.jsonl.gz"])
@pytest.mark.parametrize("workers", [0, 1])
def test_a_gzip_bomb_is_one_sentence(tmp_path: Path, name: str, workers: int) -> None:
    zeros(tmp_path / name, 40)
    papers, unread = read(tmp_path, ReadLimits(processes=workers))
    source = f"{tmp_path.name}/{name}"
    assert unread == [f"{source} unpacks to more than 200 times its size, as no paper does"]
    assert not papers


def records(count: int, *, alike: bool = False) -> bytes:
    """Return records of ten kilobytes that cannot be packed much, or that are all the same."""
    dice = random.Random(7)
    texts = [" ".join(f"{dice.getrandbits(40):x}" for _ in range(1_000)) for _ in range(1 if alike else count)]
    return b"".join(json.dumps({"text": text}).encode() + b"\n" for text in (texts * count)[:count])


def test_a_packed_file_is_read_up_to_a_bound(tmp_path: Path) -> None:
    text = b"# A title\n\n" + b"Some words stand here. " * 60_000
    (tmp_path / "a.md.gz").write_bytes(gzip.compress(text, mtime=0))
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(lines := records(300), mtime=0))
    assert len(lines) > 3_000_000, "more than a small dump may hold, if it were not so large when packed"
    papers, unread = read(tmp_path, SMALL)
    assert unread == [f"{tmp_path.name}/a.md.gz unpacks to more than 1 MB; raise read_size to read it"]
    assert len(papers) == 300


@pytest.mark.parametrize("workers", [0, 1])
def test_a_dump_of_many_packed_copies_is_stopped_and_what_came_before_is_kept(tmp_path: Path, workers: int) -> None:
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(records(300, alike=True), mtime=0))
    papers, unread = read(tmp_path, ReadLimits(processes=workers, size_mb=1))
    assert 150 < len(papers) < 250
    assert unread == [f"{tmp_path.name}/a.jsonl.gz unpacks to more than 2.5 MB; raise read_size to read it"]


@pytest.mark.parametrize("name", ["a.md.gz", "a.jsonl.gz"])
def test_damaged_packed_files_are_one_sentence(tmp_path: Path, name: str) -> None:
    source = f"{tmp_path.name}/{name}"
    whole = gzip.compress(RECORD * 2 + bytes(range(256)).hex().encode() * 50)
    for data, sentence in (
        (whole[: len(whole) // 2], "is cut off: the end of its gzip data is missing"),
        (whole[:-4], "is cut off: the end of its gzip data is missing"),
        (whole[:-8] + b"\0" * 8, "is not gzip data, or damaged"),
        (whole[:20] + b"\xff" * 50 + whole[70:], "is not gzip data, or damaged"),
        (b"# no gzip", "is not gzip data, or damaged"),
        (zlib.compress(RECORD), "is not gzip data, or damaged"),
    ):
        (tmp_path / name).write_bytes(data)
        _, unread = read(tmp_path)
        assert unread[-1] == f"{source} {sentence}"


def test_a_file_larger_than_a_paper_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_bytes(b"# A title\n\n" + b"x" * 1_000_000)
    _, unread = read(tmp_path, SMALL)
    assert unread == [f"{tmp_path.name}/a.md is larger than 1 MB; raise read_size to read it"]


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("packed", [False, True])
def test_a_line_longer_than_a_record_costs_itself_alone(tmp_path: Path, workers: int, packed: bool) -> None:
    long = b'{"text": "' + bytes(range(97, 123)) * 12_000 + b'"}\n'
    other = RECORD.replace(b"Some", b"Other")
    data = RECORD + long + b"\n" + other + b"broken\n" + long
    path = tmp_path / ("a.jsonl.gz" if packed else "a.jsonl")
    path.write_bytes(gzip.compress(data, mtime=0) if packed else data)
    papers, unread = read(tmp_path, ReadLimits(processes=workers, size_mb=1))
    assert [paper.source.partition("#")[2] for paper in papers] == ["1", "4"]
    assert [note.partition(" line ")[2].partition(";")[0][:24] for note in unread] == [
        "2 is longer than 0.25 MB",
        "5 is not JSON: unexpecte",
        "6 is longer than 0.25 MB",
    ]


@pytest.mark.parametrize("workers", [0, 1])
def test_a_dump_of_one_long_line_is_one_sentence(tmp_path: Path, workers: int) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"\n" + b"x" * 600_000)
    _, unread = read(tmp_path, ReadLimits(processes=workers, size_mb=1))
    assert unread == [f"{tmp_path.name}/a.jsonl line 2 is longer than 0.25 MB; raise read_size"]


@pytest.mark.parametrize("workers", [0, 1])
def test_an_empty_dump_says_so(tmp_path: Path, workers: int) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"\n \n" * 200_000)
    _, unread = read(tmp_path, ReadLimits(processes=workers))
    assert unread == [f"{tmp_path.name}/a.jsonl is empty; a dump of papers has one JSON object a line"]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("quotes.md", b">" * 10_000 + b" text\n"),
        ("lists.md", b"- " * 10_000 + b"text\n"),
        ("indented.md", b"".join(b"  " * n + b"- x\n" for n in range(1_000))),
        ("brackets.md", b"[" * 100_000 + b"\n"),
        ("front.md", b"---\nx: " + b"[" * 10_000 + b"\n---\n\n# A title\n\nSome words.\n"),
        ("deep.jsonl", b'{"text": ' + b"[" * 10_000 + b"]" * 10_000 + b"}\n"),
        ("objects.jsonl", b'{"text":' * 10_000 + b"1" + b"}" * 10_000 + b"\n"),
        ("binary.md", bytes(range(256)) * 100),
        ("picture.txt", b"\x89PNG\r\n\x1a\n" + bytes(1000)),
        ("archive.jsonl", gzip.compress(RECORD, mtime=0)),
        ("latin.md", "# Café\n\nUn café très fort à l'été.\n".encode("latin-1")),
    ],
)
def test_odd_files_end_in_a_paper_or_in_one_sentence(tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    papers, unread = read(tmp_path, ReadLimits(processes=1, seconds=30, memory_mb=512))
    assert len(papers) + len(unread) == 1
    assert all(note.startswith(f"{tmp_path.name}/{name} ") and "\n" not in note for note in unread)
    assert not any("took longer" in note or "memory" in note or "ended the process" in note for note in unread)


MEASURED = """
import resource, sys
from pathlib import Path
from qwen_dataset.app.wiring.corpus import ReadLimits, ReadReport, read_papers
from qwen_dataset.errors import SettingError
report, count = ReadReport(), 0
try:
    for paper in read_papers([Path(sys.argv[1])], report, limits=ReadLimits(processes=int(sys.argv[2]))):
        count += 1
except SettingError:
    pass
scale = 1_000_000 if sys.platform == "darwin" else 1_000
peaks = [resource.getrusage(who).ru_maxrss // scale for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
status = Path("/proc/self/status")
if status.exists():
    # What getrusage says begins with the peak of the process that started this one.
    peaks[0] = next(int(line.split()[1]) // 1_000 for line in status.open() if line.startswith("VmHWM:"))
print(count, *peaks, *report.unread_notes, sep="\\n")
"""


def measured(folder: Path, workers: int = 1) -> tuple[int, int, int, list[str]]:
    """Return the papers, the peaks of this kind of process and of those that it starts (MB), and what is unread."""
    command = [sys.executable, "-c", MEASURED, str(folder), str(workers)]
    count, own, others, *unread = subprocess.run(
        command, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    return int(count), int(own), int(others), unread


@pytest.mark.long
@pytest.mark.parametrize("name", ["a.md.gz", "a.jsonl.gz"])
def test_memory_stays_bounded_in_a_gzip_bomb_of_ten_gigabytes(tmp_path: Path, name: str) -> None:
    part = gzip.compress(b"x" * 100_000_000, mtime=0)
    (tmp_path / name).write_bytes(part * 100)
    _, own, others, unread = measured(tmp_path)
    assert len(unread) == 1
    assert "unpacks to more than" in unread[0]
    assert own < 300
    assert others < 400


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "why"), [("a.md", "is larger than 200 MB"), ("a.jsonl", "line 1 is longer than 50 MB")]
)
def test_memory_stays_bounded_in_a_line_of_a_gigabyte(tmp_path: Path, name: str, why: str) -> None:
    with (tmp_path / name).open("wb") as file:
        file.truncate(1_000_000_000)
    count, own, others, unread = measured(tmp_path)
    assert count == 0
    assert len(unread) == 1
    assert why in unread[0]
    assert own < 300
    assert others < 500


@pytest.mark.long
def test_memory_is_flat_in_a_large_dump(tmp_path: Path) -> None:
    text = "The correlation length of the chain grows near the critical coupling. " * 100
    with (tmp_path / "a.jsonl").open("w") as file:
        for number in range(10_000):
            file.write(json.dumps({"title": f"Paper {number}", "text": f"{number} {text}"}) + "\n")
    count, own, others, unread = measured(tmp_path, 2)
    assert (count, unread) == (10_000, [])
    assert own < 200
    assert others < 200


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("padding", [0, 300_000])
def test_a_small_record_does_not_become_a_huge_text(tmp_path: Path, workers: int, padding: int) -> None:
    entries = {"f": {"latex": "x" * 60_000}}
    record = {"title": "T", "body_text": [{"text": "{{formula:f}} " * 4000}], "ref_entries": entries}
    (tmp_path / "a.jsonl").write_bytes(json.dumps(record | {"padding": " " * padding}).encode() + b"\n" + RECORD)
    papers, unread = read(tmp_path, ReadLimits(processes=workers))
    assert [paper.title for paper in papers] == ["A record"]
    told = f"{tmp_path.name}/a.jsonl line 1 holds more text than a file of its size can and was left out"
    assert unread == [told]


@pytest.mark.parametrize("workers", [0, 1])
def test_many_records_of_a_small_file_are_bounded_together(tmp_path: Path, workers: int) -> None:
    entries = {"f": {"latex": "x" * 10_000}}
    record = {"body_text": [{"text": "{{formula:f}} " * 1500}], "ref_entries": entries}
    lines = b"".join(json.dumps(record | {"title": f"T {number}"}).encode() + b"\n" for number in range(7))
    (tmp_path / "a.jsonl").write_bytes(lines)
    papers, unread = read(tmp_path, ReadLimits(processes=workers))
    assert len(papers) == 4
    assert unread
    assert all("holds more text than a file of its size can and was left out" in told for told in unread)
