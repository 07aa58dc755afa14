"""What a person names: files, folders, patterns, addresses, lists and standard input; nothing beyond it is read."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from qwen_dataset.adapters.storage.memory import MemoryStorage
from qwen_dataset.app.wiring import plugins
from qwen_dataset.app.wiring.companions import companions_of
from qwen_dataset.app.wiring.corpus import ReadLimits, ReadReport, own_files, read_papers
from qwen_dataset.app.wiring.inputs import Kind, Named, listed
from qwen_dataset.app.wiring.registry import Registry, Row
from qwen_dataset.domain.papers import Paper
from qwen_dataset.errors import SettingError

from . import strange_readers

HERE = ReadLimits(processes=0)
TEXT = "A sentence about {0}, and another one."


def paper(path: Path, title: str | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    name = title or path.stem
    path.write_text(f"# {name}\n\n{TEXT.format(name)}\n", encoding="utf-8")
    return path


def read(*named: str | Path, report: ReadReport | None = None, limits: ReadLimits = HERE) -> list[Paper]:
    return list(read_papers(named, report or ReadReport(), limits=limits))


def sources(*named: str | Path, report: ReadReport | None = None, limits: ReadLimits = HERE) -> list[str]:
    return [each.source for each in read(*named, report=report, limits=limits)]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the current folder, empty."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


# ---- patterns --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("papers/*.md", ["papers/a.md", "papers/b.md"]),
        ("papers/**/*.md", ["papers/a.md", "papers/b.md", "papers/deep/c.md", "papers/deep/er/d.md"]),
        ("papers/**/c.*", ["papers/deep/c.md", "papers/deep/c.txt"]),
        ("papers/[ab].md", ["papers/a.md", "papers/b.md"]),
        ("papers/d*", ["papers/deep/c.md", "papers/deep/c.txt", "papers/deep/er/d.md"]),
        ("papers/*/er", ["papers/deep/er/d.md"]),
        ("papers/**", ["papers/a.md", "papers/b.md", "papers/deep/c.md", "papers/deep/c.txt", "papers/deep/er/d.md"]),
        ("p*/deep/?.md", ["here/papers/deep/c.md"]),
        ("./papers/deep/**/d.md", ["deep/er/d.md"]),
    ],
)
def test_a_pattern_stands_for_what_fits_it_in_order(here: Path, pattern: str, found: list[str]) -> None:
    for name in ("b.md", "a.md", "deep/c.md", "deep/c.txt", "deep/er/d.md"):
        paper(here / "papers" / name, name)
    (here / "papers" / "x.bib").write_text("x")
    report = ReadReport()
    assert sources(pattern, report=report) == found
    assert report.unread == 0, "nobody named what fits by chance and is no paper"


def test_a_pattern_that_nothing_fits_is_a_sentence(here: Path) -> None:
    paper(here / "a.md")
    for pattern in ("*.pdf", "nowhere/**/*.md", "a.md/*"):
        with pytest.raises(SettingError) as told:
            sources("a.md", pattern)
        assert str(told.value) == f"no file fits {pattern}; name a file or folder of papers"


def test_a_file_that_is_called_like_a_pattern_is_that_file(here: Path) -> None:
    paper(here / "x[1].md")
    paper(here / "x1.md")
    paper(here / "what?.md")
    assert sources("x[1].md") == ["x[1].md"]
    assert sources("what?.md") == ["what?.md"]


def test_a_file_that_is_called_like_an_address_is_that_file(here: Path) -> None:
    paper(here / "s3:notes.md")
    assert sources("s3:notes.md") == ["s3:notes.md"]
    assert sources(f"file:{here}/s3:notes.md") == ["s3:notes.md"]


def test_what_is_named_twice_is_read_once_and_told(here: Path) -> None:
    paper(here / "a.md")
    report = ReadReport()
    assert sources("a.md", "*.md", here, report=report) == ["a.md"]
    assert report.repeated == 2


def test_all_that_does_not_exist_is_told_at_once(here: Path) -> None:
    with pytest.raises(SettingError) as told:
        sources("one.md", "two/*.md", "three", "a\0b")
    assert len(told.value.problems) == 4
    with pytest.raises(SettingError) as told:
        sources(*(f"{number}.md" for number in range(1000)))
    assert told.value.problems[-1] == "… and 980 more that do not exist"


def test_a_lone_path_is_one_paper(here: Path) -> None:
    paper(here / "a.md")
    assert [each.source for each in read_papers("a.md", ReadReport(), limits=HERE)] == ["a.md"]
    assert [each.source for each in read_papers(here / "a.md", ReadReport(), limits=HERE)] == ["a.md"]
    with pytest.raises(SettingError, match="no papers are named"):
        read()


# ---- what is ours ----------------------------------------------------------------------------------------------------


def test_an_output_that_is_one_of_the_papers_is_refused_however_they_are_named(here: Path) -> None:
    (here / "d").mkdir()
    output = paper(here / "d" / "o.jsonl")
    jsonl = plugins.output_format()
    for name in ("d/o.jsonl", "d", "d/*", "**/*.jsonl", Path("d/o.jsonl")):
        with pytest.raises(SettingError, match="is one of the papers"):
            own_files([name], output, None, jsonl)
    for name in ("d/*.md", "-", "s3://bucket/d", "e"):
        assert own_files([name], output, None, jsonl) == [output]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("g/d*/x.md", ["g/dlink/x.md"]),
        ("g/d*", ["g/dlink/x.md", "g/dlink/y.md"]),
        ("g/[dr]*/x.md", ["g/real/x.md"]),
        ("g/**/x.md", ["g/real/x.md"]),
        ("g/**/dlink/*.md", ["g/dlink/x.md", "g/dlink/y.md"]),
        ("g/*/up/dl*/up/real/y.md", ["g/real/up/dlink/up/real/y.md"]),
    ],
)
def test_a_link_that_only_a_pattern_reaches_is_found_once(here: Path, pattern: str, found: list[str]) -> None:
    paper(here / "g" / "real" / "x.md")
    paper(here / "g" / "real" / "y.md")
    (here / "g" / "dlink").symlink_to("real")
    (here / "g" / "dlink2").symlink_to("real")
    (here / "g" / "real" / "up").symlink_to("..")
    report = ReadReport()
    assert sources(pattern, report=report) == found
    assert not report.repeated


def test_a_file_that_is_named_twice_is_not_the_same_as_itself(here: Path) -> None:
    paper(here / "papers" / "a.md")
    report = ReadReport()
    assert sources("papers/*.md", "papers/a*", report=report) == ["papers/a.md"]
    assert report.repeated_notes == ["papers/a.md was found again"]


def test_a_folder_of_which_all_is_ignored_says_why(here: Path) -> None:
    (here / "papers").mkdir()
    (here / "papers" / "a.png").write_text("x")
    with pytest.raises(SettingError, match=r"^no paper was found in papers; papers end in .*; ignored: papers/a.png$"):
        read("papers")
    (here / "papers" / "b.md").symlink_to(paper(here / "b.md"))
    told = r"; ignored: papers/b.md \(a link that leaves the folder\)$"
    with pytest.raises(SettingError, match=told):
        read("papers")


# ---- links and companions --------------------------------------------------------------------------------------------


def test_nothing_outside_of_a_folder_is_read_by_links(here: Path) -> None:
    paper(here / "outside" / "secret.md", "secret")
    paper(here / "papers" / "a.md", "a")
    paper(here / "papers" / "sub" / "b.md", "b")
    (here / "papers" / "x.md").symlink_to(here / "outside" / "secret.md")
    (here / "papers" / "up").symlink_to("../outside", target_is_directory=True)
    (here / "papers" / "inside.md").symlink_to("sub/b.md")
    for named in ("papers", "papers/**/*", "papers/*.md"):
        report = ReadReport()
        assert "secret" not in [each.title for each in read(named, report=report)]
        assert "papers/x.md (a link that leaves the folder)" in report.ignored_notes
    assert "papers/up (a link that leaves the folder)" in ReadReportOf("papers").ignored_notes
    assert [each.title for each in read("papers/x.md")] == ["secret"], "a link that a person names is what it leads to"


def ReadReportOf(named: str) -> ReadReport:  # noqa: N802
    report = ReadReport()
    read(named, report=report)
    return report


def test_companions_are_found_in_the_root_and_nowhere_else(here: Path) -> None:
    (here / "secret").write_bytes(b"secret")
    root = here / "root"
    (root / "paper" / "deep").mkdir(parents=True)
    for name in ("paper/a", "paper/deep/b", "above"):
        (root / name).write_bytes(name.encode())
    (root / "paper" / "link").symlink_to(here / "secret")
    (root / "paper" / "folder").symlink_to(here, target_is_directory=True)
    (root / "paper" / "good").symlink_to("../above")
    (root / "paper" / "circle").symlink_to("circle")
    os.mkfifo(root / "paper" / "pipe")
    look = companions_of(root / "paper" / "main.tex", root, HERE)
    assert look("a") == b"paper/a"
    assert look("./deep/../deep/b") == b"paper/deep/b"
    assert look("../above") == look("good") == b"above"
    refused = ("../../secret", "/etc/passwd", str(here / "secret"), "link", "folder/secret", "pipe", "circle", "deep")
    for name in (*refused, "", ".", "absent", "a\0b", "x" * 5000, "../" * 3000 + "etc/passwd", "~/x"):
        assert look(name) is None, name


def test_companions_of_one_paper_are_no_more_than_a_file_may_be(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 600_000)
    look = companions_of(tmp_path / "main.tex", tmp_path, ReadLimits(size_mb=1))
    assert look("a") is not None
    assert look("a") is None


# ---- projects --------------------------------------------------------------------------------------------------------


@pytest.fixture
def projects(here: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with strange_readers.installed(here.parent / "site", monkeypatch):
        yield here


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.proj"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.mark.parametrize("limits", [HERE, ReadLimits(processes=1)])
def test_what_another_file_includes_is_a_part_and_no_paper(projects: Path, limits: ReadLimits) -> None:
    write(
        projects / "p",
        main="document sections/one sections/two.proj",
        sections__one="sections/deep",
        sections__deep="nothing",
        sections__two="../p/alone",
        picture="figure",
        alone="words",
        other__main="document ../alone",
    )
    report = ReadReport()
    assert sources("p", report=report, limits=limits) == ["p/main.proj", "p/other/main.proj"]
    assert report.ignored_notes == [
        "p/alone.proj (part of p/sections/two.proj)",
        "p/picture.proj (a figure)",
        "p/sections/deep.proj (part of p/sections/one.proj)",
        "p/sections/one.proj (part of p/main.proj)",
        "p/sections/two.proj (part of p/main.proj)",
    ]


def test_a_part_that_a_person_names_is_a_paper(projects: Path) -> None:
    write(projects, main="document part", part="figure")
    assert sources("part.proj", ".") == ["part.proj", "here/main.proj"]


def test_files_that_include_each_other_are_not_lost(projects: Path) -> None:
    write(projects, a="b", b="document c", c="a", d="d", e="/etc/passwd ../../x", f="x" * 9000)
    assert sources(".") == ["here/b.proj", "here/d.proj", "here/e.proj", "here/f.proj"]


def test_a_file_finds_its_companions_from_its_own_folder(projects: Path) -> None:
    (projects / "secret").write_text("secret")
    write(projects / "p", main="document part.proj beside ../secret /etc/passwd", part="the part")
    (projects / "p" / "beside").write_text("the companion")
    (found,) = read("p")
    assert "part.proj=the part;" in found.text
    assert "beside=the companion;" in found.text
    assert "../secret=nothing; /etc/passwd=nothing;" in found.text
    (found,) = read("p/main.proj")
    assert "beside=the companion;" in found.text
    assert "../secret=nothing;" in found.text


# ---- lists -----------------------------------------------------------------------------------------------------------


def test_a_list_is_relative_to_the_current_folder(here: Path, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_bytes(
        b"\xef\xbb\xbf# papers\r\n\r\n a.md \r\n./#b.md\n  # no\n*.txt\ns3://bucket/x?endpoint=y"
    )
    assert listed(str(tmp_path / "list.txt")) == ["a.md", "./#b.md", "*.txt", "s3://bucket/x?endpoint=y"]


def test_names_that_are_no_text_go_through_a_list(here: Path) -> None:
    name = os.fsdecode(b"caf\xe9.md")
    paper(here / name, "a")
    (here / "list").write_bytes(b"caf\xe9.md\n")
    assert listed("list") == [name]
    assert sources(*listed("list")) == ["caf\\xe9.md"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "the list of papers list cannot be read: No such file or directory"),
        (b"", "the list of papers list names none; write one path a line"),
        (b"# nothing\n\n", "the list of papers list names none; write one path a line"),
        (b"\x7fELF\0\0", "list is no list of papers; write one path a line"),
    ],
)
def test_what_is_wrong_with_a_list_is_a_sentence(here: Path, content: bytes | None, sentence: str) -> None:
    if content is not None:
        (here / "list").write_bytes(content)
    with pytest.raises(SettingError) as told:
        listed("list")
    assert str(told.value) == sentence


@pytest.mark.parametrize("name", ["", "\n", " "])
def test_an_empty_name_is_not_the_current_folder(here: Path, name: str) -> None:
    paper(here / "a.md")
    told = r"^one of the papers is named by an empty text; name a file or folder \(\. is the current one\)$"
    with pytest.raises(SettingError, match=told):
        read("a.md", name)


# ---- standard input --------------------------------------------------------------------------------------------------


def given(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


@pytest.mark.parametrize("workers", [0, 1])
def test_papers_come_from_standard_input(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, workers: int) -> None:
    limits = ReadLimits(processes=workers)
    given(monkeypatch, b'\xef\xbb\xbf \n{"id": 1, "text": "Some words."}\n{"text": "Other words."}\n')
    assert sources("-", limits=limits) == ["stdin#1", "stdin#3"]
    (tmp_path / "in").write_text("# 标题\n\nSome words about a matter.\n")
    with (tmp_path / "in").open(encoding="utf-8") as file:
        monkeypatch.setattr(sys, "stdin", file)
        (found,) = read("-", limits=limits)
        assert (found.title, found.source) == ("标题", "stdin")


PAGE = "<html><body><h1>A title</h1><p>Some words about a matter.</p></body></html>"
TEX = r"\documentclass{article}\title{A title}\begin{document}\maketitle Some words about a matter.\end{document}"
RECORDS = [{"title": "A title", "text": "Some words."}, {"title": "Another", "text": "Other words."}]


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    ("content", "reader", "count"),
    [
        (PAGE, "html", 1),
        (f"\n <!DOCTYPE HTML>\n{PAGE}", "html", 1),
        (f'<?xml version="1.0"?>\n<!-- a page\n--> <!-- -->\n{PAGE.replace("html", "HTML")}', "html", 1),
        (TEX, "latex", 1),
        (f"% A comment\n  %\n\n{TEX}", "latex", 1),
        (json.dumps(RECORDS), "jsonl", 2),
        (json.dumps(RECORDS, indent=2), "jsonl", 2),
        (json.dumps(RECORDS[0], indent=2), "jsonl", 1),
        (json.dumps(RECORDS[0]), "jsonl", 1),
        (json.dumps({"title": "A title", "text": "Some words. " * 10_000}), "jsonl", 1),
        ("\r\n".join(map(json.dumps, RECORDS)), "jsonl", 2),
        ("# A title\n\n[1] Some words.\n", "text", 1),
        ("[1] Some words about a matter, and a {brace}.\n", "text", 1),
    ],
)
def test_how_standard_input_begins_tells_what_it_is(
    monkeypatch: pytest.MonkeyPatch, workers: int, packed: bool, content: str, reader: str, count: int
) -> None:
    data = content.encode()
    given(monkeypatch, gzip.compress(data, mtime=0) if packed else data)
    found = read("-", limits=ReadLimits(processes=workers))
    assert [each.reader.partition("/")[0] for each in found] == [reader] * count
    assert all(each.source.partition("#")[0] == "stdin" for each in found)


def test_packed_standard_input_has_the_bounds_of_packed_files(monkeypatch: pytest.MonkeyPatch) -> None:
    packed = gzip.compress(b"words " * 300_000, mtime=0)
    for data, told in (
        (packed, r"stdin unpacks to more than 1 MB; raise read_size to read it"),
        (packed[:-200], r"stdin (?:unpacks to more than 1 MB|is cut off)"),
        (packed[:2], r"stdin is cut off: the end of its gzip data is missing"),
        (b"\x1f\x8bnot at all", r"stdin is not gzip data, or damaged"),
        (gzip.compress(packed), r"stdin is not a text file"),
    ):
        given(monkeypatch, data)
        with pytest.raises(SettingError, match=told):
            read("-", limits=ReadLimits(processes=0, size_mb=1))


def test_what_cannot_be_read_from_standard_input_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    for data in (b"", b" \n "):
        given(monkeypatch, data)
        with pytest.raises(SettingError, match="^no paper could be read in -: stdin holds no text$"):
            read("-")
    given(monkeypatch, b"\x00\x01\x02" * 100)
    with pytest.raises(SettingError, match="stdin is not a text file: it holds NUL bytes"):
        read("-")
    with pytest.raises(SettingError, match="standard input can be read once; name - once"):
        read("-", "-")
    given(monkeypatch, b"words " * 1000)
    with pytest.raises(SettingError, match=r"stdin holds more than 0\.001 MB; raise read_size to read it"):
        read("-", limits=ReadLimits(processes=0, size_mb=0.001))
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(SettingError, match="standard input is closed; name a file"):
        read("-")


def test_nothing_is_left_on_the_disk(here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    given(monkeypatch, b"# A title\n\nSome words.\n")
    papers = read_papers(["-"], ReadReport(), limits=HERE)
    next(papers)
    assert list((tmp_path / "tmp").iterdir())
    papers.close()
    assert not list((tmp_path / "tmp").iterdir())


# ---- storages --------------------------------------------------------------------------------------------------------


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch) -> Shelf:
    return Shelf(monkeypatch)


class Shelf:
    """A storage ``shelf://place/prefix`` in memory, for the papers that a test puts there."""

    opened: str | None = None
    objects: dict[str, bytes]

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.objects = {}
        monkeypatch.setattr(Shelf, "current", self, raising=False)
        rows = {**plugins.storages.rows, "shelf": Row(f"{__name__}:open_shelf")}
        monkeypatch.setattr(plugins, "storages", Registry("storage", "qwen_dataset.storages", rows))
        monkeypatch.setitem(sys.modules, __name__, sys.modules[__name__])

    def put(self, key: str, data: str | bytes) -> None:
        self.objects[key] = data.encode() if isinstance(data, str) else data


def open_shelf(location: str, parameters: dict[str, str]) -> MemoryStorage:
    shelf: Shelf = Shelf.current  # type: ignore[attr-defined]
    shelf.opened = f"{location} {parameters}"
    storage = MemoryStorage()
    prefix = f"{location.rstrip('/')}/"

    async def fill() -> None:
        for key, data in shelf.objects.items():
            if key.startswith(prefix):
                await storage.put(key.removeprefix(prefix), data)

    asyncio.run(fill())
    return storage


MARKDOWN = "# {0}\n\nA sentence about {0}.\n"


@pytest.mark.parametrize("workers", [0, 1])
def test_papers_come_from_a_storage_in_the_order_of_their_keys(shelf: Shelf, workers: int) -> None:
    for name in ("b.md", "a/x.txt", "a/deep/y.md", ".hidden/z.md", "c.bib"):
        shelf.put(f"place/papers/{name}", MARKDOWN.format(name))
    shelf.put("place/other.md", MARKDOWN.format("other"))
    shelf.put("place/papers/d.jsonl", '{"id": "one", "text": "Some words."}\n')
    shelf.put("place/papers/made.jsonl", '{"instruction": "i", "output": "o", "metadata": {}}\n')
    shelf.put("place/papers/z.md.gz", gzip.compress(MARKDOWN.format("z").encode()))
    report = ReadReport()
    found = sources("shelf://place/papers/?endpoint=https://x", report=report, limits=ReadLimits(processes=workers))
    base = "shelf://place/papers"
    assert found == [f"{base}/{n}" for n in ("a/deep/y.md", "a/x.txt", "b.md", "d.jsonl#one", "z.md.gz")]
    assert shelf.opened == "place/papers {'endpoint': 'https://x'}"
    assert report.ignored_notes == [f"{base}/{name}" for name in (".hidden/z.md", "c.bib", "made.jsonl")]


def test_one_object_of_a_storage_may_be_named(shelf: Shelf) -> None:
    shelf.put("place/papers/a.md", MARKDOWN.format("a"))
    shelf.put("place/papers/b.md", MARKDOWN.format("b"))
    assert sources("shelf://place/papers/b.md?x=1") == ["shelf://place/papers/b.md"]
    assert shelf.opened == "place/papers {'x': '1'}"


def test_a_project_of_a_storage_has_its_parts(shelf: Shelf, projects: Path) -> None:
    shelf.put("place/p/one/main.proj", "document part beside.sty ../two/x.bib ../../secret")
    shelf.put("place/p/one/part.proj", "a part")
    shelf.put("place/p/one/beside.sty", "a style")
    shelf.put("place/p/two/x.bib", "a bibliography")
    report = ReadReport()
    (found,) = read("shelf://place/p", report=report)
    assert found.source == "shelf://place/p/one/main.proj"
    assert "beside.sty=a style; ../two/x.bib=a bibliography; ../../secret=nothing;" in found.text
    assert "shelf://place/p/one/part.proj (part of shelf://place/p/one/main.proj)" in report.ignored_notes


def test_what_is_wrong_with_a_storage_is_a_sentence(shelf: Shelf) -> None:
    with pytest.raises(SettingError, match=r"^no paper was found in shelf://place/none; papers end in"):
        read("shelf://place/none")
    with pytest.raises(SettingError, match=r"there is no storage 'https'; known: file, memory, s3"):
        read("https://arxiv.org/abs/2212.11807")
    with pytest.raises(SettingError, match="has a user:password@ in it"):
        read("shelf://me:secret@place/papers")
    shelf.put("place/a.md", "x" * 2000)
    shelf.put("place/b.md", MARKDOWN.format("b"))
    report = ReadReport()
    small = ReadLimits(processes=0, size_mb=0.001)
    assert sources("shelf://place", report=report, limits=small) == ["shelf://place/b.md"]
    assert report.unread_notes == ["shelf://place/a.md is larger than 0.001 MB; raise read_size to read it"]


def test_papers_come_from_a_bucket(monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.s3 import server

    running = server()
    for name, value in running.environment.items():
        monkeypatch.setenv(name, value)
    url = running.url()
    storage = plugins.open_storage(url)

    async def fill() -> None:
        await storage.put("b.md", MARKDOWN.format("b").encode())
        await storage.put("deep/a.jsonl", json.dumps({"id": "x", "text": "Some words."}).encode())

    asyncio.run(fill())
    shown = url.partition("?")[0]
    assert sources(url, limits=ReadLimits(processes=1)) == [f"{shown}/b.md", f"{shown}/deep/a.jsonl#x"]
    one = f"{shown}/b.md?{url.partition('?')[2]}"
    assert sources(one) == [f"{shown}/b.md"]


# ---- names -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("-", Kind.STDIN),
        ("a.md", Kind.PATH),
        ("s3://bucket", Kind.ADDRESS),
        ("s3:bucket", Kind.ADDRESS),
        ("ftp://x", Kind.ADDRESS),
        ("c:x", Kind.PATH),
        ("a/*.md", Kind.PATTERN),
        ("[", Kind.PATTERN),
    ],
)
def test_names_are_told_apart(here: Path, text: str, kind: Kind) -> None:
    assert Named.of(text).kind is kind
