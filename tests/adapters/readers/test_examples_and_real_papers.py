"""The project's example papers, and real papers where they are at hand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from qwen_dataset.adapters.readers.jsonl import read_jsonl
from qwen_dataset.adapters.readers.markdown import read_markdown
from qwen_dataset.adapters.readers.text import read_text
from qwen_dataset.domain.papers import BlockKind, Paper
from qwen_dataset.domain.passages import Passage, choose, split

from .likeness import shared

ROOT = Path(__file__).resolve().parents[3]
EXAMPLES = ROOT / "examples" / "papers"
REAL = ROOT.parent / "shared" / "papers"

real = pytest.mark.skipif(not REAL.is_dir(), reason="the real papers (../shared/papers) are not here")

TITLES = {
    "markdown/mbqc-introduction.md": ("Measurement-Based Quantum Computation Module", "en"),
    "markdown/qdistrnd/paper.md": (
        "QDistRnd: A GAP package for computing the distance of quantum error-correcting codes",
        "en",
    ),
    "markdown/qubit-level-programming-bom.md": ("Write and simulate qubit-level programs in Q#", "en"),
    "markdown/quimb/paper.md": (
        "quimb: A python package for quantum information and many-body calculations",
        "en",
    ),
    "markdown/sunny/paper.md": ("Sunny.jl: A Julia Package for Spin Dynamics", "en"),
    "markdown/t-gates-and-t-factories-crlf.md": ("T gates & T factories", "en"),
    "markdown/toqito-draft-2020.md": ("toqito: A Python package for quantum information", "en"),
    "markdown/zh-en-interleaved-pauli-measurements.md": ("Pauli 度量值 Pauli Measurements", "zh"),
    "markdown/zh-entanglement-distillation-bbpssw.md": ("纠缠蒸馏 -- BBPSSW 协议", "zh"),
    "markdown/zh-mbqc-introduction.md": ("基于测量的量子计算模块", "zh"),
    "markdown/zh-understanding-quantum-computing.md": ("了解量子计算", "zh"),
    "text/2212.11807-paulis-electron.txt": (
        "Pauli's Electron in Ehrenfest and Bohm Theories, a Comparative Study",
        "en",
    ),
    "text/2212.11829-conformal-field-theory.txt": ("Aspects of Conformal Field Theory", "en"),
    "text/2212.11862-reduce-and-chop.txt": ("Reduce-and-chop: Shallow circuits for deeper problems", "en"),
    "text/dmrgenie-pdftotext.txt": ("DMRGenie: Graphical interface for entanglement renormalization", "en"),
    "text/krotovs-method.rst.txt": ("Krotov’s Method", "en"),
    "text/zh-understanding-quantum-computing-gb18030.txt": ("了解量子计算", "zh"),
    "text/zh-vqe-pdftotext.txt": ("变分量⼦特征求解器（VQE）", "zh"),
}
# A list of references: entries that begin with their number and hold a year, one after the other.
REFERENCE_LIST = re.compile(r"(?m)(?:^\[?\d{1,3}[\].][^\n]*\(?(?:19|20)\d\d\b[^\n]*\n+){3}")


def read(path: Path) -> Paper:
    source = path.relative_to(REAL if path.is_relative_to(REAL) else EXAMPLES).as_posix()
    reader = read_markdown if path.suffix == ".md" else read_text
    return reader(path.read_bytes(), source=source)


def records(path: Path) -> Iterator[Paper]:
    with path.open("rb") as lines:
        for found in read_jsonl(lines, source=path.name):
            assert isinstance(found, Paper), found
            yield found


def check(paper: Paper) -> list[Passage]:
    passages = list(split(paper))
    assert passages, paper.source
    for passage in passages:
        content = paper.text[passage.start : passage.end]
        assert content
        assert content == content.strip()
        section = next(one for one in paper.sections if one.start <= passage.start < one.end)
        assert section.path == passage.section
        assert passage.end <= section.end
        assert not REFERENCE_LIST.search(content + "\n"), content
        for block in section.blocks:
            if block.kind is not BlockKind.PARAGRAPH and block.start < passage.end and passage.start < block.end:
                assert passage.start <= block.start < block.end <= passage.end
    for one, other in pairwise(passages):
        assert one.end <= other.start
    chosen = choose(passages, 4)
    assert len(chosen) == min(4, len(passages))
    return passages


def real_files() -> list[Path]:
    return sorted([*REAL.glob("markdown/**/*.md"), *REAL.glob("text/*.txt")]) if REAL.is_dir() else []


@real
def test_there_are_real_papers_to_read() -> None:
    assert len(real_files()) >= 25


@real
@pytest.mark.parametrize("path", real_files(), ids=lambda path: path.relative_to(REAL).as_posix())
def test_every_real_paper_reads_with_exact_passages(path: Path) -> None:
    check(read(path))


@real
@pytest.mark.parametrize("name", TITLES)
def test_titles_and_languages_of_real_papers(name: str) -> None:
    paper = read(REAL / name)
    assert (paper.title, paper.language) == TITLES[name]


@real
def test_every_record_of_the_real_dump_reads() -> None:
    papers = list(records(REAL / "papers.jsonl"))
    assert len(papers) == 16
    assert all(paper.source.startswith("papers.jsonl#arXiv:") and paper.authors and paper.abstract for paper in papers)
    assert {paper.language for paper in papers} == {"en"}
    for paper in papers:
        check(paper)


@real
def test_records_of_metadata_alone_are_short_papers_that_say_so() -> None:
    papers = list(records(REAL / "jsonl" / "arxiv_metadata.jsonl"))
    assert len(papers) == 16
    for paper in papers:
        assert paper.warnings == ("it holds no full text, only a title and an abstract",)
        assert [section.path for section in paper.sections] == [("Abstract",)]
        assert paper.abstract in paper.text
        assert not re.search(r"\n|\\['\"v]", paper.title + "".join(paper.authors))
        check(paper)


@real
def test_native_records_of_unarxive_read_like_their_flattened_twins() -> None:
    twins = {paper.source.rpartition(":")[2]: paper for paper in records(REAL / "papers.jsonl")}
    papers = list(records(REAL / "jsonl" / "unarxive_native.jsonl"))
    assert len(papers) == 5
    for paper in papers:
        twin = twins[paper.source.rpartition("#")[2]]
        assert shared(paper, twin) >= 0.90
        assert "{{" not in paper.text
        assert (paper.language, bool(paper.authors), bool(paper.abstract)) == ("en", True, True)
        assert bool(paper.warnings) == (paper.source.endswith("11739"))
        check(paper)


@real
@pytest.mark.parametrize("path", sorted((REAL / "text").glob("2212.*.txt")), ids=lambda path: path.name[:10])
def test_plain_texts_of_the_dump_share_its_words(path: Path) -> None:
    twin = next(paper for paper in records(REAL / "papers.jsonl") if path.name[:10] in paper.source)
    assert shared(read(path), twin) >= 0.90


@real
def test_windows_line_ends_and_gb18030_give_the_text_of_their_twins() -> None:
    crlf = REAL / "markdown" / "t-gates-and-t-factories-crlf.md"
    assert b"\r\n" in crlf.read_bytes()
    assert "\r" not in read(crlf).text
    chinese = read(REAL / "text" / "zh-understanding-quantum-computing-gb18030.txt")
    twin = read(REAL / "markdown" / "zh-understanding-quantum-computing.md")
    assert (chinese.text, chinese.sections, chinese.id) == (twin.text, twin.sections, twin.id)


@real
def test_formulas_of_a_real_paper_stay_with_the_prose_before() -> None:
    paper = read(REAL / "text" / "krotovs-method.rst.txt")
    formulas = [block for section in paper.sections for block in section.blocks if block.kind is BlockKind.FORMULA]
    assert len(formulas) > 30
    starts = {passage.start for passage in split(paper)}
    assert not starts & {block.start for block in formulas}


def example_papers() -> list[Paper]:
    files = [read(path) for path in sorted(EXAMPLES.glob("*.md"))]
    return [*files, *(paper for path in sorted(EXAMPLES.glob("*.jsonl")) for paper in records(path))]


def test_the_examples_cover_every_kind_of_block_in_both_languages() -> None:
    papers = example_papers()
    assert [paper.language for paper in papers] == ["en", "zh", "en", "zh", "en"]
    for paper in papers:
        passages = check(paper)
        assert len(passages) >= 5
        assert not paper.warnings
        assert paper.abstract
        assert paper.authors
        assert {block.kind for section in paper.sections for block in section.blocks} == set(BlockKind)
        assert any("References" in section.title or "参考文献" in section.title for section in paper.sections)


def test_the_examples_are_called_by_their_titles() -> None:
    assert [paper.title for paper in example_papers()] == [
        "Matching decoders for the rotated surface code: what they assume and what they cost",
        "变分量子特征求解器：原理、测量代价与可训练性",
        "Teleportation through noisy pairs: fidelity, the classical limit, and waiting in memory",
        "量子搜索的几何图像：迭代次数、成功概率与未知的解数",
        "Randomized benchmarking without the jargon",
    ]


def test_the_listings_of_the_examples_run() -> None:
    for paper in example_papers():
        (code,) = [
            paper.text[block.start : block.end]
            for section in paper.sections
            for block in section.blocks
            if block.kind is BlockKind.CODE
        ]
        exec(
            compile(code.removeprefix("```python").removesuffix("```"), paper.source, "exec"),
            {"print": lambda *_: None},
        )
