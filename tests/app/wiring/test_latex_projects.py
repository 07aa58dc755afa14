"""LaTeX projects of several files: which of them are papers, and what is in these."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from qwen_dataset.app.wiring.companions import companions_of
from qwen_dataset.app.wiring.corpus import ReadLimits, ReadReport, read_papers
from qwen_dataset.domain.papers import Paper

HERE = ReadLimits(processes=0)
WORDS = "Twenty words of prose are enough to be read, and these say of {0} that nothing of it may be lost."


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = text.encode()
        path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


def whole(title: str, body: str) -> str:
    return f"\\documentclass{{article}}\\title{{{title}}}\\begin{{document}}\n{body}\n\\end{{document}}"


def read(folder: Path) -> tuple[dict[str, Paper], list[str]]:
    report = ReadReport()
    found = {short(paper.source, folder): paper for paper in read_papers([folder], report, limits=HERE)}
    return found, [short(note, folder) for note in report.ignored_notes]


def short(source: str, folder: Path) -> str:
    return source.replace(f"{folder.name}/", "")


@pytest.mark.parametrize(
    "main",
    ["\\input{preamble}\\begin{document}\\input{s1}\\input{s2}\\end{document}", "\\input{s1}\\input{s2}"],
    ids=["its class in a part", "a fragment"],
)
def test_a_main_file_that_shows_nothing_but_its_parts_is_a_paper(tmp_path: Path, main: str) -> None:
    sections = {f"s{i}.tex": f"\\section{{Part {i}}} {WORDS.format(i)}" for i in (1, 2)}
    write(tmp_path, {"main.tex": main, **sections})
    if "preamble" in main:
        write(tmp_path, {"preamble.tex": "\\documentclass{article}\\title{Pre Paper}"})
    found, _ = read(tmp_path)
    assert list(found) == ["main.tex"]
    assert [section.path for section in found["main.tex"].sections] == [("Part 1",), ("Part 2",)]


def test_of_short_fragments_that_include_each_other_one_is_a_paper(tmp_path: Path) -> None:
    write(tmp_path, {"a.tex": "Short words. \\input{b}", "b.tex": "More words. \\input{a}"})
    assert list(read(tmp_path)[0]) == ["a.tex"]


def test_a_figure_takes_no_paper_for_a_part_of_its_own(tmp_path: Path) -> None:
    figure = "\\documentclass{standalone}\\begin{document}\\input{text}\\input{colours}\\end{document}"
    colours = "\\definecolor{a}{rgb}{1,0,0}"
    write(tmp_path, {"figure.tex": figure, "text.tex": WORDS, "colours.tex": colours})
    found, ignored = read(tmp_path)
    assert list(found) == ["text.tex"]
    assert ignored == ["colours.tex (part of figure.tex)", "figure.tex (a figure)"]


def test_a_paper_is_no_part_of_one_in_another_folder_that_names_something_alike(tmp_path: Path) -> None:
    main = whole("Main", f"{WORDS} \\input{{intro}}")
    write(tmp_path, {"intro.tex": whole("Intro", WORDS), "p1/main.tex": main})
    found, ignored = read(tmp_path)
    assert list(found) == ["intro.tex", "p1/main.tex"]
    assert not ignored
    assert found["p1/main.tex"].warnings == ("the part intro was not found beside the paper and is left out",)


def test_a_part_names_its_own_parts_from_the_folder_of_the_paper(tmp_path: Path) -> None:
    main = whole("Main", "\\input{a/fragment}\\subfile{a/document}")
    fragment = f"{WORDS} \\input{{a/deep/one}}"
    document = whole("", f"{WORDS} \\input{{a/deep/two}}")
    write(tmp_path, {"main.tex": main, "a/fragment.tex": fragment, "a/document.tex": document})
    write(tmp_path, {"a/deep/one.tex": WORDS, "a/deep/two.tex": WORDS})
    assert list(read(tmp_path)[0]) == ["main.tex"]


def test_a_packed_project_is_one_paper(tmp_path: Path) -> None:
    body = f"\\input{{sec}}{WORDS.format('all')}\\input{{main}}"
    main = f"\\documentclass{{article}}\\begin{{document}}{body}\\end{{document}}"
    write(tmp_path, {"main.tex.gz": main, "sec.tex.gz": "\\input{sub/one.tex}", "sub/one.tex.gz": WORDS.format("one")})
    found, _ = read(tmp_path)
    assert list(found) == ["main.tex.gz"]
    paper = found["main.tex.gz"]
    assert paper.title == "main"
    assert paper.warnings == ("the part main includes itself; it is read once",)
    assert WORDS.format("one") in paper.text


@pytest.mark.parametrize(
    "part",
    [gzip.compress(b" " * 2_000_000), gzip.compress(b"Cut off." * 9)[:-9], b"No gzip."],
    ids=["too large", "cut off", "no gzip"],  # gzip writes the time, and each test process names its tests itself
)
def test_a_packed_part_that_is_too_large_or_damaged_is_missing(tmp_path: Path, part: bytes) -> None:
    (tmp_path / "sec.tex.gz").write_bytes(part)
    assert companions_of(tmp_path / "main.tex", tmp_path, ReadLimits(size_mb=1))("sec.tex") is None
