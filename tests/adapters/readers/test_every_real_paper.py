"""Every real paper, read as a person's corpus is: titles, languages, sections, passages, and twins in two formats."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pypdfium2
import pytest

from qwen_dataset.app.wiring.corpus import ReadReport, read_papers
from qwen_dataset.domain.papers import BlockKind, Paper
from qwen_dataset.domain.passages import Reason, divide, left_out
from qwen_dataset.domain.sentences import trim
from qwen_dataset.domain.tokens import approximate_tokens
from tests.adapters.readers.likeness import grams, shared, word_grams

REAL = Path(__file__).resolve().parents[4] / "shared" / "papers"
pytestmark = pytest.mark.skipif(not REAL.is_dir(), reason="the real papers (../shared/papers) are not here")

# Source, language and number of sections, title. What reads better may change a number; look at the paper then.
TABLE = r"""
papers.jsonl#arXiv:2212.11862 | en 17 | Reduce-and-chop: Shallow circuits for deeper problems
papers.jsonl#arXiv:2212.11807 | en 8 | Pauli's Electron in Ehrenfest and Bohm Theories, a Comparative Study
papers.jsonl#arXiv:2212.11829 | en 1 | Aspects of Conformal Field Theory
papers.jsonl#arXiv:2212.11798 | en 7 | Analyticity of stationary spacetimes from maximal hypersurfaces
papers.jsonl#arXiv:2212.11825 | en 5 | Mesonic "screening masses" in high temperature QCD
papers.jsonl#arXiv:2212.11831 | en 14 | A simple approach to hopping matrix elements between nearby molecules
papers.jsonl#arXiv:2212.11894 | en 7 | General kinematics of the three-gluon vertex from quenched lattice QCD
papers.jsonl#arXiv:2212.11887 | en 3 | Spin wave dispersion of ultra-low damping hematite ($\alpha\text{-Fe}_2\text{O}_3$) at GHz frequencies
papers.jsonl#arXiv:2212.11802 | en 9 | Broken Symmetries in Microfluidic Pillar Arrays are Reflected in a Flowing DNA Solution across Multiple Length Scales
papers.jsonl#arXiv:2212.11827 | en 2 | Differential Dynamic Microscopy can be applied to Differential Interference Contrast images despite shadowing effects
papers.jsonl#arXiv:2212.11739 | en 1 | A light Higgs boson in the NMSSM confronted with the CMS di-photon and di-tau excesses
papers.jsonl#arXiv:2212.11849 | en 22 | Stability Analysis and Performance Evaluation of Mixed-Precision Runge-Kutta Methods
papers.jsonl#arXiv:2212.11895 | en 7 | Excitonic Absorption Signatures of Twisted Bilayer WSe$_{2}$ by Electron Energy-Loss Spectroscopy
papers.jsonl#arXiv:2212.11813 | en 8 | FieldView: An interactive software tool for exploration of three-dimensional vector fields
papers.jsonl#arXiv:2212.11800 | en 25 | Solitons in Open N=2 String Theory
papers.jsonl#arXiv:2212.11808 | en 16 | A Mutation-based Text Generation for Adversarial Machine Learning Applications
html/complex-branch-cuts.html | en 12 | Branch Points and Branch Cuts
html/gradqm-transfer-matrix-latexml.html | en 4 | Appendix B: The Transfer Matrix Method
html/krotovs-method.html | en 10 | Krotov’s Method
html/lindblad-simulation.html | en 6 | Solving the Lindblad dynamics of a qubit chain
html/thewalrus.html | en 3 | The Walrus: a library for the calculation of hafnians, Hermite polynomials and Gaussian boson sampling
html/why-momentum-really-works.html | en 14 | Why Momentum Really Works
jsonl/arxiv_metadata.jsonl#2212.11862 | en 1 | Reduce-and-chop: Shallow circuits for deeper problems
jsonl/arxiv_metadata.jsonl#2212.11807 | en 1 | Pauli's Electron in Ehrenfest and Bohm Theories, a Comparative Study
jsonl/arxiv_metadata.jsonl#2212.11829 | en 1 | Aspects of Conformal Field Theory
jsonl/arxiv_metadata.jsonl#2212.11798 | en 1 | Analyticity of stationary spacetimes from maximal hypersurfaces
jsonl/arxiv_metadata.jsonl#2212.11825 | en 1 | Mesonic "screening masses" in high temperature QCD
jsonl/arxiv_metadata.jsonl#2212.11831 | en 1 | A simple approach to hopping matrix elements between nearby molecules
jsonl/arxiv_metadata.jsonl#2212.11894 | en 1 | General kinematics of the three-gluon vertex from quenched lattice QCD
jsonl/arxiv_metadata.jsonl#2212.11887 | en 1 | Spin wave dispersion of ultra-low damping hematite ($\alpha\text{-Fe}_2\text{O}_3$) at GHz frequencies
jsonl/arxiv_metadata.jsonl#2212.11802 | en 1 | Broken Symmetries in Microfluidic Pillar Arrays are Reflected in a Flowing DNA Solution across Multiple Length Scales
jsonl/arxiv_metadata.jsonl#2212.11827 | en 1 | Differential Dynamic Microscopy can be applied to Differential Interference Contrast images despite shadowing effects
jsonl/arxiv_metadata.jsonl#2212.11739 | en 1 | A light Higgs boson in the NMSSM confronted with the CMS di-photon and di-tau excesses
jsonl/arxiv_metadata.jsonl#2212.11849 | en 1 | Stability Analysis and Performance Evaluation of Mixed-Precision Runge-Kutta Methods
jsonl/arxiv_metadata.jsonl#2212.11895 | en 1 | Excitonic Absorption Signatures of Twisted Bilayer WSe$_{2}$ by Electron Energy-Loss Spectroscopy
jsonl/arxiv_metadata.jsonl#2212.11813 | en 1 | FieldView: An interactive software tool for exploration of three-dimensional vector fields
jsonl/arxiv_metadata.jsonl#2212.11800 | en 1 | Solitons in Open N=2 String Theory
jsonl/arxiv_metadata.jsonl#2212.11808 | en 1 | A Mutation-based Text Generation for Adversarial Machine Learning Applications
jsonl/unarxive_native.jsonl#2212.11807 | en 7 | Pauli's Electron in Ehrenfest and Bohm Theories, a Comparative Study
jsonl/unarxive_native.jsonl#2212.11739 | en 2 | A light Higgs boson in the NMSSM confronted with the CMS di-photon and di-tau excesses
jsonl/unarxive_native.jsonl#2212.11827 | en 3 | Differential Dynamic Microscopy can be applied to Differential Interference Contrast images despite shadowing effects
jsonl/unarxive_native.jsonl#2212.11894 | en 6 | General kinematics of the three-gluon vertex from quenched lattice QCD
jsonl/unarxive_native.jsonl#2212.11831 | en 15 | A simple approach to hopping matrix elements between nearby molecules
latex/complex-contour-integration/09_contour_integration.tex | en 16 | 9. Contour Integration
latex/dftk-juliacon/paper.tex | en 2 | DFTK: A Julian approach for simulating electrons in solids
latex/gradqm-entanglement/03_entanglement.tex | en 15 | Chapter 3: Quantum Entanglement
latex/gradqm-entropy/Appendix_C_entropy.tex | en 6 | Appendix C: Entropy
latex/gradqm-scattering/01_scattering.tex | en 10 | Chapter 1: Scattering Theory
latex/krotov-scipost/krotov.tex | en 28 | Krotov: A Python implementation of Krotov’s method for quantum optimal control
latex/plane-wave-dft/main.tex | en 33 | Plane Wave Density Functional Theory from Scratch
markdown/mbqc-introduction.md | en 11 | Measurement-Based Quantum Computation Module
markdown/quantum-error-correction.md | en 11 | Quantum Error Correction Codes
markdown/qubit-level-programming-bom.md | en 24 | Write and simulate qubit-level programs in Q#
markdown/t-gates-and-t-factories-crlf.md | en 5 | T gates & T factories
markdown/toqito-draft-2020.md | en 3 | toqito: A Python package for quantum information
markdown/zh-en-interleaved-pauli-measurements.md | zh 4 | Pauli 度量值 Pauli Measurements
markdown/zh-entanglement-distillation-bbpssw.md | zh 8 | 纠缠蒸馏 -- BBPSSW 协议
markdown/zh-mbqc-introduction.md | zh 11 | 基于测量的量子计算模块
markdown/zh-understanding-quantum-computing.md | zh 8 | 了解量子计算
markdown/qdistrnd/paper.md | en 5 | QDistRnd: A GAP package for computing the distance of quantum error-correcting codes
markdown/qiskit-dynamics/paper.md | en 6 | Qiskit Dynamics: A Python package for simulating the time dynamics of quantum systems
markdown/quantumreservoirpy/paper.md | en 9 | QuantumReservoirPy: A Software Package for Time Series Prediction
markdown/quimb/paper.md | en 3 | quimb: A python package for quantum information and many-body calculations
markdown/qxtools/paper.md | en 6 | QXTools: A Julia framework for distributed quantum circuit simulation
markdown/sunny/paper.md | en 12 | Sunny.jl: A Julia Package for Spin Dynamics
markdown/thewalrus/paper.md | en 3 | The Walrus: a library for the calculation of hafnians, Hermite polynomials and Gaussian boson sampling
markdown/toqito/paper.md | en 3 | toqito -- Theory of quantum information toolkit: A Python package for studying quantum information
pdf/jcon-00043-modia3d.pdf | en 12 | Modia3D: Modeling and Simulation of 3D-Systems in Julia
pdf/jcon-00069-dftk.pdf | en 3 | DFTK: A Julian approach for simulating electrons in solids
pdf/jcon-00092-measure-theory.pdf | en 26 | Applied Measure Theory for Probabilistic Modeling
pdf/jcon-00098-catwalk.pdf | en 8 | Catwalk.jl: An adaptive dispatch optimizer
pdf/jcon-00133-jumpprocesses.pdf | en 18 | Extending JumpProcesses.jl for fast point process simulation with time-varying intensities
pdf/jcon-00134-insitu-climate.pdf | en 29 | Julia for HPC: In Situ Data Analysis with Julia for Climate Simulations at Large Scale
pdf/jcon-00183-dmrgenie.pdf | en 34 | DMRGenie: Graphical interface for entanglement renormalization
pdf/jcon-00208-rational-approximation.pdf | en 21 | RationalFunctionApproximation.jl: Rational Approximation On Discrete and Continuous Domains
pdf/krotov-manual-v1.0.0.pdf | en 183 | Krotov
pdf/qaoa.pdf | en 9 | Quantum Approximate Optimization Algorithm (QAOA)
pdf/quantumreservoirpy-joss-draft.pdf | en 16 | QuantumReservoirPy: A Software Package for Time Series Prediction
pdf/thewalrus-joss-draft.pdf | en 3 | The Walrus: a library for the calculation of hafnians, Hermite polynomials and Gaussian boson sampling
pdf/toqito-draft-2020.pdf | en 3 | toqito: A Python package for quantum information
pdf/zh-paddle-quantum-tutorial.pdf | zh 30 | Paddle Quantum 入门手册
pdf/zh-qaoa.pdf | zh 9 | 量子近似优化算法 (QAOA)
pdf/zh-vqe.pdf | zh 9 | 变分量子特征求解器（VQE）
text/2212.11807-paulis-electron.txt | en 10 | Pauli's Electron in Ehrenfest and Bohm Theories, a Comparative Study
text/2212.11827-differential-dynamic-microscopy.txt | en 4 | Differential Dynamic Microscopy can be applied to Differential Interference Contrast images despite shadowing effects
text/2212.11829-conformal-field-theory.txt | en 2 | Aspects of Conformal Field Theory
text/2212.11862-reduce-and-chop.txt | en 19 | Reduce-and-chop: Shallow circuits for deeper problems
text/2212.11887-abstract-only.txt | en 1 | Spin wave dispersion of ultra-low damping hematite ($\alpha\text{-Fe}_2\text{O}_3$) at GHz frequencies
text/dmrgenie-pdftotext.txt | en 18 | DMRGenie: Graphical interface for entanglement renormalization
text/krotovs-method.rst.txt | en 10 | Krotov’s Method
text/zh-vqe-pdftotext.txt | zh 4 | 变分量⼦特征求解器（VQE）
"""  # noqa: E501 - a table


def _expected() -> dict[str, tuple[str, str, int]]:
    rows = (line.split(" | ") for line in TABLE.strip().splitlines())
    return {source: (title, *_numbers(numbers)) for source, numbers, title in rows}


def _numbers(text: str) -> tuple[str, int]:
    language, sections = text.split()
    return language, int(sections)


EXPECTED = _expected()
LONG = {"pdf/krotov-manual-v1.0.0.pdf": 180}  # sections, about
# Entries that begin with their number and hold a year, one after the other.
REFERENCE_LIST = re.compile(r"(?m)(?:^\[?\d{1,3}[\].][^\n]*\(?(?:19|20)\d\d\b[^\n]*\n+){3}")

TWINS = [
    ("html/krotovs-method.html", "text/krotovs-method.rst.txt"),
    ("html/thewalrus.html", "markdown/thewalrus/paper.md"),
    ("html/thewalrus.html", "pdf/thewalrus-joss-draft.pdf"),
    ("markdown/thewalrus/paper.md", "pdf/thewalrus-joss-draft.pdf"),
    ("latex/dftk-juliacon/paper.tex", "pdf/jcon-00069-dftk.pdf"),
    ("pdf/jcon-00183-dmrgenie.pdf", "text/dmrgenie-pdftotext.txt"),
    ("pdf/zh-vqe.pdf", "text/zh-vqe-pdftotext.txt"),
    *(
        (f"jsonl/unarxive_native.jsonl#2212.{number}", f"papers.jsonl#arXiv:2212.{number}")
        for number in ("11807", "11827", "11831", "11894")
    ),
    ("text/2212.11807-paulis-electron.txt", "papers.jsonl#arXiv:2212.11807"),
    ("text/2212.11827-differential-dynamic-microscopy.txt", "papers.jsonl#arXiv:2212.11827"),
    ("text/2212.11829-conformal-field-theory.txt", "papers.jsonl#arXiv:2212.11829"),
    ("text/2212.11862-reduce-and-chop.txt", "papers.jsonl#arXiv:2212.11862"),
    ("text/2212.11887-abstract-only.txt", "papers.jsonl#arXiv:2212.11887"),
]
# Some share more, and must go on doing so.
SHARPER = {
    ("pdf/jcon-00183-dmrgenie.pdf", "text/dmrgenie-pdftotext.txt"): 0.95,
    ("pdf/zh-vqe.pdf", "text/zh-vqe-pdftotext.txt"): 0.95,
}
# Its Markdown was revised after the PDF was made: they share 0.61, and docs/readers.md says why it cannot be more.
REVISED = "markdown/quantumreservoirpy/paper.md", "pdf/quantumreservoirpy-joss-draft.pdf"


@cache
def corpus() -> dict[str, Paper]:
    return {paper.source.removeprefix("papers/"): paper for paper in read_papers([REAL], ReadReport())}


@cache
def report() -> ReadReport:
    found = ReadReport()
    for _ in read_papers([REAL], found):
        pass
    return found


def test_every_file_is_read_or_has_its_reason() -> None:
    found = report()
    assert found.unread == 0, found.unread_notes
    # Parts of LaTeX papers, bibliographies, the manifest: by what is said of each.
    assert all(
        note.endswith((".bib", ".tsv")) or "part of" in note or "figure" in note for note in found.ignored_notes
    ), found.ignored_notes
    assert set(corpus()) - {"ATTRIBUTION.md"} == set(EXPECTED) | {
        "text/zh-understanding-quantum-computing-gb18030.txt"
    } - {note.split(" is the same")[0].removeprefix("papers/") for note in found.repeated_notes}


@pytest.mark.parametrize("source", EXPECTED)
def test_title_language_and_sections(source: str) -> None:
    paper = corpus()[source]
    title, language, sections = EXPECTED[source]
    assert (paper.title, paper.language) == (title, language)
    assert len(paper.sections) == pytest.approx(sections, abs=20 if source in LONG else 0)


@pytest.mark.parametrize("source", EXPECTED)
def test_passages_are_exact_whole_and_without_a_list_of_references(source: str) -> None:
    paper = corpus()[source]
    blocks = [block for section in paper.sections for block in section.blocks]
    # Without the white space around them, which is none of theirs.
    atoms = [trim(paper.text, each.start, each.end) for each in blocks if each.kind is not BlockKind.PARAGRAPH]
    division = divide(paper, count=approximate_tokens)
    assert division.passages
    for passage in division.passages:
        text = paper.text[passage.start : passage.end]
        assert text == text.strip() != ""
        assert not REFERENCE_LIST.search(text), text[:300]
        cut = [(start, end) for start, end in atoms if _is_cut(start, end, passage.start, passage.end)]
        assert not cut, [paper.text[start:end][:80] for start, end in cut]


def test_lists_of_references_are_left_out_where_papers_have_one() -> None:
    having = {source for source in EXPECTED if any(_references(corpus()[source]))}
    assert {source for source in EXPECTED if source.startswith("pdf/jcon")} <= having


@pytest.mark.parametrize(("one", "other"), TWINS)
def test_two_formats_of_a_paper_say_the_same(one: str, other: str) -> None:
    assert shared(corpus()[one], corpus()[other]) >= SHARPER.get((one, other), 0.90)


def test_of_a_revised_paper_all_is_read_that_the_other_revision_has() -> None:
    markdown, pdf = (grams(corpus()[source]) for source in REVISED)
    drawn = word_grams(_bare_text(REAL / REVISED[1]))
    assert len(markdown & drawn) / len(markdown) < 0.61, "no reader of this PDF could find more"
    assert markdown & drawn <= pdf
    assert shared(*(corpus()[source] for source in REVISED)) >= 0.61


def _bare_text(path: Path) -> str:
    """Return all that the library finds in a PDF, without the numbers of lines and with broken words whole."""
    with pypdfium2.PdfDocument(path) as document:
        text = "\n".join(page.get_textpage().get_text_range() for page in document).replace("\r", "")
    return re.sub(r"[-\x02\ufffe]\n\s*(?=[a-z])", "", re.sub(r"(?m)^\d+\s", "", text))


def _is_cut(start: int, end: int, first: int, last: int) -> bool:
    """Say whether a block lies partly in a passage."""
    inside = start < last and end > first
    return inside and not (first <= start and end <= last)


def _references(paper: Paper) -> Iterable[bool]:
    return (each.reason is Reason.REFERENCES for each in left_out(paper, count=approximate_tokens))
