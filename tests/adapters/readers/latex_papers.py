"""What the tests of LaTeX papers share: short ways to write a paper and to look at what was read."""

from __future__ import annotations

import re
from collections.abc import Mapping

from qwen_dataset.adapters.readers.latex import read_latex
from qwen_dataset.domain.papers import BlockKind, Paper
from tests.adapters.readers.test_markdown import blocks, check

INNER = re.compile("[\ufdd0-\ufdef]")


def read(text: str, files: Mapping[str, str | bytes] | None = None, source: str = "papers/some-paper.tex") -> Paper:
    held = {name: data.encode() if isinstance(data, str) else data for name, data in (files or {}).items()}
    paper = read_latex(text.encode(), source=source, companion=held.get)
    check(paper)
    assert not INNER.search(paper.text + paper.title + " ".join((*paper.authors, *paper.warnings)))
    return paper


def document(body: str, preamble: str = "") -> str:
    return f"\\documentclass{{article}}\n{preamble}\n\\begin{{document}}\n{body}\n\\end{{document}}\nNot read.\n"


def prose(body: str, preamble: str = "") -> list[str]:
    return blocks(read(document(body, preamble)), BlockKind.PARAGRAPH)


def formulas(paper: Paper) -> list[str]:
    return blocks(paper, BlockKind.FORMULA)


# Displayed formulas of every kind; each must be one block, whatever stands around it.
DISPLAYS = [
    "\\begin{equation}\n a = b\n\\end{equation}",
    "\\begin{align*}\n a &= b \\\\\n &= \\foo{c}\n\\end{align*}",
    "\\[ x \\\\[2pt] y \\]",
    "$$ x = \\text{a \\$5 note} $$",
    "\\begin{gather}\\begin{split}a\\end{split}\\end{gather}",
    "\\begin{eqnarray}\na\n\n&=& b\n\\end{eqnarray}",
    "\\begin{multline} \\mbox{if $x$ and $$ } \\end{multline}",
    "\\begin{equation}\\begin{array}{l} \\text{\\verb|x|} \\end{array}\\end{equation}",
]
