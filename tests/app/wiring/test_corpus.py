from __future__ import annotations

import os
from pathlib import Path

import pytest

from qwen_dataset.app.wiring.corpus import ReadReport, read_papers
from qwen_dataset.errors import ReadError, SettingError


def write(path: Path, title: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"# {title}\n\nA sentence about {title}, and another one.\n", encoding="utf-8")
    return path


def sources(*paths: Path, report: ReadReport | None = None) -> list[str]:
    return [paper.source for paper in read_papers(paths, report or ReadReport())]


def test_folders_are_read_in_order_of_names_with_their_own_name_first(tmp_path: Path) -> None:
    root = tmp_path / "corpus"
    for name in ("b.md", "a/z.md", "a/b/x.md", "c.txt"):
        write(root / name, name)
    assert sources(root) == ["corpus/b.md", "corpus/c.txt", "corpus/a/z.md", "corpus/a/b/x.md"]


def test_a_named_file_is_called_by_its_name(tmp_path: Path) -> None:
    assert sources(write(tmp_path / "deep" / "x.md", "x")) == ["x.md"]


def test_the_same_paper_is_read_once_and_told(tmp_path: Path) -> None:
    report = ReadReport()
    first, second = write(tmp_path / "1.md", "same"), write(tmp_path / "2.md", "same")
    assert sources(first, second, first, report=report) == ["1.md"]
    assert (report.papers, report.repeated) == (1, 2)
    assert report.repeated_notes[0] == "2.md is the same paper as 1.md"


def test_other_and_hidden_files_are_ignored_and_counted(tmp_path: Path) -> None:
    report = ReadReport()
    write(tmp_path / "a.md", "a")
    write(tmp_path / ".hidden.md", "h")
    write(tmp_path / ".git" / "x.md", "g")
    (tmp_path / "refs.bib").write_text("x", encoding="utf-8")
    assert len(sources(tmp_path, report=report)) == 1
    assert report.ignored == 2
    assert report.unread == 0


def test_what_cannot_be_read_is_told_and_the_rest_goes_on(tmp_path: Path) -> None:
    report = ReadReport()
    (tmp_path / "a.md").write_bytes(b"\x00\x01" * 50)
    write(tmp_path / "b.md", "b")
    os.mkfifo(tmp_path / "c.md")
    (tmp_path / "d.md").symlink_to(tmp_path / "nowhere")
    assert len(sources(tmp_path, report=report)) == 1
    assert report.unread == 3
    assert any("c.md is not a regular file" in note for note in report.unread_notes)


def test_a_named_file_without_a_reader_is_unread(tmp_path: Path) -> None:
    (tmp_path / "x.bib").write_text("x", encoding="utf-8")
    report = ReadReport()
    assert len(sources(tmp_path / "x.bib", write(tmp_path / "a.md", "a"), report=report)) == 1
    assert report.unread == 1
    assert "no reader for .bib" in report.unread_notes[0]


def test_strict_stops_at_the_first(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_bytes(b"\x00\x01" * 50)
    with pytest.raises(ReadError, match=r"a\.md"):
        list(read_papers([tmp_path], ReadReport(), strict=True))


def test_nothing_to_read_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"nowhere does not exist"):
        sources(tmp_path / "nowhere")
    with pytest.raises(SettingError, match=r"no paper was found in .*\.jsonl"):
        sources(tmp_path)
    (tmp_path / "a.md").write_bytes(b"")
    with pytest.raises(SettingError, match=r"no paper could be read in .*a\.md"):
        sources(tmp_path)


def test_a_file_that_may_not_be_opened_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(tmp_path / "a.md", "a")
    report = ReadReport()

    def refuse(*_: object, **__: object) -> bytes:
        raise PermissionError(13, "Permission denied", str(file))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(SettingError, match=r"a\.md cannot be read: Permission denied"):
        sources(file, report=report)


def test_only_a_hundred_of_a_kind_are_remembered_by_name() -> None:
    report = ReadReport()
    for number in range(250):
        report.note_unread(str(number))
        report.note_ignored(str(number))
        report.note_repeated(str(number))
    assert (report.unread, report.ignored, report.repeated) == (250, 250, 250)
    assert len(report.unread_notes) == len(report.ignored_notes) == len(report.repeated_notes) == 100


def test_a_dataset_that_a_job_left_among_the_papers_is_no_paper(tmp_path: Path) -> None:
    report = ReadReport()
    write(tmp_path / "a.md", "a")
    (tmp_path / "made.jsonl").write_text('{"instruction": "i", "output": "o", "metadata": {}}\n', encoding="utf-8")
    (tmp_path / "answers.jsonl").write_text('{"id": "0", "request_id": "r", "output": "o"}\n', encoding="utf-8")
    (tmp_path / "papers.jsonl").write_text('{"title": "t", "text": "Some words stand here."}\n', encoding="utf-8")
    os.mkfifo(tmp_path / "pipe.jsonl")
    assert len(sources(tmp_path, report=report)) == 2
    assert (report.ignored, report.unread) == (2, 1)
