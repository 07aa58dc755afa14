"""The LaTeX sources among the real papers, where they are at hand."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from qwen_dataset.adapters.readers.latex import parts_of, read_latex
from qwen_dataset.domain.papers import BlockKind, Paper
from qwen_dataset.domain.passages import is_back_matter, split
from tests.adapters.readers.test_examples_and_real_papers import REAL, REFERENCE_LIST, check, real

LATEX = REAL / "latex"
# Main file: title, authors, sections with text, and one of them by its path.
PAPERS = {
    "complex-contour-integration/09_contour_integration.tex": (
        "9. Contour Integration",
        (),
        16,
        ("Poles", "The residue theorem"),
    ),
    "dftk-juliacon/paper.tex": (
        "DFTK: A Julian approach for simulating electrons in solids",
        ("Michael F. Herbst", "Antoine Levitt", "Eric Cancès"),
        2,
        ("Acknowledgements",),
    ),
    "gradqm-entanglement/03_entanglement.tex": (
        "Chapter 3: Quantum Entanglement",
        (),
        14,
        ("Quantum states of multi-particle systems", "Tensor products"),
    ),
    "gradqm-entropy/Appendix_C_entropy.tex": ("Appendix C: Entropy", (), 5, ("Further Reading", "References")),
    "gradqm-scattering/01_scattering.tex": ("Chapter 1: Scattering Theory", (), 10, ("The Green’s function",)),
    "krotov-scipost/krotov.tex": (
        "Krotov: A Python implementation of Krotov’s method for quantum optimal control",
        (
            *("M. H. Goerz", "D. Basilewitsch", "F. Gago-Encinas", "M. G. Krauss", "K. P. Horn", "D. M. Reich"),
            "C. P. Koch",
        ),
        27,
        ("Comparison of Krotov’s method and other optimization methods", "GRadient Ascent Pulse Engineering (GRAPE)"),
    ),
    "plane-wave-dft/main.tex": (
        "Plane Wave Density Functional Theory from Scratch",
        ("Ivo A.W. Filot",),
        31,
        ("Plane waves and unit cells", "Fast Fourier transforms", "Properties of FFTs"),
    ),
}
_FORMULA = re.compile(r"\\begin\{(equation|align|gather|multline|eqnarray)(\*?)\}.*?\\end\{\1\2\}", re.DOTALL)
_INLINE = re.compile(r"(?<!\\)\$[^$]*(?<!\\)\$")
_COMMENT = re.compile(r"(?m)^[ \t]*%.*\n|(?<!\\)%.*")

everyone = pytest.mark.parametrize("name", PAPERS)


@cache
def paper(name: str) -> Paper:
    path = LATEX / name

    def companion(part: str) -> bytes | None:
        file = path.parent / part
        return file.read_bytes() if file.is_file() else None

    return read_latex(path.read_bytes(), source=f"latex/{name}", companion=companion)


def source(name: str) -> str:
    """The text of the paper's files, each once, without comments."""
    text = _COMMENT.sub("", (LATEX / name).read_text())
    for part in re.findall(r"\\input\{(sections/[^}]*)\}", text):
        text += _COMMENT.sub("", (LATEX / name).parent.joinpath(f"{part}.tex").read_text())
    return text


def prose(name: str) -> list[str]:
    return [
        paper(name).text[block.start : block.end]
        for section in paper(name).sections
        for block in section.blocks
        if block.kind is BlockKind.PARAGRAPH
    ]


def bare(formula: str) -> str:
    return "".join(re.sub(r"\\label\{[^}]*\}", "", formula).split()).rstrip(".,")


@real
@everyone
def test_title_authors_language_and_sections(name: str) -> None:
    title, authors, sections, one = PAPERS[name]
    read = paper(name)
    assert (read.title, read.authors, read.language) == (title, authors, "en")
    assert sum(bool(section.blocks) for section in read.sections) == sections
    assert one in [section.path for section in read.sections]
    assert all(title not in section.path for section in read.sections)


@real
@everyone
def test_passages_are_exact_and_hold_no_list_of_references(name: str) -> None:
    check(paper(name))
    for passage in split(paper(name)):
        assert not any(is_back_matter(title) for title in passage.section)
        assert not REFERENCE_LIST.search(paper(name).text[passage.start : passage.end] + "\n")


@real
@everyone
def test_prose_has_no_command_left_in_it(name: str) -> None:
    left = [found for text in prose(name) for found in re.findall(r"\\[A-Za-z]+|[{}]", _INLINE.sub("", text))]
    assert not left


@real
@everyone
def test_every_displayed_formula_is_a_block(name: str) -> None:
    written = sorted(bare(found[0]) for found in _FORMULA.finditer(source(name)))
    read = [
        paper(name).text[block.start : block.end]
        for section in paper(name).sections
        for block in section.blocks
        if block.kind is BlockKind.FORMULA
    ]
    assert sorted(map(bare, read)) == written


@real
def test_what_is_missing_is_said_and_nothing_else() -> None:
    for name in PAPERS:
        files = re.findall(r"\\lstinputlisting(?:\[[^\]]*\])?\{([^}]*)\}", source(name))
        wanted = [f"the listing {file} was not found beside the paper and is left out" for file in dict.fromkeys(files)]
        assert list(paper(name).warnings) == wanted


@real
def test_the_abstract_and_the_acknowledgements_are_found() -> None:
    read = paper("krotov-scipost/krotov.tex")
    assert read.abstract.startswith("We present a new open-source Python package, krotov, implementing")
    assert read.abstract.endswith("and thus high-level customization.")
    assert [is_back_matter(section.title) for section in paper("dftk-juliacon/paper.tex").sections] == [False, True]


@real
def test_which_files_are_papers_parts_and_figures() -> None:
    def look(path: Path) -> tuple[bool, bool]:
        parts = parts_of(path.read_bytes(), source=path.name)
        return parts.is_document, parts.is_figure

    kinds = {path.relative_to(LATEX).as_posix(): look(path) for path in LATEX.rglob("*.tex")}
    # A figure that is a document of its own counts as a figure.
    assert {name for name, (document, figure) in kinds.items() if document and not figure} == set(PAPERS)
    prose = {name for name, (document, figure) in kinds.items() if not document and not figure}
    # What includes others may show their text; here these are definitions, and another file includes it itself.
    config = "plane-wave-dft/config/config.tex"
    assert prose == {config, *(name for name in kinds if "/sections/" in name)}
    main = parts_of((LATEX / "plane-wave-dft" / "main.tex").read_bytes(), source="main.tex")
    assert main.includes[:2] == ("config/config", "sections/01_introduction")
